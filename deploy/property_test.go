package deploy_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/deploy"
	"github.com/slipway-cd/slipway/driver/drivertest"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/object"
	"github.com/slipway-cd/slipway/operate"
	"github.com/slipway-cd/slipway/repository/folder"
	"github.com/slipway-cd/slipway/repository/repositorytest"
	"github.com/slipway-cd/slipway/store"
)

// TestAnyOrder deploys, rolls back, removes, fails and dies in any order, in two
// places, and compares with a model after each.
func TestAnyOrder(t *testing.T) {
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := flag.Set("rapid.checks", "10"); err != nil {
			t.Fatal(err)
		}
	}
	root := inMemory(t)
	for _, inDatabase := range []bool{true, false} {
		t.Run(fmt.Sprintf("ledger in a database %v", inDatabase), func(t *testing.T) {
			rapid.Check(t, func(r *rapid.T) {
				m := newModel(t, r, root, inDatabase)
				defer m.close()
				r.Repeat(map[string]func(*rapid.T){
					"deploy":   m.deploy,
					"go on":    m.goOn,
					"rollback": m.rollback,
					"remove":   m.remove,
					"release":  m.release,
					"":         m.check,
				})
			})
		})
	}
}

// inMemory returns a folder that does not wait for a disk, where there is one: a
// power cut is not among what happens here.
func inMemory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "slipway-test-") //nolint:usetesting // t.TempDir may be on a disk
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// A model is what should be true of a world.
type model struct {
	*world
	t      *testing.T // for what never fails
	close  func()
	ids    int
	live   string        // the version that the ledger should say is live
	there  []string      // versions that the runtime may have
	cut    *deploy.Input // the deployment that was cut short last; nil: none
	holder string        // of cut
}

func newModel(t *testing.T, r *rapid.T, root string, inDatabase bool) *model {
	dir, err := os.MkdirTemp(root, "") //nolint:usetesting // a rapid.T has no folder
	if err != nil {
		r.Fatal(err)
	}
	repo, err := folder.Open(filepath.Join(dir, "repository"))
	if err != nil {
		r.Fatal(err)
	}
	w := &world{blobs: blobs{repo}, dir: filepath.Join(dir, "runtime"), clock: repositorytest.NewClock(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))}
	w.fake = drivertest.NewFake(w.dir, w.clock.Now, nil)
	m := &model{world: w, t: t, close: func() {}, there: []string{""}}
	if !inDatabase {
		w.book = object.New(&repositorytest.Stamped{Repository: repo, Clock: w.clock}, w.clock.Now)
		return m
	}
	s, err := store.Open(t.Context(), filepath.Join(dir, "slipway.db"), nil)
	if err != nil {
		r.Fatal(err)
	}
	w.book = s.Ledger(w.clock.Now)
	m.close = func() { _ = s.Close() }
	return m
}

// try deploys as one of two holders, and may die or fail on the way.
func (m *model) try(r *rapid.T, holder string, in deploy.Input) {
	method := rapid.SampledFrom([]string{"", "Plan", "Apply", ledger.DeploymentStarted, ledger.DeploymentEnded}).Draw(r, "fault in")
	point := rapid.SampledFrom([]drivertest.Point{drivertest.Before, drivertest.After}).Draw(r, "point")
	dies := method != "Apply" || rapid.Bool().Draw(r, "dies")
	fault := func(called string, at drivertest.Point) error {
		switch {
		case called != method || at != point:
			return nil
		case dies:
			panic(errCrash)
		}
		return errors.New("no network")
	}
	out, err := m.run(m.stage(holder, drivertest.NewFake(m.dir, m.clock.Now, fault), dying{m.book, fault}), in)
	m.clock.Advance(time.Hour) // a lease that was left behind ends
	version := in.Target.Version
	switch {
	case err == nil:
		if out.Deployment.Plan.Target.Version != version {
			r.Fatalf("%s was deployed, not %s", out.Deployment.Plan.Target.Version, version)
		}
		m.live, m.there, m.cut = version, []string{version}, nil
	case errors.Is(err, errCrash):
		m.cut, m.holder = &in, holder
		m.there = append(m.there, version)
	case slipway.KindOf(err) == slipway.Conflict && m.cut == nil && in.ID != "":
		r.Fatalf("nobody else is there, and yet: %v", err)
	default: // it failed, before its effect or after
		m.cut = nil
		m.there = append(m.there, version)
	}
	m.settle(r)
}

