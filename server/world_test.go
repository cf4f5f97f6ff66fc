package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/drivertest"
	"github.com/slipway-cd/slipway/forge"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/object"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/merge"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/repository/folder"
	"github.com/slipway-cd/slipway/shape"
	"github.com/slipway-cd/slipway/store"
	"github.com/slipway-cd/slipway/store/pgtest"
	"github.com/slipway-cd/slipway/workflow"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A world is a forge with bare git repositories on this machine, a platform file,
// and a folder for a server; a fake runtime is below every environment.
type world struct {
	dir     string
	environ []string
	forge   *bare
	hub     *hub // the forge, where it has pull requests
	door    Doorkeeper
	opens   func(st *store.Store, url string) Doorkeeper // nil: door is there
	fault   drivertest.Fault
	place   func(dir string) string // where the state of a folder is: a file, or the URL of a database
}

const helloText = `slipway: v1
app: hello
shape: python-job
team: data
build: {script: hello.py}
checks:
  unit: {run: "test ! -e fail"}
`

const platformText = `slipway: v1
environments:
  staging: {runtime: local, repository: artifacts/staging, root: root/staging}
  prod: {runtime: local, repository: artifacts/prod, root: root/prod, follows: staging}
teams: {data: {people: [mara]}}
people: {mara: {name: Mara, email: a@example.com, login: mara}}
server:
  forges:
    home: {kind: git, url: git, every: 1s}
`

func newWorld(t testing.TB) *world {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		dir: dir, environ: append(os.Environ(),
			"HOME="+t.TempDir(), "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@example.com"),
		door: open{}, place: inFolder,
	}
	if os.Getenv("SLIPWAY_TEST_DATABASE") == "postgres" || strings.Contains(t.Name(), onPostgres) {
		w.place = databases(t)
	}
	w.forge = &bare{w: w}
	w.write(t, "platform.yaml", platformText)
	return w
}

// inFolder is the place of an SQLite database.
func inFolder(dir string) string { return filepath.Join(dir, store.FileName) }

// onPostgres is in the names of tests over PostgreSQL.
const onPostgres = "/PostgreSQL"

// databases gives each folder a PostgreSQL database of its own.
func databases(t testing.TB) func(dir string) string {
	t.Helper()
	pgtest.Need(t)
	made := map[string]string{}
	var mu sync.Mutex
	return func(dir string) string {
		mu.Lock()
		defer mu.Unlock()
		if made[dir] == "" {
			made[dir] = pgtest.New(t)
		}
		return made[dir]
	}
}

