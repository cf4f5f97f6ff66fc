package server

import (
	"context"
	"sync"

	"github.com/slipway-cd/slipway/store"
)

// What the database says to run here is in hand here. Where a connection breaks it may
// say so of a job that nobody has: it was claimed, and whoever claimed it never heard of
// that; or it came to its end, and that could not be kept. Such a job waits again.

// claims are those that are under way. Its zero value is ready to use.
type claims struct {
	mu   sync.Mutex
	last int64          // the number of the newest one
	open map[int64]bool // by number
}

// begin notes that somebody claims, until end is called.
func (c *claims) begin() (end func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last++
	number := c.last
	if c.open == nil {
		c.open = map[int64]bool{}
	}
	c.open[number] = true
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.open, number)
	}
}

// newest is the number of the newest claim.
func (c *claims) newest() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

// over reports whether all claims up to a number are at their end.
func (c *claims) over(number int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := range c.open {
		if n <= number {
			return false
		}
	}
	return true
}

// putBack lets jobs wait again that run here for all that the database knows, and that
// nobody here does, until ctx is done.
func (s *Server) putBack(ctx context.Context) error {
	var seen forgotten
	for pause(ctx, s.Lost/2) {
		var err error
		if seen, err = s.putBackOnce(ctx, seen); err != nil && ctx.Err() == nil {
			s.Log.WarnContext(ctx, "look for jobs that nobody does", "error", err)
		}
	}
	return nil
}

// forgotten are jobs that nobody had in hand, by their attempt, and the newest claim when
// that was seen: once it is at its end nobody can be about to take one of them.
type forgotten struct {
	jobs  map[int64]int
	claim int64
}

// putBackOnce lets those wait again of which it was seen before that nobody does them.
func (s *Server) putBackOnce(ctx context.Context, before forgotten) (forgotten, error) {
	now := forgotten{jobs: map[int64]int{}}
	if s.isLost() {
		return now, nil // others take them
	}
	sure := s.claims.over(before.claim)
	all, err := s.store.Mine(ctx)
	if err != nil {
		return now, err
	}
	now.claim = s.claims.newest()
	for _, j := range all {
		if s.inHand(j) {
			if j.Stop != "" { // nobody has heard of it, or a server of before told of it
				s.tellStopped(j)
			}
			continue
		}
		now.jobs[j.ID] = j.Attempt
		if !sure || before.jobs[j.ID] != j.Attempt {
			continue
		}
		back, err := s.store.PutBack(ctx, j)
		if err != nil {
			return now, err
		}
		if back {
			s.Log.WarnContext(ctx, "a job that nobody did waits again", "job", j.ID, "key", j.Key)
			s.news.Ring()
		}
	}
	return now, nil
}

// inHand reports whether a job is under way here.
func (s *Server) inHand(j store.Job) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, has := s.running[j.ID]
	return has
}
