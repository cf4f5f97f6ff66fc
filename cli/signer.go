package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/identity"
)

// signingKeyVariable names the key that this machine attests with, or holds it.
const signingKeyVariable = "SLIPWAY_SIGNING_KEY"

// signer opens the key that this machine attests with, once, when it is needed.
func (s *session) signer(state string) func(context.Context) (evidence.Signer, error) {
	key := s.globals.SigningKey
	if strings.Contains(key, "://") {
		return s.remoteSigner(key)
	}
	if key != "" && !strings.HasPrefix(strings.TrimSpace(key), "-----BEGIN") {
		key = s.path(key)
	}
	changed := func() string { return "" }
	if key == "" { // slipway keys rotate may give it another one
		changed = func() string { return fileStamp(filepath.Join(state, identity.MachineKeyFile)) }
	}
	return while(changed, func(ctx context.Context) (evidence.Signer, error) {
		m, err := identity.Machine(ctx, identity.MachineConfig{Key: key, Folder: state, Passphrase: s.env.Passphrase})
		if err != nil {
			return nil, err
		}
		return m, nil
	})
}

// remoteSigner signs with a key that never leaves the service that keeps it.
func (s *session) remoteSigner(address string) func(context.Context) (evidence.Signer, error) {
	return while(func() string { return "" }, func(ctx context.Context) (evidence.Signer, error) {
		scheme, _, _ := strings.Cut(address, "://")
		open, ok := s.env.Keepers[scheme]
		if !ok {
			return nil, slipway.Errorf(slipway.Invalid, "no keeper of keys is known for %s", address).
				WithFix("name a file, or a key that a service keeps: its URL begins with awskms://, gcpkms://, azurekms:// or hashivault://")
		}
		return open(ctx, address)
	})
}

// while opens a key when it is needed, and keeps it for as long as its stamp is the same.
func while(stamp func() string, open func(context.Context) (evidence.Signer, error)) func(context.Context) (evidence.Signer, error) {
	var mu sync.Mutex
	var opened evidence.Signer
	var as string
	return func(ctx context.Context) (evidence.Signer, error) {
		mu.Lock()
		defer mu.Unlock()
		if opened != nil && as == stamp() {
			return opened, nil
		}
		k, err := open(ctx)
		if err != nil {
			return nil, err
		}
		opened, as = k, stamp()
		return opened, nil
	}
}

// fileStamp tells a file from what was there before.
func fileStamp(name string) string {
	info, err := os.Stat(name)
	if err != nil {
		return ""
	}
	return fmt.Sprint(info.ModTime().UnixNano(), " ", info.Size())
}

// withoutKey is the environment of what a team runs: the key is no business of
// builds and checks.
func withoutKey(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(v string) bool { return strings.HasPrefix(v, signingKeyVariable+"=") })
}
