package repositorytest

import (
	"context"
	"sync"
	"time"

	"github.com/slipway-cd/slipway/repository"
)

// A Clock is moved by hand. It remembers when which object was swapped, and so
// stands for the repository's own clock behind any number of Stamped handles.
type Clock struct {
	mu      sync.Mutex
	at      time.Time
	swapped map[string]time.Time
}

// NewClock returns a clock that stands at a time.
func NewClock(at time.Time) *Clock {
	return &Clock{at: at, swapped: map[string]time.Time{}}
}

// Now returns the time the clock stands at.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// A Stamped repository has the times of what is swapped from a clock.
type Stamped struct {
	repository.Repository
	Clock *Clock
}

var _ repository.Repository = (*Stamped)(nil)

// Swap notes the clock's time.
func (s *Stamped) Swap(ctx context.Context, key, match string, data []byte) (string, error) {
	s.Clock.mu.Lock()
	defer s.Clock.mu.Unlock()
	version, err := s.Repository.Swap(ctx, key, match, data)
	if err == nil {
		s.Clock.swapped[key] = s.Clock.at
	}
	return version, err
}

// Stat gives the time that was noted, if there is one.
func (s *Stamped) Stat(ctx context.Context, key string) (repository.Object, error) {
	s.Clock.mu.Lock()
	defer s.Clock.mu.Unlock()
	o, err := s.Repository.Stat(ctx, key)
	if at, ok := s.Clock.swapped[key]; ok {
		o.Modified = at
	}
	return o, err
}
