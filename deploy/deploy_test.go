package deploy_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/deploy"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/drivertest"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/object"
	"github.com/slipway-cd/slipway/repository/folder"
	"github.com/slipway-cd/slipway/repository/repositorytest"
	"github.com/slipway-cd/slipway/store"
)

// A book keeps records and leases.
type book interface {
	ledger.Ledger
	ledger.Leaser
}

// A world is an environment with a fake runtime, and a clock.
type world struct {
	book  book
	blobs blobs
	dir   string // of the runtime
	clock *repositorytest.Clock
	fake  *drivertest.Fake // without faults
}

type blobs struct{ *folder.Repository }

func (b blobs) URL(key string) string { return b.Repository.URL() + "/" + key }

// everywhere runs a test over both kinds of ledger.
func everywhere(t *testing.T, test func(t *testing.T, w *world)) {
	t.Run("in a database", func(t *testing.T) {
		w := newWorld(t)
		s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "slipway.db"), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		w.book = s.Ledger(w.clock.Now)
		test(t, w)
	})
	t.Run("in a repository", func(t *testing.T) {
		w := newWorld(t)
		w.book = object.New(&repositorytest.Stamped{Repository: w.blobs.Repository, Clock: w.clock}, w.clock.Now)
		test(t, w)
	})
}

func newWorld(t testing.TB) *world {
	t.Helper()
	repo, err := folder.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{blobs: blobs{repo}, dir: t.TempDir(), clock: repositorytest.NewClock(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))}
	w.fake = drivertest.NewFake(w.dir, w.clock.Now, nil)
	return w
}

func subject() ledger.Subject { return ledger.Subject{App: "traffic", Environment: "staging"} }

// target is a version, whose script says so.
func (w *world) target(t testing.TB, version string) slipway.Target {
	t.Helper()
	script := "# version " + version + "\n"
	d := slipway.DigestOf([]byte(script))
	key := slipway.ArtifactKey("traffic", "traffic.py", d, "c0ffee")
	if _, err := w.blobs.Put(t.Context(), key, strings.NewReader(script)); err != nil {
		t.Fatal(err)
	}
	return slipway.Target{
		App: "traffic", Environment: "staging", Version: version, Commit: "c0ffee", Shape: "python-job",
		Run:       map[string]any{"workers": 2, "arguments": map[string]any{"source": "s3://raw"}},
		Artifacts: []slipway.Artifact{{Name: "traffic.py", Kind: slipway.KindScript, Digest: d, Size: int64(len(script)), Key: key}},
	}
}

// stage is the stage of a holder, over a driver and a ledger that may fail.
func (w *world) stage(holder string, d driver.Driver, l ledger.Ledger) deploy.Stage {
	return deploy.Stage{
		Environment: slipway.Environment{Name: "staging", Runtime: "local"}, Driver: d, Blobs: w.blobs, Ledger: l, Clock: w.clock.Now,
		Keeper: ledger.Keeper{Leases: w.book, Holder: ledger.Holder{ID: holder, Who: holder + "@host", Process: 7, Doing: "deploy"}, Clock: w.clock.Now},
	}
}

func (w *world) sane(holder string) deploy.Stage { return w.stage(holder, w.fake, w.book) }

func (w *world) input(t testing.TB, id, version string) deploy.Input {
	t.Helper()
	return deploy.Input{ID: id, Target: w.target(t, version), By: "ann@host"}
}

func (w *world) mustDeploy(t testing.TB, holder, id, version string) deploy.Output {
	t.Helper()
	out, err := w.sane(holder).Run(t.Context(), w.input(t, id, version))
	if err != nil {
		t.Fatalf("deploy %s: %v", version, err)
	}
	return out
}

