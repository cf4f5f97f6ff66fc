package pgtest_test

import (
	"bufio"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/slipway-cd/slipway/store/pgtest"
)

const child = "SLIPWAY_TEST_PGTEST"

// TestNothingIsLeft kills a process that has a server: the server and its folder go
// with it.
func TestNothingIsLeft(t *testing.T) {
	if os.Getenv(child) != "" {
		fmt.Println("url", pgtest.New(t))
		select {}
	}
	dir := t.TempDir()
	pgtest.New(t) // whether there is PostgreSQL
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestNothingIsLeft$", "-test.v")
	cmd.Env = append(os.Environ(), child+"=1", "TMPDIR="+open(t, dir))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	at := ""
	for s := bufio.NewScanner(out); at == "" && s.Scan(); {
		at, _ = strings.CutPrefix(s.Text(), "url ")
		if at == s.Text() {
			at = ""
		}
	}
	u, err := url.Parse(at)
	if at == "" || err != nil {
		t.Fatalf("no server came up at %q: %v", at, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		_, gone := os.Stat(u.Query().Get("host"))
		if os.IsNotExist(gone) {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s is still there", u.Query().Get("host"))
		case <-tick.C:
		}
	}
}

// open makes a folder below dir that everybody may use, as /tmp.
func open(t *testing.T, dir string) string {
	t.Helper()
	for d := dir; d != "/" && d != filepath.Clean(os.TempDir()); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestCrash kills a server, and starts it again with what was committed.
func TestCrash(t *testing.T) {
	s := pgtest.Start(t)
	at := s.New(t)
	pgtest.Execute(t, at, "CREATE TABLE a (n INTEGER); INSERT INTO a VALUES (1)")
	for _, signal := range []string{"QUIT", "KILL", "INT"} {
		s.Halt(signal)
		if _, err := pgx.Connect(t.Context(), at); err == nil {
			t.Errorf("after %s the server is still there", signal)
		}
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
		pgtest.Execute(t, at, "INSERT INTO a VALUES (2)")
	}
}
