package pipeline

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/sandbox"
	"github.com/slipway-cd/slipway/workflow"
)

// Parts are what the program links in: which runtimes and repositories there
// are is decided in cmd/slipway and nowhere else.
type Parts struct {
	// Runtimes opens a driver by the name of its runtime.
	Runtimes map[string]func(context.Context, RuntimeConfig) (driver.Driver, error)
	// Repository opens an environment's artifact repository, whose address is a
	// URL or an absolute path, with the environment's role and region.
	Repository func(context.Context, slipway.Environment) (repository.Repository, error)
	// ObjectLedger is the ledger that lies in a repository.
	ObjectLedger func(repository.Repository, func() time.Time) Ledger
	// State opens the state folder's database. For reading, others may write
	// meanwhile; if there is none, it is nil.
	State func(ctx context.Context, folder string, write bool) (State, error)
}

// RuntimeConfig is what a driver gets to know of an environment.
type RuntimeConfig struct {
	Environment slipway.Environment
	Repository  repository.Repository // the environment's
	Cache       string                // folder shared by all environments, for what is costly to make
	WorkDir     string                // the app's folder on this machine
	Prices      string                // a file of prices, which holds before the public ones; empty: there is none
	Environ     []string
	Secrets     func(ctx context.Context, ref string) (string, error)
	Progress    func(line string)
	Sandbox     *sandbox.Sandbox // for what installs packages
	Clock       func() time.Time
	Log         *slog.Logger
}

// A Ledger keeps both records and leases.
type Ledger interface {
	ledger.Ledger
	ledger.Leaser
}

// A State is the open database of the state folder.
type State interface {
	Ledger() Ledger
	Engine() *workflow.Engine // nil when opened for reading
	io.Closer
}

// A Place is an environment with everything needed to work in it.
type Place struct {
	Environment manifest.Environment
	Repository  repository.Repository
	Ledger      Ledger
	Driver      driver.Driver
}

// blobs gives a driver the artifacts of a repository.
type blobs struct{ repository.Repository }

var _ driver.Blobs = blobs{}

func (b blobs) URL(key string) string { return b.Repository.URL() + "/" + key }
