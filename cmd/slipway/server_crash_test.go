//go:build linux && amd64

package main_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/server"
	"github.com/slipway-cd/slipway/store"
	"github.com/slipway-cd/slipway/store/pgtest"
)

// A service is work for a server, over which it is killed.
type service struct {
	name      string
	kills     int  // how many in CI; fourteen times as many if SLIPWAY_CRASH_ALL is set
	shared    int  // how many of them in CI if the database is PostgreSQL
	lives     int  // how often in a row it is killed; 0: once
	drain     bool // it is told to end first, and killed while it does
	from      func() site
	meanwhile func(context.Context, *life) error // what others do while it lives, which may be done again
	so        func([]store.Job) bool             // the work is done
	want      serverBooks
	judge     func(*testing.T, serverBooks) // nil: the books are as want says
}

// The server is killed at any call into the kernel that changes the disk or the forge, or
// starts a process, half of the times with all processes that it started. Started again
// it does what it was to do: nothing is lost, nothing is done twice, and the ledger is
// whole.
func TestServerKilledAnywhere(t *testing.T) {
	killAnywhere(t, func(_ *testing.T, s site) site { return s }, func(j service) int { return j.kills })
}

// The same over PostgreSQL: it is killed at any message to the database that changes
// something, and before and behind its answer, too.
func TestServerKilledAnywhereOnPostgres(t *testing.T) {
	pgtest.Need(t)
	killAnywhere(t, func(t *testing.T, s site) site {
		t.Helper()
		s.url = pgtest.New(t)
		return s
	}, func(j service) int { return j.shared })
}

// killAnywhere kills a server over all work; keep says where a new site keeps what it
// has, and inCI how often it is killed in CI.
func killAnywhere(t *testing.T, keep func(*testing.T, site) site, inCI func(service) int) {
	t.Helper()
	mustTrace(t)
	t.Parallel()
	var tally tally
	t.Cleanup(func() { tally.judge(t) })
	for _, j := range slices.Concat(roadServices(t, keep), talkServices(t, keep)) {
		kills := inCI(j)
		if os.Getenv("SLIPWAY_CRASH_ALL") != "" {
			kills = 14 * j.kills
		}
		if kills == 0 {
			continue
		}
		from := j.from()
		t.Run(j.name, func(t *testing.T) {
			t.Parallel()
			j.walk(t, from, kills, &tally)
		})
	}
}

// once makes a site when it is asked for, once.
func once(begin func() site) func() site {
	var made *site
	return func() site {
		if made == nil {
			s := begin()
			made = &s
		}
		return *made
	}
}

// roadServices are what a server does when something is pushed or rolled back.
func roadServices(t *testing.T, keep func(*testing.T, site) site) []service {
	t.Helper()
	second := once(func() site {
		s := keep(t, newSite(t, ""))
		s.secondVersion(t)
		return s
	})
	empty := once(func() site { return second().started(t) })
	newest := once(func() site {
		s := keep(t, newSite(t, "deliver: {newest: true}\n"))
		s.secondVersion(t)
		return s.started(t)
	})
	one := serverBooks{
		account: account{
			Releases: []string{"v1"}, Deployments: []string{"1 of v1 deployed"}, Live: "v1 live", Runs: []string{"deployment-1 of v1 succeeded"},
		},
		Jobs: []string{"push done", "ship done"}, Lines: []string{"deployment-1 out/staging.json version 1"},
	}
	two := serverBooks{
		account: account{
			Releases: []string{"v1", "v2"}, Deployments: []string{"1 of v1 deployed", "2 of v2 deployed"}, Live: "v2 live",
			Runs: []string{"deployment-2 of v2 succeeded", "deployment-1 of v1 succeeded"},
		},
		Jobs:  []string{"push done", "ship done", "push done", "ship done"},
		Lines: []string{"deployment-1 out/staging.json version 1", "deployment-2 out/staging.json version 2"},
	}
	back := two
	back.Deployments, back.Live = append(slices.Clone(two.Deployments), "3 of v1 deployed, back to 1"), "v1 live"
	back.Jobs = append(slices.Clone(two.Jobs), "rollback done")
	shipped := once(func() site {
		s := empty().copy(t)
		two.compare(t, without(s.settled(t, pushTwo, done(2, "ship"))))
		return s
	})
	return []service{
		{name: "first start", kills: 5, shared: 2, from: second, meanwhile: pushOne, so: done(1, "ship"), want: one},
		{name: "push", kills: 10, shared: 6, from: empty, meanwhile: pushOne, so: done(1, "ship"), want: one},
		{name: "push, again and again", kills: 8, lives: 4, from: empty, meanwhile: pushOne, so: done(1, "ship"), want: one},
		{name: "push while at work", kills: 8, shared: 4, lives: 2, from: empty, meanwhile: pushTwo, so: done(2, "ship"), want: two},
		{name: "the newest wins", kills: 5, from: newest, meanwhile: pushTwo, so: done(2, "ship"), judge: newerWins},
		{name: "rollback", kills: 5, shared: 2, from: shipped, meanwhile: rollBack, so: done(1, "rollback"), want: back},
		{name: "told to end", kills: 5, drain: true, from: empty, meanwhile: pushOne, so: done(1, "ship"), want: one},
	}
}

