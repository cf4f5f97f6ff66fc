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
	return machine(ctx, c, file, data)
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

// makeKey makes a key where there is none, and its public half beside it. Of
// several at once one wins: a name that is taken is not linked to again.
func makeKey(file string) error {
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	block, err := ssh.MarshalPrivateKey(private, "slipway")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(file), ".key-*") // which others cannot read
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.Write(pem.EncodeToMemory(block))
	if err := errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	if err := os.Link(temporary.Name(), file); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil
		}
		return err
	}
	line := evidence.NewKey(public).String() + "\n"
	return os.WriteFile(file+".pub", []byte(line), 0o644) //nolint:gosec // it is public
}
