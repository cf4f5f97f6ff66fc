package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/tree"
)

// A database that is restored to an earlier moment knows nothing of what was done since,
// and nothing within it tells. What tells are the heads of the ledger's tree that were
// seen since, outside of it. Who goes on all the same says so, and that is an entry.

// LedgerAccepted is the kind of the ledger's entry with which somebody has servers go on
// with a ledger that went back. Its body is an [Acceptance].
const LedgerAccepted = "ledger.accepted"

// An Acceptance is somebody's word that a ledger that went back is the one that counts.
type Acceptance struct {
	By   string    `json:"by"`
	Why  string    `json:"why"`
	Time time.Time `json:"time"` // heads that were seen before and from which the ledger does not go on are given up
	Lost string    `json:"lost,omitempty"`
}

// Accept keeps that somebody has servers go on with the ledger as it is. Jobs that were
// open when the database was as it is now end, since they may have been done since; they
// are returned. Nobody stays signed in.
func (s *Store) Accept(ctx context.Context, a Acceptance) (ended []Job, err error) {
	err = s.Change(ctx, func(t *Tx) error {
		rows, err := t.tx.QueryContext(ctx, `UPDATE job SET state = 'cancelled', ended = ?, stop = ? WHERE state IN ('waiting', 'running') RETURNING `+jobColumns,
			millis(a.Time), "the database was restored to an earlier moment: "+a.Why)
		if err != nil {
			return err
		}
		if ended, err = rowsOf(rows, scanJob); err != nil {
			return err
		}
		for _, table := range []string{"session", "pending"} {
			if _, err := t.tx.ExecContext(ctx, "DELETE FROM "+table); err != nil {
				return err
			}
		}
		_, err = t.AppendLast(ctx, ledger.Draft{
			Subject: accessChain(), ID: "accepted/" + a.Time.UTC().Format(time.RFC3339Nano), Kind: LedgerAccepted, Time: a.Time, By: a.By, Body: a,
		})
		return err
	})
	return ended, err
}

// Accepted is when somebody last had servers go on with a ledger that went back; zero:
// nobody ever had to.
func (s *Store) Accepted(ctx context.Context) (time.Time, error) {
	chain := accessChain()
	e, err := scan(s.reader.QueryRowContext(ctx, "SELECT "+columns+" FROM ledger WHERE app = ? AND environment = ? AND kind = ? ORDER BY number DESC LIMIT 1",
		chain.App, chain.Environment, LedgerAccepted))
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	return e.Time, explain("read", s.file, err)
}

// ErrBack is that the ledger does not go on from a head that was signed.
var ErrBack = errors.New("the ledger went back")

// Recall opens a head that was seen outside of the database, with the public keys, a line
// each, and holds the ledger against it: the tree has to go on from it. If it does not,
// the error is [ErrBack], of kind Conflict, unless somebody accepted that since: then the head is
// one without leaves.
func (s *Store) Recall(ctx context.Context, x tree.Sighting, public string) (tree.Head, error) {
	if x.Head == "" {
		return tree.Head{}, nil
	}
	h, err := tree.OpenHead(x.Head, public)
	if err != nil {
		return h, err
	}
	err = goesOn(ctx, s.reader, s.file, h)
	if !errors.Is(err, ErrBack) {
		return h, explain("read", s.file, err)
	}
	if accepted, readErr := s.Accepted(ctx); readErr != nil || x.Time.Before(accepted) {
		return tree.Head{}, readErr
	}
	return h, err
}

// goesOn says whether the tree of the ledger begins with that of a head.
func goesOn(ctx context.Context, q querier, file string, h tree.Head) error {
	if h.Size == 0 {
		return nil
	}
	size, err := treeSize(ctx, q)
	if err != nil {
		return err
	}
	const fix = "if it was restored, look with slipway fsck at what it does not know, and then say so: slipway ledger accept; else find out who could write there"
	if size < h.Size {
		return slipway.Errorf(slipway.Conflict, "%w: a head over %d entries was signed, and %s has %d", ErrBack, h.Size, file, size).WithFix(fix)
	}
	root, err := tlog.TreeHash(h.Size, hashReader{ctx, q})
	if err != nil {
		return err
	}
	if root != h.Hash {
		return slipway.Errorf(slipway.Conflict, "%w: a head over %d entries was signed, and the first %[2]d in %s are others", ErrBack, h.Size, file).WithFix(fix)
	}
	return nil
}
