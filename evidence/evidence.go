// Package evidence is signed statements: who said what about which bytes, in a
// form that anybody can verify with a public key and no network. A statement is
// an in-toto statement; it lies in a DSSE envelope, signed with an ed25519 key.
//
// What people say is a sign-off: Sign makes an envelope, Open reads one, and
// Policy.Verify says whether it may be believed. What builds and deploys attests:
// Attest, Unwrap and Read, and Policy.Attested. It is pure: bytes in, values out.
// Whoever holds the private key (package identity) implements Signer.
package evidence

import (
	"context"
	"encoding/json"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/slipway-cd/slipway"
)

// A Signer signs with one key: a person's, or a machine's.
type Signer interface {
	// Key is the public half.
	Key() Key
	// Sign returns the plain signature of data, as Key.Verifies takes it.
	Sign(ctx context.Context, data []byte) ([]byte, error)
}

// Sign puts a sign-off of a release into an envelope and returns its bytes. The
// same sign-off signed again with the same key has the same bytes.
func Sign(ctx context.Context, by Signer, about slipway.SignOff, r slipway.Release) ([]byte, error) {
	if err := checkSignOff(about); err != nil {
		return nil, err
	}
	return seal(ctx, by, Statement[slipway.SignOff]{Type: StatementType, Subject: Subjects(r), PredicateType: SignOffType, Predicate: about})
}

// seal puts a statement into an envelope and returns its bytes.
func seal[P any](ctx context.Context, by Signer, s Statement[P]) ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	body, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	signer, err := dsse.NewEnvelopeSigner(dsseSigner{by})
	if err != nil {
		return nil, err
	}
	envelope, err := signer.SignPayload(ctx, PayloadType, body)
	if err != nil {
		return nil, err
	}
	return json.Marshal(envelope)
}

// dsseSigner is a Signer as the envelope's library has it.
type dsseSigner struct{ by Signer }

var _ dsse.Signer = dsseSigner{}

// KeyID implements dsse.Signer.
func (s dsseSigner) KeyID() (string, error) { return s.by.Key().ID(), nil }

// Sign implements dsse.Signer.
func (s dsseSigner) Sign(ctx context.Context, data []byte) ([]byte, error) {
	return s.by.Sign(ctx, data)
}

// A Signed is a sign-off that was read from an envelope. Nothing says yet that
// the signature is right, or whose it is: Policy.Verify does.
type Signed struct {
	Envelope
	Statement Statement[slipway.SignOff]
}

// Open reads an envelope that Sign made. Anything else is an error of kind
// Invalid that says what is wrong with it.
func Open(data []byte) (Signed, error) {
	e, err := Unwrap(data)
	if err != nil {
		return Signed{}, err
	}
	p, err := predicate[slipway.SignOff](e, SignOffType)
	if err != nil {
		return Signed{}, err
	}
	if err := checkSignOff(p); err != nil {
		return Signed{}, err
	}
	return Signed{Envelope: e, Statement: Statement[slipway.SignOff]{
		Type: StatementType, Subject: e.Subject, PredicateType: e.PredicateType, Predicate: p,
	}}, nil
}
