package promote

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/ledger"
)

// A Signing is a sign-off to be.
type Signing struct {
	Input
	Role    string
	Person  string // whose key By is
	Key     evidence.Signer
	Answer  slipway.Answer
	Comment string
	Until   time.Time // when a yes ends; zero: never
}

// Signed is a sign-off that is recorded.
type Signed struct {
	SignOff   slipway.SignOff `json:"sign_off"`
	Statement slipway.Digest  `json:"statement"`
	Made      bool            `json:"made"` // false: the person had said the same before
}

// Look returns what people said to a release, which the first environment has, on
// its way to the next, and the release.
func (s Stage) Look(ctx context.Context, in Input) (Standing, slipway.Release, error) {
	if err := s.asked(); err != nil {
		return Standing{}, slipway.Release{}, err
	}
	r, admission, err := s.find(ctx, in)
	if err != nil {
		return Standing{}, r, err
	}
	h, err := ledger.ReadHistory(ctx, s.To.Ledger, s.subject(in.App))
	if err != nil {
		return Standing{}, r, err
	}
	st, err := s.standing(ctx, h, r, admission.Record)
	return st, r, err
}

// asked says whether anybody has to sign.
func (s Stage) asked() error {
	if len(s.Rails) > 0 && s.Rules != nil && s.From.Environment.Name == s.To.Environment.Name {
		return nil // it is there, and its deployment needs somebody
	}
	if err := s.order(); err != nil {
		return err
	}
	if s.Rules != nil && (len(s.Rails) > 0 || len(s.Rules(slipway.Release{}).Needs) > 0) {
		return nil
	}
	return slipway.Errorf(slipway.Invalid, "%s asks for no sign-offs", s.To.Environment.Name).
		WithFix("the platform team names roles under environments.%s.sign_offs", s.To.Environment.Name)
}

// Sign signs for a release and records it: the envelope first, then the entry
// that names its digest. Who said the same before has said it, so Sign may be
// called again after a crash. A person who may not sign is an error of kind
// Blocked.
func (s Stage) Sign(ctx context.Context, in Signing) (Signed, error) {
	if err := s.asked(); err != nil {
		return Signed{}, err
	}
	r, admission, err := s.find(ctx, in.Input)
	if err != nil {
		return Signed{}, err
	}
	about := slipway.SignOff{
		App: r.App, Version: r.Version, Record: admission.Record, Environment: s.To.Environment.Name,
		Role: in.Role, Person: in.Person, Answer: in.Answer, Comment: in.Comment, Until: in.Until.UTC(), Time: s.Clock().UTC().Truncate(time.Microsecond),
	}
	var statement slipway.Digest // what is written already
	for {
		h, err := ledger.ReadHistory(ctx, s.To.Ledger, s.subject(in.App))
		if err != nil {
			return Signed{}, err
		}
		st, err := s.standing(ctx, h, r, admission.Record)
		if err != nil {
			return Signed{}, err
		}
		if had, ok := st.had(about); ok {
			return Signed{SignOff: had.SignOff, Statement: had.Statement}, nil
		}
		if err := st.may(h, about, s.Rails); err != nil {
			return Signed{}, err
		}
		if last := st.lastOf(in.Person); statement == "" || last != about.Previous {
			about.Previous = last
			if statement, err = s.envelope(ctx, in, about, r); err != nil {
				return Signed{}, err
			}
		}
		_, err = s.To.Ledger.Append(ctx, ledger.Draft{
			Subject: s.subject(in.App), After: h.Head, ID: "signed/" + statement.Hex(), Kind: ledger.ReleaseSigned,
			Time: about.Time, By: in.By, Body: ledger.SignOff{SignOff: about, Statement: statement}, Statements: []slipway.Digest{statement},
		})
		if err == nil {
			return Signed{SignOff: about, Statement: statement, Made: true}, nil
		}
		if slipway.KindOf(err) != slipway.Conflict {
			return Signed{}, err
		} // somebody wrote something else meanwhile: look again
	}
}

