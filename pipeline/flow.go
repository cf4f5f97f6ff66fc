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
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/policy"
	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/sandbox"
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
	// Signer is the key with which this machine attests what it builds and deploys;
	// nil: it attests nothing.
	Signer func(context.Context) (evidence.Signer, error)
	// Reviewed says who reviewed the change that the source is, where somebody knows;
	// nil, or a nil answer: nobody does.
	Reviewed func(context.Context) (*slipway.ChangeReview, error)
	// Version is this program's own, as provenance has it.
	Version string
	// Looking is set for what only tells what would change. Where an environment has
	// a role for plans it signs in with that, which may be all that a pull request
	// gets: its build runs before anybody has read it.
	Looking bool
	// Authority is the address of the server that this flow works for. Its database
	// keeps the ledger of every environment. Empty: there is no server.
	Authority string
	// Permitted says that the server knows who asks and that they may deploy, which it
	// has looked up under environments.NAME.deployers among others.
	Permitted bool
	// Elsewhere is the ledger of a server that has the last word over the environments
	// but local. It is for who works from a command line; nil: there is none.
	Elsewhere Ledger
	// AuthorityID tells that server from any other, whatever its address.
	AuthorityID string
	// Sandbox runs the commands of teams, as far as the platform file says nothing
	// else; nil: without isolation. Packages is what package managers keep; nil:
	// nothing.
	Sandbox  *sandbox.Sandbox
	Packages *sandbox.Cache
	// Event is what checks are asked for: pull_request, push or tag; empty: nobody
	// says. Base is the commit that the source is compared with; empty: the one that
	// it has in common with the default branch.
	Event, Base string
	// Unmerged says that nobody has agreed to the source yet: what it builds is kept
	// apart from what is built of merged ones.
	Unmerged bool
}

// A Flow does work for one app.
type Flow struct {
	Config
	state   State // nil: the state folder has no database yet, and this flow only reads
	places  map[string]*Place
	host    *Host            // nil: this flow only reads
	own     bool             // the host is this flow's alone
	work    string           // folder for clean copies while they are worked on
	current string           // the stage under way
	rails   *policy.Book     // nil: not loaded yet
	boxed   *sandbox.Sandbox // nil: not made yet
	quotas  []*policy.Quota
}

// New opens a flow that changes things: it is the only one in the state folder
// at a time. Close it.
func New(ctx context.Context, c Config) (*Flow, error) {
	h, err := OpenHost(ctx, HostConfig{
		Folder: c.Project.State, Parts: c.Parts, Me: c.Me, Cache: c.Cache, Clock: c.Clock, Wait: c.Wait,
		Waiting: func(busy error) {
			c.Emit(Event{Time: c.Clock().UTC(), State: Warned, Text: "waiting: " + busy.Error()})
		},
	})
	if err != nil {
		return nil, err
	}
	f := h.Flow(c)
	f.own = true
	return f, nil
}

// NewReader opens a flow that only reads, while others may change things.
func NewReader(ctx context.Context, c Config) (*Flow, error) {
	state, err := c.Parts.State(ctx, c.Project.State, false)
	if err != nil {
		return nil, err
	}
	return &Flow{Config: c, state: state, places: map[string]*Place{}}, nil
}

// Close ends the flow. What was cut short can be gone on with.
func (f *Flow) Close() error {
	switch {
	case f.own:
		return f.host.Close()
	case f.host != nil:
		return os.RemoveAll(f.work)
	case f.state == nil:
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
	if f.Authority != "" && e.LedgerInRepository {
		return nil, ErrNotTheServers(name)
	}
	p := &Place{Environment: e}
	if p.Repository, err = f.repository(ctx, e); err != nil {
		return nil, err
	}
	if f.Authority == "" && f.Elsewhere == nil && !e.IsLocal() {
		if err := f.obey(ctx, name, p.Repository); err != nil {
			return nil, err
		}
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
	r, err := f.Parts.Repository(ctx, e.Environment)
	if err != nil {
		return nil, err
	}
	return repository.Remember(r, f.Clock), nil
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
// folder for the one on this machine and for all that a server looks after, the
// artifact repository for any other.
func (f *Flow) ledger(e manifest.Environment, r repository.Repository) (Ledger, error) {
	if !e.IsLocal() && f.Elsewhere != nil {
		return f.Elsewhere, nil
	}
	if !e.IsLocal() && f.Authority == "" {
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
		Environment: p.Environment.Environment, Repository: p.Repository, Cache: f.Cache, WorkDir: f.workDir(), Prices: f.Project.Prices(),
		Environ: f.Environ, Secrets: f.Secrets, Sandbox: f.box(),
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

// workDir is where relative paths of a job on this machine start: in the app's
// folder. A server has none that stays, so there it is the platform file's.
func (f *Flow) workDir() string {
	if f.Authority != "" && f.Project.platformDir != "" {
		return f.Project.platformDir
	}
	return f.Project.Dir()
}
