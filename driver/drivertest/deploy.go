package drivertest

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

func sorted(tests map[string]func(*testing.T, Kit)) []string { return slices.Sorted(maps.Keys(tests)) }

func deployTests() map[string]func(*testing.T, Kit) {
	return map[string]func(*testing.T, Kit){
		"Plan/of a job that is not there adds it":               planAdds,
		"Plan/changes nothing":                                  planChangesNothing,
		"Plan/after apply is empty":                             planAfterApplyIsEmpty,
		"Plan/names only what differs":                          planNamesTheDifference,
		"Plan/refuses a shape it does not know":                 planRefusesUnknownShape,
		"Apply/twice is as once":                                applyTwice,
		"Apply/after a restart is as before it":                 applyAfterRestart,
		"Apply/of a plan that was stored":                       applyStoredPlan,
		"Apply/refuses a stale plan":                            applyRefusesStale,
		"Apply/refuses a plan to add what somebody else added":  applyRefusesStaleAdd,
		"Apply/of a former target brings back its script":       applyFormerTarget,
		"Apply/refuses bytes that are not those of the release": applyRefusesOtherBytes,
		"Observe/says absent, live and absent again":            observe,
		"Observe/says what was changed outside":                 observeDrift,
		"Remove/twice is as once":                               removeTwice,
		"Remove/then apply adds the job again":                  removeThenApply,
	}
}

func plan(t *testing.T, d driver.Driver, target slipway.Target) slipway.Plan {
	t.Helper()
	p, err := d.Plan(t.Context(), driver.PlanRequest{Target: target})
	if err != nil {
		t.Fatalf("Plan: %v", err)
	}
	return p
}

func apply(t *testing.T, k Kit, p slipway.Plan) slipway.Handle {
	t.Helper()
	h, err := k.Driver.Apply(t.Context(), p, k.Blobs)
	if err != nil {
		t.Fatalf("Apply: %v", err)
	}
	return h
}

// deploy plans a target and applies the plan.
func deploy(t *testing.T, k Kit, target slipway.Target) slipway.Handle {
	t.Helper()
	return apply(t, k, plan(t, k.Driver, target))
}

func status(t *testing.T, d driver.Driver, h slipway.Handle, deployed slipway.Target) slipway.JobStatus {
	t.Helper()
	s, err := d.Observe(t.Context(), h, deployed)
	if err != nil {
		t.Fatalf("Observe: %v", err)
	}
	return s
}

func wantState(t *testing.T, d driver.Driver, h slipway.Handle, deployed slipway.Target, want slipway.JobState) {
	t.Helper()
	if s := status(t, d, h, deployed); s.State != want {
		t.Errorf("Observe: state %s, want %s; drift: %v", s.State, want, s.Drift)
	}
}

func wantKind(t *testing.T, what string, err error, want slipway.Kind) {
	t.Helper()
	if err == nil || slipway.KindOf(err) != want {
		t.Errorf("%s: error %v, want one of kind %s", what, err, want)
	}
}

func wantScript(t *testing.T, k Kit, h slipway.Handle, target slipway.Target) {
	t.Helper()
	got, err := k.Script(h)
	if err != nil {
		t.Fatalf("Script: %v", err)
	}
	script, _ := target.Artifact(slipway.KindScript)
	if slipway.DigestOf(got) != script.Digest {
		t.Errorf("the deployed script is not %s's:\n%s", target.Version, got)
	}
}

// handle is how a target's job would be found if it were there.
func handle(target slipway.Target) slipway.Handle {
	return slipway.Handle{App: target.App, Environment: target.Environment, Name: target.App}
}

func planAdds(t *testing.T, k Kit) {
	target := k.Target(Succeeds)
	p := plan(t, k.Driver, target)
	if p.Empty() || p.Base != "" {
		t.Errorf("Plan: %d changes on base %q, want some on none", len(p.Changes), p.Base)
	}
	for _, c := range p.Changes {
		if c.Action != slipway.Add {
			t.Errorf("Plan: %s %s, want only additions", c.Action, c.Field)
		}
	}
	if diff := cmp.Diff(target, p.Target); diff != "" {
		t.Errorf("the plan has another target (-asked +planned):\n%s", diff)
	}
}

