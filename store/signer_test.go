package store_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/tree"
	"github.com/slipway-cd/slipway/store"
)

// TestKeyRotated: the next key signs beside the old one, and then alone; each head that
// was signed stays good, and the old key signs no more of them.
func TestKeyRotated(t *testing.T) { onBoth(t, testKeyRotated) }

func testKeyRotated(t *testing.T) {
	t.Helper()
	s := open(t, place(t))
	dir, other := t.TempDir(), t.TempDir()
	mine := func(dir string) *tree.Signer {
		t.Helper()
		x, err := s.Signer(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	n := 0
	sign := func(by *tree.Signer) error {
		n++
		change(t, s, func(tx *store.Tx) error {
			_, err := tx.AppendLast(t.Context(), ledger.Draft{Subject: ledger.Subject{App: "a", Environment: "prod"}, ID: time.Duration(n).String(), Kind: "x", Time: at(), By: "ana"})
			return err
		})
		_, err := tree.Sequencer{Keeper: s, Signer: by}.All(t.Context())
		return err
	}
	old := mine(dir)
	if err := sign(old); err != nil {
		t.Fatal(err)
	}
	before, err := s.SignedHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	next, err := tree.NextSigner(dir)
	if err != nil {
		t.Fatal(err)
	}
	if now := mine(dir); now.Public != old.Public {
		t.Error("a key that the ledger does not know signs")
	}
	if err := s.PassKey(t.Context(), old, next, "ana", at()); err != nil {
		t.Fatal(err)
	}
	third, err := tree.NextSigner(other)
	if err != nil {
		t.Fatal(err)
	}
	err = s.PassKey(t.Context(), old, third, "ana", at())
	if slipway.KindOf(err) != slipway.Conflict || err.Error() != "the key of the ledger is being replaced already" || slipway.FixOf(err) != "slipway keys says which server has which" {
		t.Errorf("a second one at once: %v", err)
	}
	if now := mine(dir); now.Public != next.Public { // what a killed process came to
		t.Error("the new key does not take its place")
	}
	for _, by := range []*tree.Signer{old, next} { // several servers
		if err := sign(by); err != nil {
			t.Errorf("while both sign: %v", err)
		}
	}
	for range 2 {
		if err := s.EndKey(t.Context(), next, "slipway", at()); err != nil {
			t.Fatal(err)
		}
	}
	err = sign(old)
	if slipway.KindOf(err) != slipway.Unavailable || err.Error() != "the key of the ledger was replaced, and this server has the old one" || !strings.HasPrefix(slipway.FixOf(err), "copy ledger.key from the data folder") {
		t.Errorf("with the old key: %v", err)
	}
	if err := sign(next); err != nil {
		t.Error(err)
	}
	for name, public := range map[string]string{"the old key": old.Public, "the new one": next.Public} {
		var r tree.Report
		err := s.Snapshot(t.Context(), func(x store.Snapshot) (err error) {
			r, err = tree.Verify(t.Context(), x, tree.Against{Public: public, Head: before.Note})
			return err
		})
		if err != nil || r.Err() != nil || r.Waiting != 0 || r.Before == nil {
			t.Errorf("who knows %s: %v, %v, %+v", name, err, r.Err(), r)
		}
	}
	keys, err := s.Keys(t.Context(), dir)
	want := tree.Keys{{Public: old.Public, Ended: true, Size: 4}, {Public: next.Public}}
	if diff := cmp.Diff(want, keys); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// TestEndedKeyOpensNothing: a server that has the key from before does not begin.
func TestEndedKeyOpensNothing(t *testing.T) { onBoth(t, testEndedKeyOpensNothing) }

func testEndedKeyOpensNothing(t *testing.T) {
	t.Helper()
	s := open(t, place(t))
	dir := t.TempDir()
	old, err := s.Signer(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	next, err := tree.NextSigner(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.PassKey(t.Context(), old, next, "ana", at()); err != nil {
		t.Fatal(err)
	}
	if was, err := s.OldKey(t.Context()); err != nil || was != old.Public {
		t.Errorf("%q is replaced, %v", was, err)
	}
	if err := s.EndKey(t.Context(), next, "ana", at()); err != nil {
		t.Fatal(err)
	}
	if was, err := s.OldKey(t.Context()); err != nil || was != "" {
		t.Errorf("%q is still replaced, %v", was, err)
	}
	_, err = s.Signer(t.Context(), dir)
	if slipway.KindOf(err) != slipway.Unavailable || !strings.HasSuffix(err.Error(), " is signed with a key that is not in "+filepath.Join(dir, "ledger.key")) {
		t.Errorf("got %v", err)
	}
}
