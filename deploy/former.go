package deploy

import (
	"encoding/json"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
)

// Former picks the deployment whose target a rollback brings back: the numbered
// one, or with 0 the last one that was live before the current one and had
// another target. A rollback stands for the deployment it brought back: what is
// before it is what was before that one, so that one rollback after another goes
// further and further back.
func Former(h ledger.History, number int64) (slipway.Deployment, error) {
	if number != 0 {
		return numbered(h, number)
	}
	current, ok := h.Current()
	if !ok {
		return slipway.Deployment{}, slipway.Errorf(slipway.NotFound, "nothing of %s is deployed in %s, so there is nothing to roll back", h.Subject.App, h.Subject.Environment).
			WithFix("slipway ship %s takes it there", h.Subject.Environment)
	}
	for d, ok := before(h, current); ok; d, ok = before(h, d) {
		if !same(d.Plan.Target, current.Plan.Target) {
			return d, nil
		}
	}
	return slipway.Deployment{}, slipway.Errorf(slipway.NotFound, "%s had no other version in %s before the one that is live, so there is nothing to roll back to", h.Subject.App, h.Subject.Environment).
		WithFix("slipway history %s shows what was deployed; --to takes the number of any of them", h.Subject.Environment)
}

// before returns what was live before d, where rollbacks stand for what they
// brought back.
func before(h ledger.History, d slipway.Deployment) (slipway.Deployment, bool) {
	former, ok := h.Before(origin(h, d).Number)
	return origin(h, former), ok
}

// origin follows a rollback, and the rollback that brought that back, to the
// deployment that first had the target.
func origin(h ledger.History, d slipway.Deployment) slipway.Deployment {
	for d.RollbackOf != 0 && d.RollbackOf < d.Number {
		former, ok := h.Deployment(d.RollbackOf)
		if !ok {
			break
		}
		d = former
	}
	return d
}

func numbered(h ledger.History, number int64) (slipway.Deployment, error) {
	d, ok := h.Deployment(number)
	if !ok {
		return d, slipway.Errorf(slipway.NotFound, "there is no deployment %d of %s in %s; the last is %d",
			number, h.Subject.App, h.Subject.Environment, len(h.Deployments)).
			WithFix("slipway history %s shows them", h.Subject.Environment)
	}
	if d.State != slipway.Deployed {
		return d, slipway.Errorf(slipway.Invalid, "deployment %d of %s in %s never was live: it is %s", number, h.Subject.App, h.Subject.Environment, d.State).
			WithFix("slipway history %s shows those that were", h.Subject.Environment)
	}
	return d, nil
}

// same reports whether two targets are one job definition.
func same(a, b slipway.Target) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
