package server

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/slipway-cd/slipway/ledger/tree"
)

// rotated begins to replace the key of a server's ledger, in another folder.
func rotated(t *testing.T, s *Server) (dir string, next *tree.Signer) {
	t.Helper()
	dir = t.TempDir()
	next, err := tree.NextSigner(dir)
	if err == nil {
		err = s.store.PassKey(t.Context(), s.seals, next, "mara", s.Clock())
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir, next
}

// TestRekeyed: a server signs with the new key once it lies in its folder, and then ends
// the old one.
func TestRekeyed(t *testing.T) {
	w := newWorld(t)
	s, _ := w.idle(t)
	if err := s.join(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := s.seals.Public
	dir, next := rotated(t, s)
	if err := s.rekey(t.Context(), true); err != nil || s.seals.Public != before {
		t.Errorf("without the new key: %v", err)
	}
	key, err := os.ReadFile(filepath.Join(dir, tree.NextFile))
	if err == nil {
		err = os.WriteFile(filepath.Join(s.stateFolder(), tree.KeyFile), key, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.rekey(t.Context(), true); err != nil {
			t.Fatal(err)
		}
	}
	if old, err := s.store.OldKey(t.Context()); err != nil || old != "" || s.seals.Public != next.Public {
		t.Errorf("%q is still replaced, %v", old, err)
	}
	if err := s.see(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestRekeyedBySecret: a server without the new key takes the one in the secret, and no
// other.
func TestRekeyedBySecret(t *testing.T) {
	w := newWorld(t)
	c := w.config(t)
	var secret string
	c.Secrets = func(_ context.Context, ref string) (string, error) {
		if ref != keySecret || secret == "" {
			return "", errors.New("there is none")
		}
		return secret, nil
	}
	s, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	before := s.seals.Public
	strange := t.TempDir()
	if _, err := tree.NextSigner(strange); err != nil {
		t.Fatal(err)
	}
	dir, next := rotated(t, s)
	for _, c := range []struct{ from, want string }{{strange, before}, {dir, next.Public}} {
		key, err := os.ReadFile(filepath.Join(c.from, tree.NextFile))
		if err != nil {
			t.Fatal(err)
		}
		secret = string(key)
		if err := s.rekey(t.Context(), false); err != nil || s.seals.Public != c.want {
			t.Errorf("it signs with %s, %v; want %s", s.seals.Public, err, c.want)
		}
	}
}
