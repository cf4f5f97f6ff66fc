package operate_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/drivertest"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/operate"
	"github.com/slipway-cd/slipway/repository/repositorytest"
	"github.com/slipway-cd/slipway/store"
)

// blobs holds one script under every key.
type blobs string

func (b blobs) Open(context.Context, string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(string(b))), nil
}

func (b blobs) URL(key string) string { return "file:///" + key }

type world struct {
	dir   string
	book  *store.Ledger
	clock *repositorytest.Clock
	fake  *drivertest.Fake
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{dir: t.TempDir(), clock: repositorytest.NewClock(noon())}
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "slipway.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	w.book, w.fake = s.Ledger(w.clock.Now), drivertest.NewFake(w.dir, w.clock.Now, nil)
	return w
}

func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

func (w *world) stage(d driver.Driver) operate.Stage {
	return operate.Stage{
		Environment: slipway.Environment{Name: "staging", Runtime: "local"}, Driver: d, Ledger: w.book, Clock: w.clock.Now,
		Keeper: ledger.Keeper{Leases: w.book, Holder: ledger.Holder{ID: "me", Who: "ann@host"}, Clock: w.clock.Now},
	}
}

func subject(app string) ledger.Subject {
	return ledger.Subject{App: app, Environment: "staging"}
}

func (w *world) write(t *testing.T, app, id, kind string, body any) {
	t.Helper()
	h, err := ledger.ReadHistory(t.Context(), w.book, subject(app))
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.book.Append(t.Context(), ledger.Draft{Subject: subject(app), After: h.Head, ID: id, Kind: kind, Time: w.clock.Now(), By: "ann", Body: body})
	if err != nil {
		t.Fatal(err)
	}
}

// deploy makes a job of a script with parameters live.
func (w *world) deploy(t *testing.T, app string, number int64, script string, run map[string]any) slipway.Deployment {
	t.Helper()
	target := slipway.Target{
		App: app, Environment: "staging", Version: fmt.Sprint("v", number), Shape: "python-job", Run: run,
		Artifacts: []slipway.Artifact{{Name: "a.py", Kind: slipway.KindScript, Digest: slipway.DigestOf([]byte(script)), Key: "a.py"}},
	}
	plan, err := w.fake.Plan(t.Context(), driver.PlanRequest{Target: target})
	if err != nil {
		t.Fatal(err)
	}
	d := slipway.Deployment{ID: strconv.FormatInt(number, 10), Number: number, Plan: plan}
	w.write(t, app, fmt.Sprint(number, "/started"), ledger.DeploymentStarted, d)
	if d.Handle, err = w.fake.Apply(t.Context(), plan, blobs(script)); err != nil {
		t.Fatal(err)
	}
	w.write(t, app, fmt.Sprint(number, "/ended"), ledger.DeploymentEnded, ledger.DeploymentEnd{Number: number, State: slipway.Deployed, Handle: d.Handle})
	return d
}

func wantError(t *testing.T, err error, kind slipway.Kind, text, fix string) {
	t.Helper()
	if err == nil || slipway.KindOf(err) != kind || !strings.Contains(err.Error(), text) || !strings.Contains(slipway.FixOf(err), fix) {
		t.Errorf("got an error of kind %s: %v (%q)\nwant kind %s: %s (%q)", slipway.KindOf(err), err, slipway.FixOf(err), kind, text, fix)
	}
}

