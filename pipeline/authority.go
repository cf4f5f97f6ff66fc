package pipeline

import (
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
	ID     string    `json:"id"`     // of the server, which it keeps when its address changes; empty: given back
	Server string    `json:"server"` // its address when it took over
	Since  time.Time `json:"since"`
}

// authorityOver reads who has the last word over an environment; ok is false if no
// server has.
func authorityOver(ctx context.Context, r repository.Repository) (a Authority, ok bool, err error) {
	a, _, err = readAuthority(ctx, r)
	return a, a.ID != "", err
}

// readAuthority reads who has the last word, and the version of the object that says
// so. Both are empty if there is none.
func readAuthority(ctx context.Context, r repository.Repository) (a Authority, version string, err error) {
	data, version, err := r.Read(ctx, authorityKey)
	if slipway.KindOf(err) == slipway.NotFound && err != nil {
		return a, "", nil //nolint:nilerr // that there is none is the answer
	}
	if err != nil {
		return a, "", err
	}
	if err := json.Unmarshal(data, &a); err != nil {
		return a, "", slipway.Errorf(slipway.Conflict, "%s of the repository %s cannot be read: %w", authorityKey, r.URL(), err)
	}
	return a, version, nil
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

// ErrNotTheServers refuses to a server what is not its own.
func ErrNotTheServers(env string) error {
	return slipway.Errorf(slipway.Blocked, "%s keeps its ledger in its repository, so a server leaves it alone", env).
		WithFix("work there from a command line without --server, or take ledger: repository away from environments.%s", env)
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
	a, version, err := readAuthority(ctx, r)
	if err == nil && a.ID == "" {
		if _, err = r.Swap(ctx, authorityKey, version, data); err == nil || slipway.KindOf(err) != slipway.Conflict {
			return err
		}
		a, _, err = readAuthority(ctx, r) // another was faster
	}
	if err != nil || a.ID == f.AuthorityID {
		return err
	}
	return errRunBy(env, a)
}

func errRunBy(env string, a Authority) error {
	return slipway.Errorf(slipway.Conflict, "%s is run by another server: %s", env, a.Server).
		WithFix("one server has the last word over an environment; use another repository here, or start with the data folder of that server")
}

// GiveBack ends that the server which the flow works for is the authority over an
// environment: what happened there lies in its repository then, as it was written, and
// whoever works from a command line may go on. It may be cut short at any time and
// called again. An environment that the server does not have is left alone.
func (f *Flow) GiveBack(ctx context.Context, env string) error {
	e, err := f.Project.Environment(env)
	if err != nil {
		return err
	}
	r, err := f.repository(ctx, e)
	if err != nil {
		return err
	}
	a, version, err := readAuthority(ctx, r)
	if err != nil || a.ID == "" {
		return err
	}
	if a.ID != f.AuthorityID {
		return errRunBy(env, a)
	}
	ours, theirs := f.state.Ledger(), f.Parts.ObjectLedger(r, f.Clock)
	subjects, err := ours.Subjects(ctx)
	if err != nil {
		return err
	}
	for _, s := range subjects {
		if s.Environment != env {
			continue
		}
		if err := copyChain(ctx, ours, theirs, s); err != nil {
			return err
		}
	}
	data, err := json.Marshal(Authority{Server: a.Server, Since: f.Clock().UTC()})
	if err != nil {
		return err
	}
	_, err = r.Swap(ctx, authorityKey, version, data)
	return err
}

// copyChain appends the entries of a chain to another ledger's, each as it is.
func copyChain(ctx context.Context, from, to ledger.Ledger, s ledger.Subject) error {
	there, err := to.Entries(ctx, s, 0)
	if err != nil {
		return err
	}
	all, err := from.Entries(ctx, s, 0)
	if err != nil {
		return err
	}
	for i, e := range all {
		var copied ledger.Entry
		if i < len(there) {
			copied = there[i]
		} else if copied, err = to.Append(ctx, draftOf(e)); err != nil {
			return err
		}
		if copied.Hash != e.Hash {
			return slipway.Errorf(slipway.Conflict, "entry %d of %s in %s is another one in the repository", e.Number, s.App, s.Environment).
				WithFix("both ledgers went on: look at the two with slipway history, and keep one of them")
		}
	}
	return nil
}

// draftOf makes an entry again.
func draftOf(e ledger.Entry) ledger.Draft {
	return ledger.Draft{Subject: e.Subject, After: e.Number - 1, ID: e.ID, Kind: e.Kind, Time: e.Time, By: e.By, Body: e.Body, Statements: e.Statements}
}
