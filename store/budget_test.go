package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/slipway-cd/slipway/store"
)

// TestBudgets: what is seen is joined to what is known, of each account and resource, and
// what is long over goes.
func TestBudgets(t *testing.T) { onBoth(t, testBudgets) }

func testBudgets(t *testing.T) {
	t.Helper()
	s := open(t, place(t))
	least := func(known, seen store.Budget) store.Budget {
		known.Left = min(known.Left, seen.Left)
		return known
	}
	core := store.Budget{Account: "a", Resource: "core", Limit: 5000, Left: 20, Reset: at().Unix()}
	more := core
	more.Left = 21
	quiet := store.Budget{Account: "a", Pause: at().Add(time.Hour)}
	other := store.Budget{Account: "b", Resource: "core", Limit: 10, Left: 1, Reset: at().Add(2 * time.Hour).Unix()}
	for _, seen := range [][]store.Budget{{core, quiet}, {more, other}, nil} {
		if err := s.NoteBudgets(t.Context(), seen, least); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		before time.Time
		want   []store.Budget
	}{
		{at(), []store.Budget{quiet, core, other}},
		{at().Add(time.Minute), []store.Budget{quiet, other}},
		{at().Add(3 * time.Hour), []store.Budget{}},
	} {
		tidied(t, s, store.Keep{Now: c.before})
		got, err := s.Budgets(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		byKey := cmpopts.SortSlices(func(a, b store.Budget) bool { return a.Account+a.Resource < b.Account+b.Resource })
		if diff := cmp.Diff(c.want, got, byKey); diff != "" {
			t.Errorf("at %s (-want +got):\n%s", c.before, diff)
		}
	}
}
