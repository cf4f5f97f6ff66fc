package drivertest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/drivertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFakeKeepsTheContract(t *testing.T) {
	drivertest.Run(t, func(t *testing.T) drivertest.Kit {
		t.Helper()
		t.Parallel()
		dir, blobs := t.TempDir(), blobs{}
		fake := drivertest.NewFake(dir, time.Now, nil)
		return drivertest.Kit{
			Driver: fake,
			Reopen: func() driver.Driver { return drivertest.NewFake(dir, time.Now, nil) },
			Target: func(b drivertest.Behaviour) slipway.Target { return target(blobs, b) },
			Blobs:  blobs, Script: fake.Script, Meddle: fake.Meddle,
		}
	})
}

// blobs is an artifact repository in memory.
type blobs map[string]string

func (b blobs) Open(_ context.Context, key string) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader([]byte(b[key]))), nil
}

func (b blobs) URL(key string) string { return "file:///nowhere/" + key }

func target(b blobs, does drivertest.Behaviour) slipway.Target {
	script := drivertest.FakeScript(does)
	a := slipway.Artifact{Name: "job.py", Kind: slipway.KindScript, Digest: slipway.DigestOf([]byte(script)), Key: string(does)}
	b[a.Key] = script
	return slipway.Target{
		App: "kit", Environment: "test", Version: "v1", Shape: "glue-job",
		Run: map[string]any{"type": "pythonshell"}, Artifacts: []slipway.Artifact{a},
	}
}

// TestFakeFailsOnRequest makes each call fail once, before and after its effect,
// and then again: the runtime must come to the same end.
func TestFakeFailsOnRequest(t *testing.T) {
	lost := errors.New("connection lost")
	for _, method := range []string{"Plan", "Apply", "Start", "Run", "Runs", "Logs", "Stop", "Due", "Observe", "Remove"} {
		for _, point := range []drivertest.Point{drivertest.Before, drivertest.After} {
			t.Run(method+" "+string(point), func(t *testing.T) {
				dir, b := t.TempDir(), blobs{}
				want := target(b, drivertest.Endless)
				failing := drivertest.NewFake(dir, time.Now, drivertest.FailOnce(method, point, lost))
				sound := drivertest.NewFake(dir, time.Now, nil)
				for _, step := range steps(want, b) {
					err := step.call(failing)
					if step.name != method {
						if err != nil {
							t.Fatalf("%s: %v", step.name, err)
						}
						continue
					}
					if !errors.Is(err, lost) {
						t.Fatalf("%s: error %v, want the fault", method, err)
					}
					if acted := step.acted != nil && step.acted(sound); acted != (step.acted != nil && point == drivertest.After) {
						t.Errorf("%s failed %s its effect, and acted is %v", method, point, acted)
					}
					if err := step.call(failing); err != nil {
						t.Errorf("%s again: %v", method, err)
					}
				}
				status, err := sound.Observe(t.Context(), handle, want)
				if diff := cmp.Diff(slipway.JobAbsent, status.State); err != nil || diff != "" {
					t.Errorf("at the end: %v %s", err, diff)
				}
			})
		}
	}
}

var handle = slipway.Handle{App: "kit", Environment: "test", Name: "kit"}

// A step is one call of a job's life. Acted says whether its effect is there.
type step struct {
	name  string
	call  func(*drivertest.Fake) error
	acted func(*drivertest.Fake) bool
}

func steps(want slipway.Target, b blobs) []step {
	ctx := context.Background()
	var plan slipway.Plan
	state := func(f *drivertest.Fake) slipway.RunState {
		r, err := f.Run(ctx, handle, "r")
		if err != nil {
			return ""
		}
		return r.State
	}
	present := func(f *drivertest.Fake) bool {
		s, err := f.Observe(ctx, handle, want)
		return err == nil && s.State == slipway.JobLive
	}
	return []step{
		{"Plan", func(f *drivertest.Fake) (err error) {
			plan, err = f.Plan(ctx, driver.PlanRequest{Target: want})
			return err
		}, nil},
		{"Apply", func(f *drivertest.Fake) error { _, err := f.Apply(ctx, plan, b); return err }, present},
		{"Start", func(f *drivertest.Fake) error {
			_, err := f.Start(ctx, handle, driver.RunRequest{ID: "r"})
			return err
		}, func(f *drivertest.Fake) bool { return state(f) == slipway.RunRunning }},
		{"Run", func(f *drivertest.Fake) error { _, err := f.Run(ctx, handle, "r"); return err }, nil},
		{"Runs", func(f *drivertest.Fake) error { _, err := f.Runs(ctx, handle, 0); return err }, nil},
		{"Logs", func(f *drivertest.Fake) error { return f.Logs(ctx, handle, "r", false, io.Discard) }, nil},
		{
			"Stop", func(f *drivertest.Fake) error { return f.Stop(ctx, handle, "r") },
			func(f *drivertest.Fake) bool { return state(f) == slipway.RunStopped },
		},
		{"Due", func(f *drivertest.Fake) error { _, err := f.Due(ctx, handle, time.Time{}, time.Time{}); return err }, nil},
		{"Observe", func(f *drivertest.Fake) error { _, err := f.Observe(ctx, handle, want); return err }, nil},
		{
			"Remove", func(f *drivertest.Fake) error { return f.Remove(ctx, handle) },
			func(f *drivertest.Fake) bool { return !present(f) },
		},
	}
}
