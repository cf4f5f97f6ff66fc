package server

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/forge"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/store"
)

// untilPlatform waits until the server has told something of the platform file, and
// returns what it told last.
func untilPlatform(t *testing.T, s *Server, kind string, n int) store.Event {
	t.Helper()
	var last store.Event
	eventually(t, s, fmt.Sprintf("%d of %s", n, kind), func() bool {
		all, err := s.store.Events(t.Context(), store.EventFilter{}, 1000)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, e := range all {
			if e.Kind == kind {
				found, last = found+1, e
			}
		}
		return found >= n
	})
	return last
}

// TestPlatformFileThatChanges: a changed platform file holds without a restart, if all of
// it does; else the one before holds, and it is told why.
func TestPlatformFileThatChanges(t *testing.T) {
	w := newWorld(t)
	w.repository(t, "hello")
	w.push(t, "hello", hello)
	c := w.config(t)
	opened := map[string]int{}
	c.Forge = func(_ context.Context, f manifest.Forge, _ forge.Meter) (forge.Forge, error) {
		opened[f.Name]++
		if f.Name == "broken" {
			return nil, slipway.Errorf(slipway.NotFound, "there is no such forge")
		}
		other := &bare{w: w}
		other.add("hello")
		return other, nil
	}
	s, _ := w.servingWith(t, c)
	untilJobs(t, s, jobShip, 1)
	h := w.client(t, s)
	refused := func(n int, text, want string) {
		t.Helper()
		w.write(t, "platform.yaml", text)
		o := read[struct{ Message string }](t, string(untilPlatform(t, s, "platform.refused", n).Body))
		if !strings.Contains(o.Message, want) {
			t.Errorf("it says %q, want %q", o.Message, want)
		}
		if answer, text := request(t, h, "GET", Root+"/apps/hello/environments/staging", ""); answer.StatusCode != 200 {
			t.Errorf("the platform file before does not hold: %d %s", answer.StatusCode, text)
		}
		if _, text := get(t, h, "/metrics"); !strings.Contains(text, "\nslipway_platform_refused 1\n") {
			t.Error("the figures do not tell")
		}
	}
	refused(1, "slipway: v1\nenvironment: {}\n", "environment")
	refused(2, platformText+"    broken: {kind: git, url: git}\n", "open the forge broken: there is no such forge")
	refused(3, strings.Replace(platformText, "artifacts/staging", "artifacts/elsewhere", 1), "environments.staging has another repository, or another place for its ledger: that takes a restart of the server")
	refused(4, platformText+"rails:\n  - {name: late, when: \"nothing.here\", effect: block, message: no}\n", "nothing")

	w.write(t, "platform.yaml", platformText+"    second: {kind: git, url: git, every: 1h}\n")
	untilPlatform(t, s, "platform.changed", 1)
	eventually(t, s, "the new forge to be looked at", func() bool {
		_, ok, err := s.store.Repository(t.Context(), "second", "hello")
		return ok && err == nil
	})
	if opened["home"] != 1 || opened["second"] != 1 {
		t.Errorf("the forges were opened %v times, those that did not change once", opened)
	}
	if _, text := get(t, h, "/metrics"); !strings.Contains(text, "\nslipway_platform_refused 0\n") {
		t.Error("the figures tell of a fault that is none any more")
	}

	w.write(t, "platform.yaml", strings.Replace(platformText, "  prod: ", "  third: {runtime: local, repository: artifacts/third, root: root/third}\n  prod: ", 1))
	untilPlatform(t, s, "platform.changed", 2)
	if answer, text := request(t, h, "GET", Root+"/apps/hello/environments/third/history", ""); answer.StatusCode != 200 {
		t.Errorf("the new environment: %d %s", answer.StatusCode, text)
	}
	if _, err := os.Stat(filepath.Join(w.dir, "artifacts", "third", "authority.json")); err != nil {
		t.Errorf("it is not taken over: %v", err)
	}
	if _, ok := s.forge("second"); ok {
		t.Error("a forge that was taken away is there still")
	}
}

// TestRulesOfAChangedPlatformFile: who may do what is what the file says now.
func TestRulesOfAChangedPlatformFile(t *testing.T) {
	w := newWorld(t)
	c := w.config(t)
	var rules func() (access.Rules, error)
	c.Door = func(_ *store.Store, _ string, now func() (access.Rules, error)) Doorkeeper {
		rules = now
		return open{}
	}
	s, _ := w.servingWith(t, c)
	w.write(t, "platform.yaml", strings.Replace(platformText, "people: {mara", "people: {bo: {email: bo@example.com}, mara", 1))
	untilPlatform(t, s, "platform.changed", 1)
	if r, err := rules(); err != nil || len(r.People) != 2 {
		t.Errorf("the people are %v, %v", r.People, err)
	}
}
