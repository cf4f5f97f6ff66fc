package slipway

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A Release is an app's artifacts and manifest at one commit. Nothing in it
// ever changes.
type Release struct {
	App       string     `json:"app"`
	Version   string     `json:"version"`
	Team      string     `json:"team,omitempty"`
	Source    Source     `json:"source"`
	Artifacts []Artifact `json:"artifacts"`
	Manifest  Artifact   `json:"manifest"` // resolved for each environment
	Checks    Artifact   `json:"checks"`
	Created   time.Time  `json:"created"`
	By        string     `json:"by"`
}

// Files are all that the release consists of: its artifacts, its manifest and its check
// results.
func (r Release) Files() []Artifact {
	return append(slices.Clone(r.Artifacts), r.Manifest, r.Checks)
}

// SameBytes reports whether two releases ship the same artifacts and manifest.
// Check results may differ: they hold times.
func (r Release) SameBytes(o Release) bool {
	if r.App != o.App || r.Version != o.Version || r.Manifest.Digest != o.Manifest.Digest || len(r.Artifacts) != len(o.Artifacts) {
		return false
	}
	for i, a := range r.Artifacts {
		if a.Name != o.Artifacts[i].Name || a.Digest != o.Artifacts[i].Digest {
			return false
		}
	}
	return true
}

// Bytes is the digest of everything that the release ships: its artifacts and its
// manifest. Another release of the same bytes has the same.
func (r Release) Bytes() Digest {
	var lines []string
	for _, a := range append(slices.Clone(r.Artifacts), r.Manifest) {
		lines = append(lines, fmt.Sprintf("%s %s %s\n", r.App, a.Digest, a.Name))
	}
	slices.Sort(lines)
	return DigestOf([]byte(strings.Join(lines, "")))
}

var versionPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]*$`)

// CheckVersion says whether v can name a release; it becomes part of a key, so
// it holds no slash and no blank.
func CheckVersion(v string) error {
	if len(v) <= 128 && versionPattern.MatchString(v) && !strings.Contains(v, "..") {
		return nil
	}
	return Errorf(Invalid, "%q cannot be a version", v).
		WithFix("use letters, digits, dots, hyphens, underscores and plus signs, at most 128, such as v1.4.0")
}

// ReleaseKey returns the key of a release's record in an artifact repository.
func ReleaseKey(app, version string) string {
	return fmt.Sprintf("%s/releases/%s.json", app, version)
}
