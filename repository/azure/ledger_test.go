package azure_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/repository/emulator"
	"github.com/slipway-cd/slipway/repository/repositorytest"
)

// Two machines that share nothing but a container see one history.
func TestLedgerInAContainer(t *testing.T) {
	store := emulator.Azurite(t)
	var n atomic.Int64
	repositorytest.Ledger(t, func(t *testing.T) repositorytest.Store {
		name := fmt.Sprintf("ledger-%d", n.Add(1))
		emulator.Container(t, store, name)
		return repositorytest.Store{
			Open: func(t *testing.T) repository.Repository { return open(t, at(name, store)) },
			Put: func(t *testing.T, key, text string) {
				emulator.Azure(t, store, http.MethodPut, name+"/"+key, text)
			},
			Delete: func(t *testing.T, key string) {
				emulator.Azure(t, store, http.MethodDelete, name+"/"+key, "")
			},
		}
	})
}
