package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/dossier"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/promote"
	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/repository/folder"
	"github.com/slipway-cd/slipway/repository/repositorytest"
)

// machines is the usual platform, which believes what the key of "machine" attests.
func machines() string {
	return platformText + "signers:\n  runner: {keys: [\"" + pairOf("machine").Key().String() + "\"]}\n"
}

// attesting opens a flow of a machine with a key, and closes it after fn.
func (w *world) attesting(t *testing.T, key string, hook func(method, object string) error, fn func(f *Flow)) {
	t.Helper()
	c := w.config(t)
	c.Signer = func(context.Context) (evidence.Signer, error) { return pairOf(key), nil }
	c.Version = "v0.0.1"
	if hook != nil {
		c.Parts.Repository = func(_ context.Context, e slipway.Environment) (repository.Repository, error) {
			r, err := folder.Open(e.Repository)
			return &repositorytest.Faulty{Repository: r, Before: hook}, err
		}
	}
	f, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	fn(f)
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func (w *world) shipWith(t *testing.T, key string, hook func(method, object string) error) (err error) {
	t.Helper()
	w.attesting(t, key, hook, func(f *Flow) {
		_, err = f.Ship(t.Context(), ShipInput{App: "hello", Environment: "prod", Source: w.source(t, f, false), By: "ann@laptop"})
	})
	return err
}

// verify writes the dossier of v1, and says what it proves.
func (w *world) verify(t *testing.T) (r dossier.Report) {
	t.Helper()
	w.attesting(t, "machine", nil, func(f *Flow) {
		var out bytes.Buffer
		if _, err := f.WriteDossier(t.Context(), &out, f.Project.Manifest.App, "v1", "prod", "ann@laptop"); err != nil {
			t.Fatal(err)
		}
		r = dossier.Verify(out.Bytes(), VerifyPolicy(f.Project.Platform))
	})
	return r
}

// unsupported returns the acts that the ledgers have without their statements.
func (w *world) unsupported(t *testing.T) (all []string) {
	t.Helper()
	w.attesting(t, "machine", nil, func(f *Flow) {
		for _, env := range []string{"local", "staging", "prod"} {
			h, err := f.History(t.Context(), "hello", env)
			if err != nil {
				t.Fatal(err)
			}
			p, err := f.Place(t.Context(), env)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range h.Entries {
				want := 1
				if e.Kind == ledger.ReleaseCreated {
					want = 3
				}
				if len(e.Statements) != want {
					all = append(all, fmt.Sprintf("%s in %s names %d statements", e.Kind, env, len(e.Statements)))
				}
				for _, d := range e.Statements {
					if _, _, err := p.Repository.Read(t.Context(), slipway.StatementKey("hello", d)); err != nil {
						all = append(all, fmt.Sprintf("%s in %s: %v", e.Kind, env, err))
					}
				}
			}
		}
	})
	return all
}

func attestedWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, map[string]string{"slipway.yaml": manifestText, "platform.yaml": machines(), "hello.py": "print('hello')\n"})
	w.tag(t, "v1")
	return w
}

// Wherever a write fails, no act is in a ledger without its statements, and a ship
// that is called again ends in a dossier that proves all of it.
func TestNoActWithoutItsStatementAtAnyWrite(t *testing.T) {
	var writes atomic.Int64
	count := func(method, _ string) error {
		if method == "Put" {
			writes.Add(1)
		}
		return nil
	}
	if err := attestedWorld(t).shipWith(t, "machine", count); err != nil {
		t.Fatal(err)
	}
	if writes.Load() < 15 {
		t.Fatalf("a ship to prod writes %d times", writes.Load())
	}
	lost := slipway.Errorf(slipway.Unavailable, "connection reset")
	step := int64(1)
	if testing.Short() {
		step = 9
	}
	for nth := int64(1); nth <= writes.Load(); nth += step {
		t.Run(fmt.Sprintf("write %d", nth), func(t *testing.T) {
			w := attestedWorld(t)
			if err := w.shipWith(t, "machine", repositorytest.Once("Put", nth, lost)); err == nil || !strings.Contains(err.Error(), lost.Error()) {
				t.Fatalf("got %v", err)
			}
			if lacking := w.unsupported(t); len(lacking) > 0 {
				t.Errorf("after the fault: %q", lacking)
			}
			if err := w.shipWith(t, "machine", nil); err != nil {
				t.Fatalf("called again: %v", err)
			}
			if lacking := w.unsupported(t); len(lacking) > 0 {
				t.Errorf("at the end: %q", lacking)
			}
			if r := w.verify(t); r.Err() != nil {
				t.Errorf("the dossier: %v", r.Faults)
			}
		})
	}
}

