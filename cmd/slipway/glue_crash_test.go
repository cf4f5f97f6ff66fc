//go:build linux && amd64

package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/awsauth/awstest"
)

// A glueJourney is a command at work on AWS that is killed, and is then called again.
type glueJourney struct {
	name    string
	words   []string
	kills   int // how many, unless SLIPWAY_CRASH_ALL is set
	prepare func(*testing.T, clone)
	want    account // how it ends, killed or not
}

// Killed before, while or after it asks AWS for anything, and called again, a command
// ends as if it had never been killed: with one deployment, and the very same job.
func TestKilledOnGlueAndCalledAgain(t *testing.T) {
	mustTrace(t)
	t.Parallel()
	var tally tally
	t.Cleanup(func() { tally.judge(t) })
	for _, j := range []glueJourney{
		{
			name: "ship", words: words("ship prod"), kills: 18, prepare: func(*testing.T, clone) {},
			want: account{Releases: []string{"v1"}, Deployments: []string{"1 of v1 deployed"}, Live: "v1 live"},
		},
		{
			name: "ship the second version", words: words("ship prod"), kills: 12, prepare: shipAndChange,
			want: account{
				Releases: []string{"v1", "v2"}, Deployments: []string{"1 of v1 deployed", "2 of v2 deployed"}, Live: "v2 live",
			},
		},
		{
			name: "rollback", words: words("rollback prod"), kills: 14, prepare: shipTwoOnGlue,
			want: account{
				Releases:    []string{"v1", "v2"},
				Deployments: []string{"1 of v1 deployed", "2 of v2 deployed", "3 of v1 deployed, back to 1"}, Live: "v1 live",
			},
		},
	} {
		t.Run(j.name, func(t *testing.T) {
			t.Parallel()
			j.walk(t, &tally)
		})
	}
}

// shipAndChange ships a version, and commits one that differs in script, definition
// and schedule.
func shipAndChange(t *testing.T, c clone) {
	t.Helper()
	c.must(t, "ship", "prod")
	c.change(t, "slipway.yaml", "0 3 * * 1-5", "30 4 * * *")
	c.change(t, "slipway.yaml", "workers: 2", "workers: 4")
	c.nextVersion(t)
}

func shipTwoOnGlue(t *testing.T, c clone) {
	t.Helper()
	shipAndChange(t, c)
	c.must(t, "ship", "prod")
}

// walk takes the journey without a kill, and then with one at each of the chosen
// moments, each time from the same beginning.
func (j glueJourney) walk(t *testing.T, tally *tally) {
	aws := newCloud(t)
	start := newGlueApp(t, aws)
	j.prepare(t, start)
	quiet := aws.copy(t)
	events := start.copy(t).at(quiet).undisturbed(t, j.words)
	want := quiet.jobs(t)
	moments := chooseMoments(events, j.kills)
	t.Logf("%d events, a kill at each of %d of them", len(events), len(moments))
	tally.planned.Add(int64(len(moments)))
	var places []cloud
	for range moments {
		places = append(places, aws.copy(t))
	}
	for i, m := range moments {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			if j.stumble(t, start.copy(t).at(places[i]), places[i], m, want) {
				tally.killed.Add(1)
			}
		})
	}
}

// undisturbed is what a command does that nobody kills.
func (c clone) undisturbed(t *testing.T, words []string) []event {
	t.Helper()
	var events []event
	status := c.traced(t, words, func(e event) bool {
		events = append(events, c.anywhere(e))
		return false
	})
	if !status.Exited() || status.ExitStatus() != 0 {
		t.Fatalf("slipway %q ended with %v, undisturbed\n%s", words, status, c.said(t))
	}
	return events
}

// A moment is the nth time that something happens: calls that are made side by side
// come in any order.
type moment struct {
	event
	nth int
}

func (m moment) String() string { return fmt.Sprintf("%s %d", m.event, m.nth) }

// killed runs a command until the moment, and reports whether it came there.
func (m moment) killed(t *testing.T, c clone, words []string) bool {
	t.Helper()
	seen := 0
	status := c.traced(t, words, func(e event) bool {
		same := c.anywhere(e) == m.event
		if same {
			seen++
		}
		return same && seen == m.nth
	})
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the one that was killed said:\n%s", c.said(t))
		}
	})
	return status.Signaled() && status.Signal() == syscall.SIGKILL
}

var (
	idOfRun     = regexp.MustCompile(`\b\d{8}t\d{6}-[0-9a-f]{8}\b`)
	evidenceKey = regexp.MustCompile(`/evidence/[0-9a-f]{64}\b`)
	newFile     = regexp.MustCompile(`/\.tmp/[A-Z2-7]+\b|/(?:tmp|slipway-copy)-[0-9]+\b|/work/[0-9a-f]{16}\b`)
)

// anywhere is an event as it is in every clone, and every time: a statement says when
// it was made, so its digest is another each time.
func (c clone) anywhere(e event) event {
	e.path = idOfRun.ReplaceAllString(strings.TrimPrefix(e.path, c.dir), "RUN")
	e.path = evidenceKey.ReplaceAllString(e.path, "/evidence/STATEMENT")
	e.path = newFile.ReplaceAllString(e.path, "/NEW")
	return e
}

// What changes something in AWS: always killed at, if it is a call of Glue.
var (
	changesGlue = regexp.MustCompile(`^AWSGlue\.(Create|Update|Delete|Start|Stop|Tag|Untag|Batch)`)
	changesS3   = regexp.MustCompile(`^(PUT|POST|DELETE) /.`)
)

