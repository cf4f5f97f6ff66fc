package local

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

// The files of a run's folder.
const (
	lockFile       = "lock"
	requestFile    = "request.json"
	stateFile      = "state.json"
	logFile        = "log"
	stopFile       = "stop"
	supervisorFile = "supervisor.log"
	workFolder     = "work"        // temporary files; gone after the run
	resultFile     = "result.json" // in it, because an error's text may hold a secret
)

// A request is what was asked for. It is there from a run's first moment and
// never changes.
type request struct {
	ID          string            `json:"id"`
	App         string            `json:"app"`
	Environment string            `json:"environment"`
	Version     string            `json:"version"`
	Definition  string            `json:"definition"` // relative to the job's folder
	Trigger     string            `json:"trigger"`
	By          string            `json:"by,omitempty"`
	Arguments   map[string]string `json:"arguments,omitempty"` // secrets masked
	Created     time.Time         `json:"created"`
}

// A state is how far a run came.
type state struct {
	State    slipway.RunState `json:"state"`
	Attempt  int              `json:"attempt"`
	Started  time.Time        `json:"started,omitzero"`
	Ended    time.Time        `json:"ended,omitzero"`
	ExitCode *int             `json:"exit_code,omitempty"`
	Message  string           `json:"message,omitempty"`
	Attempts []attempt        `json:"attempts,omitempty"` // those that have ended
}

// An attempt is one execution of the script that has ended.
type attempt struct {
	State    slipway.RunState `json:"state"`
	Started  time.Time        `json:"started"`
	Ended    time.Time        `json:"ended"`
	ExitCode *int             `json:"exit_code,omitempty"`
	Message  string           `json:"message,omitempty"`
}

// Run returns one run.
func (d *Driver) Run(_ context.Context, h slipway.Handle, id string) (slipway.Run, error) {
	folder, err := d.runFolder(h.App, id)
	if err != nil {
		return slipway.Run{}, err
	}
	d.reap()
	return d.look(folder)
}

// Runs returns the newest runs, newest first.
func (d *Driver) Runs(_ context.Context, h slipway.Handle, limit int) ([]slipway.Run, error) {
	job, err := d.jobFolder(h.App)
	if err != nil {
		return nil, err
	}
	d.reap()
	requests, err := readRequests(filepath.Join(job, "runs"))
	if err != nil {
		return nil, err
	}
	if limit > 0 {
		requests = requests[:min(limit, len(requests))]
	}
	runs := make([]slipway.Run, 0, len(requests))
	for _, r := range requests {
		run, err := d.look(filepath.Join(job, "runs", r.ID))
		if err != nil {
			return nil, err
		}
		runs = append(runs, run)
	}
	return runs, nil
}

// readRequests lists the requests in a folder of runs, newest first.
func readRequests(dir string) ([]request, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var list []request
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		var r request
		if err := readJSON(filepath.Join(dir, e.Name(), requestFile), &r); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b request) int {
		return cmp.Or(b.Created.Compare(a.Created), strings.Compare(b.ID, a.ID))
	})
	return list, nil
}

// look reads a run. One whose supervisor was killed is brought to its end.
func (d *Driver) look(folder string) (slipway.Run, error) {
	var r request
	err := readJSON(filepath.Join(folder, requestFile), &r)
	if errors.Is(err, fs.ErrNotExist) {
		return slipway.Run{}, slipway.Errorf(slipway.NotFound, "there is no run %s", filepath.Base(folder)).
			WithFix("slipway runs lists those that are there")
	}
	if err != nil {
		return slipway.Run{}, err
	}
	s, err := readState(folder)
	if err == nil && !s.State.Ended() {
		s, err = d.settle(folder, r, s)
	}
	return asRun(r, s), err
}

// readState reads how far a run came; starting, if nobody has written it yet.
func readState(folder string) (state, error) {
	var s state
	err := readJSON(filepath.Join(folder, stateFile), &s)
	if errors.Is(err, fs.ErrNotExist) {
		return state{State: slipway.RunStarting}, nil
	}
	return s, err
}

