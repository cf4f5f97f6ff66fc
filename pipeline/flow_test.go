package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/build"
	"github.com/slipway-cd/slipway/driver/drivertest"
	"github.com/slipway-cd/slipway/promote"
)

func wantLines(t *testing.T, what string, want, got []string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestShip(t *testing.T) {
	w := hello(t)
	w.tag(t, "v1")
	out := w.mustShip(t, "prod")
	if out.Release.Version != "v1" || !out.Changed || out.Deployment.Number != 1 || out.Run != nil {
		t.Errorf("it came as far as %+v", out)
	}
	wantLines(t, "events", []string{
		"build done", "check done", "release done", "promote done", "promote done", "deploy done",
	}, w.told())
	if v := w.live(t, "prod"); v != "v1" {
		t.Errorf("prod has %q", v)
	}
	if v := w.live(t, "staging"); v != "" {
		t.Errorf("staging has %q: nobody asked for that", v)
	}
	out = w.mustShip(t, "prod")
	if out.Changed || out.Deployment.Number != 1 {
		t.Errorf("once more, it came as far as %+v", out)
	}
	wantLines(t, "events once more", []string{
		"build reused", "check reused", "release reused", "promote reused", "promote reused", "deploy reused",
	}, w.told())
	if n := w.asked(t); n != 1 {
		t.Errorf("the check was asked %d times, want once", n)
	}
}

// cutIn ships until the runtime is told to apply the plan, and is stopped there by
// Ctrl-C.
func (w *world) cutIn(t *testing.T, env string, point drivertest.Point) {
	t.Helper()
	w.fault = func(m string, p drivertest.Point) error {
		if m != "Apply" || p != point {
			return nil
		}
		w.stop()
		return context.Canceled
	}
	_, err := w.ship(t, env)
	w.fault = nil
	if !errors.Is(err, errStop) {
		t.Fatalf("ship gives %v", err)
	}
}

func TestShipGoesOn(t *testing.T) {
	for _, point := range []drivertest.Point{drivertest.Before, drivertest.After} {
		t.Run(string(point), func(t *testing.T) {
			w := hello(t)
			w.tag(t, "v1")
			w.cutIn(t, "staging", point)
			wantLines(t, "history", []string{"1 v1 deploying"}, w.deployments(t, "staging"))
			w.told()
			out := w.mustShip(t, "staging")
			if !out.Changed || out.Deployment.Number != 1 {
				t.Errorf("it came as far as %+v", out)
			}
			wantLines(t, "events", []string{
				"progress: going on where the last ship was cut short", "build reused", "check reused", "release reused", "promote reused", "deploy done",
			}, w.told())
			wantLines(t, "history", []string{"1 v1 deployed"}, w.deployments(t, "staging"))
		})
	}
}

// The road is another when a ship goes on: it walks the one it began.
func TestTheRoadChanges(t *testing.T) {
	w := hello(t)
	w.tag(t, "v1")
	w.cutIn(t, "prod", drivertest.Before)
	w.write(t, map[string]string{"platform.yaml": strings.Replace(platformText, "prod-root, follows: staging", "prod-root, follows: local", 1)})
	w.git(t, "update-index", "--assume-unchanged", "platform.yaml")
	if out := w.mustShip(t, "prod"); out.Deployment.Number != 1 || !out.Changed {
		t.Errorf("it came as far as %+v", out)
	}
}

// What somebody changed by hand is put right in plain sight.
func TestShipTellsWhatWasChangedByHand(t *testing.T) {
	w := hello(t)
	w.tag(t, "v1")
	w.mustShip(t, "staging")
	w.commit(t, map[string]string{"hello.py": "print('two')\n"})
	w.tag(t, "v2")
	w.noted = func(p *slipway.Plan) {
		p.Changes[0].Note = "changed outside Slipway"
		p.Warnings = append(p.Warnings, "kept: something")
	}
	w.told()
	w.mustShip(t, "staging")
	told := strings.Join(w.told(), "\n")
	for _, want := range []string{"kept: something", "changed outside Slipway, and put right: version"} {
		if !strings.Contains(told, want) {
			t.Errorf("it tells\n%s\nnot %s", told, want)
		}
	}
}

// A freeze keeps nobody from finishing what was begun before it.
func TestAFreezeBegins(t *testing.T) {
	w := hello(t)
	w.tag(t, "v1")
	w.cutIn(t, "staging", drivertest.Before)
	freeze := `, freeze: [{from: 2026-11-22, until: 2026-11-23, why: "year's end"}]}`
	w.write(t, map[string]string{"platform.yaml": strings.Replace(platformText, "follows: local}", "follows: local"+freeze, 1)})
	w.git(t, "update-index", "--assume-unchanged", "platform.yaml")
	if out := w.mustShip(t, "staging"); out.Deployment.Number != 1 || !out.Changed {
		t.Errorf("it came as far as %+v", out)
	}
	w.git(t, "commit", "-q", "--allow-empty", "-m", "another")
	w.tag(t, "v2")
	_, err := w.ship(t, "staging")
	wantError(t, err, slipway.Blocked, "staging is frozen until 2026-11-24 00:00 UTC: year's end", "deploy after that")
}

// A dirty tree is built on this machine, also when it goes on.
func TestShipDirtyGoesOn(t *testing.T) {
	w := hello(t)
	w.write(t, map[string]string{"hello.py": "print('dirty')\n"})
	w.hear = func(e Event) {
		if e.Stage == "build" && e.State == Started {
			w.stop()
		}
	}
	if _, err := w.shipSource(t, "local", true); !errors.Is(err, errStop) {
		t.Fatalf("ship gives %v", err)
	}
	w.hear = nil
	t.Chdir(t.TempDir())
	out, err := w.shipSource(t, "local", true)
	if err != nil || !strings.Contains(out.Release.Version, "-dirty.") {
		t.Errorf("ship gives %+v, %v", out.Release, err)
	}
}

// What was cut short and is not asked for any more is given up, whichever command
// began it.
func TestGiveUp(t *testing.T) {
	w := hello(t)
	w.tag(t, "v1")
	w.mustShip(t, "local")
	w.commit(t, map[string]string{"hello.py": "print('two')\n"})
	w.tag(t, "v2")
	w.cutIn(t, "local", drivertest.Before)
	wantLines(t, "history", []string{"1 v1 deployed", "2 v2 deploying"}, w.deployments(t, "local"))
	w.told()
	w.with(t, func(f *Flow) {
		out, err := f.Deploy(t.Context(), DeployInput{App: "hello", Environment: "local", Version: "v1"})
		if err != nil || out.Deployment.Number != 3 {
			t.Errorf("Deploy gives %+v, %v", out, err)
		}
	})
	w.told()
	if out := w.mustShip(t, "local"); out.Deployment.Number != 4 {
		t.Errorf("it came as far as %+v", out)
	}
	for _, line := range w.told() {
		if strings.Contains(line, "going on") {
			t.Error("a ship that was given up goes on")
		}
	}
	wantLines(t, "history", []string{"1 v1 deployed", "2 v2 superseded", "3 v1 deployed", "4 v2 deployed"}, w.deployments(t, "local"))
}

func TestRollback(t *testing.T) {
	w := hello(t)
	back := func(to int64) error {
		var err error
		w.with(t, func(f *Flow) {
			_, err = f.Rollback(t.Context(), RollbackInput{App: "hello", Environment: "local", To: to})
		})
		return err
	}
	wantError(t, back(0), slipway.NotFound, "nothing of hello is deployed in local, so there is nothing to roll back", "slipway ship local")
	for _, v := range []string{"v1", "v2", "v3"} {
		w.commit(t, map[string]string{"hello.py": "print('" + v + "')\n"})
		w.tag(t, v)
		w.mustShip(t, "local")
	}
	for _, want := range []string{"v2", "v1"} {
		if err := back(0); err != nil {
			t.Fatal(err)
		}
		if v := w.live(t, "local"); v != want {
			t.Errorf("local has %s, want %s", v, want)
		}
	}
	wantError(t, back(0), slipway.NotFound, "hello had no other version in local before the one that is live", "slipway history local")
	wantError(t, back(77), slipway.NotFound, "there is no deployment 77 of hello in local; the last is 5", "slipway history local")
	if err := back(3); err != nil {
		t.Fatal(err)
	}
	if v := w.live(t, "local"); v != "v3" {
		t.Errorf("local has %s, want v3", v)
	}
}

func TestChecksAreRemembered(t *testing.T) {
	w := hello(t)
	check := func(again, dirty bool) (reused bool, err error) {
		w.with(t, func(f *Flow) {
			src := w.source(t, f, dirty)
			b, berr := f.Build(t.Context(), src)
			if berr != nil {
				t.Fatal(berr)
			}
			var r []slipway.CheckResult
			if r, err = f.Check(t.Context(), src, b, again); len(r) == 1 {
				reused = r[0].Reused
			}
		})
		return reused, err
	}
	want := func(what string, reused bool, asked int) {
		t.Helper()
		got, err := check(false, false)
		if n := w.asked(t); got != reused || n != asked || err != nil {
			t.Errorf("%s: reused %v after %d questions, %v; want %v after %d", what, got, n, err, reused, asked)
		}
	}
	want("the first time", false, 1)
	want("the same again", true, 1)
	if reused, err := check(true, false); reused || err != nil || w.asked(t) != 2 {
		t.Errorf("asked again: reused %v, %v", reused, err)
	}
	w.commit(t, map[string]string{"README.md": "nothing that is built"})
	want("another commit", false, 3)
	w.commit(t, map[string]string{"hello.py": "print('two')\n"})
	want("other bytes", false, 4)
	w.commit(t, map[string]string{"slipway.yaml": strings.Replace(manifestText, "unit:", "unity:", 1)})
	want("another question", false, 5)
	w.write(t, map[string]string{"hello.py": "print('dirty')\n"})
	for i, reused := range []bool{false, true} {
		if got, err := check(false, true); got != reused || err != nil {
			t.Errorf("dirty, time %d: reused %v, %v", i, got, err)
		}
	}
	w.commit(t, map[string]string{"fail": ""})
	for i := range 2 {
		if reused, err := check(false, false); slipway.KindOf(err) != slipway.Failed || reused || w.asked(t) != 7+i {
			t.Errorf("a check that fails, time %d: reused %v, %v, after %d questions", i, reused, err, w.asked(t))
		}
	}
}

// Of a dirty folder in a repository, what lies beside it may have changed unseen.
func TestDirtyFolderIsNotRemembered(t *testing.T) {
	if memorable(slipway.Source{Path: "etl", Dirty: true}) || !memorable(slipway.Source{Path: "etl"}) || !memorable(slipway.Source{Path: ".", Dirty: true}) {
		t.Error("only a dirty folder is not to be remembered")
	}
}

func TestNotCommitted(t *testing.T) {
	w := newWorld(t, map[string]string{"hello.py": ""})
	w.write(t, map[string]string{"slipway.yaml": manifestText, ".git/info/exclude": "slipway.yaml\n"})
	_, err := w.ship(t, "local")
	wantError(t, err, slipway.Invalid, "slipway.yaml is not committed", "git add slipway.yaml && git commit, or build the working tree with --dirty")
}

func TestReleaseErrors(t *testing.T) {
	w := hello(t)
	w.tag(t, "v1.0.0")
	w.with(t, func(f *Flow) {
		_, err := f.FindRelease(t.Context(), "hello", "", "local")
		wantError(t, err, slipway.NotFound, "there is no release of hello in local yet", "slipway ship local makes one")
	})
	w.mustShip(t, "local")
	w.with(t, func(f *Flow) {
		_, err := f.FindRelease(t.Context(), "hello", "1.0", "local")
		wantError(t, err, slipway.NotFound, "there is no release 1.0 of hello in local", "did you mean v1.0.0? slipway releases local lists them all")
		_, err = f.FindRelease(t.Context(), "hello", "v9", "local")
		wantError(t, err, slipway.NotFound, "there is no release v9 of hello in local", "slipway releases local lists those that are there")
		if r, err := f.FindRelease(t.Context(), "hello", "", "local"); err != nil || r.Version != "v1.0.0" {
			t.Errorf("the newest is %s, %v", r.Version, err)
		}
		_, err = f.Promote(t.Context(), promote.Input{App: "hello"}, "local")
		wantError(t, err, slipway.Blocked, "local follows no environment: releases are made there, not promoted to it", "slipway release makes one")
		_, err = f.Promote(t.Context(), promote.Input{App: "hello"}, "prod")
		wantError(t, err, slipway.NotFound, "there is no release of hello in staging yet", "")
		out, err := f.Promote(t.Context(), promote.Input{App: "hello"}, "staging")
		if err != nil || !out.Made || out.Release.Version != "v1.0.0" {
			t.Errorf("Promote gives %+v, %v", out, err)
		}
		_, err = f.Ship(t.Context(), ShipInput{App: "hello", Environment: "local", Version: "a/b", Source: w.source(t, f, false)})
		wantError(t, err, slipway.Invalid, `"a/b" cannot be a version`, "")
	})
	w.commit(t, map[string]string{"hello.py": "print('other')\n"})
	w.git(t, "tag", "-f", "v1.0.0")
	_, err := w.ship(t, "local")
	wantError(t, err, slipway.Conflict, "release v1.0.0 of hello exists with other bytes: it was made from commit ", "with another version")
}

func TestPlan(t *testing.T) {
	w := hello(t)
	w.tag(t, "v1")
	w.mustShip(t, "local")
	w.commit(t, map[string]string{"hello.py": "print('two')\n"})
	w.tag(t, "v2")
	w.with(t, func(f *Flow) {
		source, err := f.PlanSource(t.Context(), w.source(t, f, false), "local", "")
		if err != nil || source.Empty() || source.Target.Version != "v2" {
			t.Errorf("PlanSource gives %+v, %v", source, err)
		}
		_, err = f.Deploy(t.Context(), DeployInput{App: "hello", Environment: "local", Plan: &source})
		wantError(t, err, slipway.NotFound, "there is no release v2 of hello in local", "")
		if _, err := f.Release(t.Context(), ShipInput{App: "hello", Environment: "local", Source: w.source(t, f, false)}); err != nil {
			t.Fatal(err)
		}
		plan, err := f.Plan(t.Context(), DeployInput{App: "hello", Environment: "local"})
		if err != nil {
			t.Fatal(err)
		}
		forged := plan
		forged.Target.Run = map[string]any{"python_version": "3", "command": "rm"}
		_, err = f.Deploy(t.Context(), DeployInput{App: "hello", Environment: "local", Plan: &forged})
		wantError(t, err, slipway.Conflict, "this plan is not one for release v2 of hello in local as it is now", "slipway plan v2 local")
		data, err := json.Marshal(plan)
		if err != nil {
			t.Fatal(err)
		}
		var saved slipway.Plan
		if err := json.Unmarshal(data, &saved); err != nil {
			t.Fatal(err)
		}
		out, err := f.Deploy(t.Context(), DeployInput{App: "hello", Environment: "local", Plan: &saved})
		if err != nil || !out.Made || out.Deployment.Plan.Target.Version != "v2" {
			t.Errorf("Deploy gives %+v, %v", out, err)
		}
	})
}

func TestNoDriver(t *testing.T) {
	w := newWorld(t, map[string]string{
		"slipway.yaml": strings.Replace(manifestText, "python-job\n", "glue-job\nrun: {type: pythonshell, role: r}\n", 1), "hello.py": "",
		"platform.yaml": "slipway: v1\nenvironments:\n  cloud: {runtime: glue, repository: .slipway/cloud, account: \"123456789012\", region: eu-central-1}\n  bare: {runtime: local}\n",
	})
	_, err := w.ship(t, "cloud")
	wantError(t, err, slipway.Unavailable, "environment cloud runs on glue, and this program has no driver for it", "deploy to an environment whose runtime is one of: local")
	w.with(t, func(f *Flow) {
		_, err := f.Place(t.Context(), "bare")
		wantError(t, err, slipway.Invalid, "environment bare has no repository: there is no place for its releases", "set environments.bare.repository in platform.yaml")
	})
}

func TestResolve(t *testing.T) {
	w := newWorld(t, map[string]string{"platform.yaml": platformText, "slipway.yaml": `slipway: v1
app: hello
shape: glue-job
build: {script: hello.py}
run: {type: glueetl, role: r, glue_version: "5.0"}
environments:
  staging: {run: {worker_type: G.2X, workers: 3}}
  prod: {run: {max_capacity: 1}}
`})
	b := Built{Result: build.Result{Settings: []build.Setting{{Name: "timeout", Value: "2h"}}}, Source: "hello.ipynb"}
	w.with(t, func(f *Flow) {
		road, err := f.Project.Road("staging")
		if err != nil {
			t.Fatal(err)
		}
		data, err := f.resolve(road, b.found())
		if err != nil {
			t.Fatal(err)
		}
		var doc releasedManifest
		if err := json.Unmarshal(data, &doc); err != nil {
			t.Fatal(err)
		}
		if doc.App != "hello" || doc.Shape != "glue-job" || doc.ShapeVersion == 0 || len(doc.Environments) != 3 {
			t.Errorf("the manifest is %s", data)
		}
		if run := doc.Environments["staging"].Run; run["worker_type"] != "G.2X" || run["timeout"] != "2h" {
			t.Errorf("in staging run is %v", run)
		}
		if e := doc.Environments["prod"]; e.Run != nil || !strings.Contains(e.Error, "in environment prod, run.max_capacity is not for type glueetl") {
			t.Errorf("prod, off the road, is %+v", e)
		}
		road, err = f.Project.Road("prod")
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.resolve(road, b.found())
		wantError(t, err, slipway.Invalid, "in environment prod, run.max_capacity is not for type glueetl", "")
	})
}

func TestTarget(t *testing.T) {
	w := hello(t)
	w.with(t, func(f *Flow) {
		p, err := f.Place(t.Context(), "local")
		if err != nil {
			t.Fatal(err)
		}
		try := func(text string, d slipway.Digest, env string) error {
			key := "hello/" + slipway.DigestOf([]byte(text)).Short() + "/manifest.json"
			if _, err := p.Repository.Put(t.Context(), key, bytes.NewReader([]byte(text))); err != nil {
				t.Fatal(err)
			}
			if d == "" {
				d = slipway.DigestOf([]byte(text))
			}
			_, err := target(t.Context(), p.Repository, slipway.Release{App: "hello", Version: "v1", Manifest: slipway.Artifact{Key: key, Digest: d}}, env)
			return err
		}
		const good = `{"shape":"python-job","environments":{"local":{"run":{}},"prod":{"error":"run.workers is missing"}}}`
		if err := try(good, "", "local"); err != nil {
			t.Error(err)
		}
		wantError(t, try(good, "sha256:other", "local"), slipway.Conflict, "the manifest of release v1 was changed: it is sha256:", "by hand; restore hello/")
		wantError(t, try("not JSON", "", "local"), slipway.Conflict, "the manifest of release v1 cannot be read: ", "release it again under another version")
		wantError(t, try(good, "", "new"), slipway.Blocked, "release v1 was made before there was an environment new", "release it again under another version")
		wantError(t, try(good, "", "prod"), slipway.Blocked, "release v1 cannot go to prod: run.workers is missing", "correct the manifest and release it again")
	})
}

func TestReader(t *testing.T) {
	w := hello(t)
	f, err := NewReader(t.Context(), w.config(t))
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.History(t.Context(), "hello", "local")
	wantError(t, err, slipway.NotFound, "nothing of hello was shipped from here yet", "slipway ship")
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(w.root, ".slipway")); err == nil {
		t.Error("a reader made the state folder")
	}
	w.tag(t, "v1")
	w.mustShip(t, "local")
	w.with(t, func(*Flow) { // somebody is at work meanwhile
		f, err := NewReader(t.Context(), w.config(t))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if h, err := f.History(t.Context(), "hello", "local"); err != nil || len(h.Deployments) != 1 {
			t.Errorf("the history is %+v, %v", h, err)
		}
		r, err := f.FindRelease(t.Context(), "hello", "", "local")
		if err != nil {
			t.Fatal(err)
		}
		if checks, err := f.CheckResults(t.Context(), r, "local"); err != nil || len(checks) != 1 || checks[0].Name != "unit" {
			t.Errorf("the checks are %+v, %v", checks, err)
		}
	})
}