// run turns the death of the process into an error.
func (m *model) run(s deploy.Stage, in deploy.Input) (out deploy.Output, err error) {
	ctx, cancel := context.WithCancel(m.t.Context())
	defer cancel()
	defer func() {
		if recover() != nil {
			err = errCrash
		}
	}()
	return s.Run(ctx, in)
}

// settle learns from the ledger how far a process came that died: that is for the
// ledger alone to say.
func (m *model) settle(r *rapid.T) {
	if current, ok := m.read(r).Current(); ok && m.cut != nil && current.ID == m.cut.ID {
		m.live, m.there, m.cut = current.Plan.Target.Version, []string{current.Plan.Target.Version}, nil
	}
}

func (m *model) deploy(r *rapid.T) {
	m.ids++
	version := rapid.SampledFrom([]string{"v1", "v2", "v3"}).Draw(r, "version")
	m.try(r, rapid.SampledFrom([]string{"a", "b"}).Draw(r, "holder"), m.input(m.t, fmt.Sprint("id", m.ids), version))
}

func (m *model) goOn(r *rapid.T) {
	if m.cut == nil {
		r.Skip("nothing was cut short")
	}
	m.try(r, m.holder, *m.cut)
}

func (m *model) rollback(r *rapid.T) {
	h := m.read(r)
	former, err := deploy.Former(h, 0)
	if err != nil {
		if slipway.KindOf(err) != slipway.NotFound {
			r.Fatal(err)
		}
		r.Skip("there is nothing to roll back to")
	}
	if former.Plan.Target.Version == m.live {
		r.Fatalf("a rollback from %s brings back the same", m.live)
	}
	m.ids++
	m.try(r, "a", deploy.Input{ID: fmt.Sprint("id", m.ids), Target: former.Plan.Target, RollbackOf: former.Number, By: "ann"})
}

func (m *model) remove(r *rapid.T) {
	s := operate.Stage{
		Environment: slipway.Environment{Name: "staging"}, Driver: m.fake, Ledger: m.book, Clock: m.clock.Now,
		Keeper: m.sane("a").Keeper,
	}
	_, err := s.Remove(m.t.Context(), "traffic", "ann")
	if m.live == "" {
		if slipway.KindOf(err) != slipway.NotFound {
			r.Fatalf("nothing is live, and Remove gives %v", err)
		}
		return
	}
	if err != nil {
		r.Fatal(err)
	}
	m.live, m.there = "", []string{""}
	if m.cut != nil { // when it is gone on with, its plan is stale
		m.there = append(m.there, m.cut.Target.Version)
	}
}

func (m *model) release(r *rapid.T) {
	m.ids++
	a := ledger.Admission{Version: fmt.Sprint("r", m.ids), Record: "r", Time: m.clock.Now(), By: "bob"}
	if made, err := ledger.Admit(m.t.Context(), m.book, subject(), ledger.ReleaseCreated, a); err != nil || !made {
		r.Fatalf("Admit gives %v, %v", made, err)
	}
}

// read reads the history, which verifies its chain.
func (m *model) read(r *rapid.T) ledger.History {
	h, err := ledger.ReadHistory(m.t.Context(), m.book, subject())
	if err != nil {
		r.Fatal(err)
	}
	return h
}

func (m *model) check(r *rapid.T) {
	h := m.read(r)
	current, _ := h.Current()
	if current.Plan.Target.Version != m.live {
		r.Fatalf("the ledger says that %q is live, want %q", current.Plan.Target.Version, m.live)
	}
	m.checkEnds(r, h)
	s, err := m.fake.Observe(m.t.Context(), slipway.Handle{App: "traffic"}, slipway.Target{})
	if err != nil {
		r.Fatal(err)
	}
	if !slices.Contains(m.there, s.Target.Version) {
		r.Fatalf("the runtime has %q, want one of %q", s.Target.Version, m.there)
	}
}

// checkEnds sees that a deployment ends once, and only the last is unfinished.
func (m *model) checkEnds(r *rapid.T, h ledger.History) {
	ends := map[string]int{}
	for _, e := range h.Entries {
		if e.Kind == ledger.DeploymentEnded {
			ends[e.ID]++
		}
	}
	for i, d := range h.Deployments {
		want := 1
		if d.State == slipway.Deploying {
			want = 0
		}
		if n := ends["deploy/"+d.ID+"/ended"]; n != want {
			r.Fatalf("deployment %d is %s and has %d ends", d.Number, d.State, n)
		}
		if d.Number != int64(i)+1 || want == 0 && i != len(h.Deployments)-1 {
			r.Fatalf("deployment %d of %d has the number %d and is %s", i+1, len(h.Deployments), d.Number, d.State)
		}
	}
}
