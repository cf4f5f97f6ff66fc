package tree

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
)

// A Source is a ledger with its tree as it is kept, at one moment, with nothing
// verified.
type Source interface {
	// Subjects are all that have an entry, a leaf, or an entry that waits; sorted.
	Subjects(ctx context.Context) ([]ledger.Subject, error)
	// Chain are the entries of a subject by number.
	Chain(ctx context.Context, s ledger.Subject) ([]Row, error)
	// Leaves are the leaves of a subject's entries by number.
	Leaves(ctx context.Context, s ledger.Subject) ([]Leaf, error)
	// Waiting are the numbers of a subject's entries that are not in the tree yet.
	Waiting(ctx context.Context, s ledger.Subject) ([]int64, error)
	// Hashes calls fn for each stored hash, by index.
	Hashes(ctx context.Context, fn func(index int64, hash []byte) error) error
	// Heads are the signed heads by size.
	Heads(ctx context.Context) ([]SignedHead, error)
}

// A Row is an entry as it is kept.
type Row struct {
	Entry ledger.Entry
	Odd   string // why it is not written as an entry is; empty: it is
}

// A SignedHead is one as it is kept.
type SignedHead struct {
	Size int64
	Note string
}

// A Report is what a verification found.
type Report struct {
	Chains   int       `json:"chains"`
	Entries  int64     `json:"entries"`
	Waiting  int64     `json:"waiting"` // entries that are not in the tree yet
	Head     Head      `json:"head"`    // of the tree as it is
	Signed   string    `json:"signed,omitempty"`
	Before   *Head     `json:"before,omitempty"` // the head that was kept outside
	Problems []Problem `json:"problems"`
}

// A Problem is something in the ledger that is not as it was written.
type Problem struct {
	App         string `json:"app,omitempty"`
	Environment string `json:"environment,omitempty"`
	Number      int64  `json:"number,omitempty"` // of the entry
	What        string `json:"what"`
}

// String says it as people do.
func (p Problem) String() string {
	switch {
	case p.Number > 0:
		return fmt.Sprintf("entry %d of %s in %s: %s", p.Number, p.App, p.Environment, p.What)
	case p.App != "":
		return fmt.Sprintf("%s in %s: %s", p.App, p.Environment, p.What)
	}
	return p.What
}

// Err returns the problems as an error of kind Conflict; nil if there are none.
func (r Report) Err() error {
	if len(r.Problems) == 0 {
		return nil
	}
	return slipway.Errorf(slipway.Conflict, "the ledger was changed behind Slipway's back: %s", r.Problems[0]).
		WithFix("bring it back from a backup, and find out who could write there")
}

// Against is what a ledger is held against.
type Against struct {
	Public string // the public key of its heads; empty: nothing was ever signed
	Head   string // a signed head that was kept outside; empty: none
}

// maxProblems bounds a report; more of them tell nothing new.
const maxProblems = 100

// Verify reads a whole ledger: every chain, every leaf against its entry, every hash
// of the tree, every signed head, and whether the tree goes on from a head that was
// kept outside. What is wrong is in the report; an error is what could not be read.
func Verify(ctx context.Context, src Source, a Against) (Report, error) {
	v := &verifier{report: Report{Problems: []Problem{}}, places: map[int64]place{}}
	var err error
	if v.subjects, err = src.Subjects(ctx); err != nil {
		return v.report, err
	}
	for i := range v.subjects {
		if err := v.chain(ctx, src, i); err != nil {
			return v.report, err
		}
	}
	if err := v.heads(ctx, src, a); err != nil {
		return v.report, err
	}
	if err := v.tree(ctx, src); err != nil {
		return v.report, err
	}
	v.compare()
	return v.report, nil
}

// A verifier holds what the parts of a ledger say of each other.
type verifier struct {
	report   Report
	subjects []ledger.Subject
	notes    []string        // of those who handed the key of the heads over
	places   map[int64]place // by leaf
	signed   []claim
	last     int64 // size of the newest head
}

// A place is what a leaf has to be, by the entry there is.
type place struct {
	hash    tlog.Hash
	subject int32 // in subjects
	number  int64
}

// A claim is a signed head that the tree has to have had.
type claim struct {
	head Head
	what string
}

func (v *verifier) problem(p Problem) {
	if len(v.report.Problems) < maxProblems {
		v.report.Problems = append(v.report.Problems, p)
	}
}