func (w *world) history(t testing.TB) ledger.History {
	t.Helper()
	h, err := ledger.ReadHistory(t.Context(), w.book, subject())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// wantHistory compares the deployments with lines such as "1 v1 deployed".
func (w *world) wantHistory(t testing.TB, want ...string) {
	t.Helper()
	h := w.history(t)
	var got []string
	for _, d := range h.Deployments {
		got = append(got, fmt.Sprintf("%d %s %s", d.Number, d.Plan.Target.Version, d.State))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	starts, ends := map[string]int{}, map[string]int{}
	for _, e := range h.Entries {
		switch e.Kind {
		case ledger.DeploymentStarted:
			starts[e.ID]++
		case ledger.DeploymentEnded:
			ends[e.ID]++
		}
	}
	if len(starts) != len(h.Deployments) || len(ends) > len(starts) {
		t.Errorf("there are %d starts and %d ends of %d deployments", len(starts), len(ends), len(h.Deployments))
	}
}

// wantLive says which version the runtime has; empty: none.
func (w *world) wantLive(t testing.TB, version string) {
	t.Helper()
	s, err := w.fake.Observe(t.Context(), slipway.Handle{App: "traffic", Environment: "staging"}, slipway.Target{})
	if err != nil || s.Target.Version != version {
		t.Errorf("the runtime has %q, %v, want %q", s.Target.Version, err, version)
	}
}

func wantError(t testing.TB, err error, kind slipway.Kind, text, fix string) {
	t.Helper()
	if err == nil || slipway.KindOf(err) != kind || !strings.Contains(err.Error(), text) || !strings.Contains(slipway.FixOf(err), fix) {
		t.Errorf("got an error of kind %s: %v (%q)\nwant kind %s: %s (%q)", slipway.KindOf(err), err, slipway.FixOf(err), kind, text, fix)
	}
}

func TestDeploy(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		out := w.mustDeploy(t, "a", "one", "v1")
		d := out.Deployment
		if !out.Made || d.Number != 1 || d.State != slipway.Deployed || d.By != "ann@host" || d.Handle.App != "traffic" || d.Ended.IsZero() {
			t.Errorf("the first: %+v", out)
		}
		out = w.mustDeploy(t, "a", "two", "v1")
		if out.Made || out.Deployment.Number != 1 {
			t.Errorf("the same once more: %+v", out)
		}
		w.wantHistory(t, "1 v1 deployed")
		out = w.mustDeploy(t, "b", "three", "v2")
		if !out.Made || out.Deployment.Number != 2 {
			t.Errorf("another: %+v", out)
		}
		out = w.mustDeploy(t, "b", "three", "v2")
		if !out.Made || out.Deployment.Number != 2 {
			t.Errorf("asked again under its id: %+v", out)
		}
		w.wantHistory(t, "1 v1 deployed", "2 v2 deployed")
		w.wantLive(t, "v2")
		kinds := []string{}
		for _, e := range w.history(t).Entries {
			kinds = append(kinds, e.Kind+" "+e.ID)
		}
		want := []string{"deployment.started deploy/one/started", "deployment.ended deploy/one/ended", "deployment.started deploy/three/started", "deployment.ended deploy/three/ended"}
		if diff := cmp.Diff(want, kinds); diff != "" {
			t.Errorf("entries (-want +got):\n%s", diff)
		}
	})
}

// errCrash stands for the end of the process: nothing behind it is done.
var errCrash = errors.New("the process died")

// dying is a ledger in which a process dies.
type dying struct {
	ledger.Ledger
	fault drivertest.Fault
}

func (l dying) Append(ctx context.Context, d ledger.Draft) (ledger.Entry, error) {
	_ = l.fault(d.Kind, drivertest.Before)
	e, err := l.Ledger.Append(ctx, d)
	_ = l.fault(d.Kind, drivertest.After)
	return e, err
}

