package server

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/store"
)

// What looks like a secret among the arguments of a run is masked in its job, which is
// kept and shown. The values themselves are beside it until the run has begun, sealed
// with a key that only this server's folder has, or those who share the database as a
// secret: whoever reads the database, or a copy of it, learns nothing.

// A sealer hides texts in what is kept.
type sealer struct{ aead cipher.AEAD }

// openSealer reads the key in a file, or makes one.
func openSealer(file string) (sealer, error) {
	key, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		key = make([]byte, 32)
		_, _ = rand.Read(key) // it never fails
		err = writeWhole(file, key)
	}
	if err != nil {
		return sealer{}, err
	}
	sealed, err := newSealer(key)
	if err != nil {
		return sealer{}, slipway.Errorf(slipway.Invalid, "%s is not the server's key: %w", file, err).WithFix("remove it: the server makes another one")
	}
	return sealed, nil
}

func newSealer(key []byte) (sealer, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealer{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return sealer{aead}, err
}

// openSeal opens the key that those who share the database have as a secret, or else the
// one in this process's own folder.
func (s *Server) openSeal(ctx context.Context) (sealer, error) {
	own := filepath.Join(s.stateFolder(), keySeal)
	if !s.store.Shared() || s.Secrets == nil {
		return openSealer(own)
	}
	text, err := s.Secrets(ctx, sealSecret)
	if err != nil || text == "" {
		return openSealer(own)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err == nil {
		var shared sealer
		if shared, err = newSealer(key); err == nil {
			return shared, nil
		}
	}
	return sealer{}, slipway.Errorf(slipway.Invalid, "the secret %s is no key: %w", sealSecret, err).WithFix("make one with: head -c 32 /dev/urandom | base64")
}

// sealSecret is the secret that holds the key, 32 bytes in base64, for those who share a
// database.
const sealSecret = "seal/key"

// writeWhole writes a file that is nobody else's to read, wholly or not at all, power cut or not.
func writeWhole(file string, data []byte) error {
	f, err := os.OpenFile(file+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// sealed hides arguments; nil: there are none.
func (s sealer) sealed(values map[string]string) []byte {
	if len(values) == 0 {
		return nil
	}
	return s.aead.Seal(nil, nil, toJSON(values), nil)
}

// opened is the other way round.
func (s sealer) opened(text []byte) (map[string]string, error) {
	plain, err := s.aead.Open(nil, nil, text, nil)
	if err != nil {
		return nil, errOtherKey
	}
	var values map[string]string
	return values, json.Unmarshal(plain, &values)
}

// errOtherKey is the error of what another server of the same database sealed, which
// may take the job up, or this one before its folder was restored.
var errOtherKey = slipway.Errorf(slipway.Failed, "the secret arguments of the run were sealed by another server, or before this one was restored from a backup").
	WithFix("start the run again; servers and workers that share a database are to have one key, the secret " + sealSecret)

// keySeal is the file with the key, in the state folder.
const keySeal = "seal.key"

// mask makes the input of a run fit to be kept and shown.
func (s *Server) mask(in running) running {
	shown := driver.MaskArguments(in.Arguments)
	secrets := maps.Clone(in.Arguments)
	maps.DeleteFunc(secrets, func(name, value string) bool { return shown[name] == value })
	in.Arguments = shown
	in.Sealed = s.sealer.sealed(secrets)
	return in
}

// unmask are the arguments of a run as they were given.
func (s *Server) unmask(in running) (map[string]string, error) {
	if len(in.Sealed) == 0 {
		return in.Arguments, nil
	}
	secrets, err := s.sealer.opened(in.Sealed)
	if err != nil {
		return nil, err
	}
	all := maps.Clone(in.Arguments)
	maps.Copy(all, secrets)
	return all, nil
}

// forget drops what is sealed in a job that needs it no more.
func (s *Server) forget(ctx context.Context, tx *store.Tx, j store.Job) error {
	in, err := input[running](j)
	if err != nil || len(in.Sealed) == 0 {
		return nil //nolint:nilerr // it is another kind of job
	}
	in.Sealed = nil
	return tx.KeepInput(ctx, j.ID, toJSON(in))
}
