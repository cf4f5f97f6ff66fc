package pipeline

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/ledger"
)

// RecordRun attests how a run ended and tells the ledger, once: it reports whether
// this call did. The runs of this machine's own environment are not recorded, and
// those that have not ended are not either.
func (f *Flow) RecordRun(ctx context.Context, run slipway.Run, by string) (bool, error) {
	p, err := f.Place(ctx, run.Environment)
	if err != nil || f.Signer == nil || p.Environment.IsLocal() || !run.State.Ended() {
		return false, err
	}
	subject := ledger.Subject{App: run.App, Environment: run.Environment}
	var statements []slipway.Digest
	v := slipway.RunVerdict{
		App: run.App, Environment: run.Environment, Version: run.Version, Run: run.ID, State: run.State, Attempt: run.Attempt, Trigger: run.Trigger,
		ExitCode: run.ExitCode, Message: run.Message, Started: run.Started.UTC(), Ended: run.Ended.UTC(), By: by, Time: f.Clock().UTC().Truncate(time.Microsecond),
	}
	for {
		h, err := ledger.ReadHistory(ctx, p.Ledger, subject)
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(h.Entries, func(e ledger.Entry) bool { return e.ID == ledger.RunEntryID(v) }) {
			return false, nil
		}
		d, ok := ran(h, run)
		if !ok {
			return false, nil // of a job that the ledger knows nothing of
		}
		if statements == nil {
			v.Deployment = d.Number
			admission, _ := h.Admitted(run.Version)
			statement, err := attest(ctx, f, p, evidence.ActRun, run.App, v, deployedSubjects(d.Plan.Target.Artifacts, admission.Record))
			if err != nil {
				return false, err
			}
			statements = []slipway.Digest{statement}
		}
		_, err = p.Ledger.Append(ctx, ledger.Draft{
			Subject: subject, After: h.Head, ID: ledger.RunEntryID(v), Kind: ledger.RunEnded, Time: v.Time, By: by, Body: v, Statements: statements,
		})
		if err == nil || slipway.KindOf(err) != slipway.Conflict {
			return err == nil, err
		}
	}
}

// recordEnd is RecordRun where the run is not what is asked about: that it could not
// be recorded is told, and changes nothing.
func (f *Flow) recordEnd(ctx context.Context, run slipway.Run, by string) {
	if _, err := f.RecordRun(ctx, run, by); err != nil {
		f.emit("run", Warned, fmt.Sprintf("the ledger of %s does not have how run %s ended: %v", run.Environment, run.ID, err), 0)
	}
}

// ran is the deployment whose job a run is of: the last of its version that was
// there when the run was made.
func ran(h ledger.History, run slipway.Run) (slipway.Deployment, bool) {
	for _, d := range slices.Backward(h.Deployments) {
		if d.State == slipway.Deployed && d.Plan.Target.Version == run.Version && (run.Created.IsZero() || !d.Started.After(run.Created)) {
			return d, true
		}
	}
	return slipway.Deployment{}, false
}
