//go:build linux && amd64

package main_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/server/client"
	"github.com/slipway-cd/slipway/store"
	"github.com/slipway-cd/slipway/store/pgtest"
)

// A site is a server's folder with what is around it, besides a clone of the app:
//
//	git/            the bare repository that is pushed to
//	platform.yaml   the platform's file
//	data/           what the job reads
//	server/         the server's data
//	srv/            the environment's runtime and artifacts
//	out/            what the job writes
//	token           of somebody who may do everything
//	said/           what each life of the server said
type site struct {
	clone
	url string // of its PostgreSQL database; empty: it has SQLite
	hub *hub   // its forge, where that has pull requests; nil: it has none
}

// newSite is a site with the example pulse committed and not yet pushed.
func newSite(t *testing.T, more string) site {
	t.Helper()
	s := site{clone: newPulse(t, "staging", "staging/artifacts")}
	s.git(t, "rm", "-q", "platform.yaml")
	s.change(t, "slipway.yaml", "app: pulse\n", "app: pulse\nteam: data\n"+more)
	s.git(t, "add", "-A")
	s.git(t, "commit", "-q", "--amend", "-m", "version 1")
	s.git(t, "init", "-q", "--bare", "-b", "main", "--template=", filepath.Join(s.dir, "git", "pulse.git"))
	s.write(t, "../platform.yaml", `slipway: v1
environments:
  staging: {runtime: local, root: srv/staging, repository: srv/artifacts}
teams: {data: {people: [mara]}}
people: {mara: {name: Mara, email: mara@example.com}}
access: {owners: [mara]}
server: {forges: {home: {kind: git, url: git, every: 1s}}}
`)
	s.write(t, "../data/traffic.csv", s.read(t, "data/traffic.csv"))
	if err := os.Mkdir(filepath.Join(s.dir, "said"), 0o755); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s site) copy(t *testing.T) site {
	t.Helper()
	to := site{clone: s.clone.copy(t)}
	if s.url != "" {
		to.url = pgtest.Copy(t, s.url)
	}
	if s.hub != nil {
		to.hub = s.hub.copy(t, filepath.Join(to.dir, "git", "pulse.git"))
		to.change(t, "../platform.yaml", s.hub.url, to.hub.url)
	}
	return to
}

// push pushes a commit, unless it was pushed already.
func (s site) push(ctx context.Context, commit string) error {
	bare := filepath.Join(s.dir, "git", "pulse.git")
	id, err := s.gitCommand("rev-parse", commit).Output()
	if err != nil {
		return fmt.Errorf("find %s: %w", commit, err)
	}
	name := strings.TrimSpace(string(id))
	if s.gitCommand("--git-dir", bare, "cat-file", "-e", name).Run() == nil {
		return ctx.Err()
	}
	out, err := s.gitCommand("push", "-q", bare, name+":refs/heads/main").CombinedOutput()
	if err != nil {
		return fmt.Errorf("push: %w\n%s", err, out)
	}
	return ctx.Err()
}

// where says to a command where the server keeps what it has.
func (s site) where() []string {
	words := []string{"--data", "../server"}
	if s.url != "" {
		words = append(words, "--database", s.url)
	}
	return words
}

// grant makes the token, if there is none.
func (s site) grant(t *testing.T) {
	t.Helper()
	if s.read(t, "../token") == "" {
		s.write(t, "../token", strings.TrimSpace(s.must(t, append([]string{"token", "create", "test", "--owner", "mara", "--scope", "all", "--platform", "../platform.yaml"}, s.where()...)...)))
	}
}

// A life is the server from its start to its end.
type life struct {
	site
	began time.Time
	said  string // the file
	pid   int
}

// A fate says how a life goes.
type fate struct {
	// watch is shown each event of it, and says whether it ends there; nil: nobody looks.
	watch func(*life, event) bool
	group bool // what it started dies with it, as in a container
	// until returns when the server has done what it was to do, and may be told to end;
	// its error ends the test, unless the server was killed meanwhile.
	until func(context.Context, *life) error
}

// live lets the server live, and returns how it ended.
func (s site) live(t *testing.T, f fate) syscall.WaitStatus {
	t.Helper()
	lives, err := os.ReadDir(filepath.Join(s.dir, "said"))
	if err != nil {
		t.Fatal(err)
	}
	l := &life{site: s, said: filepath.Join(s.dir, "said", strconv.Itoa(len(lives)+1)), began: time.Now().Truncate(time.Millisecond)}
	out, err := os.Create(l.said)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := s.command(append([]string{"serve", "--platform", "../platform.yaml", "--listen", "127.0.0.1:0", "--url", "http://slipway.example", "--workers", "2"}, s.where()...)...)
	cmd.Stdout, cmd.Stderr = out, out
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	ended := make(chan error, 1)
	status, err := f.run(l, cmd, func(pid int) {
		l.pid = pid
		go func() {
			err := f.until(ctx, l)
			if !errors.Is(err, context.Canceled) {
				_ = syscall.Kill(pid, syscall.SIGTERM) // it may have ended by itself
			}
			ended <- err
		}()
	})
	cancel()
	if err != nil {
		t.Fatalf("run the server: %v", err)
	}
	if err := <-ended; err != nil && !killed(status) && !errors.Is(err, context.Canceled) {
		t.Errorf("in life %d: %v", len(lives)+1, err)
	}
	return status
}