// crash deploys in a process that dies at a point.
func (w *world) crash(t testing.TB, holder, method string, point drivertest.Point, in deploy.Input) {
	t.Helper()
	died := false
	fault := func(m string, p drivertest.Point) error {
		if m == method && p == point && !died {
			died = true
			panic(errCrash)
		}
		return nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	defer func() {
		if r := recover(); r != errCrash { //nolint:errorlint // it is the same value
			t.Errorf("the process did not die at %s %s: %v", point, method, r)
		}
	}()
	_, err := w.stage(holder, drivertest.NewFake(w.dir, w.clock.Now, fault), dying{w.book, fault}).Run(ctx, in)
	t.Errorf("Run came back with %v", err)
}

func TestCrash(t *testing.T) {
	for _, tt := range []struct {
		method   string
		point    drivertest.Point
		replaced []string // the history if another deployment takes over
	}{
		{"Plan", drivertest.After, []string{"1 v2 deployed"}},
		{ledger.DeploymentStarted, drivertest.Before, []string{"1 v2 deployed"}},
		{ledger.DeploymentStarted, drivertest.After, []string{"1 v1 superseded", "2 v2 deployed"}},
		{"Apply", drivertest.Before, []string{"1 v1 superseded", "2 v2 deployed"}},
		{"Apply", drivertest.After, []string{"1 v1 superseded", "2 v2 deployed"}},
		{ledger.DeploymentEnded, drivertest.Before, []string{"1 v1 superseded", "2 v2 deployed"}},
		{ledger.DeploymentEnded, drivertest.After, []string{"1 v1 deployed", "2 v2 deployed"}},
	} {
		t.Run(fmt.Sprint(tt.point, " ", tt.method), func(t *testing.T) {
			everywhere(t, func(t *testing.T, w *world) {
				t.Run("gone on with", func(t *testing.T) {
					w.crash(t, "a", tt.method, tt.point, w.input(t, "one", "v1"))
					out := w.mustDeploy(t, "a", "one", "v1")
					if !out.Made || out.Deployment.Number != 1 || out.Deployment.State != slipway.Deployed {
						t.Errorf("it ends as %+v", out)
					}
					w.wantHistory(t, "1 v1 deployed")
					w.wantLive(t, "v1")
				})
			})
			everywhere(t, func(t *testing.T, w *world) {
				t.Run("replaced", func(t *testing.T) {
					w.crash(t, "a", tt.method, tt.point, w.input(t, "one", "v1"))
					_, err := w.sane("b").Run(t.Context(), w.input(t, "two", "v2"))
					wantError(t, err, slipway.Busy, "staging is being deployed by a@host (deploy, process 7) since ", "wait for it")
					w.clock.Advance(time.Minute)
					w.mustDeploy(t, "b", "two", "v2")
					w.wantHistory(t, tt.replaced...)
					w.wantLive(t, "v2")
					if tt.replaced[0] == "1 v1 superseded" {
						_, err = w.sane("a").Run(t.Context(), w.input(t, "one", "v1"))
						wantError(t, err, slipway.Conflict, "deployment 1 of traffic in staging was cut short, and another one took its place", "look at slipway history staging")
						w.wantHistory(t, tt.replaced...)
					}
				})
			})
		})
	}
}

func TestApplyFails(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.mustDeploy(t, "a", "one", "v1")
		refused := slipway.Errorf(slipway.Unavailable, "no Python here").WithFix("install it")
		broken := drivertest.NewFake(w.dir, w.clock.Now, drivertest.FailOnce("Apply", drivertest.Before, refused))
		_, err := w.stage("a", broken, w.book).Run(t.Context(), w.input(t, "two", "v2"))
		wantError(t, err, slipway.Unavailable, "no Python here", "install it")
		w.wantHistory(t, "1 v1 deployed", "2 v2 failed")
		if d, ok := w.history(t).Current(); !ok || d.Number != 1 {
			t.Errorf("live is %v, %v", d.Number, ok)
		}
		_, err = w.sane("a").Run(t.Context(), w.input(t, "two", "v2"))
		wantError(t, err, slipway.Failed, "deployment 2 of traffic in staging failed: no Python here", "")
		asked := asking{Driver: w.fake}
		if _, err := w.stage("a", &asked, w.book).Plan(t.Context(), w.input(t, "three", "v2")); err != nil {
			t.Fatal(err)
		}
		if asked.request.Begun == nil || asked.request.Begun.Target.Version != "v2" || asked.request.Live.App != "traffic" {
			t.Errorf("the driver is asked with %+v", asked.request)
		}
		w.mustDeploy(t, "a", "three", "v2")
		w.wantHistory(t, "1 v1 deployed", "2 v2 failed", "3 v2 deployed")
		if _, err := w.stage("a", &asked, w.book).Plan(t.Context(), w.input(t, "four", "v2")); err != nil || asked.request.Begun != nil {
			t.Errorf("after a deployment the driver is asked with %+v, %v", asked.request, err)
		}
		w.wantLive(t, "v2")
	})
}

