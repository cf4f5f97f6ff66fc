package identity

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
)

// MachineKeyFile is the name of the key that a machine makes for itself.
const MachineKeyFile = "signing.key"

// NextMachineKeyFile is the name of the key that is to take its place.
const NextMachineKeyFile = "signing.key.next"

// NextMachine makes the key that is to take the place of the one in a folder, and reports
// whether it was not there yet.
func NextMachine(folder string) (k evidence.Key, made bool, err error) {
	file := filepath.Join(folder, NextMachineKeyFile)
	_, missing := os.Stat(file)
	if err := makeKey(file); err != nil {
		return k, false, slipway.Errorf(slipway.Unavailable, "a key to attest with cannot be made in %s: %w", folder, err)
	}
	k, err = PublicMachine(file)
	return k, missing != nil, err
}

// TakeNextMachine has the next key take its place. What was signed by the one before is
// good for as long as the platform file names it.
func TakeNextMachine(folder string) error {
	file := filepath.Join(folder, MachineKeyFile)
	if err := os.Rename(filepath.Join(folder, NextMachineKeyFile), file); err != nil {
		return slipway.Errorf(slipway.Unavailable, "the new key cannot take its place: %w", err)
	}
	if err := os.Remove(file + ".pub"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	k, err := PublicMachine(file)
	if err != nil {
		return err
	}
	return showPublic(file+".pub", k)
}

// PublicMachine is the public half of a key in a file.
func PublicMachine(file string) (evidence.Key, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return evidence.Key{}, err
	}
	k, _, err := Config{File: file}.read(data)
	if err != nil {
		return k, fmt.Errorf("the key in %s: %w", file, err)
	}
	return k, nil
}

// MachineConfig says where the key is that a machine attests with.
type MachineConfig struct {
	// Key is the file of a private key, OpenSSH's or PKCS #8 in PEM, or the key
	// itself as text; empty: one in Folder, which is made at the first use.
	Key    string
	Folder string
	// Passphrase asks for the passphrase of the key in a file.
	Passphrase func(ctx context.Context, file string) ([]byte, error)
}

// Machine returns what a machine attests with: what it builds, promotes and
// deploys. Two processes that make the key at once come by the same one.
func Machine(ctx context.Context, c MachineConfig) (Person, error) {
	if strings.HasPrefix(strings.TrimSpace(c.Key), "-----BEGIN") {
		return machine(ctx, c, "the variable", []byte(strings.TrimSpace(c.Key)+"\n"))
	}
	file := c.Key
	if file == "" {
		file = filepath.Join(c.Folder, MachineKeyFile)
		if err := makeKey(file); err != nil {
			return Person{}, slipway.Errorf(slipway.Unavailable, "a key to attest with cannot be made in %s: %w", c.Folder, err)
		}
	}
	data, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Person{}, slipway.Errorf(slipway.NotFound, "there is no key in %s", file).WithFix("ssh-keygen -t ed25519 -f %s makes one", file)
	case err != nil:
		return Person{}, slipway.Errorf(slipway.Unavailable, "the key in %s cannot be read: %w", file, err)
	}
	m, err := machine(ctx, c, file, data)
	if err == nil && c.Key == "" {
		err = showPublic(file+".pub", m.key)
	}
	return m, err
}

// machine opens the key now: a deployment that is under way waits for nobody.
func machine(ctx context.Context, c MachineConfig, file string, data []byte) (Person, error) {
	public, open, err := Config{File: file, Passphrase: c.Passphrase}.read(data)
	if err != nil {
		return Person{}, fmt.Errorf("the key in %s: %w", file, err)
	}
	if open == nil {
		return Person{}, slipway.Errorf(slipway.Invalid, "%s holds the public half of a key, and a machine attests with the private one", file)
	}
	key, err := open(ctx)
	if err != nil {
		return Person{}, err
	}
	return Person{key: public, sign: func(_ context.Context, data []byte) ([]byte, error) { return ed25519.Sign(key, data), nil }}, nil
}

// makeKey makes a key where there is none. Of several at once one wins: a name that
// is taken is not linked to again.
func makeKey(file string) error {
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	block, err := ssh.MarshalPrivateKey(private, "slipway")
	if err != nil {
		return err
	}
	return beside(file, pem.EncodeToMemory(block))
}

// showPublic puts the public half beside the key, for people who are to tell it to
// the platform team. Whoever made the key may have died before that.
func showPublic(file string, k evidence.Key) error {
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	if err := beside(file, []byte(k.String()+"\n")); err != nil {
		return slipway.Errorf(slipway.Unavailable, "the public half of a key cannot be written: %w", err)
	}
	return nil
}

// beside writes a file that nobody else can read, wholly or not at all, unless it is
// there already.
func beside(file string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(file), ".new-*") // which others cannot read
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.Write(data)
	if err := errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	if err := os.Link(temporary.Name(), file); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
