package release_test

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/object"
	"github.com/slipway-cd/slipway/release"
	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/repository/folder"
	"github.com/slipway-cd/slipway/repository/repositorytest"
	"github.com/slipway-cd/slipway/store"
)

func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

type world struct {
	repo repository.Repository
	book ledger.Ledger
}

func everywhere(t *testing.T, test func(t *testing.T, w world)) {
	t.Run("ledger in a database", func(t *testing.T) {
		s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "slipway.db"), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		test(t, world{openFolder(t), s.Ledger(noon)})
	})
	t.Run("ledger in the repository", func(t *testing.T) {
		r := openFolder(t)
		test(t, world{r, object.New(r, noon)})
	})
}

func openFolder(t *testing.T) *folder.Repository {
	t.Helper()
	r, err := folder.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (w world) stage() release.Stage {
	return release.Stage{Environment: slipway.Environment{Name: "dev"}, Repository: w.repo, Ledger: w.book, Clock: noon}
}

const commit = "0123456789abcdef0123456789abcdef01234567"

// input is a release of one script.
func input(script string) release.Input {
	files := map[string]string{"traffic.py": script}
	d := slipway.DigestOf([]byte(script))
	return release.Input{
		App: "traffic", Team: "data", Source: slipway.Source{Commit: commit, Path: ".", Tree: "t", Time: noon()},
		Artifacts: []slipway.Artifact{{
			Name: "traffic.py", Kind: slipway.KindScript, Digest: d, Size: int64(len(script)), Key: slipway.ArtifactKey("traffic", "traffic.py", d, commit),
		}},
		Open: func(a slipway.Artifact) (io.ReadSeekCloser, error) {
			return nopCloser{strings.NewReader(files[a.Name])}, nil
		},
		Manifest: []byte(`{"slipway":"v1"}`), Checks: []slipway.CheckResult{{Name: "unit", Verdict: slipway.Pass}}, By: "ann@host",
	}
}

type nopCloser struct{ io.ReadSeeker }

func (nopCloser) Close() error { return nil }

func (w world) mustRelease(t *testing.T, in release.Input) release.Output {
	t.Helper()
	out, err := w.stage().Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (w world) admissions(t *testing.T) []ledger.Admission {
	t.Helper()
	h, err := ledger.ReadHistory(t.Context(), w.book, ledger.Subject{App: "traffic", Environment: "dev"})
	if err != nil {
		t.Fatal(err)
	}
	return h.Admissions
}

func (w world) read(t *testing.T, key string) string {
	t.Helper()
	data, _, err := w.repo.Read(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func wantError(t *testing.T, err error, kind slipway.Kind, text, fix string) {
	t.Helper()
	if err == nil || slipway.KindOf(err) != kind || !strings.Contains(err.Error(), text) || !strings.Contains(slipway.FixOf(err), fix) {
		t.Errorf("got an error of kind %s: %v (%q)\nwant kind %s: %s (%q)", slipway.KindOf(err), err, slipway.FixOf(err), kind, text, fix)
	}
}

func TestRelease(t *testing.T) {
	everywhere(t, func(t *testing.T, w world) {
		in := input("print(1)\n")
		out := w.mustRelease(t, in)
		r := out.Release
		if !out.Made || r.Version != "0.0.0-20261122120000-0123456789ab" || r.Team != "data" || r.By != "ann@host" || !r.Created.Equal(noon()) {
			t.Errorf("the release is %+v", out)
		}
		found, record, err := repository.FindRelease(t.Context(), w.repo, "traffic", r.Version)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, found); diff != "" {
			t.Errorf("the record (-returned +kept):\n%s", diff)
		}
		kept := map[string]string{r.Artifacts[0].Key: "print(1)\n", r.Manifest.Key: `{"slipway":"v1"}`}
		for key, want := range kept {
			if got := w.read(t, key); got != want {
				t.Errorf("%s holds %q, want %q", key, got, want)
			}
		}
		if got := w.read(t, r.Checks.Key); !strings.Contains(got, `"unit"`) || slipway.DigestOf([]byte(got)) != r.Checks.Digest {
			t.Errorf("the checks are %s", got)
		}
		want := []ledger.Admission{{Version: r.Version, Commit: commit, Record: record, Time: noon(), By: "ann@host"}}
		if diff := cmp.Diff(want, w.admissions(t)); diff != "" {
			t.Errorf("admissions (-want +got):\n%s", diff)
		}
	})
}

func TestTheSameAgain(t *testing.T) {
	everywhere(t, func(t *testing.T, w world) {
		first := w.mustRelease(t, input("print(1)\n"))
		in := input("print(1)\n")
		in.By, in.Checks = "bob@host", []slipway.CheckResult{{Name: "unit", Verdict: slipway.Pass, Duration: 7}}
		second := w.mustRelease(t, in)
		if second.Made {
			t.Error("it was made twice")
		}
		if diff := cmp.Diff(first.Release, second.Release); diff != "" {
			t.Errorf("the release (-first +second):\n%s", diff)
		}
		if n := len(w.admissions(t)); n != 1 {
			t.Errorf("there are %d admissions, want 1", n)
		}
	})
}

func TestConflicts(t *testing.T) {
	everywhere(t, func(t *testing.T, w world) {
		in := input("print(1)\n")
		in.Version = "v1"
		w.mustRelease(t, in)
		const fix = "a release never changes; tag this commit with another version, or name one: slipway ship --release VERSION"
		other := input("print(2)\n")
		other.Version = "v1"
		_, err := w.stage().Run(t.Context(), other)
		wantError(t, err, slipway.Conflict, "release v1 of traffic exists with other bytes: it was made from commit 0123456789ab by ann@host", fix)
		manifest := in
		manifest.Manifest = []byte(`{}`)
		_, err = w.stage().Run(t.Context(), manifest)
		wantError(t, err, slipway.Conflict, "release v1 of traffic exists with other bytes: ", fix)
		more := in
		more.Artifacts = append(slices.Clone(in.Artifacts), in.Artifacts[0])
		_, err = w.stage().Run(t.Context(), more)
		wantError(t, err, slipway.Conflict, "release v1 of traffic exists with other bytes: ", fix)
		later := in
		later.Source.Commit = "fedcba9876543210fedcba9876543210fedcba98"
		_, err = w.stage().Run(t.Context(), later)
		wantError(t, err, slipway.Conflict, "release v1 of traffic exists from another commit: it was made from commit 0123456789ab by ann@host", fix)
		if n := len(w.admissions(t)); n != 1 {
			t.Errorf("there are %d admissions, want 1", n)
		}
	})
}

func TestBadVersion(t *testing.T) {
	everywhere(t, func(t *testing.T, w world) {
		in := input("print(1)\n")
		in.Version = "../v1"
		_, err := w.stage().Run(t.Context(), in)
		wantError(t, err, slipway.Invalid, `"../v1" cannot be a version`, "such as v1.4.0")
		for o, err := range w.repo.List(t.Context(), "", "") {
			t.Errorf("%s was written, %v", o.Key, err)
		}
	})
}

// Bytes that are not what was built are not let in, and do not keep the right
// ones out.
func TestWrongBytes(t *testing.T) {
	everywhere(t, func(t *testing.T, w world) {
		in := input("print(1)\n")
		right := in.Open
		in.Open = func(slipway.Artifact) (io.ReadSeekCloser, error) {
			return nopCloser{strings.NewReader("rm -rf /\n")}, nil
		}
		_, err := w.stage().Run(t.Context(), in)
		wantError(t, err, slipway.Conflict, "release traffic.py: the bytes of traffic.py are not those that were built: sha256:", "build again")
		in.Open = func(slipway.Artifact) (io.ReadSeekCloser, error) { return nil, errors.New("it is gone") }
		_, err = w.stage().Run(t.Context(), in)
		wantError(t, err, slipway.Internal, "release traffic.py: it is gone", "")
		if n := len(w.admissions(t)); n != 0 {
			t.Errorf("there are %d admissions, want none", n)
		}
		in.Open = right
		w.mustRelease(t, in)
	})
}

// Run is cut short before and after each thing it writes, and called again.
func TestCutShort(t *testing.T) {
	everywhere(t, func(t *testing.T, w world) {
		fault := errors.New("no network")
		for n := int64(1); ; n++ {
			for _, before := range []bool{true, false} {
				in := input("print(1)\n")
				in.Version = "v" + string(rune('a'+n))
				if before {
					in.Version += "-before"
				}
				failed := false
				hook := repositorytest.Once("Put", n, fault)
				note := func(method, key string) error {
					err := hook(method, key)
					failed = failed || err != nil
					return err
				}
				faulty := &repositorytest.Faulty{Repository: w.repo}
				if before {
					faulty.Before = note
				} else {
					faulty.After = note
				}
				s := w.stage()
				s.Repository = faulty
				_, err := s.Run(t.Context(), in)
				if !failed {
					if n < 5 {
						t.Fatalf("only %d objects are written", n-1)
					}
					return
				}
				if !errors.Is(err, fault) {
					t.Fatalf("Run gives %v", err)
				}
				if out := w.mustRelease(t, in); !out.Made {
					t.Errorf("cut short at object %d, it was not made: %+v", n, out)
				}
			}
		}
	})
}

func TestAtOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, w world) {
		const n = 8
		outs := make([]release.Output, n)
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() {
				in := input("print(1)\n")
				in.Version, in.By = "v1", string(rune('a'+i))
				in.Checks[0].Duration = time.Duration(i) // so that every record is another
				var err error
				if outs[i], err = w.stage().Run(t.Context(), in); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		made := 0
		for _, out := range outs {
			if out.Made {
				made++
			}
			if diff := cmp.Diff(outs[0].Release, out.Release); diff != "" {
				t.Errorf("two got different releases:\n%s", diff)
			}
		}
		if made != 1 || len(w.admissions(t)) != 1 {
			t.Errorf("%d made it, and there are %d admissions, want 1", made, len(w.admissions(t)))
		}
	})
}

// A record that somebody put there by hand is no release of ours.
func TestForeignRecord(t *testing.T) {
	everywhere(t, func(t *testing.T, w world) {
		key := slipway.ReleaseKey("traffic", "v1")
		if _, err := w.repo.Put(t.Context(), key, bytes.NewReader([]byte("not JSON"))); err != nil {
			t.Fatal(err)
		}
		in := input("print(1)\n")
		in.Version = "v1"
		_, err := w.stage().Run(t.Context(), in)
		wantError(t, err, slipway.Internal, "read release v1 of traffic: ", "")
	})
}
