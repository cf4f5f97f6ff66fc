// Package workflowtest holds the workflow engine to its promise over any
// database: what is recorded stays, what was cut short goes on, and an old result
// is never taken for a new one. Call Run.
package workflowtest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/workflow"
)

// A Kit opens engines over one database that was empty at first.
type Kit struct {
	// Open opens an engine as the next process would, has register register its
	// workflows, and launches it. It closes the engine that it opened before; the
	// last one is closed when the test ends.
	Open func(t *testing.T, register func(*workflow.Engine)) *workflow.Engine
}

// Run holds the engines of the kits that make makes to the promise. Make is
// called once for each test.
func Run(t *testing.T, make func(t *testing.T) Kit) {
	tests := []struct {
		name string
		test func(t *testing.T, k Kit)
	}{
		{"steps run once, in order", inOrder},
		{"what was cut short goes on elsewhere at the first step without a record", goOn},
		{"an error keeps its kind and its way out", keepErrors},
		{"a workflow that failed begins anew", failed},
		{"a workflow that succeeded begins anew", again},
		{"a panic is an error", panics},
		{"a step sees the cancel, also in a workflow that goes on", cancels},
		{"nothing begins when it is too late", tooLate},
		{"a step that succeeds in spite of the cancel runs again", finishesLate},
		{"what was abandoned begins anew, without its old results", abandon},
		{"abandoning spares what merely looks alike", abandonExactly},
		{"values keep their types", values},
		{"subjects do not wait for each other", concurrent},
		{"subjects and names do not mix", apart},
		{"old records are pruned", prune},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, make(t)) })
	}
}

// A diary notes what was really done.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

func (d *diary) want(t *testing.T, want ...string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if diff := cmp.Diff(want, d.lines); diff != "" {
		t.Errorf("what was done (-want +got):\n%s", diff)
	}
	d.lines = nil
}

// A job is a workflow of three steps that do as they are told.
type job struct {
	diary
	flow *workflow.Workflow[string, string]
	step map[string]func(context.Context) (string, error) // a, b and c; nil: note and succeed
}

func (j *job) register(e *workflow.Engine) { j.flow = workflow.Register(e, "job", j.run) }

func (j *job) run(steps *workflow.Steps, in string) (string, error) {
	out := in
	for _, name := range []string{"a", "b", "c"} {
		v, err := workflow.Do(steps, name, func(ctx context.Context) (string, error) {
			j.note(name)
			if act := j.step[name]; act != nil {
				return act(ctx)
			}
			return name, nil
		})
		if err != nil {
			return out, err
		}
		out += v
	}
	return out, nil
}

// open returns a job on an engine of its own, as another process has it.
func open(t *testing.T, k Kit, step map[string]func(context.Context) (string, error)) (*job, *workflow.Engine) {
	t.Helper()
	j := &job{step: step}
	return j, k.Open(t, j.register)
}

func (j *job) mustRun(t *testing.T, e *workflow.Engine, subject, in, want string) {
	t.Helper()
	got, err := j.flow.Run(t.Context(), e, subject, in, func() { j.note("resuming") })
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("the result is %q, want %q", got, want)
	}
}

// cut runs a subject until its step b, and then cancels it.
func cut(t *testing.T, k Kit, subject, in string) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	j, e := open(t, k, map[string]func(context.Context) (string, error){"b": func(ctx context.Context) (string, error) {
		cancel(errStop)
		<-ctx.Done()
		return "", ctx.Err()
	}})
	if _, err := j.flow.Run(ctx, e, subject, in, nil); err != errStop { //nolint:errorlint // it is returned as it is
		t.Fatalf("Run gives %v, want %v", err, errStop)
	}
	j.want(t, "a", "b")
}

var errStop = slipway.Errorf(slipway.Failed, "stop it")

func inOrder(t *testing.T, k Kit) {
	j, e := open(t, k, nil)
	j.mustRun(t, e, "app/local/1", "in:", "in:abc")
	j.want(t, "a", "b", "c")
}

