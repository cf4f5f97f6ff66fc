package bucket_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/slipway-cd/slipway/awsauth/awstest"
	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/repository/repositorytest"
)

// Two machines that share nothing but a bucket see one history.
func TestLedgerInABucket(t *testing.T) {
	moto := awstest.Moto(t)
	var n atomic.Int64
	repositorytest.Ledger(t, func(t *testing.T) repositorytest.Store {
		name := fmt.Sprintf("ledger-%d", n.Add(1))
		address := awstest.Bucket(t, moto, name)
		return repositorytest.Store{
			Open: func(t *testing.T) repository.Repository { return open(t, address) },
			Put: func(t *testing.T, key, text string) {
				awstest.Send(t, http.MethodPut, moto+"/"+name+"/"+key, text)
			},
			Delete: func(t *testing.T, key string) {
				awstest.Send(t, http.MethodDelete, moto+"/"+name+"/"+key, "")
			},
		}
	})
}