// asking is a runtime that remembers what it was asked.
type asking struct {
	driver.Driver
	request driver.PlanRequest
}

func (d *asking) Plan(ctx context.Context, r driver.PlanRequest) (slipway.Plan, error) {
	d.request = r
	return d.Driver.Plan(ctx, r)
}

// hooked is a runtime in which something happens in the middle of a call.
type hooked struct {
	driver.Driver
	plan, apply func()
}

func (d hooked) Plan(ctx context.Context, r driver.PlanRequest) (slipway.Plan, error) {
	p, err := d.Driver.Plan(ctx, r)
	if d.plan != nil {
		d.plan()
	}
	return p, err
}

func (d hooked) Apply(ctx context.Context, p slipway.Plan, b driver.Blobs) (slipway.Handle, error) {
	if d.apply != nil {
		d.apply()
	}
	if ctx.Err() != nil {
		return slipway.Handle{}, ctx.Err()
	}
	return d.Driver.Apply(ctx, p, b)
}

// Somebody may release to the environment while a deployment is under way: that
// needs no lease.
func TestReleasesMeanwhile(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		n := 0
		release := func() {
			n++
			a := ledger.Admission{Version: fmt.Sprint("v", n), Record: "r", Time: w.clock.Now(), By: "bob"}
			if made, err := ledger.Admit(t.Context(), w.book, subject(), ledger.ReleaseCreated, a); err != nil || !made {
				t.Errorf("Admit gives %v, %v", made, err)
			}
		}
		out, err := w.stage("a", hooked{w.fake, release, release}, w.book).Run(t.Context(), w.input(t, "one", "v1"))
		if err != nil || !out.Made {
			t.Fatalf("Run gives %+v, %v", out, err)
		}
		w.wantHistory(t, "1 v1 deployed")
		if n := len(w.history(t).Admissions); n != 2 {
			t.Errorf("there are %d releases, want 2", n)
		}
	})
}

// What people say comes in at any time. Whatever opened the gate is asked for again
// if it does so before the deployment has begun.
func TestPeopleSpeakMeanwhile(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		n := 0
		speak := func() {
			n++
			h := w.history(t)
			said := ledger.Grant{Grant: slipway.Grant{App: "traffic", Rail: "big", Person: "ana"}}
			if _, err := w.book.Append(t.Context(), ledger.Draft{Subject: subject(), After: h.Head, ID: fmt.Sprint("said/", n), Kind: ledger.RailGranted, Time: w.clock.Now(), By: "ana", Body: said}); err != nil {
				t.Error(err)
			}
		}
		asked := 0
		gate := func(_ context.Context, p slipway.Plan) (slipway.Plan, error) {
			if asked++; asked == 1 {
				speak() // behind the gate's back
			}
			p.Warnings = []string{fmt.Sprint("asked ", asked)}
			return p, t.Context().Err()
		}
		stage := w.stage("a", hooked{w.fake, nil, speak}, w.book)
		stage.Gate = gate
		if out, err := stage.Run(t.Context(), w.input(t, "one", "v1")); err != nil || !out.Made {
			t.Fatalf("Run gives %+v, %v", out, err)
		}
		h := w.history(t)
		if got := h.Deployments[0].Plan.Warnings; len(got) != 1 || got[0] != "asked 2" || asked != 2 {
			t.Errorf("the gate was asked %d times, and the ledger has %v", asked, got)
		}
		if h.Head != 4 || h.Deployments[0].State != slipway.Deployed {
			t.Errorf("the ledger has %+v", h.Entries)
		}
		stage.Driver, asked = w.fake, 0
		stage.Gate = func(ctx context.Context, p slipway.Plan) (slipway.Plan, error) {
			if asked == 1 {
				return p, slipway.Errorf(slipway.Blocked, "it was taken back")
			}
			return gate(ctx, p)
		}
		_, err := stage.Run(t.Context(), w.input(t, "two", "v2"))
		wantError(t, err, slipway.Blocked, "it was taken back", "")
		if n := len(w.history(t).Deployments); n != 1 {
			t.Errorf("%d deployments were begun", n)
		}
	})
}

