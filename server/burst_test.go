package server

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/merge"
	"github.com/slipway-cd/slipway/store"
)

// manyRequests opens n pull requests, each with a head of its own, in a repository
// that is new. first is the number of the first.
func (w *world) manyRequests(t testing.TB, name string, first, n int) {
	t.Helper()
	w.git(t, "init", "-q", "--bare", "-b", "main", "git/"+name+".git")
	w.forge.add(name)
	repository := filepath.Join(w.dir, "git", name+".git")
	var in strings.Builder
	manifest := strings.Replace(helloText, "app: hello", "app: "+name, 1)
	fmt.Fprintf(&in, "commit refs/heads/main\ncommitter A <a@example.com> 1700000000 +0000\ndata 4\nmain\n")
	fmt.Fprintf(&in, "M 644 inline app/slipway.yaml\ndata %d\n%s\nM 644 inline app/hello.py\ndata 2\n#\n\n", len(manifest), manifest)
	for i := range n {
		fmt.Fprintf(&in, "commit refs/heads/change-%d\ncommitter A <a@example.com> 1700000000 +0000\ndata 6\nchange\nfrom refs/heads/main\nM 644 inline notes-%d.md\ndata 2\n#\n\n", first+i, i)
	}
	w.feed(t, repository, in.String(), "fast-import", "--quiet")
	heads := map[string]string{}
	for line := range strings.Lines(w.git(t, "-C", repository, "for-each-ref", "--format=%(refname:short) %(objectname)")) {
		branch, commit, _ := strings.Cut(strings.TrimSpace(line), " ")
		heads[branch] = commit
	}
	w.hub.change(func() {
		for i := range n {
			branch := fmt.Sprintf("change-%d", first+i)
			w.hub.requests[first+i] = &slipway.PullRequest{
				Repository: name, Number: first + i, Title: "A change", Author: "mara", State: "open", HeadBranch: branch, Base: "main",
				Head: heads[branch], BaseCommit: heads["main"], Updated: time.Now(), Files: []slipway.ChangedFile{{Path: fmt.Sprintf("notes-%d.md", i), Change: "added", Added: 1}},
				Commits: []slipway.Commit{{ID: heads[branch], Author: "mara", Message: "change"}},
			}
		}
	})
}

// approveAll lets somebody approve every open pull request.
func (w *world) approveAll(by string) {
	w.hub.change(func() {
		for _, p := range w.hub.requests {
			p.Reviews = append(p.Reviews, slipway.Review{ID: by + p.Head, By: by, Verdict: "approve", Commit: p.Head, Time: time.Now()})
			p.Updated = time.Now()
		}
	})
}

// settled waits until the forge shows of every pull request whether it is ready.
func (w *world) settled(t testing.TB, s *Server, met bool) {
	t.Helper()
	eventually(t, s, fmt.Sprintf("all pull requests to be shown as met: %t", met), func() bool {
		w.hub.mu.Lock()
		defer w.hub.mu.Unlock()
		for n, p := range w.hub.requests {
			st, ok := w.hub.shown[p.Head][merge.Label]
			if !ok || (st.State == "pass") != met || w.hub.labels[n][merge.Label] != met {
				return false
			}
		}
		return true
	})
}

// counted are the calls to the forge since the last time.
func (w *world) counted() map[string]int {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	calls := maps.Clone(w.hub.calls)
	clear(w.hub.calls)
	return calls
}

// atMost fails where a call was made more often than it may be.
func atMost(t *testing.T, what string, calls map[string]int, most map[string]int) {
	t.Helper()
	for name, n := range most {
		if calls[name] > n {
			t.Errorf("%s: %d calls of %s, want at most %d", what, calls[name], name, n)
		}
	}
}

// TestEveryWebhookLost: with no webhook at all, the sweep finds what is new, and
// asks the forge only about that.
func TestEveryWebhookLost(t *testing.T) {
	repositories, each := 10, 50
	if testing.Short() {
		each = 5
	}
	w := newWorld(t)
	w.hub = newHub(w)
	w.write(t, "platform.yaml", reviewers())
	for i := range repositories {
		w.manyRequests(t, fmt.Sprintf("r%d", i), 1+i*each, each)
	}
	all := repositories * each
	s, _ := w.serving(t)
	w.settled(t, s, false)
	once := map[string]int{"PullRequest": all, "Report": all, "Comment": all, "Label": all}
	atMost(t, "the first sweep", w.counted(), once)
	w.approveAll("jonas")
	w.settled(t, s, true)
	atMost(t, "the sweep after all were approved", w.counted(), once)
	pass := func() { // one more sweep comes to its end
		before := w.counted()["PullRequests"]
		eventually(t, s, "another sweep", func() bool {
			w.hub.mu.Lock()
			defer w.hub.mu.Unlock()
			return w.hub.calls["PullRequests"] > before+repositories
		})
	}
	pass()
	w.counted()
	pass()
	atMost(t, "a sweep that finds nothing new", w.counted(), map[string]int{"PullRequest": 0, "Report": 0, "Comment": 0, "Label": 0})
}

