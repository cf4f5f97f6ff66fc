package check

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/sandbox"
)

// A Spec is one check as the manifest asks for it.
type Spec struct {
	Name     string            // letters, digits, dots, hyphens, underscores; it becomes a folder name
	Run      Command           // a command, or
	Scan     string            // what Slipway does itself: ScanSecrets
	Timeout  time.Duration     // 0: DefaultTimeout
	Required bool              // false: advisory, its verdict closes no gate
	Memory   int64             // bytes that it may use; 0: what the sandbox says
	Network  bool              // it may reach the network where checks are isolated
	Env      map[string]string // on top of Input.Env; cannot replace REPORTS and SLIPWAY_*

	// The reports the command writes: a path or a pattern of package path, one
	// for each report ("TEST-*.xml"). It is looked up in the check's reports
	// folder and then in the working copy; "$REPORTS/" in front means the
	// reports folder alone. Empty: the check has no such report.
	JUnit    string
	Coverage string
	SARIF    string

	Thresholds Thresholds

	// On are the events on which it is asked, and Files patterns of the files of
	// which a change has to touch one; empty: all.
	On, Files []string

	// AllowEmpty lets a report without a single executed test, line or scan
	// pass. Otherwise no data is not a pass.
	AllowEmpty bool
}

// Kind is what kind of scan the check is; empty: none.
func (s Spec) Kind() string {
	switch {
	case s.Scan != "":
		return s.Scan
	case s.SARIF != "":
		return "sarif"
	}
	return ""
}

// A Command is the team's own shell text or, when Shell is empty, a list that is
// executed as it stands.
type Command struct {
	Shell string
	Args  []string
}

// argv is the program and its arguments.
func (c Command) argv() []string {
	if c.Shell != "" {
		return []string{"sh", "-c", c.Shell}
	}
	return c.Args
}

// Thresholds say what a report must show.
type Thresholds struct {
	Coverage float64 // percent covered at least; 0: any
	Change   float64 // percent covered at least of the lines that the change adds; 0: any

	// Drop is by how many points the coverage may be below that of the base; nil: by
	// any.
	Drop *float64

	// Findings are the most findings of a level (error, warning, note) that still
	// pass. A level that is not named: none for error and warning, any number for
	// note.
	Findings map[string]int
	OnlyNew  bool // findings that the base has too do not count
}

// DefaultTimeout limits a check that names no time limit.
const DefaultTimeout = 15 * time.Minute

// Artifacts are the built files, for the checks to test. Each is an absolute path; an
// empty one is exported as an empty variable.
type Artifacts struct {
	Folder  string // SLIPWAY_ARTIFACTS
	Script  string // SLIPWAY_SCRIPT: the file that the runtime will execute
	Modules string // SLIPWAY_MODULES: the zip of helper modules
}

// An Event is a check that started or, with a Result, ended.
type Event struct {
	Check  string
	Time   time.Time
	Result *slipway.CheckResult
}

// Input is what Run needs.
type Input struct {
	Specs     []Spec
	Dir       string   // the working copy that the commands run in
	Env       []string // base environment, "KEY=value"; nothing else is inherited
	Artifacts Artifacts

	// Reports is a folder for this attempt alone. Each check gets a folder of
	// its name in it, emptied first and exported as REPORTS.
	Reports string

	Parallel int // checks at the same time; 0 means 1

	// Sandbox runs the commands; nil: they run without isolation. They may write to
	// the folder Root, which holds Dir and is Dir if empty. Cache is what package
	// managers keep; nil: nothing.
	Sandbox *sandbox.Sandbox
	Root    string
	Cache   *sandbox.Cache
	Tools   []string // folders that they may read though isolation hides them

	// Log returns where the output of a check is streamed to; nil, or a nil
	// writer, discards it. Writers of different checks are written to at the
	// same time. An error of the writer ends the stream and not the check.
	Log func(check string) io.Writer

	// Secrets are hidden in the logs and in everything that a result keeps.
	Secrets []string

	// Change is what the commit changes; nil: it is compared with nothing. Then no
	// check is left out for what it is about, and no finding is new. Base is what is
	// known of a check at the base; nil, or not known: nothing.
	Change *Change
	Base   func(check string) (Baseline, bool)

	// Found is given what others can compare with; it may be nil. It is called
	// before the event of the check's end, and for different checks at the same time.
	Found func(check string, b Baseline)

	// Event is what happened: push, pull_request or tag. Empty: nobody says, and no
	// check is left out for it.
	Event string

	// Emit is told of progress, one call at a time; it may be nil.
	Emit func(Event)

	Now func() time.Time // the clock; required
}

// Run runs every check and returns the results in the order of the specs. What
// goes wrong with a check is its verdict; an error is a spec that cannot be
// right, a folder that cannot be made, or ctx, whose end stops all commands.
// Run may be called again after a crash, with a fresh reports folder.
func Run(ctx context.Context, in Input) ([]slipway.CheckResult, error) {
	if err := validate(in.Specs); err != nil {
		return nil, err
	}
	in, err := in.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := in.Sandbox.Ready(ctx); err != nil {
		return nil, err
	}
	results := make([]slipway.CheckResult, len(in.Specs))
	slots := make(chan struct{}, max(1, in.Parallel))
	var group sync.WaitGroup
	for i, spec := range in.Specs {
		slots <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		group.Go(func() {
			defer func() { <-slots }()
			results[i] = in.one(ctx, spec)
		})
	}
	group.Wait()
	if ctx.Err() != nil {
		return nil, fmt.Errorf("run checks: %w", context.Cause(ctx))
	}
	return results, nil
}

