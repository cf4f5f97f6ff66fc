package deploy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger/object"
	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/repository/repositorytest"
)

// attests puts what a deployment reports into a repository.
func attests(r repository.Repository) func(context.Context, slipway.DeploymentReport, slipway.Target) ([]slipway.Digest, error) {
	return func(ctx context.Context, report slipway.DeploymentReport, _ slipway.Target) ([]slipway.Digest, error) {
		data, err := json.Marshal(report)
		if err != nil {
			return nil, err
		}
		d := slipway.DigestOf(data)
		_, err = r.Put(ctx, slipway.StatementKey(report.App, d), bytes.NewReader(data))
		return []slipway.Digest{d}, err
	}
}

// reports reads what the entries' statements say.
func (w *world) reports(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, e := range w.history(t).Entries {
		for _, d := range e.Statements {
			data, _, err := w.blobs.Read(t.Context(), slipway.StatementKey("traffic", d))
			if err != nil {
				t.Fatalf("entry %d names a statement that is not there: %v", e.Number, err)
			}
			var r slipway.DeploymentReport
			if err := json.Unmarshal(data, &r); err != nil {
				t.Fatal(err)
			}
			all = append(all, fmt.Sprintf("%s: %d %s of %s %s", e.Kind, r.Number, r.State, r.Version, r.Error))
		}
	}
	return all
}

// Both ends of a deployment are attested.
func TestAttestsDeployments(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		stage := w.sane("ann")
		stage.Attest = attests(w.blobs.Repository)
		if _, err := stage.Run(t.Context(), w.input(t, "a", "v1")); err != nil {
			t.Fatal(err)
		}
		want := []string{"deployment.started: 1 deploying of v1 ", "deployment.ended: 1 deployed of v1 "}
		if diff := cmp.Diff(want, w.reports(t)); diff != "" {
			t.Errorf("statements (-want +got):\n%s", diff)
		}
	})
}

// Whatever write fails, before it acted or after, no entry is without its
// statement, and called again the deployment comes to its end.
func TestNoDeploymentWithoutItsStatement(t *testing.T) {
	lost := slipway.Errorf(slipway.Unavailable, "connection reset")
	for nth := range int64(6) {
		for _, when := range []string{"before", "after"} {
			t.Run(fmt.Sprintf("%s write %d", when, nth+1), func(t *testing.T) {
				w := newWorld(t)
				faulty := &repositorytest.Faulty{Repository: &repositorytest.Stamped{Repository: w.blobs.Repository, Clock: w.clock}}
				hook := repositorytest.Once("Put", nth+1, lost)
				if when == "before" {
					faulty.Before = hook
				} else {
					faulty.After = hook
				}
				w.book = object.New(faulty, w.clock.Now)
				in := w.input(t, "a", "v1")
				for try := 0; ; try++ {
					stage := w.sane("ann")
					stage.Attest = attests(faulty)
					_, err := stage.Run(t.Context(), in)
					w.reports(t)
					if err == nil {
						break
					}
					if !errors.Is(err, lost) || try > 1 {
						t.Fatalf("try %d: %v", try, err)
					}
				}
				h := w.history(t)
				if d, ok := h.Current(); !ok || d.Number != 1 || len(w.reports(t)) != 2 {
					t.Errorf("what is live is %+v, and its statements are %q", d, w.reports(t))
				}
			})
		}
	}
}

// A deployment whose statement cannot be written does not begin.
func TestNotAttestedNotBegun(t *testing.T) {
	w := newWorld(t)
	w.book = object.New(&repositorytest.Stamped{Repository: w.blobs.Repository, Clock: w.clock}, w.clock.Now)
	stage := w.sane("ann")
	denied := slipway.Errorf(slipway.Blocked, "the key may attest nothing here")
	stage.Attest = func(context.Context, slipway.DeploymentReport, slipway.Target) ([]slipway.Digest, error) {
		return nil, denied
	}
	if _, err := stage.Run(t.Context(), w.input(t, "a", "v1")); !errors.Is(err, denied) {
		t.Errorf("got %v", err)
	}
	if h := w.history(t); h.Head != 0 {
		t.Errorf("the ledger has %v", h.Entries)
	}
}
