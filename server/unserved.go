package server

import (
	"context"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway/merge"
	"github.com/slipway-cd/slipway/store"
)

// places puts jobs into their pools that an older server made, and looks after those
// that nobody can do, until ctx is done.
func (s *Server) places(ctx context.Context) error {
	seen := newVigil()
	var next int64
	for {
		if err := s.place(ctx, ""); err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "place the jobs of an older server", "error", err)
		}
		if now := s.Clock().UnixNano(); now >= next {
			next = now + s.Tick.Nanoseconds()
			if err := s.lookAfter(ctx, seen); err != nil && ctx.Err() == nil {
				s.Log.ErrorContext(ctx, "look after jobs that nobody can do", "error", err)
			}
		}
		if !pause(ctx, s.Poll) {
			return nil
		}
	}
}

// manyWaiting is how many jobs are looked at at once that nobody does.
const manyWaiting = 1000

// place says anew who does the jobs that wait in a pool and need the same labels. What
// they need may have changed with the platform file.
func (s *Server) place(ctx context.Context, pool string, needs ...string) error {
	all, err := s.store.Waiting(ctx, pool, needs, manyWaiting)
	if err != nil || len(all) == 0 {
		return err
	}
	return s.store.Change(ctx, func(tx *store.Tx) error {
		for _, j := range all {
			p, err := s.placed(ctx, j, tx.App)
			if err != nil {
				return err
			}
			if p.Pool == "" || pool != "" && store.Has(p.Needs, j.Needs) { // of a newer server; or as it was
				continue
			}
			if err := tx.Place(ctx, j.ID, p); err != nil {
				return err
			}
		}
		return nil
	})
}

// An unserved is what jobs wait for that none of those has who live.
type unserved struct {
	pool  string
	needs []string
	why   string
}

// unserved are the labels that jobs wait for and that none of these processes can serve.
func (s *Server) unserved(ctx context.Context, live []store.Process) (all []unserved, err error) {
	for _, pool := range []string{poolWork, poolRun} {
		sets, err := s.store.Needed(ctx, pool)
		if err != nil {
			return nil, err
		}
		for _, needs := range sets {
			if why := waitsFor(live, pool, needs); why != "" {
				all = append(all, unserved{pool, needs, why})
			}
		}
	}
	return all, nil
}

// A vigil is what was seen, when jobs were looked after last, that nobody could do.
type vigil struct {
	sets map[string]bool // what they wait for; true: it is in the log
	told map[asked]bool  // the pull requests that were told that their check waits
}

func newVigil() *vigil { return &vigil{map[string]bool{}, map[asked]bool{}} }

// lookAfter looks after jobs that no living process can do: it sees whether they still
// need those labels, and tells the log, and the pull requests whose checks are among them.
// It tells what was so at the look before, too: one that begins again is not missed.
func (s *Server) lookAfter(ctx context.Context, seen *vigil) error {
	if !s.leads(ctx) {
		*seen = *newVigil()
		return nil
	}
	live, err := s.processes(ctx)
	if err != nil {
		return err
	}
	all, err := s.unserved(ctx, live)
	if err != nil {
		return err
	}
	sets, waiting := map[string]bool{}, map[asked]bool{}
	for _, u := range all {
		if err := s.place(ctx, u.pool, u.needs...); err != nil {
			return err
		}
		name := u.pool + " " + strings.Join(u.needs, " ")
		logged, again := seen.sets[name]
		if sets[name] = again; !again {
			continue
		}
		if err := s.tellUnserved(ctx, u, logged, waiting); err != nil {
			return err
		}
	}
	for in := range seen.told {
		if !waiting[in] {
			if err := s.tellQueued(ctx, in, ""); err != nil {
				return err
			}
		}
	}
	seen.sets, seen.told = sets, waiting
	return nil
}

// tellUnserved tells the log, unless that was done, and the pull requests whose checks
// wait in vain, which it adds to all.
func (s *Server) tellUnserved(ctx context.Context, u unserved, logged bool, all map[asked]bool) error {
	jobs, err := s.store.Waiting(ctx, u.pool, u.needs, manyWaiting)
	if err != nil || len(jobs) == 0 {
		return err
	}
	if !logged {
		s.Log.WarnContext(ctx, "nobody can do a job", "it", u.why, "job", jobs[0].ID, "key", jobs[0].Key, "needs", u.needs, "jobs", len(jobs))
	}
	for _, j := range jobs {
		if j.Kind != jobCheck {
			continue
		}
		in, err := input[checking](j)
		if err != nil {
			return err
		}
		if err := s.tellQueued(ctx, in.asked, "it "+u.why); err != nil {
			return err
		}
		all[in.asked] = true
	}
	return nil
}

// tellQueued keeps with a pull request why its checks have not begun; empty: others come
// first.
func (s *Server) tellQueued(ctx context.Context, in asked, why string) error {
	var reasons []string
	if why != "" {
		reasons = []string{why}
	}
	stale := func(c merge.CheckFact) bool { return c.State == "queued" && !slices.Equal(c.Reasons, reasons) }
	row, known, err := s.store.PullRequest(ctx, in.Forge, in.Repository, in.Number)
	if err != nil || !known || !row.Open {
		return err
	}
	if f, err := factsOf(row); err != nil || !slices.ContainsFunc(f.Checks, stale) {
		return err
	}
	return s.store.Change(ctx, func(tx *store.Tx) error {
		row, known, err := tx.PullRequest(ctx, in.Forge, in.Repository, in.Number)
		if err != nil || !known || !row.Open {
			return err
		}
		f, err := factsOf(row)
		if err != nil {
			return err
		}
		for i := range f.Checks {
			if stale(f.Checks[i]) {
				f.Checks[i].Reasons = reasons
			}
		}
		return s.settle(ctx, tx, row, f)
	})
}
