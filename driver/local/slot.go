package local

import (
	"context"
	"os"
	"path/filepath"
	"strconv"

	"github.com/slipway-cd/slipway"
)

// A slot is the right of a run to be under way: a lock that is held for as long
// as it is. There are as many as the job may have runs at once; after that number
// was lowered there may be more for a while.

// takeSlot takes a slot; nil if the job queues and none is free.
func (d *Driver) takeSlot(ctx context.Context, folder string, j job) (*os.File, error) {
	guard, err := takeLock(ctx, filepath.Join(folder, lockFile))
	if err != nil {
		return nil, err
	}
	defer guard.Close()
	return freeSlot(folder, j)
}

// freeSlot is takeSlot for one who holds the job's lock.
func freeSlot(folder string, j job) (*os.File, error) {
	dir := filepath.Join(folder, "slots")
	if err := makeFolder(dir); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var free *os.File
	taken := 0
	for n := range max(len(entries), j.concurrent) {
		lock, err := tryLock(filepath.Join(dir, strconv.Itoa(n)))
		switch {
		case err != nil:
			return nil, err
		case lock == nil:
			taken++
		case free == nil:
			free = lock
		default:
			_ = lock.Close() // one is enough
		}
	}
	if taken < j.concurrent {
		return free, nil
	}
	if free != nil {
		_ = free.Close() // a lock file, nothing is lost
	}
	if j.queuing {
		return nil, nil // waiting is no error
	}
	return nil, busy(j, taken)
}

func busy(j job, taken int) error {
	runs := "runs"
	if taken == 1 {
		runs = "run"
	}
	return slipway.Errorf(slipway.Busy, "concurrent runs exceeded for %s: %d %s under way, and max_concurrent_runs is %d", j.name, taken, runs, j.concurrent).
		WithFix("wait for it to end or stop it; or raise run.max_concurrent_runs, or let runs wait with run.queuing: true")
}