// newerWins proves that the second version is live, and that the first took no part
// more than it may have had before.
func newerWins(t *testing.T, b serverBooks) {
	t.Helper()
	second := 0
	for i, line := range b.Lines {
		if strings.HasSuffix(line, "version 2") {
			second++
		}
		if i > 1 || slices.Contains(b.Lines[:i], line) {
			t.Errorf("runs wrote %q", b.Lines)
		}
	}
	firsts := []string{"ship done", "ship cancelled", "ship replaced"}
	if b.Live != "v2 live" || second != 1 || len(b.Jobs) != 4 || b.Jobs[3] != "ship done" || !slices.Contains(firsts, b.Jobs[1]) || b.Left != nil {
		t.Errorf("the newest commit is not what was delivered, once: %+v", b)
	}
	for _, d := range b.Deployments {
		if strings.HasSuffix(d, " deploying") {
			t.Errorf("the deployments are %q", b.Deployments)
		}
	}
}

// started is a site whose server has lived once, while nothing was pushed.
func (s site) started(t *testing.T) site {
	t.Helper()
	s = s.copy(t)
	explained(t, s)
	if status := s.live(t, fate{until: func(ctx context.Context, l *life) error { return l.jobs(ctx, done(0, "")) }}); status.ExitStatus() != 0 {
		t.Fatalf("the server ended with %v", status)
	}
	s.grant(t)
	return s
}

// pushOne pushes the first version, unless more is pushed already.
func pushOne(ctx context.Context, l *life) error { return l.push(ctx, ":/version 1") }

// pushTwo pushes the second version once the server is at work on the first.
func pushTwo(ctx context.Context, l *life) error {
	if err := pushOne(ctx, l); err != nil {
		return err
	}
	begun := func(all []store.Job) bool {
		return slices.ContainsFunc(all, func(j store.Job) bool { return j.Kind == "ship" && j.Attempt > 0 })
	}
	if err := l.jobs(ctx, begun); err != nil {
		return err
	}
	return l.push(ctx, "main")
}

// rollBack asks for a rollback, under one key, until the server has heard of it.
func rollBack(ctx context.Context, l *life) error {
	c, err := l.client(ctx)
	if err != nil {
		return err
	}
	_, err = c.Rollback(ctx, "the-one-rollback", "pulse", "staging", server.RollbackRequest{})
	return unlessKilled(ctx, err)
}

