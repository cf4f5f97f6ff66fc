package drivertest

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

// patience is how long a run may take to get where it is expected.
const patience = time.Minute

func runTests() map[string]func(*testing.T, Kit) {
	return map[string]func(*testing.T, Kit){
		"Start/runs the job to its end":              ifRunner(runSucceeds),
		"Start/of an id twice starts one run":        ifRunner(startTwice),
		"Start/of an id at once starts one run":      ifRunner(startAtOnce),
		"Start/of a job that is not there":           ifRunner(startAbsent),
		"Start/of an id that is none":                ifRunner(startBadID),
		"Start/of too many runs is busy":             ifRunner(startTooMany),
		"Run/of a failing job says why":              ifRunner(runFails),
		"Run/of an unknown id is not found":          ifRunner(runUnknown),
		"Run/finishes with the definition it had":    ifRunner(runKeepsDefinition),
		"Run/is still there after the job's removal": ifRunner(runOutlivesJob),
		"Runs/are listed newest first, to a limit":   ifRunner(runsInOrder),
		"Stop/ends a run":                            ifStopper(stopEnds),
		"Stop/of an unknown id is not found":         ifStopper(stopUnknown),
		"Logs/followed are what was printed":         ifLogTailer(logsFollow),
		"Logs/followed end when the context does":    ifLogTailer(logsFollowCancelled),
		"Logs/of an unknown id are not found":        ifLogTailer(logsUnknown),
	}
}

func ifRunner(test func(*testing.T, Kit)) func(*testing.T, Kit) {
	return func(t *testing.T, k Kit) {
		if _, ok := k.Driver.(driver.Runner); !ok {
			t.Skip("this driver does not start runs")
		}
		test(t, k)
	}
}

func ifStopper(test func(*testing.T, Kit)) func(*testing.T, Kit) {
	return ifRunner(func(t *testing.T, k Kit) {
		if _, ok := k.Driver.(driver.Stopper); !ok {
			t.Skip("this driver does not stop runs")
		}
		test(t, k)
	})
}

func ifLogTailer(test func(*testing.T, Kit)) func(*testing.T, Kit) {
	return ifRunner(func(t *testing.T, k Kit) {
		if _, ok := k.Driver.(driver.LogTailer); !ok {
			t.Skip("this driver does not show logs")
		}
		test(t, k)
	})
}

func start(t *testing.T, d driver.Driver, h slipway.Handle, id string) slipway.Run {
	t.Helper()
	r, err := d.(driver.Runner).Start(t.Context(), h, driver.RunRequest{ID: id, Trigger: "manual", By: "kit"})
	if err != nil {
		t.Fatalf("Start %s: %v", id, err)
	}
	if r.ID != id || r.App != h.App || r.Trigger != "manual" || r.By != "kit" || r.Created.IsZero() {
		t.Errorf("Start returned %+v", r)
	}
	return r
}

func run(t *testing.T, d driver.Driver, h slipway.Handle, id string) slipway.Run {
	t.Helper()
	r, err := d.(driver.Runner).Run(t.Context(), h, id)
	if err != nil {
		t.Fatalf("Run %s: %v", id, err)
	}
	return r
}

// await returns the run once good says so. A run that ended changes no more, so
// then there is nothing to wait for.
func await(t *testing.T, d driver.Driver, h slipway.Handle, id string, good func(slipway.Run) bool) slipway.Run {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		r := run(t, d, h, id)
		if good(r) {
			return r
		}
		if r.State.Ended() {
			t.Fatalf("run %s ended as %s: %s", id, r.State, r.Message)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("run %s is still %s", id, r.State)
		}
	}
}

func awaitEnd(t *testing.T, d driver.Driver, h slipway.Handle, id string) slipway.Run {
	t.Helper()
	return await(t, d, h, id, func(r slipway.Run) bool { return r.State.Ended() })
}

func awaitRunning(t *testing.T, d driver.Driver, h slipway.Handle, id string) {
	t.Helper()
	await(t, d, h, id, func(r slipway.Run) bool { return r.State == slipway.RunRunning })
}

// stopAtEnd leaves no run behind.
func stopAtEnd(t *testing.T, d driver.Driver, h slipway.Handle, ids ...string) {
	t.Helper()
	s, ok := d.(driver.Stopper)
	if !ok {
		t.Skip("this driver does not stop runs")
	}
	t.Cleanup(func() {
		for _, id := range ids {
			if err := s.Stop(context.WithoutCancel(t.Context()), h, id); err != nil {
				t.Errorf("Stop %s: %v", id, err)
			}
		}
	})
}

func wantRuns(t *testing.T, d driver.Driver, h slipway.Handle, limit int, want ...string) {
	t.Helper()
	list, err := d.(driver.Runner).Runs(t.Context(), h, limit)
	if err != nil {
		t.Fatalf("Runs: %v", err)
	}
	var got []string
	for _, r := range list {
		got = append(got, r.ID)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Runs (-want +got):\n%s", diff)
	}
}

