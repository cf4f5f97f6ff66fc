//go:build linux && amd64

package main_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// An act is a command on the way of a release that is killed at a write, and is then
// called again.
type act struct {
	name string
	// The apps that it is about; it is called in the folder of the first.
	apps  []string
	words []string
	kills int // in a folder; in a bucket two thirds; ten times as many if SLIPWAY_CRASH_ALL is set
	// gone is refused, with the exit code, as long as the act is not in the books: what
	// the killed one has written counts for nothing.
	gone []string
	code int
}

const signing = "sign-off v1.0.0 prod --key ../keys/"

// acts are all that is written about a release between its commit and its deployment.
// What has happened to each app before, roadOf says.
var acts = []act{
	{name: "release", apps: words("new"), words: words("release v1.0.0 --env prod"), kills: 12, gone: words("promote v1.0.0 prod"), code: 2},
	{name: "sign-off", apps: words("made"), words: words(signing + "ana --as qa"), kills: 6, gone: words("sign-off v1.0.0 prod --as qa --withdraw --key ../keys/ana"), code: 2},
	{name: "sign-off withdrawn", apps: words("full"), words: words(signing + "ana --as qa --withdraw"), kills: 6},
	{name: "sign-off that promotes", apps: words("self"), words: words(signing + "bo --as security"), kills: 8},
	{name: "promotion", apps: words("full"), words: words("promote v1.0.0 prod"), kills: 10, gone: words("deploy v1.0.0 prod"), code: 2},
	{name: "promotion of a set", apps: words("full more"), words: words("promote full@v1.0.0 more@v1.0.0 prod"), kills: 8},
	{name: "quarantine", apps: words("made"), words: words("quarantine v1.0.0 --why bad --key ../keys/bo"), kills: 4},
	{name: "quarantine lifted", apps: words("held"), words: words("quarantine v1.0.0 --lift --why good --key ../keys/ana"), kills: 4},
	{name: "grant", apps: words("made"), words: words("grant long-jobs prod --until 2099-12-31 --why reload --key ../keys/ana"), kills: 3},
	{name: "grant taken back", apps: words("open"), words: words("grant long-jobs prod --revoke --why done --key ../keys/ana"), kills: 3},
}

// Killed at any write, in a folder or in a bucket, and called again, whatever people and
// machines do with a release ends as if it had never been killed; and at no moment is
// there a promotion without its evidence, evidence without its act, or an artifact that
// is there in part.
func TestActsKilledAtEachWrite(t *testing.T) {
	mustTrace(t)
	t.Parallel()
	var tally tally
	t.Cleanup(func() { tally.judge(t) })
	for name, begin := range map[string]func(*testing.T) roads{"folder": inFolders, "bucket": inBuckets} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := begin(t)
			start.prepare(t)
			for _, a := range acts {
				t.Run(a.name, func(t *testing.T) { a.walk(t, start, &tally) })
			}
		})
	}
}

// walk does the act without a kill, and then with one kill at each of the chosen writes.
func (a act) walk(t *testing.T, start roads, tally *tally) {
	quiet := start.copy(t)
	events := quiet.in(a.apps[0]).undisturbed(t, a.words)
	want := quiet.books(t, a.apps)
	quiet.proved(t, a.apps)
	if strays := quiet.strays(t, a.apps); len(strays) > 0 {
		t.Errorf("undisturbed it leaves statements that no entry names: %q", strays)
	}
	made := quiet.statements(t, a.apps) - start.statements(t, a.apps)
	kills := a.kills
	if start.aws != nil {
		kills = kills * 2 / 3
	}
	moments := chooseWrites(events, kills)
	t.Logf("%d events, a kill at each of %d of them", len(events), len(moments))
	tally.planned.Add(int64(len(moments)))
	var places []roads
	for range moments {
		places = append(places, start.copy(t))
	}
	for i, m := range moments {
		t.Run(fmt.Sprintf("%d %s", i, m), func(t *testing.T) {
			t.Parallel()
			if a.stumble(t, places[i], m, want, made) {
				tally.killed.Add(1)
			}
		})
	}
}

// chooseWrites picks the moments to kill at, in front of a write or behind it: three
// quarters where something is written to a repository, the rest elsewhere.
func chooseWrites(events []event, kills int) []moment {
	if os.Getenv("SLIPWAY_CRASH_ALL") != "" {
		kills *= 10
	}
	counts := map[event]int{}
	var there, elsewhere []moment
	for _, e := range events {
		counts[e]++
		if m := (moment{e, counts[e]}); strings.HasPrefix(e.path, "/repository/staging/") || changesS3.MatchString(e.path) {
			there = append(there, m)
		} else {
			elsewhere = append(elsewhere, m)
		}
	}
	few := min(max(kills/4, kills-len(there)), len(elsewhere))
	return slices.Concat(spreadOf(there, kills-few), spreadOf(elsewhere, few))
}

// stumble kills the act at a write, looks at what is visible, and calls it again. It
// reports whether it came to that write.
func (a act) stumble(t *testing.T, r roads, m moment, want []string, made int) bool {
	c := r.in(a.apps[0])
	killed := m.killed(t, c, a.words)
	if !killed {
		t.Log("it did not come there this time")
	}
	left := r.books(t, a.apps)
	if !onTheWayTo(left, want) {
		t.Errorf("the killed one leaves what is not on the way (-want +left):\n%s", cmp.Diff(want, left))
	}
	r.proved(t, a.apps)
	if a.gone != nil && !slices.Equal(left, want) {
		c.says(t, a.code, a.gone)
	}
	if again := c.ask(t, a.words...); again.code != 0 {
		t.Fatalf("called again: exit code %d\n%s%s", again.code, again.stdout, again.stderr)
	}
	if diff := cmp.Diff(want, r.books(t, a.apps)); diff != "" {
		t.Errorf("called again it ends otherwise (-want +got):\n%s", diff)
	}
	r.proved(t, a.apps)
	if strays := r.strays(t, a.apps); len(strays) > made {
		t.Errorf("it made %d statements, and %d are named by no entry: %q", made, len(strays), strays)
	}
	return killed
}

// onTheWayTo reports whether each chain has what it will have, up to some entry.
func onTheWayTo(left, want []string) bool {
	chainOf := func(line string) string { chain, _, _ := strings.Cut(line, ":"); return chain }
	for _, line := range left {
		var there, will []string
		for _, l := range left {
			if chainOf(l) == chainOf(line) {
				there = append(there, l)
			}
		}
		for _, l := range want {
			if chainOf(l) == chainOf(line) {
				will = append(will, l)
			}
		}
		if len(there) > len(will) || !slices.Equal(there, will[:len(there)]) {
			return false
		}
	}
	return true
}