// run runs the server to its end.
func (f fate) run(l *life, cmd *exec.Cmd, began func(pid int)) (syscall.WaitStatus, error) {
	if f.watch != nil {
		var mu sync.Mutex
		watch := func(e event) bool {
			mu.Lock()
			defer mu.Unlock()
			return f.watch(l, e)
		}
		if l.hub != nil {
			l.hub.watched(func(e event) {
				if watch(e) {
					f.kill(l)
				}
			})
			defer l.hub.watched(nil)
		}
		return (&tracer{watch: watch, began: began, group: f.group}).trace(cmd)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	began(cmd.Process.Pid)
	err := cmd.Wait()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		err = nil
	}
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus) // it is that, on Linux
	return status, err
}

// kill kills the server from outside.
func (f fate) kill(l *life) {
	whom := l.pid
	if f.group {
		whom = -l.pid
	}
	_ = syscall.Kill(whom, syscall.SIGKILL) // it may have ended by itself
}

// longest is how long a server may take for what it has to do.
const longest = 10 * time.Minute

// address is where the server listens, once it says so.
func (l *life) address(ctx context.Context) (string, error) {
	var m []string
	err := await(ctx, func() (bool, error) {
		text, err := os.ReadFile(l.said)
		m = listens.FindStringSubmatch(string(text))
		return m != nil, err
	})
	if err != nil {
		return "", fmt.Errorf("wait until it listens: %w", err)
	}
	return m[1], nil
}

var listens = regexp.MustCompile(`(?m)^it listens on (\S+)$`)

// client speaks with the server, as somebody who may do everything.
func (l *life) client(ctx context.Context) (*client.Client, error) {
	at, err := l.address(ctx)
	if err != nil {
		return nil, err
	}
	token, err := os.ReadFile(filepath.Join(l.dir, "token"))
	return &client.Client{URL: at, Token: string(bytes.TrimSpace(token)), HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, Again: 20 * time.Millisecond}, err
}

// await asks again and again whether something is so.
func await(ctx context.Context, so func() (bool, error)) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := so()
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// database is the server's, for reading. It is nil until there is one.
func (s site) database(ctx context.Context) (*store.Store, error) {
	file, found := store.FileIn(filepath.Join(s.dir, "server"))
	if s.url != "" {
		file, found = s.url, true
	}
	if !found {
		return nil, nil
	}
	st, err := store.OpenReadOnly(ctx, file)
	if slipway.KindOf(err) == slipway.NotFound { // it has no tables yet
		return nil, nil
	}
	return st, err
}

// jobs waits until the jobs, but for those that look, are as so says, and since the
// server lives it has seen that there is nothing more at the forge.
func (l *life) jobs(ctx context.Context, so func([]store.Job) bool) error {
	var st *store.Store
	defer func() {
		if st != nil {
			_ = st.Close() // it was only read
		}
	}()
	return await(ctx, func() (_ bool, err error) {
		if st == nil {
			if st, err = l.database(ctx); st == nil || err != nil {
				return false, err
			}
		}
		all, err := l.kept(ctx, st)
		if err != nil || !so(all) {
			return false, err
		}
		repositories, err := st.Repositories(ctx, "")
		return err == nil && len(repositories) == 1 && repositories[0].Looked.After(l.began), err
	})
}

// kept are the jobs, the oldest first, but for those that look.
func (s site) kept(ctx context.Context, st *store.Store) ([]store.Job, error) {
	all, err := st.Jobs(ctx, store.JobFilter{}, 1000)
	var kept []store.Job
	for i := range all {
		if j := all[len(all)-1-i]; !strings.HasPrefix(j.Kind, "look-") {
			kept = append(kept, j)
		}
	}
	return kept, err
}

// done is a test whether so many jobs of the kinds have ended, and none is open.
func done(n int, kinds string) func([]store.Job) bool {
	return func(all []store.Job) bool {
		ended := 0
		for _, j := range all {
			if !j.State.Ended() {
				return false
			}
			if strings.Contains(kinds, j.Kind) {
				ended++
			}
		}
		return ended >= n
	}
}