func runSucceeds(t *testing.T, k Kit) {
	target := k.Target(Succeeds)
	h := deploy(t, k, target)
	start(t, k.Driver, h, "run-1")
	r := awaitEnd(t, k.Driver, h, "run-1")
	if r.State != slipway.RunSucceeded || r.Message != "" || r.Version != target.Version || r.Environment != target.Environment {
		t.Errorf("the run ended as %+v", r)
	}
	if r.Started.IsZero() || r.Ended.Before(r.Started) || r.Started.Before(r.Created) {
		t.Errorf("created %s, started %s, ended %s", r.Created, r.Started, r.Ended)
	}
	if diff := cmp.Diff(r, run(t, k.Reopen(), h, "run-1")); diff != "" {
		t.Errorf("after a restart the run is another:\n%s", diff)
	}
}

func startTwice(t *testing.T, k Kit) {
	h := deploy(t, k, k.Target(Succeeds))
	start(t, k.Driver, h, "once")
	start(t, k.Driver, h, "once")
	start(t, k.Reopen(), h, "once")
	ended := awaitEnd(t, k.Driver, h, "once")
	for name, d := range map[string]driver.Driver{"same driver": k.Driver, "after a restart": k.Reopen()} {
		if diff := cmp.Diff(ended, start(t, d, h, "once")); diff != "" {
			t.Errorf("%s: Start of a run that ended returns another:\n%s", name, diff)
		}
	}
	wantRuns(t, k.Driver, h, 0, "once")
	wantLog(t, k.Driver, h, "once")
}

func startAtOnce(t *testing.T, k Kit) {
	h := deploy(t, k, k.Target(Succeeds))
	var all sync.WaitGroup
	for range 4 {
		d := k.Reopen()
		all.Go(func() {
			if _, err := d.(driver.Runner).Start(t.Context(), h, driver.RunRequest{ID: "same", Trigger: "manual"}); err != nil {
				t.Errorf("Start: %v", err)
			}
		})
	}
	all.Wait()
	awaitEnd(t, k.Driver, h, "same")
	wantRuns(t, k.Driver, h, 0, "same")
	wantLog(t, k.Driver, h, "same")
}