func TestStatus(t *testing.T) {
	w := newWorld(t)
	s := w.stage(w.fake)
	st, err := s.Status(t.Context(), "traffic", 5)
	if err != nil || st.Current != nil || st.Unfinished != nil || st.Job.State != slipway.JobAbsent {
		t.Errorf("of nothing: %+v, %v", st, err)
	}
	w.write(t, "traffic", "0/started", ledger.DeploymentStarted, slipway.Deployment{Number: 1})
	if st, err = s.Status(t.Context(), "traffic", 5); err != nil || st.Current != nil || st.Unfinished == nil {
		t.Errorf("of the first, under way: %+v, %v", st, err)
	}
	w.write(t, "traffic", "0/ended", ledger.DeploymentEnded, ledger.DeploymentEnd{Number: 1, State: slipway.DeployFail})
	d := w.deploy(t, "traffic", 2, "# fake: print hello\n", nil)
	for i := range 3 {
		if _, err := s.Start(t.Context(), "traffic", driver.RunRequest{ID: fmt.Sprint("r", i), Trigger: "manual"}); err != nil {
			t.Fatal(err)
		}
	}
	st, err = s.Status(t.Context(), "traffic", 2)
	if err != nil || st.Current == nil || st.Current.Number != 2 || st.Job.State != slipway.JobLive || len(st.Runs) != 2 || st.Runs[0].ID != "r2" {
		t.Errorf("of what is live: %+v, %v", st, err)
	}
	if err := w.fake.Meddle(d.Handle); err != nil {
		t.Fatal(err)
	}
	if st, err = s.Status(t.Context(), "traffic", 2); err != nil || st.Job.State != slipway.JobDrifted || len(st.Job.Drift) != 1 {
		t.Errorf("of what was changed by hand: %+v, %v", st, err)
	}
	broken := drivertest.NewFake(w.dir, w.clock.Now, drivertest.FailOnce("Observe", drivertest.Before, errors.New("no network")))
	st, err = w.stage(broken).Status(t.Context(), "traffic", 2)
	if err == nil || err.Error() != "no network" || st.Current == nil {
		t.Errorf("of what does not answer: %+v, %v", st, err)
	}
}

func TestNothingDeployed(t *testing.T) {
	w := newWorld(t)
	s := w.stage(w.fake)
	for name, call := range map[string]func() error{
		"Live":   func() error { _, err := s.Live(t.Context(), "traffic"); return err },
		"Remove": func() error { _, err := s.Remove(t.Context(), "traffic", "ann"); return err },
		"Start":  func() error { _, err := s.Start(t.Context(), "traffic", driver.RunRequest{ID: "a"}); return err },
		"Runs":   func() error { _, err := s.Runs(t.Context(), "traffic", 0); return err },
		"Run":    func() error { _, err := s.Run(t.Context(), "traffic", ""); return err },
		"Logs":   func() error { return s.Logs(t.Context(), "traffic", "a", false, io.Discard) },
		"Stop":   func() error { _, err := s.Stop(t.Context(), "traffic", "a"); return err },
	} {
		t.Run(name, func(t *testing.T) {
			wantError(t, call(), slipway.NotFound, "nothing of traffic is deployed in staging", "slipway ship staging")
		})
	}
}

// plain is a driver without any ability.
type plain struct{ driver.Driver }

func TestAbilitiesThatLack(t *testing.T) {
	w := newWorld(t)
	w.deploy(t, "traffic", 1, "x", nil)
	s := w.stage(plain{w.fake})
	for want, call := range map[string]func() error{
		"cannot start runs": func() error { _, err := s.Start(t.Context(), "traffic", driver.RunRequest{ID: "a"}); return err },
		"cannot show logs":  func() error { return s.Logs(t.Context(), "traffic", "a", false, io.Discard) },
		"cannot stop runs":  func() error { _, err := s.Stop(t.Context(), "traffic", "a"); return err },
		"keeps schedules itself; there is nothing to fire from here": func() error {
			return s.Schedule(t.Context(), noon(), nil, func(operate.Firing) {})
		},
	} {
		t.Run(want, func(t *testing.T) {
			wantError(t, call(), slipway.Invalid, "the runtime local of staging "+want, "")
		})
	}
	if st, err := s.Status(t.Context(), "traffic", 1); err != nil || st.Runs != nil {
		t.Errorf("Status gives %+v, %v", st, err)
	}
}

