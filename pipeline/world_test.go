package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/drivertest"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/object"
	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/repository/folder"
	"github.com/slipway-cd/slipway/shape"
	"github.com/slipway-cd/slipway/store"
	"github.com/slipway-cd/slipway/workflow"
)

// child makes the test program a process that locks the state folder it names.
const child = "SLIPWAY_TEST_LOCK"

func TestMain(m *testing.M) {
	if dir, ok := os.LookupEnv(child); ok {
		holdLock(dir)
	}
	goleak.VerifyTestMain(m)
}

// holdLock locks a state folder, says so, and waits to be killed.
func holdLock(dir string) {
	me := ledger.Holder{Who: "bob@ci", Process: os.Getpid(), Doing: "ship to prod"}
	_, err := lockState(context.Background(), dir, me, 0, time.Now, nil)
	fmt.Println(err)
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// A world is a git repository on this machine, with a fake runtime below every
// environment.
type world struct {
	root    string
	environ []string
	fault   drivertest.Fault // of the runtime; nil: none

	noted func(*slipway.Plan) // adds to the runtime's plans; nil: nothing

	stop func()      // ends a ship under way, as Ctrl-C does
	hear func(Event) // told of every event; nil: nobody

	mu     sync.Mutex
	events []string
}

const manifestText = `slipway: v1
app: hello
shape: python-job
build: {script: hello.py}
checks:
  unit: {run: "echo asked >> $ASKED; test ! -e fail"}
`

const platformText = `slipway: v1
environments:
  local: {runtime: local}
  staging: {runtime: local, repository: .slipway/staging-artifacts, follows: local}
  prod: {runtime: local, repository: .slipway/prod-artifacts, root: .slipway/prod-root, follows: staging}
`

// newWorld makes a repository with one commit.
func newWorld(t *testing.T, files map[string]string) *world {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{root: root, environ: append(os.Environ(),
		"HOME="+t.TempDir(), "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@example.com",
		"GIT_AUTHOR_DATE=2026-01-02T03:04:05Z", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z", "ASKED="+filepath.Join(t.TempDir(), "asked"))}
	w.git(t, "init", "-q", "-b", "main")
	w.commit(t, files)
	return w
}

// hello is the usual app.
func hello(t *testing.T) *world {
	t.Helper()
	return newWorld(t, map[string]string{"slipway.yaml": manifestText, "platform.yaml": platformText, "hello.py": "print('hello')\n"})
}

func (w *world) git(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir, cmd.Env = w.root, w.environ
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", args, err, out)
	}
	return string(out)
}

func (w *world) write(t *testing.T, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(w.root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *world) commit(t *testing.T, files map[string]string) {
	t.Helper()
	w.write(t, files)
	w.git(t, "add", "-A")
	w.git(t, "commit", "-q", "-m", "change")
}

// tag names the commit, so that its release has a short version.
func (w *world) tag(t *testing.T, name string) { t.Helper(); w.git(t, "tag", name) }

func (w *world) open(t *testing.T, where Where) (*Project, error) {
	t.Helper()
	menu, err := shape.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	if where.Dir == "" {
		where.Dir = w.root
	}
	where.Environ, where.Shapes = w.environ, menu
	p, err := OpenProject(t.Context(), where)
	if err == nil {
		t.Cleanup(func() { _ = p.Close() })
	}
	return p, err
}

func (w *world) project(t *testing.T) *Project {
	t.Helper()
	p, err := w.open(t, Where{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

// emit keeps events as lines such as "build done".
func (w *world) emit(e Event) {
	if w.hear != nil {
		w.hear(e)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	line := strings.TrimSpace(e.Stage + " " + string(e.State))
	if e.State == Warned || e.State == Progress {
		line += ": " + e.Text
	}
	if e.State != Started {
		w.events = append(w.events, line)
	}
}

func (w *world) told() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	told := w.events
	w.events = nil
	return told
}

func (w *world) config(t *testing.T) Config {
	t.Helper()
	return Config{
		Project: w.project(t), Parts: w.parts(), Me: ledger.Holder{Who: "ann@laptop", Process: os.Getpid(), Doing: "test"},
		Cache: t.TempDir(), Environ: w.environ, Clock: noon, Emit: w.emit, Log: io.Discard,
	}
}

func (w *world) parts() Parts {
	return Parts{
		Runtimes: map[string]func(context.Context, RuntimeConfig) (driver.Driver, error){"local": func(_ context.Context, c RuntimeConfig) (driver.Driver, error) {
			return noting{drivertest.NewFake(c.Environment.Root, c.Clock, w.fault), w}, nil
		}},
		Repository: func(_ context.Context, e slipway.Environment) (repository.Repository, error) {
			return folder.Open(e.Repository)
		},
		ObjectLedger: func(r repository.Repository, clock func() time.Time) Ledger { return object.New(r, clock) },
		State:        openState,
	}
}

// noting is a runtime that knows more of a plan.
type noting struct {
	*drivertest.Fake
	w *world
}

func (n noting) Plan(ctx context.Context, r driver.PlanRequest) (slipway.Plan, error) {
	p, err := n.Fake.Plan(ctx, r)
	if err == nil && n.w.noted != nil && !p.Empty() {
		n.w.noted(&p)
	}
	return p, err
}

// A state is a database with an engine.
type state struct {
	store  *store.Store
	engine *workflow.Engine
}

var executors atomic.Int64

func openState(ctx context.Context, dir string, write bool) (State, error) {
	file := filepath.Join(dir, "slipway.db")
	if !write {
		if _, err := os.Stat(file); err != nil {
			return nil, nil //nolint:nilerr // a reader of nothing has no state
		}
		st, err := store.OpenReadOnly(ctx, file)
		return &state{store: st}, err
	}
	var s state
	var err error
	s.store, err = store.Open(ctx, file, func(st *store.Store) (err error) {
		s.engine, err = workflow.Open(ctx, st, workflow.Config{Executor: fmt.Sprint("test-", executors.Add(1)), Log: slog.New(slog.DiscardHandler)})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &s, nil
}

func (s *state) Ledger() Ledger           { return s.store.Ledger(noon) }
func (s *state) Engine() *workflow.Engine { return s.engine }
func (s *state) Close() error {
	var err error
	if s.engine != nil {
		err = s.engine.Close()
	}
	return errors.Join(err, s.store.Close())
}

// with opens a flow as a command does, and closes it after fn.
func (w *world) with(t *testing.T, fn func(f *Flow)) {
	t.Helper()
	f, err := New(t.Context(), w.config(t))
	if err != nil {
		t.Fatal(err)
	}
	fn(f)
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func (w *world) source(t *testing.T, f *Flow, dirty bool) slipway.Source {
	t.Helper()
	src, _, err := f.Project.Git.Source(t.Context(), f.Project.Folder, dirty)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// ship ships what is committed, in a process of its own.
func (w *world) ship(t *testing.T, env string) (Shipped, error) {
	t.Helper()
	return w.shipSource(t, env, false)
}

// shipSource ships, until w.stop is called.
func (w *world) shipSource(t *testing.T, env string, dirty bool) (out Shipped, err error) {
	t.Helper()
	w.with(t, func(f *Flow) {
		in := ShipInput{App: "hello", Environment: env, Source: w.source(t, f, dirty), By: "ann@laptop"}
		ctx, stop := context.WithCancelCause(t.Context())
		defer stop(nil)
		w.stop = func() { stop(errStop) }
		out, err = f.Ship(ctx, in)
	})
	return out, err
}

var errStop = errors.New("Ctrl-C")

func (w *world) mustShip(t *testing.T, env string) Shipped {
	t.Helper()
	out, err := w.ship(t, env)
	if err != nil {
		t.Fatalf("ship to %s: %v\n%s", env, err, slipway.FixOf(err))
	}
	return out
}

// live is the version that an environment's runtime has.
func (w *world) live(t *testing.T, env string) (version string) {
	t.Helper()
	w.with(t, func(f *Flow) {
		o, err := f.Operating(t.Context(), env)
		if err != nil {
			t.Fatal(err)
		}
		st, err := o.Driver.Observe(t.Context(), slipway.Handle{App: "hello", Environment: env}, slipway.Target{})
		if err != nil {
			t.Fatal(err)
		}
		version = st.Target.Version
	})
	return version
}

func (w *world) deployments(t *testing.T, env string) (all []string) {
	t.Helper()
	w.with(t, func(f *Flow) {
		h, err := f.History(t.Context(), "hello", env)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range h.Deployments {
			all = append(all, fmt.Sprintf("%d %s %s", d.Number, d.Plan.Target.Version, d.State))
		}
	})
	return all
}

// asked is how often the check was asked.
func (w *world) asked(t *testing.T) int {
	t.Helper()
	for _, kv := range w.environ {
		if file, ok := strings.CutPrefix(kv, "ASKED="); ok {
			data, err := os.ReadFile(file)
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
			return strings.Count(string(data), "asked")
		}
	}
	t.Fatal("nobody counts")
	return 0
}

func wantError(t *testing.T, err error, kind slipway.Kind, text, fix string) {
	t.Helper()
	if err == nil || slipway.KindOf(err) != kind || !strings.Contains(err.Error(), text) || !strings.Contains(slipway.FixOf(err), fix) {
		t.Errorf("got an error of kind %s: %v (%q)\nwant kind %s: %s (%q)", slipway.KindOf(err), err, slipway.FixOf(err), kind, text, fix)
	}
}
