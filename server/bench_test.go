package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
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
	"github.com/slipway-cd/slipway/ledger/tree"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/merge"
	"github.com/slipway-cd/slipway/store"
	"github.com/slipway-cd/slipway/store/pgtest"
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

// busy is a server with so many apps, one in a repository, each with an open pull request,
// about which webhooks come in all the time.
func busy(b *testing.B, apps int) (w *world, s *Server, tell func(body string)) {
	w = newWorld(b)
	w.hub = newHub(w)
	w.write(b, "platform.yaml", strings.Replace(reviewers(), "every: 1s", "every: 1h", 1))
	for i := range apps {
		w.manyRequests(b, fmt.Sprintf("r%d", i), 1+i, 1)
	}
	s, _ = w.servingWith(b, w.quiet(b))
	w.settled(b, s, false)
	untilJobs(b, s, jobShip, apps)
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
			i := r.IntN(apps)
			tell(fmt.Sprintf("r%d %d", i, 1+i))
		}
	})
	b.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	return w, s, tell
}

// BenchmarkBusy measures how soon a server acts while webhooks about many apps come in.
// To build and check each of them once before that takes some ten minutes.
func BenchmarkBusy(b *testing.B) {
	all := []int{100, 1000}
	if testing.Short() {
		all = []int{20}
	}
	for _, apps := range all {
		b.Run(strconv.Itoa(apps), func(b *testing.B) {
			w, s, tell := busy(b, apps)
			b.Run("FirstStep", func(b *testing.B) { firstSteps(b, w, s, tell, apps) })
			b.Run("Label", func(b *testing.B) { labels(b, w, s, tell, apps) })
		})
	}
}