func TestRuns(t *testing.T) {
	w := newWorld(t)
	s := w.stage(w.fake)
	w.deploy(t, "traffic", 1, "# fake: print hello\n# fake: endless\n", nil)
	_, err := s.Run(t.Context(), "traffic", "")
	wantError(t, err, slipway.NotFound, "traffic has not run in staging yet", "slipway run traffic staging")
	if _, err := s.Start(t.Context(), "traffic", driver.RunRequest{ID: "one", Trigger: "manual", By: "ann"}); err != nil {
		t.Fatal(err)
	}
	run, err := s.Run(t.Context(), "traffic", "")
	if err != nil || run.ID != "one" || run.State != slipway.RunRunning || run.Version != "v1" {
		t.Errorf("the newest run is %+v, %v", run, err)
	}
	_, err = s.Start(t.Context(), "traffic", driver.RunRequest{ID: "two"})
	wantError(t, err, slipway.Busy, "concurrent runs exceeded for traffic: 1 under way", "")
	run, err = s.Stop(t.Context(), "traffic", "one")
	if err != nil || run.State != slipway.RunStopped {
		t.Errorf("stopped, it is %+v, %v", run, err)
	}
	var log bytes.Buffer
	if err := s.Logs(t.Context(), "traffic", "one", true, &log); err != nil || log.String() != "hello\n" {
		t.Errorf("it printed %q, %v", log.String(), err)
	}
	if runs, err := s.Runs(t.Context(), "traffic", 0); err != nil || len(runs) != 1 {
		t.Errorf("the runs are %+v, %v", runs, err)
	}
	err = s.Logs(t.Context(), "traffic", "none", true, io.Discard)
	wantError(t, err, slipway.NotFound, "there is no run none", "")
	_, err = s.Stop(t.Context(), "traffic", "none")
	wantError(t, err, slipway.NotFound, "there is no run none", "")
}

// Remove dies before and after its effect, and is called again.
func TestRemove(t *testing.T) {
	for _, point := range []drivertest.Point{drivertest.Before, drivertest.After} {
		t.Run(string(point), func(t *testing.T) {
			w := newWorld(t)
			w.deploy(t, "traffic", 1, "x", nil)
			fault := errors.New("no network")
			s := w.stage(drivertest.NewFake(w.dir, w.clock.Now, drivertest.FailOnce("Remove", point, fault)))
			if _, err := s.Remove(t.Context(), "traffic", "ann"); !errors.Is(err, fault) {
				t.Fatalf("Remove gives %v", err)
			}
			d, err := s.Remove(t.Context(), "traffic", "ann")
			if err != nil || d.Number != 1 {
				t.Fatalf("called again, Remove gives %+v, %v", d, err)
			}
			_, err = s.Remove(t.Context(), "traffic", "ann")
			wantError(t, err, slipway.NotFound, "nothing of traffic is deployed in staging", "")
			h, err := ledger.ReadHistory(t.Context(), w.book, subject("traffic"))
			if last := h.Entries[len(h.Entries)-1]; err != nil || last.Kind != ledger.JobRemoved || len(h.Entries) != 3 {
				t.Errorf("the last of %d entries is %+v, %v", len(h.Entries), last, err)
			}
			if st, err := w.fake.Observe(t.Context(), d.Handle, slipway.Target{}); err != nil || st.State != slipway.JobAbsent {
				t.Errorf("the runtime has %+v, %v", st, err)
			}
			w.deploy(t, "traffic", 2, "y", nil)
			if d, err := s.Remove(t.Context(), "traffic", "ann"); err != nil || d.Number != 2 {
				t.Errorf("the second time Remove gives %+v, %v", d, err)
			}
		})
	}
}

