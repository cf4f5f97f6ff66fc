package git

import (
	"context"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-cd/slipway"
)

// A status is what git says of the working files below one folder.
type status struct {
	commit    string
	branch    string
	changed   []change
	untracked []string // a folder of nothing but untracked files is one entry, with a slash behind
}

// A change is a tracked file that is not as committed.
type change struct {
	path string
	what string
}

func (r *Repository) status(ctx context.Context, folder string) (status, error) {
	out, err := r.git.run(ctx, "status", "--porcelain=v2", "--branch", "-z", "--no-renames", "--untracked-files=normal", "--", folder)
	if err != nil {
		return status{}, err
	}
	s := parseStatus(string(out))
	if s.commit == "" {
		return status{}, errNoCommit(r.root)
	}
	return s, nil
}

// parseStatus reads "git status --porcelain=v2 --branch -z --no-renames".
func parseStatus(out string) status {
	var s status
	for record := range strings.SplitSeq(out, "\x00") {
		switch kind, rest, _ := strings.Cut(record, " "); kind {
		case "#":
			s.header(rest)
		case "1":
			s.change(rest, 8)
		case "u":
			s.change(rest, 10)
		case "?":
			if !ownState(rest) {
				s.untracked = append(s.untracked, rest)
			}
		}
	}
	return s
}

func (s *status) header(line string) {
	switch key, value, _ := strings.Cut(line, " "); {
	case key == "branch.oid" && value != "(initial)":
		s.commit = value
	case key == "branch.head" && value != "(detached)":
		s.branch = value
	}
}

// change reads a record of n fields, the first "XY" and the last the path.
func (s *status) change(record string, n int) {
	f := strings.SplitN(record, " ", n)
	if len(f) == n {
		s.changed = append(s.changed, change{path: f[n-1], what: changeWord(f[0])})
	}
}

func changeWord(xy string) string {
	switch {
	case strings.Contains(xy, "U"), xy == "AA", xy == "DD":
		return "in conflict"
	case strings.Contains(xy, "D"):
		return "deleted"
	case strings.Contains(xy, "A"):
		return "added"
	}
	return "modified"
}

// ownState reports whether a path lies in Slipway's own folder, which is never
// part of an app.
func ownState(file string) bool {
	return slices.Contains(strings.Split(path.Clean(file), "/"), ".slipway")
}

// maxListed is how many files an error or a warning lists.
const maxListed = 5

func errUncommitted(folder string, changed []change) error {
	var b strings.Builder
	for i, c := range changed[:min(len(changed), maxListed)] {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(c.path + " (" + c.what + ")")
	}
	if len(changed) > maxListed {
		b.WriteString(", ...")
	}
	where := folder
	if where == "." {
		where = "the repository"
	}
	return slipway.Errorf(slipway.Invalid, "%s in %s: %s", count(len(changed)), where, b.String()).
		WithFix("commit first: git commit -am \"what changed\"; or take the files as they are now with --dirty")
}

func count(n int) string {
	if n == 1 {
		return "1 uncommitted change"
	}
	return strconv.Itoa(n) + " uncommitted changes"
}
