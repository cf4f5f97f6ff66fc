//go:build linux && amd64

package main_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/server"
	"github.com/slipway-cd/slipway/store"
)

// follow looks and reads until ctx is done.
func (l *load) follow(ctx context.Context) {
	go l.watch.look(ctx)
	for _, r := range l.readers {
		go r.read(ctx)
	}
}

// begin has people push and ask until ctx is done.
func (l *load) begin(ctx context.Context, t *testing.T) *sync.WaitGroup {
	t.Helper()
	var doing sync.WaitGroup
	for _, a := range l.authors {
		doing.Go(func() { a.write(ctx, t) })
	}
	doing.Go(func() { l.asker.ask(ctx, t) })
	return &doing
}

// An author pushes new versions of the apps of one repository.
type author struct {
	load       *load
	repository string
	dir        string
	apps       []string
	mu         sync.Mutex
	pushed     []pushedOnce
}

// A pushedOnce is a version that was pushed.
type pushedOnce struct {
	app, commit string
	version     int
}

// Each run of an app adds a line: what it is, or what it was asked for.
const linesJob = `import os, sys
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
line = given.get("--asked") or "%s version %d"
runs = os.open("out/lines.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.write(runs, (line + "\n").encode())
`

func newAuthor(t *testing.T, l *load, n, apps int) *author {
	t.Helper()
	a := &author{load: l, repository: fmt.Sprint("r", n+1), dir: filepath.Join(l.dir, fmt.Sprint("author", n+1))}
	for k := range apps {
		a.apps = append(a.apps, fmt.Sprintf("%s-app%d", a.repository, k+1))
	}
	for _, app := range a.apps {
		a.put(t, app+"/slipway.yaml", "slipway: v1\napp: "+app+"\nteam: data\nshape: python-job\nbuild: {script: job.py}\nchecks: {tests: {run: 'true'}}\nrun: {queuing: true}\nenvironments: {staging: {run: {after_deploy: true}}}\n")
		a.put(t, app+"/job.py", fmt.Sprintf(linesJob, app, 1))
	}
	if err := os.MkdirAll(filepath.Join(l.dir, "out"), 0o755); err != nil {
		t.Fatal(err)
	}
	a.git(t, "init", "-q", "-b", "main", "--template=")
	a.git(t, "init", "-q", "--bare", "-b", "main", "--template=", a.remote())
	commit := a.commit(t)
	for _, app := range a.apps {
		a.pushed = append(a.pushed, pushedOnce{app, commit, 1})
	}
	a.git(t, "push", "-q", a.remote(), "main")
	return a
}

func (a *author) remote() string { return filepath.Join(a.load.dir, "git", a.repository+".git") }