// withDefaults fills what the caller left out and makes paths absolute.
func (in Input) withDefaults() (Input, error) {
	in.Root = cmp.Or(in.Root, in.Dir)
	for _, p := range []*string{&in.Dir, &in.Root, &in.Reports} {
		abs, err := filepath.Abs(*p)
		if err != nil {
			return in, fmt.Errorf("find folder %s: %w", *p, err)
		}
		*p = abs
	}
	if in.Sandbox == nil {
		in.Sandbox = sandbox.New(sandbox.Config{})
	}
	emit, turn := in.Emit, new(sync.Mutex)
	in.Emit = func(e Event) {
		turn.Lock()
		defer turn.Unlock()
		if emit != nil {
			emit(e)
		}
	}
	if err := os.MkdirAll(in.Reports, 0o755); err != nil {
		return in, slipway.Errorf(slipway.Unavailable, "cannot make the reports folder: %w", err).
			WithFix("make room or give write permission there")
	}
	return in, nil
}

// one runs one check and judges it.
func (in Input) one(ctx context.Context, spec Spec) slipway.CheckResult {
	start := in.Now()
	in.Emit(Event{Check: spec.Name, Time: start})
	if spec.Timeout == 0 {
		spec.Timeout = DefaultTimeout
	}
	v := &verdict{spec: spec, dir: in.Dir, change: in.Change}
	v.result = slipway.CheckResult{Name: spec.Name, Required: spec.Required, Verdict: slipway.Pass}
	if in.Base != nil {
		if b, ok := in.Base(spec.Name); ok {
			v.base = &b
		}
	}
	if v.result.NotNeeded = in.notNeeded(spec); v.result.NotNeeded == "" {
		v.result.Scan = spec.Kind()
		in.question(ctx, spec, v)
	}
	if in.Found != nil && v.result.NotNeeded == "" && ctx.Err() == nil {
		in.Found(spec.Name, v.found)
	}
	end := in.Now()
	v.result.Duration = end.Sub(start)
	v.result = masked(v.result, sandbox.Hide(in.Secrets))
	in.Emit(Event{Check: spec.Name, Time: end, Result: &v.result})
	return v.result
}

// question runs the command and reads the reports into v.
func (in Input) question(ctx context.Context, spec Spec, v *verdict) {
	folders, err := openFolders(in.Dir, in.Reports, spec.Name)
	if err != nil {
		v.errored("%v", err)
		return
	}
	defer folders.close()
	if spec.Scan == ScanSecrets {
		in.scan(ctx, folders, v)
		return
	}
	before := folders.snapshot(spec)
	kept := new(tail)
	end, err := in.Sandbox.Run(ctx, in.Cache.Mount(sandbox.Step{
		Argv: spec.Run.argv(), Dir: in.Dir, Env: in.environment(spec, folders.reportsPath),
		Output: io.MultiWriter(kept, in.stream(spec.Name)), Mask: in.Secrets,
		Limits: sandbox.Limits{Time: spec.Timeout, Memory: spec.Memory}, Network: spec.Network,
		Writable: []string{in.Root, folders.reportsPath}, ReadOnly: in.readOnly(),
	}))
	v.result.Output = kept.String()
	if err != nil {
		v.noCommand(err)
		return
	}
	v.result.Isolation = end.Note
	if end.Isolated {
		v.result.Isolation = "isolated"
	}
	v.command(end)
	v.reports(folders, before)
	v.reviews(folders)
}

// readOnly are the folders that commands may read, wherever they lie.
func (in Input) readOnly() []string {
	var folders []string
	for _, dir := range append([]string{in.Artifacts.Folder}, in.Tools...) {
		if dir != "" {
			folders = append(folders, dir)
		}
	}
	return folders
}

// environment is what the command of a check sees; later entries win.
func (in Input) environment(spec Spec, reports string) []string {
	env := append([]string{}, in.Env...)
	for key, value := range spec.Env {
		env = append(env, key+"="+value)
	}
	return append(env,
		"PWD="+in.Dir,
		"REPORTS="+reports,
		"SLIPWAY_ARTIFACTS="+in.Artifacts.Folder,
		"SLIPWAY_SCRIPT="+in.Artifacts.Script,
		"SLIPWAY_MODULES="+in.Artifacts.Modules,
	)
}

// masked replaces secrets in all text that a command or its reports chose.
func masked(r slipway.CheckResult, mask func(string) string) slipway.CheckResult {
	r.Output = mask(r.Output)
	for i := range r.Reasons {
		r.Reasons[i] = mask(r.Reasons[i])
	}
	for i := range r.Failures {
		f := &r.Failures[i]
		f.Name, f.Message, f.File = mask(f.Name), mask(f.Message), mask(f.File)
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		f.Rule, f.Message, f.File = mask(f.Rule), mask(f.Message), mask(f.File)
	}
	for i := range r.Reviews {
		r.Reviews[i].Reason = mask(r.Reviews[i].Reason)
	}
	return r
}
