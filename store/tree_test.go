package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/tree"
	"github.com/slipway-cd/slipway/store"
)

// A book is a store with a tree over its ledger.
type book struct {
	*store.Store
	signer *tree.Signer
}

func (b book) all(t testing.TB) int {
	t.Helper()
	n, err := tree.Sequencer{Keeper: b.Store, Signer: b.signer}.All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (b book) verify(t testing.TB, head string) tree.Report {
	t.Helper()
	var r tree.Report
	err := b.Snapshot(t.Context(), func(s store.Snapshot) (err error) {
		r, err = tree.Verify(t.Context(), s, tree.Against{Public: b.signer.Public, Head: head})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (b book) note(t testing.TB) string {
	t.Helper()
	h, err := b.SignedHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return h.Note
}

// write appends entries to two chains, in turns.
func (b book) write(t testing.TB, n int) {
	t.Helper()
	for range n {
		for _, app := range []string{"traffic", "shop"} {
			b.append(t, app)
		}
	}
}

func (b book) append(t testing.TB, app string) {
	t.Helper()
	s := ledger.Subject{App: app, Environment: "prod"}
	err := b.Change(t.Context(), func(tx *store.Tx) error { return appendNext(t.Context(), b.Store, tx, s) })
	if err != nil {
		t.Fatal(err)
	}
}

func appendNext(ctx context.Context, b *store.Store, tx *store.Tx, s ledger.Subject) error {
	entries, err := b.Ledger(at).Entries(ctx, s, 0)
	if err != nil {
		return err
	}
	after := int64(len(entries))
	_, err = tx.Append(ctx, ledger.Draft{
		Subject: s, After: after, ID: fmt.Sprint("id-", after), Kind: "deployment.started", Time: at().Add(time.Duration(after) * time.Second),
		By: "ana", Body: map[string]any{"number": after, "note": "abc"}, Statements: []slipway.Digest{slipway.DigestOf([]byte("x"))},
	})
	return err
}

func newBook(t testing.TB) book {
	t.Helper()
	dir := t.TempDir()
	s, err := store.Open(t.Context(), place(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	signer, err := tree.OpenSigner(dir)
	if err != nil {
		t.Fatal(err)
	}
	return book{s, signer}
}

func TestSequence(t *testing.T) { onBoth(t, testSequence) }

func testSequence(t *testing.T) {
	t.Helper()
	b := newBook(t)
	if n := b.all(t); n != 0 || b.note(t) != "" {
		t.Errorf("with nothing there: %d, %q", n, b.note(t))
	}
	var heads []string
	for round := range 4 {
		b.write(t, round+1)
		if n := b.all(t); n != 2*(round+1) {
			t.Errorf("round %d: %d entries", round, n)
		}
		heads = append(heads, b.note(t))
	}
	b.append(t, "traffic")
	for i, head := range heads {
		r := b.verify(t, head)
		if r.Err() != nil || r.Chains != 2 || r.Entries != 21 || r.Waiting != 1 || r.Head.Size != 20 || r.Signed != heads[3] {
			t.Errorf("against head %d: %+v", i, r)
		}
	}
	now, err := tree.OpenHead(heads[3], b.signer.Public)
	if err != nil {
		t.Fatal(err)
	}
	for _, app := range []string{"traffic", "shop"} {
		s := ledger.Subject{App: app, Environment: "prod"}
		entries, err := b.Ledger(at).Entries(t.Context(), s, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries[:10] {
			p, head, err := b.Inclusion(t.Context(), s, e.Number)
			if err != nil || head.Note != heads[3] || p.Check(e, now) != nil {
				t.Errorf("entry %d of %s: %v, %v", e.Number, s, err, p.Check(e, now))
			}
		}
	}
	for _, head := range heads {
		before, err := tree.OpenHead(head, b.signer.Public)
		if err != nil {
			t.Fatal(err)
		}
		p, _, err := b.Consistency(t.Context(), before.Size)
		if err != nil || p.Check(before, now) != nil {
			t.Errorf("from %d: %v, %v", before.Size, err, p.Check(before, now))
		}
	}
	_, _, err = b.Inclusion(t.Context(), ledger.Subject{App: "traffic", Environment: "prod"}, 11)
	wantError(t, err, slipway.NotFound, "entry 11 of traffic in prod is not in the tree of size 20", "")
	_, _, err = b.Consistency(t.Context(), 21)
	wantError(t, err, slipway.NotFound, "the tree has 20 leaves, and never had 21", "")
}

// TestTampered changes what is kept in every way there is, and each is named.
func TestTampered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change string
		want   string // the first problem
	}{
		"an entry's writer":      {"UPDATE ledger SET writer = 'eve' WHERE app = 'shop' AND number = 3", "entry 3 of shop in prod: it was changed: its hash is"},
		"an entry's body":        {"UPDATE ledger SET body = replace(body, 'abc', 'abd') WHERE app = 'shop' AND number = 3", "entry 3 of shop in prod: it was changed"},
		"a blank in a body":      {"UPDATE ledger SET body = replace(body, ':', ': ') WHERE app = 'shop' AND number = 3", "entry 3 of shop in prod: its body is not written as a body is"},
		"a body that is none":    {"UPDATE ledger SET body = '{' WHERE app = 'shop' AND number = 3", "entry 3 of shop in prod: it cannot be hashed"},
		"an entry's time":        {"UPDATE ledger SET time = replace(time, '12:00:02', '12:00:01') WHERE app = 'shop' AND number = 3", "entry 3 of shop in prod: it was changed"},
		"a time written oddly":   {"UPDATE ledger SET time = replace(time, 'Z', '.0Z') WHERE app = 'shop' AND number = 3", "entry 3 of shop in prod: its time is not written as a time is"},
		"a time that is none":    {"UPDATE ledger SET time = 'noon' WHERE app = 'shop' AND number = 3", "entry 3 of shop in prod: it was changed"},
		"an entry's kind":        {"UPDATE ledger SET kind = 'x' WHERE app = 'shop' AND number = 3", "entry 3 of shop in prod: it was changed"},
		"an entry's id":          {"UPDATE ledger SET id = 'x' WHERE app = 'shop' AND number = 3", "entry 3 of shop in prod: it was changed"},
		"an entry's statements":  {"UPDATE ledger SET statements = '' WHERE app = 'shop' AND number = 3", "entry 3 of shop in prod: it was changed"},
		"blanks in statements":   {"UPDATE ledger SET statements = statements || ' ' WHERE app = 'shop' AND number = 3", "entry 3 of shop in prod: its statements are not written as statements are"},
		"what it follows":        {"UPDATE ledger SET prev = hash WHERE app = 'shop' AND number = 3", "entry 3 of shop in prod: it was changed"},
		"its hash":               {"UPDATE ledger SET hash = prev WHERE app = 'shop' AND number = 3", "entry 3 of shop in prod: it was changed"},
		"its app":                {"UPDATE ledger SET app = 'Shop' WHERE app = 'shop' AND number = 3", "entry 1 of Shop in prod: it is missing"},
		"the first":              {"DELETE FROM ledger WHERE app = 'shop' AND number = 1", "entry 1 of shop in prod: it is missing"},
		"one in the middle":      {"DELETE FROM ledger WHERE app = 'shop' AND number = 3", "entry 3 of shop in prod: it is missing"},
		"the last":               {"DELETE FROM ledger WHERE app = 'shop' AND number = 5", "entry 5 of shop in prod: it is missing; the tree has it as leaf 9"},
		"a whole chain":          {"DELETE FROM ledger WHERE app = 'shop'", "entry 1 of shop in prod: it is missing; the tree has it as leaf 1"},
		"one that waits":         {"DELETE FROM ledger WHERE app = 'traffic' AND number = 6", "entry 6 of traffic in prod: it is missing; it waited for its place in the tree"},
		"the order":              {"UPDATE ledger SET number = number - 100 WHERE number > 100", "entry 2 of shop in prod: it was changed"},
		"its place in the queue": {"DELETE FROM tree_queue", "entry 6 of traffic in prod: it is not in the tree, and does not wait to be"},
		"a second place":         {"INSERT INTO tree_queue (app, environment, number) VALUES ('shop', 'prod', 3)", "entry 3 of shop in prod: it waits for a place in the tree, and has one"},
		"a leaf":                 {"DELETE FROM tree_leaf WHERE leaf = 5", "entry 3 of shop in prod: it is not in the tree, and does not wait to be"},
		"the last leaf":          {"DELETE FROM tree_leaf WHERE leaf = 9", "entry 5 of shop in prod: it is not in the tree, and does not wait to be"},
		"a leaf's number":        {"UPDATE tree_leaf SET number = 7 WHERE leaf = 5", "entry 7 of shop in prod: it is missing; the tree has it as leaf 5"},
		"a leaf's place":         {"UPDATE tree_leaf SET leaf = 77 WHERE leaf = 5", "leaf 5 of the tree is of no entry"},
		"a leaf's hash":          {"UPDATE tree_hash SET hash = zeroblob(32) WHERE id = 0", "entry 1 of traffic in prod: it is not the entry that leaf 0 of the tree was made of"},
		"an inner hash":          {"UPDATE tree_hash SET hash = zeroblob(32) WHERE id = 2", "the tree's hash over leaves 0 to 1 is not that of these leaves"},
		"a short hash":           {"UPDATE tree_hash SET hash = zeroblob(31) WHERE id = 2", "the tree's hash over leaves 0 to 1 is not that of these leaves"},
		"no hash":                {"DELETE FROM tree_hash WHERE id = 2", "the tree lacks the hash 2"},
		"no last hash":           {"DELETE FROM tree_hash WHERE id = (SELECT max(id) FROM tree_hash)", "the tree lacks the hash"},
		"a head's note":          {"UPDATE tree_head SET note = replace(note, char(10) || '10' || char(10), char(10) || '11' || char(10)) WHERE size = 10", "the signed head of size 10 cannot be believed: the head is not signed by"},
		"a head's size":          {"UPDATE tree_head SET size = 11 WHERE size = 10", "the signed head of size 11 is one of size 10"},
		"the newest head":        {"DELETE FROM tree_head WHERE size = 10", "the tree has 10 leaves and the newest signed head is of 8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBook(t)
			for _, n := range []int{4, 1} {
				b.write(t, n)
				b.all(t)
			}
			b.append(t, "traffic")
			if name == "the order" {
				execute(t, b.Store, "UPDATE ledger SET number = 105 - number WHERE app = 'shop' AND number IN (2, 3)")
			}
			if n := execute(t, b.Store, c.change); n == 0 {
				t.Fatal("nothing was changed")
			}
			r := b.verify(t, "")
			if len(r.Problems) == 0 || !strings.HasPrefix(r.Problems[0].String(), c.want) {
				t.Errorf("got %v\nwant %s", r.Problems, c.want)
			}
			wantError(t, r.Err(), slipway.Conflict, "the ledger was changed behind Slipway's back: "+c.want, "bring it back from a backup")
		})
	}
}

// TestFlippedBits changes one bit of one cell, wherever it is.
func TestFlippedBits(t *testing.T) {
	b := newBook(t)
	b.write(t, 4)
	b.all(t)
	b.append(t, "shop")
	random := rand.New(rand.NewPCG(1, 2))
	tables := map[string][]string{
		"ledger":    {"app", "environment", "prev", "id", "kind", "time", "writer", "body", "statements", "hash"},
		"tree_leaf": {"app", "environment"}, "tree_hash": {"hash"}, "tree_head": {"note"}, "tree_queue": {"app", "environment"},
	}
	for table, columns := range tables {
		for _, column := range columns {
			for range 6 {
				flip(t, b, random, table, column)
			}
		}
	}
	if r := b.verify(t, ""); r.Err() != nil {
		t.Fatalf("all was put back, and yet: %v", r.Problems)
	}
}

// flip changes a bit, verifies, and changes it back.
func flip(t *testing.T, b book, random *rand.Rand, table, column string) {
	t.Helper()
	var row int64
	var cell []byte
	query := fmt.Sprintf("SELECT rowid, CAST(%s AS BLOB) FROM %s ORDER BY random() LIMIT 1", column, table)
	if err := b.Writer().QueryRowContext(t.Context(), query).Scan(&row, &cell); err != nil {
		t.Fatal(err)
	}
	if len(cell) == 0 {
		return
	}
	bad := append([]byte{}, cell...)
	i := random.IntN(len(bad))
	bad[i] ^= 1 << random.IntN(8)
	set := fmt.Sprintf("UPDATE %s SET %s = CAST(? AS %s) WHERE rowid = ?", table, column, map[bool]string{true: "BLOB", false: "TEXT"}[column == "hash" && table == "tree_hash"])
	if _, err := b.Execute(t.Context(), set, bad, row); err != nil && strings.Contains(err.Error(), "UNIQUE") {
		return // it is another one's now, which the database refuses
	} else if err != nil {
		t.Fatal(err)
	}
	if r := b.verify(t, ""); len(r.Problems) == 0 {
		t.Errorf("%s.%s, row %d: byte %d of %q became %q, and nobody saw it", table, column, row, i, cell, bad)
	}
	execute(t, b.Store, set, cell, row)
}

// TestRewritten makes everything anew but for the head that was kept outside, as
// somebody could who has the server's key.
func TestRewritten(t *testing.T) { onBoth(t, testRewritten) }

func testRewritten(t *testing.T) {
	t.Helper()
	b := newBook(t)
	b.write(t, 3)
	b.all(t)
	outside := b.note(t)
	for _, table := range []string{"ledger", "tree_leaf", "tree_hash", "tree_head"} {
		execute(t, b.Store, "DELETE FROM "+table)
	}
	b.write(t, 2)
	b.all(t)
	if r := b.verify(t, ""); r.Err() != nil {
		t.Errorf("in itself it is whole: %v", r.Problems)
	}
	wantError(t, b.verify(t, outside).Err(), slipway.Conflict, "the head of size 6 that was kept outside is of more than the 4 leaves there are: entries were taken away", "")
	b.append(t, "shop")
	b.append(t, "other")
	b.all(t)
	wantError(t, b.verify(t, outside).Err(), slipway.Conflict, "the head of size 6 that was kept outside is not that of the entries there are", "")
	err := b.Snapshot(t.Context(), func(s store.Snapshot) error {
		_, err := tree.Verify(t.Context(), s, tree.Against{Public: b.signer.Public, Head: "x"})
		return err
	})
	wantError(t, err, slipway.Invalid, "the head to compare with: the head is not signed by", "it was changed, or is of another server")
}

// What is wrong is not signed.
func TestNothingWrongComesIn(t *testing.T) { onBoth(t, testNothingWrongComesIn) }

func testNothingWrongComesIn(t *testing.T) {
	t.Helper()
	for change, want := range map[string]string{
		"DELETE FROM ledger WHERE number = 2":                   "the ledger of traffic in prod is broken at entry 2: it is missing; it waited for its place in the tree",
		"UPDATE ledger SET writer = 'eve' WHERE number = 2":     "the ledger of traffic in prod is broken at entry 2: it was changed before it came into the tree",
		"UPDATE ledger SET body = body || ' ' WHERE number = 2": "the ledger of traffic in prod is broken at entry 2: it was changed before it came into the tree",
	} {
		b := newBook(t)
		for range 3 {
			b.append(t, "traffic")
		}
		execute(t, b.Store, change)
		_, err := tree.Sequencer{Keeper: b.Store, Signer: b.signer}.All(t.Context())
		wantError(t, err, slipway.Conflict, want, "backup")
		if b.note(t) != "" {
			t.Error("a head was signed")
		}
	}
}

func TestSequenceIsAllOrNothing(t *testing.T) { onBoth(t, testSequenceIsAllOrNothing) }

func testSequenceIsAllOrNothing(t *testing.T) {
	t.Helper()
	b := newBook(t)
	b.write(t, 3)
	fault := errors.New("no signature")
	_, n, err := b.Sequence(t.Context(), 4, tree.Head{}, func(tree.Head) (string, error) { return "", fault })
	if !errors.Is(err, fault) || n != 0 {
		t.Errorf("got %d, %v", n, err)
	}
	if r := b.verify(t, ""); r.Err() != nil || r.Waiting != 6 || r.Head.Size != 0 {
		t.Errorf("after a fault: %+v", r)
	}
	if _, n, err = b.Sequence(t.Context(), 4, tree.Head{}, b.signer.Sign); err != nil || n != 4 {
		t.Errorf("got %d, %v", n, err)
	}
	if n := b.all(t); n != 2 {
		t.Errorf("then %d", n)
	}
	if r := b.verify(t, ""); r.Err() != nil || r.Head.Size != 6 {
		t.Errorf("in the end: %+v", r)
	}
}

// Several sequencers, writers and readers at once.
func TestSequenceWhileOthersWrite(t *testing.T) { onBoth(t, testSequenceWhileOthersWrite) }

func testSequenceWhileOthersWrite(t *testing.T) {
	t.Helper()
	b := newBook(t)
	var wg sync.WaitGroup
	for _, app := range []string{"traffic", "shop", "roads"} {
		wg.Go(func() {
			for range 25 {
				b.append(t, app)
			}
		})
	}
	for range 2 {
		wg.Go(func() {
			for range 10 {
				b.all(t)
			}
		})
	}
	wg.Go(func() {
		for range 8 {
			if r := b.verify(t, b.note(t)); r.Err() != nil {
				t.Errorf("in between: %v", r.Problems)
			}
		}
	})
	wg.Wait()
	b.all(t)
	if r := b.verify(t, ""); r.Err() != nil || r.Head.Size != 75 || r.Waiting != 0 {
		t.Errorf("in the end: %+v", r)
	}
}

// A ledger of an older version gets its tree too.
func TestLedgerFromBeforeTheTree(t *testing.T) { onBoth(t, testLedgerFromBeforeTheTree) }

func testLedgerFromBeforeTheTree(t *testing.T) {
	t.Helper()
	b := newBook(t)
	b.write(t, 3)
	execute(t, b.Store, "DELETE FROM tree_queue")
	execute(t, b.Store, "INSERT INTO tree_queue (app, environment, number) SELECT app, environment, number FROM ledger ORDER BY time, app, environment, number")
	if n := b.all(t); n != 6 {
		t.Errorf("%d entries", n)
	}
	if r := b.verify(t, ""); r.Err() != nil {
		t.Errorf("got %v", r.Problems)
	}
}

func TestEmptyTree(t *testing.T) { onBoth(t, testEmptyTree) }

func testEmptyTree(t *testing.T) {
	t.Helper()
	r := newBook(t).verify(t, "")
	root, err := tlog.TreeHash(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(tree.Report{Head: tree.Head{Hash: root}, Problems: []tree.Problem{}}, r); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func BenchmarkSequence(b *testing.B) {
	k := newBook(b)
	s := ledger.Subject{App: "traffic", Environment: "prod"}
	const n = 1000
	id := 0
	for b.Loop() {
		b.StopTimer()
		err := k.Change(b.Context(), func(tx *store.Tx) error {
			for range n {
				id++
				_, err := tx.AppendLast(b.Context(), ledger.Draft{Subject: s, ID: strconv.Itoa(id), Kind: "deployment.started", Time: at(), By: "ana", Body: id})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if got := k.all(b); got != n {
			b.Fatalf("%d entries", got)
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "entries/s")
}