func TestSomebodyIgnoresTheLease(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		intrude := func() {
			h := w.history(t)
			d := slipway.Deployment{ID: "x", Number: 1, Plan: slipway.Plan{Target: w.target(t, "v9")}}
			if _, err := w.book.Append(t.Context(), ledger.Draft{Subject: subject(), After: h.Head, ID: "deploy/x/started", Kind: ledger.DeploymentStarted, Time: w.clock.Now(), By: "mallory", Body: d}); err != nil {
				t.Error(err)
			}
		}
		_, err := w.stage("a", hooked{w.fake, intrude, nil}, w.book).Run(t.Context(), w.input(t, "one", "v1"))
		wantError(t, err, slipway.Conflict, "the ledger of traffic in staging has moved on to entry 1: deployment.started by mallory", "")
		w.wantHistory(t, "1 v9 deploying")
		w.wantLive(t, "")
	})
}

// A process that was taken for dead, and is not, must not report a success that
// the ledger does not have.
func TestSupersededWhileAlive(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		other := func() {
			w.clock.Advance(time.Hour)
			w.mustDeploy(t, "b", "two", "v2")
		}
		_, err := w.stage("a", hooked{w.fake, nil, other}, w.book).Run(t.Context(), w.input(t, "one", "v1"))
		wantError(t, err, slipway.Conflict, "changed after the plan was made", "")
		w.wantHistory(t, "1 v1 superseded", "2 v2 deployed")
		w.wantLive(t, "v2")
	})
	everywhere(t, func(t *testing.T, w *world) {
		late := drivertest.NewFake(w.dir, w.clock.Now, func(method string, at drivertest.Point) error {
			if method == "Apply" && at == drivertest.After {
				w.clock.Advance(time.Hour)
				w.mustDeploy(t, "b", "two", "v2")
			}
			return nil
		})
		_, err := w.stage("a", late, w.book).Run(t.Context(), w.input(t, "one", "v1"))
		wantError(t, err, slipway.Conflict, "deployment 1 of traffic in staging was cut short, and another one took its place", "")
		w.wantHistory(t, "1 v1 superseded", "2 v2 deployed")
	})
}

func TestCancelled(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := w.stage("a", hooked{w.fake, nil, cancel}, w.book).Run(ctx, w.input(t, "one", "v1"))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Run gives %v", err)
		}
		w.wantHistory(t, "1 v1 deploying")
		w.mustDeploy(t, "b", "one", "v1") // the lease was given up, not left behind
		w.wantHistory(t, "1 v1 deployed")
	})
}

