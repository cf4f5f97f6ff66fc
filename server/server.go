// Package server is Slipway while nobody is looking: it takes commits from forges,
// takes them along the road as jobs, and tells people about it. Start at New and
// Run; the API is in api.go, its other end in package server/client.
//
// What is true is read from the forge and kept; a webhook is a hint to look. All
// that is to be done is a row in the database, made in the transaction that decided
// it, so that a server that is killed at any instant goes on where it was.
package server

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/forge"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/tree"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/sandbox"
	"github.com/slipway-cd/slipway/shape"
	"github.com/slipway-cd/slipway/store"
	"github.com/slipway-cd/slipway/telemetry"
)

// Config is what a server gets from outside.
type Config struct {
	Folder   string // where it keeps what it has: database, mirrors, logs, caches
	Platform string // the platform file, which is read again whenever it is needed
	URL      string // the server's address, as people reach it; empty: the platform file's server.url
	Address  string // where it listens, if nothing else is said
	Parts    pipeline.Parts
	Store    func(pipeline.State) *store.Store
	Forge    func(context.Context, manifest.Forge, forge.Meter) (forge.Forge, error)
	Shapes   shape.Menu
	Me       ledger.Holder
	Environ  []string
	Secrets  func(ctx context.Context, ref string) (string, error)
	// Signer is the key with which the server attests what it does, and signs what
	// people say at it; nil: it attests nothing.
	Signer func(context.Context) (evidence.Signer, error)
	// Door makes the doorkeeper of the server at an address. Who may do what is said by
	// the platform file as it is at that moment.
	Door func(st *store.Store, url string, rules func() (access.Rules, error)) Doorkeeper
	HTTP *http.Client // for notices
	// PlanText writes a plan as Markdown, for those who review it at a forge.
	PlanText func(io.Writer, slipway.Plan) error
	Clock    func() time.Time
	Log      *slog.Logger
	Version  string
	Role     store.Role    // empty: a server
	Labels   []string      // what it can do that not every process can
	Workers  int           // builds, checks and deployments at once; 0: 4; below 0: none
	Lookers  int           // questions to forges at once; 0: 8
	Retry    time.Duration // wait before a job that lacked something is tried again, doubled each time; 0: 1 s
	Drain    time.Duration // how long what is under way may take when the server is to end; 0: it is cut short
	Tick     time.Duration // how often schedules are looked at; 0: 10 s
	Watch    time.Duration // how often the runs of all that is deployed are looked at; 0: 30 s
	Slow     time.Duration // how long a client may take to read what is sent to it as it comes; 0: 30 s
	Poll     time.Duration // how often work is looked for that nobody announced; 0: 1 s
	Lost     time.Duration // how long a server may say nothing until others that share its database take its work over; 0: 6 s

	Telemetry *telemetry.Telemetry // told what requests and jobs do; nil: nobody is
}

// A Server works in one folder, as the only process that does.
type Server struct {
	Config
	host      *pipeline.Host
	store     *store.Store
	door      Doorkeeper
	id        string // tells this server, and those that share its database, from any other
	process   string // tells it from those that share its database
	settings  atomic.Pointer[settings]
	kinds     map[string]kind
	left      sync.Once
	leaving   chan struct{} // closed when the server is about to end
	news      *bell         // rung when there may be a new job, or a new event
	said      *bell         // rung when there may be news, or a job may have printed something
	began     time.Time
	seen      *recent[pipeline.FoundApp] // apps, by what is in their manifests
	fetched   *recent[bool]              // the commits that mirrors have
	permitted *recent[forge.Permission]  // what people may do at a forge
	figures   *figures
	budgets   *budgets // what forges will answer
	sealer    sealer
	box       *sandbox.Sandbox // what the commands of teams run in
	packages  *sandbox.Caches
	seals     *tree.Signer // signs the heads of the ledger; only seal uses it once the server runs
	sealsBy   []byte       // the file that it was read from
	outside   outside      // what was seen of the ledger; only seal uses it once the server runs
	accepted  time.Time    // when somebody last accepted that the ledger went back; zero: never

	mu      sync.Mutex
	lost    bool                              // others may have taken its work over
	running map[int64]context.CancelCauseFunc // the jobs under way
	claims  claims                            // that are under way
	mirrors map[string]*sync.Mutex            // one fetch at a time into a mirror
	pace    pace                              // of those who ask
}

// A home is a forge, and how it is looked after.
type home struct {
	forge.Forge
	set manifest.Forge
}

