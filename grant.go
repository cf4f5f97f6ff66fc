package slipway

import (
	"fmt"
	"time"
)

// A Grant is a person's permission to cross a guard rail with an app in an
// environment. It is about the rail with the digest Condition, and void once the
// rail asks for something else.
type Grant struct {
	App         string    `json:"app"`
	Environment string    `json:"environment"`
	Rail        string    `json:"rail"`
	Condition   Digest    `json:"condition"` // of what the rail asks for
	Person      string    `json:"person"`    // who grants it, by the short name that the platform file has
	Why         string    `json:"why"`
	Until       time.Time `json:"until"`             // UTC; it holds before that moment
	Limit       string    `json:"limit,omitempty"`   // an expression over the facts; it opens the rail only where that is true
	Revokes     Digest    `json:"revokes,omitempty"` // the statement of the grant that this one takes back; then it gives nothing
	Time        time.Time `json:"time"`              // UTC, to the microsecond, by the person's clock
}

// Last is the last day of the grant.
func (g Grant) Last() string { return g.Until.Add(-time.Second).Format(time.DateOnly) }

// String says in words what was granted.
func (g Grant) String() string {
	if g.Revokes != "" {
		return fmt.Sprintf("%s takes back what opened rail %s: %s", g.Person, g.Rail, g.Why)
	}
	text := fmt.Sprintf("%s opens rail %s until %s", g.Person, g.Rail, g.Last())
	if g.Limit != "" {
		text += " where " + g.Limit
	}
	return text + ": " + g.Why
}

// A Quarantine is a person's word that a release must go nowhere, or that it may
// go on again. It is about these bytes, under whichever version they come.
type Quarantine struct {
	App         string    `json:"app"`
	Version     string    `json:"version"`
	Bytes       Digest    `json:"bytes"`       // Release.Bytes
	Environment string    `json:"environment"` // in which it holds
	Person      string    `json:"person"`
	Why         string    `json:"why"`
	Lifts       Digest    `json:"lifts,omitempty"` // the statement of the quarantine that ends with this one
	Time        time.Time `json:"time"`            // UTC, to the microsecond, by the person's clock
}

// String says in words what was said.
func (q Quarantine) String() string {
	if q.Lifts != "" {
		return fmt.Sprintf("%s lifts the quarantine of release %s: %s", q.Person, q.Version, q.Why)
	}
	return fmt.Sprintf("%s puts release %s into quarantine: %s", q.Person, q.Version, q.Why)
}
