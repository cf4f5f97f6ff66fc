// Package pipeline knows the order of the six stages: it takes an app's source
// along the road as durable workflows, and opens the places the road leads
// through. Start at OpenProject and New; ship.go is the road, top to bottom.
package pipeline

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/policy"
	"github.com/slipway-cd/slipway/repository"
)

// Config is what a flow gets from outside.
type Config struct {
	Project *Project
	Parts   Parts
	Me      ledger.Holder // who is at work, for ledgers and for those who wait
	Cache   string        // folder for what all projects of this user share
	Environ []string
	Secrets func(ctx context.Context, ref string) (string, error)
	Clock   func() time.Time
	Emit    func(Event) // told of everything worth knowing; required
	Log     io.Writer   // what builds and checks print
	Wait    time.Duration
	// Looking is set for what only tells what would change. Where an environment has
	// a role for plans it signs in with that, which may be all that a pull request
	// gets: its build runs before anybody has read it.
	Looking bool
	// Grants are the recorded permissions to cross rails with an app in an
	// environment. nil: nobody can give any.
	Grants func(ctx context.Context, app, env string) ([]slipway.RailGrant, error)
}

// A Flow does work for one app.
type Flow struct {
	Config
	state   State // nil: the state folder has no database yet, and this flow only reads
	places  map[string]*Place
	unlock  func()
	flows   flows
	current string                // the stage under way
	cache   repository.Repository // answers of checks
	rails   *policy.Book          // nil: not loaded yet
}

// keptWorkflows is how many workflows that have ended stay in the database, for
// those who look into a fault. The ledger keeps what happened for good.
const keptWorkflows = 100

// New opens a flow that changes things: it is the only one in the state folder
// at a time. Close it.
func New(ctx context.Context, c Config) (*Flow, error) {
	f := &Flow{Config: c, places: map[string]*Place{}}
	if err := makeState(c.Project.State); err != nil {
		return nil, err
	}
	var err error
	f.unlock, err = lockState(ctx, c.Project.State, c.Me, c.Wait, c.Clock, func(busy error) {
		f.emit("", Warned, "waiting: "+busy.Error(), 0)
	})
	if err != nil {
		return nil, err
	}
	if err := f.open(ctx); err != nil {
		_ = f.Close() // the first error is the one to tell
		return nil, err
	}
	return f, nil
}

// NewReader opens a flow that only reads, while others may change things.
func NewReader(ctx context.Context, c Config) (*Flow, error) {
	state, err := c.Parts.State(ctx, c.Project.State, false)
	if err != nil {
		return nil, err
	}
	return &Flow{Config: c, state: state, places: map[string]*Place{}, unlock: func() {}}, nil
}

// open clears away what killed processes left, and starts the workflows.
func (f *Flow) open(ctx context.Context) error {
	if err := os.RemoveAll(f.workFolder()); err != nil {
		return unwritable(f.workFolder(), err)
	}
	var err error
	if f.Me.ID, err = holderID(f.Project.State, f.Me.Who); err != nil {
		return err
	}
	if f.state, err = f.Parts.State(ctx, f.Project.State, true); err != nil {
		return err
	}
	if f.cache, err = f.Parts.Repository(ctx, slipway.Environment{Repository: filepath.Join(f.Project.State, "cache", "answers")}); err != nil {
		return err
	}
	f.register()
	if err := f.state.Engine().Launch(); err != nil {
		return err
	}
	return f.state.Engine().Prune(keptWorkflows)
}

// Close ends the flow. What was cut short can be gone on with.
func (f *Flow) Close() error {
	defer f.unlock()
	if f.state == nil {
		return nil
	}
	return f.state.Close()
}

// makeState makes the state folder. It ignores itself, so that git does not see
// it.
func makeState(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return unwritable(folder, err)
	}
	ignore := filepath.Join(folder, ".gitignore")
	if _, err := os.Stat(ignore); err == nil {
		return nil
	}
	if err := writeFile(ignore, []byte("*\n")); err != nil {
		return unwritable(folder, err)
	}
	return nil
}

