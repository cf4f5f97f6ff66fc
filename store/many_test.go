package store_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/store"
	"github.com/slipway-cd/slipway/store/pgtest"
)

// many fills a database with apps, each in a repository with an open pull request and
// two closed ones, and with a chain of so many releases, of which one is live; and with
// ended jobs, and events.
func many(t testing.TB, s *store.Store, apps, releases int) {
	t.Helper()
	for _, statement := range []string{"DROP TRIGGER ledger_queued ON ledger", "DROP TRIGGER ledger_queued"} { // the tree is not what is looked at
		_, _ = s.Execute(t.Context(), statement) // one of them is of the other database
	}
	fill(t, s, "ledger (app, environment, number, prev, id, kind, time, writer, body, statements, hash)", apps*(releases+2), chains(t, releases))
	day := int64(1_790_000_000_000)
	a, b := strings.Repeat("a", 40), strings.Repeat("b", 40)
	fill(t, s, "app (name, forge, repository, folder, team, shape, commit_id, tree, updated)", apps, func(i int) []any {
		return []any{appName(i), "home", "team/" + appName(i), ".", fmt.Sprintf("team-%d", i%500), "python-job", a, b, day}
	})
	fill(t, s, "repository (forge, name, default_branch, url, refs_mark, requests_mark, looked, problem)", apps, func(i int) []any {
		return []any{"home", "team/" + appName(i), "main", "https://git.example.com/team/" + appName(i), "mark", "mark", day, ""}
	})
	fill(t, s, "ref (forge, repository, name, commit_id)", 2*apps, func(i int) []any {
		return []any{"home", "team/" + appName(i/2), []string{"heads/main", "tags/v1"}[i%2], a}
	})
	fill(t, s, "pull_request (forge, repository, number, open, head, stamp, facts, state, view, wanted, shown, looked)", 3*apps, func(i int) []any {
		return []any{"home", "team/" + appName(i/3), int64(i%3 + 1), b2i(i%3 == 2), fmt.Sprintf("%040x", i), "", "{}", "{}", "{}", "v", "v", day}
	})
	kinds := []string{"ship", "check", "notice", "deploy"}
	fill(t, s, "job (key, kind, subject, input, state, attempt, due, made, began, ended, writer, stop, outcome)", 2*apps, func(i int) []any {
		state := "done"
		if i%1000 == 0 {
			state = "failed"
		}
		return []any{fmt.Sprint("job-", i), kinds[i%len(kinds)], "app/" + appName(i%apps), "{}", state, int64(1), day, day, day + 1, day + 2, "mara", "", "{}"}
	})
	fill(t, s, "event (time, kind, subject, job, body)", min(2*apps, 100_000), func(i int) []any {
		return []any{day, "job.done", "app/" + appName(i%apps), int64(i + 1), "{}"}
	})
	_, err := s.Execute(t.Context(), "ANALYZE")
	if err != nil {
		t.Fatal(err)
	}
}

func appName(i int) string { return fmt.Sprintf("app-%06d", i) }

