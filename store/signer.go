package store

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger/tree"
)

// settingKey is the public key of the ledger's tree, which all sign with who share a
// database.
const settingKey = "ledger-key"

// Signer opens the key in a folder, with which the heads of this ledger's tree are
// signed. Over PostgreSQL it is one key for all: where the ledger has another one, or
// has one and the folder none, the error is of kind Unavailable.
func (s *Store) Signer(ctx context.Context, dir string) (*tree.Signer, error) {
	if s.shared == nil {
		return tree.OpenSigner(dir)
	}
	file := filepath.Join(dir, tree.KeyFile)
	other := slipway.Errorf(slipway.Unavailable, "the ledger in %s is signed with a key that is not in %s", s.file, file).
		WithFix("copy %s from the data folder of a server that has it, or give it as the secret ledger/key", tree.KeyFile)
	var had string
	err := s.reader.QueryRowContext(ctx, "SELECT value FROM setting WHERE name = ?", settingKey).Scan(&had)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, explain("read", s.file, err)
	}
	if _, missing := os.Stat(file); missing != nil && had != "" {
		return nil, other
	}
	signer, err := tree.OpenSigner(dir)
	if err != nil {
		return nil, err
	}
	if had, err = s.Setting(ctx, settingKey, signer.Public); err != nil {
		return nil, err
	}
	if had != signer.Public {
		return nil, other
	}
	return signer, nil
}
