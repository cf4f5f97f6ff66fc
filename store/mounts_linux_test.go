package store_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/store"
)

func TestDiskFull(t *testing.T) {
	inOwnMounts(t, func(t *testing.T) {
		dir := mount(t, "size=1m")
		file := filepath.Join(dir, "slipway.db")
		s := open(t, file)
		add(t, s, 2)
		d := draft(2)
		d.Body = strings.Repeat("x", 1<<20)
		_, err := s.Ledger(at).Append(t.Context(), d)
		wantError(t, err, slipway.Unavailable, "cannot write "+file+": the disk is full",
			"free some space on the disk that holds "+dir+"; nothing was half-written")
		if n := count(t, s); n != 2 {
			t.Errorf("there are %d entries, want 2", n)
		}
		d.Body = "smaller"
		if _, err := s.Ledger(at).Append(t.Context(), d); err != nil {
			t.Errorf("with less to write: %v", err)
		}
		if err := os.WriteFile(filepath.Join(dir, "ballast"), make([]byte, 1<<20), 0o600); err == nil {
			t.Error("the disk is not full")
		}
		_, err = store.Open(t.Context(), filepath.Join(dir, "another.db"), nil)
		wantError(t, err, slipway.Unavailable, "another.db: the disk is full", "free some space")
	})
}

func TestReadOnlyFileSystem(t *testing.T) {
	inOwnMounts(t, func(t *testing.T) {
		dir := mount(t, "size=4m")
		file := filepath.Join(dir, "slipway.db")
		s, err := store.Open(t.Context(), file, nil)
		if err != nil {
			t.Fatal(err)
		}
		add(t, s, 2)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
		readNotWrite(t, file)
	})
}

func TestNoPermission(t *testing.T) {
	inOwnMounts(t, func(t *testing.T) {
		dir := t.TempDir()
		file := filepath.Join(dir, "slipway.db")
		s, err := store.Open(t.Context(), file, nil)
		if err != nil {
			t.Fatal(err)
		}
		add(t, s, 2)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		chmod(t, file, 0o400)
		chmod(t, dir, 0o500)
		readNotWrite(t, file)
		chmod(t, file, 0)
		_, err = store.OpenReadOnly(t.Context(), file)
		wantError(t, err, slipway.Unavailable, "cannot read "+file+": ", "give this user permission to read "+dir+" and what is in it")
		_, err = store.Open(t.Context(), filepath.Join(dir, "deeper", "slipway.db"), nil)
		wantError(t, err, slipway.Unavailable, "cannot write "+dir+"/deeper/slipway.db: mkdir ", "give this user permission to write")
	})
}

// readNotWrite has a database that this user cannot write.
func readNotWrite(t *testing.T, file string) {
	t.Helper()
	r := openReadOnly(t, file)
	if n := count(t, r); n != 2 {
		t.Errorf("there are %d entries, want 2", n)
	}
	if got, err := r.Ledger(at).Subjects(t.Context()); err != nil || fmt.Sprint(got) != fmt.Sprint([]ledger.Subject{subject()}) {
		t.Errorf("Subjects gives %v, %v", got, err)
	}
	_, err := store.Open(t.Context(), file, nil)
	wantError(t, err, slipway.Unavailable, "cannot write "+file+": ", "give this user permission to write "+filepath.Dir(file)+" and what is in it")
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(path, 0o700) })
}

// mount makes a folder a small disk of its own.
func mount(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

const inside = "SLIPWAY_TEST_INSIDE"

// inOwnMounts runs a test in a child process with mounts of its own. A test of
// permissions runs as an ordinary user there, one that mounts as root.
func inOwnMounts(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	if os.Getenv(inside) == t.Name() {
		test(t)
		return
	}
	id := 0
	if t.Name() == "TestNoPermission" {
		id = 1000
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), inside+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: id, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: id, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if len(out) == 0 && err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("user namespaces cannot be had here: %v", err)
		}
		t.Skipf("user namespaces cannot be had here: %v", err)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("%v\n%s", err, out)
	}
}
