package release_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/object"
	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/repository/repositorytest"
)

// attests puts two statements about a release into a repository.
func attests(repo repository.Repository) func(context.Context, slipway.Release, slipway.Digest) ([]slipway.Digest, error) {
	return func(ctx context.Context, r slipway.Release, record slipway.Digest) ([]slipway.Digest, error) {
		var all []slipway.Digest
		for _, what := range []string{"built", "tested"} {
			text := what + " " + string(record)
			d := slipway.DigestOf([]byte(text))
			if _, err := repo.Put(ctx, slipway.StatementKey(r.App, d), strings.NewReader(text)); err != nil {
				return nil, err
			}
			all = append(all, d)
		}
		return all, nil
	}
}

// Whatever write fails, before it acted or after, no release is without its
// statements, and called again it is made, with the statements it would have had.
func TestNoReleaseWithoutItsStatements(t *testing.T) {
	lost := slipway.Errorf(slipway.Unavailable, "connection reset")
	for nth := range int64(8) {
		for _, when := range []string{"before", "after"} {
			t.Run(fmt.Sprintf("%s write %d", when, nth+1), func(t *testing.T) {
				sane := openFolder(t)
				faulty := &repositorytest.Faulty{Repository: sane}
				hook := repositorytest.Once("Put", nth+1, lost)
				if when == "before" {
					faulty.Before = hook
				} else {
					faulty.After = hook
				}
				w := world{faulty, object.New(faulty, noon)}
				for try := 0; ; try++ {
					stage := w.stage()
					stage.Attest = attests(faulty)
					_, err := stage.Run(t.Context(), input("print(1)\n"))
					entries, lerr := object.New(sane, noon).Entries(t.Context(), ledger.Subject{App: "traffic", Environment: "dev"}, 0)
					if lerr != nil {
						t.Fatal(lerr)
					}
					for _, e := range entries {
						if len(e.Statements) != 2 {
							t.Errorf("the entry names %v", e.Statements)
						}
						for _, d := range e.Statements {
							if data, _, err := sane.Read(t.Context(), slipway.StatementKey("traffic", d)); err != nil || slipway.DigestOf(data) != d {
								t.Errorf("the entry names a statement that is not there: %v", err)
							}
						}
					}
					if err == nil {
						if len(entries) != 1 {
							t.Errorf("there are %d entries", len(entries))
						}
						break
					}
					if !errors.Is(err, lost) || try > 1 {
						t.Fatalf("try %d: %v", try, err)
					}
				}
			})
		}
	}
}

// A release whose statements cannot be written is none.
func TestNotAttestedNotReleased(t *testing.T) {
	everywhere(t, func(t *testing.T, w world) {
		stage := w.stage()
		denied := slipway.Errorf(slipway.Blocked, "the key may attest nothing here")
		stage.Attest = func(context.Context, slipway.Release, slipway.Digest) ([]slipway.Digest, error) { return nil, denied }
		if _, err := stage.Run(t.Context(), input("print(1)\n")); !errors.Is(err, denied) {
			t.Errorf("got %v", err)
		}
		if all := w.admissions(t); len(all) > 0 {
			t.Errorf("it was let in: %v", all)
		}
	})
}
