package promote_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/object"
	"github.com/slipway-cd/slipway/promote"
	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/repository/repositorytest"
)

// releaseOf makes v1 of an app in an environment.
func (p place) releaseOf(t *testing.T, app string) slipway.Digest {
	t.Helper()
	put := func(name string, kind slipway.ArtifactKind, data string) slipway.Artifact {
		d := slipway.DigestOf([]byte(data))
		a := slipway.Artifact{Name: name, Kind: kind, Digest: d, Size: int64(len(data)), Key: slipway.ArtifactKey(app, name, d, commit)}
		p.put(t, a.Key, data)
		return a
	}
	r := slipway.Release{
		App: app, Version: "v1", Source: slipway.Source{Commit: commit}, Created: noon(), By: "ann",
		Artifacts: []slipway.Artifact{put(app+".py", slipway.KindScript, "print('"+app+"')\n")},
		Manifest:  put("manifest.json", slipway.KindManifest, "{}"), Checks: put("checks.json", slipway.KindChecks, "[]"),
	}
	record, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	p.put(t, slipway.ReleaseKey(app, "v1"), string(record))
	a := ledger.Admission{Version: "v1", Commit: commit, Record: slipway.DigestOf(record), Time: noon(), By: "ann"}
	if _, err := ledger.Admit(t.Context(), p.Ledger, ledger.Subject{App: app, Environment: p.Environment.Name}, ledger.ReleaseCreated, a); err != nil {
		t.Fatal(err)
	}
	return a.Record
}

// A choir is apps whose releases come to prod together, each through a gate of its own.
type choir struct {
	dev, prod place
	closed    map[string]error // by app: what keeps it out
	before    func(app string) // called when a gate is asked
}

func newChoir(t *testing.T, apps ...string) (*choir, slipway.ReleaseSet) {
	t.Helper()
	c := &choir{dev: newPlace(t, "dev", ""), prod: newPlace(t, "prod", "dev"), closed: map[string]error{}}
	var members []slipway.SetMember
	for _, app := range apps {
		members = append(members, slipway.SetMember{App: app, Version: "v1", Record: c.dev.releaseOf(t, app)})
	}
	return c, slipway.NewReleaseSet("dev", "prod", members)
}

func (c *choir) member(app string) promote.Member {
	return promote.Member{App: app, Version: "v1", Stage: promote.Stage{
		From: c.dev.Place, To: c.prod.Place, Clock: noon, Attest: attests(c.prod.Repository),
		Hold: func(context.Context, ledger.History, ledger.History, slipway.Release) error {
			if c.before != nil {
				c.before(app)
			}
			return c.closed[app]
		},
	}}
}

func (c *choir) run(ctx context.Context, apps ...string) (promote.SetOutput, error) {
	var members []promote.Member
	for _, app := range apps {
		members = append(members, c.member(app))
	}
	return promote.RunSet(ctx, "bo", members...)
}

// in are the apps that came to prod, with the digest of their sets.
func (c *choir) in(t *testing.T, apps ...string) map[string]slipway.Digest {
	t.Helper()
	all := map[string]slipway.Digest{}
	for _, app := range apps {
		h, err := ledger.ReadHistory(t.Context(), object.New(c.prod.Repository, noon), ledger.Subject{App: app, Environment: "prod"})
		if err != nil {
			t.Fatal(err)
		}
		if a, ok := h.Admitted("v1"); ok {
			all[app] = ""
			if a.Set != nil {
				all[app] = a.Set.Digest
			}
			if len(h.Admissions) != 1 {
				t.Errorf("%s came in %d times", app, len(h.Admissions))
			}
			last := h.Entries[len(h.Entries)-1]
			if a.Set != nil && len(last.Statements) != 1 {
				t.Errorf("%s came in without evidence", app)
			}
		}
	}
	return all
}