// envelope signs, proves that what came of it will be believed, and writes it.
func (s Stage) envelope(ctx context.Context, in Signing, about slipway.SignOff, r slipway.Release) (slipway.Digest, error) {
	data, err := evidence.Sign(ctx, in.Key, about, r)
	if err != nil {
		return "", err
	}
	signed, err := evidence.Open(data)
	if err != nil {
		return "", err
	}
	if err := s.rules(r).believe(signed, r, about.Record, about.Environment); err != nil {
		return "", err
	}
	_, err = s.To.Repository.Put(ctx, slipway.StatementKey(r.App, signed.Digest), bytes.NewReader(data))
	return signed.Digest, err
}

// lastOf is the person's last statement, which the next one has to name.
func (st Standing) lastOf(person string) slipway.Digest {
	var last slipway.Digest
	for _, s := range st.Said {
		if s.Person == person && s.Previous == last {
			last = s.Statement
		}
	}
	return last
}

// holds is what a person says that is in force: a yes, or a no.
func (st Standing) holds(person string) (Said, bool) {
	for _, s := range st.Said {
		if s.Person == person && s.Counts && s.Answer != slipway.Withdrawn {
			return s, true
		}
	}
	return Said{}, false
}

// had returns the statement in force that says the same already.
func (st Standing) had(about slipway.SignOff) (Said, bool) {
	for _, s := range st.Said {
		same := s.Person == about.Person && s.Role == about.Role && s.Answer == about.Answer && s.Comment == about.Comment && s.Until.Equal(about.Until)
		if same && s.Counts && s.Statement == st.lastOf(about.Person) {
			return s, true
		}
	}
	return Said{}, false
}

// may says whether a person may sign, in words that help.
func (st Standing) may(h ledger.History, about slipway.SignOff, rails []string) error {
	if _, ok := h.Admitted(st.Version); ok && !slices.Contains(rails, about.Role) {
		return slipway.Errorf(slipway.Invalid, "%s is in %s already: there is nothing left to sign for", st.Version, st.Environment).
			WithFix("slipway rollback %s brings back what was there before", st.Environment)
	}
	roles := slices.Clone(rails)
	for _, r := range st.Roles {
		roles = append(roles, r.Role)
	}
	slices.Sort(roles)
	roles = slices.Compact(roles)
	person, role := about.Person, about.Role
	held, holds := st.holds(person)
	switch {
	case !slices.Contains(roles, role):
		return slipway.Errorf(slipway.Invalid, "%s asks for no sign-off of %s", st.Environment, role).WithFix("it asks for: %s", strings.Join(roles, ", "))
	case !st.rules.Policy.In(role, person):
		return slipway.Errorf(slipway.Blocked, "%s is not in the role %s", person, role).WithFix("the platform team keeps roles.%s.people", role)
	case st.rules.bar(person) != nil:
		return st.rules.bar(person)
	case holds && held.Role != role:
		return slipway.Errorf(slipway.Blocked, "%s has signed for %s in %s as %s already, and nobody fills two roles", person, st.Version, st.Environment, held.Role).
			WithFix("have somebody else of %s sign; or first slipway sign-off %s %s --as %s --withdraw", role, st.Version, st.Environment, held.Role)
	case !about.Until.IsZero() && about.Answer != slipway.Yes:
		return slipway.Errorf(slipway.Invalid, "only a yes has an end: what else somebody says holds until they say something else")
	case !about.Until.IsZero() && !about.Time.Before(about.Until):
		return slipway.Errorf(slipway.Invalid, "a yes until %s is over already", about.Until.Add(-time.Second).Format(time.DateOnly))
	case about.Answer == slipway.Withdrawn && !holds:
		return slipway.Errorf(slipway.Invalid, "%s has said nothing to %s in %s that could be withdrawn", person, st.Version, st.Environment)
	}
	return nil
}
