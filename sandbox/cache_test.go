package sandbox_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway/sandbox"
)

// ticking is a clock that goes on by an hour at each look.
func ticking() func() time.Time {
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	return func() time.Time { now = now.Add(time.Hour); return now }
}

func open(t *testing.T, c *sandbox.Caches, key string, write bool) *sandbox.Cache {
	t.Helper()
	one, err := c.Open(key, write)
	if err != nil {
		t.Fatal(err)
	}
	return one
}

func shut(t *testing.T, c *sandbox.Cache) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

// in runs a command with a cache and returns what it printed.
func in(t *testing.T, cfg sandbox.Config, c *sandbox.Cache, text string) string {
	t.Helper()
	_, out := run(t, cfg, c.Mount(sandbox.Step{Argv: sh(text)}))
	return out
}

func TestACacheIsKept(t *testing.T) {
	each(t, func(t *testing.T, cfg sandbox.Config) {
		all := sandbox.NewCaches(t.TempDir(), 1e9, ticking())
		first := open(t, all, "acme/traffic", true)
		if out := in(t, cfg, first, `mkdir $PIP_CACHE_DIR && echo wheel > $PIP_CACHE_DIR/w`); out != "" {
			t.Errorf("printed %q", out)
		}
		shut(t, first)
		second := open(t, all, "acme/traffic", true)
		other := open(t, all, "acme/roads", true)
		if out := in(t, cfg, second, `cat $XDG_CACHE_HOME/pip/w`); out != "wheel\n" {
			t.Errorf("printed %q", out)
		}
		if out := in(t, cfg, other, `ls $XDG_CACHE_HOME`); out != "" {
			t.Errorf("another app sees %q", out)
		}
		shut(t, second)
		shut(t, other)
	})
}

func TestAReaderWritesNothing(t *testing.T) {
	each(t, func(t *testing.T, cfg sandbox.Config) {
		dir := t.TempDir()
		all := sandbox.NewCaches(dir, 1e9, ticking())
		member := open(t, all, "traffic", true)
		in(t, cfg, member, `echo good > $XDG_CACHE_HOME/x; mkdir -p $XDG_CACHE_HOME/d; ln -s ../x $XDG_CACHE_HOME/d/link; printf '#!/bin/sh' > $XDG_CACHE_HOME/d/run; chmod 555 $XDG_CACHE_HOME/d/run`)
		shut(t, member)
		stranger := open(t, all, "traffic", false)
		if out := in(t, cfg, stranger, `cd $XDG_CACHE_HOME; [ "$(cat d/link)" = good ] && d/run && rm -r d; cat $XDG_CACHE_HOME/x; echo bad > $XDG_CACHE_HOME/x; echo bad > $XDG_CACHE_HOME/y; cat $XDG_CACHE_HOME/*`); out != "good\nbad\nbad\n" {
			t.Errorf("the stranger sees %q", out)
		}
		member = open(t, all, "traffic", true)
		if out := in(t, cfg, member, `cat $XDG_CACHE_HOME/x $XDG_CACHE_HOME/y 2>/dev/null; ls $XDG_CACHE_HOME/d`); out != "good\nlink\nrun\n" {
			t.Errorf("the member sees %q", out)
		}
		shut(t, stranger)
		shut(t, member)
		if left, err := filepath.Glob(filepath.Join(dir, "slipway-step-*")); err != nil || len(left) > 0 {
			t.Errorf("left: %v, %v", left, err)
		}
	})
}

// kept lists the caches that are there, without the digests in their names.
func kept(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		_, name, _ := strings.Cut(e.Name(), "-")
		names = append(names, name)
	}
	return names
}

func TestTheOldestCachesMakeRoom(t *testing.T) {
	dir := t.TempDir()
	all := sandbox.NewCaches(dir, 25_000, ticking())
	fill := func(key string) {
		c := open(t, all, key, true)
		in(t, sandbox.Config{}, c, `head -c 10000 /dev/zero > $XDG_CACHE_HOME/x; mkdir -p $XDG_CACHE_HOME/ro; touch $XDG_CACHE_HOME/ro/f; chmod 555 $XDG_CACHE_HOME/ro`)
		shut(t, c)
	}
	fill("a")
	fill("b")
	fill("a")
	held := open(t, all, "b", true) // the oldest, but in use
	fill("c")
	if got := kept(t, dir); !hasAll(got, "b", "c") || len(got) != 2 {
		t.Errorf("kept %q, want b and c", got)
	}
	shut(t, held)
	fill("d")
	if got := kept(t, dir); !hasAll(got, "b", "d") || len(got) != 2 {
		t.Errorf("kept %q, want b and d", got)
	}
}

func hasAll(names []string, want ...string) bool {
	for _, w := range want {
		if !strings.Contains(" "+strings.Join(names, " ")+" ", " "+w+" ") {
			return false
		}
	}
	return true
}

// What a killed process leaves is counted, or removed.
func TestCachesOfKilledProcesses(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"aaaa-killed/files/x": strings.Repeat("x", 9000), "bbbb-torn/state": `{"size":`, "gone-cccc/files/x": "x", "slipway-step-1/files/x": "x",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	all := sandbox.NewCaches(dir, 8000, ticking())
	shut(t, open(t, all, "new", true))
	if got := kept(t, dir); !hasAll(got, "torn", "new") || len(got) != 2 {
		t.Errorf("kept %q, want torn and new", got)
	}
}

func TestCachesAreUsedAtTheSameTime(t *testing.T) {
	dir := t.TempDir()
	all := sandbox.NewCaches(dir, 1, time.Now) // every cache is too large
	done := make(chan error)
	for i := range 8 {
		go func() {
			for n := range 20 {
				c, err := all.Open("shared", i%2 == 0)
				if err == nil {
					s := c.Mount(sandbox.Step{})
					err = os.WriteFile(filepath.Join(s.Writable[0], fmt.Sprintf("f%d-%d", i, n)), []byte("x"), 0o644)
					if closeErr := c.Close(); err == nil {
						err = closeErr
					}
				}
				if err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestAFolderForCachesThatCannotBeMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := sandbox.NewCaches(file, 1, ticking()).Open("traffic", true)
	if err == nil || !strings.HasPrefix(err.Error(), "open the cache of traffic: ") {
		t.Errorf("got %v", err)
	}
}

func TestNoCache(t *testing.T) {
	var none *sandbox.Cache
	s := sandbox.Step{Argv: sh("true")}
	if diff := cmp.Diff(s, none.Mount(s)); diff != "" || none.Close() != nil {
		t.Error(diff)
	}
}
