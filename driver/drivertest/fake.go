package drivertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

// A Point is a place in a call where it may fail.
type Point string

// The points. After the effect, the caller cannot know that it happened.
const (
	Before Point = "before"
	After  Point = "after"
)

// A Fault is asked at each point of each call ("Apply", Before); what it returns
// is what the call returns. It may as well kill the process.
type Fault func(method string, at Point) error

// FailOnce fails the first call of a method, at a point.
func FailOnce(method string, at Point, err error) Fault {
	var once sync.Once
	return func(m string, p Point) (failed error) {
		if m == method && p == at {
			once.Do(func() { failed = err })
		}
		return failed
	}
}

// Fake is a runtime in a folder. It runs nothing: what a run prints and how it
// ends is written in the script, in lines such as
//
//	# fake: print first line
//	# fake: fails
//	# fake: endless
//
// and a script without them succeeds at once. It accepts every shape of Shapes.
// Any number of Fakes may share a folder, in this process and others.
type Fake struct {
	dir   string
	clock func() time.Time
	fault Fault
}

var (
	_ driver.Driver    = (*Fake)(nil)
	_ driver.Runner    = (*Fake)(nil)
	_ driver.Stopper   = (*Fake)(nil)
	_ driver.LogTailer = (*Fake)(nil)
	_ driver.Scheduler = (*Fake)(nil)
)

// NewFake returns the runtime in dir, which it makes if need be. Fault may be nil.
func NewFake(dir string, clock func() time.Time, fault Fault) *Fake {
	if fault == nil {
		fault = func(string, Point) error { return nil }
	}
	return &Fake{dir: dir, clock: clock, fault: fault}
}

// fakeJob is all that is kept of an app.
type fakeJob struct {
	Target *slipway.Target `json:"target,omitempty"` // nil: no job is there
	Script []byte          `json:"script,omitempty"`
	Runs   []fakeRun       `json:"runs,omitempty"` // oldest first
}

type fakeRun struct {
	slipway.Run
	Output string `json:"output"`
}

// target is what is there now: the digest is that of the script as it is.
func (j *fakeJob) target() slipway.Target {
	if j.Target == nil {
		return slipway.Target{}
	}
	t := *j.Target
	t.Artifacts = slices.Clone(t.Artifacts)
	for i, a := range t.Artifacts {
		if a.Kind == slipway.KindScript {
			t.Artifacts[i].Digest = slipway.DigestOf(j.Script)
		}
	}
	return t
}

func (j *fakeJob) base() string {
	if j.Target == nil {
		return ""
	}
	return driver.Fingerprint(j.target())
}

// do runs one call: it reads the app's job, lets act change it, and writes it
// back, in one step and failing where it was asked to.
func (f *Fake) do(method, app string, act func(*fakeJob) error) error {
	if err := f.fault(method, Before); err != nil {
		return err
	}
	if err := f.change(app, act); err != nil {
		return err
	}
	return f.fault(method, After)
}

