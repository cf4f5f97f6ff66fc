package repositorytest

import (
	"fmt"
	"testing"
	"time"

	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/ledgertest"
	"github.com/slipway-cd/slipway/ledger/object"
	"github.com/slipway-cd/slipway/repository"
)

// A Store is a new and empty place of a store, as machines that share nothing else
// reach it.
type Store struct {
	Open   func(t *testing.T) repository.Repository
	Put    func(t *testing.T, key, text string) // past the repository
	Delete func(t *testing.T, key string)       // past the repository
}

// Ledger holds the ledger that lies in a repository to its contract, on the stores that
// fresh makes.
func Ledger(t *testing.T, fresh func(t *testing.T) Store) {
	ledgertest.Run(t, func(t *testing.T) ledgertest.Kit {
		store := fresh(t)
		clock := NewClock(time.Date(2026, 11, 22, 12, 3, 10, 0, time.UTC))
		reopen := func(t *testing.T) (ledger.Ledger, ledger.Leaser) {
			l := object.New(&Stamped{Repository: store.Open(t), Clock: clock}, clock.Now)
			return l, l
		}
		l, leaser := reopen(t)
		return ledgertest.Kit{
			Ledger: l, Leaser: leaser, Reopen: reopen, Advance: clock.Advance,
			Replace: func(t *testing.T, e ledger.Entry) {
				data, err := ledger.Encode(e)
				if err != nil {
					t.Fatal(err)
				}
				store.Put(t, EntryKey(e.Subject, e.Number), string(data))
			},
			Remove: func(t *testing.T, s ledger.Subject, number int64) { store.Delete(t, EntryKey(s, number)) },
		}
	})
}

// EntryKey is where an entry of such a ledger lies.
func EntryKey(s ledger.Subject, number int64) string {
	return fmt.Sprintf("%s/%s/ledger/%010d.json", s.App, s.Environment, number)
}
