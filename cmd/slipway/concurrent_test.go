//go:build linux && amd64

package main_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/awsauth/awstest"
)

// Of two ships from one folder the second says who is at work, waits, and finds
// everything done.
func TestTwoShipsFromOneFolder(t *testing.T) {
	t.Parallel()
	c := newPulse(t, "staging", "staging/artifacts")
	gate := filepath.Join(c.dir, "gate")
	if err := syscall.Mkfifo(gate, 0o600); err != nil {
		t.Fatal(err)
	}
	gated := c
	gated.env = append(slices.Clone(c.env), "GATE="+gate)
	first := gated.start(t, "ship")
	entered := first.enters(t, gate)
	second := c.start(t, "ship")
	second.says(t, fmt.Sprintf(`waiting: \S+ is at work in %s/\.slipway \(ship local, process %d\)`, regexp.QuoteMeta(c.repository()), first.cmd.Process.Pid))
	if err := entered.Close(); err != nil {
		t.Fatal(err)
	}
	first.ends(t)
	second.ends(t)
	second.says(t, `deploy +as it was +local has \S+ already \(deployment 1\)`)
	got, _ := c.settled(t, "local")
	got.Files = nil
	want := books{Lines: []string{"deployment-1 out/local.json version 1"}, Environments: map[string]account{"local": {
		Releases: []string{"v1"}, Deployments: []string{"1 of v1 deployed"}, Live: "v1 live", Runs: []string{"deployment-1 of v1 succeeded"},
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	c.whole(t)
}

// Two clones that share an environment and nothing else.
func TestTwoShipsFromTwoClones(t *testing.T) {
	mustTrace(t)
	t.Parallel()
	places := map[string]func(*testing.T, string) (string, []string){
		"over a folder": func(_ *testing.T, dir string) (string, []string) { return filepath.Join(dir, "artifacts"), nil },
		"over a bucket": bucket,
	}
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for name, test := range map[string]func(*testing.T, pair){
				"the same commit":   sameCommit,
				"different commits": differentCommits,
				"one is killed":     oneIsKilled,
			} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					shared := t.TempDir()
					repository, env := place(t, shared)
					one := newPulse(t, shared, repository)
					one.env = env
					test(t, pair{one, one.copy(t), shared})
				})
			}
		})
	}
}

// A pair are two clones of a repository with one environment staging.
type pair struct {
	one, other clone
	shared     string // the folder of staging
}

// sameCommit: the other waits for the first one's deployment, and then has
// nothing to do.
func sameCommit(t *testing.T, p pair) {
	p.overlap(t)
	want := account{
		Releases: []string{"v1 from local"}, Deployments: []string{"1 of v1 deployed"}, Live: "v1 live",
		Runs: []string{"deployment-1 of v1 succeeded"},
	}
	p.wantStaging(t, want, "deployment-1 out/staging.json version 1")
}

// differentCommits: the other's deployment follows the first one's. It may do so
// before the first one's run is started, which is then not started any more, and
// the first ship says so.
func differentCommits(t *testing.T, p pair) {
	p.other.secondVersion(t)
	p.overlap(t)
	want := account{
		Releases: []string{"v1 from local", "v2 from local"}, Deployments: []string{"1 of v1 deployed", "2 of v2 deployed"}, Live: "v2 live",
		Runs: []string{"deployment-2 of v2 succeeded", "deployment-1 of v1 succeeded"},
	}
	lines := []string{"deployment-1 out/staging.json version 1", "deployment-2 out/staging.json version 2"}
	if strings.Contains(p.one.said(t), "not started: deployment 2 has taken the place of deployment 1") {
		want.Runs, lines = want.Runs[:1], lines[1:]
	}
	p.wantStaging(t, want, lines...)
}