func (f *Fake) change(app string, act func(*fakeJob) error) error {
	if app == "" || strings.ContainsAny(app, `/\`) || strings.HasPrefix(app, ".") {
		return slipway.Errorf(slipway.Invalid, "%q cannot be the name of an app", app)
	}
	if err := os.MkdirAll(f.dir, 0o755); err != nil {
		return err
	}
	lock, err := os.OpenFile(filepath.Join(f.dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	name := filepath.Join(f.dir, app+".json")
	var j fakeJob
	data, err := os.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(data, &j)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := act(&j); err != nil {
		return err
	}
	return replace(name, data, j)
}

// replace writes a job back if it differs from what was read.
func replace(name string, old []byte, j fakeJob) error {
	data, err := json.Marshal(j)
	if err != nil || string(data) == string(old) {
		return err
	}
	tmp := name + ".new"
	if err := os.WriteFile(tmp, data, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, name)
}

// Shapes are the shapes that Fake runs.
func Shapes() []string { return []string{"glue-job", "python-job"} }

// Plan says what Apply would do.
func (f *Fake) Plan(_ context.Context, r driver.PlanRequest) (p slipway.Plan, err error) {
	t := r.Target
	if !slices.Contains(Shapes(), t.Shape) {
		return p, slipway.Errorf(slipway.Invalid, "the shape %q does not run here", t.Shape)
	}
	if _, err := driver.ScheduleOf(t); err != nil {
		return p, err
	}
	err = f.do("Plan", t.App, func(j *fakeJob) error {
		p = slipway.Plan{Target: t, Base: j.base(), Changes: driver.Diff(j.target(), t)}
		return nil
	})
	return p, err
}

// Apply carries out a plan as it stands.
func (f *Fake) Apply(ctx context.Context, p slipway.Plan, blobs driver.Blobs) (slipway.Handle, error) {
	script, err := fetchScript(ctx, p.Target, blobs)
	if err != nil {
		return slipway.Handle{}, err
	}
	err = f.do("Apply", p.Target.App, func(j *fakeJob) error {
		switch j.base() {
		case driver.Fingerprint(p.Target):
			return nil
		case p.Base:
			j.Target, j.Script = &p.Target, script
			return nil
		}
		return slipway.Errorf(slipway.Conflict, "the job %s changed after the plan was made", p.Target.App)
	})
	return handle(p.Target), err
}

func fetchScript(ctx context.Context, t slipway.Target, blobs driver.Blobs) ([]byte, error) {
	a, ok := t.Artifact(slipway.KindScript)
	if !ok {
		return nil, slipway.Errorf(slipway.Invalid, "the release of %s holds no script", t.App)
	}
	r, err := blobs.Open(ctx, a.Key)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		return nil, err
	}
	if slipway.DigestOf(data) != a.Digest {
		return nil, slipway.Errorf(slipway.Conflict, "%s is not what was released", blobs.URL(a.Key))
	}
	return data, nil
}

// Observe says what is there now.
func (f *Fake) Observe(_ context.Context, h slipway.Handle, deployed slipway.Target) (s slipway.JobStatus, err error) {
	err = f.do("Observe", h.App, func(j *fakeJob) error {
		if j.Target == nil {
			s = slipway.JobStatus{State: slipway.JobAbsent}
			return nil
		}
		s = slipway.JobStatus{State: slipway.JobLive, Target: j.target(), Drift: driver.Diff(deployed, j.target())}
		for i := range s.Drift {
			s.State, s.Drift[i].Note = slipway.JobDrifted, "changed outside Slipway"
		}
		schedule, err := driver.ScheduleOf(*j.Target)
		s.Schedule, s.Next = schedule.String(), schedule.Next(f.clock(), 1)
		return err
	})
	return s, err
}

// Remove takes the job away.
func (f *Fake) Remove(_ context.Context, h slipway.Handle) error {
	return f.do("Remove", h.App, func(j *fakeJob) error {
		j.Target, j.Script = nil, nil
		return nil
	})
}

// Script is the deployed job's script, for a Kit.
func (f *Fake) Script(h slipway.Handle) (script []byte, err error) {
	err = f.change(h.App, func(j *fakeJob) error { script = j.Script; return nil })
	return script, err
}

// Meddle changes the deployed job's script, for a Kit.
func (f *Fake) Meddle(h slipway.Handle) error {
	return f.change(h.App, func(j *fakeJob) error { j.Script = append(j.Script, "# mine\n"...); return nil })
}

// Due returns when the deployed job's schedule fires.
func (f *Fake) Due(_ context.Context, h slipway.Handle, after, until time.Time) (times []time.Time, err error) {
	err = f.do("Due", h.App, func(j *fakeJob) error {
		schedule, err := driver.ScheduleOf(j.target())
		times = schedule.Between(after, until, 0)
		return err
	})
	return times, err
}

var fakeLine = regexp.MustCompile(`(?m)^# fake: (\w+) ?(.*)$`)

// play says what a script prints and how it ends.
func play(script []byte) (output string, state slipway.RunState, message string) {
	state = slipway.RunSucceeded
	for _, m := range fakeLine.FindAllStringSubmatch(string(script), -1) {
		switch m[1] {
		case "print":
			output += m[2] + "\n"
		case "fails":
			state, message = slipway.RunFailed, "ValueError: told to fail"
		case "endless":
			state = slipway.RunRunning
		}
	}
	return output, state, message
}

// FakeScript is a script that behaves as asked, for a Kit.
func FakeScript(b Behaviour) string {
	var s strings.Builder
	for line := range strings.Lines(Output) {
		fmt.Fprintf(&s, "# fake: print %s", line)
	}
	return s.String() + "# fake: " + string(b) + "\n"
}
