package tree

import (
	"golang.org/x/mod/sumdb/tlog"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
)

// An Inclusion proves that an entry is in the tree that a head is of.
type Inclusion struct {
	Leaf   Leaf             `json:"leaf"`
	Size   int64            `json:"size"` // of the tree
	Hashes tlog.RecordProof `json:"hashes"`
}

// ProveInclusion proves that a leaf is in the tree of a size.
func ProveInclusion(leaf Leaf, size int64, stored tlog.HashReader) (Inclusion, error) {
	if leaf.Index < 0 || leaf.Index >= size {
		return Inclusion{}, slipway.Errorf(slipway.NotFound, "entry %d of %s is not in the tree of size %d", leaf.Number, leaf.Subject, size)
	}
	hashes, err := tlog.ProveRecord(size, leaf.Index, stored)
	return Inclusion{Leaf: leaf, Size: size, Hashes: hashes}, err
}

// Check says whether the proof shows that the entry is in the head's tree. It asks
// nobody.
func (p Inclusion) Check(e ledger.Entry, h Head) error {
	hash, err := ledger.Hash(e)
	if err != nil {
		return err
	}
	fits := hash == e.Hash && p.Leaf.Subject == e.Subject && p.Leaf.Number == e.Number && p.Size == h.Size && p.Leaf.Index >= 0 && p.Leaf.Index < h.Size
	if !fits || tlog.CheckRecord(p.Hashes, h.Size, h.Hash, p.Leaf.Index, LeafHash(e)) != nil {
		return slipway.Errorf(slipway.Conflict, "entry %d of %s is not proven to be in the ledger's tree of size %d", e.Number, e.Subject, h.Size).
			WithFix("the entry, the proof or the head was changed")
	}
	return nil
}

// A Consistency proves that a later tree begins with all of an earlier one.
type Consistency struct {
	From   int64          `json:"from"` // sizes
	To     int64          `json:"to"`
	Hashes tlog.TreeProof `json:"hashes"`
}

// ProveConsistency proves that the tree of size from is the beginning of that of size
// to.
func ProveConsistency(from, to int64, stored tlog.HashReader) (Consistency, error) {
	if from < 1 || from > to {
		return Consistency{}, slipway.Errorf(slipway.Invalid, "there is no way from a tree of size %d to one of size %d", from, to)
	}
	hashes, err := tlog.ProveTree(to, from, stored)
	return Consistency{From: from, To: to, Hashes: hashes}, err
}

// Check says whether the proof shows that the tree of the head after begins with that
// of the head before. It asks nobody.
func (p Consistency) Check(before, after Head) error {
	if p.From != before.Size || p.To != after.Size || before.Size < 1 || before.Size > after.Size ||
		tlog.CheckTree(p.Hashes, after.Size, after.Hash, before.Size, before.Hash) != nil {
		return slipway.Errorf(slipway.Conflict, "the ledger of size %d is not proven to go on from that of size %d", after.Size, before.Size).
			WithFix("it was rewritten, or the proof or a head was changed")
	}
	return nil
}