func (w *world) write(t testing.TB, name, text string) {
	t.Helper()
	file := filepath.Join(w.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (w *world) git(t testing.TB, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir, cmd.Env = w.dir, w.environ
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// feed is git with an input.
func (w *world) feed(t testing.TB, dir, input string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir, cmd.Env, cmd.Stdin = dir, w.environ, strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %s: %v\n%s", args, err, out)
	}
}

// repository makes a repository at the forge, and a clone to work in.
func (w *world) repository(t testing.TB, name string) { //nolint:unparam // a repository has a name
	t.Helper()
	w.git(t, "init", "-q", "--bare", "-b", "main", "git/"+name+".git")
	w.git(t, "clone", "-q", "git/"+name+".git", "work/"+name)
	w.forge.add(name)
}

// push commits files to a repository's branch main and pushes them.
func (w *world) push(t testing.TB, name string, files map[string]string) string { //nolint:unparam // as repository
	t.Helper()
	for file, text := range files {
		w.write(t, "work/"+name+"/"+file, text)
	}
	clone := filepath.Join(w.dir, "work", name)
	w.git(t, "-C", clone, "add", "-A")
	w.git(t, "-C", clone, "commit", "-q", "-m", "change")
	w.git(t, "-C", clone, "push", "-q", "origin", "HEAD:main")
	return w.git(t, "-C", clone, "rev-parse", "HEAD")
}

func (w *world) config(t testing.TB) Config {
	t.Helper()
	menu, err := shape.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return Config{
		Folder: filepath.Join(w.dir, "data"), Platform: filepath.Join(w.dir, "platform.yaml"), Parts: w.parts(),
		Store: func(s pipeline.State) *store.Store { return s.(*state).store }, //nolint:forcetypeassert // it is ours
		Forge: func(context.Context, manifest.Forge, forge.Meter) (forge.Forge, error) {
			if w.hub != nil {
				return w.hub, nil
			}
			return w.forge, nil
		},
		Shapes: menu, Me: ledger.Holder{Who: "server@test", Process: os.Getpid()}, Environ: w.environ, Door: w.doorOf,
		HTTP: http.DefaultClient, PlanText: func(w io.Writer, p slipway.Plan) error {
			_, err := fmt.Fprintf(w, "a plan of %d changes\n", len(p.Changes))
			return err
		}, Tick: 50 * time.Millisecond, Watch: 50 * time.Millisecond,
		Clock: time.Now, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Version: "test",
		Retry: 20 * time.Millisecond, Poll: 20 * time.Millisecond,
	}
}

func (w *world) doorOf(st *store.Store, url string, _ func() (access.Rules, error)) Doorkeeper {
	if w.opens != nil {
		return w.opens(st, url)
	}
	return w.door
}

func (w *world) parts() pipeline.Parts {
	return pipeline.Parts{
		Runtimes: map[string]func(context.Context, pipeline.RuntimeConfig) (driver.Driver, error){"local": func(_ context.Context, c pipeline.RuntimeConfig) (driver.Driver, error) {
			return drivertest.NewFake(c.Environment.Root, c.Clock, w.fault), nil
		}},
		Repository: func(_ context.Context, e slipway.Environment) (repository.Repository, error) {
			return folder.Open(e.Repository)
		},
		ObjectLedger: func(r repository.Repository, clock func() time.Time) pipeline.Ledger { return object.New(r, clock) },
		State:        w.openState,
	}
}

// serving runs a server until the test, or stop, ends it.
func (w *world) serving(t testing.TB) (s *Server, stop func()) {
	t.Helper()
	return w.servingWith(t, w.config(t))
}

// servingWith is serving, of a configuration.
func (w *world) servingWith(t testing.TB, c Config) (s *Server, stop func()) {
	t.Helper()
	s, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return s, launch(t, s)
}

// launch runs a server until the test, or stop, ends it.
func launch(t testing.TB, s *Server) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// jobsIn lists the jobs of a kind that are in one of some states.
func jobsIn(t testing.TB, s *Server, kind string, states ...store.JobState) []store.Job {
	t.Helper()
	all, err := s.store.Jobs(t.Context(), store.JobFilter{Kinds: []string{kind}, States: states}, 10)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// client is the server's side of HTTP.
func (w *world) client(t testing.TB, s *Server) *httptest.Server {
	t.Helper()
	h := httptest.NewServer(s.Handler())
	t.Cleanup(h.Close)
	return h
}

// eventually waits until something is so. It looks again at each piece of news, and
// now and then.
func eventually(t testing.TB, s *Server, what string, so func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	for {
		news := s.news.Next()
		if so() {
			return
		}
		select {
		case <-ctx.Done():
			all, err := s.store.Events(t.Context(), store.EventFilter{}, 1000)
			for _, e := range all {
				t.Logf("%d %s %s %s", e.ID, e.Kind, e.Subject, e.Body)
			}
			t.Fatalf("waited in vain for %s (%v)", what, err)
		case <-news:
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// untilJobs waits until a number of jobs of a kind have ended, and returns them.
func untilJobs(t testing.TB, s *Server, kind string, n int) []store.Job {
	t.Helper()
	var all []store.Job
	eventually(t, s, fmt.Sprintf("the end of %d jobs of kind %s", n, kind), func() bool {
		var err error
		if all, err = s.store.Jobs(t.Context(), store.JobFilter{Kinds: []string{kind}}, 1000); err != nil {
			t.Fatal(err)
		}
		all = slices.DeleteFunc(all, func(j store.Job) bool { return !j.State.Ended() })
		return len(all) >= n
	})
	slices.Reverse(all)
	return all
}

// open lets everybody do everything.
type open struct{}

func (open) Identify(*http.Request) (access.Identity, error) {
	return access.Identity{Person: "mara"}, nil
}
func (open) Routes(*http.ServeMux)                                                    {}
func (open) May(context.Context, access.Identity, access.Action, access.Object) error { return nil }

// bare is a forge: git repositories in a folder.
type bare struct {
	w     *world
	mu    sync.Mutex
	names []string
}

func (b *bare) add(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.names = append(b.names, name)
}

func (b *bare) path(name string) string { return filepath.Join(b.w.dir, "git", name+".git") }

func (b *bare) Repositories(context.Context) ([]forge.Repository, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []forge.Repository
	for _, n := range b.names {
		all = append(all, forge.Repository{Name: n, DefaultBranch: "main", URL: b.path(n)})
	}
	return all, nil
}

func (b *bare) Refs(ctx context.Context, name, seen string) (forge.Refs, error) {
	cmd := exec.CommandContext(ctx, "git", "for-each-ref", "--format=%(objectname) %(refname)")
	cmd.Dir, cmd.Env = b.path(name), b.w.environ
	out, err := cmd.Output()
	if err != nil {
		return forge.Refs{}, err
	}
	refs := forge.Refs{Mark: string(out), Unchanged: seen == string(out), Branches: map[string]string{}, Tags: map[string]string{}}
	for line := range strings.Lines(string(out)) {
		commit, ref, _ := strings.Cut(strings.TrimSpace(line), " ")
		if branch, ok := strings.CutPrefix(ref, "refs/heads/"); ok {
			refs.Branches[branch] = commit
		}
		if tag, ok := strings.CutPrefix(ref, "refs/tags/"); ok {
			refs.Tags[tag] = commit
		}
	}
	return refs, nil
}

func (b *bare) Remote(_ context.Context, name string) (forge.Remote, error) {
	return forge.Remote{URL: "file://" + b.path(name)}, nil
}

// A state is a database with an engine.
type state struct {
	store  *store.Store
	engine *workflow.Engine
}

var executors atomic.Int64

func (w *world) openState(ctx context.Context, dir string, _ bool) (pipeline.State, error) {
	var s state
	var err error
	s.store, err = store.Open(ctx, w.place(dir), func(st *store.Store) (err error) {
		s.engine, err = workflow.Open(ctx, st, workflow.Config{Executor: fmt.Sprint("test-", executors.Add(1)), Log: slog.New(slog.DiscardHandler)})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &s, nil
}

func (s *state) Ledger() pipeline.Ledger  { return s.store.Ledger(time.Now) }
func (s *state) Engine() *workflow.Engine { return s.engine }
func (s *state) Close() error             { return errors.Join(s.engine.Close(), s.store.Close()) }

// get reads from the API.
func get(t *testing.T, h *httptest.Server, path string) (int, string) {
	t.Helper()
	r, err := h.Client().Get(h.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(body)
}

func with(files map[string]string, more map[string]string) map[string]string {
	all := maps.Clone(files)
	maps.Copy(all, more)
	return all
}

// hub is a forge with pull requests: git repositories in a folder, and what people
// and we say there.
type hub struct {
	*bare
	secret string

	mu       sync.Mutex
	requests map[int]*slipway.PullRequest
	came     map[string][]int // the pull requests that the forge names, by commit
	stamp    int
	shown    map[string]map[string]slipway.Status // by commit
	comments map[int]string
	answers  map[string][]string // what we answered, by marker: each text in its turn
	labels   map[int]map[string]bool
	fails    func(call string) error // asked before each call; nil: none
	calls    map[string]int
}

func newHub(w *world) *hub {
	return &hub{
		bare: w.forge, requests: map[int]*slipway.PullRequest{}, shown: map[string]map[string]slipway.Status{},
		comments: map[int]string{}, answers: map[string][]string{}, labels: map[int]map[string]bool{}, calls: map[string]int{}, secret: "s3cret",
	}
}

func (h *hub) called(name string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls[name]++
	if h.fails != nil {
		return h.fails(name)
	}
	return nil
}

// change lets something happen at the forge.
func (h *hub) change(fn func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	fn()
	h.stamp++
}

// see reads what the forge shows.
func (h *hub) see(commit, status string) (slipway.Status, bool, string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.shown[commit][status], h.labels[1][merge.Label], h.comments[1]
}

func (h *hub) PullRequests(_ context.Context, name, seen string) (forge.Listing, error) {
	if err := h.called("PullRequests"); err != nil {
		return forge.Listing{}, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	mark := strconv.Itoa(h.stamp)
	l := forge.Listing{Mark: mark, Unchanged: mark == seen}
	for n, p := range h.requests {
		if p.Repository == name && p.State == "open" {
			l.Open = append(l.Open, forge.Summary{Number: n, Head: p.Head, Stamp: p.Updated.String()})
		}
	}
	return l, nil
}

func (h *hub) PullRequest(_ context.Context, _ string, number int) (slipway.PullRequest, error) {
	if err := h.called("PullRequest"); err != nil {
		return slipway.PullRequest{}, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	p := *h.requests[number]
	p.Reviews, p.Statuses, p.Comments = slices.Clone(p.Reviews), slices.Clone(p.Statuses), slices.Clone(p.Comments)
	for _, marker := range slices.Sorted(maps.Keys(h.answers)) { // ours are comments as all others
		texts := h.answers[marker]
		p.Comments = append(p.Comments, slipway.Comment{ID: "of-ours-" + marker, By: "slipway[bot]", Body: texts[len(texts)-1], Time: time.Now()})
	}
	return p, nil
}

func (h *hub) RequestsOf(_ context.Context, name, commit string) ([]int, error) {
	if err := h.called("RequestsOf"); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.came[commit], nil
}

func (h *hub) Report(_ context.Context, _, commit string, statuses []slipway.Status) error {
	if err := h.called("Report"); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.shown[commit] == nil {
		h.shown[commit] = map[string]slipway.Status{}
	}
	for _, st := range statuses {
		h.shown[commit][st.Name] = st
	}
	return nil
}

func (h *hub) Comment(_ context.Context, _ string, number int, marker, body string) error {
	if err := h.called("Comment"); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !strings.HasPrefix(body, marker) {
		return errors.New("the comment does not begin with its marker")
	}
	if marker != ours+" -->" {
		h.answers[marker] = append(h.answers[marker], body)
		return nil
	}
	h.comments[number] = body
	return nil
}

func (h *hub) Label(_ context.Context, _ string, number int, label string, on bool) error {
	if err := h.called("Label"); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.labels[number] == nil {
		h.labels[number] = map[string]bool{}
	}
	h.labels[number][label] = on
	return nil
}

func (h *hub) Permission(_ context.Context, _, login string) (forge.Permission, error) {
	if login == "stranger" {
		return forge.None, nil
	}
	return forge.Write, nil
}

func (h *hub) Self(context.Context) (forge.Self, error) {
	return forge.Self{App: "slipway", Login: "slipway[bot]"}, nil
}

var (
	_ forge.Requests  = (*hub)(nil)
	_ forge.Publisher = (*hub)(nil)
	_ forge.Directory = (*hub)(nil)
	_ forge.Listener  = (*hub)(nil)
)

func (h *hub) Members(context.Context, string) ([]string, error) { return nil, nil }

// Hear takes webhooks of the form "ID REPOSITORY NUMBER", with the secret in a
// header.
func (h *hub) Hear(header http.Header, body []byte) (forge.Delivery, error) {
	if header.Get("X-Secret") != h.secret {
		return forge.Delivery{}, slipway.Errorf(slipway.Denied, "the signature is wrong")
	}
	var d forge.Delivery
	var hint forge.Hint
	if _, err := fmt.Sscan(string(body), &d.ID, &hint.Repository, &hint.Number); err != nil {
		return d, slipway.Errorf(slipway.Invalid, "this is no webhook: %w", err)
	}
	d.Event, d.Hints = "pull_request", []forge.Hint{hint}
	return d, nil
}

// claimedIn begins one job behind the back of those who serve.
func claimedIn(ctx context.Context, st *store.Store, w store.Wanted, now time.Time, soon bool) (j store.Job, ok bool, err error) {
	all, err := st.Claim(ctx, w, now, soon, 1)
	if len(all) == 0 {
		return j, false, err
	}
	return all[0], true, err
}

// claimOne begins one job, as those do who serve.
func claimOne(t *testing.T, s *Server, wanted []store.Wanted) (j store.Job, ok bool, err error) {
	t.Helper()
	all, err := s.claim(t.Context(), wanted, 1, func(int) {})
	if len(all) == 0 {
		return j, false, err
	}
	return all[0], true, err
}
