package pipeline

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
)

// other starts a process that holds the lock of a folder.
func other(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), child+"="+dir)
	if _, err := cmd.StdinPipe(); err != nil { // it waits as long as that is open
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "<nil>\n" {
		t.Fatalf("it says %q, %v", line, err)
	}
	return cmd
}

func ann() ledger.Holder { return ledger.Holder{Who: "ann@laptop", Process: 1, Doing: "ship"} }

func TestLockEndsWithItsProcess(t *testing.T) {
	dir := t.TempDir()
	cmd := other(t, dir)
	text := fmt.Sprintf("bob@ci is at work in %s (ship to prod, process %d)", dir, cmd.Process.Pid)
	const fix = "wait until it is done, or look at it: slipway status"
	_, err := lockState(t.Context(), dir, ann(), 0, time.Now, nil)
	wantError(t, err, slipway.Busy, text, fix)
	told := []error{}
	unlock, err := lockState(t.Context(), dir, ann(), time.Hour, time.Now, func(busy error) {
		told = append(told, busy)
		if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if len(told) != 1 {
		t.Fatalf("it was told %d times that it must wait, want once", len(told))
	}
	wantError(t, told[0], slipway.Busy, text, fix)
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	unlock, err := lockState(t.Context(), dir, ann(), 0, time.Now, nil)
	if err != nil {
		t.Fatal(err)
	}
	// The clock runs an hour at each look, so a wait of two ends soon.
	now, told := noon(), 0
	clock := func() time.Time { now = now.Add(time.Hour); return now }
	_, err = lockState(t.Context(), dir, ann(), 2*time.Hour, clock, func(error) { told++ })
	wantError(t, err, slipway.Busy, "ann@laptop is at work in "+dir+" (ship, process 1)", "")
	if told != 1 {
		t.Errorf("it was told %d times that it must wait, want once", told)
	}
	stop := errors.New("Ctrl-C")
	ctx, cancel := context.WithCancelCause(t.Context())
	if _, err = lockState(ctx, dir, ann(), time.Hour, time.Now, func(error) { cancel(stop) }); !errors.Is(err, stop) {
		t.Errorf("stopped, lockState gives %v", err)
	}
	if err := os.Truncate(filepath.Join(dir, "lock"), 0); err != nil { // as between locking and signing
		t.Fatal(err)
	}
	_, err = lockState(t.Context(), dir, ann(), 0, time.Now, nil)
	wantError(t, err, slipway.Busy, "somebody is at work in "+dir, "wait until it is done")
	unlock()
	unlock, err = lockState(t.Context(), dir, ledger.Holder{Who: "b"}, 0, time.Now, nil)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}

func TestTheSecondFlowWaits(t *testing.T) {
	w := hello(t)
	w.with(t, func(*Flow) {
		c := w.config(t)
		_, err := New(t.Context(), c)
		wantError(t, err, slipway.Busy, "ann@laptop is at work in "+filepath.Join(w.root, ".slipway"), "")
	})
	first, err := New(t.Context(), w.config(t))
	if err != nil {
		t.Fatal(err)
	}
	w.told()
	c := w.config(t)
	c.Wait, c.Clock = time.Hour, time.Now
	w.hear = func(e Event) {
		if e.State == Warned && strings.HasPrefix(e.Text, "waiting: ann@laptop is at work in ") {
			if err := first.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	second, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}

func TestHolderID(t *testing.T) {
	dir := t.TempDir()
	get := func(folder, who string) string {
		t.Helper()
		id, err := holderID(folder, who)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	first := get(dir, "ann@laptop")
	if again := get(dir, "ann@laptop"); again != first {
		t.Errorf("the same folder has the ids %s and %s", first, again)
	}
	if elsewhere := get(dir, "ann@runner"); elsewhere == first {
		t.Error("another machine has the same id")
	}
	copied := t.TempDir()
	data, err := os.ReadFile(filepath.Join(dir, "holder"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(copied, "holder"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	if id := get(copied, "ann@laptop"); id == first {
		t.Error("a copy of the folder has the same id")
	}
	if err := os.WriteFile(filepath.Join(dir, "holder"), data[:3], 0o600); err != nil { // cut short
		t.Fatal(err)
	}
	if id := get(dir, "ann@laptop"); id == first || len(id) != len(first) {
		t.Errorf("of half a file the id is %s", id)
	}
}

// A state folder that cannot be made or written is told with the way out. The
// tests may be run by root, whom permissions do not stop; a file in the way does.
func TestStateFolder(t *testing.T) {
	w := hello(t)
	w.write(t, map[string]string{".slipway": "a file"})
	_, err := New(t.Context(), w.config(t))
	wantError(t, err, slipway.Unavailable, "cannot write to "+w.root+"/.slipway: ", "give this user write permission on it, or work in a clone of your own")
	for name, text := range map[string]string{"lock": "cannot write to ", "holder": "cannot write to ", "work": "", "slipway.db": "cannot write "} {
		t.Run(name, func(t *testing.T) {
			w := hello(t)
			if err := os.MkdirAll(filepath.Join(w.root, ".slipway", name, "in the way"), 0o755); err != nil {
				t.Fatal(err)
			}
			f, err := New(t.Context(), w.config(t))
			if text == "" {
				if err != nil {
					t.Errorf("what a killed process left behind is in the way: %v", err)
				} else if err := f.Close(); err != nil {
					t.Error(err)
				}
				return
			}
			wantError(t, err, slipway.Unavailable, text+w.root+"/.slipway", "")
		})
	}
}

func TestStateFolderIsIgnored(t *testing.T) {
	w := hello(t)
	w.mustShip(t, "local")
	if out := w.git(t, "status", "--porcelain"); out != "" {
		t.Errorf("git sees %s", out)
	}
}

func TestUnwritable(t *testing.T) {
	wantError(t, unwritable("/x", &os.PathError{Op: "open", Path: "/x/lock", Err: syscall.ENOSPC}), slipway.Unavailable, "cannot write to /x: no space left on device", "free some space on that disk and try again")
	wantError(t, unwritable("/x", &os.PathError{Op: "open", Path: "/x/lock", Err: syscall.EROFS}), slipway.Unavailable, "cannot write to /x: read-only file system", "give this user write permission on it")
}
