package bucket_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slipway-cd/slipway/awsauth/awstest"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/ledgertest"
	"github.com/slipway-cd/slipway/ledger/object"
	"github.com/slipway-cd/slipway/repository/repositorytest"
)

// Two machines that share nothing but a bucket see one history.
func TestLedgerInABucket(t *testing.T) {
	moto := awstest.Moto(t)
	var n atomic.Int64
	ledgertest.Run(t, func(t *testing.T) ledgertest.Kit {
		name := fmt.Sprintf("ledger-%d", n.Add(1))
		address := awstest.Bucket(t, moto, name)
		clock := repositorytest.NewClock(time.Date(2026, 11, 22, 12, 3, 10, 0, time.UTC))
		reopen := func(t *testing.T) (ledger.Ledger, ledger.Leaser) {
			l := object.New(&repositorytest.Stamped{Repository: open(t, address), Clock: clock}, clock.Now)
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
				awstest.Send(t, http.MethodPut, moto+"/"+entryPath(name, e.Subject, e.Number), string(data))
			},
			Remove: func(t *testing.T, s ledger.Subject, number int64) {
				awstest.Send(t, http.MethodDelete, moto+"/"+entryPath(name, s, number), "")
			},
		}
	})
}

func entryPath(bucket string, s ledger.Subject, number int64) string {
	return fmt.Sprintf("%s/%s/%s/ledger/%010d.json", bucket, s.App, s.Environment, number)
}
