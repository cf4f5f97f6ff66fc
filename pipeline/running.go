package pipeline

import (
	"context"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
)

// A RunningVerdict says whether what runs is what was approved.
type RunningVerdict string

// The verdicts. Only Equal is a yes.
const (
	RunsEqual   RunningVerdict = "equal"
	RunsDiffers RunningVerdict = "differs"
	RunsUnknown RunningVerdict = "unknown" // nobody can say
	RunsNothing RunningVerdict = "nothing" // nothing was deployed, or it was removed
)

// Running is what runs in an environment, beside what was approved for it.
type Running struct {
	App         string         `json:"app"`
	Environment string         `json:"environment"`
	Version     string         `json:"version,omitempty"`    // of the release that the ledger has as live
	Deployment  int64          `json:"deployment,omitempty"` // its number
	Approved    Bytes          `json:"approved,omitzero"`
	Runs        Bytes          `json:"runs,omitzero"`
	Verdict     RunningVerdict `json:"verdict"`
	Why         string         `json:"why,omitempty"` // it is not equal
}

// Bytes are a job by its digests.
type Bytes struct {
	Script     slipway.Digest `json:"script,omitempty"`
	Definition slipway.Digest `json:"definition,omitempty"` // of the canonical JSON of its parameters
}

// Running asks the runtime of an environment what is there of an app, and compares
// it with what was approved: the release that was let in, as it was deployed.
func (f *Flow) Running(ctx context.Context, app, env string) (Running, error) {
	out := Running{App: app, Environment: env, Verdict: RunsNothing}
	h, err := f.History(ctx, out.App, env)
	if err != nil {
		return out, err
	}
	d, ok := h.Current()
	if !ok {
		return out, nil
	}
	t := d.Plan.Target
	out.Version, out.Deployment = t.Version, d.Number
	if out.Approved, err = bytesOf(t); err != nil {
		return out, err
	}
	if _, ok := h.Admitted(t.Version); !ok {
		out.Verdict, out.Why = RunsDiffers, "the ledger never let this release in"
		return out, nil
	}
	p, err := f.live(ctx, env)
	if err != nil {
		return out, err
	}
	status, err := p.Driver.Observe(ctx, d.Handle, t)
	switch {
	case err != nil && ctx.Err() != nil:
		return out, err
	case err != nil: // which is an answer: nobody can say
		out.Verdict, out.Why = RunsUnknown, err.Error()
		return out, nil //nolint:nilerr // it is in the answer
	case status.State == slipway.JobAbsent:
		out.Verdict, out.Why = RunsDiffers, "the job is gone"
		return out, nil
	}
	if out.Runs, err = bytesOf(status.Target); err != nil {
		return out, err
	}
	out.judge(status)
	return out, nil
}

// bytesOf are the digests of a target.
func bytesOf(t slipway.Target) (Bytes, error) {
	script, _ := t.Artifact(slipway.KindScript)
	definition, err := ledger.Canonical(t.Run)
	return Bytes{Script: script.Digest, Definition: slipway.DigestOf(definition)}, err
}

// judge compares what is there with what was approved.
func (r *Running) judge(status slipway.JobStatus) {
	switch {
	case r.Runs.Script == "" && r.Approved.Script != "":
		r.Verdict, r.Why = RunsUnknown, "the runtime does not say which script it runs"
	case r.Runs.Script != r.Approved.Script:
		r.Verdict, r.Why = RunsDiffers, "it runs another script"
	case status.State == slipway.JobDrifted:
		r.Verdict, r.Why = RunsDiffers, "changed by hand: "+slipway.FieldsText(status.Drift)
	default:
		r.Verdict = RunsEqual
	}
}
