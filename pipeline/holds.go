package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/promote"
	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/schema"
)

// A Holding is a quarantine to be, or the end of one: by whose key, and why.
type Holding struct {
	Version string // of the release
	Why     string
	Person  string // whose key Key is; a machine may hold, and never lift
	Key     evidence.Signer
	By      string // who calls, for the ledger
}

// Held is a quarantine in one environment, as it is recorded.
type Held struct {
	slipway.Quarantine
	Statement slipway.Digest `json:"statement"`
	Made      bool           `json:"made"` // false: it was there before
}

// Quarantine keeps a release, and every other of the same bytes, from being promoted
// or deployed in any environment. Whoever has a key may do it. It is written to every
// ledger; where that cannot be done the error says so, and it may be called again.
func (f *Flow) Quarantine(ctx context.Context, in Holding) ([]Held, error) {
	r, err := f.anywhere(ctx, in.Version)
	if err != nil {
		return nil, err
	}
	return f.everywhere(ctx, func(p *Place) (*Held, error) {
		if aside, err := f.aside(ctx, p, r.App); err != nil || aside {
			return nil, err
		}
		word := slipway.Quarantine{
			App: r.App, Version: r.Version, Bytes: r.Bytes(), Environment: p.Environment.Name, Person: in.Person, Why: in.Why,
			Time: f.Clock().UTC().Truncate(time.Microsecond),
		}
		return f.sayHeld(ctx, p, in, word, func(h ledger.History) (*Held, error) {
			if q := f.held(ctx, p, h, r); q != nil {
				return &Held{Quarantine: q.Quarantine, Statement: q.Statement}, nil
			}
			return nil, nil
		})
	})
}

// aside reports whether an environment is none that a release could be in: this machine's
// own, which is always there, if nothing follows it and the app was never in it.
func (f *Flow) aside(ctx context.Context, p *Place, app string) (bool, error) {
	if !p.Environment.IsLocal() {
		return false, nil
	}
	for _, name := range f.Project.Platform.EnvironmentNames() {
		if e, _ := f.Project.Platform.Environment(name); e.Follows == p.Environment.Name {
			return false, nil
		}
	}
	h, err := f.History(ctx, app, p.Environment.Name)
	return len(h.Entries) == 0, err
}

// holdAltered puts a release into quarantine whose bytes were altered where it was
// fixed, in the name of this machine: somebody has to look at it before it goes on.
func (f *Flow) holdAltered(ctx context.Context, in promote.Input, altered error) error {
	if f.Signer == nil {
		return altered
	}
	key, err := f.Signer(ctx)
	if err == nil {
		name, _, known := f.Policy().Machine(key.Key().ID())
		if !known {
			name = f.Me.Who
		}
		_, err = f.Quarantine(ctx, Holding{Version: in.Version, Why: altered.Error(), Person: name, Key: key, By: in.By})
	}
	told := slipway.Error{Kind: slipway.Conflict, Message: fmt.Sprintf("%v; %s is in quarantine now", altered, in.Version), Err: altered}
	if err != nil {
		told.Message = fmt.Sprintf("%v; and %s could not be put into quarantine: %v", altered, in.Version, err)
	}
	return told.WithFix("or bring back what was released from a backup, and have somebody look at it: slipway quarantine %s --lift --why TEXT", in.Version)
}

// Lift ends the quarantine of a release in every environment that has it. Who ended it
// before, for the same reason, has ended it: it may be called again after a crash.
func (f *Flow) Lift(ctx context.Context, in Holding) ([]Held, error) {
	r, err := f.anywhere(ctx, in.Version)
	if err != nil {
		return nil, err
	}
	all, err := f.everywhere(ctx, func(p *Place) (*Held, error) {
		var last *Held
		for {
			h, err := f.History(ctx, r.App, p.Environment.Name)
			if err != nil {
				return nil, err
			}
			q := f.held(ctx, p, h, r)
			if q == nil && last == nil {
				return endedBy(h, r, in), nil
			}
			if q == nil {
				return last, nil
			}
			if err := f.mayLift(p, q.Quarantine, r, in.Person); err != nil {
				return nil, err
			}
			word := q.Quarantine
			word.Version, word.Bytes, word.Person, word.Why, word.Lifts = r.Version, r.Bytes(), in.Person, in.Why, q.Statement
			word.Time = f.Clock().UTC().Truncate(time.Microsecond)
			if last, err = f.sayHeld(ctx, p, in, word, func(ledger.History) (*Held, error) { return nil, nil }); err != nil {
				return nil, err
			}
		}
	})
	if err == nil && len(all) == 0 {
		return nil, slipway.Errorf(slipway.NotFound, "release %s of %s is in no quarantine", in.Version, r.App)
	}
	return all, err
}

