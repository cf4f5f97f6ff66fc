package evidence

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/slipway-cd/slipway"
)

// A Key is a person's public ed25519 key.
type Key struct{ public ed25519.PublicKey }

// NewKey returns the key with these bytes.
func NewKey(public ed25519.PublicKey) Key { return Key{public} }

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
			return Key{k}, nil
		}
	}
	return Key{}, slipway.Errorf(slipway.Invalid, "it is a key of the type %s, and only ssh-ed25519 signs", public.Type()).
		WithFix("ssh-keygen -t ed25519 makes a pair")
}

// ID is the key's fingerprint, as ssh-keygen -l prints it.
func (k Key) ID() string {
	public, err := ssh.NewPublicKey(k.public)
	if err != nil {
		return "no key"
	}
	return ssh.FingerprintSHA256(public)
}

// String is the key as ParseKey reads it, without a comment.
func (k Key) String() string {
	public, err := ssh.NewPublicKey(k.public)
	if err != nil {
		return "no key"
	}
	return strings.TrimSuffix(string(ssh.MarshalAuthorizedKey(public)), "\n")
}

// Equal reports whether both are the same key.
func (k Key) Equal(o Key) bool { return k.public.Equal(o.public) }

// Verifies reports whether signature is the key's over data.
func (k Key) Verifies(data, signature []byte) bool {
	return len(k.public) == ed25519.PublicKeySize && ed25519.Verify(k.public, data, signature)
}

// PEM is the key as cosign and openssl read it.
func (k Key) PEM() (string, error) {
	der, err := x509.MarshalPKIXPublicKey(k.public)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), nil
}
