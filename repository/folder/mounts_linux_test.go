package folder_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/slipway-cd/slipway"
)

func TestDiskFull(t *testing.T) {
	inOwnMounts(t, func(t *testing.T) {
		dir := mount(t, "size=256k")
		r := open(t, dir)
		put(t, r, "small", "x")
		_, err := r.Put(t.Context(), "app/big", strings.NewReader(strings.Repeat("x", 1<<20)))
		wantError(t, err, slipway.Unavailable, "cannot write "+dir+"/app/big: no room is left: write ",
			"free some room on the file system of "+dir+" and call again; nothing was left half-written")
		if got := names(t, filepath.Join(dir, ".tmp")); len(got) != 0 {
			t.Errorf("temporary files are left: %q", got)
		}
		for o, err := range r.List(t.Context(), "app/", "") {
			t.Errorf("%s is there, %v", o.Key, err)
		}
		_, err = r.Swap(t.Context(), "lease", "", []byte(strings.Repeat("x", 1<<20)))
		wantError(t, err, slipway.Unavailable, "cannot write "+dir+"/lease: no room is left: ", "")
		put(t, r, "app/smaller", strings.Repeat("x", 1<<10))
	})
}

func TestReadOnlyFileSystem(t *testing.T) {
	inOwnMounts(t, func(t *testing.T) {
		dir := mount(t, "size=256k")
		put(t, open(t, dir), "a", "x")
		if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
		r := open(t, dir)
		const fix = " writable, or name another folder as the environment's repository"
		_, err := r.Put(t.Context(), "b", strings.NewReader("x"))
		wantError(t, err, slipway.Unavailable, "cannot write "+dir+"/b: the file system is read-only: ", "mount the file system of "+dir+fix)
		_, err = r.Swap(t.Context(), "b", "", []byte("x"))
		wantError(t, err, slipway.Unavailable, "cannot write "+dir+"/b: the file system is read-only: ", fix)
		sub := open(t, filepath.Join(dir, "sub"))
		_, err = sub.Put(t.Context(), "b", strings.NewReader("x"))
		wantError(t, err, slipway.Unavailable, "cannot make the folder for "+dir+"/sub/b: the file system is read-only: ", fix)
		put(t, r, "a", "x") // the same bytes are there and can be proved
	})
}

func TestNoPermission(t *testing.T) {
	inOwnMounts(t, func(t *testing.T) {
		dir := t.TempDir()
		put(t, open(t, dir), "app/a", "x")
		locked := filepath.Join(dir, "app")
		for _, path := range []string{locked, dir} {
			if err := os.Chmod(path, 0o500); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.Chmod(path, 0o700) })
		}
		r := open(t, dir)
		fix := "give your user the right to read and write in " + dir + " and the folders below it"
		_, err := r.Put(t.Context(), "app/b", strings.NewReader("x"))
		wantError(t, err, slipway.Unavailable, "cannot write "+dir+"/app/b: no permission: ", fix)
		_, err = r.Swap(t.Context(), "lease", "", []byte("x"))
		wantError(t, err, slipway.Unavailable, "cannot write "+dir+"/lease: no permission: ", fix)
		if err := os.Chmod(dir, 0); err != nil {
			t.Fatal(err)
		}
		_, _, err = r.Read(t.Context(), "app/a")
		wantError(t, err, slipway.Unavailable, "cannot read "+dir+"/app/a: no permission: ", fix)
		for _, err := range r.List(t.Context(), "app/", "") {
			wantError(t, err, slipway.Unavailable, "cannot list "+dir+"/app: no permission: ", fix)
		}
	})
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
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
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

func mount(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, 0) })
	return dir
}