// workFolder holds clean copies while they are worked on. It lies outside of the
// repository, so that no tool finds one around the copy. Nothing in it is needed
// after the process that made it.
func (f *Flow) workFolder() string { return filepath.Join(f.Cache, "work", digestOf(f.Project.State)) }

func (f *Flow) emit(stage string, state EventState, text string, took time.Duration) {
	f.Emit(Event{Time: f.Clock().UTC(), Stage: stage, State: state, Text: text, Took: took})
}

// Place opens an environment.
func (f *Flow) Place(ctx context.Context, name string) (*Place, error) {
	if p, ok := f.places[name]; ok {
		return p, nil
	}
	e, err := f.Project.Environment(name)
	if err != nil {
		return nil, err
	}
	if f.Looking {
		e.Role = cmp.Or(e.PlanRole, e.Role)
	}
	p := &Place{Environment: e}
	if p.Repository, err = f.repository(ctx, e); err != nil {
		return nil, err
	}
	if p.Ledger, err = f.ledger(e, p.Repository); err != nil {
		return nil, err
	}
	f.places[name] = p
	return p, nil
}

func (f *Flow) repository(ctx context.Context, e manifest.Environment) (repository.Repository, error) {
	if e.Repository == "" {
		return nil, slipway.Errorf(slipway.Invalid, "environment %s has no repository: there is no place for its releases", e.Name).
			WithFix("set environments.%s.repository in %s", e.Name, f.Project.Platform.File)
	}
	e.Repository = inRegion(e.Repository, e.Region)
	return f.Parts.Repository(ctx, e.Environment)
}

// inRegion gives a bucket's address the environment's region, unless it names
// one.
func inRegion(address, region string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "s3" || region == "" || u.Query().Has("region") {
		return address
	}
	q := u.Query()
	q.Set("region", region)
	u.RawQuery = q.Encode()
	return u.String()
}

// ledger returns the authority over an environment: the database of the state
// folder for the one on this machine, the artifact repository for any other.
func (f *Flow) ledger(e manifest.Environment, r repository.Repository) (Ledger, error) {
	if !e.IsLocal() {
		return f.Parts.ObjectLedger(r, f.Clock), nil
	}
	if f.state == nil {
		return nil, slipway.Errorf(slipway.NotFound, "nothing of %s was shipped from here yet", f.Project.Manifest.App).
			WithFix("slipway ship")
	}
	return f.state.Ledger(), nil
}

// live opens an environment with its runtime.
func (f *Flow) live(ctx context.Context, name string) (*Place, error) {
	p, err := f.Place(ctx, name)
	if err != nil || p.Driver != nil {
		return p, err
	}
	open, ok := f.Parts.Runtimes[p.Environment.Runtime]
	if !ok {
		return nil, slipway.Errorf(slipway.Unavailable, "environment %s runs on %s, and this program has no driver for it", name, p.Environment.Runtime).
			WithFix("deploy to an environment whose runtime is one of: %s", strings.Join(slices.Sorted(maps.Keys(f.Parts.Runtimes)), ", "))
	}
	p.Driver, err = open(ctx, RuntimeConfig{
		Environment: p.Environment.Environment, Repository: p.Repository, Cache: f.Cache, WorkDir: f.Project.Dir(), Prices: f.Project.Prices(),
		Environ: f.Environ, Secrets: f.Secrets,
		Progress: func(line string) { f.emit(f.current, Progress, line, 0) }, Clock: f.Clock,
	})
	return p, err
}

// Runnable returns the environments whose runtime this program can drive.
func (f *Flow) Runnable() []string {
	var all []string
	for _, name := range f.Project.Platform.EnvironmentNames() {
		if e, ok := f.Project.Platform.Environment(name); ok && f.Parts.Runtimes[e.Runtime] != nil {
			all = append(all, name)
		}
	}
	return all
}

// newID makes an identity that nobody else has.
func newID() (string, error) {
	b := make([]byte, 12)
	if _, err := rand.Read(b); err != nil {
		return "", fmt.Errorf("make an identity: %w", err)
	}
	return hex.EncodeToString(b), nil
}
