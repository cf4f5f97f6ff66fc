package promote_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/object"
	"github.com/slipway-cd/slipway/promote"
	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/repository/repositorytest"
)

// attests puts what a promotion says into a repository.
func attests(r repository.Repository) func(context.Context, slipway.Promotion, slipway.Release) ([]slipway.Digest, error) {
	return func(ctx context.Context, p slipway.Promotion, _ slipway.Release) ([]slipway.Digest, error) {
		data, err := json.Marshal(p)
		if err != nil {
			return nil, err
		}
		d := slipway.DigestOf(data)
		_, err = r.Put(ctx, slipway.StatementKey(p.App, d), bytes.NewReader(data))
		return []slipway.Digest{d}, err
	}
}

// attested reads what the statements of a place's entries say.
func (p place) attested(t *testing.T) []slipway.Promotion {
	t.Helper()
	h, err := ledger.ReadHistory(t.Context(), object.New(p.Repository, noon), p.subject())
	if err != nil {
		t.Fatal(err)
	}
	all := []slipway.Promotion{}
	for _, e := range h.Entries {
		for _, d := range e.Statements {
			data, _, err := p.Repository.Read(t.Context(), slipway.StatementKey("traffic", d))
			if err != nil {
				t.Fatalf("entry %d names a statement that is not there: %v", e.Number, err)
			}
			var said slipway.Promotion
			if err := json.Unmarshal(data, &said); err != nil {
				t.Fatal(err)
			}
			all = append(all, said)
		}
		if e.Kind == ledger.ReleasePromoted && len(e.Statements) == 0 {
			t.Errorf("entry %d is a promotion without a statement", e.Number)
		}
	}
	return all
}

// Whatever write fails, before it acted or after, no promotion is without its
// statement, and called again it comes to its end.
func TestNoPromotionWithoutItsStatement(t *testing.T) {
	lost := slipway.Errorf(slipway.Unavailable, "connection reset")
	for nth := range int64(7) {
		for _, when := range []string{"before", "after"} {
			t.Run(fmt.Sprintf("%s write %d", when, nth+1), func(t *testing.T) {
				dev, prod := newPlace(t, "dev", ""), newPlace(t, "prod", "dev")
				r := dev.release(t, "[]")
				faulty := &repositorytest.Faulty{Repository: prod.Repository}
				hook := repositorytest.Once("Put", nth+1, lost)
				if when == "before" {
					faulty.Before = hook
				} else {
					faulty.After = hook
				}
				to := prod.Place
				to.Repository, to.Ledger = faulty, object.New(faulty, noon)
				for try := 0; ; try++ {
					stage := promote.Stage{From: dev.Place, To: to, Clock: noon, Attest: attests(faulty)}
					_, err := stage.Run(t.Context(), promote.Input{App: "traffic", Version: "v1", By: "bo"})
					prod.attested(t)
					if err == nil {
						break
					}
					if !errors.Is(err, lost) || try > 1 {
						t.Fatalf("try %d: %v", try, err)
					}
				}
				h, err := ledger.ReadHistory(t.Context(), dev.Ledger, dev.subject())
				if err != nil {
					t.Fatal(err)
				}
				record, err := json.Marshal(r)
				if err != nil {
					t.Fatal(err)
				}
				want := []slipway.Promotion{{
					App: "traffic", Version: "v1", Record: slipway.DigestOf(record), From: "dev", To: "prod", By: "bo", Time: noon(),
					Origin: slipway.ChainPoint{Environment: "dev", Number: 1, Hash: h.Entries[0].Hash},
				}}
				if diff := cmp.Diff(want, prod.attested(t)); diff != "" {
					t.Errorf("statements (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// A promotion whose statement cannot be written does not happen.
func TestNotAttestedNotPromoted(t *testing.T) {
	dev, prod := newPlace(t, "dev", ""), newPlace(t, "prod", "dev")
	dev.release(t, "[]")
	denied := slipway.Errorf(slipway.Blocked, "the key may attest nothing here")
	stage := promote.Stage{From: dev.Place, To: prod.Place, Clock: noon, Attest: func(context.Context, slipway.Promotion, slipway.Release) ([]slipway.Digest, error) {
		return nil, denied
	}}
	if _, err := stage.Run(t.Context(), promote.Input{App: "traffic", Version: "v1", By: "bo"}); !errors.Is(err, denied) {
		t.Errorf("got %v", err)
	}
	if all := prod.admissions(t); len(all) > 0 {
		t.Errorf("it was let in: %v", all)
	}
}