func (a *author) put(t *testing.T, name, text string) {
	t.Helper()
	file := filepath.Join(a.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (a *author) git(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = a.dir, a.load.environ()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit commits what there is.
func (a *author) commit(t *testing.T) string {
	t.Helper()
	a.git(t, "add", "-A")
	a.git(t, "commit", "-q", "-m", "more")
	return a.git(t, "rev-parse", "HEAD")
}

// most is how many jobs there may be to do before people wait with the next push.
const most = 6

// write pushes one version after the other, as long as not too much is to be done.
func (a *author) write(ctx context.Context, t *testing.T) {
	for n := 0; ctx.Err() == nil && !t.Failed(); n++ {
		if !pauseUntil(ctx, func() bool { return a.load.watch.open.Load() < most }) {
			return
		}
		app := a.apps[n%len(a.apps)]
		version := n/len(a.apps) + 2
		a.put(t, app+"/job.py", fmt.Sprintf(linesJob, app, version))
		commit := a.commit(t)
		a.git(t, "push", "-q", a.remote(), "main")
		a.mu.Lock()
		a.pushed = append(a.pushed, pushedOnce{app, commit, version})
		a.mu.Unlock()
	}
}

// pauseUntil waits until something is so, and reports whether ctx is still good.
func pauseUntil(ctx context.Context, so func() bool) bool {
	return await(ctx, func() (bool, error) { return so(), nil }) == nil
}

// newest is what was pushed last, of an app or, if it is empty, of all.
func (a *author) newest(app string) pushedOnce {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range slices.Backward(a.pushed) {
		if app == "" || p.app == app {
			return p
		}
	}
	return pushedOnce{}
}

// seen reports whether the servers have seen the newest commit.
func (a *author) seen(ctx context.Context) (bool, error) {
	for _, name := range a.apps {
		app, ok, err := a.load.st.App(ctx, name)
		if err != nil || !ok || app.Commit != a.newest("").commit {
			return false, err
		}
	}
	return true, nil
}

// prove proves that of each app the newest commit is live, that no commit was deployed
// twice, and that what was deployed ran once.
func (a *author) prove(t *testing.T) {
	t.Helper()
	c, err := a.load.servers[0].life.client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	versions := a.versions()
	for _, app := range a.apps {
		h, err := c.History(t.Context(), app, "staging")
		if err != nil {
			t.Error(err)
			continue
		}
		var want []string
		for _, d := range h.Deployments {
			admitted, ok := h.Admitted(d.Plan.Target.Version)
			line := fmt.Sprintf("%s version %d", app, versions[app+admitted.Commit])
			if d.State == slipway.Superseded { // it was cut short, and another one did it
				continue
			}
			if !ok || d.State != slipway.Deployed || slices.Contains(want, line) {
				t.Errorf("deployment %d of %s, %s, is %s: %s", d.Number, app, line, d.State, d.Error)
			}
			want = append(want, line)
		}
		newest := a.newest(app)
		if line := fmt.Sprintf("%s version %d", app, newest.version); len(want) == 0 || want[len(want)-1] != line {
			t.Errorf("the last deployment is not %s: %q", line, want)
		}
		// A deployment that a newer one overtook before its run began has none.
		var got []string
		overtaken := a.overtaken(t, app, versions)
		missing := func(line string) bool { return !slices.Contains(got, line) && !slices.Contains(overtaken, line) }
		ctx, cancel := context.WithTimeout(t.Context(), longest)
		pauseUntil(ctx, func() bool { // until the last run has come to its end
			got = a.load.lines(t, app+" ")
			return !slices.ContainsFunc(want, missing)
		})
		cancel()
		want = slices.DeleteFunc(want, func(line string) bool { return slices.Contains(overtaken, line) && !slices.Contains(got, line) })
		if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			t.Errorf("of %s ran %q, and deployed was %q", app, got, want)
		}
	}
}

// overtaken are the lines of an app's versions that were not shipped to the end, for a newer
// one was done first.
func (a *author) overtaken(t *testing.T, app string, versions map[string]int) (lines []string) {
	t.Helper()
	all, err := a.load.st.Jobs(t.Context(), store.JobFilter{Subject: "app/" + app, Kinds: []string{"ship"}, States: []store.JobState{store.JobReplaced}}, 10_000)
	if err != nil {
		t.Error(err)
	}
	for _, j := range all {
		var in struct{ Commit string }
		if err := json.Unmarshal(j.Input, &in); err != nil {
			t.Error(err)
		}
		lines = append(lines, fmt.Sprintf("%s version %d", app, versions[app+in.Commit]))
	}
	return lines
}

// versions are those that apps have at a commit, by both: of several pushes the servers
// may have seen the last one alone.
func (a *author) versions() map[string]int {
	all, now := map[string]int{}, map[string]int{}
	for _, p := range a.pushed {
		now[p.app] = p.version
		for _, app := range a.apps {
			all[app+p.commit] = now[app]
		}
	}
	return all
}

// lines are those that runs wrote, with how they begin.
func (l *load) lines(t *testing.T, begin string) []string {
	t.Helper()
	var all []string
	for line := range strings.Lines(l.read(t, "../out/lines.txt")) {
		if strings.HasPrefix(line, begin) {
			all = append(all, strings.TrimSpace(line))
		}
	}
	return all
}

// up is a server that may answer, for the nth who asks.
func (l *load) up(n int) *life {
	for i := range l.hands {
		if h := l.hands[(n+i)%len(l.hands)]; h.isUp() && l.servers[h.i].serves() {
			return h.now()
		}
	}
	return l.hands[0].now()
}

// An asker starts runs, and asks again elsewhere until it has an answer.
type asker struct {
	load *load
	keys []string
	lost int // answers that never came
}

func (a *asker) ask(ctx context.Context, t *testing.T) {
	pace := time.NewTicker(time.Second)
	defer pace.Stop()
	for n := 0; !t.Failed(); n++ {
		select {
		case <-ctx.Done():
			return
		case <-pace.C:
		}
		key := fmt.Sprint("asked-", n)
		app := a.load.authors[n%len(a.load.authors)].apps[0]
		if _, ok, err := a.load.st.App(ctx, app); !ok || err != nil {
			continue // it is not there yet, or the database is not
		}
		a.keys = append(a.keys, key)
		for try := n; ; try++ { // what was asked for is asked for to its end
			short, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			c, err := a.load.up(try).client(short)
			if err == nil {
				_, err = c.StartRun(short, key, app, "staging", server.RunRequest{Arguments: map[string]string{"asked": key}})
			}
			cancel()
			if err == nil {
				break
			}
			a.lost++
			if kind := slipway.KindOf(err); kind != slipway.Unavailable && kind != slipway.Internal && short.Err() == nil {
				t.Errorf("%s is answered by: %v", key, err)
				return
			}
			if t.Context().Err() != nil {
				return
			}
		}
	}
}

// prove proves that each run was started once.
func (a *asker) prove(t *testing.T) {
	t.Helper()
	var got []string
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	pauseUntil(ctx, func() bool {
		got = a.load.lines(t, "asked-")
		return len(got) >= len(a.keys)
	})
	if want := slices.Sorted(slices.Values(a.keys)); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
		t.Errorf("asked for was %q, and what ran is %q", want, got)
	}
	t.Logf("%d runs were asked for, %d answers never came", len(a.keys), a.lost)
}

// A reader follows the stream of events, wherever a server is that answers.
type reader struct {
	load *load
	from int
	mu   sync.Mutex
	last int64
	all  []int64
}

func (r *reader) read(ctx context.Context) {
	for n := r.from; ctx.Err() == nil; n++ {
		_ = r.follow(ctx, r.load.up(n)) // it comes back
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// follow reads a stream until it breaks.
func (r *reader) follow(ctx context.Context, l *life) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silent := time.AfterFunc(20*time.Second, cancel) // a server that stands still says nothing
	defer silent.Stop()
	c, err := l.client(ctx)
	if err != nil {
		return err
	}
	r.mu.Lock()
	last := r.last
	r.mu.Unlock()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL+server.Root+"/events", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.Token)
	req.Header.Set("Last-Event-ID", strconv.FormatInt(last, 10))
	answer, err := c.HTTP.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	for lines.Buffer(nil, 16<<20); lines.Scan(); {
		silent.Reset(20 * time.Second)
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var e store.Event
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			return err
		}
		r.mu.Lock()
		r.last = e.ID
		r.all = append(r.all, e.ID)
		r.mu.Unlock()
	}
	return lines.Err()
}

// prove proves that the reader has seen every event once, in order. It may have seen one
// that the database did not have any more when it was killed: one may be told of before
// the disk has it.
func (r *reader) prove(t *testing.T) {
	t.Helper()
	var want []int64
	for f := (store.EventFilter{}); ; {
		some, err := r.load.st.Events(t.Context(), f, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(some) == 0 {
			break
		}
		for _, e := range some {
			f.After = e.ID
			want = append(want, e.ID)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	pauseUntil(ctx, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.last >= want[len(want)-1]
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	got := slices.DeleteFunc(slices.Clone(r.all), func(id int64) bool { _, is := slices.BinarySearch(want, id); return !is && id < r.last })
	if got = got[:min(len(got), len(want))]; !slices.Equal(got, want) {
		t.Errorf("of %d events a reader has seen %d, not each once and in order", len(want), len(got))
	}
}