func startAbsent(t *testing.T, k Kit) {
	h := handle(k.Target(Succeeds))
	_, err := k.Driver.(driver.Runner).Start(t.Context(), h, driver.RunRequest{ID: "a"})
	wantKind(t, "Start of an absent job", err, slipway.NotFound)
	h = deploy(t, k, k.Target(Succeeds))
	if err := k.Driver.Remove(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	_, err = k.Driver.(driver.Runner).Start(t.Context(), h, driver.RunRequest{ID: "a"})
	wantKind(t, "Start of a removed job", err, slipway.NotFound)
	wantRuns(t, k.Driver, h, 0)
}

func startBadID(t *testing.T, k Kit) {
	h := deploy(t, k, k.Target(Succeeds))
	for _, id := range []string{"", "../up", "a/b", "a b", ".", "ü"} {
		_, err := k.Driver.(driver.Runner).Start(t.Context(), h, driver.RunRequest{ID: id})
		wantKind(t, "Start of "+id, err, slipway.Invalid)
	}
}

func startTooMany(t *testing.T, k Kit) {
	h := deploy(t, k, with(k.Target(Endless), "max_concurrent_runs", 1))
	start(t, k.Driver, h, "one")
	stopAtEnd(t, k.Driver, h, "one")
	_, err := k.Driver.(driver.Runner).Start(t.Context(), h, driver.RunRequest{ID: "two"})
	wantKind(t, "Start of a run too many", err, slipway.Busy)
	wantRuns(t, k.Driver, h, 0, "one")
	start(t, k.Reopen(), h, "one")
}

func runFails(t *testing.T, k Kit) {
	h := deploy(t, k, k.Target(Fails))
	start(t, k.Driver, h, "bad")
	if r := awaitEnd(t, k.Driver, h, "bad"); r.State != slipway.RunFailed || r.Message == "" {
		t.Errorf("a job that fails ended as %s, message %q", r.State, r.Message)
	}
}

func runUnknown(t *testing.T, k Kit) {
	h := deploy(t, k, k.Target(Succeeds))
	start(t, k.Driver, h, "known-1")
	for _, id := range []string{"unknown", "known", "known-11"} {
		_, err := k.Driver.(driver.Runner).Run(t.Context(), h, id)
		wantKind(t, "Run "+id, err, slipway.NotFound)
	}
	awaitEnd(t, k.Driver, h, "known-1")
}

func runKeepsDefinition(t *testing.T, k Kit) {
	one, two := k.Target(Endless), version(k.Target(Succeeds), "v2")
	h := deploy(t, k, with(one, "max_concurrent_runs", 2))
	start(t, k.Driver, h, "old")
	stopAtEnd(t, k.Driver, h, "old")
	awaitRunning(t, k.Driver, h, "old")
	deploy(t, k, with(two, "max_concurrent_runs", 2))
	start(t, k.Driver, h, "new")
	if r := awaitEnd(t, k.Driver, h, "new"); r.State != slipway.RunSucceeded || r.Version != "v2" {
		t.Errorf("the new run: %s of %s", r.State, r.Version)
	}
	if r := run(t, k.Driver, h, "old"); r.State != slipway.RunRunning || r.Version != one.Version {
		t.Errorf("the old run: %s of %s", r.State, r.Version)
	}
}

func runOutlivesJob(t *testing.T, k Kit) {
	h := deploy(t, k, k.Target(Succeeds))
	start(t, k.Driver, h, "last")
	ended := awaitEnd(t, k.Driver, h, "last")
	if err := k.Driver.Remove(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ended, run(t, k.Reopen(), h, "last")); diff != "" {
		t.Errorf("after the job's removal the run is another:\n%s", diff)
	}
	wantRuns(t, k.Driver, h, 0, "last")
}

func runsInOrder(t *testing.T, k Kit) {
	h := deploy(t, k, k.Target(Succeeds))
	wantRuns(t, k.Driver, h, 0)
	for _, id := range []string{"b", "c", "a"} {
		start(t, k.Driver, h, id)
		awaitEnd(t, k.Driver, h, id)
	}
	wantRuns(t, k.Driver, h, 0, "a", "c", "b")
	wantRuns(t, k.Reopen(), h, 2, "a", "c")
	wantRuns(t, k.Driver, h, 9, "a", "c", "b")
}

func stopEnds(t *testing.T, k Kit) {
	h := deploy(t, k, k.Target(Endless))
	start(t, k.Driver, h, "long")
	awaitRunning(t, k.Driver, h, "long")
	for range 2 {
		if err := k.Reopen().(driver.Stopper).Stop(t.Context(), h, "long"); err != nil {
			t.Fatalf("Stop: %v", err)
		}
		if r := run(t, k.Driver, h, "long"); r.State != slipway.RunStopped {
			t.Errorf("after Stop the run is %s: %s", r.State, r.Message)
		}
	}
	start(t, k.Driver, h, "next")
	if err := k.Driver.(driver.Stopper).Stop(t.Context(), h, "next"); err != nil {
		t.Fatalf("Stop at once: %v", err)
	}
	if r := run(t, k.Driver, h, "next"); r.State != slipway.RunStopped {
		t.Errorf("after Stop at once the run is %s: %s", r.State, r.Message)
	}
}

func stopUnknown(t *testing.T, k Kit) {
	h := deploy(t, k, k.Target(Succeeds))
	wantKind(t, "Stop", k.Driver.(driver.Stopper).Stop(t.Context(), h, "unknown"), slipway.NotFound)
}

// wantLog reads the log to its end and compares it with what scripts print.
func wantLog(t *testing.T, d driver.Driver, h slipway.Handle, id string) {
	t.Helper()
	tailer, ok := d.(driver.LogTailer)
	if !ok {
		return
	}
	for _, follow := range []bool{true, false} {
		var out bytes.Buffer
		if err := tailer.Logs(t.Context(), h, id, follow, &out); err != nil {
			t.Fatalf("Logs: %v", err)
		}
		if diff := cmp.Diff(Output, out.String()); diff != "" {
			t.Errorf("log, follow %v (-printed +shown):\n%s", follow, diff)
		}
	}
}

func logsFollow(t *testing.T, k Kit) {
	h := deploy(t, k, k.Target(Succeeds))
	start(t, k.Driver, h, "talk")
	wantLog(t, k.Reopen(), h, "talk")
	if r := run(t, k.Driver, h, "talk"); !r.State.Ended() {
		t.Errorf("the log was followed to its end, and the run is %s", r.State)
	}
}

func logsFollowCancelled(t *testing.T, k Kit) {
	h := deploy(t, k, k.Target(Endless))
	start(t, k.Driver, h, "talk")
	stopAtEnd(t, k.Driver, h, "talk")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	seen := &cancelAfter{want: len(Output), cancel: cancel}
	err := k.Driver.(driver.LogTailer).Logs(ctx, h, "talk", true, seen)
	if err == nil || seen.got.String() != Output {
		t.Errorf("Logs of a run that goes on returned %v after %q", err, seen.got.String())
	}
}

// cancelAfter cancels once it got as much as it wants.
type cancelAfter struct {
	got    bytes.Buffer
	want   int
	cancel context.CancelFunc
}

func (c *cancelAfter) Write(p []byte) (int, error) {
	n, err := c.got.Write(p)
	if c.got.Len() >= c.want {
		c.cancel()
	}
	return n, err
}

func logsUnknown(t *testing.T, k Kit) {
	h := deploy(t, k, k.Target(Succeeds))
	for _, follow := range []bool{true, false} {
		err := k.Driver.(driver.LogTailer).Logs(t.Context(), h, "unknown", follow, &bytes.Buffer{})
		wantKind(t, "Logs", err, slipway.NotFound)
	}
}
