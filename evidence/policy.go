package evidence

import (
	"maps"
	"slices"

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

// Verify says whether a statement was signed by the person it names, with a key
// that signs for that person, and whether the person is in the role it names.
// The error is of kind Blocked and names what is wrong.
func (p Policy) Verify(s Signed) error {
	at := s.Statement.Predicate
	keys := p.Keys[at.Person]
	if len(keys) == 0 {
		return slipway.Errorf(slipway.Blocked, "no key is registered for %s", at.Person)
	}
	i := slices.IndexFunc(keys, func(k Key) bool { return k.ID() == s.KeyID })
	if i < 0 {
		return slipway.Errorf(slipway.Blocked, "it was signed with the key %s, which is none of %s's", s.KeyID, at.Person)
	}
	if !keys[i].Verifies(s.signed, s.signature) {
		return slipway.Errorf(slipway.Blocked, "its signature is not one by %s's key %s over these bytes", at.Person, s.KeyID)
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
