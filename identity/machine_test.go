package identity_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/identity"
)

func attestor(t *testing.T, c identity.MachineConfig) identity.Person {
	t.Helper()
	m, err := identity.Machine(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := m.Sign(t.Context(), []byte("hello"))
	if err != nil || !m.Key().Verifies([]byte("hello"), signature) {
		t.Fatalf("it does not sign: %v", err)
	}
	return m
}

// A machine without a key makes one, which only its user can read, and keeps it.
func TestMachineMakesItsKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	first := attestor(t, identity.MachineConfig{Folder: dir})
	info, err := os.Stat(filepath.Join(dir, identity.MachineKeyFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file is %v, %v", info.Mode(), err)
	}
	public, err := os.ReadFile(filepath.Join(dir, identity.MachineKeyFile+".pub"))
	if err != nil || strings.TrimSpace(string(public)) != first.Key().String() {
		t.Errorf("its public half is %q, %v", public, err)
	}
	if again := attestor(t, identity.MachineConfig{Folder: dir}); !again.Key().Equal(first.Key()) {
		t.Error("asked again, it is another key")
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 2 {
		t.Errorf("the folder holds %v, %v", files, err)
	}
}

// Of several that make a key at once, all have the same one.
func TestMachineMakesOneKey(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	keys := make([]string, 8)
	for i := range keys {
		all.Go(func() {
			m, err := identity.Machine(context.WithoutCancel(t.Context()), identity.MachineConfig{Folder: dir})
			if err != nil {
				t.Error(err)
				return
			}
			keys[i] = m.Key().ID()
		})
	}
	all.Wait()
	for _, k := range keys {
		if k != keys[0] {
			t.Errorf("there are several keys: %v", keys)
		}
	}
}

// A key that was made elsewhere is in a file, or is the text itself.
func TestMachineHasAKey(t *testing.T) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	file := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	a := attestor(t, identity.MachineConfig{Key: file})
	b := attestor(t, identity.MachineConfig{Key: strings.TrimSpace(text)})
	if !a.Key().Equal(b.Key()) {
		t.Error("they are two keys")
	}
}

func TestMachineWithoutAKey(t *testing.T) {
	dir := t.TempDir()
	m := attestor(t, identity.MachineConfig{Folder: dir})
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	public, text := write("k.pub", m.Key().String()), write("hello", "hello")
	for key, want := range map[string]struct {
		text string
		kind slipway.Kind
	}{
		dir + "/none":                {"there is no key in " + dir + "/none", slipway.NotFound},
		public:                       {public + " holds the public half of a key, and a machine attests with the private one", slipway.Invalid},
		text:                         {"the key in " + text + ": it is no key of OpenSSH's", slipway.Invalid},
		"-----BEGIN X-----\nhello\n": {"the key in the variable: it is no key of OpenSSH's", slipway.Invalid},
	} {
		_, err := identity.Machine(t.Context(), identity.MachineConfig{Key: key})
		if err == nil || err.Error() != want.text || slipway.KindOf(err) != want.kind {
			t.Errorf("%q: got %v (%s)", key, err, slipway.KindOf(err))
		}
	}
	if _, err := identity.Machine(t.Context(), identity.MachineConfig{Folder: text}); slipway.KindOf(err) != slipway.Unavailable {
		t.Errorf("in a folder that is none: %v", err)
	}
}