// unlessKilled is an error of the API, unless nobody answers any more: that the server
// was killed is seen elsewhere.
func unlessKilled(ctx context.Context, err error) error {
	if slipway.KindOf(err) == slipway.Unavailable && ctx.Err() == nil {
		<-ctx.Done()
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// without leaves out of the books what is only known from an undisturbed life.
func without(b serverBooks) serverBooks {
	b.Files = nil
	return b
}

// walk does the work without a kill, and then with kills at the chosen points.
func (j service) walk(t *testing.T, from site, kills int, tally *tally) {
	t.Helper()
	undisturbed := from.copy(t)
	explained(t, undisturbed)
	var events []event
	var over atomic.Bool // what follows is only its end
	status := undisturbed.live(t, fate{
		until: func(ctx context.Context, l *life) error {
			defer over.Store(true)
			return j.until(ctx, l)
		},
		watch: func(_ *life, e event) bool {
			if counts(e) && !over.Load() {
				events = append(events, e)
			}
			return false
		},
	})
	if !status.Exited() || status.ExitStatus() != 0 {
		t.Fatalf("undisturbed, the server ended with %v", status)
	}
	b := undisturbed.settled(t, nil, j.so)
	j.want.Files = b.Files
	if j.judge != nil {
		j.judge(t, b)
	} else {
		j.want.compare(t, b)
	}
	if t.Failed() {
		return
	}
	if j.drain || j.lives > 1 || from.hub != nil || from.url != "" { // it may come to its end with fewer of them
		events = events[:len(events)*3/4]
	} else {
		events = events[:len(events)*9/10]
	}
	points := j.points(events, kills)
	lives := max(j.lives, 1)
	t.Logf("%d events, a kill at each of %d of them", len(events), len(points))
	for i := range len(points) / lives {
		if !inPart(t, i) {
			continue
		}
		tally.planned.Add(int64(lives))
		mine := []int{points[i]}
		for k := 1; k < lives; k++ { // a life that takes up from another is shorter
			mine = append(mine, points[i+k*(len(points)/lives)]/5)
		}
		t.Run("event "+strings.Trim(fmt.Sprint(mine), "[]"), func(t *testing.T) {
			t.Parallel()
			tally.killed.Add(j.stumble(t, from.copy(t), mine))
		})
	}
}

// inPart reports whether the nth of all kills is one of those that SLIPWAY_CRASH_PART asks
// for, such as 1/4 for the first, the fifth and so on; all are, if it is not set.
func inPart(t *testing.T, n int) bool {
	t.Helper()
	text := os.Getenv("SLIPWAY_CRASH_PART")
	if text == "" {
		return true
	}
	var part, of int
	if _, err := fmt.Sscanf(text, "%d/%d", &part, &of); err != nil || part < 1 || part > of {
		t.Fatalf("SLIPWAY_CRASH_PART is %q, not as 1/4", text)
	}
	return n%of == part-1
}

// points picks the numbers of the events to kill at. A quarter of them is at what is asked
// of the forge, a quarter at commits in PostgreSQL and an eighth at statements there,
// where that is so.
func (j service) points(events []event, kills int) []int {
	var atForge, atCommit, atStatement []int
	for i, e := range events {
		switch {
		case e.call == askForge:
			atForge = append(atForge, i)
		case e.call != execute && e.call != executed:
		case strings.HasPrefix(e.path, commitOf):
			atCommit = append(atCommit, i)
		default:
			atStatement = append(atStatement, i)
		}
	}
	points := slices.Concat(spread(atForge, kills/4), spread(atCommit, kills/4), spread(atStatement, kills/8))
	points = append(points, pick(events, kills-len(points))...)
	slices.Sort(points)
	return slices.Compact(points)
}

// until lets others do their part, and waits for the work to be done.
func (j service) until(ctx context.Context, l *life) error {
	if err := j.meanwhile(ctx, l); err != nil {
		return err
	}
	return l.jobs(ctx, j.so)
}

// counts reports whether an event is one of the work: what goes over the network is asked
// by the test or only read, but for what the forge and the database are told.
func counts(e event) bool { return e.call != send && e.call != receive && e.call != "connect" }

// stumble kills the server at events, one in each of its lives, and then lets it do its
// work. It returns how often it was killed.
func (j service) stumble(t *testing.T, s site, points []int) (kills int64) {
	explained(t, s)
	for _, n := range points {
		count, told := 0, false
		var at event
		status := s.live(t, fate{until: j.until, group: n%2 == 1, watch: func(l *life, e event) bool {
			if !counts(e) {
				return false
			}
			at = e
			count++
			if j.drain && count > n-min(n/2, 60) && !told {
				told = true
				_ = syscall.Kill(l.pid, syscall.SIGTERM)
			}
			return count > n
		}})
		t.Logf("killed %s", at)
		if killed(status) {
			kills++
		} else {
			t.Logf("it did not come there this time, and ended with %v", status)
		}
		s.proven(t)
	}
	got := s.settled(t, j.meanwhile, j.so)
	if j.judge != nil {
		j.judge(t, got)
		return kills
	}
	j.want.compare(t, got)
	return kills
}

// explained tells what is known of a site if the test fails.
func explained(t *testing.T, s site) {
	t.Helper()
	t.Cleanup(func() {
		if t.Failed() {
			s.explain(context.WithoutCancel(t.Context()), t)
		}
	})
}
