package deploy

import (
	"context"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
)

// attest writes the statement about a deployment as it now is.
func (s Stage) attest(ctx context.Context, h ledger.History, d slipway.Deployment, at time.Time) ([]slipway.Digest, error) {
	if s.Attest == nil {
		return nil, nil
	}
	plan, err := ledger.Canonical(d.Plan)
	if err != nil {
		return nil, err
	}
	t := d.Plan.Target
	admission, _ := h.Admitted(t.Version) // of a target without a release it is empty
	return s.Attest(ctx, slipway.DeploymentReport{
		App: t.App, Environment: t.Environment, ID: d.ID, Number: d.Number, State: d.State, Version: t.Version, Commit: t.Commit,
		Record: admission.Record, Plan: slipway.DigestOf(plan), RollbackOf: d.RollbackOf, Job: d.Handle.Name, Error: d.Error,
		By: d.By, Time: at.UTC().Truncate(time.Microsecond),
	}, t)
}
