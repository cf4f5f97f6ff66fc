package local_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/local"
)

// smallDisk mounts a disk of some KiB. Where that is not permitted the test is
// skipped.
func smallDisk(t *testing.T, kib string) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("no small disks on " + runtime.GOOS)
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+kib+"k"); err != nil {
		t.Skipf("a small disk cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func fill(t *testing.T, dir string) (makeRoom func()) {
	t.Helper()
	name := filepath.Join(dir, "ballast")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	return func() {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

const diskFullFix = "make room on it and call again; nothing half-written is left under a final name"

func TestApplyOnAFullDisk(t *testing.T) {
	cfg, b := config(t), blobs{}
	cfg.Root = smallDisk(t, "256")
	d := local.New(cfg)
	first := target(b, "app", "print('first')")
	h := mustDeploy(t, d, b, first)
	makeRoom := fill(t, cfg.Root)
	second := target(b, "app", "print('second')"+strings.Repeat("#", 9000))
	p, err := d.Plan(t.Context(), driver.PlanRequest{Target: second})
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Apply(t.Context(), p, b)
	if err == nil || slipway.KindOf(err) != slipway.Unavailable || !strings.HasPrefix(err.Error(), "the disk is full: ") || slipway.FixOf(err) != diskFullFix {
		t.Errorf("Apply: error %v, fix %q", err, slipway.FixOf(err))
	}
	_, err = d.Start(t.Context(), h, driver.RunRequest{ID: "r"})
	if err == nil || slipway.KindOf(err) != slipway.Unavailable || !strings.HasPrefix(err.Error(), "the disk is full: ") {
		t.Errorf("Start: error %v", err)
	}
	if s, err := d.Observe(t.Context(), h, first); err != nil || s.State != slipway.JobLive {
		t.Errorf("with the disk full: %+v, %v", s, err)
	}
	makeRoom()
	if _, err := d.Apply(t.Context(), p, b); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if run, log := ended(t, d, h, driver.RunRequest{ID: "r"}); run.State != slipway.RunSucceeded || log != "second\n" {
		t.Errorf("run %+v, log %q", run, log)
	}
}

// TestLogThatFillsTheDisk has a job print more than there is room for: it goes on,
// and the run says that the log is not whole.
func TestLogThatFillsTheDisk(t *testing.T) {
	cfg, b := config(t), blobs{}
	cfg.Root, cfg.WorkDir = smallDisk(t, "256"), t.TempDir()
	d := local.New(cfg)
	h := mustDeploy(t, d, b, target(b, "app", "for n in range(9000): print('much to say, and then some more', n)\nopen('end', 'w').close()"))
	run, _ := ended(t, d, h, driver.RunRequest{ID: "r"})
	if run.State != slipway.RunSucceeded || !strings.Contains(run.Message, "the log is cut short: ") || !strings.Contains(run.Message, "no space left on device") {
		t.Errorf("run %+v", run)
	}
	if _, err := os.Stat(filepath.Join(cfg.WorkDir, "end")); err != nil {
		t.Errorf("the job did not go on: %v", err)
	}
}

func TestReadOnlyDisk(t *testing.T) {
	cfg, b := config(t), blobs{}
	cfg.Root = smallDisk(t, "256")
	d := local.New(cfg)
	first := target(b, "app", "print('first')")
	h := mustDeploy(t, d, b, first)
	ended(t, d, h, driver.RunRequest{ID: "before"})
	makeReadOnly(t, cfg.Root)
	const fix = "make it writable for the user who runs slipway, or choose another folder"
	p, err := d.Plan(t.Context(), driver.PlanRequest{Target: target(b, "app", "print('second')")})
	if err != nil {
		t.Fatal(err)
	}
	_, applyErr := d.Apply(t.Context(), p, b)
	_, startErr := d.Start(t.Context(), h, driver.RunRequest{ID: "r"})
	for what, err := range map[string]error{"Apply": applyErr, "Start": startErr, "Remove": d.Remove(t.Context(), h)} {
		if err == nil || slipway.KindOf(err) != slipway.Unavailable || !strings.HasPrefix(err.Error(), "the runtime's folder cannot be written: ") || slipway.FixOf(err) != fix {
			t.Errorf("%s: error %v, fix %q", what, err, slipway.FixOf(err))
		}
	}
	if s, err := d.Observe(t.Context(), h, first); err != nil || s.State != slipway.JobLive {
		t.Errorf("Observe: %+v, %v", s, err)
	}
	if runs, err := d.Runs(t.Context(), h, 0); err != nil || len(runs) != 1 || runs[0].State != slipway.RunSucceeded {
		t.Errorf("Runs: %+v, %v", runs, err)
	}
}

// makeReadOnly waits for those who have files open there, such as the supervisor
// of a run that has just ended.
func makeReadOnly(t *testing.T, disk string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := error(syscall.EBUSY)
	for errors.Is(err, syscall.EBUSY) && ctx.Err() == nil {
		err = syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, "")
	}
	if err != nil {
		t.Fatal(err)
	}
}