func TestPlan(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		in := w.input(t, "one", "v1")
		plan, err := w.sane("a").Plan(t.Context(), in)
		if err != nil || plan.Empty() {
			t.Fatalf("Plan gives %+v, %v", plan, err)
		}
		w.wantHistory(t)
		in.Plan = &plan
		if out, err := w.sane("a").Run(t.Context(), in); err != nil || !out.Made {
			t.Fatalf("Run gives %+v, %v", out, err)
		}
		if plan, err = w.sane("a").Plan(t.Context(), in); err != nil || !plan.Empty() {
			t.Errorf("then Plan gives %+v, %v", plan, err)
		}
		t.Run("stale", func(t *testing.T) {
			in := w.input(t, "two", "v2")
			old, err := w.sane("a").Plan(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			w.mustDeploy(t, "a", "three", "v3")
			in.Plan = &old
			_, err = w.sane("a").Run(t.Context(), in)
			wantError(t, err, slipway.Conflict, "the plan is stale: traffic in staging has changed since it was made", "make it again: slipway plan v2 staging")
			w.wantLive(t, "v3")
			w.wantHistory(t, "1 v1 deployed", "2 v3 deployed")
		})
		t.Run("edited", func(t *testing.T) {
			for name, edit := range map[string]func(*slipway.Plan){
				"hides a change":         func(p *slipway.Plan) { p.Changes = p.Changes[1:] },
				"shows another change":   func(p *slipway.Plan) { p.Changes[0].To = "another" },
				"has another definition": func(p *slipway.Plan) { p.Definition = []byte(`{"job":{"NumberOfWorkers":99}}`) },
			} {
				in := w.input(t, "edited", "v4")
				edited, err := w.sane("a").Plan(t.Context(), in)
				if err != nil {
					t.Fatal(err)
				}
				edit(&edited)
				in.Plan = &edited
				_, err = w.sane("a").Run(t.Context(), in)
				t.Log(name)
				wantError(t, err, slipway.Conflict, "the plan for traffic in staging is not as it was made: somebody edited it, or another version of Slipway made it", "make it again: slipway plan v4 staging")
			}
			w.wantLive(t, "v3")
		})
		t.Run("for something else", func(t *testing.T) {
			in := w.input(t, "four", "v4")
			in.Plan = &plan
			_, err := w.sane("a").Run(t.Context(), in)
			wantError(t, err, slipway.Conflict, "this plan is not one for release v4 of traffic in staging as it is now", "make it again: slipway plan v4 staging")
			in = w.input(t, "five", "v5")
			in.Target.Environment = "prod"
			_, err = w.sane("a").Run(t.Context(), in)
			wantError(t, err, slipway.Invalid, "this is a target for prod, not for staging", "")
		})
	})
}

func TestAfterRemoval(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		d := w.mustDeploy(t, "a", "one", "v1").Deployment
		if err := w.fake.Remove(t.Context(), d.Handle); err != nil {
			t.Fatal(err)
		}
		h := w.history(t)
		if _, err := w.book.Append(t.Context(), ledger.Draft{Subject: subject(), After: h.Head, ID: "remove/1", Kind: ledger.JobRemoved, Time: w.clock.Now(), By: "ann", Body: ledger.Removal{Number: 1}}); err != nil {
			t.Fatal(err)
		}
		broken := drivertest.NewFake(w.dir, w.clock.Now, drivertest.FailOnce("Apply", drivertest.Before, errors.New("no room")))
		if _, err := w.stage("a", broken, w.book).Run(t.Context(), w.input(t, "two", "v2")); err == nil {
			t.Error("Run gives no error")
		}
		if d, ok := w.history(t).Current(); ok {
			t.Errorf("deployment %d is live, though its job was removed and nothing came after it", d.Number)
		}
		if out := w.mustDeploy(t, "a", "three", "v1"); !out.Made || out.Deployment.Number != 3 {
			t.Errorf("the removed version again: %+v", out)
		}
		w.wantLive(t, "v1")
	})
}

