package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger/tree"
)

const (
	// settingKey is the public key of the ledger's tree, which all sign with who share a
	// database: the first one. Which followed it is in the ledger.
	settingKey = "ledger-key"
	// settingOldKey is the key that another one is taking the place of; without a row,
	// none is.
	settingOldKey = "ledger-key-old"
	// settingEndedKeys are the keys that sign no more, a line each.
	settingEndedKeys = "ledger-keys-ended"
	// settingKeyOf, with the id of a server behind it, is the key that it signs with.
	settingKeyOf = "ledger-key-of/"
)

// Signer opens the key in a folder, with which the heads of this ledger's tree are
// signed. Over PostgreSQL it is one key for all, but while it is replaced: where the
// ledger has another one, or has one and the folder none, the error is of kind
// Unavailable.
func (s *Store) Signer(ctx context.Context, dir string) (*tree.Signer, error) {
	file := filepath.Join(dir, tree.KeyFile)
	other := slipway.Errorf(slipway.Unavailable, "the ledger in %s is signed with a key that is not in %s", s.file, file).
		WithFix("copy %s from the data folder of a server that has it, or give it as the secret ledger/key", tree.KeyFile)
	had, err := s.Keys(ctx, dir)
	if err != nil {
		return nil, err
	}
	if err := tree.TakeNext(dir, had); err != nil {
		return nil, err
	}
	if _, missing := os.Stat(file); missing != nil && len(had) > 0 && s.shared != nil {
		return nil, other
	}
	signer, err := tree.OpenSigner(dir)
	if err != nil {
		return nil, err
	}
	if s.shared != nil && len(had) == 0 {
		first, err := s.Setting(ctx, settingKey, signer.Public)
		if err != nil {
			return nil, err
		}
		if had, err = tree.ParseKeys(first); err != nil {
			return nil, err
		}
	}
	if had.Ended(signer.Public) || s.shared != nil && !had.Signs(signer.Public) {
		return nil, other
	}
	return signer, nil
}

// PublicKey is the keys of the ledger's heads, a line each: that which all have in
// common who share the database, or the one in a folder, and those that it was handed
// over from and to; empty: nothing was ever signed.
func (s *Store) PublicKey(ctx context.Context, dir string) (string, error) {
	keys, err := s.Keys(ctx, dir)
	return keys.String(), err
}

// Keys are the keys of the ledger's heads, the oldest first. See PublicKey.
func (s *Store) Keys(ctx context.Context, dir string) (tree.Keys, error) {
	public, err := s.firstKey(ctx, dir)
	if err != nil || public == "" {
		return nil, err
	}
	keys, err := tree.ParseKeys(public)
	if err != nil {
		return nil, err
	}
	notes, err := list(ctx, s, scanHandover, handovers)
	return keys.Follow(notes), err
}

// handovers are the entries by which the key was handed over. There is an index of just
// these words.
const handovers = "SELECT body FROM ledger WHERE kind IN ('ledger.key', 'ledger.key-ended') ORDER BY number"

func scanHandover(row cells) (string, error) {
	var body string
	if err := row.Scan(&body); err != nil {
		return "", err
	}
	var h tree.Handover
	_ = json.Unmarshal([]byte(body), &h) // what cannot be read hands nothing over
	return h.Note, nil
}

