package identity

import (
	"context"
	"crypto/ed25519"
	"errors"

	"golang.org/x/crypto/ssh"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
)

// opener gives the private key, having asked for its passphrase if it has one.
type opener func(context.Context) (ed25519.PrivateKey, error)

// read returns the public half of a key, and how to come by its private half,
// which is nil if the file is a public key. No passphrase is asked for yet: a key
// that signs for nobody needs none.
func (c Config) read(data []byte) (evidence.Key, opener, error) {
	if public, _, _, _, err := ssh.ParseAuthorizedKey(data); err == nil {
		k, err := evidence.FromSSH(public)
		return k, nil, err
	}
	raw, err := ssh.ParseRawPrivateKey(data)
	if locked, ok := errors.AsType[*ssh.PassphraseMissingError](err); ok {
		if locked.PublicKey == nil {
			return evidence.Key{}, nil, unreadable()
		}
		k, err := evidence.FromSSH(locked.PublicKey)
		return k, func(ctx context.Context) (ed25519.PrivateKey, error) { return c.unlock(ctx, data) }, err
	}
	if err != nil {
		return evidence.Key{}, nil, unreadable()
	}
	signer, err := ssh.NewSignerFromKey(raw)
	if err != nil {
		return evidence.Key{}, nil, unreadable()
	}
	k, err := evidence.FromSSH(signer.PublicKey())
	return k, func(context.Context) (ed25519.PrivateKey, error) { return private(raw) }, err
}

// unreadable names no cause: it could quote a part of a key.
func unreadable() error {
	return slipway.Errorf(slipway.Invalid, "it is no key of OpenSSH's").WithFix("ssh-keygen -t ed25519 makes one")
}

// private returns the key that package ssh has read.
func private(raw any) (ed25519.PrivateKey, error) {
	if k, ok := raw.(*ed25519.PrivateKey); ok {
		return *k, nil
	}
	if k, ok := raw.(ed25519.PrivateKey); ok {
		return k, nil
	}
	return nil, unreadable()
}

// unlock asks for the passphrase.
func (c Config) unlock(ctx context.Context, data []byte) (ed25519.PrivateKey, error) {
	phrase, err := c.Passphrase(ctx, c.File)
	if err != nil {
		return nil, err
	}
	raw, err := ssh.ParseRawPrivateKeyWithPassphrase(data, phrase)
	clear(phrase)
	if err != nil {
		return nil, slipway.Errorf(slipway.Invalid, "that is not the passphrase of %s", c.File).WithFix("try again, or have ssh-add keep the key in an ssh-agent")
	}
	return private(raw)
}
