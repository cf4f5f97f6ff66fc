// Package evidence is signed statements: who said what about which bytes, in a
// form that anybody can verify with a public key and no network. A statement is
// an in-toto statement; it lies in a DSSE envelope, signed with an ed25519 key.
//
// Sign makes an envelope, Open reads one, and Policy.Verify says whether it may
// be believed. It is pure: bytes in, values out. Whoever holds the private key
// (package identity) implements Signer.
package evidence

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/slipway-cd/slipway"
)

// A Signer signs for one person's key.
type Signer interface {
	// Key is the public half.
	Key() Key
	// Sign returns the plain ed25519 signature of data.
	Sign(ctx context.Context, data []byte) ([]byte, error)
}

// Sign puts a sign-off of a release into an envelope and returns its bytes. The
// same sign-off signed again with the same key has the same bytes.
func Sign(ctx context.Context, by Signer, about slipway.SignOff, r slipway.Release) ([]byte, error) {
	s := Statement{Type: StatementType, Subject: Subjects(r), PredicateType: SignOffType, Predicate: about}
	if err := s.check(); err != nil {
		return nil, err
	}
	body, err := payload(s)
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

// A Signed is a statement that was read from an envelope. Nothing says yet that
// the signature is right, or whose it is: Policy.Verify does.
type Signed struct {
	Statement Statement
	KeyID     string         // the key that the envelope says it was signed with
	Digest    slipway.Digest // of the envelope's bytes
	signed    []byte         // what the signature is over
	signature []byte
}

// Open reads an envelope that Sign made. Anything else is an error of kind
// Invalid that says what is wrong with it.
func Open(data []byte) (Signed, error) {
	var e dsse.Envelope
	if err := strictly(data, &e, "the envelope"); err != nil {
		return Signed{}, err
	}
	if e.PayloadType != PayloadType {
		return Signed{}, invalid("its payload is of the type %q, and %q was expected", e.PayloadType, PayloadType)
	}
	if len(e.Signatures) != 1 {
		return Signed{}, invalid("it has %d signatures, and one was expected", len(e.Signatures))
	}
	body, err := base64.StdEncoding.Strict().DecodeString(e.Payload)
	if err != nil {
		return Signed{}, invalid("its payload: %w", err)
	}
	signature, err := base64.StdEncoding.Strict().DecodeString(e.Signatures[0].Sig)
	if err != nil {
		return Signed{}, invalid("its signature: %w", err)
	}
	if len(signature) != ed25519.SignatureSize {
		return Signed{}, invalid("its signature has %d bytes, and one by an ed25519 key has %d", len(signature), ed25519.SignatureSize)
	}
	s, err := readStatement(body)
	if err != nil {
		return Signed{}, err
	}
	return Signed{
		Statement: s, KeyID: e.Signatures[0].KeyID, Digest: slipway.DigestOf(data),
		signed: dsse.PAE(e.PayloadType, body), signature: signature,
	}, nil
}
