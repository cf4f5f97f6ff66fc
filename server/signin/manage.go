package signin

import (
	"context"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/store"
)

// CreateToken makes a token that somebody asks for, with the text that is shown once.
func (d *Door) CreateToken(ctx context.Context, who access.Identity, t access.Token) (access.Token, string, error) {
	p, err := d.Policy(ctx)
	if err != nil {
		return t, "", err
	}
	t, secret, err := p.Issue(who, t)
	if err != nil {
		return t, "", d.told(ctx, who, access.Admin, "token of "+t.Owner, err)
	}
	err = d.Store.Change(ctx, func(tx *store.Tx) error { return tx.AddToken(ctx, t) })
	if err != nil {
		return t, "", err
	}
	return t, secret, nil
}

// Tokens lists somebody's tokens, or all of them for owners of the platform.
func (d *Door) Tokens(ctx context.Context, who access.Identity) ([]access.Token, error) {
	p, err := d.Policy(ctx)
	if err != nil {
		return nil, err
	}
	owner := who.Person
	if p.May(who, access.Admin, access.Object{}).Allowed {
		owner = ""
	} else if owner == "" {
		return nil, slipway.Errorf(slipway.Denied, "%s has no tokens here", who)
	}
	return d.Store.Tokens(ctx, owner)
}

// RevokeToken ends a token: one's own, or any for owners of the platform. A token
// that is good for less than its owner may ends no other.
func (d *Door) RevokeToken(ctx context.Context, who access.Identity, id string) error {
	p, err := d.Policy(ctx)
	if err != nil {
		return err
	}
	if !who.Whole() && !p.May(who, access.Admin, access.Object{}).Allowed {
		err := slipway.Errorf(slipway.Denied, "%s may not revoke tokens: it is good for %s only", who, access.JoinScopes(who.Scopes)).WithFix("sign in, or use a token with the scope all")
		return d.told(ctx, who, access.Admin, id, err)
	}
	all, err := d.Tokens(ctx, who)
	if err != nil {
		return err
	}
	for _, t := range all {
		if t.ID == id {
			return d.Store.Change(ctx, func(tx *store.Tx) error { return tx.EndToken(ctx, id, who.String(), d.Clock()) })
		}
	}
	return slipway.Errorf(slipway.NotFound, "%s has no token %s", who, id).WithFix("slipway token list")
}

// Delegate hands a right over, under the id of x or, where it has none, a new one.
func (d *Door) Delegate(ctx context.Context, who access.Identity, x access.Delegation) (access.Delegation, error) {
	p, err := d.Policy(ctx)
	if err != nil {
		return x, err
	}
	var teams map[string]string
	if d.Teams != nil {
		if teams, err = d.Teams(ctx); err != nil {
			return x, err
		}
	}
	if x.ID == "" {
		x.ID = access.NewID("handed")
	}
	if x, err = p.Delegate(who, x, teams); err != nil {
		return x, d.told(ctx, who, "delegate", access.JoinScopes(x.Scopes)+" to "+x.To, err)
	}
	return x, d.Store.Change(ctx, func(tx *store.Tx) error { return tx.AddDelegation(ctx, x) })
}

// Delegations lists all there are or, with past, all there ever were.
func (d *Door) Delegations(ctx context.Context, past bool) ([]access.Handed, error) {
	p, err := d.Policy(ctx)
	if err != nil {
		return nil, err
	}
	all := p.Delegations
	if past {
		if all, err = d.Store.Delegations(ctx, time.Time{}); err != nil {
			return nil, err
		}
	}
	out := make([]access.Handed, 0, len(all))
	for _, x := range all {
		why, holds := p.Holds(x)
		out = append(out, access.Handed{Delegation: x, Holds: holds, WhyNot: why})
	}
	return out, nil
}

// Undelegate takes a right back.
func (d *Door) Undelegate(ctx context.Context, who access.Identity, id string) error {
	p, err := d.Policy(ctx)
	if err != nil {
		return err
	}
	for _, x := range p.Delegations {
		if x.ID != id {
			continue
		}
		if no := p.MayRevoke(who, x); !no.Allowed {
			err := slipway.Errorf(slipway.Denied, "%s may not take %s back: %s", who, id, no.Why).WithFix("who may: %s", no.Who)
			return d.told(ctx, who, "delegate", id, err)
		}
		return d.Store.Change(ctx, func(tx *store.Tx) error { return tx.EndDelegation(ctx, id, who.String(), d.Clock()) })
	}
	return slipway.Errorf(slipway.NotFound, "there is no delegation %s that still holds", id).WithFix("slipway rights list")
}

// told records a refusal, and returns it.
func (d *Door) told(ctx context.Context, who access.Identity, do access.Action, on string, err error) error {
	if slipway.KindOf(err) == slipway.Denied {
		d.refused(ctx, access.Refusal{Who: who.String(), Do: do, On: on, Why: err.Error()})
	}
	return err
}
