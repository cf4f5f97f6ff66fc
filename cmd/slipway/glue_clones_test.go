//go:build linux && amd64

package main_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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