func TestMachineThatMayNot(t *testing.T) {
	w := attestedWorld(t)
	err := w.shipWith(t, "eve", nil)
	wantError(t, err, slipway.Blocked, "this machine's key attests nothing here: the key "+pairOf("eve").Key().ID()+" is none of the platform's signers",
		"have the platform team add it under signers.NAME.keys: "+pairOf("eve").Key().String())
	if w.live(t, "prod") != "" {
		t.Error("it is live all the same")
	}
}

// What was released before the platform named its machines, by one of nobody's, is
// not promoted once it did.
func TestNotProvenNotPromoted(t *testing.T) {
	w := newWorld(t, map[string]string{"slipway.yaml": manifestText, "platform.yaml": platformText, "hello.py": "print('hello')\n"})
	w.tag(t, "v1")
	w.attesting(t, "eve", nil, func(f *Flow) {
		if _, err := f.Release(t.Context(), ShipInput{App: "hello", Environment: "local", Source: w.source(t, f, false), By: "ann@laptop"}); err != nil {
			t.Fatal(err)
		}
	})
	w.commit(t, map[string]string{"platform.yaml": machines()})
	var err error
	w.attesting(t, "machine", nil, func(f *Flow) {
		_, err = f.Promote(t.Context(), promote.Input{App: "hello", Version: "v1", By: "ann@laptop"}, "staging")
	})
	wantError(t, err, slipway.Blocked, "it is not proved what v1 was made from: entry 1 of hello in local: its provenance: the key "+pairOf("eve").Key().ID(),
		"release it again under another version")
}

func TestProvenance(t *testing.T) {
	w := attestedWorld(t)
	w.git(t, "remote", "add", "origin", "git@example.com:team/hello.git")
	if err := w.shipWith(t, "machine", nil); err != nil {
		t.Fatal(err)
	}
	var p slipway.Provenance
	for _, s := range w.verify(t).Statements {
		if strings.HasPrefix(s.Name, "provenance-") {
			e, err := evidence.Unwrap(s.Envelope)
			if err != nil {
				t.Fatal(err)
			}
			if p, err = evidence.Read[slipway.Provenance](e); err != nil {
				t.Fatal(err)
			}
		}
	}
	commit := strings.TrimSpace(w.git(t, "rev-parse", "HEAD"))
	tree := strings.TrimSpace(w.git(t, "rev-parse", "HEAD^{tree}"))
	at := "git+ssh://git@example.com/team/hello.git"
	want := slipway.BuildDefinition{
		BuildType:          "https://github.com/slipway-cd/slipway/build/v1",
		ExternalParameters: slipway.BuildParameters{App: "hello", Version: "v1", Path: ".", Build: json.RawMessage(`{"script":"hello.py"}`)},
		ResolvedDependencies: []slipway.Resource{
			{Name: "source", URI: at, Digest: map[string]string{"gitCommit": commit}, Annotations: map[string]string{"author": "a@example.com"}},
			{Name: ".", URI: at, Digest: map[string]string{"gitTree": tree}},
		},
	}
	if diff := cmp.Diff(want, p.BuildDefinition); diff != "" {
		t.Errorf("what it was built from (-want +got):\n%s", diff)
	}
	if b := p.RunDetails.Builder; b.ID != "https://github.com/slipway-cd/slipway" || b.Version["slipway"] != "v0.0.1" || !p.RunDetails.Metadata.FinishedOn.Equal(noon()) {
		t.Errorf("who built it: %+v", p.RunDetails)
	}
}

