package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode"

	"github.com/slipway-cd/slipway"
)

// The types that statements and envelopes say they have.
const (
	StatementType = "https://in-toto.io/Statement/v1"
	PayloadType   = "application/vnd.in-toto+json"

	ScanType       = own + "scan/v1"
	ReviewType     = own + "review/v1"
	SignOffType    = own + "sign-off/v1"
	PromotionType  = own + "promotion/v1"
	DeploymentType = own + "deployment/v1"
	RemovalType    = own + "removal/v1"
	RunType        = own + "run/v1"
	SealType       = own + "dossier/v1"
	ProvenanceType = "https://slsa.dev/provenance/v1"
	TestResultType = "https://in-toto.io/attestation/test-result/v0.1"
	SBOMType       = "https://cyclonedx.org/bom"

	own = "https://github.com/slipway-cd/slipway/"
)

// A Statement is an in-toto statement, version 1.
type Statement[P any] struct {
	Type          string    `json:"_type"`
	Subject       []Subject `json:"subject"`
	PredicateType string    `json:"predicateType"`
	Predicate     P         `json:"predicate"`
}

// A Subject is bytes that a statement is about.
type Subject struct {
	Name   string `json:"name"`
	Digest Sums   `json:"digest"`
}

// Sums are the digests of a subject, in hexadecimal digits.
type Sums struct {
	SHA256 string `json:"sha256"`
}

// Subjects returns what a sign-off of a release is about: its artifacts, its
// manifest and the results of its checks.
func Subjects(r slipway.Release) []Subject {
	var all []Subject
	for _, a := range r.Artifacts {
		all = append(all, subject(a))
	}
	return append(all, subject(r.Manifest), subject(r.Checks))
}

func subject(a slipway.Artifact) Subject { return SubjectOf(a.Name, a.Digest) }

// check says what is wrong with what every statement has.
func (s Statement[P]) check() error {
	switch {
	case s.Type != StatementType:
		return invalid("it is of the type %q, and %q was expected", s.Type, StatementType)
	case len(s.Subject) == 0:
		return invalid("it is about nothing")
	}
	for _, at := range s.Subject {
		if !slipway.Digest("sha256:" + at.Digest.SHA256).Valid() {
			return invalid("its subject %q has no sha256 digest", at.Name)
		}
	}
	return nil
}

// checkSignOff says what is wrong with a sign-off.
func checkSignOff(p slipway.SignOff) error {
	switch {
	case p.App == "" || p.Environment == "" || p.Version == "" || p.Role == "" || p.Person == "":
		return invalid("it needs an app, a version, an environment, a role and a person, not %q, %q, %q, %q and %q", p.App, p.Version, p.Environment, p.Role, p.Person)
	case strings.ContainsFunc(p.App+p.Version+p.Environment+p.Role+p.Person+p.Comment, unicode.IsControl):
		return invalid("it holds a character that is not for reading")
	case !p.Answer.Valid():
		return invalid("its answer is %q, and yes, no or withdrawn was expected", p.Answer)
	case !p.Record.Valid():
		return invalid("%q is not the digest of a release's record", p.Record)
	case p.Previous != "" && !p.Previous.Valid():
		return invalid("%q is not the digest of a statement", p.Previous)
	case p.Time.IsZero():
		return invalid("it has no time")
	}
	return nil
}

func invalid(format string, args ...any) error {
	return slipway.Errorf(slipway.Invalid, "not a signed statement: "+format, args...)
}

// strictly reads JSON that json.Marshal wrote of the same type. Anything else,
// such as another order, a field that is not known or is there twice, is an
// error: two readers of the same bytes must never see different things.
func strictly(data []byte, to any, what string) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return invalid("%s: %w", what, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return invalid("%s: something stands behind it", what)
	}
	again, err := json.Marshal(to)
	if err != nil {
		return invalid("%s: %w", what, err)
	}
	if !bytes.Equal(again, data) {
		return invalid("%s is not written as Slipway writes it", what)
	}
	return nil
}
