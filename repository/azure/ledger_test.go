package azure_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/ledgertest"
	"github.com/slipway-cd/slipway/ledger/object"
	"github.com/slipway-cd/slipway/repository/emulator"
	"github.com/slipway-cd/slipway/repository/repositorytest"
)

// Two machines that share nothing but a container see one history.
func TestLedgerInAContainer(t *testing.T) {
	store := emulator.Azurite(t)
	var n atomic.Int64
	ledgertest.Run(t, func(t *testing.T) ledgertest.Kit {
		name := fmt.Sprintf("ledger-%d", n.Add(1))
		emulator.Container(t, store, name)
		clock := repositorytest.NewClock(time.Date(2026, 11, 23, 12, 3, 10, 0, time.UTC))
		reopen := func(t *testing.T) (ledger.Ledger, ledger.Leaser) {
			l := object.New(&repositorytest.Stamped{Repository: open(t, at(name, store)), Clock: clock}, clock.Now)
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
				emulator.Azure(t, store, http.MethodPut, name+"/"+entryKey(e.Subject, e.Number), string(data))
			},
			Remove: func(t *testing.T, s ledger.Subject, number int64) {
				emulator.Azure(t, store, http.MethodDelete, name+"/"+entryKey(s, number), "")
			},
		}
	})
}

func entryKey(s ledger.Subject, number int64) string {
	return fmt.Sprintf("%s/%s/ledger/%010d.json", s.App, s.Environment, number)
}