// overlap lets the first ship in the middle of its deployment stand still until
// the other has said that it waits.
func (p pair) overlap(t *testing.T) {
	t.Helper()
	job := filepath.Join(p.shared, "runtime/jobs/pulse")
	if err := os.MkdirAll(job, 0o755); err != nil {
		t.Fatal(err)
	}
	lock, err := os.Create(filepath.Join(job, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	deploying := make(chan struct{})
	var once sync.Once
	ended := make(chan syscall.WaitStatus, 1)
	go func() {
		ended <- p.one.traced(t, []string{"ship", "staging"}, func(e event) bool {
			if e.call == "lock" && e.path == lock.Name() {
				once.Do(func() { close(deploying) })
			}
			return false
		})
	}()
	select {
	case <-deploying:
	case status := <-ended:
		t.Fatalf("the first ship ended with %v before it deployed:\n%s", status, p.one.said(t))
	}
	other := p.other.start(t, "ship", "staging")
	other.says(t, waitingForStaging)
	_ = lock.Close()
	if status := <-ended; !status.Exited() || status.ExitStatus() != 0 {
		t.Errorf("the first ship ended with %v:\n%s", status, p.one.said(t))
	}
	other.ends(t)
}

// waitingForStaging is what one says that waits; the first group is until when.
const waitingForStaging = `waiting: staging is being deployed by \S+ \(ship staging, process \d+\) since \S+; ` +
	`the lease ends by itself at ([-0-9: ]+) if that process died`

// wantStaging looks at staging from both clones.
func (p pair) wantStaging(t *testing.T, want account, lines ...string) {
	t.Helper()
	here, printed := p.one.settled(t, "staging")
	there, printedThere := p.other.settled(t, "staging")
	if diff := cmp.Diff(want, there.Environments["staging"]); diff != "" {
		t.Errorf("staging (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(printed, printedThere); diff != "" {
		t.Errorf("the clones see different histories:\n%s", diff)
	}
	if diff := cmp.Diff(lines, append(here.Lines, there.Lines...)); diff != "" {
		t.Errorf("what runs wrote (-want +got):\n%s", diff)
	}
	p.one.whole(t)
	p.other.whole(t)
}

// oneIsKilled: the other waits until the dead one's lease ends, supersedes its
// deployment, and the dead one's next ship says so.
func oneIsKilled(t *testing.T, p pair) {
	status := p.one.traced(t, []string{"ship", "staging"}, func(e event) bool {
		return e.call == "lock" && e.path == filepath.Join(p.shared, "runtime/jobs/pulse/lock")
	})
	if status.Signal() != syscall.SIGKILL {
		t.Fatalf("the first ship ended with %v before it deployed:\n%s", status, p.one.said(t))
	}
	other := p.other.start(t, "ship", "staging")
	until := clockTime(t, other.says(t, waitingForStaging)[1])
	other.ends(t)
	var h struct{ Deployments []slipway.Deployment }
	parse(t, p.other.history(t, "staging"), &h)
	if late := h.Deployments[1].Started.Sub(until); late < -time.Second || late > 15*time.Second {
		t.Errorf("the lease was to end at %s, and the next deployment began at %s", until, h.Deployments[1].Started)
	}
	again := p.one.ask(t, "ship", "staging")
	if text := "deployment 1 of pulse in staging was cut short, and another one took its place"; again.code != 4 || !strings.Contains(again.stderr, text) {
		t.Errorf("the dead one's next ship: exit code %d, not 4 with %q\n%s", again.code, text, again.stderr)
	}
	p.one.must(t, "ship", "staging")
	want := account{
		Releases: []string{"v1 from local"}, Deployments: []string{"1 of v1 superseded", "2 of v1 deployed"}, Live: "v1 live",
		Runs: []string{"deployment-2 of v1 succeeded"},
	}
	p.wantStaging(t, want, "deployment-2 out/staging.json version 1")
}

// Where another deployment takes the place of one before its run was started,
// that run is not: it would be one of the other's job.
func TestNoRunOfWhatIsNotThereAnyMore(t *testing.T) {
	mustTrace(t)
	t.Parallel()
	shared := t.TempDir()
	one := newPulse(t, shared, shared+"/artifacts")
	p := pair{one, one.copy(t), shared}
	p.other.secondVersion(t)
	deployed, released, done := false, false, false
	status := p.one.traced(t, []string{"ship", "staging"}, func(e event) bool {
		deployed = deployed || e.path == shared+"/artifacts/pulse/staging/ledger/0000000003.json" && e.done
		released = released || deployed && e.path == shared+"/artifacts/pulse/staging/lease.json" && e.done
		// Not while it holds a lock on what they share.
		if released && !done && !strings.HasPrefix(e.path, shared) {
			done = true
			p.other.must(t, "ship", "staging")
		}
		return false
	})
	said := p.one.said(t)
	if !done || !status.Exited() || status.ExitStatus() != 0 {
		t.Fatalf("the first ship ended with %v:\n%s", status, said)
	}
	if text := "not started: deployment 2 has taken the place of deployment 1"; !strings.Contains(said, text) {
		t.Errorf("it does not say %q:\n%s", text, said)
	}
	want := account{
		Releases: []string{"v1 from local", "v2 from local"}, Deployments: []string{"1 of v1 deployed", "2 of v2 deployed"}, Live: "v2 live",
		Runs: []string{"deployment-2 of v2 succeeded"},
	}
	p.wantStaging(t, want, "deployment-2 out/staging.json version 2")
}

// clockTime reads a time that was told a moment ago.
func clockTime(t *testing.T, text string) time.Time {
	t.Helper()
	if len(text) == len(time.TimeOnly) {
		text = time.Now().UTC().Format(time.DateOnly) + " " + text
	}
	at, err := time.Parse(time.DateTime, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// patience is how long a test waits for what must come at once.
const patience = 2 * time.Minute

// A command is slipway at work.
type command struct {
	cmd   *exec.Cmd
	ended chan struct{}

	mu     sync.Mutex
	stderr bytes.Buffer
	more   chan struct{} // closed at the next word
}

// start starts slipway.
func (c clone) start(t *testing.T, words ...string) *command {
	t.Helper()
	r := &command{cmd: c.command(words...), ended: make(chan struct{}), more: make(chan struct{})}
	r.cmd.Stderr = r
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.cmd.Process.Kill() }) // it has ended, if all went well
	go func() {
		_ = r.cmd.Wait() // its exit code says it
		close(r.ended)
	}()
	return r
}

// Write takes what the command says.
func (r *command) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stderr.Write(p)
	close(r.more)
	r.more = make(chan struct{})
	return len(p), nil
}

func (r *command) said() (string, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stderr.String(), r.more
}

// says waits until the command has said something, and returns the match with
// its groups.
func (r *command) says(t *testing.T, pattern string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		text, more := r.said()
		if m := regexp.MustCompile(pattern).FindStringSubmatch(text); m != nil {
			return m
		}
		select {
		case <-more:
		case <-ctx.Done():
			t.Fatalf("it never said %s:\n%s", pattern, text)
		}
	}
}

// ends waits for the command's end, which must be a good one.
func (r *command) ends(t *testing.T) {
	t.Helper()
	<-r.ended
	if got := r.cmd.ProcessState.ExitCode(); got != 0 {
		text, _ := r.said()
		t.Fatalf("exit code %d\n%s", got, text)
	}
}

// enters waits until the command reads the fifo, and returns the end that lets
// it go on.
func (r *command) enters(t *testing.T, fifo string) *os.File {
	t.Helper()
	opened := make(chan *os.File)
	go func() {
		f, _ := os.OpenFile(fifo, os.O_WRONLY, 0) // waits for who reads it
		opened <- f
	}()
	select {
	case f := <-opened:
		return f
	case <-r.ended:
		text, _ := r.said()
		t.Fatalf("it ended by itself:\n%s", text)
	}
	return nil
}

// bucket makes an empty bucket. Without moto the test is skipped, but never in
// CI.
func bucket(t *testing.T, dir string) (string, []string) {
	t.Helper()
	url, environ := awstest.Shared(t)
	name := "clones-" + filepath.Base(filepath.Dir(dir)) + "-" + filepath.Base(dir)
	name = strings.ToLower(regexp.MustCompile(`[^A-Za-z0-9]+`).ReplaceAllString(name, "-"))
	name = strings.Trim(name[max(0, len(name)-40):], "-")
	return awstest.Bucket(t, url, name), environ
}
