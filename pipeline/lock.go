package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
)

// lockRetry is how often a process that waits for the state folder tries again.
const lockRetry = 50 * time.Millisecond

// lockState makes this process the one that changes the state folder. It waits
// for another one for as long as wait says, and tells about it. The lock ends
// with the process, however that ends.
func lockState(ctx context.Context, folder string, me ledger.Holder, wait time.Duration, clock func() time.Time, waiting func(error)) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(folder, "lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, unwritable(folder, err)
	}
	until := clock().Add(wait)
	ticker := time.NewTicker(lockRetry)
	defer ticker.Stop()
	told := false
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", f.Name(), err), f.Close())
		}
		busy := errBusy(folder, f)
		if !clock().Before(until) {
			_ = f.Close()
			return nil, busy
		}
		if !told {
			waiting(busy)
			told = true
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, context.Cause(ctx)
		case <-ticker.C:
		}
	}
	sign(f, me)
	return func() { _ = f.Close() }, nil
}

// sign writes who has the lock into it, for the one who waits. That it is there
// is the kernel's word, not the file's, so it need not be durable.
func sign(f *os.File, me ledger.Holder) {
	data, err := json.Marshal(me)
	if err == nil && f.Truncate(0) == nil {
		_, _ = f.WriteAt(data, 0)
	}
}

func errBusy(folder string, f *os.File) error {
	const fix = "wait until it is done, or look at it: slipway status"
	var who ledger.Holder
	data, err := os.ReadFile(f.Name())
	if err != nil || json.Unmarshal(data, &who) != nil { // it has not signed yet
		return slipway.Errorf(slipway.Busy, "somebody is at work in %s", folder).WithFix(fix)
	}
	return slipway.Errorf(slipway.Busy, "%s is at work in %s (%s, process %d)", who.Who, folder, who.Doing, who.Process).WithFix(fix)
}

// reason leaves out of an error of the file system what the message says already.
func reason(err error) error {
	if onPath, ok := errors.AsType[*fs.PathError](err); ok {
		return onPath.Err
	}
	return err
}

// unwritable is the error for a state folder that cannot be written.
func unwritable(folder string, err error) error {
	e := slipway.Errorf(slipway.Unavailable, "cannot write to %s: %w", folder, reason(err))
	if errors.Is(err, syscall.ENOSPC) {
		return e.WithFix("free some space on that disk and try again")
	}
	return e.WithFix("give this user write permission on it, or work in a clone of your own")
}

// Hold makes this process the one that changes a state folder, without opening it. That
// another one does is an error of kind Busy.
func Hold(ctx context.Context, folder string, me ledger.Holder, clock func() time.Time) (unlock func(), err error) {
	return lockState(ctx, folder, me, 0, clock, func(error) {})
}
