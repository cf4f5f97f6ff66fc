package promote_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/object"
	"github.com/slipway-cd/slipway/promote"
	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/repository/folder"
	"github.com/slipway-cd/slipway/repository/repositorytest"
)

func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

// A place is an environment in a folder.
type place struct {
	promote.Place
	dir string
}

func newPlace(t *testing.T, name, follows string) place {
	t.Helper()
	dir := t.TempDir()
	r, err := folder.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return place{promote.Place{
		Environment: slipway.Environment{Name: name, Follows: follows, Repository: dir}, Repository: r, Ledger: object.New(r, noon),
	}, dir}
}

const commit = "0123456789abcdef0123456789abcdef01234567"

func artifact(name string, kind slipway.ArtifactKind, data string) slipway.Artifact {
	d := slipway.DigestOf([]byte(data))
	return slipway.Artifact{Name: name, Kind: kind, Digest: d, Size: int64(len(data)), Key: slipway.ArtifactKey("traffic", name, d, commit)}
}

func (p place) put(t *testing.T, key, data string) {
	t.Helper()
	if _, err := p.Repository.Put(t.Context(), key, strings.NewReader(data)); err != nil {
		t.Fatal(err)
	}
}

// release makes release v1 there; checks makes its record differ from another.
func (p place) release(t *testing.T, checks string) slipway.Release {
	t.Helper()
	r, record := p.lay(t, "print(1)\n", checks)
	a := ledger.Admission{Version: "v1", Commit: commit, Record: record, Time: noon(), By: "ann"}
	if _, err := ledger.Admit(t.Context(), p.Ledger, p.subject(), ledger.ReleaseCreated, a); err != nil {
		t.Fatal(err)
	}
	return r
}

// lay puts the bytes of release v1 there, and does not admit it.
func (p place) lay(t *testing.T, script, checks string) (slipway.Release, slipway.Digest) {
	t.Helper()
	r := slipway.Release{
		App: "traffic", Version: "v1", Source: slipway.Source{Commit: commit}, Created: noon(), By: "ann",
		Artifacts: []slipway.Artifact{artifact("traffic.py", slipway.KindScript, script)},
		Manifest:  artifact("manifest.json", slipway.KindManifest, "{}"), Checks: artifact("checks.json", slipway.KindChecks, checks),
	}
	record, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	p.put(t, r.Artifacts[0].Key, script)
	p.put(t, r.Manifest.Key, "{}")
	p.put(t, r.Checks.Key, checks)
	p.put(t, slipway.ReleaseKey("traffic", "v1"), string(record))
	return r, slipway.DigestOf(record)
}

// overwrite changes an object by hand.
func (p place) overwrite(t *testing.T, key, data string) {
	t.Helper()
	file := filepath.Join(p.dir, filepath.FromSlash(key))
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	p.put(t, key, data)
}

func (p place) subject() ledger.Subject {
	return ledger.Subject{App: "traffic", Environment: p.Environment.Name}
}

func (p place) admissions(t *testing.T) []ledger.Admission {
	t.Helper()
	h, err := ledger.ReadHistory(t.Context(), p.Ledger, p.subject())
	if err != nil {
		t.Fatal(err)
	}
	return h.Admissions
}

func run(ctx context.Context, from, to place) (promote.Output, error) {
	return promote.Stage{From: from.Place, To: to.Place, Clock: func() time.Time { return noon().Add(time.Hour) }}.
		Run(ctx, promote.Input{App: "traffic", Version: "v1", By: "bob"})
}

func wantError(t *testing.T, err error, kind slipway.Kind, text, fix string) {
	t.Helper()
	if err == nil || slipway.KindOf(err) != kind || !strings.Contains(err.Error(), text) || !strings.Contains(slipway.FixOf(err), fix) {
		t.Errorf("got an error of kind %s: %v (%q)\nwant kind %s: %s (%q)", slipway.KindOf(err), err, slipway.FixOf(err), kind, text, fix)
	}
}

