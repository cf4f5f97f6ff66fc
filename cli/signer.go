package cli

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/identity"
)

// signingKeyVariable names the key that this machine attests with, or holds it.
const signingKeyVariable = "SLIPWAY_SIGNING_KEY"

// signer opens the key that this machine attests with, once, when it is needed.
func (s *session) signer(state string) func(context.Context) (evidence.Signer, error) {
	key := s.globals.SigningKey
	if key != "" && !strings.HasPrefix(strings.TrimSpace(key), "-----BEGIN") {
		key = s.path(key)
	}
	var mu sync.Mutex
	var opened evidence.Signer
	return func(ctx context.Context) (evidence.Signer, error) {
		mu.Lock()
		defer mu.Unlock()
		if opened != nil {
			return opened, nil
		}
		m, err := identity.Machine(ctx, identity.MachineConfig{Key: key, Folder: state, Passphrase: s.env.Passphrase})
		if err != nil {
			return nil, err
		}
		opened = m
		return m, nil
	}
}

// withoutKey is the environment of what a team runs: the key is no business of
// builds and checks.
func withoutKey(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(v string) bool { return strings.HasPrefix(v, signingKeyVariable+"=") })
}
