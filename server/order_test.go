package server

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slipway-cd/slipway/store"
)

// TestOlderOneComesLate: a push, or a deployment of one, that is tried again after a newer
// one was done does not bring back what was before.
func TestOlderOneComesLate(t *testing.T) {
	for kind, want := range map[string]string{
		jobPush: "a newer push to heads/main, %.12[2]s, was looked at first",
		jobShip: "job %[1]d, ship, was made after it and has changed staging since; ask again if this one is still wanted",
	} {
		t.Run(kind, func(t *testing.T) {
			w := newWorld(t)
			w.repository(t, "hello")
			w.push(t, "hello", hello)
			var ahead atomic.Int64
			c := w.config(t)
			c.Clock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
			s, err := New(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			// The first one has to wait for something that is lacking for an hour.
			k, first := s.kinds[kind], new(atomic.Bool)
			do := k.do
			k.do = func(ctx context.Context, j store.Job) (done, error) {
				if first.CompareAndSwap(false, true) {
					return done{}, tooEarly{s.Clock().Add(time.Hour), context.DeadlineExceeded}
				}
				return do(ctx, j)
			}
			s.kinds[kind] = k
			launch(t, s)
			eventually(t, s, "the first one to wait", func() bool { return len(jobsIn(t, s, kind, store.JobWaiting)) == 1 })
			commit := w.push(t, "hello", with(hello, map[string]string{"hello.py": "print('hello again')\n"}))
			newer := untilJobs(t, s, kind, 1)[0]
			live := untilJobs(t, s, jobShip, 1)[0]
			ahead.Store(int64(2 * time.Hour))
			s.news.Ring()
			untilJobs(t, s, kind, 2)

			all := jobsIn(t, s, kind, store.JobReplaced)
			if len(all) != 1 || all[0].ID >= newer.ID {
				t.Fatalf("replaced were %+v, and the newer one is %d", all, newer.ID)
			}
			if want := fmt.Sprintf(want, newer.ID, commit); all[0].Stop != want {
				t.Errorf("it says %q, want %q", all[0].Stop, want)
			}
			ships := jobsIn(t, s, jobShip, store.JobDone)
			if shipped, err := input[delivery](ships[0]); err != nil || len(ships) != 1 || ships[0].ID != live.ID || shipped.Commit != commit {
				t.Errorf("shipped were %+v, %v; want %s alone", ships, err, commit)
			}
		})
	}
}

// TestInTurn: what is newer counts where it is about the same.
func TestInTurn(t *testing.T) {
	push := func(ref string) any { return pushed{Ref: ref} }
	to := func(env string) any { return delivery{App: "hello", Environment: env} }
	for name, c := range map[string]struct {
		kind, newerKind string
		input, newer    any
		want            bool
	}{
		"the same branch":         {jobPush, jobPush, push("heads/main"), push("heads/main"), false},
		"another branch":          {jobPush, jobPush, push("heads/main"), push("heads/next"), true},
		"a tag":                   {jobPush, jobPush, push("heads/main"), push("tags/v1"), true},
		"the same environment":    {jobDeploy, jobRollback, to("staging"), to("staging"), false},
		"another environment":     {jobShip, jobShip, to("staging"), to("prod"), true},
		"a plan":                  {jobShip, jobPlan, to("staging"), to("staging"), true},
		"a plan before a release": {jobPlan, jobShip, to("staging"), to("staging"), true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s, _ := w.idle(t)
			var older store.Job
			alter(t, s, func(tx *store.Tx) (err error) {
				older, _, err = s.enqueue(t.Context(), tx, store.Job{Key: "older", Kind: c.kind, Subject: "app/hello", Input: toJSON(c.input), Made: s.Clock(), Due: s.Clock().Add(time.Hour)})
				if err == nil {
					_, _, err = s.enqueue(t.Context(), tx, store.Job{Key: "newer", Kind: c.newerKind, Subject: "app/hello", Input: toJSON(c.newer), Made: s.Clock()})
				}
				return err
			})
			newer, ok, err := claimOne(t, s, []store.Wanted{s.wanted(poolWork)})
			if err != nil || !ok || newer.Key != "newer" {
				t.Fatalf("begun is %+v, %v", newer, err)
			}
			if err := s.inTurn(t.Context(), older); err != nil {
				t.Errorf("before the newer one is done: %v", err)
			}
			alter(t, s, func(tx *store.Tx) error { return tx.EndJob(t.Context(), newer.ID, store.JobDone, nil, s.Clock()) })
			if err := s.inTurn(t.Context(), older); (err == nil) != c.want {
				t.Errorf("once it is done: %v", err)
			}
		})
	}
}

// TestNewestTakesThePlace: a newer commit stops the deployment of an older one that is
// under way in the same process, and its step with it.
func TestNewestTakesThePlace(t *testing.T) {
	w := newWorld(t)
	w.repository(t, "hello")
	text := strings.Replace(helloText, "test ! -e fail", "if grep -q slow hello.py; then sleep 60; fi", 1) + "deliver: {newest: true}\n"
	older := w.push(t, "hello", with(hello, map[string]string{"slipway.yaml": text, "hello.py": "slow = True\n"}))
	c := w.config(t)
	c.Lost = time.Hour // nobody finds out by looking
	s, _ := w.servingWith(t, c)
	eventually(t, s, "the first one to begin", func() bool { return len(jobsIn(t, s, jobShip, store.JobRunning)) == 1 })
	newer := w.push(t, "hello", with(hello, map[string]string{"slipway.yaml": text, "hello.py": "print()\n"}))
	jobs := untilJobs(t, s, jobShip, 2)
	if want := "a newer commit, " + newer[:12] + ", takes its place"; jobs[0].State != store.JobCancelled || jobs[0].Stop != want {
		t.Errorf("the one of %s ended %s: %q, want %q", older, jobs[0].State, jobs[0].Stop, want)
	}
	if jobs[1].State != store.JobDone {
		t.Errorf("the newer one ended %s: %s", jobs[1].State, jobs[1].Outcome)
	}
}
