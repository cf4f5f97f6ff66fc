//go:build amd64

package main_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A journey is a command that is killed at every step of its way, and is then
// called again.
type journey struct {
	name    string
	words   []string
	kills   int // how many, spread evenly, unless SLIPWAY_CRASH_ALL is set
	prepare func(*testing.T, clone)
	want    books // how it ends, killed or not
}

// Killed at any call into the kernel that changes the disk or starts a process,
// and called again, a command ends as if it had never been killed: nothing is
// released, deployed or run twice.
func TestKilledAnywhereAndCalledAgain(t *testing.T) {
	mustTrace(t)
	t.Parallel()
	var tally tally
	t.Cleanup(func() { tally.judge(t) })
	local := func(a account) map[string]account { return map[string]account{"local": a} }
	line := "deployment-1 out/local.json version 1"
	lines := []string{line, "deployment-2 out/local.json version 2"}
	back := account{
		Releases:    []string{"v1", "v2"},
		Deployments: []string{"1 of v1 deployed", "2 of v2 deployed", "3 of v1 deployed, back to 1"}, Live: "v1 live",
		Runs: []string{"deployment-2 of v2 succeeded", "deployment-1 of v1 succeeded"},
	}
	for _, j := range []journey{
		{
			name: "ship", words: []string{"ship"}, kills: 90, prepare: func(*testing.T, clone) {},
			want: books{Lines: []string{line}, Environments: local(account{
				Releases: []string{"v1"}, Deployments: []string{"1 of v1 deployed"}, Live: "v1 live",
				Runs: []string{"deployment-1 of v1 succeeded"},
			})},
		},
		{
			name: "ship to staging", words: []string{"ship", "staging"}, kills: 70, prepare: func(*testing.T, clone) {},
			want: books{Lines: []string{"deployment-1 out/staging.json version 1"}, Environments: map[string]account{
				"local": {Releases: []string{"v1"}},
				"staging": {
					Releases: []string{"v1 from local"}, Deployments: []string{"1 of v1 deployed"}, Live: "v1 live",
					Runs: []string{"deployment-1 of v1 succeeded"},
				},
			}},
		},
		{
			name: "ship the second version", words: []string{"ship"}, kills: 40, prepare: shipAndCommit,
			want: books{Lines: lines, Environments: local(account{
				Releases: []string{"v1", "v2"}, Deployments: []string{"1 of v1 deployed", "2 of v2 deployed"}, Live: "v2 live",
				Runs: []string{"deployment-2 of v2 succeeded", "deployment-1 of v1 succeeded"},
			})},
		},
		{
			name: "rollback", words: []string{"rollback", "local"}, kills: 15, prepare: shipTwo,
			want: books{Lines: lines, Environments: local(back)},
		},
		{
			name: "rollback to a number", words: []string{"rollback", "local", "--to", "1"}, kills: 15, prepare: shipTwo,
			want: books{Lines: lines, Environments: local(back)},
		},
	} {
		t.Run(j.name, func(t *testing.T) {
			t.Parallel()
			start := newPulse(t, "staging", "staging/artifacts")
			j.prepare(t, start)
			j.walk(t, start, &tally)
		})
	}
}

// A tally counts how many commands were to be killed, and were: one may do a
// little less than the last time, and end before.
type tally struct{ planned, killed atomic.Int64 }

func (n *tally) judge(t *testing.T) {
	planned, killed := n.planned.Load(), n.killed.Load()
	t.Logf("%d killed, of %d", killed, planned)
	if killed < planned*9/10 {
		t.Errorf("only %d of %d were killed, so the test showed too little", killed, planned)
	}
}

func shipAndCommit(t *testing.T, c clone) {
	t.Helper()
	c.must(t, "ship")
	c.secondVersion(t)
}

func shipTwo(t *testing.T, c clone) {
	t.Helper()
	shipAndCommit(t, c)
	c.must(t, "ship")
}

// walk takes the journey from start without a kill, and then with one kill at
// each of the chosen steps.
func (j journey) walk(t *testing.T, start clone, tally *tally) {
	undisturbed := start.copy(t)
	var events []event
	status := undisturbed.traced(t, j.words, func(e event) bool {
		events = append(events, e)
		return false
	})
	if !status.Exited() || status.ExitStatus() != 0 {
		t.Fatalf("slipway %q ended with %v, undisturbed\n%s", j.words, status, undisturbed.said(t))
	}
	b, _ := undisturbed.settled(t, j.environments()...)
	j.want.Files = b.Files
	if diff := cmp.Diff(j.want, b); diff != "" {
		t.Fatalf("undisturbed it ends otherwise (-want +got):\n%s", diff)
	}
	undisturbed.whole(t)
	points := choose(events, j.kills)
	t.Logf("%d events, a kill at each of %d of them", len(events), len(points))
	tally.planned.Add(int64(len(points)))
	for _, n := range points {
		t.Run(fmt.Sprintf("event %d", n), func(t *testing.T) {
			t.Parallel()
			count := 0
			when := func(event) bool {
				count++
				return count > n
			}
			if j.stumble(t, start.copy(t), when) {
				tally.killed.Add(1)
			}
		})
	}
}

func (j journey) environments() []string { return slices.Sorted(maps.Keys(j.want.Environments)) }

// choose picks the numbers of the events to kill at: all if they are asked for,
// otherwise so many of them.
func choose(events []event, kills int) []int {
	if os.Getenv("SLIPWAY_CRASH_ALL") != "" {
		kills = len(events)
	}
	return pick(events, kills)
}

