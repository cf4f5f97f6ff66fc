package server

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/merge"
	"github.com/slipway-cd/slipway/store"
)

const reviewed = `
review:
  - name: a colleague
    requires: {count: 1, teams: [data]}
`

// propose pushes a branch with files and opens a pull request with it.
func (w *world) propose(t *testing.T, author string, files map[string]string) string {
	t.Helper()
	clone := filepath.Join(w.dir, "work", "hello")
	base := w.git(t, "-C", clone, "rev-parse", "origin/main")
	w.git(t, "-C", clone, "checkout", "-q", "-B", "change", base)
	var changed []slipway.ChangedFile
	for name, text := range files {
		w.write(t, "work/hello/"+name, text)
		changed = append(changed, slipway.ChangedFile{Path: name, Change: "modified", Added: 1})
	}
	w.git(t, "-C", clone, "add", "-A")
	w.git(t, "-C", clone, "commit", "-q", "-m", "change")
	w.git(t, "-C", clone, "push", "-q", "--force", "origin", "HEAD:change")
	head := w.git(t, "-C", clone, "rev-parse", "HEAD")
	w.hub.change(func() {
		p := w.hub.requests[1]
		if p == nil {
			p = &slipway.PullRequest{Repository: "hello", Number: 1, Title: "A change", Author: author, State: "open", HeadBranch: "change", Base: "main"}
			w.hub.requests[1] = p
		}
		p.Head, p.BaseCommit, p.Files, p.Updated = head, base, changed, time.Now()
		p.Commits = []slipway.Commit{{ID: head, Author: author, Message: "change"}}
	})
	return head
}

// review lets somebody say something of the head.
func (w *world) review(by, verdict string) {
	w.hub.change(func() {
		p := w.hub.requests[1]
		p.Reviews = append(p.Reviews, slipway.Review{ID: by + time.Now().String(), By: by, Verdict: verdict, Commit: p.Head, Time: time.Now()})
		p.Updated = time.Now()
	})
}

// stands waits until a pull request stands as it should.
func stands(t *testing.T, s *Server, what string, fits func(merge.State) bool) merge.State {
	t.Helper()
	var st merge.State
	eventually(t, s, what, func() bool {
		row, _, err := s.store.PullRequest(t.Context(), "home", "hello", 1)
		if err != nil {
			t.Fatal(err)
		}
		st = merge.State{}
		if len(row.State) > 0 {
			if err := json.Unmarshal(row.State, &st); err != nil {
				t.Fatal(err)
			}
		}
		return row.Wanted == row.Shown && fits(st)
	})
	return st
}

func hubWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.hub = newHub(w)
	w.write(t, "platform.yaml", strings.NewReplacer(
		"people: {mara", "people: {jonas: {name: Jonas, login: jonas}, mara", "people: [mara]", "people: [mara, jonas]",
	).Replace(platformText))
	w.repository(t, "hello")
	w.push(t, "hello", with(hello, map[string]string{"slipway.yaml": helloText + reviewed}))
	return w
}

// TestMergeRequirements: a pull request is told what is missing, and when nothing
// is any more.
func TestMergeRequirements(t *testing.T) {
	w := hubWorld(t)
	s, _ := w.serving(t)
	first := w.propose(t, "mara", map[string]string{"hello.py": "print('better')\n"})
	st := stands(t, s, "the checks to pass", func(st merge.State) bool { return st.Head == first && len(st.Waits) == 1 })
	if st.Met || !strings.Contains(st.Summary, "review") || !strings.Contains(st.Summary, "jonas") {
		t.Errorf("it waits for: %s; want the review of jonas", st.Summary)
	}
	if got, _, _ := w.hub.see(first, checkName("hello", "unit")); got.State != "pass" {
		t.Errorf("the forge shows the check unit as %+v", got)
	}
	if got, label, _ := w.hub.see(first, merge.Label); got.State != "pending" || got.Summary == "" || label {
		t.Errorf("the forge shows %s as %+v, label %t", merge.Label, got, label)
	}
	w.review("mara", "approve") // of her own change
	w.review("jonas", "approve")
	stands(t, s, "the requirements to be met", func(st merge.State) bool { return st.Met })
	if got, label, comment := w.hub.see(first, merge.Label); !label || got.State != "pass" || !strings.HasPrefix(comment, marker) {
		t.Errorf("the forge shows label %t, status %+v, comment %q", label, got, comment)
	}
	if _, _, comment := w.hub.see(first, merge.Label); !strings.Contains(comment, "a plan of ") {
		t.Errorf("the comment has no plan:\n%s", comment)
	}
	w.hub.change(func() {
		p := w.hub.requests[1]
		p.Comments, p.Updated = append(p.Comments, slipway.Comment{ID: "c1", By: "jonas", Body: "Once more, please.\n/slipway check\n", Time: time.Now()}), time.Now()
	})
	untilJobs(t, s, jobCheck, 2)
	second := w.propose(t, "mara", map[string]string{"hello.py": "print('otherwise')\n", "fail": ""})
	st = stands(t, s, "the new commit to be judged", func(st merge.State) bool { return st.Head == second && len(st.Waits) == 2 && !st.Met })
	if got, label, _ := w.hub.see(second, checkName("hello", "unit")); label || got.State != "fail" {
		t.Errorf("the forge shows label %t, check %+v; it waits for %s", label, got, st.Summary)
	}
}

// TestStrangersAreNotBuilt: what comes from a fork waits for a member's word.
func TestStrangersAreNotBuilt(t *testing.T) {
	w := hubWorld(t)
	head := w.propose(t, "stranger", map[string]string{"hello.py": "print('evil')\n"})
	w.hub.change(func() { w.hub.requests[1].Fork = true }) // the server does not run yet
	s, _ := w.serving(t)
	stands(t, s, "the pull request to be looked at", func(st merge.State) bool { return st.Head == head })
	if all, err := s.store.Jobs(t.Context(), store.JobFilter{Kinds: []string{jobCheck}}, 10); err != nil || len(all) > 0 {
		t.Fatalf("a stranger's commit is built: %+v, %v", all, err)
	}
	w.review("jonas", "approve")
	untilJobs(t, s, jobCheck, 1)
}

// TestWebhooks: a webhook is a hint, when it is genuine and new.
func TestWebhooks(t *testing.T) {
	w := hubWorld(t)
	s, _ := w.serving(t)
	eventually(t, s, "the repository to be known", func() bool {
		r, _, err := s.store.Repository(t.Context(), "home", "hello")
		return err == nil && !r.Looked.IsZero()
	})
	h := w.client(t, s)
	send := func(forge, secret, body string) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.URL+"/hooks/"+forge, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Secret", secret)
		answer, err := h.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		return answer.StatusCode
	}
	head := w.propose(t, "mara", map[string]string{"hello.py": "print('better')\n"})
	for _, c := range []struct {
		forge, secret, body string
		want                int
	}{
		{"home", "wrong", "a hello 1", 401},
		{"home", "s3cret", "nonsense", 400},
		{"elsewhere", "s3cret", "a hello 1", 404},
		{"home", "s3cret", "a hello 1", 202},
		{"home", "s3cret", "a hello 1", 202}, // a replay
		{"home", "s3cret", "b unknown 1", 202},
		{"home", "s3cret", strings.Repeat("x", maxHook+1), 413},
	} {
		if got := send(c.forge, c.secret, c.body); got != c.want {
			t.Errorf("the webhook %.20q to %s was answered %d, want %d", c.body, c.forge, got, c.want)
		}
	}
	stands(t, s, "the checks to pass", func(st merge.State) bool { return st.Head == head && len(st.Waits) == 1 })
}
