package server

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger/tree"
)

// keySecret is the secret that holds the key of the ledger, for servers that share a
// database and do not have it in a file.
const keySecret = "ledger/key"

// openSigner opens the key of the ledger, which is one for all who share a database, and
// tells the others which it is. A server whose key has ended takes the one in the secret.
func (s *Server) openSigner(ctx context.Context) (err error) {
	file := filepath.Join(s.stateFolder(), tree.KeyFile)
	if _, missing := os.Stat(file); missing != nil && s.store.Shared() {
		if _, err := s.takeKey(ctx, func(string) bool { return true }); err != nil {
			return err
		}
	}
	s.seals, err = s.store.Signer(ctx, s.stateFolder())
	if slipway.KindOf(err) == slipway.Unavailable {
		keys, keysErr := s.store.Keys(ctx, s.stateFolder())
		took, takeErr := s.takeKey(ctx, keys.Signs)
		if keysErr == nil && takeErr == nil && took {
			s.seals, err = s.store.Signer(ctx, s.stateFolder())
		}
	}
	if err != nil {
		return err
	}
	if s.sealsBy, err = os.ReadFile(file); err != nil {
		return err
	}
	return s.store.TellKey(ctx, s.process, s.seals.Public)
}

// takeKey writes the key that the secret holds to the file, if it is one that is wanted.
func (s *Server) takeKey(ctx context.Context, wanted func(public string) bool) (bool, error) {
	if s.Secrets == nil {
		return false, nil
	}
	key, err := s.Secrets(ctx, keySecret)
	_, public, _ := strings.Cut(strings.TrimSpace(key), "\n")
	if err != nil || key == "" || !wanted(public) {
		return false, nil //nolint:nilerr // there is none
	}
	return true, writeWhole(filepath.Join(s.stateFolder(), tree.KeyFile), []byte(strings.TrimSpace(key)+"\n"))
}

// rekey follows the key of the ledger where it is replaced: by somebody at this server's
// folder or at another's. Once all servers that live have the new one, the one that leads
// ends the old one.
func (s *Server) rekey(ctx context.Context, leads bool) error {
	text, err := os.ReadFile(filepath.Join(s.stateFolder(), tree.KeyFile))
	if err != nil {
		return err
	}
	if !bytes.Equal(text, s.sealsBy) {
		if err := s.openSigner(ctx); err != nil {
			return err
		}
		s.Log.InfoContext(ctx, "heads of the ledger are signed with another key from now on", "key", s.seals.Public)
	}
	old, err := s.store.OldKey(ctx)
	if err != nil {
		return err
	}
	keys, err := s.store.Keys(ctx, s.stateFolder())
	if err != nil {
		return err
	}
	if own := s.seals.Public; own == old || keys.Ended(own) {
		took, err := s.takeKey(ctx, func(public string) bool { return public != own && keys.Signs(public) })
		if err == nil && took {
			err = s.openSigner(ctx)
		}
		return err
	}
	if !leads || old == "" {
		return nil
	}
	others, err := s.store.SigningServers(ctx)
	for _, o := range others {
		if o.Public != s.seals.Public {
			return err // it has not got it yet
		}
	}
	if err == nil {
		err = s.store.EndKey(ctx, s.seals, "slipway", s.Clock())
	}
	return err
}
