package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/tree"
)

var _ tree.Keeper = (*Store)(nil)

// Sequence implements tree.Keeper.
func (s *Store) Sequence(ctx context.Context, limit int, after tree.Head, sign func(tree.Head) (string, error)) (tree.Head, int, error) {
	var head tree.Head
	var n int
	err := s.Change(ctx, func(t *Tx) (err error) {
		head, n, err = t.sequence(ctx, s.file, limit, after, sign)
		return err
	})
	if err != nil {
		return tree.Head{}, 0, err
	}
	return head, n, nil
}

func (t *Tx) sequence(ctx context.Context, file string, limit int, after tree.Head, sign func(tree.Head) (string, error)) (tree.Head, int, error) {
	if err := goesOn(ctx, t.tx, file, after); err != nil {
		return tree.Head{}, 0, err
	}
	size, err := treeSize(ctx, t.tx)
	if err != nil {
		return tree.Head{}, 0, err
	}
	ids, entries, err := t.waiting(ctx, limit)
	if err != nil || len(entries) == 0 {
		return tree.Head{Size: size}, 0, err
	}
	hashes, root, err := tree.Grow(size, entries, hashReader{ctx, t.tx})
	if err != nil {
		return tree.Head{}, 0, err
	}
	head := tree.Head{Size: size + int64(len(entries)), Hash: root}
	note, err := sign(head)
	if err != nil {
		return tree.Head{}, 0, err
	}
	if err := t.mayHaveSigned(ctx, note); err != nil {
		return tree.Head{}, 0, err
	}
	if err := t.addLeaves(ctx, size, entries, hashes); err != nil {
		return tree.Head{}, 0, err
	}
	if _, err := t.tx.ExecContext(ctx, "INSERT INTO tree_head (size, note) VALUES (?, ?)", head.Size, note); err != nil {
		return tree.Head{}, 0, err
	}
	_, err = t.tx.ExecContext(ctx, "DELETE FROM tree_queue WHERE id <= ?", ids[len(ids)-1])
	return head, len(entries), err
}

// waiting reads the entries that are to come into the tree next. Where one was taken
// away or changed meanwhile it stops, and the error names it: what is wrong is not
// signed.
func (t *Tx) waiting(ctx context.Context, limit int) (ids []int64, entries []ledger.Entry, err error) {
	rows, err := t.tx.QueryContext(ctx, `SELECT q.id, q.app, q.environment, q.number, l.hash IS NOT NULL, `+prefixed("l")+`
		FROM (SELECT * FROM tree_queue ORDER BY id LIMIT ?) q LEFT JOIN ledger l USING (app, environment, number) ORDER BY q.id`, limit)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var s ledger.Subject
		var number int64
		var there bool
		var cells rowCells
		if err := rows.Scan(append([]any{&id, &s.App, &s.Environment, &number, &there}, cells.targets()...)...); err != nil {
			return nil, nil, err
		}
		if !there {
			return nil, nil, ledger.Broken(s, number, "it is missing; it waited for its place in the tree")
		}
		row := cells.row()
		if hash, err := ledger.Hash(row.Entry); err != nil || hash != row.Entry.Hash || row.Odd != "" {
			return nil, nil, ledger.Broken(s, number, "it was changed before it came into the tree")
		}
		ids, entries = append(ids, id), append(entries, row.Entry)
	}
	return ids, entries, rows.Err()
}

func (t *Tx) addLeaves(ctx context.Context, size int64, entries []ledger.Entry, hashes []tlog.Hash) error {
	leaf, err := t.tx.PrepareContext(ctx, "INSERT INTO tree_leaf (leaf, app, environment, number) VALUES (?, ?, ?, ?)")
	if err != nil {
		return err
	}
	defer leaf.Close()
	for i, e := range entries {
		if _, err := leaf.ExecContext(ctx, size+int64(i), e.App, e.Environment, e.Number); err != nil {
			return err
		}
	}
	hash, err := t.tx.PrepareContext(ctx, "INSERT INTO tree_hash (id, hash) VALUES (?, ?)")
	if err != nil {
		return err
	}
	defer hash.Close()
	first := tlog.StoredHashCount(size)
	for i, h := range hashes {
		if _, err := hash.ExecContext(ctx, first+int64(i), h[:]); err != nil {
			return err
		}
	}
	return nil
}

// A querier is a transaction or a pool.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func treeSize(ctx context.Context, q querier) (int64, error) {
	var size int64
	err := q.QueryRowContext(ctx, "SELECT coalesce(max(leaf) + 1, 0) FROM tree_leaf").Scan(&size)
	return size, err
}

// A hashReader reads stored hashes.
type hashReader struct {
	ctx context.Context //nolint:containedctx // tlog's interface has no room for it
	q   querier
}

// ReadHashes implements tlog.HashReader.
func (r hashReader) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for at, i := range indexes {
		var data []byte
		if err := r.q.QueryRowContext(r.ctx, "SELECT hash FROM tree_hash WHERE id = ?", i).Scan(&data); err != nil {
			return nil, fmt.Errorf("hash %d of the tree: %w", i, err)
		}
		if len(data) != tlog.HashSize {
			return nil, fmt.Errorf("hash %d of the tree has %d bytes", i, len(data))
		}
		out[at] = tlog.Hash(data)
	}
	return out, nil
}

// SignedHead returns the newest signed head; an empty note where there is none yet.
func (s *Store) SignedHead(ctx context.Context) (tree.SignedHead, error) {
	var h tree.SignedHead
	err := s.reader.QueryRowContext(ctx, "SELECT size, note FROM tree_head ORDER BY size DESC LIMIT 1").Scan(&h.Size, &h.Note)
	if errors.Is(err, sql.ErrNoRows) {
		return h, nil
	}
	return h, explain("read", s.file, err)
}

// Inclusion proves that an entry is in the tree of the newest signed head, which is
// returned with it. An entry that waits for its place is an error of kind NotFound.
func (s *Store) Inclusion(ctx context.Context, subject ledger.Subject, number int64) (tree.Inclusion, tree.SignedHead, error) {
	head, err := s.SignedHead(ctx)
	if err != nil {
		return tree.Inclusion{}, head, err
	}
	l := tree.Leaf{Subject: subject, Number: number, Index: -1}
	err = s.reader.QueryRowContext(ctx, "SELECT leaf FROM tree_leaf WHERE app = ? AND environment = ? AND number = ?", subject.App, subject.Environment, number).Scan(&l.Index)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return tree.Inclusion{}, head, explain("read", s.file, err)
	}
	p, err := tree.ProveInclusion(l, head.Size, hashReader{ctx, s.reader})
	return p, head, explain("read", s.file, err)
}

// Consistency proves that the tree of the newest signed head, which is returned with
// it, goes on from the one of a size.
func (s *Store) Consistency(ctx context.Context, from int64) (tree.Consistency, tree.SignedHead, error) {
	head, err := s.SignedHead(ctx)
	if err != nil {
		return tree.Consistency{}, head, err
	}
	if from > head.Size {
		return tree.Consistency{}, head, slipway.Errorf(slipway.NotFound, "the tree has %d leaves, and never had %d", head.Size, from)
	}
	p, err := tree.ProveConsistency(from, head.Size, hashReader{ctx, s.reader})
	return p, head, explain("read", s.file, err)
}