// firstKey is the key that is known without the ledger.
func (s *Store) firstKey(ctx context.Context, dir string) (string, error) {
	var public string
	err := s.reader.QueryRowContext(ctx, "SELECT value FROM setting WHERE name = ?", settingKey).Scan(&public)
	if !errors.Is(err, sql.ErrNoRows) {
		return public, explain("read", s.file, err)
	}
	text, err := os.ReadFile(filepath.Join(dir, tree.PublicFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return strings.TrimSpace(string(text)), nil
}

// PassKey has the next key sign too. The entry of the ledger and the change are one. Done
// again it changes nothing; while another key takes the place of one, the error is of
// kind Conflict.
func (s *Store) PassKey(ctx context.Context, old, next *tree.Signer, by string, now time.Time) error {
	note, err := tree.Pass(old, next)
	if err != nil {
		return err
	}
	return s.Change(ctx, func(t *Tx) error {
		var before string
		err := t.tx.QueryRowContext(ctx, "SELECT value FROM setting WHERE name = ?", settingOldKey).Scan(&before)
		if err == nil {
			return slipway.Errorf(slipway.Conflict, "the key of the ledger is being replaced already").WithFix("slipway keys says which server has which")
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if _, err := t.tx.ExecContext(ctx, upsert("setting", "name, value", 1), settingOldKey, old.Public); err != nil {
			return err
		}
		return t.note(ctx, tree.KeyPassed, "ledger-key/"+slipway.DigestOf([]byte(next.Public)).Short(), by, now, tree.Handover{By: by, Note: note})
	})
}

// OldKey is the key that another one is taking the place of; empty: none is.
func (s *Store) OldKey(ctx context.Context) (string, error) {
	var old string
	err := s.reader.QueryRowContext(ctx, "SELECT value FROM setting WHERE name = ?", settingOldKey).Scan(&old)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return old, explain("read", s.file, err)
}

// EndKey ends the key that another one took the place of: no head that it signs from now
// on is kept, and none is good. Done again it changes nothing.
func (s *Store) EndKey(ctx context.Context, signer *tree.Signer, by string, now time.Time) error {
	return s.Change(ctx, func(t *Tx) error {
		var old, ended string
		err := t.tx.QueryRowContext(ctx, "SELECT value FROM setting WHERE name = ?", settingOldKey).Scan(&old)
		if errors.Is(err, sql.ErrNoRows) || old == signer.Public {
			return nil
		}
		if err != nil {
			return err
		}
		if ended, err = t.endedKeys(ctx); err != nil {
			return err
		}
		size, err := treeSize(ctx, t.tx)
		if err != nil {
			return err
		}
		note, err := tree.End(old, size, signer)
		if err != nil {
			return err
		}
		if _, err := t.tx.ExecContext(ctx, upsert("setting", "name, value", 1), settingEndedKeys, strings.TrimSpace(ended+"\n"+old)); err != nil {
			return err
		}
		if _, err := t.tx.ExecContext(ctx, "DELETE FROM setting WHERE name = ?", settingOldKey); err != nil {
			return err
		}
		return t.note(ctx, tree.KeyEnded, "ledger-key-ended/"+slipway.DigestOf([]byte(old)).Short(), by, now, tree.Handover{By: by, Note: note})
	})
}

// endedKeys are the keys that sign no more.
func (t *Tx) endedKeys(ctx context.Context) (string, error) {
	var ended string
	err := t.tx.QueryRowContext(ctx, "SELECT value FROM setting WHERE name = ?", settingEndedKeys).Scan(&ended)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return ended, err
}

// mayHaveSigned refuses a head that is signed by a key that has ended.
func (t *Tx) mayHaveSigned(ctx context.Context, note string) error {
	ended, err := t.endedKeys(ctx)
	if err != nil || ended == "" {
		return err
	}
	if _, err := tree.OpenHead(note, ended); err != nil {
		return nil //nolint:nilerr // another one signed it
	}
	return slipway.Errorf(slipway.Unavailable, "the key of the ledger was replaced, and this server has the old one").
		WithFix("copy %s from the data folder of a server that has it, or give it as the secret ledger/key", tree.KeyFile)
}

// TellKey keeps with which key a server signs.
func (s *Store) TellKey(ctx context.Context, server, public string) error {
	return s.Change(ctx, func(t *Tx) error {
		_, err := t.tx.ExecContext(ctx, upsert("setting", "name, value", 1), settingKeyOf+server, public)
		return err
	})
}

// A SigningServer is one that lives, and the key that it signs with; empty: nobody knows.
type SigningServer struct {
	Name   string `json:"name"`
	Public string `json:"key,omitempty"`
}

// SigningServers are the servers that live and share the database; none where there is
// one at most.
func (s *Store) SigningServers(ctx context.Context) ([]SigningServer, error) {
	if s.shared == nil {
		return nil, nil
	}
	return list(ctx, s, func(row cells) (x SigningServer, err error) {
		err = row.Scan(&x.Name, &x.Public)
		return x, err
	}, `SELECT p.name, coalesce(k.value, '') FROM process p LEFT JOIN setting k ON k.name = '`+settingKeyOf+`' || p.id
		WHERE p.gone = 0 AND p.role = 'server' ORDER BY p.joined, p.id`)
}
