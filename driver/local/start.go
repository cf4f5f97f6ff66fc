package local

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

// Start begins a run. It returns when the run's supervisor has taken over.
func (d *Driver) Start(ctx context.Context, h slipway.Handle, r driver.RunRequest) (_ slipway.Run, err error) {
	defer explainDisk(&err)
	folder, err := d.runFolder(h.App, r.ID)
	if err != nil {
		return slipway.Run{}, err
	}
	if len(d.cfg.Supervisor) == 0 {
		return slipway.Run{}, slipway.Errorf(slipway.Internal, "this program does not know how to start a supervisor")
	}
	d.reap()
	slot, err := d.create(ctx, h, r, folder)
	if err != nil {
		return slipway.Run{}, err
	}
	if slot != nil {
		defer slot.Close()
	}
	if err := d.takeUp(ctx, h.App, folder, slot); err != nil {
		return slipway.Run{}, err
	}
	return d.look(folder)
}

// create makes the run's folder with its request in it, in one step, and returns
// its slot; nil if the job queues, or if the run is there already.
func (d *Driver) create(ctx context.Context, h slipway.Handle, r driver.RunRequest, folder string) (*os.File, error) {
	job, err := d.jobFolder(h.App)
	if err != nil || exists(folder) {
		return nil, err
	}
	def, err := readCurrent(job)
	if err != nil {
		return nil, err
	}
	if !def.present() {
		return nil, slipway.Errorf(slipway.NotFound, "the job %s is not there", h.App).WithFix("deploy it first")
	}
	j, err := def.job()
	if err != nil {
		return nil, err
	}
	if err := j.checkOverrides(r.Arguments); err != nil {
		return nil, err
	}
	guard, err := takeLock(ctx, filepath.Join(job, lockFile))
	if err != nil {
		return nil, err
	}
	defer guard.Close()
	if exists(folder) {
		return nil, nil // another call was first, and has the slot
	}
	slot, err := freeSlot(job, j)
	if err != nil {
		return nil, err
	}
	err = writeRequest(filepath.Join(job, "runs"), r.Arguments, request{
		ID: r.ID, App: h.App, Environment: def.target.Environment, Version: def.target.Version,
		Definition: filepath.Join("definitions", filepath.Base(def.folder)),
		Trigger:    r.Trigger, By: r.By, Arguments: driver.MaskArguments(r.Arguments), Created: d.now(),
	})
	if err != nil && slot != nil {
		err = errors.Join(err, slot.Close())
	}
	return slot, err
}

// checkOverrides refuses arguments of a run that the job does not allow: a
// secret's value would be kept with the run.
func (j job) checkOverrides(arguments map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(arguments)) {
		short := strings.TrimLeft(name, "-")
		if ref := j.arguments[short].secret; ref != "" {
			return slipway.Errorf(slipway.Invalid, "the argument %s is the secret %s and cannot be given in the open", short, ref).
				WithFix("change the secret, or refer to another one in run.arguments")
		}
		if _, ok := j.nonOverridable[short]; ok {
			return slipway.Errorf(slipway.Invalid, "the argument %s cannot be overridden", short).
				WithFix("it is one of run.non_overridable_arguments")
		}
	}
	return nil
}

// writeRequest makes a run's folder, with the arguments as they are where the
// request has some masked. The job's lock is held, so what lies about half-made is
// a killed call's.
func writeRequest(runs string, given map[string]string, r request) error {
	if err := makeFolder(runs); err != nil {
		return err
	}
	tmp := filepath.Join(runs, ".new")
	if err := errors.Join(os.RemoveAll(tmp), os.Mkdir(tmp, 0o755)); err != nil {
		return err
	}
	if err := writeJSON(filepath.Join(tmp, requestFile), r); err != nil {
		return err
	}
	if err := writeSecrets(tmp, given, r.Arguments); err != nil {
		return err
	}
	if err := os.Rename(tmp, filepath.Join(runs, r.ID)); err != nil {
		return err
	}
	return syncFolder(runs)
}

// takeUp starts the supervisor of a run that was asked for and never begun. If
// somebody else begins it meanwhile, or did so before, there is nothing to do.
func (d *Driver) takeUp(ctx context.Context, app, folder string, slot *os.File) error {
	lock, err := lockUnbegun(ctx, folder)
	if lock == nil || err != nil {
		return err
	}
	defer lock.Close()
	job, err := d.jobFolder(app)
	if err != nil {
		return err
	}
	j, err := runJob(job, folder)
	if err != nil {
		return err
	}
	if slot == nil {
		if slot, err = d.takeSlot(ctx, job, j); err != nil {
			return err
		}
		if slot != nil {
			defer slot.Close()
		}
	}
	return d.spawn(ctx, app, folder, lock, slot)
}

// lockUnbegun takes the lock of a run, or returns nil once the run has begun.
func lockUnbegun(ctx context.Context, folder string) (*os.File, error) {
	var lock *os.File
	err := until(ctx, poll, func() (bool, error) {
		var err error
		lock, err = tryLock(filepath.Join(folder, lockFile))
		return lock != nil || exists(filepath.Join(folder, stateFile)), err
	})
	if lock != nil && exists(filepath.Join(folder, stateFile)) {
		return nil, lock.Close()
	}
	return lock, err
}

// runJob reads the definition that a run was started with.
func runJob(home, folder string) (job, error) {
	var r request
	if err := readJSON(filepath.Join(folder, requestFile), &r); err != nil {
		return job{}, err
	}
	def, err := readDefinition(filepath.Join(home, r.Definition))
	if err != nil {
		return job{}, err
	}
	return def.job()
}

// spawn starts the supervisor in a session of its own, hands it the locks, and
// waits until it has taken over.
func (d *Driver) spawn(ctx context.Context, app, folder string, lock, slot *os.File) error {
	ready, told, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ready.Close()
	log, err := os.OpenFile(filepath.Join(folder, supervisorFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return errors.Join(err, told.Close())
	}
	defer log.Close()
	args := append(slices.Clone(d.cfg.Supervisor), d.orders(app, filepath.Base(folder), slot != nil)...)
	cmd := exec.Command(args[0], args[1:]...) // it outlives this call
	cmd.Env, cmd.Stdout, cmd.Stderr = d.cfg.Environ, log, log
	cmd.ExtraFiles = []*os.File{lock, told}
	if slot != nil {
		cmd.ExtraFiles = append(cmd.ExtraFiles, slot)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	if err := errors.Join(err, told.Close()); err != nil {
		return fmt.Errorf("start the supervisor: %w", err)
	}
	d.mu.Lock()
	d.supervisors = append(d.supervisors, cmd.Process.Pid)
	d.mu.Unlock()
	return awaitReady(ctx, ready, folder)
}

// awaitReady waits for the supervisor's word that it has begun.
func awaitReady(ctx context.Context, ready *os.File, folder string) error {
	stop := context.AfterFunc(ctx, func() { _ = ready.Close() })
	defer stop()
	word, err := bufio.NewReader(ready).ReadString('\n')
	switch {
	case word == readyWord:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	said, _ := os.ReadFile(filepath.Join(folder, supervisorFile)) // nothing said is an answer
	return slipway.Errorf(slipway.Internal, "the supervisor ended before it began: %w\n%s", err, indent(strings.Split(strings.TrimSpace(string(said)), "\n")))
}

// reap takes notice of supervisors that ended, so that a program that runs for
// long does not gather dead children.
func (d *Driver) reap() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.supervisors = slices.DeleteFunc(d.supervisors, func(pid int) bool {
		got, err := syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
		return got == pid || errors.Is(err, syscall.ECHILD)
	})
}