func goOn(t *testing.T, k Kit) {
	cut(t, k, "app/local/1", "first:")
	j, e := open(t, k, nil)
	j.mustRun(t, e, "app/local/1", "second:", "first:abc")
	j.want(t, "resuming", "b", "c")
	j.mustRun(t, e, "app/local/1", "third:", "third:abc")
	j.want(t, "a", "b", "c")
}

// keepErrors has a workflow that goes on after a step that failed.
func keepErrors(t *testing.T, k Kit) {
	blocked := slipway.Errorf(slipway.Blocked, "prod is frozen").WithFix("wait\nuntil Monday")
	tries := 0
	register := func(block bool, cancel context.CancelFunc) (*workflow.Engine, *workflow.Workflow[int, string]) {
		var w *workflow.Workflow[int, string]
		e := k.Open(t, func(e *workflow.Engine) {
			w = workflow.Register(e, "stubborn", func(steps *workflow.Steps, _ int) (string, error) {
				_, err := workflow.Do(steps, "fail", func(context.Context) (int, error) { tries++; return 0, blocked })
				_, stopped := workflow.Do(steps, "wait", func(ctx context.Context) (int, error) {
					if block {
						cancel()
						<-ctx.Done()
					}
					return 0, ctx.Err()
				})
				if stopped != nil {
					return "", stopped
				}
				return string(slipway.KindOf(err)) + ": " + err.Error() + ": " + slipway.FixOf(err), err
			})
		})
		return e, w
	}
	ctx, cancel := context.WithCancel(t.Context())
	e, w := register(true, cancel)
	if _, err := w.Run(ctx, e, "s", 0, nil); err == nil {
		t.Fatal("Run gives no error")
	}
	e, w = register(false, nil)
	_, err := w.Run(t.Context(), e, "s", 0, nil)
	wantError(t, err, slipway.Blocked, "prod is frozen", "wait\nuntil Monday")
	if tries != 1 {
		t.Errorf("the step ran %d times, want 1", tries)
	}
}

func wantError(t *testing.T, err error, kind slipway.Kind, text, fix string) {
	t.Helper()
	if err == nil || slipway.KindOf(err) != kind || !strings.Contains(err.Error(), text) || slipway.FixOf(err) != fix {
		t.Errorf("got an error of kind %s: %v (%q)\nwant kind %s: %s (%q)", slipway.KindOf(err), err, slipway.FixOf(err), kind, text, fix)
	}
}

func failed(t *testing.T, k Kit) {
	fault := slipway.Errorf(slipway.Unavailable, "no network")
	j, e := open(t, k, map[string]func(context.Context) (string, error){"b": func(context.Context) (string, error) { return "", fault }})
	for range 2 {
		_, err := j.flow.Run(t.Context(), e, "s", "", func() { t.Error("a failed workflow goes on") })
		wantError(t, err, slipway.Unavailable, "no network", "")
		j.want(t, "a", "b")
	}
	j, e = open(t, k, nil)
	j.mustRun(t, e, "s", "", "abc")
	j.want(t, "a", "b", "c")
}

func again(t *testing.T, k Kit) {
	for _, in := range []string{"1:", "2:", "3:"} {
		j, e := open(t, k, nil)
		j.mustRun(t, e, "s", in, in+"abc")
		j.mustRun(t, e, "s", in+in, in+in+"abc")
		j.want(t, "a", "b", "c", "a", "b", "c")
	}
}

func panics(t *testing.T, k Kit) {
	j, e := open(t, k, map[string]func(context.Context) (string, error){"b": func(context.Context) (string, error) { panic("a fault of ours") }})
	_, err := j.flow.Run(t.Context(), e, "s", "", nil)
	wantError(t, err, slipway.Internal, "a fault of ours", "")
	j, e = open(t, k, nil)
	j.mustRun(t, e, "s", "", "abc")
	j.want(t, "a", "b", "c")
}

