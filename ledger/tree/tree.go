// Package tree batches the entries of all chains of a ledger into one Merkle tree,
// so that one signed head proves that no chain was rewritten. It is RFC 6962's tree,
// as golang.org/x/mod/sumdb/tlog has it, with heads in the format of signed notes.
// Start at Sequencer for a ledger that grows, and at Verify for one that is checked.
//
// What is kept is kept by somebody else, such as package store: which entry is which
// leaf, the hashes, the heads.
package tree

import (
	"context"
	"fmt"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
)

// A Leaf is the place of an entry in the tree.
type Leaf struct {
	Subject ledger.Subject `json:"subject"`
	Number  int64          `json:"number"` // of the entry in its chain
	Index   int64          `json:"index"`  // from 0
}

// Record is the text whose hash is an entry's leaf. The entry's own hash covers all
// that it says.
func Record(s ledger.Subject, number int64, hash slipway.Digest) []byte {
	return []byte(strconv.Quote(s.App) + "\n" + strconv.Quote(s.Environment) + "\n" + strconv.FormatInt(number, 10) + "\n" + string(hash) + "\n")
}

// LeafHash is the hash of an entry's leaf.
func LeafHash(e ledger.Entry) tlog.Hash { return tlog.RecordHash(Record(e.Subject, e.Number, e.Hash)) }

// Grow computes what entries add to a tree of the given size: the hashes that are to
// be stored, in the order of their indexes from tlog.StoredHashIndex(0, size) on, and
// the tree's hash then. stored reads what is stored already.
func Grow(size int64, entries []ledger.Entry, stored tlog.HashReader) (hashes []tlog.Hash, root tlog.Hash, err error) {
	base := tlog.StoredHashCount(size)
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) { return overlay(indexes, base, hashes, stored) })
	for i, e := range entries {
		more, err := tlog.StoredHashesForRecordHash(size+int64(i), LeafHash(e), reader)
		if err != nil {
			return nil, tlog.Hash{}, fmt.Errorf("grow the tree: %w", err)
		}
		hashes = append(hashes, more...)
	}
	root, err = tlog.TreeHash(size+int64(len(entries)), reader)
	return hashes, root, err
}

// overlay reads hashes of which those from base on are not stored yet.
func overlay(indexes []int64, base int64, fresh []tlog.Hash, stored tlog.HashReader) ([]tlog.Hash, error) {
	var old []int64
	for _, i := range indexes {
		if i < base {
			old = append(old, i)
		}
	}
	kept, err := stored.ReadHashes(old)
	if err != nil {
		return nil, err
	}
	out := make([]tlog.Hash, len(indexes))
	for at, i := range indexes {
		if i >= base {
			out[at] = fresh[i-base]
			continue
		}
		out[at], kept = kept[0], kept[1:]
	}
	return out, nil
}

// A Keeper keeps a tree beside the chains of its ledger.
type Keeper interface {
	// Sequence puts entries that wait, at most limit of them, into the tree in the
	// order in which they came, together with its head, which sign makes: all of it
	// or, if anything fails, nothing. A tree that does not go on from the head after, if
	// that has leaves, is left as it is, with an error of kind Conflict. It returns the
	// head and how many it were; with none waiting it changes nothing.
	Sequence(ctx context.Context, limit int, after Head, sign func(Head) (string, error)) (Head, int, error)
}

// A Sequencer lets a tree grow.
type Sequencer struct {
	Keeper Keeper
	Signer *Signer
	After  Head // that was seen elsewhere, and from which the tree has to go on; its zero value: none was
}

// batch is how many entries are put into the tree in one transaction.
const batch = 1000

// All puts every entry that waits into the tree, and returns how many it were. It may
// be killed at any time, and called again.
func (q Sequencer) All(ctx context.Context) (int, error) {
	total := 0
	for {
		_, n, err := q.Keeper.Sequence(ctx, batch, q.After, q.Signer.Sign)
		total += n
		if err != nil || n < batch {
			return total, err
		}
	}
}

// Run puts entries into the tree whenever somebody rings, until ctx is done. Errors
// are handed to told, and do not end it: what could not be done waits for the next
// ring.
func (q Sequencer) Run(ctx context.Context, ring <-chan struct{}, told func(error)) {
	for {
		if _, err := q.All(ctx); err != nil && ctx.Err() == nil {
			told(err)
		}
		select {
		case <-ctx.Done():
			return
		case _, open := <-ring:
			if !open {
				return
			}
		}
	}
}
