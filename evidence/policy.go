package evidence

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
)

// A Policy says whose word counts: the keys that sign for a person, the people in
// a role, and the machines that attest.
type Policy struct {
	Keys    map[string][]Key    `json:"keys"`
	Roles   map[string][]string `json:"roles"`
	Signers map[string]Machine  `json:"signers,omitempty"`
}

// Owner returns the person for whom a key signs.
func (p Policy) Owner(k Key) (person string, ok bool) {
	for _, person := range slices.Sorted(maps.Keys(p.Keys)) {
		if slices.ContainsFunc(p.Keys[person], k.Equal) {
			return person, true
		}
	}
	return "", false
}

// In reports whether a person is in a role.
func (p Policy) In(role, person string) bool { return slices.Contains(p.Roles[role], person) }

// CanSign reports whether a person can sign in an environment: with a key of their
// own, or at a server that signs for people.
func (p Policy) CanSign(person, environment string) bool {
	if len(p.Keys[person]) > 0 {
		return true
	}
	for _, m := range p.Signers {
		if m.speaks(environment) == nil {
			return true
		}
	}
	return false
}

// Speaks says whether the owner of a key may sign for people in an environment at a
// time. The error is of kind Blocked.
func (p Policy) Speaks(keyID, environment string, at time.Time) error {
	name, k, ok := p.Machine(keyID)
	if !ok {
		return slipway.Errorf(slipway.Blocked, "the key %s is none of the platform's signers", keyID)
	}
	if err := p.Signers[name].speaks(environment); err != nil {
		return slipway.Errorf(slipway.Blocked, "%s %w", name, err)
	}
	return k.holds(at)
}

// speaks says why a machine does not sign for people in an environment.
func (m Machine) speaks(environment string) error {
	switch {
	case !m.Speaks:
		return slipway.Errorf(slipway.Blocked, "signs for nobody: it has no speaks_for_people")
	case len(m.Environments) > 0 && !slices.Contains(m.Environments, environment):
		return slipway.Errorf(slipway.Blocked, "signs for nobody in %s, only in %s", environment, strings.Join(m.Environments, ", "))
	}
	return nil
}

// Verify says whether a statement was signed by the person it names, with a key
// that signs for that person, or by a server at which they said it, and whether the
// person is in the role it names. The error is of kind Blocked and names what is
// wrong.
func (p Policy) Verify(s Signed) error {
	at := s.Statement.Predicate
	if err := p.Said(s.Envelope, at.Person, at.Environment, at.Time); err != nil {
		return err
	}
	if !p.In(at.Role, at.Person) {
		return slipway.Errorf(slipway.Blocked, "%s is not in the role %s", at.Person, at.Role)
	}
	return nil
}

// Covers says whether a statement is about a release: its record in the
// environment, and each of its artifacts' digests.
func Covers(s Statement[slipway.SignOff], r slipway.Release, record slipway.Digest, environment string) error {
	p := s.Predicate
	switch {
	case p.App != r.App || p.Version != r.Version || p.Environment != environment:
		return slipway.Errorf(slipway.Blocked, "it is about %s of %s in %s, and not about %s of %s in %s", p.Version, p.App, p.Environment, r.Version, r.App, environment)
	case p.Record != record:
		return slipway.Errorf(slipway.Blocked, "it is about another record of %s: %s is not %s", r.Version, p.Record, record)
	case !slices.Equal(s.Subject, Subjects(r)):
		return slipway.Errorf(slipway.Blocked, "it is about other bytes than %s has", r.Version)
	}
	return nil
}
