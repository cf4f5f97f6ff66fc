package gcs_test

import (
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/repository/emulator"
	"github.com/slipway-cd/slipway/repository/repositorytest"
)

// Two machines that share nothing but a bucket see one history.
func TestLedgerInABucket(t *testing.T) {
	store := emulator.GCS(t)
	var n atomic.Int64
	repositorytest.Ledger(t, func(t *testing.T) repositorytest.Store {
		name := fmt.Sprintf("ledger-%d", n.Add(1))
		emulator.Bucket(t, store, name)
		return repositorytest.Store{
			Open: func(t *testing.T) repository.Repository { return open(t, at(name, store)) },
			Put: func(t *testing.T, key, text string) {
				emulator.Google(t, store, http.MethodPost, "/upload/storage/v1/b/"+name+"/o?uploadType=media&name="+key, "text/plain", text)
			},
			Delete: func(t *testing.T, key string) {
				emulator.Google(t, store, http.MethodDelete, "/storage/v1/b/"+name+"/o/"+url.PathEscape(key), "", "")
			},
		}
	})
}
