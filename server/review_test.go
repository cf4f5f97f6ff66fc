package server

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Who reviewed a commit is found however it was merged, and of nothing that is not
// the pull request's change.
func TestReviewOf(t *testing.T) {
	for name, c := range map[string]struct {
		merge [][]string // what git is told, in a clone on main; HEAD is what comes of it
		state string
		want  string
	}{
		"fast forward":                 {[][]string{{"merge", "-q", "--ff-only", "change"}}, "merged", "hello#1 by jonas: mara approved it"},
		"a merge":                      {[][]string{{"merge", "-q", "--no-ff", "-m", "Merge", "change"}}, "merged", "hello#1 by jonas: mara approved it"},
		"squashed":                     {[][]string{{"merge", "-q", "--squash", "change"}, {"commit", "-q", "-m", "A change (#1)"}}, "merged", "hello#1 by jonas: mara approved it"},
		"squashed, and its number not": {[][]string{{"merge", "-q", "--squash", "change"}, {"commit", "-q", "-m", "A change"}}, "merged", ""},
		"another change by its number": {[][]string{{"commit", "-q", "--allow-empty", "-m", "Nothing (#1)"}}, "merged", ""},
		"an unknown number":            {[][]string{{"commit", "-q", "--allow-empty", "-m", "Nothing (#7)"}}, "merged", ""},
		"on top of it":                 {[][]string{{"merge", "-q", "--ff-only", "change"}, {"commit", "-q", "--allow-empty", "-m", "More"}}, "merged", ""},
		"not merged":                   {[][]string{{"merge", "-q", "--ff-only", "change"}}, "closed", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := hubWorld(t)
			s, stop := w.serving(t)
			defer stop()
			head := w.propose(t, "jonas", map[string]string{"hello.py": "print('hello, you')\n"})
			w.review("mara", "approve")
			w.review("mara", "comment")
			eventually(t, s, "the pull request is known", func() bool {
				row, _, err := s.store.PullRequest(t.Context(), "home", "hello", 1)
				if err != nil {
					t.Fatal(err)
				}
				return row.Head == head
			})
			clone := filepath.Join(w.dir, "work", "hello")
			w.git(t, "-C", clone, "checkout", "-q", "-B", "main", "origin/main")
			for _, args := range c.merge {
				w.git(t, append([]string{"-C", clone}, args...)...)
			}
			commit := w.git(t, "-C", clone, "rev-parse", "HEAD")
			w.git(t, "-C", clone, "push", "-q", "origin", "HEAD:other")
			w.hub.change(func() { w.hub.requests[1].State = c.state })
			r, err := s.reviewOf(t.Context(), at{Forge: "home", Repository: "hello"}, commit)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if r != nil {
				got = r.String()
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if r != nil && (r.Commit != commit || r.Head != head) {
				t.Errorf("it is about %s and %s", r.Commit, r.Head)
			}
		})
	}
}
