package object_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/ledgertest"
	"github.com/slipway-cd/slipway/ledger/object"
	"github.com/slipway-cd/slipway/repository/folder"
	"github.com/slipway-cd/slipway/repository/repositorytest"
)

func TestLedger(t *testing.T) {
	ledgertest.Run(t, func(t *testing.T) ledgertest.Kit {
		dir := t.TempDir()
		clock := newClock()
		open := func(t *testing.T) *object.Ledger { return object.New(stamped(t, dir, clock), clock.Now) }
		l := open(t)
		return ledgertest.Kit{
			Ledger: l, Leaser: l,
			Reopen: func(t *testing.T) (ledger.Ledger, ledger.Leaser) { l := open(t); return l, l },
			Replace: func(t *testing.T, e ledger.Entry) {
				data, err := ledger.Encode(e)
				if err != nil {
					t.Fatal(err)
				}
				remove(t, dir, keyOf(e.Subject, e.Number))
				if _, err := openFolder(t, dir).Put(t.Context(), keyOf(e.Subject, e.Number), bytes.NewReader(data)); err != nil {
					t.Fatal(err)
				}
			},
			Remove:  func(t *testing.T, s ledger.Subject, number int64) { remove(t, dir, keyOf(s, number)) },
			Advance: clock.Advance,
		}
	})
}

func keyOf(s ledger.Subject, number int64) string {
	return fmt.Sprintf("%s/%s/ledger/%010d.json", s.App, s.Environment, number)
}

func remove(t *testing.T, dir, key string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, filepath.FromSlash(key))); err != nil {
		t.Fatal(err)
	}
}

func openFolder(t testing.TB, dir string) *folder.Repository {
	t.Helper()
	r, err := folder.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func newClock() *repositorytest.Clock { return repositorytest.NewClock(at()) }

func stamped(t *testing.T, dir string, clock *repositorytest.Clock) *repositorytest.Stamped {
	t.Helper()
	return &repositorytest.Stamped{Repository: openFolder(t, dir), Clock: clock}
}