func planChangesNothing(t *testing.T, k Kit) {
	target := k.Target(Succeeds)
	first := plan(t, k.Driver, target)
	if diff := cmp.Diff(first, plan(t, k.Driver, target)); diff != "" {
		t.Errorf("a second plan differs:\n%s", diff)
	}
	wantState(t, k.Driver, handle(target), target, slipway.JobAbsent)
}

func planAfterApplyIsEmpty(t *testing.T, k Kit) {
	target := k.Target(Succeeds)
	deploy(t, k, target)
	for name, d := range map[string]driver.Driver{"same driver": k.Driver, "after a restart": k.Reopen()} {
		if p := plan(t, d, target); !p.Empty() || p.Base == "" {
			t.Errorf("%s: plan on base %q has changes %v, want none on some base", name, p.Base, p.Changes)
		}
	}
}

func planNamesTheDifference(t *testing.T, k Kit) {
	before := with(k.Target(Succeeds), "timeout", "5m")
	deploy(t, k, before)
	p := plan(t, k.Driver, with(before, "timeout", "6m"))
	want := []slipway.Change{{Field: "run.timeout", Action: slipway.Update, From: "5m", To: "6m"}}
	if diff := cmp.Diff(want, p.Changes); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	p = plan(t, k.Driver, with(version(k.Target(Fails), "v2"), "timeout", "5m"))
	var fields []string
	for _, c := range p.Changes {
		fields = append(fields, c.Field)
	}
	if diff := cmp.Diff([]string{"version", "script"}, fields); diff != "" {
		t.Errorf("changed fields (-want +got):\n%s", diff)
	}
	deploy(t, k, with(before, "timeout", "6m"))
	h := deploy(t, k, before)
	wantState(t, k.Driver, h, before, slipway.JobLive)
}

func planRefusesUnknownShape(t *testing.T, k Kit) {
	target := k.Target(Succeeds)
	target.Shape = "no-such-shape"
	_, err := k.Driver.Plan(t.Context(), driver.PlanRequest{Target: target})
	wantKind(t, "Plan of an unknown shape", err, slipway.Invalid)
}

func applyTwice(t *testing.T, k Kit) {
	target := k.Target(Succeeds)
	p := plan(t, k.Driver, target)
	first := apply(t, k, p)
	if diff := cmp.Diff(first, apply(t, k, p)); diff != "" {
		t.Errorf("the second Apply gives another handle:\n%s", diff)
	}
	wantState(t, k.Driver, first, target, slipway.JobLive)
	wantScript(t, k, first, target)
}

func applyAfterRestart(t *testing.T, k Kit) {
	target := k.Target(Succeeds)
	p := plan(t, k.Driver, target)
	k.Driver = k.Reopen()
	h := apply(t, k, p)
	k.Driver = k.Reopen()
	if diff := cmp.Diff(h, apply(t, k, p)); diff != "" {
		t.Errorf("Apply after a restart gives another handle:\n%s", diff)
	}
	wantState(t, k.Driver, h, target, slipway.JobLive)
}

func applyStoredPlan(t *testing.T, k Kit) {
	target := with(k.Target(Succeeds), "max_concurrent_runs", 3)
	data, err := json.Marshal(plan(t, k.Driver, target))
	if err != nil {
		t.Fatal(err)
	}
	var stored slipway.Plan
	if err := json.Unmarshal(data, &stored); err != nil {
		t.Fatal(err)
	}
	h := apply(t, k, stored)
	wantState(t, k.Driver, h, target, slipway.JobLive)
	if p := plan(t, k.Driver, target); !p.Empty() {
		t.Errorf("a plan after a stored plan was applied has changes: %v", p.Changes)
	}
}

func applyRefusesStale(t *testing.T, k Kit) {
	one, two, three := k.Target(Succeeds), version(k.Target(Fails), "v2"), version(k.Target(Endless), "v3")
	deploy(t, k, one)
	stale := plan(t, k.Driver, two)
	h := deploy(t, k, three)
	_, err := k.Driver.Apply(t.Context(), stale, k.Blobs)
	wantKind(t, "Apply of a stale plan", err, slipway.Conflict)
	wantState(t, k.Driver, h, three, slipway.JobLive)
	wantScript(t, k, h, three)
}