// chooseMoments picks, of each request that changes something, the moments before
// it is sent, when it is on its way, and when its answer is there; of the rest a few.
func chooseMoments(events []event, kills int) []moment {
	counts := map[event]int{}
	var glue, s3, rest []moment
	for i, e := range events {
		counts[e]++
		m := moment{e, counts[e]}
		part := e.call == send && i > 0 && i+1 < len(events) && events[i-1].path == e.path && events[i+1].path == e.path
		switch {
		case e.call != send && e.call != receive, part && events[i+1].call == send && events[i-1].call == send:
			rest = append(rest, m)
		case changesGlue.MatchString(e.path):
			glue = append(glue, m)
		case changesS3.MatchString(e.path):
			s3 = append(s3, m)
		default:
			rest = append(rest, m)
		}
	}
	if os.Getenv("SLIPWAY_CRASH_ALL") != "" {
		return slices.Concat(glue, s3, rest)
	}
	few := max(1, (kills-len(glue))/4)
	return slices.Concat(glue, spreadOf(s3, kills-len(glue)-few), spreadOf(rest, few))
}

func spreadOf(list []moment, n int) []moment {
	var numbers []int
	for i := range list {
		numbers = append(numbers, i)
	}
	var picked []moment
	for _, i := range spread(numbers, max(n, 0)) {
		picked = append(picked, list[i])
	}
	return picked
}

// stumble kills the command at a moment and calls it again. It reports whether the
// command came to that moment.
func (j glueJourney) stumble(t *testing.T, c clone, aws cloud, m moment, want map[string]any) bool {
	killed := m.killed(t, c, j.words)
	left, _ := c.look(t, "prod")
	began := time.Now()
	again := c.ask(t, j.words...)
	finished := slices.Equal(left.Environments["prod"].Deployments, j.want.Deployments)
	refused := j.name == "rollback" && finished && again.code == 2 && strings.Contains(again.stderr, "there is nothing to roll back to")
	if again.code != 0 && !refused {
		t.Fatalf("called again: exit code %d\n%s%s", again.code, again.stdout, again.stderr)
	}
	if took := time.Since(began); strings.Contains(again.stderr, "waiting:") || took > patience {
		t.Errorf("it waited for itself, %s:\n%s", took, again.stderr)
	}
	got, _ := c.look(t, "prod")
	if diff := cmp.Diff(j.want, got.Environments["prod"]); diff != "" {
		t.Errorf("called again it ends otherwise (-want +got):\n%s\n%s", diff, again.stderr)
	}
	if diff := cmp.Diff(want, aws.jobs(t)); diff != "" {
		t.Errorf("AWS has something else (-want +got):\n%s", diff)
	}
	c.says(t, 0, []string{"plan", c.liveVersion(t), "prod"}, "traffic in prod: nothing to change")
	aws.wantNoLease(t)
	return killed
}

func (c clone) liveVersion(t *testing.T) string {
	t.Helper()
	var status []struct{ Current slipway.Deployment }
	parse(t, c.must(t, "status", "prod", "--json"), &status)
	return status[0].Current.Plan.Target.Version
}

// wantNoLease proves that nobody holds the environment.
func (c cloud) wantNoLease(t *testing.T) {
	t.Helper()
	var lease struct{ Holder struct{ ID string } }
	text := awstest.Send(t, http.MethodGet, c.URL+"/acme-artifacts/slipway/traffic/prod/lease.json", "")
	if err := json.Unmarshal(text, &lease); err != nil || lease.Holder.ID != "" {
		t.Errorf("the lease is left behind: %s %v", text, err)
	}
}

// A run that is killed and asked for again is another run: none is started twice,
// and each that was started is listed.
func TestRunKilledOnGlueAndCalledAgain(t *testing.T) {
	mustTrace(t)
	t.Parallel()
	var tally tally
	t.Cleanup(func() { tally.judge(t) })
	aws := newCloud(t)
	start := newGlueApp(t, aws)
	start.must(t, "ship", "prod")
	run := words("run prod --detach --argument day=monday")
	moments := chooseMoments(start.copy(t).at(aws.copy(t)).undisturbed(t, run), 12)
	tally.planned.Add(int64(len(moments)))
	var places []cloud
	for range moments {
		places = append(places, aws.copy(t))
	}
	for i, m := range moments {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			c := start.copy(t).at(places[i])
			if m.killed(t, c, run) {
				tally.killed.Add(1)
			}
			// What it had sent may still be on its way; it has arrived once a later call was answered.
			id := strings.TrimSpace(c.must(t, run...))
			if all := c.wantRuns(t, places[i]); len(all) > 2 || !slices.Contains(all, id) {
				t.Errorf("run %s was asked for a second time, and %v were started", id, all)
			}
		})
	}
}

// wantRuns proves that the runs which Slipway lists are those that were started, and
// returns their ids. One of which nobody knows may be listed as such.
func (c clone) wantRuns(t *testing.T, aws cloud) []string {
	t.Helper()
	started := aws.runs(t)
	if once := slices.Compact(slices.Sorted(slices.Values(started))); len(once) != len(started) {
		t.Errorf("a run was started twice: %v", started)
	}
	var listed []slipway.Run
	parse(t, c.must(t, "runs", "prod", "--json"), &listed)
	var ids []string
	for _, r := range listed {
		switch {
		case slices.Contains(started, r.ID) && r.State == slipway.RunSucceeded:
			ids = append([]string{r.ID}, ids...)
		case slices.Contains(started, r.ID) || r.State != slipway.RunUnknown:
			t.Errorf("run %s is %s: %s; started were %v", r.ID, r.State, r.Message, started)
		}
	}
	if diff := cmp.Diff(started, ids); diff != "" && len(started)+len(ids) > 0 {
		t.Errorf("not all runs are listed (-started +listed):\n%s", diff)
	}
	return ids
}
