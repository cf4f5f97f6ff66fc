package server

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/merge"
	"github.com/slipway-cd/slipway/store"
)

// quiet is a server's configuration that tells nothing and sweeps seldom.
func (w *world) quiet(b *testing.B) Config {
	c := w.config(b)
	c.Log, c.Tick, c.Watch, c.Retry, c.Poll = slog.New(slog.DiscardHandler), 0, 0, 0, 0
	return c
}

// spread reports the half and the worst hundredth of what was measured.
func spread(b *testing.B, all []time.Duration) {
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(0, "ns/op")
}

const busyApps = 100

// busy is a server with 100 apps, one in a repository, each with an open pull
// request, about which webhooks come in all the time.
func busy(b *testing.B) (w *world, s *Server, tell func(body string)) {
	w = newWorld(b)
	w.hub = newHub(w)
	w.write(b, "platform.yaml", strings.Replace(reviewers(), "every: 1s", "every: 1h", 1))
	for i := range busyApps {
		w.manyRequests(b, fmt.Sprintf("r%d", i), 1+i, 1)
	}
	s, _ = w.servingWith(b, w.quiet(b))
	w.settled(b, s, false)
	untilJobs(b, s, jobShip, busyApps)
	h := w.client(b, s)
	var n atomic.Int64
	tell = func(body string) {
		r, err := http.NewRequest(http.MethodPost, h.URL+"/hooks/home", strings.NewReader(fmt.Sprintf("%d %s", n.Add(1), body)))
		if err != nil {
			b.Error(err)
			return
		}
		r.Header.Set("X-Secret", "s3cret")
		answer, err := h.Client().Do(r)
		if err != nil {
			b.Error(err)
			return
		}
		_ = answer.Body.Close() // of which nothing is read
	}
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	wg.Go(func() { // 20 webhooks a second about anything
		r := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // the same each time
		for pause(ctx, 50*time.Millisecond) {
			i := r.IntN(busyApps)
			tell(fmt.Sprintf("r%d %d", i, 1+i))
		}
	})
	b.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	return w, s, tell
}

// BenchmarkWebhookToFirstStep measures from a push's webhook to the begin of the
// first step of its road, while webhooks about 100 apps come in.
func BenchmarkWebhookToFirstStep(b *testing.B) {
	w, s, tell := busy(b)
	var all []time.Duration
	for i := 0; b.Loop(); i++ {
		name := fmt.Sprintf("r%d", i%busyApps)
		repository := filepath.Join(w.dir, "git", name+".git")
		text := fmt.Sprintf("change %d", i)
		w.feed(b, repository, fmt.Sprintf("commit refs/heads/main\ncommitter A <a@example.com> 1700000000 +0000\ndata 6\nchange\nfrom refs/heads/main^0\nM 644 inline README.md\ndata %d\n%s\n\n", len(text), text), "fast-import", "--quiet")
		_, newest, err := s.store.EventSpan(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		tell(name + " 0")
		eventually(b, s, "the first step of a push", func() bool {
			events, err := s.store.Events(b.Context(), store.EventFilter{After: newest, Subject: "push/home/" + name}, 10)
			if err != nil {
				b.Fatal(err)
			}
			return slices.ContainsFunc(events, func(e store.Event) bool { return e.Kind == "job.began" })
		})
		all = append(all, time.Since(began))
	}
	spread(b, all)
}

// BenchmarkGreenToLabel measures from the webhook of the last thing that a pull
// request waited for to its label, while webhooks about 100 apps come in.
func BenchmarkGreenToLabel(b *testing.B) {
	w, s, tell := busy(b)
	var all []time.Duration
	for i := 0; b.Loop(); i++ {
		n := 1 + i%busyApps
		verdict, met := "approve", true
		if i/busyApps%2 == 1 {
			verdict, met = "reject", false
		}
		w.hub.change(func() {
			p := w.hub.requests[n]
			p.Reviews = append(p.Reviews, slipway.Review{ID: strconv.Itoa(i), By: "jonas", Verdict: verdict, Commit: p.Head, Time: time.Now()})
			p.Updated = time.Now()
		})
		began := time.Now()
		tell(fmt.Sprintf("r%d %d", n-1, n))
		eventually(b, s, "the label", func() bool {
			w.hub.mu.Lock()
			defer w.hub.mu.Unlock()
			return w.hub.labels[n][merge.Label] == met
		})
		all = append(all, time.Since(began))
	}
	spread(b, all)
}

// BenchmarkDecisions measures jobs that are made, claimed and ended, each of which
// is on the disk before the next step.
func BenchmarkDecisions(b *testing.B) {
	w := newWorld(b)
	s, err := New(b.Context(), w.quiet(b))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	const nothing = "nothing"
	var ended atomic.Int64
	s.kinds[nothing] = kind{light, false, func(context.Context, store.Job) (done, error) {
		ended.Add(1)
		return done{}, nil
	}}
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { s.serve(ctx, ctx, []string{nothing}) })
	}
	next := pick(1 << 40)
	b.SetParallelism(8)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			i, _ := next()
			err := s.store.Change(b.Context(), func(tx *store.Tx) error {
				return s.once(b.Context(), tx, nothing, number(int64(i)), nil, "benchmark")
			})
			if err != nil {
				b.Error(err)
			}
			s.news.Ring()
		}
	})
	eventually(b, s, "the end of all", func() bool {
		waiting, running, err := s.store.CountJobs(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		return waiting+running == 0
	})
	b.ReportMetric(float64(ended.Load())/b.Elapsed().Seconds(), "jobs/s")
	cancel()
	wg.Wait()
}

// vast is a forge with so many repositories, in which nothing changes.
type vast int