func TestSources(t *testing.T) {
	for remote, want := range map[string]string{
		"": "", "https://example.com/team/hello": "git+https://example.com/team/hello", "ssh://git@example.com/hello": "git+ssh://git@example.com/hello",
		"git@example.com:team/hello.git": "git+ssh://git@example.com/team/hello.git", "/srv/git/hello": "git+file:///srv/git/hello",
	} {
		if got := gitURI(remote); got != want {
			t.Errorf("%s: got %s, want %s", remote, got, want)
		}
	}
	got := sources(slipway.Source{Dirty: true, Commit: "c1", Tree: "t1", Path: "etl"})
	want := []slipway.Resource{{
		Name: "source", Digest: map[string]string{"slipwayTree": "t1"}, Annotations: map[string]string{"dirty": "true", "base": "c1", "path": "etl"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("uncommitted (-want +got):\n%s", diff)
	}
}

// A run that was followed is in the ledger once, with its statement.
func TestRecordRun(t *testing.T) {
	w := attestedWorld(t)
	if err := w.shipWith(t, "machine", nil); err != nil {
		t.Fatal(err)
	}
	run := slipway.Run{ID: "r1", App: "hello", Environment: "prod", Version: "v1", State: slipway.RunSucceeded, Trigger: "manual", Created: noon().Add(time.Second)}
	w.attesting(t, "machine", nil, func(f *Flow) {
		for i, want := range []bool{true, false} {
			if made, err := f.RecordRun(t.Context(), run, "ann@laptop"); err != nil || made != want {
				t.Errorf("time %d: %v, %v", i+1, made, err)
			}
		}
		for name, other := range map[string]slipway.Run{
			"of this machine's environment": {ID: "r2", App: "hello", Environment: "local", Version: "v1", State: slipway.RunSucceeded},
			"that goes on":                  {ID: "r3", App: "hello", Environment: "prod", Version: "v1", State: slipway.RunRunning},
			"of another job":                {ID: "r4", App: "hello", Environment: "prod", Version: "v9", State: slipway.RunFailed},
		} {
			if made, err := f.RecordRun(t.Context(), other, "ann@laptop"); err != nil || made {
				t.Errorf("a run %s: %v, %v", name, made, err)
			}
		}
	})
	r := w.verify(t)
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	if last := r.Proofs[len(r.Proofs)-1]; last.What != "run r1 in prod: succeeded" || last.By != "runner" {
		t.Errorf("the last proof is %+v", last)
	}
}

// What runs is held against what was approved.
func TestRunning(t *testing.T) {
	w := attestedWorld(t)
	look := func(env string) (r Running) {
		w.attesting(t, "machine", nil, func(f *Flow) {
			var err error
			if r, err = f.Running(t.Context(), f.Project.Manifest.App, env); err != nil {
				t.Fatal(err)
			}
		})
		return r
	}
	if r := look("local"); r.Verdict != RunsNothing {
		t.Errorf("before: %+v", r)
	}
	if err := w.shipWith(t, "machine", nil); err != nil {
		t.Fatal(err)
	}
	r := look("prod")
	if r.Verdict != RunsEqual || r.Version != "v1" || r.Approved != r.Runs || !r.Runs.Script.Valid() {
		t.Errorf("deployed: %+v", r)
	}
	judged := func(status slipway.JobStatus, runs slipway.Digest) Running {
		r := Running{Approved: Bytes{Script: "sha256:a"}, Runs: Bytes{Script: runs}}
		r.judge(status)
		return r
	}
	for _, c := range []struct {
		got     Running
		verdict RunningVerdict
		why     string
	}{
		{judged(slipway.JobStatus{State: slipway.JobLive}, ""), RunsUnknown, "the runtime does not say which script it runs"},
		{judged(slipway.JobStatus{State: slipway.JobLive}, "sha256:b"), RunsDiffers, "it runs another script"},
		{judged(slipway.JobStatus{State: slipway.JobDrifted, Drift: []slipway.Change{{Field: "run.workers"}, {Field: "run.timeout"}}}, "sha256:a"), RunsDiffers, "changed by hand: run.workers, run.timeout"},
	} {
		if c.got.Verdict != c.verdict || c.got.Why != c.why {
			t.Errorf("got %s, %s; want %s, %s", c.got.Verdict, c.got.Why, c.verdict, c.why)
		}
	}
}

// Whoever stood in for somebody did so for a time, and a dossier is judged by that
// time, whenever it is verified.
func TestVerifyPolicyKnowsDelegations(t *testing.T) {
	text := peopled("sign_offs: [qa]") + "delegations: [{from: zoe, to: bo, roles: [qa], until: 2026-11-22}]\n"
	platform, err := manifest.LoadPlatform("platform.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	p := VerifyPolicy(platform)
	prod := p.Environments["prod"]
	for at, want := range map[time.Time]bool{noon(): true, noon().AddDate(0, 0, 1): false} {
		if rules := prod.Rules(slipway.Release{}, at); rules.Policy.In("qa", "bo") != want || !rules.Now.Equal(at) || len(rules.Needs) != 1 {
			t.Errorf("at %v bo is in qa: %v, want %v; %+v", at, !want, want, rules)
		}
		if who := p.Who([]string{"qa"}, at); slices.Contains(who, "bo") != want {
			t.Errorf("at %v qa is %v", at, who)
		}
	}
}

// Each check that scans has a statement of what it found, also where it was asked before.
func TestScansAreAttested(t *testing.T) {
	text := manifestText + "  secrets: {scan: secrets}\n  lint: {required: false, sarif: lint.sarif, run: cp lint.json $REPORTS/lint.sarif}\n"
	w := newWorld(t, map[string]string{
		"slipway.yaml": text, "platform.yaml": machines(), "hello.py": "print('hello')\n",
		"lint.json": `{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"x"}},"results":[{"ruleId":"E1","level":"warning","message":{"text":"no"}}]}]}`,
	})
	w.tag(t, "v1")
	if err := w.shipWith(t, "machine", nil); err != nil {
		t.Fatal(err)
	}
	r := w.verify(t)
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, p := range r.Proofs {
		if strings.HasPrefix(p.What, "its scan ") {
			told = append(told, p.By+": "+p.What)
		}
	}
	if diff := cmp.Diff([]string{"runner: its scan lint: warned, 1 finding", "runner: its scan secrets: passed, 0 findings"}, told); diff != "" {
		t.Error(diff)
	}
}

// Who reviewed the change is attested with the release; where that cannot be found out,
// there is no release.
func TestReviewIsAttested(t *testing.T) {
	w := attestedWorld(t)
	ship := func(reviewed func(context.Context) (*slipway.ChangeReview, error)) (err error) {
		t.Helper()
		w.attesting(t, "machine", nil, func(f *Flow) {
			f.Reviewed = reviewed
			_, err = f.Ship(t.Context(), ShipInput{App: "hello", Environment: "prod", Source: w.source(t, f, false), By: "ann@laptop"})
		})
		return err
	}
	err := ship(func(context.Context) (*slipway.ChangeReview, error) {
		return nil, slipway.Errorf(slipway.Unavailable, "the forge does not answer")
	})
	wantError(t, err, slipway.Unavailable, "find out who reviewed the change: the forge does not answer", "")
	commit := strings.TrimSpace(w.git(t, "rev-parse", "HEAD"))
	if err := ship(func(context.Context) (*slipway.ChangeReview, error) {
		r := slipway.ReviewOf(slipway.PullRequest{Repository: "acme/hello", Number: 3, Author: "mara", Head: commit}, commit)
		return &r, nil
	}); err != nil {
		t.Fatal(err)
	}
	r := w.verify(t)
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(r.Proofs, func(p dossier.Proof) bool {
		return p.What == "its change was reviewed: acme/hello#3 by mara: nobody approved it"
	}) {
		t.Errorf("the dossier says %+v", r.Proofs)
	}
}
