package local

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/slipway-cd/slipway"
)

// gonePrefix begins the name of a run's folder that is being removed.
const gonePrefix = ".gone-"

// PruneRuns implements driver.Pruner. It begins only when there is a tenth more than is
// kept, so that it is seldom more than a look at a folder.
func (d *Driver) PruneRuns(ctx context.Context, h slipway.Handle, keep int, stays func(id string) bool) (gone int, err error) {
	defer explainDisk(&err)
	job, err := d.jobFolder(h.App)
	if err != nil {
		return 0, err
	}
	dir := filepath.Join(job, "runs")
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) <= keep+keep/10 {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if err := clearGone(dir); err != nil {
		return 0, err
	}
	requests, err := readRequests(dir)
	if err != nil {
		return 0, err
	}
	for _, r := range requests[min(keep, len(requests)):] {
		if ctx.Err() != nil {
			return gone, ctx.Err()
		}
		if stays(r.ID) {
			continue
		}
		went, err := d.forgetRun(dir, r.ID)
		if err != nil {
			return gone, err
		}
		if went {
			gone++
		}
	}
	return gone, nil
}

// forgetRun removes a run that has ended. It is gone at once for everybody, and then
// from the disk.
func (d *Driver) forgetRun(dir, id string) (bool, error) {
	folder := filepath.Join(dir, id)
	run, err := d.look(folder)
	if err != nil || !run.State.Ended() {
		return false, err
	}
	away := filepath.Join(dir, gonePrefix+id)
	if err := os.Rename(folder, away); err != nil {
		return false, err
	}
	return true, os.RemoveAll(away)
}

// clearGone goes on with what a killed process was removing.
func clearGone(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, gonePrefix+"*"))
	for _, folder := range left {
		err = errors.Join(err, os.RemoveAll(folder))
	}
	return err
}
