//go:build linux && amd64

package main_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// The server is killed again and again while a check runs. Nothing of the check is left
// once the server has done its work, not even what it put into the background.
func TestServerKilledInACheck(t *testing.T) {
	mustTrace(t)
	t.Parallel()
	for i, isolation := range []string{"none", "preferred"} {
		for k, group := range []bool{false, true} {
			t.Run(fmt.Sprint(isolation, ", all of it: ", group), func(t *testing.T) {
				t.Parallel()
				s := newSite(t, "")
				explained(t, s)
				s.change(t, "../platform.yaml", "slipway: v1\n", "slipway: v1\nisolation: "+isolation+"\n")
				marker := fmt.Sprintf("600.%d%d%d", os.Getpid(), i, k) // how long it sleeps, which nobody else does
				s.change(t, "slipway.yaml", "checks:\n", "checks:\n  slow: {run: 'setsid sleep "+marker+" & sleep 1'}\n")
				s.commit(t, "version 1")
				for n := range 3 {
					before := running(t, marker)
					status := s.live(t, fate{until: func(ctx context.Context, l *life) error {
						if err := l.push(ctx, "main"); err != nil {
							return err
						}
						begun := func() (bool, error) { // another one than what a killed server may have left
							return slices.ContainsFunc(running(t, marker), func(p string) bool { return !slices.Contains(before, p) }), nil
						}
						if err := await(ctx, begun); err != nil {
							return err
						}
						whom := l.pid
						if group {
							whom = -l.pid
						}
						return syscall.Kill(whom, syscall.SIGKILL)
					}})
					if !killed(status) {
						t.Fatalf("life %d ended with %v", n+1, status)
					}
				}
				got := s.settled(t, nil, done(1, "ship"))
				if want := "push done, ship done"; strings.Join(got.Jobs, ", ") != want || len(got.Lines) != 1 || got.Left != nil {
					t.Errorf("it ends otherwise: %+v", got)
				}
				if left := running(t, marker); len(left) > 0 {
					t.Errorf("of the checks there is left: %q", left)
				}
			})
		}
	}
}

// running are the processes, by their folder in /proc, that sleep as long as a word says.
func running(t *testing.T, word string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		line, err := os.ReadFile(file) // it may have ended
		if words := strings.Split(string(line), "\x00"); err == nil && words[0] == "sleep" && strings.Contains(string(line), word) {
			found = append(found, filepath.Dir(file))
		}
	}
	return found
}

// What git leaves that dies together with the server keeps nothing from being
// delivered: locks, half a pack, and a mirror that was only begun.
func TestGitDiedToo(t *testing.T) {
	t.Parallel()
	shipped := newSite(t, "")
	shipped.secondVersion(t)
	shipped = shipped.started(t)
	shipped.settled(t, pushOne, done(1, "ship"))
	for name, spoil := range map[string]func(t *testing.T, mirror string){
		"locks": func(t *testing.T, mirror string) {
			t.Helper()
			for _, lock := range []string{"refs/heads/main.lock", "packed-refs.lock", "HEAD.lock", "config.lock", "objects/pack/tmp_pack_x1"} {
				file := filepath.Join(mirror, lock)
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, nil, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		},
		"a mirror that was begun": func(t *testing.T, mirror string) {
			t.Helper()
			for _, part := range []string{"objects", "refs", "config", "packed-refs"} {
				if err := os.RemoveAll(filepath.Join(mirror, part)); err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := shipped.copy(t)
			explained(t, s)
			mirrors, err := filepath.Glob(filepath.Join(s.dir, "server", "git", "*"))
			if err != nil || len(mirrors) != 1 {
				t.Fatalf("the mirrors are %q (%v)", mirrors, err)
			}
			spoil(t, mirrors[0])
			got := s.settled(t, func(ctx context.Context, l *life) error { return l.push(ctx, "main") }, done(2, "ship"))
			if got.Live != "v2 live" || len(got.Deployments) != 2 || len(got.Lines) != 2 {
				t.Errorf("the second version is not what is live: %+v", got)
			}
			if exists(filepath.Join(mirrors[0], "refs/heads/main.lock")) {
				t.Error("the branch is locked for ever")
			}
		})
	}
}
