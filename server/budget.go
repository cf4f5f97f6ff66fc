package server

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/slipway-cd/slipway/forge"
	"github.com/slipway-cd/slipway/store"
)

// budgets is what servers and workers that share a database know of what forges will
// answer to them: a memory that is written behind, and read again at each word of others
// and now and then. So no call waits for the database.
type budgets struct {
	forge.Memory

	mu     sync.Mutex
	seen   map[[2]string]forge.Gauge // what others are not told yet
	urgent chan struct{}             // a pause began, which others are told at once
	heard  *bell                     // rung when others have told something
}

var _ forge.Meter = (*budgets)(nil)

func newBudgets() *budgets {
	return &budgets{seen: map[[2]string]forge.Gauge{}, urgent: make(chan struct{}, 1), heard: newBell()}
}

// Note implements [forge.Meter].
func (b *budgets) Note(account, resource string, g forge.Gauge) {
	b.Memory.Note(account, resource, g)
	b.mu.Lock()
	defer b.mu.Unlock()
	key := [2]string{account, resource}
	b.seen[key] = b.seen[key].With(g)
	if !g.Pause.IsZero() {
		select {
		case b.urgent <- struct{}{}:
		default:
		}
	}
}

// taken is what others are not told yet.
func (b *budgets) taken() map[[2]string]forge.Gauge {
	b.mu.Lock()
	defer b.mu.Unlock()
	seen := b.seen
	b.seen = map[[2]string]forge.Gauge{}
	return seen
}

// tell keeps what was seen here for others.
func (b *budgets) tell(ctx context.Context, st *store.Store) error {
	seen := b.taken()
	if len(seen) == 0 {
		return nil
	}
	var all []store.Budget
	for key, g := range seen {
		all = append(all, budgetOf(key[0], key[1], g))
	}
	err := st.NoteBudgets(ctx, all, func(known, seen store.Budget) store.Budget {
		return budgetOf(known.Account, known.Resource, gaugeOf(known).With(gaugeOf(seen)))
	})
	if err != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		for key, g := range seen { // they are told the next time
			b.seen[key] = g.With(b.seen[key])
		}
	}
	return err
}

// hear reads what others have seen.
func (b *budgets) hear(ctx context.Context, st *store.Store) error {
	all, err := st.Budgets(ctx)
	for _, one := range all {
		b.Memory.Note(one.Account, one.Resource, gaugeOf(one))
	}
	return err
}

func budgetOf(account, resource string, g forge.Gauge) store.Budget {
	return store.Budget{Account: account, Resource: resource, Limit: g.Limit, Left: g.Left, Reset: g.Reset, Pause: g.Pause}
}

func gaugeOf(b store.Budget) forge.Gauge {
	return forge.Gauge{Budget: forge.Budget{Limit: b.Limit, Left: b.Left, Reset: b.Reset}, Pause: b.Pause}
}

// tellBudgets is how often others are told what forges will answer, and asked.
const tellBudgets = time.Second

// shareBudgets shares what forges will answer, until ctx is done.
func (s *Server) shareBudgets(ctx context.Context) error {
	tick := time.NewTicker(tellBudgets)
	defer tick.Stop()
	for {
		heard := s.budgets.heard.Next()
		err := s.budgets.hear(ctx, s.store)
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.Lost)
			defer cancel()
			_ = s.budgets.tell(last, s.store) // others learn it by themselves
			return nil
		case <-heard:
		case <-s.budgets.urgent:
			err = errors.Join(err, s.budgets.tell(ctx, s.store))
		case <-tick.C:
			err = errors.Join(err, s.budgets.tell(ctx, s.store))
		}
		if err != nil && ctx.Err() == nil {
			s.Log.WarnContext(ctx, "share what forges will answer", "error", err)
		}
	}
}

// budgetLeft is the part that is left of the tightest limit of all forges; 1: none told
// of one.
func (s *Server) budgetLeft() float64 {
	var all []forge.Budget
	for _, h := range s.settings.Load().forges {
		if f, ok := h.Forge.(forge.Budgeted); ok {
			if b, ok := f.Budget(); ok {
				all = append(all, b)
			}
		}
	}
	least, ok := forge.Tightest(all...)
	if !ok {
		return 1
	}
	return float64(least.Left) / float64(least.Limit)
}