// pick picks the numbers of so many events, three quarters where one kind of call on
// one file gives way to another, the rest in between.
func pick(events []event, kills int) []int {
	var turns, rest []int
	for i, e := range events {
		same := func(k int) bool {
			return k >= 0 && k < len(events) && events[k].call == e.call && events[k].path == e.path
		}
		if same(i-1) && same(i+1) {
			rest = append(rest, i)
		} else {
			turns = append(turns, i)
		}
	}
	if kills < len(events) {
		between := min(max(kills/4, kills-len(turns)), len(rest))
		turns, rest = spread(turns, kills-between), spread(rest, between)
	}
	return slices.Sorted(slices.Values(append(turns, rest...)))
}

// spread picks n of a list, the first and the last among them.
func spread(list []int, n int) []int {
	if n >= len(list) {
		return list
	}
	picked := make([]int, 0, n)
	for i := range n {
		picked = append(picked, list[i*(len(list)-1)/max(1, n-1)])
	}
	return picked
}

// stumble kills the command at an event, looks at what is visible, and calls it
// again. It reports whether the command came to that event.
func (j journey) stumble(t *testing.T, c clone, when func(event) bool) bool {
	var at event
	status := c.traced(t, j.words, func(e event) bool {
		at = e
		return when(e)
	})
	t.Logf("killed %s", at)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the one that was killed said:\n%s", c.said(t))
		}
	})
	killed := status.Signaled() && status.Signal() == syscall.SIGKILL
	if !killed {
		t.Logf("it did not come there this time, and ended with %v", status)
	}
	c.whole(t)
	left, _ := c.look(t, j.environments()...)
	j.onTheWay(t, left)
	again := c.ask(t, j.words...)
	if again.code != 0 && !j.refused(again, left) {
		t.Fatalf("called again: exit code %d\n%s%s", again.code, again.stdout, again.stderr)
	}
	got, printed := j.settled(t, c)
	if diff := cmp.Diff(j.want, got); diff != "" {
		t.Errorf("called again it ends otherwise (-want +got):\n%s\n%s", diff, again.stderr)
	}
	c.whole(t)
	if j.name != "rollback" { // called a third time, that goes further back
		j.onceMore(t, c, printed)
	}
	return killed
}

// onceMore proves that a third call changes nothing.
func (j journey) onceMore(t *testing.T, c clone, before string) {
	t.Helper()
	c.must(t, j.words...)
	got, after := j.settled(t, c)
	if diff := cmp.Diff(j.want, got); diff != "" {
		t.Errorf("a third call changes something (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("a third call changes the history (-before +after):\n%s", diff)
	}
}

// settled are the books once all runs have ended, with the files if it is known
// which there ought to be.
func (j journey) settled(t *testing.T, c clone) (books, string) {
	t.Helper()
	b, printed := c.settled(t, j.environments()...)
	if j.want.Files == nil {
		b.Files = nil
	}
	return b, printed
}

// onTheWay proves that what a killed command left is on the way to how it ends:
// nothing is there that will not be, and nothing is there twice.
func (j journey) onTheWay(t *testing.T, left books) {
	t.Helper()
	if n := len(left.Lines); n > len(j.want.Lines) || !slices.Equal(left.Lines, j.want.Lines[:n]) {
		t.Errorf("runs wrote %q", left.Lines)
	}
	for env, a := range left.Environments {
		want := j.want.Environments[env]
		if n := len(a.Releases); n > len(want.Releases) || !slices.Equal(a.Releases, want.Releases[:n]) {
			t.Errorf("the releases in %s are %q", env, a.Releases)
		}
		for i, d := range a.Deployments {
			if i >= len(want.Deployments) || strings.Replace(d, " deploying", " deployed", 1) != want.Deployments[i] {
				t.Errorf("the deployments in %s are %q", env, a.Deployments)
			}
		}
		if len(a.Runs) > len(want.Runs) {
			t.Errorf("the runs in %s are %q", env, a.Runs)
		}
	}
}

// refused reports whether a rollback rightly refuses to go back once more: it
// had come to its end, and there is nothing before that.
func (j journey) refused(again answer, left books) bool {
	done := slices.Equal(left.Environments["local"].Deployments, j.want.Environments["local"].Deployments)
	return j.name == "rollback" && done && again.code == 2 && strings.Contains(again.stderr, "there is nothing to roll back to")
}

// traced runs slipway under the eyes of watch. What it says is kept.
func (c clone) traced(t *testing.T, words []string, watch func(event) bool) syscall.WaitStatus {
	t.Helper()
	out, err := os.Create(filepath.Join(c.dir, "said"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := c.command(words...)
	cmd.Stdout, cmd.Stderr = out, out
	status, err := trace(cmd, watch)
	if err != nil {
		t.Fatalf("trace slipway %q: %v", words, err)
	}
	return status
}

func (c clone) said(t *testing.T) string {
	t.Helper()
	return c.read(t, "../said")
}

// mustTrace skips the test where processes may not be traced, but never in CI.
func mustTrace(t *testing.T) {
	t.Helper()
	c := newClone(t)
	out, err := os.Create(filepath.Join(c.dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := c.command("version")
	cmd.Stdout, cmd.Stderr = out, out
	_, err = trace(cmd, func(event) bool { return false })
	switch {
	case err == nil:
	case os.Getenv("CI") == "" && (errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSYS)):
		t.Skipf("SKIPPED: processes may not be traced here, so none can be killed at a chosen step: %v", err)
	default:
		t.Fatal(err)
	}
}
