package dossier

import (
	"fmt"
	"time"

	"github.com/slipway-cd/slipway"
)

// A Report is what a dossier proves, or why it does not.
type Report struct {
	App          string    `json:"app"`
	Version      string    `json:"version"`
	Environments []string  `json:"environments"`
	Written      time.Time `json:"written"`
	SealedBy     string    `json:"sealed_by,omitempty"` // the signer's name
	Proofs       []Proof   `json:"proofs"`
	Faults       []Fault   `json:"faults"`
	// Artifacts are the release's, with their digests.
	Artifacts []slipway.Artifact `json:"artifacts"`
	// Statements are the envelopes about the release, for other tools.
	Statements []Statement `json:"-"`
	Keys       []Key       `json:"-"`
}

// A Proof is one thing that was proved.
type Proof struct {
	What string    `json:"what"`
	By   string    `json:"by"`             // whose signature says so
	Time time.Time `json:"time,omitzero"`  // when, by the ledger
	At   string    `json:"at,omitempty"`   // the entry that it was proved at
	Note string    `json:"note,omitempty"` // what else is known of it
}

// A Fault is something that does not hold.
type Fault struct {
	Where string `json:"where"` // the entry, or whatever else stands in the line
	Why   string `json:"why"`
}

// String is the fault as a sentence.
func (f Fault) String() string { return f.Where + ": " + f.Why }

// A Statement is an envelope with what it is.
type Statement struct {
	Name     string // provenance-1a2b3c4d
	Envelope []byte
}

// Err is nil if everything holds. Otherwise it is of kind Failed and names the
// first thing that does not.
func (r Report) Err() error {
	if len(r.Faults) == 0 {
		return nil
	}
	text := fmt.Sprintf("the dossier proves nothing: %s", r.Faults[0])
	if n := len(r.Faults) - 1; n > 0 {
		text += fmt.Sprintf(" (and %d more)", n)
	}
	return slipway.Errorf(slipway.Failed, "%s", text).WithFix("do not rely on it; have it written again: slipway dossier %s", r.Version)
}

func (r *Report) fault(where, why string, args ...any) {
	r.Faults = append(r.Faults, Fault{Where: where, Why: fmt.Sprintf(why, args...)})
}

func (r *Report) proved(p Proof) { r.Proofs = append(r.Proofs, p) }
