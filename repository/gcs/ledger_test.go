package gcs_test

import (
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/ledgertest"
	"github.com/slipway-cd/slipway/ledger/object"
	"github.com/slipway-cd/slipway/repository/emulator"
	"github.com/slipway-cd/slipway/repository/repositorytest"
)

// Two machines that share nothing but a bucket see one history.
func TestLedgerInABucket(t *testing.T) {
	store := emulator.GCS(t)
	var n atomic.Int64
	ledgertest.Run(t, func(t *testing.T) ledgertest.Kit {
		name := fmt.Sprintf("ledger-%d", n.Add(1))
		emulator.Bucket(t, store, name)
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
				emulator.Google(t, store, http.MethodPost, "/upload/storage/v1/b/"+name+"/o?uploadType=media&name="+entryKey(e.Subject, e.Number), "text/plain", string(data))
			},
			Remove: func(t *testing.T, s ledger.Subject, number int64) {
				emulator.Google(t, store, http.MethodDelete, "/storage/v1/b/"+name+"/o/"+url.PathEscape(entryKey(s, number)), "", "")
			},
		}
	})
}

func entryKey(s ledger.Subject, number int64) string {
	return fmt.Sprintf("%s/%s/ledger/%010d.json", s.App, s.Environment, number)
}
