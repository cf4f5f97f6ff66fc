package slipway

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A ReleaseSet is several releases, of an app each, that come to an environment
// together or not at all.
type ReleaseSet struct {
	Digest  Digest      `json:"digest"` // of what the rest says
	From    string      `json:"from"`
	To      string      `json:"to"`
	Members []SetMember `json:"members"` // by app
}

// A SetMember is one release of a set.
type SetMember struct {
	App     string `json:"app"`
	Version string `json:"version"`
	Record  Digest `json:"record,omitempty"` // of the release; empty where it is still to be looked up
}

// NewReleaseSet makes a set. Its digest is that of lines that anybody can write:
// "FROM TO", then "APP VERSION RECORD" of each member by app.
func NewReleaseSet(from, to string, members []SetMember) ReleaseSet {
	members = slices.SortedFunc(slices.Values(members), func(a, b SetMember) int { return cmp.Compare(a.App, b.App) })
	var lines strings.Builder
	fmt.Fprintf(&lines, "%s %s\n", from, to)
	for _, m := range members {
		fmt.Fprintf(&lines, "%s %s %s\n", m.App, m.Version, m.Record)
	}
	return ReleaseSet{Digest: DigestOf([]byte(lines.String())), From: from, To: to, Members: members}
}

// Others names the members but for one app's, such as "roads v1.4.0 and traffic v2".
func (s ReleaseSet) Others(app string) string {
	var all []string
	for _, m := range s.Members {
		if m.App != app {
			all = append(all, m.App+" "+m.Version)
		}
	}
	return strings.Join(all, " and ")
}