// New opens the folder, the platform file and the forges. Close it.
func New(ctx context.Context, c Config) (*Server, error) {
	c.Role, c.Workers, c.Lookers = cmp.Or(c.Role, store.RoleServer), max(cmp.Or(c.Workers, 4), 0), cmp.Or(c.Lookers, 8)
	c.Retry, c.Poll = cmp.Or(c.Retry, time.Second), cmp.Or(c.Poll, time.Second)
	c.Tick, c.Watch = cmp.Or(c.Tick, 10*time.Second), cmp.Or(c.Watch, 30*time.Second)
	c.Slow, c.Lost = cmp.Or(c.Slow, 30*time.Second), cmp.Or(c.Lost, defaultLost)
	s := &Server{
		Config: c, news: newBell(), said: newBell(), leaving: make(chan struct{}), began: c.Clock(), figures: &figures{}, budgets: newBudgets(),
		running: map[int64]context.CancelCauseFunc{}, mirrors: map[string]*sync.Mutex{},
	}
	s.news.also = s.said
	s.seen = newRecent[pipeline.FoundApp](c.Clock, time.Hour, 1000)
	s.fetched = newRecent[bool](c.Clock, time.Hour, 10_000)
	s.permitted = newRecent[forge.Permission](c.Clock, 5*time.Minute, 10_000)
	text, err := s.platformText()
	if err != nil {
		return nil, err
	}
	now, err := s.readSettings(ctx, text)
	if err != nil {
		return nil, err
	}
	s.settings.Store(now)
	s.URL = cmp.Or(s.URL, now.platform.Server.URL, s.Address)
	for _, dir := range []string{"git", "work"} {
		if err := os.MkdirAll(filepath.Join(c.Folder, dir), 0o700); err != nil {
			return nil, slipway.Errorf(slipway.Unavailable, "cannot write to %s: %w", c.Folder, err).WithFix("give this user write permission on it, or name another folder with --data")
		}
	}
	if err := s.openSandbox(); err != nil {
		return nil, slipway.Errorf(slipway.Unavailable, "cannot write to %s: %w", c.Folder, err).WithFix("give this user write permission on it, or name another folder with --data")
	}
	s.host, err = pipeline.OpenHost(ctx, pipeline.HostConfig{
		Folder: s.stateFolder(), Parts: c.Parts, Me: c.Me, Cache: filepath.Join(c.Folder, "cache"), Clock: c.Clock,
		Waiting: func(error) {},
	})
	if err != nil {
		return nil, err
	}
	s.store = c.Store(s.host.State())
	s.kinds = s.allKinds()
	if err := s.openAs(ctx, now); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// openAs opens what a process of its role needs besides. A worker has no door, and
// neither key nor authority of its own: who gets hold of one signs no head of the ledger.
func (s *Server) openAs(ctx context.Context, now *settings) (err error) {
	if s.Workers == 0 && !s.store.Shared() {
		return slipway.Errorf(slipway.Invalid, "nobody would build, check or deploy: workers do not reach the file in a data folder").
			WithFix("give --database the URL of a PostgreSQL database, which servers and workers share, or leave --workers 0 out")
	}
	if s.sealer, err = s.openSeal(ctx); err != nil {
		return err
	}
	if err := s.ids(ctx); err != nil {
		return err
	}
	if s.Role == store.RoleWorker {
		return s.recall(ctx)
	}
	s.door = s.Door(s.store, s.URL, s.accessRules)
	if err := s.openSigner(ctx); err != nil {
		return err
	}
	if err := s.recall(ctx); err != nil {
		return err
	}
	return s.takeOver(ctx, now, nil)
}

// stateFolder is the state folder that all apps of the server share.
func (s *Server) stateFolder() string { return filepath.Join(s.Folder, "state") }

// Leave ends the streams of those who watch: they come back to the next process.
func (s *Server) Leave() { s.left.Do(func() { close(s.leaving) }) }

// Close ends the server's work in the folder.
func (s *Server) Close() error { return s.host.Close() }

// Run does what there is to do until ctx is done: jobs, and the sweep of the forges.
// It begins nothing after that, and lets what is under way come to its end for the
// time of Drain. What is not at its end then the next process goes on with.
func (s *Server) Run(ctx context.Context) error {
	if err := s.join(ctx); ctx.Err() != nil {
		return nil // it was to end before it had begun
	} else if err != nil {
		return err
	}
	defer s.depart(ctx)
	if err := s.clearAway(); err != nil {
		return fmt.Errorf("clear away what a killed server left: %w", err)
	}
	work, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	defer context.AfterFunc(ctx, func() { // it ends with work at the latest
		pause(work, s.Drain)
		cut()
	})()
	defer context.AfterFunc(ctx, func() { s.drain(work) })()
	g, ctx := errgroup.WithContext(ctx)
	var doing sync.WaitGroup
	heavy, light := newLookout(), newLookout()
	for range s.Workers {
		doing.Go(func() { s.serve(ctx, work, heavy, s.wanted(poolWork)) })
	}
	for range s.Lookers {
		doing.Go(func() { s.serve(ctx, work, light, s.light()...) })
	}
	g.Go(func() error { doing.Wait(); cut(); return nil })
	for _, also := range s.duties() {
		g.Go(func() error { return also(ctx) })
	}
	g.Go(func() error { return s.live(work) })
	g.Go(func() error { return s.takeOverLost(ctx) })
	g.Go(func() error { return s.putBack(ctx) })
	g.Go(func() error { s.Telemetry.Figures(ctx, s.figuresNow); return nil })
	return g.Wait()
}

// wanted are the jobs of a pool that this process takes.
func (s *Server) wanted(pool string) store.Wanted {
	return store.Wanted{Pool: pool, Kinds: s.kindsOf(pool), Labels: s.Labels}
}

// light are the jobs that wait for those who ask and tell. A worker has none but to begin
// and stop runs where only some processes can.
func (s *Server) light() []store.Wanted {
	runs := s.wanted(poolRun)
	if s.Role == store.RoleWorker {
		runs.Marked = true
		return []store.Wanted{runs}
	}
	return []store.Wanted{runs, s.wanted(poolTalk), s.wanted(poolLook), s.wanted(poolProbe)}
}

// duties are what a process does besides jobs.
func (s *Server) duties() []func(context.Context) error {
	all := []func(context.Context) error{s.listen, s.follow, s.shareBudgets, s.tidyDisk}
	if s.Role == store.RoleWorker {
		return append(all, s.heed)
	}
	return append(all, s.places, s.takeLogs, s.sweep, s.tidy, s.seal, s.schedules, s.watch)
}

// clearAway removes what a server that was killed left: commands of teams that are
// still running, working copies, and mirrors and keys that were only begun.
func (s *Server) clearAway() error {
	s.box.Reap()
	mirrors, err := filepath.Glob(filepath.Join(s.Folder, "git", ".new-*"))
	keys, wrong := filepath.Glob(filepath.Join(s.stateFolder(), ".new-*"))
	err = errors.Join(err, wrong)
	for _, begun := range slices.Concat(mirrors, keys, []string{filepath.Join(s.Folder, "work")}) {
		err = errors.Join(err, pipeline.ClearAway(begun))
	}
	return err
}

// takeOver makes the server the authority over the environments that name a
// repository, with what happened there before. Command lines without a server obey. It
// gives back those that the platform file leaves to their repositories. Those that are
// as they were before are left alone.
func (s *Server) takeOver(ctx context.Context, now *settings, before *manifest.Platform) error {
	return s.platformFlowBy(now.text, func(f *pipeline.Flow) error {
		for _, env := range now.platform.EnvironmentNames() {
			e, _ := now.platform.Environment(env)
			if e.IsLocal() || e.Repository == "" {
				continue
			}
			if before != nil {
				was, there := before.Environment(env)
				if there && was.Repository == e.Repository && was.LedgerInRepository == e.LedgerInRepository {
					continue
				}
				if there {
					return slipway.Errorf(slipway.Invalid, "environments.%s has another repository, or another place for its ledger: that takes a restart of the server", env).
						WithFix("restart the server, or change it back")
				}
			}
			if e.LedgerInRepository {
				if err := f.GiveBack(ctx, env); err != nil {
					return fmt.Errorf("give back %s: %w", env, err)
				}
				continue
			}
			err := f.TakeOver(ctx, env, func(entries []ledger.Entry) error {
				return s.store.Change(ctx, func(tx *store.Tx) error { return tx.Import(ctx, entries) })
			})
			if err != nil {
				return fmt.Errorf("take over %s: %w", env, err)
			}
		}
		return nil
	})
}

// identity reads the server's own id, or makes one.
func identity(file string) (string, error) {
	data, err := os.ReadFile(file)
	if err == nil && len(data) > 0 {
		return strings.TrimSpace(string(data)), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	id := newID()
	return id, writeWhole(file, []byte(id+"\n"))
}

// pause waits, and reports whether ctx is still good.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// newID makes an identity that nobody else has.
func newID() string {
	b := make([]byte, 12)
	_, _ = rand.Read(b) // it never fails
	return hex.EncodeToString(b)
}

func toJSON(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own types can always be written
	}
	return data
}