// settle says what became of a run that has not ended: nothing yet if somebody
// is at work on it, and an end where its supervisor was killed. A run that was
// never begun stays as it is for as long as its Start may be called again.
func (d *Driver) settle(folder string, r request, s state) (state, error) {
	lock, err := tryLock(filepath.Join(folder, lockFile))
	if lock == nil && (err == nil || readOnly(err)) {
		if exists(filepath.Join(folder, stopFile)) {
			s.State = slipway.RunStopping
		}
		return s, nil
	}
	if err != nil {
		return s, err
	}
	defer lock.Close()
	if s, err = readState(folder); err != nil || s.State.Ended() {
		return s, err
	}
	if !exists(filepath.Join(folder, stateFile)) {
		if replaced(filepath.Dir(filepath.Dir(folder)), r) {
			return d.neverBegun(folder, "never begun: the command that started it was killed, and another deployment has taken the place of its own")
		}
		s.Message = "the command that started it was killed before it began; start it again, or stop it"
		return s, nil
	}
	if err := os.RemoveAll(filepath.Join(folder, workFolder)); err != nil {
		return s, err
	}
	if err := forgetSecrets(folder); err != nil {
		return s, err
	}
	s = d.orphaned(s)
	return s, writeJSON(filepath.Join(folder, stateFile), s)
}

// replaced reports whether a run is of a deployment whose place another one has taken.
func replaced(job string, r request) bool {
	if r.Trigger != driver.Deployed {
		return false
	}
	now, err := os.Readlink(filepath.Join(job, "current"))
	return errors.Is(err, fs.ErrNotExist) || err == nil && now != r.Definition
}

// neverBegun is the end of a run that nobody is at work on. Its lock is held.
func (d *Driver) neverBegun(folder, why string) (state, error) {
	s := state{State: slipway.RunStopped, Ended: d.now(), Message: why}
	return s, errors.Join(forgetSecrets(folder), writeJSON(filepath.Join(folder, stateFile), s))
}

// orphaned is the end of a run whose supervisor was killed.
func (d *Driver) orphaned(s state) state {
	message := "the supervisor was killed while the job ran, and the job with it"
	if s.State == slipway.RunWaiting {
		message = "the supervisor was killed while the run waited for others; the job was not started"
	}
	if s.State == slipway.RunStarting {
		message = "the supervisor was killed before the job started"
		if s.Attempt > 0 {
			message = "the supervisor was killed before the next attempt started"
		}
	}
	s.State, s.Message, s.Ended = slipway.RunErrored, message, d.now()
	return s
}

func (d *Driver) now() time.Time { return d.cfg.Clock().UTC() }

func asRun(r request, s state) slipway.Run {
	return slipway.Run{
		ID: r.ID, App: r.App, Environment: r.Environment, Version: r.Version,
		Trigger: r.Trigger, By: r.By, Arguments: r.Arguments, Created: r.Created,
		State: s.State, Attempt: s.Attempt, Started: s.Started, Ended: s.Ended,
		ExitCode: s.ExitCode, Message: s.Message,
	}
}

// Stop asks for the end of a run and waits for it.
func (d *Driver) Stop(ctx context.Context, h slipway.Handle, id string) (err error) {
	defer explainDisk(&err)
	folder, err := d.runFolder(h.App, id)
	if err != nil {
		return err
	}
	run, err := d.look(folder)
	if err != nil || run.State.Ended() {
		return err
	}
	if err := writeFile(filepath.Join(folder, stopFile), nil); err != nil {
		return err
	}
	return until(ctx, poll, func() (bool, error) {
		run, err := d.look(folder)
		if err != nil || run.State.Ended() {
			return true, err
		}
		return d.stopUnbegun(folder)
	})
}

// stopUnbegun ends a run that nobody is at work on.
func (d *Driver) stopUnbegun(folder string) (bool, error) {
	lock, err := tryLock(filepath.Join(folder, lockFile))
	if lock == nil || err != nil {
		return false, err
	}
	defer lock.Close()
	if exists(filepath.Join(folder, stateFile)) {
		return false, nil
	}
	_, err = d.neverBegun(folder, "stopped before it began")
	return true, err
}
