package evidence

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/slipway-cd/slipway"
)

// A Key is a public key: an ed25519 one, as people sign with, or one on the curve
// P-256, as key management services keep them.
type Key struct {
	public ed25519.PublicKey
	curve  *ecdsa.PublicKey // on P-256; nil: it is an ed25519 key
}

// NewKey returns the key with these bytes.
func NewKey(public ed25519.PublicKey) Key { return Key{public: public} }

// NewCurveKey returns a key on P-256; another curve is an error of kind Invalid.
func NewCurveKey(public *ecdsa.PublicKey) (Key, error) {
	if public.Curve != elliptic.P256() {
		return Key{}, slipway.Errorf(slipway.Invalid, "it is a key on the curve %s, and P-256 was expected", public.Curve.Params().Name)
	}
	return Key{curve: public}, nil
}

// ParseMachineKey is ParseKey that takes a key on P-256, "ecdsa-sha2-nistp256
// AAAA...", as well.
func ParseMachineKey(text string) (Key, error) {
	public, _, options, rest, err := ssh.ParseAuthorizedKey([]byte(text))
	if err == nil && len(rest) == 0 && len(options) == 0 && public.Type() == ssh.KeyAlgoECDSA256 {
		if c, ok := public.(ssh.CryptoPublicKey); ok {
			if k, ok := c.CryptoPublicKey().(*ecdsa.PublicKey); ok {
				return NewCurveKey(k)
			}
		}
	}
	return ParseKey(text)
}

// ParseKey reads a public key as it stands in a .pub file of OpenSSH and in the
// platform file, "ssh-ed25519 AAAA... comment". The error says what else it is.
func ParseKey(text string) (Key, error) {
	public, _, options, rest, err := ssh.ParseAuthorizedKey([]byte(text))
	if err != nil || len(rest) > 0 || len(options) > 0 {
		return Key{}, slipway.Errorf(slipway.Invalid, "it is no public key").
			WithFix("ssh-keygen -t ed25519 makes a pair; the line in its .pub file is the public key")
	}
	return FromSSH(public)
}

// FromSSH returns the key that package ssh has read.
func FromSSH(public ssh.PublicKey) (Key, error) {
	if c, ok := public.(ssh.CryptoPublicKey); ok && public.Type() == ssh.KeyAlgoED25519 {
		if k, ok := c.CryptoPublicKey().(ed25519.PublicKey); ok {
			return NewKey(k), nil
		}
	}
	return Key{}, slipway.Errorf(slipway.Invalid, "it is a key of the type %s, and only ssh-ed25519 signs", public.Type()).
		WithFix("ssh-keygen -t ed25519 makes a pair")
}

// ssh is the key as package ssh has it.
func (k Key) ssh() (ssh.PublicKey, error) { //nolint:ireturn // package ssh knows keys as an interface only
	if k.curve != nil {
		return ssh.NewPublicKey(k.curve)
	}
	return ssh.NewPublicKey(k.public)
}

// ID is the key's fingerprint, as ssh-keygen -l prints it.
func (k Key) ID() string {
	public, err := k.ssh()
	if err != nil {
		return "no key"
	}
	return ssh.FingerprintSHA256(public)
}

// String is the key as ParseMachineKey reads it, without a comment.
func (k Key) String() string {
	public, err := k.ssh()
	if err != nil {
		return "no key"
	}
	return strings.TrimSuffix(string(ssh.MarshalAuthorizedKey(public)), "\n")
}

// Equal reports whether both are the same key.
func (k Key) Equal(o Key) bool {
	if k.curve != nil || o.curve != nil {
		return k.curve != nil && o.curve != nil && k.curve.Equal(o.curve)
	}
	return k.public.Equal(o.public)
}

// Verifies reports whether signature is the key's over data: of a key on P-256 one
// of the data's SHA-256, in ASN.1.
func (k Key) Verifies(data, signature []byte) bool {
	if k.curve != nil {
		sum := sha256.Sum256(data)
		return ecdsa.VerifyASN1(k.curve, sum[:], signature)
	}
	return len(k.public) == ed25519.PublicKeySize && ed25519.Verify(k.public, data, signature)
}

// PEM is the key as cosign and openssl read it.
func (k Key) PEM() (string, error) {
	var public any = k.public
	if k.curve != nil {
		public = k.curve
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), nil
}
