package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/pipeline"
)

// TestTakesOver: what was shipped from a command line is part of the server's
// history, and command lines obey from then on.
func TestTakesOver(t *testing.T) {
	w := newWorld(t)
	w.repository(t, "hello")
	w.push(t, "hello", hello)
	byHand := func() error { return w.shipByHand(t, "hello") }
	if err := byHand(); err != nil {
		t.Fatal(err)
	}
	s, stop := w.serving(t)
	untilJobs(t, s, jobShip, 1) // which has nothing to do: it is live
	h, err := s.history(t.Context(), "hello", "staging")
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Deployments) != 1 || h.Deployments[0].By != "mara@laptop" {
		t.Errorf("the server knows %d deployments: %+v", len(h.Deployments), h.Deployments)
	}
	err = byHand()
	if slipway.KindOf(err) != slipway.Blocked || err == nil || err.Error() != "staging is run by the server this server: its ledger is there" {
		t.Errorf("by hand: %v", err)
	}
	w.push(t, "hello", map[string]string{"hello.py": "print('again')\n"})
	untilJobs(t, s, jobShip, 2)
	stop()
	s, stop = w.serving(t) // another start takes over nothing anew
	eventually(t, s, "the head of the ledger to be signed", func() bool {
		head, err := s.store.SignedHead(t.Context())
		return err == nil && head.Size > 0
	})
	if h, err = s.history(t.Context(), "hello", "staging"); err != nil || len(h.Deployments) != 2 {
		t.Errorf("the server knows %d deployments, %v; want 2", len(h.Deployments), err)
	}
	stop()
	other := w.config(t)
	other.URL, other.Folder = "https://other.example.com", filepath.Join(w.dir, "other")
	_, err = New(t.Context(), other)
	if slipway.KindOf(err) != slipway.Conflict || !strings.Contains(slipway.FixOf(err), "one server has the last word") {
		t.Errorf("another server takes over: %v", err)
	}
}

// shipByHand ships an app to staging from its clone, without a server.
func (w *world) shipByHand(t *testing.T, name string) error {
	t.Helper()
	p, err := pipeline.OpenProject(t.Context(), pipeline.Where{
		Dir: filepath.Join(w.dir, "work", name), Platform: filepath.Join(w.dir, "platform.yaml"), Environ: w.environ, Shapes: w.config(t).Shapes,
	})
	if err != nil {
		return err
	}
	defer p.Close()
	f, err := pipeline.New(t.Context(), pipeline.Config{
		Project: p, Parts: w.parts(), Cache: t.TempDir(), Environ: w.environ, Clock: time.Now, Emit: func(pipeline.Event) {}, Log: os.Stderr,
		Me: ledger.Holder{Who: "mara@laptop", Process: os.Getpid()},
	})
	if err != nil {
		return err
	}
	defer f.Close()
	src, _, err := p.Git.Source(t.Context(), ".", false)
	if err != nil {
		return err
	}
	_, err = f.Ship(t.Context(), pipeline.ShipInput{App: name, Environment: "staging", Source: src, By: "mara@laptop"})
	return err
}

// TestGivesBack: an environment that the platform file leaves to its repository goes
// back there with all that happened, and a server leaves it alone from then on.
func TestGivesBack(t *testing.T) {
	w := newWorld(t)
	w.repository(t, "hello")
	w.push(t, "hello", hello)
	s, stop := w.serving(t)
	untilJobs(t, s, jobShip, 1)
	before, err := s.history(t.Context(), "hello", "staging")
	if err != nil || len(before.Deployments) != 1 {
		t.Fatalf("the server knows %d deployments, %v; want 1", len(before.Deployments), err)
	}
	stop()
	ours := strings.Replace(platformText, "root: root/staging", "root: root/staging, ledger: repository", 1)
	w.write(t, "platform.yaml", ours)
	for range 2 { // another start gives back nothing anew
		s, stop = w.serving(t)
		_, err = s.history(t.Context(), "hello", "staging")
		if slipway.KindOf(err) != slipway.Blocked || err.Error() != "staging keeps its ledger in its repository, so a server leaves it alone" {
			t.Errorf("the server still has staging: %v", err)
		}
		stop()
	}
	w.push(t, "hello", map[string]string{"hello.py": "print('by hand')\n"})
	if err := w.shipByHand(t, "hello"); err != nil {
		t.Fatalf("by hand: %v", err)
	}
	w.write(t, "platform.yaml", platformText)
	s, _ = w.serving(t)
	after, err := s.history(t.Context(), "hello", "staging")
	if err != nil || len(after.Deployments) != 2 || after.Deployments[1].By != "mara@laptop" {
		t.Fatalf("taken over again, the server knows %+v (%v)", after.Deployments, err)
	}
	for i, e := range before.Entries {
		if after.Entries[i].Hash != e.Hash {
			t.Errorf("entry %d is another one now", e.Number)
		}
	}
}
