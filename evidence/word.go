package evidence

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/slipway-cd/slipway"
)

// The types of statements that people make beside sign-offs.
const (
	GrantType      = own + "grant/v1"
	QuarantineType = own + "quarantine/v1"
)

// A Word is what a person says, other than a sign-off: the predicate of their
// statement.
type Word interface {
	slipway.Grant | slipway.Quarantine
}

// Say puts a person's word into an envelope and returns its bytes. The same word
// said again with the same key has the same bytes.
func Say[W Word](ctx context.Context, by Signer, word W) ([]byte, error) {
	kind, about, err := wordType(word)
	if err != nil {
		return nil, err
	}
	return seal(ctx, by, Statement[W]{Type: StatementType, Subject: []Subject{about}, PredicateType: kind, Predicate: word})
}

// Hear reads a person's word from an envelope. Another one than asked for, and
// one that Say would not have written, are errors of kind Invalid. Nothing says
// yet who said it: Policy.Said does.
func Hear[W Word](e Envelope) (W, error) {
	var none W
	kind := GrantType
	if _, ok := any(none).(slipway.Quarantine); ok {
		kind = QuarantineType
	}
	word, err := predicate[W](e, kind)
	if err != nil {
		return none, err
	}
	_, about, err := wordType(word)
	if err != nil {
		return none, err
	}
	if !slices.Equal(e.Subject, []Subject{about}) {
		return none, invalid("it is about other bytes than it says")
	}
	return word, nil
}

// Said says whether an envelope was signed by a person, with a key that signs for
// them, or for them by a server that may do that in an environment at a time: the ones
// that the statement names. The error is of kind Blocked and names what is wrong.
func (p Policy) Said(e Envelope, person, environment string, at time.Time) error {
	keys := p.Keys[person]
	if i := slices.IndexFunc(keys, func(k Key) bool { return k.ID() == e.KeyID }); i >= 0 {
		if !e.SignedBy(keys[i]) {
			return slipway.Errorf(slipway.Blocked, "its signature is not one by %s's key %s over these bytes", person, e.KeyID)
		}
		return nil
	}
	name, k, isMachine := p.Machine(e.KeyID)
	switch {
	case isMachine:
		if err := p.Speaks(e.KeyID, environment, at); err != nil {
			return err
		}
		if !e.SignedBy(k.Key) {
			return slipway.Errorf(slipway.Blocked, "its signature is not one by %s's key %s over these bytes", name, e.KeyID)
		}
		return nil
	case len(keys) == 0:
		return slipway.Errorf(slipway.Blocked, "no key is registered for %s", person)
	}
	return slipway.Errorf(slipway.Blocked, "it was signed with the key %s, which is none of %s's", e.KeyID, person)
}

// SaidWord is Policy.Said of the person, the environment and the time that a word
// names.
func SaidWord[W Word](p Policy, e Envelope, word W) error {
	switch w := any(word).(type) {
	case slipway.Grant:
		return p.Said(e, w.Person, w.Environment, w.Time)
	case slipway.Quarantine:
		return p.Said(e, w.Person, w.Environment, w.Time)
	}
	return invalid("it is of no known type")
}

// wordType is the type of a word's statement and what it is about. The error says
// what is wrong with the word.
func wordType[W Word](word W) (kind string, about Subject, err error) {
	switch w := any(word).(type) {
	case slipway.Grant:
		return GrantType, SubjectOf("rail "+w.Rail, w.Condition), checkGrant(w)
	case slipway.Quarantine:
		return QuarantineType, SubjectOf("release "+w.Version, w.Bytes), checkQuarantine(w)
	}
	return "", Subject{}, invalid("it is of no known type")
}

func checkGrant(g slipway.Grant) error {
	switch {
	case g.App == "" || g.Environment == "" || g.Rail == "" || g.Person == "" || g.Why == "":
		return invalid("it needs an app, an environment, a rail, a person and a reason, not %q, %q, %q, %q and %q", g.App, g.Environment, g.Rail, g.Person, g.Why)
	case strings.ContainsFunc(g.App+g.Environment+g.Rail+g.Person+g.Why+g.Limit, unicode.IsControl):
		return invalid("it holds a character that is not for reading")
	case !g.Condition.Valid():
		return invalid("%q is not the digest of a rail", g.Condition)
	case g.Revokes != "" && !g.Revokes.Valid():
		return invalid("%q is not the digest of a statement", g.Revokes)
	case g.Until.IsZero() || g.Time.IsZero():
		return invalid("it has no end or no time")
	}
	return nil
}

func checkQuarantine(q slipway.Quarantine) error {
	switch {
	case q.App == "" || q.Environment == "" || q.Version == "" || q.Person == "" || q.Why == "":
		return invalid("it needs an app, an environment, a version, a person and a reason, not %q, %q, %q, %q and %q", q.App, q.Environment, q.Version, q.Person, q.Why)
	case strings.ContainsFunc(q.App+q.Environment+q.Version+q.Person+q.Why, unicode.IsControl):
		return invalid("it holds a character that is not for reading")
	case !q.Bytes.Valid():
		return invalid("%q is not the digest of a release's bytes", q.Bytes)
	case q.Lifts != "" && !q.Lifts.Valid():
		return invalid("%q is not the digest of a statement", q.Lifts)
	case q.Time.IsZero():
		return invalid("it has no time")
	}
	return nil
}
