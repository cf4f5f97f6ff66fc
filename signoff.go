package slipway

import (
	"fmt"
	"time"
)

// An Answer is what a person says to a release.
type Answer string

// The answers. Only Yes is a yes.
const (
	Yes       Answer = "yes"
	No        Answer = "no"        // it must not go there
	Withdrawn Answer = "withdrawn" // what the person said before holds no longer
)

// Valid reports whether a is one of the answers.
func (a Answer) Valid() bool { return a == Yes || a == No || a == Withdrawn }

// A SignOff is a person in a role saying yes or no to a release in one
// environment. It is about the record with the digest Record, which names all
// bytes of the release, and about nothing else.
type SignOff struct {
	App         string    `json:"app"`
	Version     string    `json:"version"`
	Record      Digest    `json:"record"`
	Environment string    `json:"environment"`
	Role        string    `json:"role"`
	Person      string    `json:"person"` // the short name that the platform file has
	Answer      Answer    `json:"answer"`
	Comment     string    `json:"comment,omitempty"`
	Previous    Digest    `json:"previous,omitempty"` // the person's statement before this one about the same; empty: this is the first
	Until       time.Time `json:"until,omitzero"`     // UTC; a yes counts before that moment; zero: it has no end
	Time        time.Time `json:"time"`               // UTC, to the microsecond, by the person's clock
}

// String says in words who said what.
func (s SignOff) String() string {
	text := fmt.Sprintf("%s says %s to release %s as %s", s.Person, s.Answer, s.Version, s.Role)
	if !s.Until.IsZero() {
		text += " until " + s.Until.Add(-time.Second).Format(time.DateOnly)
	}
	if s.Answer == Withdrawn {
		text = fmt.Sprintf("%s withdraws the sign-off of release %s as %s", s.Person, s.Version, s.Role)
	}
	if s.Comment != "" {
		text += ": " + s.Comment
	}
	return text
}

// StatementKey returns the key of a signed statement in an artifact repository.
// It lies under the digest of its bytes.
func StatementKey(app string, statement Digest) string {
	return fmt.Sprintf("%s/evidence/%s.json", app, statement.Hex())
}
