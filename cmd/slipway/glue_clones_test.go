//go:build linux && amd64

package main_test

import (
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
)

// Two machines that share nothing but the account and the repository see one
// history, and either goes on from the other's work.
func TestTwoRunnersOnGlue(t *testing.T) {
	t.Parallel()
	aws := newCloud(t)
	one := newGlueApp(t, aws)
	remote := one.publish(t)
	other := newRunner(t, aws, remote)

	one.must(t, "ship", "prod")
	job, trigger := aws.shown(t)
	if job["Timeout"] != 60.0 || trigger["Schedule"] != "cron(0 3 ? * 2-6 *)" {
		t.Errorf("AWS has %v, %v", job, trigger)
	}
	sameHistory(t, one, other, account{Releases: []string{"v1"}, Deployments: []string{"1 of v1 deployed"}, Live: "v1 live"})
	other.says(t, 0, words("plan prod"), "traffic in prod: nothing to change")
	other.says(t, 0, words("plan --source prod"), "traffic in prod: nothing to change")
	other.says(t, 0, words("ship prod"), "prod has ", "(deployment 1)")

	other.nextVersion(t)
	other.git(t, "push", "-q", "origin", "main")
	one.git(t, "pull", "-q")
	one.says(t, 0, words("plan --source prod"), "~ script: traffic.py sha256:")
	other.must(t, "ship", "prod")
	second, _ := aws.shown(t)
	if cmp.Diff(job, second) == "" {
		t.Error("the second version has the first one's definition")
	}
	sameHistory(t, one, other, account{Releases: []string{"v1", "v2"}, Deployments: []string{"1 of v1 deployed", "2 of v2 deployed"}, Live: "v2 live"})

	one.must(t, "rollback", "prod")
	again, triggerAgain := aws.shown(t)
	if diff := cmp.Diff(job, again); diff != "" {
		t.Errorf("the job is not as it was (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(trigger, triggerAgain); diff != "" {
		t.Errorf("the schedule is not as it was (-before +after):\n%s", diff)
	}
	sameHistory(t, one, other, account{Releases: []string{"v1", "v2"}, Deployments: []string{"1 of v1 deployed", "2 of v2 deployed", "3 of v1 deployed, back to 1"}, Live: "v1 live"})
	other.says(t, 0, words("drift prod"), "as it was deployed")

	// A third machine, later.
	third := newRunner(t, aws, remote)
	third.must(t, "rollback", "prod", "--to", "2")
	last, _ := aws.shown(t)
	if diff := cmp.Diff(second, last); diff != "" {
		t.Errorf("the job is not as the second version left it (-before +after):\n%s", diff)
	}
	listed := aws.cli(t, "s3", "ls", "--recursive", "s3://acme-artifacts/slipway/traffic/")
	if n := strings.Count(listed, "/traffic_"); n != 2 {
		t.Errorf("there are %d scripts, not those of two versions:\n%s", n, listed)
	}
}

// sameHistory proves that all see the same, and that it is what is wanted.
func sameHistory(t *testing.T, one, other clone, want account) {
	t.Helper()
	here, printed := one.look(t, "prod")
	there, printedThere := other.look(t, "prod")
	if diff := cmp.Diff(printed, printedThere); diff != "" {
		t.Errorf("the clones see different histories:\n%s", diff)
	}
	if diff := cmp.Diff(want, here.Environments["prod"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(here.Environments["prod"].Live, there.Environments["prod"].Live); diff != "" {
		t.Errorf("the clones see different jobs:\n%s", diff)
	}
}

// Of two ships at once the second waits for the first, and then finds the same
// version there, or follows with its own.
func TestTwoShipsAtOnceOnGlue(t *testing.T) {
	mustTrace(t)
	t.Parallel()
	aws := newCloud(t)
	one := newGlueApp(t, aws)
	other := newRunner(t, aws, one.publish(t))
	for name, test := range map[string]func(*testing.T, cloud, clone, clone){
		"the same version, the first before it makes the job":              sameVersionAtOnce,
		"another version, the first before it makes the job":               otherVersionAtOnce,
		"both begin at the same time, with different versions":             bothBegin,
		"different changes, the first before it changes the job":           deployFollows,
		"the first dies when it has changed the job, but not the schedule": otherTakesOver,
	} {
		there := aws.copy(t)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, there, one.copy(t).at(there), other.copy(t).at(there))
		})
	}
}

// overlapOnGlue lets the first ship stand still before a call until the other has
// said that it waits.
func overlapOnGlue(t *testing.T, one, other clone, call string) {
	t.Helper()
	there, goOn := make(chan struct{}), make(chan struct{})
	ended := make(chan syscall.WaitStatus, 1)
	go func() {
		var once sync.Once
		ended <- one.traced(t, words("ship prod"), func(e event) bool {
			if e == (event{call: send, path: call}) {
				once.Do(func() {
					close(there)
					<-goOn
				})
			}
			return false
		})
	}()
	select {
	case <-there:
	case status := <-ended:
		t.Fatalf("the first ship ended with %v before it called %s:\n%s", status, call, one.said(t))
	}
	second := other.start(t, "ship", "prod")
	second.says(t, `waiting: prod is being deployed by \S+ \(ship prod, process \d+\) since \S+; the lease ends by itself at `)
	close(goOn)
	if status := <-ended; !status.Exited() || status.ExitStatus() != 0 {
		t.Errorf("the first ship ended with %v:\n%s", status, one.said(t))
	}
	second.ends(t)
}