// anywhere finds a release in the first environment that has it.
func (f *Flow) anywhere(ctx context.Context, version string) (slipway.Release, error) {
	app := f.Project.Manifest.App
	for _, env := range f.Project.Platform.EnvironmentNames() {
		p, err := f.Place(ctx, env)
		if err != nil {
			continue // others may have it
		}
		r, _, err := repository.FindRelease(ctx, p.Repository, app, version)
		if err == nil {
			return r, nil
		}
	}
	return slipway.Release{}, slipway.Errorf(slipway.NotFound, "there is no release %s of %s in any environment that can be read from here", version, app).
		WithFix("slipway releases ENV lists those that are there")
}

// everywhere does something in each environment, and tells of all where it failed.
func (f *Flow) everywhere(ctx context.Context, do func(*Place) (*Held, error)) ([]Held, error) {
	var all []Held
	var failed []error
	for _, env := range f.Project.Platform.EnvironmentNames() {
		p, err := f.Place(ctx, env)
		if err == nil {
			var one *Held
			if one, err = do(p); one != nil {
				all = append(all, *one)
			}
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("in %s: %w", env, err))
		}
	}
	if len(failed) == 0 {
		return all, nil
	}
	first := failed[0]
	return all, &slipway.Error{Kind: slipway.KindOf(first), Message: errors.Join(failed...).Error(), Fix: slipway.FixOf(first), Err: first}
}

// sayHeld signs and records a quarantine, or its end, in one environment.
func (f *Flow) sayHeld(ctx context.Context, p *Place, in Holding, word slipway.Quarantine, had func(ledger.History) (*Held, error)) (*Held, error) {
	var statement slipway.Digest
	for {
		h, err := f.History(ctx, word.App, word.Environment)
		if err != nil {
			return nil, err
		}
		if old, err := had(h); err != nil || old != nil {
			return old, err
		}
		if statement == "" {
			if statement, err = say(ctx, p, in.Key, word.App, word); err != nil {
				return nil, err
			}
		}
		_, err = p.Ledger.Append(ctx, ledger.Draft{
			Subject: h.Subject, After: h.Head, ID: "held/" + statement.Hex(), Kind: ledger.ReleaseHeld, Time: word.Time, By: in.By,
			Body: ledger.Quarantine{Quarantine: word, Statement: statement}, Statements: []slipway.Digest{statement},
		})
		if err == nil {
			return &Held{Quarantine: word, Statement: statement, Made: true}, nil
		}
		if slipway.KindOf(err) != slipway.Conflict {
			return nil, err
		}
	}
}

// mayLift says whether a person may end a quarantine: somebody in a role that signs
// for the environment, and with segregation not who made the release. Where nobody
// signs, whoever has a key may.
func (f *Flow) mayLift(p *Place, q slipway.Quarantine, r slipway.Release, person string) error {
	e := p.Environment
	if e.Segregate && slices.Contains(makers(f.Project.Platform.People, r), person) {
		return slipway.Errorf(slipway.Blocked, "it is %s's own release", person).WithFix("somebody else has to lift it")
	}
	if len(e.SignOffs) == 0 {
		return nil
	}
	var roles []string
	for _, s := range e.SignOffs {
		roles = append(roles, s.Role)
	}
	if who := f.Project.Platform.WhoeverAt(roles, f.Clock()); !slices.Contains(who, person) {
		return slipway.Errorf(slipway.Blocked, "%s may not lift the quarantine of %s in %s, which is for %s", person, q.Version, e.Name, strings.Join(roles, " or ")).
			WithFix("ask %s", strings.Join(who, " or "))
	}
	return nil
}

// held is the quarantine that a release is in; nil: it is in none. What cannot be
// verified holds all the same: only its end has to be.
func (f *Flow) held(ctx context.Context, p *Place, h ledger.History, r slipway.Release) *ledger.Quarantine {
	for _, q := range h.Quarantines {
		if q.Lifts == "" && (q.Bytes == r.Bytes() || q.Version == r.Version) && !f.lifted(ctx, p, h, q, r) {
			return &q
		}
	}
	return nil
}

