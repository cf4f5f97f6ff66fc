package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/slipway-cd/slipway"
)

// readyWord is what a supervisor says once a run's state is on disk.
const readyWord = "ready\n"

// The files that a supervisor inherits.
const (
	lockFD  = 3 + iota // the run's lock
	readyFD            // where to say the word
	slotFD             // the run's slot, if it has one already
)

// orders tell a supervisor what to do. They can be read by everybody on the
// machine while it runs.
type orders struct {
	Root       string        `json:"root"`
	Cache      string        `json:"cache"`
	WorkDir    string        `json:"work_dir,omitempty"`
	SearchDirs []string      `json:"search_dirs"`
	Grace      time.Duration `json:"grace"`
	App        string        `json:"app"`
	Run        string        `json:"run"`
	Slot       bool          `json:"slot"`
}

// orders are the arguments behind Config.Supervisor.
func (d *Driver) orders(app, id string, slot bool) []string {
	data, err := json.Marshal(orders{
		Root: d.cfg.Root, Cache: d.cfg.Cache, WorkDir: d.cfg.WorkDir, SearchDirs: d.cfg.SearchDirs,
		Grace: d.cfg.Grace, App: app, Run: id, Slot: slot,
	})
	if err != nil {
		panic(err) // strings and numbers
	}
	return []string{string(data)}
}

// Supervise runs one run to its end: it is what the command line in
// Config.Supervisor must come to. Args are the arguments that the driver put
// behind that command line. Of cfg, Secrets, Environ, Clock and Log are used; the
// rest comes with args. When ctx is done the job is ended and the run is in
// error.
func Supervise(ctx context.Context, cfg Config, args []string) error {
	var o orders
	if len(args) != 1 || json.Unmarshal([]byte(args[0]), &o) != nil {
		return slipway.Errorf(slipway.Invalid, "a supervisor is started by slipway itself, not by hand")
	}
	cfg.Root, cfg.Cache, cfg.WorkDir, cfg.SearchDirs, cfg.Grace = o.Root, o.Cache, o.WorkDir, o.SearchDirs, o.Grace
	d := New(cfg)
	folder, err := d.runFolder(o.App, o.Run)
	if err != nil {
		return err
	}
	s := &supervisor{d: d, folder: folder, home: filepath.Dir(filepath.Dir(folder))}
	s.inherit(o.Slot)
	defer s.release()
	return s.supervise(ctx)
}

// A supervisor sees one run to its end.
type supervisor struct {
	d      *Driver
	folder string // the run's
	home   string // the job's
	req    request
	given  map[string]string // the arguments that the request has masked
	job    job
	state  state

	lock, ready, slot *os.File
}

// inherit takes over the files that the starter handed on, and keeps them from
// the supervisor's own children.
func (s *supervisor) inherit(slot bool) {
	take := func(fd int, name string) *os.File {
		syscall.CloseOnExec(fd)
		return os.NewFile(uintptr(fd), name)
	}
	s.lock, s.ready = take(lockFD, "lock"), take(readyFD, "ready")
	if slot {
		s.slot = take(slotFD, "slot")
	}
}

func (s *supervisor) release() {
	for _, f := range []*os.File{s.ready, s.slot, s.lock} {
		if f != nil {
			_ = f.Close() // the process ends
		}
	}
}

func (s *supervisor) file(name string) string { return filepath.Join(s.folder, name) }

// supervise is the life of a run, from its first record to its last.
func (s *supervisor) supervise(ctx context.Context) error {
	if err := readJSON(s.file(requestFile), &s.req); err != nil {
		return err
	}
	var err error
	if s.given, err = readSecrets(s.folder); err != nil {
		return err
	}
	if s.job, err = runJob(s.home, s.folder); err != nil {
		return err
	}
	ctx, stopWatching := s.watchStop(ctx)
	defer stopWatching()
	first := state{State: slipway.RunStarting, Started: s.d.now()}
	if s.slot == nil {
		first = state{State: slipway.RunWaiting}
	}
	if err := s.record(first); err != nil {
		return err
	}
	if err := errors.Join(forgetSecrets(s.folder), s.tellReady()); err != nil {
		return err
	}
	if err := s.waitForSlot(ctx); err != nil {
		return s.finish(s.cut(ctx, err))
	}
	return s.finish(s.attempts(ctx))
}

// record makes st the run's state, durably.
func (s *supervisor) record(st state) error {
	st.Attempts = s.state.Attempts
	s.state = st
	return writeJSON(s.file(stateFile), st)
}

// tellReady lets the starter go. It may be gone already.
func (s *supervisor) tellReady() error {
	_, err := s.ready.WriteString(readyWord)
	err = errors.Join(err, s.ready.Close())
	s.ready = nil
	if errors.Is(err, syscall.EPIPE) {
		return nil
	}
	return err
}

// waitForSlot waits until the run may be under way.
func (s *supervisor) waitForSlot(ctx context.Context) error {
	if s.slot != nil {
		return nil
	}
	return until(ctx, 5*poll, func() (bool, error) {
		var err error
		s.slot, err = s.d.takeSlot(ctx, s.home, s.job)
		return s.slot != nil, err
	})
}

// errStopped is why the context of a run ends that somebody stops.
var errStopped = errors.New("stopped")

// watchStop returns a context that ends when somebody asks for a stop.
func (s *supervisor) watchStop(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		err := until(ctx, poll, func() (bool, error) { return exists(s.file(stopFile)), nil })
		if err == nil {
			cancel(errStopped)
		}
	}()
	return ctx, func() { cancel(nil); <-done }
}

// cut is the end of a run, or of an attempt, that did not end by itself.
func (s *supervisor) cut(ctx context.Context, err error) state {
	st := s.state
	switch {
	case errors.Is(context.Cause(ctx), errStopped):
		st.State, st.Message = slipway.RunStopped, "stopped"
	case ctx.Err() != nil:
		st.State, st.Message = slipway.RunErrored, "the supervisor was ended from outside: "+context.Cause(ctx).Error()
	default:
		st.State, st.Message = slipway.RunErrored, err.Error()
		if fix := slipway.FixOf(err); fix != "" {
			st.Message += "\n" + fix
		}
	}
	return st
}

// finish writes the run's last record. Where the disk is full, the log gives
// way. The slot is free before anybody can know that the run has ended.
func (s *supervisor) finish(st state) error {
	st.Ended = s.d.now()
	if s.slot != nil {
		_ = s.slot.Close() // a lock file, nothing is lost
		s.slot = nil
	}
	err := s.record(st)
	if errors.Is(err, syscall.ENOSPC) {
		st.Message += " (the disk is full, and the log was removed to make room for this)"
		err = errors.Join(os.Truncate(s.file(logFile), 0), s.record(st))
	}
	if err != nil {
		return fmt.Errorf("write the result of run %s: %w", s.req.ID, err)
	}
	return nil
}
