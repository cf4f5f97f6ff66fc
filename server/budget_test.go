package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
	"github.com/slipway-cd/slipway/forge/github"
	"github.com/slipway-cd/slipway/forge/github/githubtest"
	"github.com/slipway-cd/slipway/ledger/tree"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/store"
	"github.com/slipway-cd/slipway/store/pgtest"
	"github.com/slipway-cd/slipway/workflow"
)

// sharing runs n servers over one PostgreSQL, each with a folder of its own.
func (w *world) sharing(t *testing.T, n int, opens func(context.Context, manifest.Forge, forge.Meter) (forge.Forge, error)) []*Server {
	t.Helper()
	url := pgtest.New(t)
	var all []*Server
	for i := range n {
		c := w.config(t)
		c.Folder, c.Forge, c.Workers, c.Lookers = filepath.Join(w.dir, fmt.Sprint("data", i)), opens, -1, 1
		c.Parts.State = func(ctx context.Context, _ string, _ bool) (pipeline.State, error) {
			var s state
			var err error
			s.store, err = store.Open(ctx, url+"&pool_max_conns=6", func(st *store.Store) (err error) {
				s.engine, err = workflow.Open(ctx, st, workflow.Config{Executor: fmt.Sprint("test-", executors.Add(1)), Log: slog.New(slog.DiscardHandler)})
				return err
			})
			return &s, err
		}
		if i > 0 { // they sign with one key
			key, err := os.ReadFile(filepath.Join(all[0].stateFolder(), tree.KeyFile))
			if err != nil {
				t.Fatal(err)
			}
			w.write(t, fmt.Sprintf("data%d/state/%s", i, tree.KeyFile), string(key))
		}
		s, _ := w.servingWith(t, c)
		all = append(all, s)
	}
	return all
}

// TestServersShareABudget: three servers have one token and hear no webhook. What they
// ask while nobody waits for it leaves a tenth of the limit to what people wait for, and
// where one of them is asked for quiet all keep quiet.
func TestServersShareABudget(t *testing.T) {
	pgtest.Need(t)
	w := newWorld(t)
	hub := githubtest.Start(t)
	for i := range 60 {
		hub.AddRepository(fmt.Sprintf("acme/r%d", i))
	}
	hub.Limit = 60 // of which looking at all of them for the first time takes 61
	var calls atomic.Int64
	var quiet atomic.Bool
	hub.Fault = func(rw http.ResponseWriter, _ *http.Request) bool {
		calls.Add(1)
		if !quiet.Load() {
			return false
		}
		rw.Header().Set("Retry-After", "3000")
		rw.WriteHeader(http.StatusForbidden)
		fmt.Fprint(rw, `{"message": "You have exceeded a secondary rate limit.", "documentation_url": "https://docs.github.com/rest/overview/resources-in-the-rest-api#secondary-rate-limits"}`)
		return true
	}
	servers := w.sharing(t, 3, func(_ context.Context, _ manifest.Forge, m forge.Meter) (forge.Forge, error) {
		return github.New(github.Config{URL: hub.URL, Token: githubtest.Token, Meter: m, Clock: time.Now, Log: slog.New(slog.DiscardHandler)})
	})
	ask := func(s *Server) error {
		h, _ := s.forge("home")
		_, err := h.Refs(t.Context(), "acme/traffic", "")
		return err
	}
	for i, s := range servers {
		eventually(t, s, fmt.Sprintf("server %d to leave the rest to others", i), func() bool {
			h, _ := s.forge("home")
			b, ok := h.Forge.(forge.Budgeted).Budget() //nolint:forcetypeassert // GitHub has one
			return ok && b.Left <= hub.Limit/10 && s.budgetLeft() <= 0.1
		})
	}
	if used := hub.Used("core"); used < hub.Limit*8/10 || used >= hub.Limit {
		t.Errorf("of %d calls they made %d", hub.Limit, used)
	}
	if err := ask(servers[0]); err != nil {
		t.Errorf("what people wait for: %v", err)
	}
	quiet.Store(true)
	err := ask(servers[1])
	until, ok := forge.LimitedUntil(err)
	if !ok {
		t.Errorf("the one that is asked for quiet: %v", err)
	}
	for i, s := range servers {
		eventually(t, s, fmt.Sprintf("server %d to hear of it", i), func() bool {
			at, ok := s.budgetPause()
			return ok && !at.Before(until.Truncate(time.Millisecond))
		})
	}
	before := calls.Load()
	for i, s := range servers {
		if err := ask(s); slipway.KindOf(err) != slipway.Busy {
			t.Errorf("server %d: %v", i, err)
		}
	}
	if asked := calls.Load() - before; asked != 0 {
		t.Errorf("they asked %d times all the same", asked)
	}
}

// budgetPause is until when the server leaves the GitHub of the test alone.
func (s *Server) budgetPause() (time.Time, bool) {
	all, err := s.store.Budgets(context.Background())
	for _, b := range all {
		g := s.budgets.Gauge(b.Account, "")
		if err == nil && !g.Pause.IsZero() {
			return g.Pause, true
		}
	}
	return time.Time{}, false
}
