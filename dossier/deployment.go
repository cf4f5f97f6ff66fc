package dossier

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/ledger"
)

// started proves that what was deployed is the release, after it was let in.
func (at place) started() {
	d, ok := body[slipway.Deployment](at.verifier, at.entry)
	if !ok || d.Plan.Target.Version != at.head.Version {
		return
	}
	if at.chain.admits < 0 {
		at.fault("%s was deployed before it was let in", d.Plan.Target.Version)
		return
	}
	raw, ok := body[struct {
		Plan json.RawMessage `json:"plan"` // canonical, as all of the body is
	}](at.verifier, at.entry)
	if !ok {
		return
	}
	at.chain.deployed[d.Number], at.chain.plans[d.Number] = d, slipway.DigestOf(raw.Plan)
	by, ok := at.reported(d, slipway.Deploying, "")
	if !ok {
		return
	}
	t, r := d.Plan.Target, at.chain.release
	if t.App != r.App || t.Environment != at.chain.Environment || t.Commit != r.Source.Commit || !sameArtifacts(t.Artifacts, r.Artifacts) {
		at.fault("what was deployed is not the release: %s at %s", t.Version, t.Commit)
		return
	}
	if at.held(r) || !at.crossed(d, r) {
		return
	}
	what := fmt.Sprintf("deployment %d of it was begun in %s", d.Number, at.chain.Environment)
	if d.RollbackOf != 0 {
		what += fmt.Sprintf(", back to deployment %d", d.RollbackOf)
	}
	at.proved(by, "%s", what)
}

func sameArtifacts(a, b []slipway.Artifact) bool {
	return slices.EqualFunc(a, b, func(x, y slipway.Artifact) bool { return x.Name == y.Name && x.Digest == y.Digest })
}

// ended proves how a deployment of the release ended.
func (at place) ended() {
	end, ok := body[ledger.DeploymentEnd](at.verifier, at.entry)
	if !ok {
		return
	}
	d, ours := at.chain.deployed[end.Number]
	if !ours {
		return
	}
	d.Handle = end.Handle
	at.chain.jobs[d.Number] = end.Handle.Name
	by, ok := at.reported(d, end.State, end.Error)
	if !ok {
		return
	}
	at.proved(by, "deployment %d of it in %s: %s", d.Number, at.chain.Environment, end.State)
}

// removed proves that the job of a deployment of the release was taken away.
func (at place) removed() {
	gone, ok := body[ledger.Removal](at.verifier, at.entry)
	if !ok {
		return
	}
	d, ours := at.chain.deployed[gone.Number]
	if !ours {
		return
	}
	claim, by, ok := attested[slipway.Removal](at, "removal", at.deployedBytes(d))
	if !ok {
		return
	}
	t := d.Plan.Target
	want := slipway.Removal{
		App: t.App, Environment: t.Environment, Number: d.Number, Version: t.Version, Record: at.chain.record, Job: at.chain.jobs[d.Number],
		By: at.entry.By, Time: at.entry.Time,
	}
	if !alike(claim, want) {
		at.fault("its removal is another one than the ledger has")
		return
	}
	at.proved(by, "the job of deployment %d was taken away from %s", d.Number, at.chain.Environment)
}

// deployedBytes are the bytes that a deployment of the release runs, and its record.
func (at place) deployedBytes(d slipway.Deployment) []evidence.Subject {
	var about []evidence.Subject
	for _, a := range d.Plan.Target.Artifacts {
		about = append(about, evidence.SubjectOf(a.Name, a.Digest))
	}
	return append(about, evidence.SubjectOf("release", at.chain.record))
}

// reported proves that a deployment was attested as the entry has it.
func (at place) reported(d slipway.Deployment, state slipway.DeploymentState, failure string) (by string, ok bool) {
	report, by, ok := attested[slipway.DeploymentReport](at, "deployment", at.deployedBytes(d))
	if !ok {
		return by, false
	}
	t := d.Plan.Target
	want := slipway.DeploymentReport{
		App: t.App, Environment: t.Environment, ID: d.ID, Number: d.Number, State: state, Version: t.Version, Commit: t.Commit,
		Record: at.chain.record, Plan: at.chain.plans[d.Number], RollbackOf: d.RollbackOf, Job: d.Handle.Name, Error: failure,
		By: at.entry.By, Time: at.entry.Time,
	}
	if !alike(report, want) {
		at.fault("its deployment is another one than the ledger has")
		return by, false
	}
	return by, true
}

// ran proves how a run of the release ended.
func (at place) ran() {
	run, ok := body[slipway.RunVerdict](at.verifier, at.entry)
	if !ok || run.Version != at.head.Version {
		return
	}
	d, ours := at.chain.deployed[run.Deployment]
	if !ours {
		at.fault("it is a run of deployment %d, which is none of the release", run.Deployment)
		return
	}
	claim, by, ok := attested[slipway.RunVerdict](at, "run", at.deployedBytes(d))
	if !ok {
		return
	}
	if !alike(claim, run) {
		at.fault("its run is another one than the ledger has")
		return
	}
	at.proved(by, "run %s in %s: %s", run.Run, at.chain.Environment, run.State)
}