// endedBy is the end of a release's quarantine that somebody has said already, for the
// same reason; nil: there is none.
func endedBy(h ledger.History, r slipway.Release, in Holding) *Held {
	for _, q := range slices.Backward(h.Quarantines) {
		if q.Lifts == "" || q.Bytes != r.Bytes() || q.Version != r.Version || q.Person != in.Person || q.Why != in.Why {
			continue
		}
		return &Held{Quarantine: q.Quarantine, Statement: q.Statement}
	}
	return nil
}

// lifted reports whether somebody who may has ended a quarantine.
func (f *Flow) lifted(ctx context.Context, p *Place, h ledger.History, q ledger.Quarantine, r slipway.Release) bool {
	return slices.ContainsFunc(h.Quarantines, func(end ledger.Quarantine) bool {
		if end.Lifts != q.Statement {
			return false
		}
		word, e, err := hear[slipway.Quarantine](ctx, p, h.Subject.App, end.Statement)
		same := word.Lifts == q.Statement && word.App == h.Subject.App && word.Environment == h.Subject.Environment
		return err == nil && same && evidence.SaidWord(f.Policy(), e, word) == nil && f.mayLift(p, word, r, word.Person) == nil
	})
}

// hold keeps a release in its environment: one in quarantine, one that was not live
// there for long enough, and one from which somebody went back.
func (f *Flow) hold(from, to *Place) func(context.Context, ledger.History, ledger.History, slipway.Release) error {
	return func(ctx context.Context, before, after ledger.History, r slipway.Release) error {
		if err := f.quarantined(ctx, from, before, r); err != nil {
			return err
		}
		if err := f.quarantined(ctx, to, after, r); err != nil {
			return err
		}
		if number, ok := before.BackFrom(r.Version); ok {
			return slipway.Errorf(slipway.Blocked, "%s may not come to %s: deployment %d went back from it in %s", r.Version, to.Environment.Name, number, before.Subject.Environment).
				WithFix("make a release that is better; or, if it was not its fault: slipway deploy %s %s", r.Version, before.Subject.Environment)
		}
		return soaked(to.Environment.Soak, before, r.Version, to.Environment.Name, f.Clock())
	}
}

// quarantined is the error, of kind slipway.Blocked, for a release in quarantine.
func (f *Flow) quarantined(ctx context.Context, p *Place, h ledger.History, r slipway.Release) error {
	q := f.held(ctx, p, h, r)
	if q == nil {
		return nil
	}
	name := r.Version
	if q.Version != r.Version {
		name += ", which has the bytes of " + q.Version + ","
	}
	return slipway.Errorf(slipway.Blocked, "%s is in quarantine in %s: %s", name, p.Environment.Name, q.Why).
		WithFix("make a release that is better; or, once somebody has looked at it again: slipway quarantine %s --lift --why TEXT", q.Version)
}

// soaked says whether a release was live for long enough.
func soaked(soak time.Duration, h ledger.History, version, to string, now time.Time) error {
	was, live := h.Live(version, now)
	if soak == 0 || was >= soak {
		return nil
	}
	env := h.Subject.Environment
	err := slipway.Errorf(slipway.Blocked, "%s may not come to %s yet: it has to be live in %s for %s, and was for %s",
		version, to, env, schema.FormatDuration(soak), schema.FormatDuration(was.Truncate(time.Second)))
	if live {
		until := now.Add(soak - was)
		err.Err = soakError{until}
		return err.WithFix("it may from %s on", until.UTC().Format("2006-01-02 15:04 MST"))
	}
	return err.WithFix("slipway deploy %s %s, and wait", version, env)
}

// soakError is the cause of an error for a release that has to be live for longer, and is.
type soakError struct{ until time.Time }

func (e soakError) Error() string { return "not before " + e.until.UTC().Format(time.RFC3339) }

// NotBefore says from when on a release may be promoted, if all that an error says is that
// it is too early.
func NotBefore(err error) (time.Time, bool) {
	e, ok := errors.AsType[soakError](err)
	return e.until, ok
}

// heldHere keeps a release in quarantine from being deployed, also by a rollback. The
// history is that behind which the deployment begins.
func (f *Flow) heldHere(ctx context.Context, p *Place, h ledger.History, t slipway.Target, a about) error {
	if len(h.Quarantines) == 0 {
		return nil
	}
	r := slipway.Release{App: t.App, Version: t.Version, Artifacts: t.Artifacts}
	if a.release != nil {
		r = *a.release
	}
	return f.quarantined(ctx, p, h, r)
}
