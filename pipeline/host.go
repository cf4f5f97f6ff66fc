package pipeline

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/deploy"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/workflow"
)

// keptWorkflows is how many workflows that have ended stay in the database, for
// those who look into a fault. The ledger keeps what happened for good.
const keptWorkflows = 100

// HostConfig says how a state folder is opened.
type HostConfig struct {
	Folder  string // the state folder
	Parts   Parts
	Me      ledger.Holder
	Cache   string // folder for what all projects of this user share
	Clock   func() time.Time
	Wait    time.Duration    // for another process that changes the state folder
	Waiting func(busy error) // told when it has to wait
}

// A Host is a state folder that this process, and no other, changes: its database,
// its workflows, its caches. On a command line one flow works in it; on a server
// many do at once, each for another app.
type Host struct {
	state  State
	flows  flows
	cache  repository.Repository // answers of checks
	me     ledger.Holder
	work   string // folder for clean copies while they are worked on
	made   atomic.Int64
	unlock func()
}

// OpenHost opens a state folder to change it. Close it.
func OpenHost(ctx context.Context, c HostConfig) (*Host, error) {
	if err := makeState(c.Folder); err != nil {
		return nil, err
	}
	unlock, err := lockState(ctx, c.Folder, c.Me, c.Wait, c.Clock, c.Waiting)
	if err != nil {
		return nil, err
	}
	// Copies lie outside of the repository, so that no tool finds one around them.
	// Nothing in them is needed after the process that made it.
	h := &Host{me: c.Me, work: filepath.Join(c.Cache, "work", digestOf(c.Folder)), unlock: unlock}
	if err := h.open(ctx, c); err != nil {
		_ = h.Close() // the first error is the one to tell
		return nil, err
	}
	return h, nil
}

// open clears away what killed processes left, and starts the workflows.
func (h *Host) open(ctx context.Context, c HostConfig) error {
	if err := ClearAway(h.work); err != nil {
		return unwritable(h.work, err)
	}
	var err error
	if h.me.ID, err = holderID(c.Folder, c.Me.Who); err != nil {
		return err
	}
	if h.state, err = c.Parts.State(ctx, c.Folder, true); err != nil {
		return err
	}
	if h.cache, err = c.Parts.Repository(ctx, slipway.Environment{Repository: filepath.Join(c.Folder, "cache", "answers")}); err != nil {
		return err
	}
	h.flows = register(h.state.Engine())
	if err := h.state.Engine().Launch(); err != nil {
		return err
	}
	return h.state.Engine().Prune(keptWorkflows)
}

// ClearAway removes a folder of a process that was killed. What that one started may
// still write there for a moment: what then cannot be removed goes the next time.
func ClearAway(dir string) error {
	id, err := newID()
	if err != nil {
		return err
	}
	if err := os.Rename(dir, dir+".gone-"+id); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	gone, err := filepath.Glob(dir + ".gone-*")
	for _, old := range gone {
		_ = os.RemoveAll(old) // as above
	}
	return err
}

// Flow makes a flow that works in this state folder. The caller sees to it that
// there is one at a time for an app.
func (h *Host) Flow(c Config) *Flow {
	c.Me.ID = h.me.ID
	return &Flow{
		Config: c, state: h.state, host: h, places: map[string]*Place{},
		work: filepath.Join(h.work, strconv.FormatInt(h.made.Add(1), 10)),
	}
}

// State is the database, for what a server keeps beside the workflows.
func (h *Host) State() State { return h.state }

// Holder is under which id leases are held here.
func (h *Host) Holder() string { return h.me.ID }

// Prune deletes the records of workflows that nobody asks for any more.
func (h *Host) Prune() error { return h.state.Engine().Prune(keptWorkflows) }

// Close ends the work in the state folder. What was cut short can be gone on with.
func (h *Host) Close() error {
	defer h.unlock()
	if h.state == nil {
		return nil
	}
	return h.state.Close()
}

// flows are the durable workflows. A shipped one is not edited: a new one is
// registered beside it under another name.
type flows struct {
	ship     *workflow.Workflow[ShipInput, Shipped]
	deploy   *workflow.Workflow[DeployInput, deploy.Output]
	rollback *workflow.Workflow[RollbackInput, deploy.Output]
}

// register makes the workflows known to the engine. Each finds the flow that it
// works for in the context of whoever runs it.
func register(e *workflow.Engine) flows {
	return flows{
		ship: workflow.Register(e, "ship", func(s *workflow.Steps, in ShipInput) (Shipped, error) {
			return carried(s.Context()).ship(s, in)
		}),
		deploy: workflow.Register(e, "deploy", func(s *workflow.Steps, in DeployInput) (deploy.Output, error) {
			return carried(s.Context()).deployWorkflow(s, in)
		}),
		rollback: workflow.Register(e, "rollback", func(s *workflow.Steps, in RollbackInput) (deploy.Output, error) {
			return carried(s.Context()).rollbackWorkflow(s, in)
		}),
	}
}

type flowKey struct{}

// carry gives a workflow's function the flow to work for.
func (f *Flow) carry(ctx context.Context) context.Context {
	return context.WithValue(ctx, flowKey{}, f)
}

func carried(ctx context.Context) *Flow {
	f, ok := ctx.Value(flowKey{}).(*Flow)
	if !ok {
		panic("a workflow was run without the flow that it works for")
	}
	return f
}
