package server

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/repository/folder"
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
			knows(t, s, head)
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

// A pull request that nobody saw open, since it was opened and merged between two
// looks, is found by the forge's word, and also if its commits were rebased.
func TestReviewOfWhatWasNeverSeenOpen(t *testing.T) {
	for name, c := range map[string]struct {
		merge [][]string
		want  string
	}{
		"squashed":       {[][]string{{"merge", "-q", "--squash", "change"}, {"commit", "-q", "-m", "A change"}}, "hello#1 by jonas: mara approved it"},
		"rebased":        {[][]string{{"cherry-pick", "change~1", "change"}}, "hello#1 by jonas: mara approved it"},
		"only its first": {[][]string{{"cherry-pick", "change~1"}}, ""},
		"more than it":   {[][]string{{"cherry-pick", "change~1"}, {"commit", "-q", "--allow-empty", "-m", "Nothing"}, {"cherry-pick", "change"}, {"rm", "-q", "hello.py"}, {"commit", "-q", "-m", "More"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := hubWorld(t)
			clone := filepath.Join(w.dir, "work", "hello")
			run := func(args ...string) string { return w.git(t, append([]string{"-C", clone}, args...)...) }
			head := w.propose(t, "jonas", map[string]string{"hello.py": "print('hello, you')\n"})
			w.write(t, "work/hello/note.txt", "a note\n")
			run("add", "-A")
			run("commit", "-q", "-m", "a note")
			run("push", "-q", "origin", "HEAD:change")
			second := run("rev-parse", "HEAD")
			w.hub.change(func() { w.hub.requests[1].Head = second })
			w.review("mara", "approve")
			run("checkout", "-q", "-B", "main", "origin/main")
			run("commit", "-q", "--allow-empty", "-m", "meanwhile")
			for _, args := range c.merge {
				run(args...)
			}
			commit := run("rev-parse", "HEAD")
			run("push", "-q", "origin", "HEAD:other")
			w.hub.change(func() {
				p := w.hub.requests[1]
				p.State, p.Commits = "merged", []slipway.Commit{{ID: head}, {ID: second}}
				w.hub.came = map[string][]int{commit: {1}}
			})
			s, _ := w.idle(t)
			r, err := s.reviewOf(t.Context(), at{Forge: "home", Repository: "hello"}, commit)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if r != nil {
				got = r.String()
			}
			if got != c.want {
				t.Errorf("it is %q, want %q", got, c.want)
			}
		})
	}
}

// What a server releases it attests, with who reviewed the change.
func TestReleaseOfAReviewedChange(t *testing.T) {
	w := hubWorld(t)
	s, stop := w.talks(t)
	defer stop()
	untilJobs(t, s, jobShip, 1)
	head := w.propose(t, "jonas", map[string]string{"hello.py": "print('hello, you')\n"})
	w.review("mara", "approve")
	knows(t, s, head)
	w.hub.change(func() { w.hub.requests[1].State = "merged" })
	w.git(t, "-C", filepath.Join(w.dir, "work", "hello"), "push", "-q", "origin", head+":main")
	untilJobs(t, s, jobShip, 2)
	h, err := s.history(t.Context(), "hello", "staging")
	if err != nil {
		t.Fatal(err)
	}
	repo, err := folder.Open(filepath.Join(w.dir, "artifacts", "staging"))
	if err != nil {
		t.Fatal(err)
	}
	var reviews []string
	for _, e := range h.Entries {
		if len(e.Statements) == 0 {
			t.Errorf("entry %d, %s, names no statement", e.Number, e.Kind)
		}
		for _, d := range e.Statements {
			data, _, err := repo.Read(t.Context(), slipway.StatementKey("hello", d))
			if err != nil {
				t.Fatal(err)
			}
			envelope, err := evidence.Unwrap(data)
			if err != nil {
				t.Fatal(err)
			}
			if r, err := evidence.Read[slipway.ChangeReview](envelope); err == nil {
				reviews = append(reviews, e.Kind+": "+r.String())
			}
		}
	}
	if diff := cmp.Diff([]string{"release.created: hello#1 by jonas: mara approved it"}, reviews); diff != "" {
		t.Errorf("reviews (-want +got):\n%s", diff)
	}
}

// knows waits until the server has seen the pull request with a head.
func knows(t *testing.T, s *Server, head string) {
	t.Helper()
	eventually(t, s, "the pull request is known", func() bool {
		row, _, err := s.store.PullRequest(t.Context(), "home", "hello", 1)
		if err != nil {
			t.Fatal(err)
		}
		return row.Head == head
	})
}
