package deploy

import (
	"encoding/json"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
)

// Former picks the deployment whose target a rollback brings back: the numbered
// one, or with 0 the last one that was live before the current one and had
// another target.
func Former(h ledger.History, number int64) (slipway.Deployment, error) {
	if number != 0 {
		return numbered(h, number)
	}
	current, ok := h.Current()
	if !ok {
		return slipway.Deployment{}, slipway.Errorf(slipway.NotFound, "nothing of %s is deployed in %s, so there is nothing to roll back", h.Subject.App, h.Subject.Environment).
			WithFix("slipway ship %s takes it there", h.Subject.Environment)
	}
	for d, ok := h.Before(current.Number); ok; d, ok = h.Before(d.Number) {
		// A rollback's own target is one that was live before: going back from it
		// means going further back than the deployment it brought back.
		if d.RollbackOf == 0 && !same(d.Plan.Target, current.Plan.Target) && !cameAfter(d, current) {
			return d, nil
		}
	}
	return slipway.Deployment{}, slipway.Errorf(slipway.NotFound, "%s has had only one version in %s, so there is nothing to roll back to", h.Subject.App, h.Subject.Environment).
		WithFix("slipway history %s shows what was deployed", h.Subject.Environment)
}

// cameAfter reports whether d is newer than the deployment that current, a
// rollback, brought back.
func cameAfter(d, current slipway.Deployment) bool {
	return current.RollbackOf != 0 && d.Number >= current.RollbackOf
}

func numbered(h ledger.History, number int64) (slipway.Deployment, error) {
	d, ok := h.Deployment(number)
	if !ok {
		return d, slipway.Errorf(slipway.NotFound, "there is no deployment %d of %s in %s; the last is %d",
			number, h.Subject.App, h.Subject.Environment, len(h.Deployments)).
			WithFix("slipway history %s shows them", h.Subject.Environment)
	}
	if d.State != slipway.Deployed {
		return d, slipway.Errorf(slipway.Invalid, "deployment %d of %s in %s never was live: it is %s", number, h.Subject.App, h.Subject.Environment, d.State)
	}
	return d, nil
}

// same reports whether two targets are one job definition.
func same(a, b slipway.Target) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