func (v vast) Repositories(context.Context) ([]forge.Repository, error) {
	all := make([]forge.Repository, v)
	for i := range all {
		all[i] = forge.Repository{Name: fmt.Sprintf("team/r%d", i), DefaultBranch: "main", URL: fmt.Sprintf("https://git.example.com/team/r%d.git", i)}
	}
	return all, nil
}

func (vast) Refs(_ context.Context, _, seen string) (forge.Refs, error) {
	return forge.Refs{Mark: "same", Unchanged: seen == "same", Branches: map[string]string{"main": strings.Repeat("a", 40)}}, nil
}

func (vast) Remote(context.Context, string) (forge.Remote, error) { return forge.Remote{}, nil }

const manyApps = 50_000

// vastServer is a server that knows 50,000 apps, one in a repository. It does
// nothing by itself.
func vastServer(b *testing.B) (*world, *Server) {
	w := newWorld(b)
	c := w.quiet(b)
	c.Forge = func(context.Context, manifest.Forge) (forge.Forge, error) { return vast(manyApps), nil }
	s, err := New(b.Context(), c)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() }) // of a benchmark
	alter(b, s, func(tx *store.Tx) error {
		for i := range manyApps {
			name := fmt.Sprintf("r%d", i)
			for _, err := range []error{
				tx.PutApp(b.Context(), store.App{
					Name: name, Forge: "home", Repository: "team/" + name, Folder: ".", Team: "data", Shape: "python-job",
					Commit: strings.Repeat("a", 40), Tree: strings.Repeat("b", 40), Updated: s.Clock(),
				}),
				tx.PutRepository(b.Context(), store.Repository{Forge: "home", Name: "team/" + name, DefaultBranch: "main", RefsMark: "same", Looked: s.Clock()}),
				tx.PutRef(b.Context(), "home", "team/"+name, "heads/main", strings.Repeat("a", 40)),
			} {
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
	return w, s
}

// BenchmarkListApps pages through 50,000 apps.
func BenchmarkListApps(b *testing.B) {
	w, s := vastServer(b)
	h := w.client(b, s)
	for b.Loop() {
		n := 0
		for after := ""; ; {
			answer, err := h.Client().Get(h.URL + Root + "/apps?limit=1000&after=" + after)
			if err != nil {
				b.Fatal(err)
			}
			var page List[store.App]
			err = json.NewDecoder(answer.Body).Decode(&page)
			_ = answer.Body.Close() // it was read
			if err != nil {
				b.Fatal(err)
			}
			n += len(page.Items)
			if after = page.Next; after == "" {
				break
			}
		}
		if n != manyApps {
			b.Fatalf("%d apps, want %d", n, manyApps)
		}
	}
	if err := s.Close(); err != nil { // which writes all of it to the one file
		b.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(s.stateFolder(), "slipway.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size())/manyApps*1000/(1<<20), "MB/1000-apps")
}

// BenchmarkSweep looks once at 50,000 repositories.
func BenchmarkSweep(b *testing.B) {
	_, s := vastServer(b)
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { s.serve(ctx, ctx, []string{jobLookForge, jobLookRefs}) })
	}
	for b.Loop() {
		alter(b, s, func(tx *store.Tx) error { return s.once(b.Context(), tx, jobLookForge, "home", nil, "benchmark") })
		s.news.Ring()
		for { // it is looked at now and then, so as not to take part
			waiting, running, err := s.store.CountJobs(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			if waiting+running == 0 {
				break
			}
			pause(ctx, 50*time.Millisecond)
		}
	}
	cancel()
	wg.Wait()
}

// BenchmarkWatch looks once at the runs of 1,000 apps that are deployed.
func BenchmarkWatch(b *testing.B) {
	w := newWorld(b)
	s, err := New(b.Context(), w.quiet(b))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	const apps = 1000
	for i := range apps {
		deployed(b, s, fmt.Sprintf("r%d", i))
	}
	for b.Loop() {
		if err := s.watchAll(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/apps, "µs/app")
	b.ReportMetric(0, "ns/op")
}

// deployed tells the ledger that an app is live in staging, on a runtime that does
// not know it.
func deployed(b *testing.B, s *Server, app string) {
	b.Helper()
	l, sub := s.host.State().Ledger(), ledger.Subject{App: app, Environment: "staging"}
	plan := slipway.Plan{Target: slipway.Target{App: app, Environment: "staging", Version: "1.0.0", Shape: "python-job"}}
	for i, d := range []ledger.Draft{
		{Kind: ledger.DeploymentStarted, Body: slipway.Deployment{Number: 1, Plan: plan}},
		{Kind: ledger.DeploymentEnded, Body: ledger.DeploymentEnd{Number: 1, State: slipway.Deployed, Handle: slipway.Handle{App: app, Environment: "staging", Name: app}}},
	} {
		d.Subject, d.After, d.ID, d.Time, d.By = sub, int64(i), strconv.Itoa(i), s.Clock().UTC(), "mara"
		if _, err := l.Append(b.Context(), d); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLost measures from the start of a server until the forge shows of 500 open
// pull requests in 10 repositories where they stand, with no webhook at all.
func BenchmarkLost(b *testing.B) {
	for b.Loop() {
		w := newWorld(b)
		w.hub = newHub(w)
		w.write(b, "platform.yaml", reviewers())
		for i := range 10 {
			w.manyRequests(b, fmt.Sprintf("r%d", i), 1+50*i, 50)
		}
		began := time.Now()
		s, stop := w.servingWith(b, w.quiet(b))
		w.settled(b, s, false)
		b.ReportMetric(float64(time.Since(began).Nanoseconds()), "ns/op")
		stop()
	}
}
