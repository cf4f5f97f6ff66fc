package sandbox

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"syscall"
	"time"

	"github.com/slipway-cd/slipway"
)

// Isolation says how much is between a step and the machine.
type Isolation string

// The kinds of isolation.
const (
	None      Isolation = "none"      // steps run as this user's other processes do
	Preferred Isolation = "preferred" // isolated where the kernel allows; elsewhere the result says why not
	Required  Isolation = "required"  // isolated, or not at all
)

// Config is what a sandbox gets from outside.
type Config struct {
	Isolation Isolation // empty: None
	Log       *slog.Logger
	Environ   []string // of this process: where bubblewrap and the home folder are found
	// Temp is a folder for what isolated steps keep in /tmp. Empty: the system's.
	Temp string
	// Hide are folders that isolated steps do not see, besides homes, /run and
	// /tmp: where the server keeps its data.
	Hide []string
	// Owner is a word that no other sandbox at work at the same time has, for Reap.
	// Empty: nobody reaps.
	Owner string
	// Limits hold where a step has none of its own.
	Limits Limits
	Grace  time.Duration                                  // between SIGTERM and SIGKILL; 0: DefaultGrace
	Timer  func(time.Duration) (<-chan time.Time, func()) // fires once, unless stopped; nil: the real one
}

// DefaultGrace is how long a step that is told to end may take for it.
const DefaultGrace = 10 * time.Second

// A Sandbox runs steps. It may be used by any number at the same time.
type Sandbox struct {
	cfg     Config
	machine *machine
}

// A machine is what was found out about isolation on this one.
type machine struct {
	turn  sync.Mutex
	probe *probe // nil: nobody asked yet
	quiet sync.Once
}

// New returns a sandbox.
func New(c Config) *Sandbox {
	if c.Isolation == "" {
		c.Isolation = None
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Grace == 0 {
		c.Grace = DefaultGrace
	}
	if c.Timer == nil {
		c.Timer = realTimer
	}
	return &Sandbox{cfg: c, machine: &machine{}}
}

// With returns a sandbox with another isolation and limits, where they are given.
// What is required stays required.
func (s *Sandbox) With(i Isolation, l Limits) *Sandbox {
	c := s.cfg
	if i != "" && c.Isolation != Required {
		c.Isolation = i
	}
	c.Limits = l.over(c.Limits)
	return &Sandbox{cfg: c, machine: s.machine}
}

func realTimer(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}

// Limits are the most that a step may use; 0 is no limit. Memory and processes are
// looked at ten times a second, on Linux.
type Limits struct {
	Time      time.Duration `json:"time_ns,omitempty"`
	Memory    int64         `json:"memory,omitempty"`    // bytes that its processes hold in memory together
	Processes int           `json:"processes,omitempty"` // processes and threads at the same time
	Output    int64         `json:"output,omitempty"`    // bytes that it prints
}

// over puts limits of a step's own over those of the sandbox.
func (l Limits) over(base Limits) Limits {
	if l.Time == 0 {
		l.Time = base.Time
	}
	if l.Memory == 0 {
		l.Memory = base.Memory
	}
	if l.Processes == 0 {
		l.Processes = base.Processes
	}
	if l.Output == 0 {
		l.Output = base.Output
	}
	return l
}

// A Step is a command. Paths are absolute.
type Step struct {
	Argv   []string  // the program is looked for on the PATH of Env
	Dir    string    // empty: where this process is, or / if the step is isolated
	Env    []string  // all of its environment; see Sandbox.Environ
	Stdin  io.Reader // nil: none. It may be read from until it fails, also after the step
	Output io.Writer // of both streams; an error of it ends the stream and not the step. nil: nobody reads
	Limits Limits
	Mask   []string // secrets to hide in the output

	// What follows holds where the step is isolated.
	Network  bool     // it may reach the network
	Writable []string // folders that it may write to, Dir only if it is one of them
	ReadOnly []string // folders that it may read though they lie in a hidden one
}

// A Limit is what ended a step.
type Limit string

// The limits; empty is none.
const (
	Time      Limit = "time"
	Memory    Limit = "memory"
	Processes Limit = "processes"
	Output    Limit = "output"
)

// A Result says how a step ended.
type Result struct {
	Code     int            // exit code; -1 where a signal ended it. An isolated step that a signal ended has 128 and its number
	Signal   syscall.Signal // what ended it; 0: nothing
	Limit    Limit          // what it exceeded and was ended for
	Reason   string         // the same in words: "used 2.1 GB of memory, of 2 GB allowed"
	Isolated bool
	Note     string // why it was not isolated though that was preferred
}

// Ready reports whether steps can run as the configuration asks: an error of kind
// Unavailable says that isolation is required and not possible here.
func (s *Sandbox) Ready(ctx context.Context) error {
	if s.cfg.Isolation != Required {
		return nil
	}
	if p := s.look(ctx); p.why != "" {
		return slipway.Errorf(slipway.Unavailable, "steps have to be isolated and cannot be here: %s", p.why).WithFix("%s", p.way)
	}
	return nil
}

// Reap ends what is left of the steps of an owner whose process was killed: what
// somebody put into the background, on Linux. No step of this owner may be running.
func (s *Sandbox) Reap() {
	if s.cfg.Owner != "" {
		killTagged(tagName + "=" + s.cfg.Owner + "-")
	}
}

// Run runs a step to its end and leaves no process of it behind. The error is one
// of the command that cannot be started, of required isolation that cannot be had,
// or the cause of ctx, whose end ends the step at once. A step that exceeded a
// limit has a result and no error.
func (s *Sandbox) Run(ctx context.Context, step Step) (Result, error) {
	if ctx.Err() != nil {
		return Result{}, context.Cause(ctx)
	}
	step.Limits = step.Limits.over(s.cfg.Limits)
	file, err := program(step.Argv[0], step.Dir, step.Env)
	if err != nil {
		return Result{}, err
	}
	if err := s.Ready(ctx); err != nil {
		return Result{}, err
	}
	r := &run{Step: step, sandbox: s, file: file}
	defer r.close()
	if err := r.prepare(ctx); err != nil {
		return Result{}, fmt.Errorf("prepare the step: %w", err)
	}
	if err := r.start(); err != nil {
		return Result{}, err
	}
	return r.follow(ctx)
}