// Runs outlive their job: they are told of, and the one under way can be stopped.
func TestRunsOfWhatWasRemoved(t *testing.T) {
	w := newWorld(t)
	s := w.stage(w.fake)
	w.deploy(t, "traffic", 1, "# fake: print hello\n# fake: endless\n", nil)
	if _, err := s.Start(t.Context(), "traffic", driver.RunRequest{ID: "one"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Remove(t.Context(), "traffic", "ann"); err != nil {
		t.Fatal(err)
	}
	if run, err := s.Stop(t.Context(), "traffic", "one"); err != nil || run.State != slipway.RunStopped {
		t.Errorf("stopped, it is %+v, %v", run, err)
	}
	if runs, err := s.Runs(t.Context(), "traffic", 0); err != nil || len(runs) != 1 {
		t.Errorf("the runs are %+v, %v", runs, err)
	}
	var log bytes.Buffer
	if err := s.Logs(t.Context(), "traffic", "one", true, &log); err != nil || log.String() != "hello\n" {
		t.Errorf("it printed %q, %v", log.String(), err)
	}
	st, err := s.Status(t.Context(), "traffic", 5)
	if err != nil || st.Current != nil || st.Job.State != slipway.JobAbsent || len(st.Runs) != 1 {
		t.Errorf("the status is %+v, %v", st, err)
	}
	_, err = s.Start(t.Context(), "traffic", driver.RunRequest{ID: "two"})
	wantError(t, err, slipway.NotFound, "nothing of traffic is deployed in staging", "slipway ship staging")
}

func TestRemoveWaitsForNobody(t *testing.T) {
	w := newWorld(t)
	w.deploy(t, "traffic", 1, "x", nil)
	if _, err := w.book.Acquire(t.Context(), subject("traffic"), ledger.Holder{ID: "b", Who: "bob@ci", Doing: "ship", Process: 3}, time.Minute); err != nil {
		t.Fatal(err)
	}
	_, err := w.stage(w.fake).Remove(t.Context(), "traffic", "ann")
	wantError(t, err, slipway.Busy, "staging is being deployed by bob@ci (ship, process 3)", "wait for it")
	if st, err := w.fake.Observe(t.Context(), slipway.Handle{App: "traffic"}, slipway.Target{}); err != nil || st.State == slipway.JobAbsent {
		t.Errorf("the runtime has %+v, %v", st, err)
	}
}

// A release is let in while a job is removed.
func TestRemoveWhileReleasing(t *testing.T) {
	w := newWorld(t)
	w.deploy(t, "traffic", 1, "x", nil)
	n := 0
	s := w.stage(w.fake)
	s.Ledger = busyLedger{w.book, func() {
		if n++; n < 4 {
			w.write(t, "traffic", fmt.Sprint("release/", n), ledger.ReleaseCreated, ledger.Admission{Version: strconv.Itoa(n)})
		}
	}}
	if _, err := s.Remove(t.Context(), "traffic", "ann"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Live(t.Context(), "traffic"); slipway.KindOf(err) != slipway.NotFound {
		t.Errorf("Live gives %v", err)
	}
}

// busyLedger is one in which something happens before each append.
type busyLedger struct {
	ledger.Ledger
	before func()
}

func (l busyLedger) Append(ctx context.Context, d ledger.Draft) (ledger.Entry, error) {
	l.before()
	return l.Ledger.Append(ctx, d)
}

// schedule runs a schedule over ticks, minutes after noon, and returns what was
// told, such as "traffic 12:05 ok".
func (w *world) schedule(t *testing.T, s operate.Stage, minutes ...int) []string {
	t.Helper()
	ticks := make(chan time.Time)
	told := []string{}
	var done sync.WaitGroup
	done.Go(func() {
		err := s.Schedule(t.Context(), noon(), ticks, func(f operate.Firing) {
			what := "ok"
			if f.Err != nil {
				what = f.Note
			}
			told = append(told, fmt.Sprintf("%s %s %s", f.App, f.Due.UTC().Format("15:04"), what))
		})
		if err != nil {
			t.Error(err)
		}
	})
	for _, m := range minutes {
		ticks <- noon().Add(time.Duration(m) * time.Minute)
	}
	close(ticks)
	done.Wait()
	return told
}

func (w *world) wantRuns(t *testing.T, app string, want ...string) {
	t.Helper()
	runs, err := w.fake.Runs(t.Context(), slipway.Handle{App: app}, 0)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range runs {
		got = append(got, r.ID+" "+r.Trigger)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("runs of %s, newest first (-want +got):\n%s", app, diff)
	}
}

func every(minutes int) map[string]any {
	return map[string]any{"schedule": fmt.Sprintf("*/%d * * * *", minutes), "timezone": "UTC"}
}

func TestSchedule(t *testing.T) {
	w := newWorld(t)
	w.deploy(t, "traffic", 1, "x", every(5))
	w.deploy(t, "weather", 1, "x", every(10))
	w.deploy(t, "never", 1, "x", nil)
	w.deploy(t, "quota@memory", 1, "x", every(5)) // a chain that is no app's
	w.deploy(t, "gone", 1, "x", every(1))
	w.write(t, "gone", "remove/1", ledger.JobRemoved, ledger.Removal{Number: 1})
	for range 2 { // the second one finds the runs started
		told := w.schedule(t, w.stage(w.fake), 1, 4, 5, 6, 11)
		want := []string{"traffic 12:05 ok", "traffic 12:10 ok", "weather 12:10 ok"}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
	}
	w.wantRuns(t, "traffic", "schedule-20261122T121000Z schedule", "schedule-20261122T120500Z schedule")
	w.wantRuns(t, "weather", "schedule-20261122T121000Z schedule")
	w.wantRuns(t, "never")
	w.wantRuns(t, "gone")
}

// Two schedulers tick at the same time; every due run is started once.
func TestTwoSchedulers(t *testing.T) {
	w := newWorld(t)
	w.deploy(t, "traffic", 1, "x", every(1))
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() { w.schedule(t, w.stage(w.fake), 1, 2, 3) })
	}
	both.Wait()
	w.wantRuns(t, "traffic", "schedule-20261122T120300Z schedule", "schedule-20261122T120200Z schedule", "schedule-20261122T120100Z schedule")
}

func TestMissedTicks(t *testing.T) {
	w := newWorld(t)
	w.deploy(t, "traffic", 1, "x", every(5))
	told := w.schedule(t, w.stage(w.fake), 16)
	if diff := cmp.Diff([]string{"traffic 12:05 ok", "traffic 12:10 ok", "traffic 12:15 ok"}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

func TestScheduleWhileARunIsUnderWay(t *testing.T) {
	w := newWorld(t)
	w.deploy(t, "traffic", 1, "# fake: endless\n", every(5))
	told := w.schedule(t, w.stage(w.fake), 5, 10)
	if diff := cmp.Diff([]string{"traffic 12:05 ok", "traffic 12:10 concurrent runs exceeded for traffic: 1 under way"}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

// What cannot be asked is told once, and asked again from where it was left; it
// does not keep others from running.
func TestScheduleGoesOn(t *testing.T) {
	w := newWorld(t)
	w.deploy(t, "traffic", 1, "x", every(5))
	w.deploy(t, "weather", 1, "x", every(5))
	calls := 0
	flaky := drivertest.NewFake(w.dir, w.clock.Now, func(method string, at drivertest.Point) error {
		if method == "Due" && at == drivertest.Before {
			if calls++; calls == 1 || calls == 3 { // traffic, twice
				return errors.New("no network")
			}
		}
		return nil
	})
	told := w.schedule(t, w.stage(flaky), 5, 10, 11, 15)
	want := []string{
		"traffic 00:00 no network", "weather 12:05 ok", "weather 12:10 ok",
		"traffic 12:05 ok", "traffic 12:10 ok", "traffic 12:15 ok", "weather 12:15 ok",
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

// deaf is a ledger that cannot say at first which subjects there are.
type deaf struct {
	ledger.Ledger
	times *int
}

func (l deaf) Subjects(ctx context.Context) ([]ledger.Subject, error) {
	if *l.times--; *l.times >= 0 {
		return nil, errors.New("no network")
	}
	return l.Ledger.Subjects(ctx)
}

func TestScheduleWithoutLedger(t *testing.T) {
	w := newWorld(t)
	w.deploy(t, "traffic", 1, "x", every(5))
	s := w.stage(w.fake)
	times := 2
	s.Ledger = deaf{w.book, &times}
	told := w.schedule(t, s, 5, 10, 11)
	if diff := cmp.Diff([]string{" 00:00 no network", "traffic 12:05 ok", "traffic 12:10 ok"}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

func TestScheduleEnds(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.stage(w.fake).Schedule(ctx, noon(), make(chan time.Time), func(operate.Firing) { t.Error("something fires") }); err != nil {
		t.Error(err)
	}
}

// A job whose removal cannot be attested stays; otherwise the entry names the
// statement, which was there before the job was gone.
func TestRemoveIsAttestedFirst(t *testing.T) {
	w := newWorld(t)
	w.deploy(t, "traffic", 1, "x", nil)
	s := w.stage(w.fake)
	denied := slipway.Errorf(slipway.Blocked, "the key may attest nothing here")
	s.Attest = func(context.Context, slipway.Removal, slipway.Target) ([]slipway.Digest, error) { return nil, denied }
	if _, err := s.Remove(t.Context(), "traffic", "ann"); !errors.Is(err, denied) {
		t.Errorf("Remove gives %v", err)
	}
	if _, err := s.Live(t.Context(), "traffic"); err != nil {
		t.Errorf("it is gone all the same: %v", err)
	}
	statement, said := slipway.DigestOf([]byte("statement")), slipway.Removal{}
	s.Attest = func(ctx context.Context, r slipway.Removal, target slipway.Target) ([]slipway.Digest, error) {
		said = r
		if st, err := w.fake.Observe(ctx, slipway.Handle{App: "traffic", Environment: "staging"}, target); err != nil || st.State == slipway.JobAbsent {
			t.Errorf("the job is gone before it is attested: %+v, %v", st, err)
		}
		return []slipway.Digest{statement}, nil
	}
	d, err := s.Remove(t.Context(), "traffic", "ann")
	if err != nil {
		t.Fatal(err)
	}
	h, err := ledger.ReadHistory(t.Context(), w.book, subject("traffic"))
	if err != nil {
		t.Fatal(err)
	}
	last := h.Entries[len(h.Entries)-1]
	if diff := cmp.Diff([]slipway.Digest{statement}, last.Statements); diff != "" || last.Kind != ledger.JobRemoved {
		t.Errorf("the last entry is %+v\n%s", last, diff)
	}
	want := slipway.Removal{App: "traffic", Environment: "staging", Number: 1, Version: d.Plan.Target.Version, Job: d.Handle.Name, By: "ann", Time: last.Time}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("it says (-want +got):\n%s", diff)
	}
}

// A forgetful runtime keeps runs itself.
type forgetful struct {
	driver.Driver
	driver.Runner

	keep  int
	stays map[string]bool
}

func (f *forgetful) PruneRuns(_ context.Context, _ slipway.Handle, keep int, stays func(string) bool) (int, error) {
	f.keep, f.stays = keep, map[string]bool{"one": stays("one"), "two": stays("two")}
	return 0, nil
}

// TestStartPrunes: who starts a run has the runtime forget old ones, but those of which
// the ledger says how they ended.
func TestStartPrunes(t *testing.T) {
	w := newWorld(t)
	f := &forgetful{Driver: w.fake, Runner: w.fake}
	s := w.stage(f)
	w.deploy(t, "traffic", 1, "# fake: print hello\n", nil)
	v := slipway.RunVerdict{App: "traffic", Environment: "staging", Run: "two", State: slipway.RunSucceeded}
	w.write(t, "traffic", ledger.RunEntryID(v), ledger.RunEnded, v)
	for _, keep := range []int{0, 7} {
		s.KeepRuns = keep
		if _, err := s.Start(t.Context(), "traffic", driver.RunRequest{ID: fmt.Sprint("r", keep), Trigger: "manual"}); err != nil {
			t.Fatal(err)
		}
		if f.keep != keep {
			t.Errorf("%d are kept, want %d", f.keep, keep)
		}
	}
	if diff := cmp.Diff(map[string]bool{"one": false, "two": true}, f.stays); diff != "" {
		t.Errorf("what stays (-want +got):\n%s", diff)
	}
}