// cancels stops the same workflow three times, in three engines, and in its last
// step: each time Run returns only when the step has.
func cancels(t *testing.T, k Kit) {
	for round, want := range [][]string{{"a", "b", "left"}, {"b", "left"}, {"b", "left"}} {
		ctx, cancel := context.WithCancelCause(t.Context())
		var j *job
		var e *workflow.Engine
		j, e = open(t, k, map[string]func(context.Context) (string, error){"b": func(ctx context.Context) (string, error) {
			cancel(errStop)
			<-ctx.Done()
			if cause := context.Cause(ctx); cause != errStop { //nolint:errorlint // it is handed on as it is
				t.Errorf("round %d: the step sees %v", round, cause)
			}
			j.note("left")
			return "", ctx.Err()
		}})
		if _, err := j.flow.Run(ctx, e, "s", "", nil); err != errStop { //nolint:errorlint // it is returned as it is
			t.Fatalf("round %d: Run gives %v", round, err)
		}
		j.want(t, want...)
	}
	j, e := open(t, k, nil)
	j.mustRun(t, e, "s", "", "abc")
	j.want(t, "resuming", "b", "c")
}

func tooLate(t *testing.T, k Kit) {
	j, e := open(t, k, nil)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errStop)
	if _, err := j.flow.Run(ctx, e, "s", "", nil); err != errStop { //nolint:errorlint // it is returned as it is
		t.Errorf("Run gives %v", err)
	}
	j.mustRun(t, e, "s", "", "abc")
	j.want(t, "a", "b", "c")
}

func finishesLate(t *testing.T, k Kit) {
	ctx, cancel := context.WithCancelCause(t.Context())
	j, e := open(t, k, map[string]func(context.Context) (string, error){"b": func(context.Context) (string, error) {
		cancel(errStop)
		return "b", nil
	}})
	if _, err := j.flow.Run(ctx, e, "s", "", nil); err != errStop { //nolint:errorlint // it is returned as it is
		t.Fatalf("Run gives %v", err)
	}
	j.want(t, "a", "b")
	j, e = open(t, k, nil)
	j.mustRun(t, e, "s", "", "abc")
	if !slices.Equal(j.lines, []string{"resuming", "b", "c"}) && !slices.Equal(j.lines, []string{"resuming", "c"}) {
		t.Errorf("it goes on with %q", j.lines)
	}
}

func abandon(t *testing.T, k Kit) {
	cut(t, k, "app/local/1", "old:")
	cut(t, k, "app/local/2", "kept:")
	cut(t, k, "app/prod/1", "other:")
	j, e := open(t, k, nil)
	j.mustRun(t, e, "app/local/3", "ended:", "ended:abc")
	if n, err := j.flow.Abandon(e, "app/local/", "app/local/2"); err != nil || n != 1 {
		t.Errorf("Abandon gives %d, %v, want 1", n, err)
	}
	if n, err := j.flow.Abandon(e, "app/local/", "app/local/2"); err != nil || n != 0 {
		t.Errorf("Abandon once more gives %d, %v, want 0", n, err)
	}
	j.want(t, "a", "b", "c")
	j.step = map[string]func(context.Context) (string, error){"a": func(context.Context) (string, error) { return "A", nil }}
	j.mustRun(t, e, "app/local/1", "new:", "new:Abc")
	j.want(t, "a", "b", "c")
	j.mustRun(t, e, "app/local/2", "new:", "kept:abc")
	j.want(t, "resuming", "b", "c")
	j.mustRun(t, e, "app/prod/1", "new:", "other:abc")
	j.want(t, "resuming", "b", "c")
}

func abandonExactly(t *testing.T, k Kit) {
	for _, subject := range []string{"my_app/local/1", "my-app/local/1", "MY_APP/local/1", "my_app/local-2/1", "100%/local/1", "100 /local/1"} {
		cut(t, k, subject, "old:")
	}
	j, e := open(t, k, nil)
	for _, prefix := range []string{"my_app/local/", "100%/"} {
		if n, err := j.flow.Abandon(e, prefix, "nothing"); err != nil || n != 1 {
			t.Errorf("Abandon %s gives %d, %v, want 1", prefix, n, err)
		}
	}
	for _, subject := range []string{"my-app/local/1", "MY_APP/local/1", "my_app/local-2/1", "100 /local/1"} {
		j.mustRun(t, e, subject, "new:", "old:abc")
	}
	for _, subject := range []string{"my_app/local/1", "100%/local/1"} {
		j.mustRun(t, e, subject, "new:", "new:abc")
	}
}
