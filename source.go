package slipway

import "time"

// A Source is an app's code at one commit of a git repository.
type Source struct {
	Root   string    `json:"-"`                // the repository's folder on this machine, absolute
	Path   string    `json:"path"`             // the app's folder in it, slashes, "." for the root
	Commit string    `json:"commit"`           // 40 hexadecimal digits
	Tree   string    `json:"tree"`             // git's name of the app's folder at that commit; of the dirty tree a digest of its files
	Time   time.Time `json:"time"`             // the commit's time, UTC
	Author string    `json:"author,omitempty"` // the e-mail address that the commit says its author has
	Tag    string    `json:"tag,omitempty"`
	Branch string    `json:"branch,omitempty"`
	Remote string    `json:"remote,omitempty"` // where others find it, without credentials
	Dirty  bool      `json:"dirty,omitempty"`  // built from the working tree, uncommitted changes included
}

// Version returns the version a release of this source has when nobody names
// one: the commit's tag, else "0.0.0-<commit time>-<12 digits of the commit>",
// with "-dirty.<8 digits of the tree>" behind it for uncommitted changes. The
// same source has the same version on every machine.
func (s Source) Version() string {
	v := s.Tag
	if v == "" || s.Dirty {
		v = "0.0.0-" + s.Time.UTC().Format("20060102150405") + "-" + s.Commit[:min(12, len(s.Commit))]
	}
	if s.Dirty {
		v += "-dirty." + s.Tree[:min(8, len(s.Tree))]
	}
	return v
}