func (v *verifier) about(s ledger.Subject, number int64, what string, args ...any) {
	v.problem(Problem{App: s.App, Environment: s.Environment, Number: number, What: fmt.Sprintf(what, args...)})
}

// chain checks one chain, and that each of its entries is in the tree once or waits.
func (v *verifier) chain(ctx context.Context, src Source, at int) error {
	s := v.subjects[at]
	rows, err := src.Chain(ctx, s)
	if err != nil {
		return err
	}
	v.report.Chains++
	v.report.Entries += int64(len(rows))
	v.links(s, rows)
	v.handovers(rows)
	leaves, err := src.Leaves(ctx, s)
	if err != nil {
		return err
	}
	waiting, err := src.Waiting(ctx, s)
	if err != nil {
		return err
	}
	v.report.Waiting += int64(len(waiting))
	entries := map[int64]ledger.Entry{}
	for _, r := range rows {
		entries[r.Entry.Number] = r.Entry
	}
	placed := map[int64]bool{}
	for _, l := range leaves {
		placed[l.Number] = true
		e, ok := entries[l.Number]
		if !ok {
			v.about(s, l.Number, "it is missing; the tree has it as leaf %d", l.Index)
			continue
		}
		if hash, err := ledger.Hash(e); err == nil {
			e.Hash = hash // of the bytes that are there
		}
		v.places[l.Index] = place{hash: LeafHash(e), subject: int32(at), number: l.Number} //nolint:gosec // there are not that many chains
	}
	for _, n := range waiting {
		if _, ok := entries[n]; !ok {
			v.about(s, n, "it is missing; it waited for its place in the tree")
		} else if placed[n] {
			v.about(s, n, "it waits for a place in the tree, and has one")
		}
		placed[n] = true
	}
	for _, r := range rows {
		if !placed[r.Entry.Number] {
			v.about(s, r.Entry.Number, "it is not in the tree, and does not wait to be")
		}
	}
	return nil
}

// links checks that rows are a chain, and names each row at fault.
func (v *verifier) links(s ledger.Subject, rows []Row) {
	var before ledger.Entry
	ids := map[string]bool{}
	for _, r := range rows {
		e := r.Entry
		hash, err := ledger.Hash(e)
		switch {
		case err != nil:
			v.about(s, e.Number, "it cannot be hashed: %v", err)
		case e.Number != before.Number+1:
			for n := before.Number + 1; n < e.Number && n < before.Number+10; n++ {
				v.about(s, n, "it is missing")
			}
		case e.Hash != hash:
			v.about(s, e.Number, "it was changed: its hash is %s and its bytes have %s", e.Hash, hash)
		case e.Prev != before.Hash:
			v.about(s, e.Number, "it does not follow entry %d", before.Number)
		case ids[e.ID]:
			v.about(s, e.Number, "its id %s is there twice", e.ID)
		case r.Odd != "":
			v.about(s, e.Number, "%s", r.Odd)
		}
		ids[e.ID] = true
		before = e
	}
}

// handovers takes the notes by which the key of the heads was handed over. Who signed
// them is looked at, not where they stand.
func (v *verifier) handovers(rows []Row) {
	for _, r := range rows {
		var h Handover
		if (r.Entry.Kind == KeyPassed || r.Entry.Kind == KeyEnded) && json.Unmarshal(r.Entry.Body, &h) == nil {
			v.notes = append(v.notes, h.Note)
		}
	}
}

// heads opens the signed heads.
func (v *verifier) heads(ctx context.Context, src Source, a Against) error {
	if keys, err := ParseKeys(a.Public); err == nil {
		a.Public = keys.Follow(v.notes).String()
	}
	all, err := src.Heads(ctx)
	if err != nil {
		return err
	}
	for _, s := range all {
		v.last = max(v.last, s.Size)
		v.report.Signed = s.Note
		h, err := OpenHead(s.Note, a.Public)
		switch {
		case err != nil:
			v.problem(Problem{What: fmt.Sprintf("the signed head of size %d cannot be believed: %v", s.Size, err)})
		case h.Size != s.Size:
			v.problem(Problem{What: fmt.Sprintf("the signed head of size %d is one of size %d", s.Size, h.Size)})
		default:
			v.signed = append(v.signed, claim{h, fmt.Sprintf("the signed head of size %d", h.Size)})
		}
	}
	if a.Head == "" {
		return nil
	}
	h, err := OpenHead(a.Head, a.Public)
	if err != nil {
		return fmt.Errorf("the head to compare with: %w", err)
	}
	v.report.Before = &h
	v.signed = append(v.signed, claim{h, fmt.Sprintf("the head of size %d that was kept outside", h.Size)})
	return nil
}