// Many deploy at once, each under a lease of its own: all come to an end, one
// after the other.
func TestAtOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		const n = 4
		ended := make(chan struct{}, n)
		var all sync.WaitGroup
		for i := range n {
			in := w.input(t, fmt.Sprint("id", i), fmt.Sprint("v", i))
			all.Go(func() {
				for {
					_, err := w.sane(fmt.Sprint("holder", i)).Run(t.Context(), in)
					if slipway.KindOf(err) == slipway.Busy && err != nil {
						continue
					}
					if err != nil {
						t.Error(err)
					}
					ended <- struct{}{}
					return
				}
			})
		}
		all.Wait()
		h := w.history(t)
		if len(ended) != n || len(h.Deployments) != n {
			t.Errorf("%d ended, %d are in the ledger, want %d", len(ended), len(h.Deployments), n)
		}
		current, _ := h.Current()
		w.wantLive(t, current.Plan.Target.Version)
	})
}

// priced is a runtime that knows what runs cost.
type priced struct{ *drivertest.Fake }

func (priced) Cost(context.Context, slipway.Target, []slipway.Run) (slipway.Cost, error) {
	return slipway.Cost{Worst: &slipway.Money{Amount: 2_200_000, Currency: "USD"}}, nil
}

// touched is a runtime on which somebody has changed something that no plan changes.
type touched struct {
	*drivertest.Fake
	by *bool
}

func (d touched) Observe(ctx context.Context, h slipway.Handle, t slipway.Target) (slipway.JobStatus, error) {
	s, err := d.Fake.Observe(ctx, h, t)
	if *d.by {
		s.State = slipway.JobDrifted
	}
	return s, err
}

func TestKeepWhatSomebodyChanged(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		changed := false
		s := w.stage("ann", touched{w.fake, &changed}, w.book)
		for i, tt := range []struct {
			changed bool
			drift   slipway.DriftPolicy
			made    bool
		}{{false, "", true}, {true, "", false}, {true, slipway.DriftKeep, true}, {false, slipway.DriftKeep, false}} {
			changed = tt.changed
			in := w.input(t, fmt.Sprint("keep-", i), "v1")
			in.Drift = tt.drift
			out, err := s.Run(t.Context(), in)
			if err != nil || out.Made != tt.made {
				t.Errorf("%+v: made %t, %v", tt, out.Made, err)
			}
		}
		w.wantHistory(t, "1 v1 deployed", "2 v1 deployed")
	})
}

func TestPlanSaysWhatRunsCost(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		s := w.stage("ann", priced{w.fake}, w.book)
		in := w.input(t, "a", "v1")
		p, err := s.Plan(t.Context(), in)
		if err != nil || p.Cost == nil || p.Cost.String() != "at most $2.20 a run" || p.Cost.App != "traffic" {
			t.Errorf("cost %+v, %v", p.Cost, err)
		}
		p.Cost = nil // prices that have changed since do not make a plan stale
		in.Plan = &p
		if _, err := s.Run(t.Context(), in); err != nil {
			t.Errorf("a plan without its cost: %v", err)
		}
	})
}

// TestSomebodyDeployedSinceTheLedgerWasRead begins with an old memory of the ledger,
// and ends with what is so: a plan against what the other deployed.
func TestSomebodyDeployedSinceTheLedgerWasRead(t *testing.T) {
	w := newWorld(t)
	open := func() *object.Ledger {
		return object.New(&repositorytest.Stamped{Repository: w.blobs.Repository, Clock: w.clock}, w.clock.Now)
	}
	w.book = open()
	w.mustDeploy(t, "ann", "first", "v1")
	mine := open()
	if _, err := ledger.ReadHistory(t.Context(), mine, subject()); err != nil {
		t.Fatal(err)
	}
	w.mustDeploy(t, "bob", "second", "v2")
	out, err := w.stage("ann", w.fake, mine).Run(t.Context(), w.input(t, "third", "v3"))
	if err != nil || out.Deployment.Number != 3 {
		t.Fatalf("deployment %d, %v", out.Deployment.Number, err)
	}
	w.wantLive(t, "v3")
	w.wantHistory(t, "1 v1 deployed", "2 v2 deployed", "3 v3 deployed")
}