func TestPromote(t *testing.T) {
	dev, prod := newPlace(t, "dev", ""), newPlace(t, "prod", "dev")
	r := dev.release(t, "[]")
	for i, made := range []bool{true, false, false} {
		out, err := run(t.Context(), dev, prod)
		if err != nil || out.Made != made || out.Copied != 4 {
			t.Fatalf("call %d gives %+v, %v", i, out, err)
		}
		if diff := cmp.Diff(r, out.Release); diff != "" {
			t.Errorf("the release (-want +got):\n%s", diff)
		}
	}
	_, record, err := repository.FindRelease(t.Context(), prod.Repository, "traffic", "v1")
	if err != nil {
		t.Fatal(err)
	}
	want := []ledger.Admission{{Version: "v1", Commit: commit, Record: record, From: "dev", Time: noon().Add(time.Hour), By: "bob"}}
	if diff := cmp.Diff(want, prod.admissions(t)); diff != "" {
		t.Errorf("admissions (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(dev.admissions(t)[0].Record, record); diff != "" {
		t.Errorf("the records differ:\n%s", diff)
	}
}

func TestOrder(t *testing.T) {
	dev, staging, prod := newPlace(t, "dev", ""), newPlace(t, "staging", "dev"), newPlace(t, "prod", "staging")
	dev.release(t, "[]")
	_, err := run(t.Context(), dev, prod)
	wantError(t, err, slipway.Blocked, "prod follows staging, so a release cannot come to it from dev", "promote it to staging first")
	_, err = run(t.Context(), prod, dev)
	wantError(t, err, slipway.Blocked, "dev follows no environment: releases are made there, not promoted to it", "slipway release makes one")
	_, err = run(t.Context(), staging, prod)
	wantError(t, err, slipway.NotFound, "there is no release v1 of traffic in staging", "slipway releases staging lists those that are there")
	for _, hop := range [][2]place{{dev, staging}, {staging, prod}} {
		if _, err := run(t.Context(), hop[0], hop[1]); err != nil {
			t.Fatal(err)
		}
	}
	if a := prod.admissions(t); len(a) != 1 || a[0].From != "staging" {
		t.Errorf("prod has %+v", a)
	}
}

// Bytes that are in the repository and not in the ledger are no release.
func TestNotAdmitted(t *testing.T) {
	dev, prod := newPlace(t, "dev", ""), newPlace(t, "prod", "dev")
	dev.lay(t, "print(1)\n", "[]")
	_, err := run(t.Context(), dev, prod)
	wantError(t, err, slipway.NotFound, "there is no release v1 of traffic in dev", "")
}

func TestChangedBytes(t *testing.T) {
	key := artifact("traffic.py", slipway.KindScript, "print(1)\n").Key
	for _, tt := range []struct {
		name, text, fix string
		change          func(t *testing.T, dev, prod place)
	}{
		{"the record at the source", "the record of release v1 in dev was changed: it is sha256:", "restore traffic/releases/v1.json", func(t *testing.T, dev, _ place) {
			t.Helper()
			dev.overwrite(t, slipway.ReleaseKey("traffic", "v1"), `{"app":"traffic","version":"v1"}`)
		}},
		{"the script at the source", "promote traffic.py to prod: the source file://", "build and release again", func(t *testing.T, dev, _ place) {
			t.Helper()
			dev.overwrite(t, key, "rm -rf /\n")
		}},
		{"another script at the target", "promote traffic.py to prod: copy to file://", "", func(t *testing.T, _, prod place) {
			t.Helper()
			prod.put(t, key, "rm -rf /\n")
		}},
		{"a wrong script below the same record at the target", "promote traffic.py to prod: copy to file://", "", func(t *testing.T, _, prod place) {
			t.Helper()
			prod.lay(t, "print(1)\n", "[]")
			prod.overwrite(t, key, "rm -rf /\n")
		}},
		{"a wrong script below another record at the target", "promote traffic.py to prod: copy to file://", "", func(t *testing.T, _, prod place) {
			t.Helper()
			prod.lay(t, "print(1)\n", "[1]")
			prod.overwrite(t, key, "rm -rf /\n")
		}},
		{"another release under the version at the target", "promote the release's record to prod: copy to file://", "", func(t *testing.T, _, prod place) {
			t.Helper()
			prod.lay(t, "print(2)\n", "[]")
		}},
		{"the same bytes from another commit at the target", "promote the release's record to prod: copy to file://", "", func(t *testing.T, _, prod place) {
			t.Helper()
			r, _ := prod.lay(t, "print(1)\n", "[1]")
			r.Source.Commit = "fedcba9876543210fedcba9876543210fedcba98"
			record, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			prod.overwrite(t, slipway.ReleaseKey("traffic", "v1"), string(record))
		}},
		{"a record that cannot be read at the target", "promote the release's record to prod: copy to file://", "", func(t *testing.T, _, prod place) {
			t.Helper()
			prod.put(t, slipway.ReleaseKey("traffic", "v1"), "not JSON")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dev, prod := newPlace(t, "dev", ""), newPlace(t, "prod", "dev")
			dev.release(t, "[]")
			tt.change(t, dev, prod)
			_, err := run(t.Context(), dev, prod)
			wantError(t, err, slipway.Conflict, tt.text, tt.fix)
			if a := prod.admissions(t); len(a) != 0 {
				t.Errorf("prod lets %+v in", a)
			}
		})
	}
}

// Two people release the same commit from two clones into repositories of their
// own, and both promote it: the first one's record stands.
func TestTwoClones(t *testing.T) {
	ann, bob, prod := newPlace(t, "dev", ""), newPlace(t, "dev", ""), newPlace(t, "prod", "dev")
	first := ann.release(t, `["ann"]`)
	bob.release(t, `["bob"]`)
	for i, clone := range []place{ann, bob, ann} {
		out, err := run(t.Context(), clone, prod)
		if err != nil || out.Made != (i == 0) {
			t.Fatalf("call %d gives %+v, %v", i, out, err)
		}
		if diff := cmp.Diff(first, out.Release); diff != "" {
			t.Errorf("the release of call %d (-first +got):\n%s", i, diff)
		}
	}
	if a := prod.admissions(t); len(a) != 1 {
		t.Errorf("prod has %d admissions, want 1", len(a))
	}
}

// A promotion that died after its copy is not admitted; another clone's goes on.
func TestOtherRecordNotAdmitted(t *testing.T) {
	dev, prod := newPlace(t, "dev", ""), newPlace(t, "prod", "dev")
	dev.release(t, `["bob"]`)
	_, record := prod.lay(t, "print(1)\n", `["ann"]`)
	out, err := run(t.Context(), dev, prod)
	if err != nil || !out.Made || prod.admissions(t)[0].Record != record {
		t.Errorf("Run gives %+v, %v", out, err)
	}
}

func TestAdmittedWithAnotherRecord(t *testing.T) {
	dev, prod := newPlace(t, "dev", ""), newPlace(t, "prod", "dev")
	dev.release(t, "[]")
	a := ledger.Admission{Version: "v1", Record: "sha256:other", Time: noon(), By: "mallory"}
	if _, err := ledger.Admit(t.Context(), prod.Ledger, prod.subject(), ledger.ReleasePromoted, a); err != nil {
		t.Fatal(err)
	}
	_, err := run(t.Context(), dev, prod)
	wantError(t, err, slipway.Conflict, "release v1 is in prod already, with another record: sha256:other is not sha256:", "under another version")
}

// Run is cut short before and after each write, and called again.
func TestCutShort(t *testing.T) {
	fault := errors.New("no network")
	for n := int64(1); n <= 5; n++ {
		for _, before := range []bool{true, false} {
			dev, prod := newPlace(t, "dev", ""), newPlace(t, "prod", "dev")
			dev.release(t, "[]")
			faulty := &repositorytest.Faulty{Repository: prod.Repository}
			if before {
				faulty.Before = repositorytest.Once("Put", n, fault)
			} else {
				faulty.After = repositorytest.Once("Put", n, fault)
			}
			broken := prod
			broken.Repository, broken.Ledger = faulty, object.New(faulty, noon)
			if _, err := run(t.Context(), dev, broken); !errors.Is(err, fault) {
				t.Fatalf("write %d: Run gives %v", n, err)
			}
			if n <= 4 && len(prod.admissions(t)) != 0 {
				t.Errorf("write %d: it was let in before all was there", n)
			}
			if _, err := run(t.Context(), dev, prod); err != nil {
				t.Errorf("write %d: called again, Run gives %v", n, err)
			}
			if a := prod.admissions(t); len(a) != 1 {
				t.Errorf("write %d: prod has %d admissions, want 1", n, len(a))
			}
		}
	}
}