// firstSteps measures from a push's webhook to the begin of the first step of its road.
func firstSteps(b *testing.B, w *world, s *Server, tell func(body string), apps int) {
	var all []time.Duration
	for i := 0; b.Loop(); i++ {
		name := fmt.Sprintf("r%d", i%apps)
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

// labels measures from the webhook of the last thing that a pull request waited for to its
// label.
func labels(b *testing.B, w *world, s *Server, tell func(body string), apps int) {
	var all []time.Duration
	for i := 0; b.Loop(); i++ {
		n := 1 + i%apps
		verdict, met := "approve", true
		if i/apps%2 == 1 {
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
// is on the disk before the next step: by one server over its file, alone and beside four
// jobs that print all the time, and by one and three over a PostgreSQL.
func BenchmarkDecisions(b *testing.B) {
	b.Run("SQLite", func(b *testing.B) { decisions(b, newWorld(b), 1, 0) })
	b.Run("SQLiteAndLogs", func(b *testing.B) { decisions(b, newWorld(b), 1, 4) })
	for _, servers := range []int{1, 3} {
		b.Run(fmt.Sprintf("Postgres%d", servers), func(b *testing.B) {
			decisions(b, newWorld(b).lasting(b), servers, 0)
		})
	}
}

// fleet are servers that share a database, none of which does anything by itself.
func (w *world) fleet(b *testing.B, n int) (all []*Server) {
	b.Helper()
	for i := range n {
		c := w.quiet(b)
		c.Folder += strconv.Itoa(i)
		state := filepath.Join(c.Folder, "state")
		if i > 0 {
			key, err := os.ReadFile(filepath.Join(all[0].stateFolder(), tree.KeyFile))
			if err == nil {
				err = errors.Join(os.MkdirAll(state, 0o700), os.WriteFile(filepath.Join(state, tree.KeyFile), key, 0o600))
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		s, err := New(b.Context(), c)
		if err == nil {
			err = s.join(b.Context())
		}
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = s.Close() }) // of a benchmark
		all = append(all, s)
	}
	return all
}

// printing has so many jobs print 100 kB a second each, until ctx is done.
func printing(ctx context.Context, b *testing.B, s *Server, jobs int) (all []func()) {
	b.Helper()
	const kind, line = "printing", "a line of a hundred bytes, as a step of a build prints when it has nothing at all to say to anybody\n"
	for i := range jobs {
		alter(b, s, func(tx *store.Tx) error { //nolint:contextcheck // it has the test's
			_, _, err := tx.Enqueue(ctx, store.Job{Key: fmt.Sprint(kind, i), Kind: kind, Subject: fmt.Sprint(kind, i), Placement: store.Placement{Pool: kind}})
			return err
		})
		j, ok, err := claimedIn(ctx, s.store, store.Wanted{Pool: kind, Kinds: []string{kind}}, s.Clock(), false)
		if err != nil || !ok {
			b.Fatal(ok, err)
		}
		l, err := s.openLog(ctx, j)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, func() {
			for pause(ctx, 10*time.Millisecond) {
				fmt.Fprint(l, strings.Repeat(line, 10))
			}
			_ = l.Close(context.WithoutCancel(ctx)) // its job is cut short
		})
	}
	return all
}

// decisions measures them by so many servers, beside so many jobs that print.
func decisions(b *testing.B, w *world, servers, logs int) {
	const nothing = "nothing"
	var ended atomic.Int64
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	var wg sync.WaitGroup
	all := w.fleet(b, servers)
	for _, s := range all {
		s.kinds[nothing] = kind{poolTalk, func(context.Context, store.Job) (done, error) {
			ended.Add(1)
			return done{}, nil
		}}
		wg.Go(func() { _ = s.listen(ctx) }) // until all is done
		l := newLookout()
		for range 8 {
			wg.Go(func() { s.serve(ctx, ctx, l, store.Wanted{Pool: poolTalk, Kinds: []string{nothing}}) })
		}
	}
	for _, prints := range printing(ctx, b, all[0], logs) {
		wg.Go(prints)
	}
	next := pick(1 << 40)
	b.SetParallelism(8)
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			i, _ := next()
			s := all[i%len(all)]
			err := s.store.Change(b.Context(), func(tx *store.Tx) error {
				team := at{Forge: "home", Repository: fmt.Sprintf("team/%d", i%20)}
				return s.once(b.Context(), tx, nothing, string(slipway.DigestOf([]byte(number(int64(i))))), team, "benchmark")
			})
			if err != nil {
				b.Error(err)
			}
			s.news.Ring()
		}
	})
	eventually(b, all[0], "the end of all", func() bool {
		if ended.Load() < int64(b.N) { // to count takes its time, too
			return false
		}
		waiting, running, err := all[0].store.CountJobs(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		return waiting+running == int64(logs)
	})
	b.ReportMetric(float64(ended.Load())/b.Elapsed().Seconds(), "jobs/s")
	b.ReportMetric(0, "ns/op")
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

// onEach runs a benchmark of a server over its file, and over a PostgreSQL.
func onEach(b *testing.B, bench func(b *testing.B, w *world)) {
	b.Run("SQLite", func(b *testing.B) { bench(b, newWorld(b)) })
	b.Run("Postgres", func(b *testing.B) { bench(b, newWorld(b).lasting(b)) })
}

// lasting has the servers of a world share a PostgreSQL that waits for the disk, unlike
// the one of the tests.
func (w *world) lasting(b *testing.B) *world {
	b.Helper()
	url := pgtest.Start(b).New(b)
	w.place = func(string) string { return url }
	return w
}

// vastServer is a server that knows 50,000 apps, one in a repository. It does
// nothing by itself.
func vastServer(b *testing.B, w *world) *Server {
	b.Helper()
	c := w.quiet(b)
	c.Forge = func(context.Context, manifest.Forge, forge.Meter) (forge.Forge, error) { return vast(manyApps), nil }
	s, err := New(b.Context(), c)
	if err == nil {
		err = s.join(b.Context())
	}
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
	if url := w.place(c.Folder); strings.HasPrefix(url, "postgres:") {
		pgtest.Execute(b, url, "ANALYZE") // as it does by itself after a while
	}
	return s
}

// BenchmarkListApps pages through 50,000 apps.
func BenchmarkListApps(b *testing.B) { onEach(b, listApps) }

func listApps(b *testing.B, w *world) {
	s := vastServer(b, w)
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
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkSweep looks once at 50,000 repositories.
func BenchmarkSweep(b *testing.B) { onEach(b, sweeps) }

func sweeps(b *testing.B, w *world) {
	s := vastServer(b, w)
	before := inUse()
	var most uint64
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	l := newLookout()
	for range 8 {
		wg.Go(func() { s.serve(ctx, ctx, l, s.wanted(poolLook)) })
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
			most = max(most, inUse())
			pause(ctx, 100*time.Millisecond)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s")
	b.ReportMetric(float64(most-before)/(1<<20)/manyApps*1000, "MB/1000-apps")
	b.ReportMetric(0, "ns/op")
	cancel()
	wg.Wait()
}

// inUse is how much memory the process has of the system and does not give back.
func inUse() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Sys - m.HeapReleased
}

// BenchmarkWatch looks once at the runs of 50,000 apps that are deployed.
func BenchmarkWatch(b *testing.B) { onEach(b, watches) }

func watches(b *testing.B, w *world) {
	s, err := New(b.Context(), w.quiet(b))
	if err == nil {
		err = s.join(b.Context())
	}
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	apps := make([]string, manyApps)
	for i := range apps {
		apps[i] = fmt.Sprintf("r%d", i)
	}
	for page := range slices.Chunk(apps, 500) {
		alter(b, s, func(tx *store.Tx) error {
			for _, app := range page {
				if err := deployed(b.Context(), s, tx, app); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for b.Loop() {
		if err := s.watchAll(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s")
	b.ReportMetric(0, "ns/op")
}

// deployed tells the ledger that an app is live in staging, on a runtime that does
// not know it.
func deployed(ctx context.Context, s *Server, tx *store.Tx, app string) error {
	sub := ledger.Subject{App: app, Environment: "staging"}
	plan := slipway.Plan{Target: slipway.Target{App: app, Environment: "staging", Version: "1.0.0", Shape: "python-job"}}
	for i, d := range []ledger.Draft{
		{Kind: ledger.DeploymentStarted, Body: slipway.Deployment{Number: 1, Plan: plan}},
		{Kind: ledger.DeploymentEnded, Body: ledger.DeploymentEnd{Number: 1, State: slipway.Deployed, Handle: slipway.Handle{App: app, Environment: "staging", Name: app}}},
	} {
		d.Subject, d.After, d.ID, d.Time, d.By = sub, int64(i), strconv.Itoa(i), s.Clock().UTC(), "mara"
		if _, err := tx.Append(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkTakeover measures from the last sign of life of a process that is killed until
// another one has begun anew what it did, with the time of --lost that is the default.
func BenchmarkTakeover(b *testing.B) {
	w := newWorld(b).lasting(b)
	s := w.fleet(b, 1)[0]
	const nothing = "nothing"
	begun := make(chan store.Job)
	s.kinds[nothing] = kind{poolTalk, func(_ context.Context, j store.Job) (done, error) {
		begun <- j
		return done{}, nil
	}}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.listen(ctx) }) // until all is done
	wg.Go(func() { _ = s.live(ctx) })
	wg.Go(func() { _ = s.takeOverLost(ctx) })
	var all []time.Duration
	died := map[string]time.Time{}
	wanted := store.Wanted{Pool: poolTalk, Kinds: []string{nothing}}
	for i := range b.N { // processes die at any moment between two looks of the one that lives
		subject := strconv.Itoa(i)
		other, err := store.Open(ctx, w.place(""), nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := other.Join(ctx, store.Process{ID: "dead-" + subject, Name: "dead", Executor: "dead-" + subject, Holder: "dead-" + subject}); err != nil {
			b.Fatal(err)
		}
		alter(b, s, func(tx *store.Tx) error { return s.once(ctx, tx, nothing, subject, nil, "benchmark") })
		if _, ok, err := claimedIn(ctx, other, wanted, s.Clock(), false); err != nil || !ok {
			b.Fatal(ok, err)
		}
		if err := other.Beat(ctx); err != nil {
			b.Fatal(err)
		}
		died[subject] = time.Now()
		if err := other.Close(); err != nil {
			b.Fatal(err)
		}
		pause(ctx, rand.N(200*time.Millisecond)) //nolint:gosec // it is no secret
	}
	l := newLookout()
	for range 8 {
		wg.Go(func() { s.serve(ctx, ctx, l, wanted) })
	}
	for range b.N {
		j := <-begun
		all = append(all, time.Since(died[j.Subject]))
	}
	spread(b, all)
	cancel()
	wg.Wait()
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