func TestSet(t *testing.T) {
	c, set := newChoir(t, "roads", "traffic", "weather")
	for i, made := range []bool{true, false} {
		out, err := c.run(t.Context(), "weather", "roads", "traffic")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(set, out.Set); diff != "" {
			t.Errorf("call %d: the set (-want +got):\n%s", i, diff)
		}
		if len(out.Members) != 3 || out.Members[0].Release.App != "roads" || out.Members[2].Made != made {
			t.Errorf("call %d gives %+v", i, out.Members)
		}
	}
	if diff := cmp.Diff(map[string]slipway.Digest{"roads": set.Digest, "traffic": set.Digest, "weather": set.Digest}, c.in(t, "roads", "traffic", "weather")); diff != "" {
		t.Errorf("in prod (-want +got):\n%s", diff)
	}
	h, err := ledger.ReadHistory(t.Context(), c.prod.Ledger, ledger.Subject{App: "roads", Environment: "prod"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"release v1 may come in, with traffic v1 and weather v1", "release v1 promoted from dev, with traffic v1 and weather v1 (set " + set.Digest.Short() + ")"}
	for i, e := range h.Entries {
		if got := h.Describe(e); got != want[i] {
			t.Errorf("entry %d is %q, want %q", i+1, got, want[i])
		}
	}
	data, _, err := c.prod.Repository.Read(t.Context(), slipway.StatementKey("roads", h.Entries[1].Statements[0]))
	var said slipway.Promotion
	if err != nil || json.Unmarshal(data, &said) != nil || said.Set == nil || said.Set.Digest != set.Digest {
		t.Errorf("what is attested is %s, %v", data, err)
	}
}

// If one may not come in, none does, and all that is closed is told at once.
func TestSetIsAllOrNone(t *testing.T) {
	c, _ := newChoir(t, "roads", "traffic", "weather")
	c.closed["traffic"] = slipway.Errorf(slipway.Blocked, "it is in quarantine").WithFix("lift it")
	c.closed["weather"] = slipway.Errorf(slipway.Blocked, "nobody has signed")
	_, err := c.run(t.Context(), "roads", "traffic", "weather")
	wantError(t, err, slipway.Blocked, "traffic: it is in quarantine\nweather: nobody has signed", "lift it")
	if in := c.in(t, "roads", "traffic", "weather"); len(in) != 0 {
		t.Errorf("in prod: %v", in)
	}
	judged := c.member("roads")
	judged.Judge = func(context.Context, slipway.Release, slipway.Digest) error {
		return slipway.Errorf(slipway.Blocked, "a guard rail")
	}
	_, err = promote.RunSet(t.Context(), "bo", judged)
	wantError(t, err, slipway.Blocked, "roads: a guard rail", "")
	_, err = c.run(t.Context(), "roads", "roads")
	wantError(t, err, slipway.Invalid, "a set has one release of each app, and there are two of roads", "")
}

// A gate that closes while the set is under way keeps all out, those that had joined
// too; and it may be tried again.
func TestSetWhoseGateCloses(t *testing.T) {
	c, set := newChoir(t, "roads", "traffic")
	asked := 0
	c.before = func(app string) {
		if app == "traffic" {
			if asked++; asked == 2 {
				c.closed["traffic"] = slipway.Errorf(slipway.Blocked, "ana says no")
			}
		}
	}
	_, err := c.run(t.Context(), "roads", "traffic")
	wantError(t, err, slipway.Blocked, "traffic: ana says no", "")
	if in := c.in(t, "roads", "traffic"); len(in) != 0 {
		t.Errorf("in prod: %v", in)
	}
	h, err := ledger.ReadHistory(t.Context(), c.prod.Ledger, ledger.Subject{App: "roads", Environment: "prod"})
	if err != nil || len(h.Entries) != 2 || h.Describe(h.Entries[1]) != "release v1 waits no longer for traffic v1" {
		t.Errorf("the history is %+v, %v", h.Entries, err)
	}
	c.closed, c.before = map[string]error{}, nil
	if _, err := c.run(t.Context(), "roads", "traffic"); err != nil {
		t.Fatal(err)
	}
	if in := c.in(t, "roads", "traffic"); in["roads"] != set.Digest || in["traffic"] != set.Digest {
		t.Errorf("in prod: %v", in)
	}
}

// killedAt is a repository to which nothing is written any more from the nth write on:
// before it, or once it is there.
func killedAt(r repository.Repository, nth int64, before bool, fault error) *repositorytest.Faulty {
	var writes atomic.Int64
	f := &repositorytest.Faulty{Repository: r}
	f.Before = func(method, _ string) error {
		if n := nth; method == "Put" {
			if !before {
				n++
			}
			if writes.Add(1) >= n {
				return fault
			}
		}
		return nil
	}
	f.After = func(method, _ string) error {
		if !before && method == "Put" && writes.Load() >= nth {
			return fault
		}
		return nil
	}
	return f
}

// Killed at any write, the next call carries on; until then nobody takes one of them
// in alone.
func TestSetCutShort(t *testing.T) {
	fault := errors.New("no network")
	for n := int64(1); ; n++ {
		whole := true
		for _, before := range []bool{true, false} {
			c, set := newChoir(t, "roads", "traffic")
			good := c.prod.Place
			faulty := killedAt(good.Repository, n, before, fault)
			c.prod.Repository, c.prod.Ledger = faulty, object.New(faulty, noon)
			_, err := c.run(t.Context(), "roads", "traffic")
			whole = whole && err == nil
			c.prod.Repository, c.prod.Ledger = good.Repository, object.New(good.Repository, noon)
			name := fmt.Sprintf("write %d, before %t", n, before)
			in := c.in(t, "roads", "traffic")
			if err != nil && !errors.Is(err, fault) {
				t.Fatalf("%s: %v", name, err)
			}
			for _, app := range []string{"roads", "traffic"} {
				h, err := ledger.ReadHistory(t.Context(), c.prod.Ledger, ledger.Subject{App: app, Environment: "prod"})
				if err != nil {
					t.Fatal(err)
				}
				if len(in) == 1 && in[app] == "" && h.Joined("v1") == nil {
					t.Errorf("%s: one came in, and %s does not wait for it", name, app)
				}
				if h.Joined("v1") != nil {
					_, err := c.member(app).Run(t.Context(), promote.Input{App: app, Version: "v1", By: "eve"})
					if err == nil || !strings.Contains(slipway.FixOf(err), "slipway promote roads@v1 traffic@v1 prod") {
						t.Errorf("%s: %s comes in alone: %v", name, app, err)
					}
				}
			}
			if _, err := c.run(t.Context(), "roads", "traffic"); err != nil {
				t.Errorf("%s: called again: %v", name, err)
			}
			if in := c.in(t, "roads", "traffic"); in["roads"] != set.Digest || in["traffic"] != set.Digest {
				t.Errorf("%s: in prod: %v", name, in)
			}
		}
		if whole {
			if n < 12 {
				t.Errorf("only %d writes were cut short", n-1)
			}
			return
		}
	}
}

func TestNotAnotherSet(t *testing.T) {
	c, _ := newChoir(t, "roads", "traffic", "weather")
	fault := errors.New("killed")
	faulty := &repositorytest.Faulty{Repository: c.prod.Repository}
	good := c.prod.Place
	// After both have joined: 4 objects each, and two entries.
	faulty.Before = func(call, key string) error {
		if call == "Put" && strings.Contains(key, "/evidence/") {
			return fault
		}
		return nil
	}
	c.prod.Repository, c.prod.Ledger = faulty, object.New(faulty, noon)
	if _, err := c.run(t.Context(), "roads", "traffic"); !errors.Is(err, fault) {
		t.Fatal(err)
	}
	c.prod.Repository, c.prod.Ledger = good.Repository, good.Ledger
	_, err := c.run(t.Context(), "roads", "weather")
	wantError(t, err, slipway.Conflict, "roads: release v1 of roads waits to come to prod with traffic v1", "go on with that set: slipway promote roads@v1 traffic@v1 prod")
	if _, err := c.run(t.Context(), "roads", "traffic"); err != nil {
		t.Error(err)
	}
}