func b2i(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// chains makes the rows of the ledger, chain by chain: releases, and one deployment.
func chains(t testing.TB, releases int) func(i int) []any {
	var prev ledger.Entry
	digest := slipway.DigestOf([]byte("record"))
	return func(i int) []any {
		app, n := i/(releases+2), i%(releases+2)
		if n == 0 {
			prev = ledger.Entry{}
		}
		version := fmt.Sprintf("1.%d.0", n)
		target := slipway.Target{App: appName(app), Environment: "prod", Version: "1.0.0", Shape: "python-job"}
		d := ledger.Draft{
			Subject: ledger.Subject{App: appName(app), Environment: "prod"}, After: prev.Number, ID: strconv.Itoa(n), Kind: ledger.ReleaseCreated, By: "mara", Time: at(),
			Body: ledger.Admission{Version: version, Commit: strings.Repeat("a", 40), Record: digest, Time: at(), By: "mara"},
		}
		switch n {
		case releases:
			d.Kind, d.Body = ledger.DeploymentStarted, slipway.Deployment{Number: 1, Plan: slipway.Plan{Target: target}}
		case releases + 1:
			d.Kind, d.Body = ledger.DeploymentEnded, ledger.DeploymentEnd{Number: 1, State: slipway.Deployed, Handle: slipway.Handle{App: target.App, Environment: "prod", Name: target.App}}
		}
		e, err := ledger.Seal(prev, d)
		if err != nil {
			t.Fatal(err)
		}
		prev = e
		return []any{e.App, e.Environment, e.Number, string(e.Prev), e.ID, e.Kind, e.Time.Format(time.RFC3339Nano), e.By, string(e.Body), "", string(e.Hash)}
	}
}

// fill inserts n rows into a table, many at once.
func fill(t testing.TB, s *store.Store, table string, n int, row func(i int) []any) {
	t.Helper()
	const most = 500
	for from := 0; from < n; from += most {
		var args []any
		rows := min(most, n-from)
		width := 0
		for i := range rows {
			one := row(from + i)
			args, width = append(args, one...), len(one)
		}
		marks := strings.TrimSuffix(strings.Repeat("("+strings.TrimSuffix(strings.Repeat("?, ", width), ", ")+"), ", rows), ", ")
		if _, err := s.Execute(t.Context(), "INSERT INTO "+table+" VALUES "+marks, args...); err != nil {
			t.Fatal(err)
		}
	}
}

// lookups are the ways in which servers, pages and command lines look something up, each
// with how many rows it finds.
func lookups(s *store.Store, apps int) map[string]func(t testing.TB) int {
	mid := apps / 2
	l := s.Ledger(at)
	got := func(t testing.TB, n int, err error) int {
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	jobs := func(f store.JobFilter) func(testing.TB) int {
		return func(t testing.TB) int { all, err := s.Jobs(t.Context(), f, 101); return got(t, len(all), err) }
	}
	requests := func(f store.RequestFilter, after store.PullRequest) func(testing.TB) int {
		return func(t testing.TB) int {
			all, err := s.PullRequests(t.Context(), f, after, 101)
			return got(t, len(all), err)
		}
	}
	pages := func(f store.AppFilter) func(testing.TB) int {
		return func(t testing.TB) int {
			all, err := s.Apps(t.Context(), f, appName(mid), 101)
			return got(t, len(all), err)
		}
	}
	repository := "team/" + appName(mid)
	change := func(fn func(ctx context.Context, tx *store.Tx) (int, error)) func(testing.TB) int {
		return func(t testing.TB) (n int) {
			err := s.Change(t.Context(), func(tx *store.Tx) (err error) { n, err = fn(t.Context(), tx); return err })
			return got(t, n, err)
		}
	}
	return map[string]func(t testing.TB) int{
		"a page of apps":     pages(store.AppFilter{}),
		"the apps of a team": pages(store.AppFilter{Team: "team-7"}),
		"the apps of a repository": func(t testing.TB) int {
			all, err := s.Apps(t.Context(), store.AppFilter{Forge: "home", Repository: repository}, "", 101)
			return got(t, len(all), err)
		},
		"an app's releases and what is live": func(t testing.TB) int { return live(t, l, mid) },
		"the last entries of an app": func(t testing.TB) int {
			all, err := l.Entries(t.Context(), ledger.Subject{App: appName(mid), Environment: "prod"}, 2)
			return got(t, len(all), err)
		},
		"a page of jobs":                jobs(store.JobFilter{}),
		"a later page of jobs":          jobs(store.JobFilter{Before: int64(apps)}),
		"the jobs of an app":            jobs(store.JobFilter{Subject: "app/" + appName(mid)}),
		"jobs of a kind":                jobs(store.JobFilter{Kinds: []string{"deploy"}}),
		"jobs of a kind that is seldom": jobs(store.JobFilter{Kinds: []string{"rollback"}}),
		"jobs that failed":              jobs(store.JobFilter{States: []store.JobState{store.JobFailed}}),
		"jobs that wait":                jobs(store.JobFilter{States: []store.JobState{store.JobWaiting}}),
		"jobs under way":                jobs(store.JobFilter{States: []store.JobState{store.JobRunning}}),
		"a job's events": func(t testing.TB) int {
			all, err := s.Events(t.Context(), store.EventFilter{Job: int64(mid)}, 500)
			return got(t, len(all), err)
		},
		"new events": func(t testing.TB) int {
			all, err := s.Events(t.Context(), store.EventFilter{After: int64(min(2*apps, 100_000) - 10)}, 500)
			return got(t, len(all), err)
		},
		"the newest event":                    func(t testing.TB) int { _, _, err := s.EventSpan(t.Context()); return got(t, 1, err) },
		"how many jobs are open":              func(t testing.TB) int { _, _, err := s.CountJobs(t.Context()); return got(t, 1, err) },
		"a page of pull requests":             requests(store.RequestFilter{}, store.PullRequest{Forge: "home", Repository: repository, Number: 2}),
		"the pull requests of a repository":   requests(store.RequestFilter{Forge: "home", Repository: repository}, store.PullRequest{}),
		"open pull requests":                  requests(store.RequestFilter{Open: true}, store.PullRequest{Forge: "home", Repository: repository, Number: 2}),
		"the pull requests with a head":       requests(store.RequestFilter{Forge: "home", Repository: repository, Head: fmt.Sprintf("%040x", 3*mid)}, store.PullRequest{}),
		"those of which the forge shows less": requests(store.RequestFilter{Behind: true}, store.PullRequest{}),
		"a page of repositories": func(t testing.TB) int {
			all, err := s.RepositoriesPage(t.Context(), "home", repository, 101)
			return got(t, len(all), err)
		},
		"what the sweep knows of a repository": func(t testing.TB) int {
			_, _, err := s.Repository(t.Context(), "home", repository)
			return got(t, 1, err)
		},
		"what has changed in a repository": change(func(ctx context.Context, tx *store.Tx) (int, error) {
			all, err := tx.Refs(ctx, "home", repository)
			return len(all), err
		}),
		"the open pull requests of a repository": change(func(ctx context.Context, tx *store.Tx) (int, error) {
			all, err := tx.OpenRequests(ctx, "home", repository)
			return len(all), err
		}),
		"whether a look waits already": change(func(ctx context.Context, tx *store.Tx) (int, error) {
			_, _, err := tx.Waiting(ctx, "home/"+repository, "look-refs")
			return 0, err
		}),
		"the last job of an app": change(func(ctx context.Context, tx *store.Tx) (int, error) {
			_, _, err := tx.LastJob(ctx, "app/"+appName(mid), "ship")
			return 1, err
		}),
		"which apps have a ledger": func(t testing.TB) int { all, err := l.Subjects(t.Context()); return got(t, len(all), err) },
	}
}

// live is how many releases an app has, one of which has to be live.
func live(t testing.TB, l *store.Ledger, app int) int {
	h, err := ledger.ReadHistory(t.Context(), l, ledger.Subject{App: appName(app), Environment: "prod"})
	if err != nil {
		t.Fatal(err)
	}
	if d, ok := h.Current(); !ok || d.Plan.Target.Version != "1.0.0" {
		t.Fatalf("%+v is live", d)
	}
	return len(h.Admissions)
}

// TestByIndex: what is looked up in a large database is found by an index, or is a page
// in the order of one, in both databases. How that is done is asked of the databases.
func TestByIndex(t *testing.T) { onBoth(t, testByIndex) }

func testByIndex(t *testing.T) {
	t.Parallel()
	s := open(t, place(t))
	const apps = 3000
	many(t, s, apps, 3)
	want := map[string]int{
		"the apps of a team": 3, "the apps of a repository": 1, "an app's releases and what is live": 3, "the last entries of an app": 3, "the jobs of an app": 2,
		"jobs of a kind that is seldom": 0, "jobs that failed": 6, "jobs that wait": 0, "jobs under way": 0, "a job's events": 1, "new events": 10, "the newest event": 1,
		"how many jobs are open": 1, "the pull requests of a repository": 3, "the pull requests with a head": 1, "those of which the forge shows less": 0,
		"what the sweep knows of a repository": 1, "what has changed in a repository": 2, "the open pull requests of a repository": 1, "whether a look waits already": 0,
		"the last job of an app": 1, "which apps have a ledger": apps,
	}
	for name, look := range lookups(s, apps) {
		n := 0
		scans := s.Scans(t, func() { n = look(t) })
		for _, scan := range scans {
			t.Errorf("%s: %s", name, scan)
		}
		if w, ok := want[name]; !ok && n != 101 || ok && n != w {
			t.Errorf("%s: %d rows, want %d", name, n, w)
		}
	}
	const wait = 2000
	fill(t, s, "job (key, kind, subject, input, state, attempt, due, made, began, ended, writer, stop, outcome, pool, tenant)", wait, func(i int) []any {
		return []any{fmt.Sprint("wait-", i), "ship", fmt.Sprint("wait/", i), "{}", "waiting", int64(0), int64(1), int64(1), int64(0), int64(0), "mara", "", "", "work", fmt.Sprintf("team-%d", i%20)}
	})
	for _, scan := range s.Scans(t, func() {
		j, ok, err := claimed(t.Context(), s, store.Wanted{Pool: "work", Kinds: []string{"ship"}}, at(), false)
		if err != nil || !ok || j.Tenant != "team-0" {
			t.Errorf("claimed %+v (%t, %v)", j, ok, err)
		}
	}) {
		t.Errorf("with %d jobs that wait: %s", wait, scan)
	}
	if scans := s.Scans(t, func() {
		rows, err := s.Query(t.Context(), "SELECT name FROM app WHERE shape = 'x'") // of which there is no index
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		if err := rows.Err(); err != nil {
			t.Error(err)
		}
	}); len(scans) != 1 || !strings.Contains(scans[0], "SELECT name FROM app") {
		t.Errorf("a scan is told as %q", scans)
	}
}

// BenchmarkMillion looks things up among 50,000 apps with a million releases.
func BenchmarkMillion(b *testing.B) {
	apps, releases := 50_000, 20
	if testing.Short() {
		apps = 1000
	}
	for _, kind := range []string{"SQLite", "PostgreSQL"} {
		b.Run(kind, func(b *testing.B) {
			var url string
			if kind == "PostgreSQL" {
				url = pgtest.Start(b).New(b)
			} else {
				url = b.TempDir() + "/slipway.db"
			}
			s, err := store.Open(b.Context(), url, nil)
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			many(b, s, apps, releases)
			all := lookups(s, apps)
			megabytes := float64(s.Size(b)) / float64(apps) * 1000 / (1 << 20)
			for _, name := range []string{
				"a page of apps", "the apps of a team", "an app's releases and what is live", "what the sweep knows of a repository", "what has changed in a repository",
				"whether a look waits already", "a page of jobs", "open pull requests", "which apps have a ledger",
			} {
				look := all[name]
				b.Run(strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
					for b.Loop() {
						look(b)
					}
					b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "ms")
					b.ReportMetric(megabytes, "MB/1000-apps")
					b.ReportMetric(0, "ns/op")
				})
			}
		})
	}
}
