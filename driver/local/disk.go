package local

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
)

// poll is how often something that another process does is looked at.
const poll = 20 * time.Millisecond

// writeFile makes data the contents of name: whole, durable, or not at all.
func writeFile(name string, data []byte) error {
	dir := filepath.Dir(name)
	tmp, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone already when all went well
	_, err = tmp.Write(data)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), name); err != nil {
		return err
	}
	return syncFolder(dir)
}

// writeJSON is writeFile of v as indented JSON.
func writeJSON(name string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(name, append(data, '\n'))
}

// readJSON reads name into v.
func readJSON(name string, v any) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// leftover is how old a folder under construction is whose maker is dead for sure.
const leftover = 24 * time.Hour

// construct makes a folder in base to fill and rename, having removed those that
// killed processes have left there long ago.
func construct(base string, now time.Time) (string, error) {
	old, err := filepath.Glob(filepath.Join(base, ".new-*"))
	if err != nil {
		return "", err
	}
	for _, dir := range old {
		if info, err := os.Stat(dir); err == nil && now.Sub(info.ModTime()) > leftover {
			_ = os.RemoveAll(dir) // the next one tries again
		}
	}
	return os.MkdirTemp(base, ".new-*")
}

// makeFolder makes dir and what is missing above it, durably.
func makeFolder(dir string) error {
	if exists(dir) {
		return nil
	}
	if err := makeFolder(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncFolder(filepath.Dir(dir))
}

// syncFolder makes the names in dir durable.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// tryLock takes the exclusive lock on the file name, which it makes if need be.
// The lock is held until the file, or every copy of it that a child inherited,
// is closed. It returns nil if somebody else holds the lock.
func tryLock(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, f.Close()
	}
	return nil, errors.Join(fmt.Errorf("lock %s: %w", name, err), f.Close())
}

// takeLock is tryLock that waits until the lock is free or ctx is done.
func takeLock(ctx context.Context, name string) (*os.File, error) {
	var held *os.File
	err := until(ctx, poll, func() (bool, error) {
		var err error
		held, err = tryLock(name)
		return held != nil, err
	})
	return held, err
}

// until calls done, at once and then every interval, until it says so, fails,
// or ctx is done.
func until(ctx context.Context, interval time.Duration, done func() (bool, error)) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// readOnly reports whether err says that nothing may be written there.
func readOnly(err error) bool {
	return errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrPermission)
}

// explainDisk turns *err into words with a way out where the disk is to blame.
func explainDisk(err *error) {
	var told *slipway.Error
	if *err == nil || errors.As(*err, &told) {
		return
	}
	switch {
	case errors.Is(*err, syscall.ENOSPC), errors.Is(*err, syscall.EDQUOT):
		*err = slipway.Errorf(slipway.Unavailable, "the disk is full: %w", *err).
			WithFix("make room on it and call again; nothing half-written is left under a final name")
	case readOnly(*err):
		*err = slipway.Errorf(slipway.Unavailable, "the runtime's folder cannot be written: %w", *err).
			WithFix("make it writable for the user who runs slipway, or choose another folder")
	}
}
