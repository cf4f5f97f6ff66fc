package evidence

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/slipway-cd/slipway"
)

// An Envelope is a statement of any kind that was read. Nothing says yet that the
// signature is right, or whose it is.
type Envelope struct {
	PredicateType string
	Subject       []Subject
	Predicate     json.RawMessage // Read gives it its type
	KeyID         string          // the key that the envelope says it was signed with
	Digest        slipway.Digest  // of the envelope's bytes
	signed        []byte          // what the signature is over
	signature     []byte
}

// Unwrap reads an envelope that Slipway made, whatever it says. Anything else is
// an error of kind Invalid that says what is wrong with it.
func Unwrap(data []byte) (Envelope, error) {
	var e dsse.Envelope
	if err := strictly(data, &e, "the envelope"); err != nil {
		return Envelope{}, err
	}
	if e.PayloadType != PayloadType {
		return Envelope{}, invalid("its payload is of the type %q, and %q was expected", e.PayloadType, PayloadType)
	}
	if len(e.Signatures) != 1 {
		return Envelope{}, invalid("it has %d signatures, and one was expected", len(e.Signatures))
	}
	body, err := base64.StdEncoding.Strict().DecodeString(e.Payload)
	if err != nil {
		return Envelope{}, invalid("its payload: %w", err)
	}
	signature, err := base64.StdEncoding.Strict().DecodeString(e.Signatures[0].Sig)
	if err != nil {
		return Envelope{}, invalid("its signature: %w", err)
	}
	if len(signature) != ed25519.SignatureSize && !isDER(signature) {
		return Envelope{}, invalid("its signature has %d bytes, and one by an ed25519 key has %d", len(signature), ed25519.SignatureSize)
	}
	var s Statement[json.RawMessage]
	if err := strictly(body, &s, "the statement"); err != nil {
		return Envelope{}, err
	}
	return Envelope{
		PredicateType: s.PredicateType, Subject: s.Subject, Predicate: s.Predicate,
		KeyID: e.Signatures[0].KeyID, Digest: slipway.DigestOf(data),
		signed: dsse.PAE(e.PayloadType, body), signature: signature,
	}, s.check()
}

// SignedBy reports whether the envelope was signed with the key.
func (e Envelope) SignedBy(k Key) bool {
	return e.KeyID == k.ID() && k.Verifies(e.signed, e.signature)
}

// predicate reads the predicate of a statement of one type.
func predicate[P any](e Envelope, kind string) (P, error) {
	var p P
	if e.PredicateType != kind {
		return p, invalid("its predicate is of the type %q, and %q was expected", e.PredicateType, kind)
	}
	return p, strictly(e.Predicate, &p, "the statement")
}

// isDER reports whether a signature has the form of one by a key on P-256.
func isDER(signature []byte) bool {
	const longest = 72
	n := len(signature)
	return n >= 8 && n <= longest && signature[0] == 0x30 && int(signature[1]) == n-2
}
