package slipway

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Digest names bytes by their SHA-256: "sha256:" and 64 hexadecimal digits.
type Digest string

// DigestOf returns the digest of data.
func DigestOf(data []byte) Digest {
	sum := sha256.Sum256(data)
	return Digest("sha256:" + hex.EncodeToString(sum[:]))
}

// Hex returns the digits without the algorithm.
func (d Digest) Hex() string { return strings.TrimPrefix(string(d), "sha256:") }

// Short returns the first eight digits, enough for a person to tell two apart.
func (d Digest) Short() string {
	h := d.Hex()
	return h[:min(8, len(h))]
}

// Valid reports whether d has the form of a digest.
func (d Digest) Valid() bool {
	h, ok := strings.CutPrefix(string(d), "sha256:")
	if !ok || len(h) != 64 {
		return false
	}
	return strings.Trim(h, "0123456789abcdef") == ""
}

// ArtifactKind says what an artifact is for.
type ArtifactKind string

// The kinds of artifact.
const (
	KindScript   ArtifactKind = "script"   // what the runtime executes
	KindModules  ArtifactKind = "modules"  // a zip of helper modules
	KindFile     ArtifactKind = "file"     // an output of the team's own build step
	KindManifest ArtifactKind = "manifest" // the manifest, resolved for each environment
	KindChecks   ArtifactKind = "checks"   // the check results
)

// An Artifact is bytes under a digest. Name is its file name and never holds a
// folder.
type Artifact struct {
	Name   string       `json:"name"`
	Kind   ArtifactKind `json:"kind"`
	Digest Digest       `json:"digest"`
	Size   int64        `json:"size"` // bytes
	Key    string       `json:"key"`  // where it lies in every artifact repository
}

// ArtifactKey returns the key under which an app's artifact lies in an artifact
// repository: "<app>/<digest, 8 hex>/<name>_<commit><extension>", so that people
// find the commit and bytes from a newer converter never collide with older
// ones. What keys cannot hold, such as a space in the name, is a hyphen in it.
func ArtifactKey(app, name string, digest Digest, commit string) string {
	ext := path.Ext(name)
	return app + "/" + digest.Short() + "/" + inKey(strings.TrimLeft(strings.TrimSuffix(name, ext), ".")) + "_" + commit + inKey(ext)
}

// inKey makes a part of a key of a name. Two names may share one, since the key
// has the digest too.
func inKey(name string) string {
	const longest = 100 // bytes, which leaves room for the rest of a key's segment
	var key strings.Builder
	for _, r := range name[:min(longest, len(name))] {
		if r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._-+=@", r)) {
			key.WriteRune(r)
		} else if !strings.HasSuffix(key.String(), "-") {
			key.WriteByte('-')
		}
	}
	return key.String()
}
