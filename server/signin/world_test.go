package signin_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/server/signin"
	"github.com/slipway-cd/slipway/store"
)

const (
	ourClient  = "slipway"
	ourSecret  = "hunter2hunter2"
	otherAt    = "http://127.0.0.1:1/callback" // of another client of the provider
	itsPasword = "verysecure"
)

// users are those that the provider knows.
type users map[string]*storage.User

func (u users) GetUserByID(id string) *storage.User { return u[id] }

func (u users) GetUserByUsername(name string) *storage.User { return u["id-"+name] }

func (u users) ExampleClientID() string { return "none" }

func allUsers() users {
	all := users{}
	for name, mail := range map[string]string{"ana": "ana@example.com", "zoe": "zoe@example.com", "mel": "bo@example.com"} {
		all["id-"+name] = &storage.User{ID: "id-" + name, Username: name, Password: itsPasword, Email: mail, EmailVerified: name != "mel"}
	}
	return all
}

// A world is our door with a real OpenID provider beside it.
type world struct {
	provider *httptest.Server
	ours     *httptest.Server
	door     *signin.Door
	store    *store.Store

	mu    sync.Mutex
	rules access.Rules
	now   time.Time
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// change changes the platform file.
func (w *world) change(fn func(*access.Rules)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fn(&w.rules)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{now: time.Now()} // the provider's clock is the machine's
	provider := &late{}
	w.provider = httptest.NewServer(provider)
	t.Cleanup(w.provider.Close)
	ours := &late{}
	w.ours = httptest.NewServer(ours)
	t.Cleanup(w.ours.Close)

	known := storage.NewStorageWithClients(allUsers(), map[string]*storage.Client{
		ourClient: storage.WebClient(ourClient, ourSecret, w.ours.URL+"/sign-in/callback"),
		"other":   storage.WebClient("other", ourSecret, otherAt),
	})
	provider.set(exampleop.SetupServer(w.provider.URL, known, slog.New(slog.DiscardHandler), false))

	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "slipway.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	w.store, w.rules = s, w.firstRules()
	w.door = signin.New(signin.Config{
		Store: s, URL: w.ours.URL, Clock: w.clock, Log: slog.New(slog.DiscardHandler),
		Rules: func() (access.Rules, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.rules, nil
		},
		Teams: func(context.Context) (map[string]string, error) { return map[string]string{"traffic": "data"}, nil },
		Secrets: func(_ context.Context, ref string) (string, error) {
			if ref != "oidc/client" {
				return "", errors.New("no such secret")
			}
			return ourSecret, nil
		},
	})
	mux := http.NewServeMux()
	w.door.Routes(mux)
	mux.HandleFunc("/who", func(rw http.ResponseWriter, r *http.Request) {
		who, err := w.door.Identify(r)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(rw, who.String())
	})
	mux.HandleFunc("/{$}", func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "the first page") })
	ours.set(mux)
	return w
}

func (w *world) firstRules() access.Rules {
	return access.Rules{
		People:    map[string]access.Person{"ana": {Email: "ana@example.com"}, "bo": {Email: "bo@example.com"}, "olga": {}},
		Teams:     map[string]access.Team{"data": {People: []string{"ana"}}},
		Deployers: map[string][]string{"prod": {"data"}},
		Owners:    []string{"olga"},
		SignIn: &access.SignIn{
			Issuer: w.provider.URL, Client: ourClient, SecretRef: "oidc/client", Claim: "email", Scopes: []string{"profile", "email"},
		},
		Machines: map[string]access.Machine{"ci": {
			Name: "ci", Issuer: w.provider.URL, Audience: "other", As: "data", Claims: map[string]string{"sub": "id-ana"},
			Scopes: []access.Scope{{Action: access.Deploy}},
		}},
		Limits: access.DefaultLimits(),
	}
}

// late is a handler that is known after its address.
type late struct {
	mu sync.Mutex
	h  http.Handler
}

func (l *late) set(h http.Handler) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.h = h
}

func (l *late) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	h := l.h
	l.mu.Unlock()
	h.ServeHTTP(w, r)
}

// A browser goes where it is sent, unless look says that it is to stop there.
type browser struct {
	t      *testing.T
	client *http.Client
	look   func(*http.Request) error
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t}
	b.client = &http.Client{Jar: jar, Timeout: 20 * time.Second, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if b.look == nil {
			return nil
		}
		return b.look(r)
	}}
	return b
}

// A view is what a browser shows.
type view struct {
	status int
	url    *url.URL
	text   string
	header http.Header
}

func (b *browser) do(r *http.Request) view {
	b.t.Helper()
	answer, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return view{answer.StatusCode, answer.Request.URL, strings.TrimSpace(string(text)), answer.Header}
}

func (b *browser) get(address string) view {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(r)
}

func (b *browser) post(address string, values url.Values, header ...string) view {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, address, strings.NewReader(values.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return b.do(r)
}

// password fills in the provider's page, and goes where that leads.
func (b *browser) password(w *world, page view, name string) view {
	b.t.Helper()
	id := page.url.Query().Get("authRequestID")
	if id == "" {
		b.t.Fatalf("that is not the provider's page: %d %s\n%s", page.status, page.url, page.text)
	}
	return b.post(w.provider.URL+"/login/username", url.Values{"username": {name}, "password": {itsPasword}, "id": {id}})
}

// signIn signs a person in.
func (b *browser) signIn(w *world, name string) view {
	b.t.Helper()
	return b.password(w, b.get(w.ours.URL+"/sign-in"), name)
}

// identify asks our door who sends a request with such a token.
func (w *world) identify(t *testing.T, token string) (access.Identity, error) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/apps", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return w.door.Identify(r)
}

func wantError(t *testing.T, err error, kind slipway.Kind, text, fix string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want %q", text)
		return
	}
	if slipway.KindOf(err) != kind || !strings.Contains(err.Error(), text) || !strings.Contains(slipway.FixOf(err), fix) {
		t.Errorf("got an error of kind %s: %q (%q)\nwant kind %s: %q (%q)", slipway.KindOf(err), err, slipway.FixOf(err), kind, text, fix)
	}
}