// reviewers is a platform on which every change needs the word of a colleague.
func reviewers() string {
	return strings.NewReplacer(
		"people: {mara", "people: {jonas: {name: Jonas, login: jonas}, mara", "people: [mara]", "people: [mara, jonas]",
	).Replace(platformText) + "merge:\n  review:\n    - name: a colleague\n      requires: {count: 1, teams: [data]}\n"
}

// TestBurst: ten thousand webhooks at once, doubled, out of order, forged, replayed
// and of things that are none of ours, leave the state right, and the forge is asked
// about each pull request once a second at most.
func TestBurst(t *testing.T) {
	deliveries, requests := 10_000, 20
	if testing.Short() {
		deliveries = 500
	}
	w := newWorld(t)
	w.hub = newHub(w)
	w.write(t, "platform.yaml", strings.Replace(reviewers(), "every: 1s", "every: 1h", 1)) // the sweep is out of this
	w.manyRequests(t, "r", 1, requests)
	s, _ := w.serving(t)
	w.settled(t, s, false)
	w.counted()
	h := w.client(t, s)
	began := time.Now()
	answers := w.send(t, h, deliveries, func(r *rand.Rand, i int) (secret, body string) {
		if i == deliveries/2 {
			w.approveAll("jonas")
		}
		switch r.IntN(10) {
		case 0:
			return "forged", fmt.Sprintf("%d r %d", i, 1+r.IntN(requests))
		case 1:
			return "s3cret", fmt.Sprintf("%d unknown 7", i)
		case 2:
			return "s3cret", fmt.Sprintf("%d r %d", max(0, i-r.IntN(100)), 1+r.IntN(requests)) // a replay
		default:
			return "s3cret", fmt.Sprintf("%d r %d", i, 1+r.IntN(requests))
		}
	})
	for n := range requests { // the last word about each
		answers = append(answers, w.send(t, h, 1, func(*rand.Rand, int) (string, string) { return "s3cret", fmt.Sprintf("last-%d r %d", n, n+1) })...)
	}
	w.settled(t, s, true)
	took := time.Since(began)
	count := map[int]int{}
	for _, code := range answers {
		count[code]++
	}
	if count[202]+count[401] != deliveries+requests || count[401] < deliveries/20 {
		t.Errorf("the webhooks were answered %v", count)
	}
	calls := w.counted()
	most := requests * (2 + int(took/restRequest))
	atMost(t, "the burst", calls, map[string]int{"PullRequest": most, "PullRequests": 1, "Report": 2 * requests, "Comment": 2 * requests, "Label": 2 * requests})
	t.Logf("%d webhooks in %s, calls %v", deliveries, took.Round(time.Millisecond), calls)
	rows, err := s.store.PullRequests(t.Context(), store.RequestFilter{}, store.PullRequest{}, 1000)
	if err != nil || len(rows) != requests {
		t.Fatalf("%d pull requests are known, want %d (%v)", len(rows), requests, err)
	}
	for _, row := range rows {
		var st merge.State
		if err := json.Unmarshal(row.State, &st); err != nil || !st.Met || row.Wanted != row.Shown {
			t.Errorf("#%d stands at %s, shown %t (%v)", row.Number, row.State, row.Wanted == row.Shown, err)
		}
	}
}

// send sends webhooks from many sides at once, and returns the answers.
func (w *world) send(t testing.TB, h *httptest.Server, n int, make func(r *rand.Rand, i int) (secret, body string)) []int {
	t.Helper()
	const senders = 20
	next := pick(n)
	var mu sync.Mutex
	var codes []int
	var wg sync.WaitGroup
	for sender := range min(senders, n) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(sender))) //nolint:gosec // a burst that is the same each time
			for {
				i, ok := next()
				if !ok {
					return
				}
				secret, body := make(r, i)
				q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.URL+"/hooks/home", strings.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				q.Header.Set("X-Secret", secret)
				answer, err := h.Client().Do(q)
				if err != nil {
					t.Error(err)
					return
				}
				_ = answer.Body.Close() // of which nothing is read
				mu.Lock()
				codes = append(codes, answer.StatusCode)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return codes
}

// pick gives each number below n to one who asks.
func pick(n int) func() (int, bool) {
	var mu sync.Mutex
	i := -1
	return func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		i++
		return i, i < n
	}
}