func sameVersionAtOnce(t *testing.T, aws cloud, one, other clone) {
	overlapOnGlue(t, one, other, "AWSGlue.CreateJob")
	sameHistory(t, one, other, account{Releases: []string{"v1"}, Deployments: []string{"1 of v1 deployed"}, Live: "v1 live"})
	aws.wantNoLease(t)
}

func otherVersionAtOnce(t *testing.T, aws cloud, one, other clone) {
	other.nextVersion(t)
	overlapOnGlue(t, one, other, "AWSGlue.CreateJob")
	one.git(t, "pull", "-q", other.repository(), "main")
	sameHistory(t, one, other, account{Releases: []string{"v1", "v2"}, Deployments: []string{"1 of v1 deployed", "2 of v2 deployed"}, Live: "v2 live"})
	aws.wantOneJob(t, other)
}

func deployFollows(t *testing.T, aws cloud, one, other clone) {
	other.must(t, "ship", "prod")
	one.nextVersion(t)
	other.change(t, "slipway.yaml", "workers: 2", "workers: 4")
	other.nextVersion(t)
	overlapOnGlue(t, one, other, "AWSGlue.UpdateJob")
	var h struct{ Deployments []slipway.Deployment }
	parse(t, other.history(t, "prod"), &h)
	if n := len(h.Deployments); n != 3 || h.Deployments[2].State != slipway.Deployed {
		t.Errorf("there are %d deployments", n)
	}
	aws.wantOneJob(t, other)
}

// otherTakesOver: the other waits until the dead one's lease ends, and goes on from
// the job that it left half changed.
func otherTakesOver(t *testing.T, aws cloud, one, other clone) {
	shipAndChange(t, one)
	other.git(t, "pull", "-q", one.repository(), "main")
	if m := (moment{event{call: receive, path: "AWSGlue.UpdateJob", done: true}, 1}); !m.killed(t, one, words("ship prod")) {
		t.Fatal("the first ship was not killed")
	}
	left, _ := other.look(t, "prod")
	if got := left.Environments["prod"].Live; got != "v2 drifted" {
		t.Errorf("half way the job is %s", got)
	}
	other.says(t, 0, words("ship prod"), "waiting: prod is being deployed by", "is live in prod")
	sameHistory(t, one, other, account{
		Releases: []string{"v1", "v2"}, Deployments: []string{"1 of v1 deployed", "2 of v2 superseded", "3 of v2 deployed"}, Live: "v2 live",
	})
	aws.wantOneJob(t, other)
	one.says(t, 4, words("ship prod"), "deployment 2 of traffic in prod was cut short, and another one took its place", "-> look at slipway history prod")
	one.says(t, 0, words("ship prod"), "(deployment 3)")
	sameHistory(t, one, other, account{
		Releases: []string{"v1", "v2"}, Deployments: []string{"1 of v1 deployed", "2 of v2 superseded", "3 of v2 deployed"}, Live: "v2 live",
	})
}

// bothBegin: the one that comes second waits, or says how to go on.
func bothBegin(t *testing.T, aws cloud, one, other clone) {
	other.nextVersion(t)
	runs := []*command{one.start(t, "ship", "prod"), other.start(t, "ship", "prod")}
	shipped := 0
	for _, r := range runs {
		<-r.ended
		text, _ := r.said()
		switch code := r.cmd.ProcessState.ExitCode(); {
		case code == 0:
			shipped++
		case code != 4 || !strings.Contains(text, "\n  -> "):
			t.Errorf("exit code %d\n%s", code, text)
		}
	}
	if shipped == 0 {
		t.Error("neither was shipped")
	}
	got, printed := other.look(t, "prod")
	_, printedThere := one.look(t, "prod")
	if diff := cmp.Diff(printed, printedThere); diff != "" {
		t.Errorf("the clones see different histories:\n%s", diff)
	}
	a := got.Environments["prod"]
	if len(a.Deployments) != shipped || len(a.Releases) < shipped || !strings.HasSuffix(a.Live, " live") {
		t.Errorf("%d were shipped, and there is %+v", shipped, a)
	}
	aws.wantOneJob(t, other)
}

// wantOneJob proves that the job is what the ledger says is live, and nothing else.
func (c cloud) wantOneJob(t *testing.T, at clone) {
	t.Helper()
	live := at.liveVersion(t)
	job, trigger := c.shown(t)
	arguments, _ := job["DefaultArguments"].(map[string]any)
	if arguments["--slipway-version"] != live || trigger["State"] != "ACTIVATED" {
		t.Errorf("%s is live, and AWS has %v", live, job)
	}
	if all := c.jobs(t); len(all) != 4 {
		t.Errorf("AWS has more than a job and a trigger: %v", all)
	}
	at.says(t, 0, []string{"plan", live, "prod"}, "traffic in prod: nothing to change")
	at.says(t, 0, words("drift prod"), "as it was deployed, "+live)
	c.wantNoLease(t)
}
