package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/repository"
)

// authorityKey is the object in an environment's repository that says which server
// has the last word there.
const authorityKey = "authority.json"

// An Authority says who has the last word over an environment.
type Authority struct {
	ID     string    `json:"id"`     // of the server, which it keeps when its address changes
	Server string    `json:"server"` // its address when it took over
	Since  time.Time `json:"since"`
}

// authorityOver reads who has the last word over an environment; ok is false if no
// server has.
func authorityOver(ctx context.Context, r repository.Repository) (a Authority, ok bool, err error) {
	data, _, err := r.Read(ctx, authorityKey)
	if slipway.KindOf(err) == slipway.NotFound && err != nil {
		return a, false, nil //nolint:nilerr // that there is none is the answer
	}
	if err != nil {
		return a, false, err
	}
	if err := json.Unmarshal(data, &a); err != nil {
		return a, false, slipway.Errorf(slipway.Conflict, "%s of the repository %s cannot be read: %w", authorityKey, r.URL(), err)
	}
	return a, true, nil
}

// obey refuses to change an environment over which a server has the last word.
func (f *Flow) obey(ctx context.Context, env string, r repository.Repository) error {
	a, ok, err := authorityOver(ctx, r)
	if err != nil || !ok {
		return err
	}
	return slipway.Errorf(slipway.Blocked, "%s is run by the server %s: its ledger is there", env, a.Server).
		WithFix("slipway login %s, and call again with --server %[1]s", a.Server)
}

// TakeOver makes the server that the flow works for the authority over an
// environment. Whoever works from a command line is refused from then on; who is
// under way is waited for. What happened there before becomes part of the server's
// ledger, as it was written: keep does that with the entries of one app. Taking over
// again is harmless.
func (f *Flow) TakeOver(ctx context.Context, env string, keep func([]ledger.Entry) error) error {
	p, err := f.Place(ctx, env)
	if err != nil || p.Environment.IsLocal() {
		return err
	}
	if err := f.claim(ctx, env, p.Repository); err != nil {
		return err
	}
	before := f.Parts.ObjectLedger(p.Repository, f.Clock)
	subjects, err := before.Subjects(ctx)
	if err != nil {
		return err
	}
	for _, s := range subjects {
		if s.Environment != env {
			continue
		}
		err := ledger.Keeper{Leases: before, Holder: f.Me, Clock: f.Clock, Wait: f.Wait}.Hold(ctx, s, func(ctx context.Context) error {
			entries, err := before.Entries(ctx, s, 0)
			if err != nil {
				return err
			}
			return keep(entries)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// claim writes into the repository who has the last word.
func (f *Flow) claim(ctx context.Context, env string, r repository.Repository) error {
	data, err := json.Marshal(Authority{ID: f.AuthorityID, Server: f.Authority, Since: f.Clock().UTC()})
	if err != nil {
		return err
	}
	a, ok, err := authorityOver(ctx, r)
	if err == nil && !ok {
		if _, err = r.Put(ctx, authorityKey, bytes.NewReader(data)); err == nil || slipway.KindOf(err) != slipway.Conflict {
			return err
		}
		a, _, err = authorityOver(ctx, r) // another was faster
	}
	if err != nil || a.ID == f.AuthorityID {
		return err
	}
	return slipway.Errorf(slipway.Conflict, "%s is run by another server: %s", env, a.Server).
		WithFix("one server has the last word over an environment; use another repository here, or start with the data folder of that server")
}
