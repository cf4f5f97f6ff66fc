//go:build linux && amd64

package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/slipway-cd/slipway/store"
	"github.com/slipway-cd/slipway/store/pgtest"
)

// older is a version of before labels, workers and shared logs: three migrations behind.
const older = "a3d94064a2d0a615f2ab19ce24caf33c8c2e3d58"

// TestRollingUpgradeFromOlder upgrades servers of an older version to this one while they
// work.
func TestRollingUpgradeFromOlder(t *testing.T) {
	pgtest.Need(t)
	t.Parallel()
	now, err := program()
	if err != nil {
		t.Fatal(err)
	}
	u := upgrade{old: buildOlder(t), next: now} // an old program that is not yet content with newer tables
	u.roll(t)
}

// TestRollingUpgradeToNewer upgrades servers of this version to one that has more tables
// and columns, while they work. One of this version that begins again meanwhile works, too.
func TestRollingUpgradeToNewer(t *testing.T) {
	pgtest.Need(t)
	t.Parallel()
	now, err := program()
	if err != nil {
		t.Fatal(err)
	}
	u := upgrade{old: now, next: buildNewer(t), again: true}
	u.roll(t)
}

// buildOlder builds the older version. Where its commit is not, as in a clone without
// history, the test is skipped.
func buildOlder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	source := exec.Command("sh", "-c", `git -C ../.. archive "$1" | tar -x -C "$2"`, "sh", older, dir)
	out, err := source.CombinedOutput()
	if _, missing := os.Stat(filepath.Join(dir, "go.mod")); err != nil || missing != nil {
		t.Skipf("SKIPPED: this needs the project's history (git fetch --unshallow): %v\n%s", err, out)
	}
	return build(t, dir)
}

// buildNewer builds this version with one more migration, as the next one may have.
func buildNewer(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	tomorrow, overlay := filepath.Join(dir, "tomorrow.sql"), filepath.Join(dir, "overlay.json")
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, "store", "migrations", "00999_tomorrow.sql"): tomorrow}})
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{overlay: string(text), tomorrow: `-- +goose Up
ALTER TABLE process ADD COLUMN tomorrow TEXT NOT NULL DEFAULT 'new';
ALTER TABLE job ADD COLUMN tomorrow INTEGER NOT NULL DEFAULT 0;
ALTER TABLE event ADD COLUMN tomorrow INTEGER NOT NULL DEFAULT 0;
ALTER TABLE app ADD COLUMN tomorrow TEXT NOT NULL DEFAULT '';
ALTER TABLE ledger ADD COLUMN tomorrow TEXT NOT NULL DEFAULT '';
CREATE TABLE tomorrow (id INTEGER PRIMARY KEY);
CREATE INDEX job_tomorrow ON job (tomorrow, due);

-- +goose Down
DROP TABLE tomorrow;
`} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return build(t, root, "-overlay", overlay)
}

// build builds the command of a source tree.
func build(t *testing.T, dir string, flags ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "slipway")
	cmd := exec.Command("go", append(append([]string{"build", "-trimpath", "-buildvcs=false", "-o", file}, flags...), "./cmd/slipway")...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %v: %v\n%s", flags, err, out)
	}
	return file
}

// An upgrade is of two servers, from one program to the next.
type upgrade struct {
	*fleet
	old, next string
	again     bool // the old program begins over the new one's tables, too
}