// errEnough ends a reading.
var errEnough = errors.New("enough")

// tree compares each leaf with its entry, computes the tree again from the leaves,
// and compares each stored hash and each signed head with it. It keeps one hash a level.
func (v *verifier) tree(ctx context.Context, src Source) error {
	var t frontier
	slices.SortStableFunc(v.signed, func(a, b claim) int { return int(a.head.Size - b.head.Size) })
	due := v.signed
	for len(due) > 0 && due[0].head.Size == 0 {
		due = due[1:]
	}
	var want []tlog.Hash // the hashes that leaf t.size stores, still to come
	var next int64
	err := src.Hashes(ctx, func(index int64, hash []byte) error {
		if index != next {
			v.problem(Problem{What: fmt.Sprintf("the tree lacks the hash %d", next)})
			return errEnough
		}
		next++
		if len(want) == 0 { // a wrong leaf is told once, and not again of all that stands above it
			want = t.add(v.leaf(t.size, hash))
		}
		if string(want[0][:]) != string(hash) {
			level, n := tlog.SplitStoredHashIndex(index)
			v.problem(Problem{What: fmt.Sprintf("the tree's hash over leaves %d to %d is not that of these leaves", n<<level, (n+1)<<level-1)})
		}
		want = want[1:]
		for len(want) == 0 && len(due) > 0 && due[0].head.Size == t.size {
			if t.root() != due[0].head.Hash {
				v.problem(Problem{What: due[0].what + " is not that of the entries there are"})
			}
			due = due[1:]
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	if err == nil && len(want) > 0 {
		v.problem(Problem{What: fmt.Sprintf("the tree lacks the hash %d", next)})
	}
	for _, c := range due {
		v.problem(Problem{What: fmt.Sprintf("%s is of more than the %d leaves there are: entries were taken away", c.what, t.size)})
	}
	v.report.Head = Head{Size: t.size, Hash: t.root()}
	return nil
}

// leaf compares a stored leaf with its entry, and returns what is stored.
func (v *verifier) leaf(index int64, stored []byte) tlog.Hash {
	p, ok := v.places[index]
	switch {
	case !ok:
		v.problem(Problem{What: fmt.Sprintf("leaf %d of the tree is of no entry", index)})
	case string(p.hash[:]) != string(stored):
		v.about(v.subjects[p.subject], p.number, "it is not the entry that leaf %d of the tree was made of", index)
	}
	var h tlog.Hash
	copy(h[:], stored)
	return h
}

// compare says what the sizes of the parts tell.
func (v *verifier) compare() {
	if v.report.Head.Size != v.last {
		v.problem(Problem{What: fmt.Sprintf("the tree has %d leaves and the newest signed head is of %d", v.report.Head.Size, v.last)})
	}
	for _, index := range slices.Sorted(maps.Keys(v.places)) {
		if p := v.places[index]; index >= v.report.Head.Size || index < 0 {
			v.about(v.subjects[p.subject], p.number, "its leaf %d is not in the tree", index)
		}
	}
}

// A frontier is a tree that grows, of which one hash a level is kept.
type frontier struct {
	size   int64
	levels [64]tlog.Hash // of the complete subtrees that size has a bit for
}

// add puts a leaf in, and returns the hashes that are stored for it.
func (t *frontier) add(leaf tlog.Hash) []tlog.Hash {
	hashes := []tlog.Hash{leaf}
	level := 0
	for ; t.size>>level&1 == 1; level++ {
		leaf = tlog.NodeHash(t.levels[level], leaf)
		hashes = append(hashes, leaf)
	}
	t.levels[level] = leaf
	t.size++
	return hashes
}

// root is the tree's hash.
func (t *frontier) root() tlog.Hash {
	var root tlog.Hash
	first := true
	for level := range t.levels {
		if t.size>>level&1 == 0 {
			continue
		}
		if first {
			root, first = t.levels[level], false
			continue
		}
		root = tlog.NodeHash(t.levels[level], root)
	}
	if first {
		root, _ = tlog.TreeHash(0, nil) // of an empty tree it reads nothing
	}
	return root
}