func applyRefusesStaleAdd(t *testing.T, k Kit) {
	stale := plan(t, k.Driver, k.Target(Succeeds))
	other := version(k.Target(Fails), "v2")
	h := deploy(t, k, other)
	_, err := k.Driver.Apply(t.Context(), stale, k.Blobs)
	wantKind(t, "Apply of a stale plan", err, slipway.Conflict)
	wantState(t, k.Driver, h, other, slipway.JobLive)
}

func applyFormerTarget(t *testing.T, k Kit) {
	one := with(k.Target(Succeeds), "timeout", "5m")
	two := with(version(k.Target(Fails), "v2"), "timeout", "9m")
	deploy(t, k, one)
	deploy(t, k, two)
	h := deploy(t, k, one)
	s := status(t, k.Driver, h, one)
	if s.State != slipway.JobLive || driver.Fingerprint(s.Target) != driver.Fingerprint(one) {
		t.Errorf("after going back: state %s, drift %v, target %v", s.State, s.Drift, s.Target)
	}
	wantScript(t, k, h, one)
}

func applyRefusesOtherBytes(t *testing.T, k Kit) {
	target := k.Target(Succeeds)
	target.Artifacts = slices.Clone(target.Artifacts)
	target.Artifacts[0].Digest = slipway.DigestOf([]byte("what was signed"))
	_, err := k.Driver.Apply(t.Context(), plan(t, k.Driver, target), k.Blobs)
	wantKind(t, "Apply with other bytes in the repository", err, slipway.Conflict)
	wantState(t, k.Driver, handle(target), target, slipway.JobAbsent)
}

func observe(t *testing.T, k Kit) {
	target := k.Target(Succeeds)
	wantState(t, k.Driver, handle(target), target, slipway.JobAbsent)
	h := deploy(t, k, target)
	wantState(t, k.Reopen(), h, target, slipway.JobLive)
	if err := k.Driver.Remove(t.Context(), h); err != nil {
		t.Fatalf("Remove: %v", err)
	}
	wantState(t, k.Driver, h, target, slipway.JobAbsent)
}

func observeDrift(t *testing.T, k Kit) {
	one, two := k.Target(Succeeds), version(k.Target(Fails), "v2")
	h := deploy(t, k, one)
	s := status(t, k.Driver, h, two)
	if s.State != slipway.JobDrifted || len(s.Drift) != 2 {
		t.Errorf("another target is there: state %s, drift %v, want version and script", s.State, s.Drift)
	}
	if k.Meddle == nil {
		return
	}
	if err := k.Meddle(h); err != nil {
		t.Fatalf("Meddle: %v", err)
	}
	s = status(t, k.Driver, h, one)
	if s.State != slipway.JobDrifted || len(s.Drift) != 1 || s.Drift[0].Field != "script" || s.Drift[0].Note == "" {
		t.Errorf("after meddling: state %s, drift %+v, want script with a note", s.State, s.Drift)
	}
	if p := plan(t, k.Driver, one); len(p.Changes) != 1 || p.Changes[0].Field != "script" {
		t.Errorf("after meddling the plan is %+v, want to put the script back", p.Changes)
	}
	deploy(t, k, one)
	wantState(t, k.Driver, h, one, slipway.JobLive)
	wantScript(t, k, h, one)
}

func removeTwice(t *testing.T, k Kit) {
	target := k.Target(Succeeds)
	if err := k.Driver.Remove(t.Context(), handle(target)); err != nil {
		t.Errorf("Remove of what never was there: %v", err)
	}
	h := deploy(t, k, target)
	for range 2 {
		if err := k.Driver.Remove(t.Context(), h); err != nil {
			t.Fatalf("Remove: %v", err)
		}
		k.Driver = k.Reopen()
	}
	wantState(t, k.Driver, h, target, slipway.JobAbsent)
}

func removeThenApply(t *testing.T, k Kit) {
	target := k.Target(Succeeds)
	h := deploy(t, k, target)
	p := plan(t, k.Driver, version(target, "v2"))
	if err := k.Driver.Remove(t.Context(), h); err != nil {
		t.Fatalf("Remove: %v", err)
	}
	_, err := k.Driver.Apply(t.Context(), p, k.Blobs)
	wantKind(t, "Apply of a plan made before the job was removed", err, slipway.Conflict)
	planAdds(t, k)
	deploy(t, k, target)
	wantState(t, k.Driver, h, target, slipway.JobLive)
	wantScript(t, k, h, target)
}