// roll upgrades: a new server joins two old ones while one of those ships, and that one is
// told to end. Then of an old and the new one the one that ships is killed, and the other
// goes on with that: where an old one began again the new one leads, and most often ships.
// At last all are new.
func (u *upgrade) roll(t *testing.T) {
	t.Helper()
	newMember := func(n int, program string) *member {
		return &member{data: fmt.Sprint("../server", n), args: append(aServer(), "--drain", "100ms"), program: program}
	}
	u.fleet = &fleet{site: newSite(t, ""), url: pgtest.New(t), servers: []*member{newMember(1, u.old), newMember(2, u.old)}}
	u.program = u.old
	u.version(t, 1)
	u.beginAll(t)
	key := u.read(t, u.servers[0].data+"/state/ledger.key")

	if err := u.push(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
	first, i := u.firstShip(t)
	u.servers = append(u.servers, newMember(3, u.next))
	u.write(t, u.servers[2].data+"/state/ledger.key", key)
	u.begin(t, 2)
	u.look(t)
	u.drain(t, i)
	end := u.ended(t, first)
	t.Logf("what server %d began, which is old, ended at server %d, attempt %d", i+1, u.doer(t, end)+1, end.Attempt)
	if handed := u.doer(t, end) != i; handed != (end.Attempt == 2) || end.Attempt > 2 {
		t.Errorf("it ended at attempt %d", end.Attempt)
	}
	if u.again {
		u.begin(t, i)
		u.drain(t, 1-i)
		i = 1 - i
	}

	u.pushNext(t, 2)
	second := u.ship(t, func(j store.Job) bool { return j.State == store.JobRunning && j.ID > first })
	from := u.doer(t, second)
	to := 1 - i + 2 - from // of the two that live the other one
	u.kill(t, from)
	end = u.ended(t, second.ID)
	if u.doer(t, end) != to || end.Attempt != 2 {
		t.Errorf("it ended at server %d, attempt %d, want %d and 2", u.doer(t, end)+1, end.Attempt, to+1)
	}
	t.Logf("server %d went on with what server %d began, which was killed; server 3 is new", to+1, from+1)
	if from == 2 {
		u.begin(t, 2)
		u.drain(t, to)
	}

	for n := range 2 {
		u.servers[n].program = u.next
		u.begin(t, n)
	}
	u.program = u.next
	u.pushNext(t, 3)
	third := u.ship(t, func(j store.Job) bool { return j.ID > second.ID })
	u.ended(t, third.ID)
	u.proveOnce(t, 3)
}

// firstShip waits for the first ship, by tables that this version may not read.
func (u *upgrade) firstShip(t *testing.T) (id int64, server int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	running := " FROM job WHERE kind = 'ship' AND state = 'running'"
	if !pauseUntil(ctx, func() bool { id = int64(pgtest.Count(t, u.url, "SELECT coalesce(max(id), 0)"+running)); return id > 0 }) {
		t.Fatal("nobody ships")
	}
	for i, m := range u.servers {
		if pgtest.Count(t, u.url, "SELECT count(*)"+running+" AND process = '"+m.id+"'") > 0 {
			return id, i
		}
	}
	t.Fatal("nobody has the ship")
	return 0, 0
}

// version gives the app a step that takes a while.
func (u *upgrade) version(t *testing.T, n int) {
	t.Helper()
	u.change(t, "slipway.yaml", "checks:\n", "checks:\n  slow: {run: sleep 3}\n")
	u.commit(t, fmt.Sprint("version ", n))
}

// pushNext pushes another version.
func (u *upgrade) pushNext(t *testing.T, n int) {
	t.Helper()
	u.change(t, "pulse.py", fmt.Sprintf("version %d", n-1), fmt.Sprintf("version %d", n))
	u.commit(t, fmt.Sprint("version ", n))
	if err := u.push(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
}

// ended waits until a job is done.
func (u *upgrade) ended(t *testing.T, id int64) store.Job {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	var j store.Job
	err := await(ctx, func() (ended bool, err error) {
		j, _, err = u.st.Job(ctx, id)
		return j.State.Ended(), err
	})
	if err != nil || j.State != store.JobDone {
		t.Fatalf("job %d is %s: %s, %v", id, j.State, j.Outcome, err)
	}
	return j
}

// drain tells a server to end, and waits until it has ended well.
func (u *upgrade) drain(t *testing.T, i int) {
	t.Helper()
	m := u.servers[i]
	if err := m.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := m.cmd.Wait(); err != nil {
		t.Errorf("server %d was told to end: %v", i+1, err)
	}
	m.cmd = nil
	alive, err := u.st.Processes(t.Context())
	if err != nil || slices.ContainsFunc(alive, func(p store.Process) bool { return p.ID == m.id }) {
		t.Errorf("server %d ended and did not leave: %v", i+1, err)
	}
}
