package server

import (
	"sync"
	"time"
)

// recent keeps the answers of a while.
type recent[T any] struct {
	mu    sync.Mutex
	clock func() time.Time
	life  time.Duration
	most  int
	items map[string]recentItem[T]
}

type recentItem[T any] struct {
	value T
	until time.Time
}

func newRecent[T any](clock func() time.Time, life time.Duration, most int) *recent[T] {
	return &recent[T]{clock: clock, life: life, most: most, items: map[string]recentItem[T]{}}
}

// Get returns an answer that is not too old.
func (r *recent[T]) Get(key string) (T, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i, ok := r.items[key]
	if !ok || !r.clock().Before(i.until) {
		var none T
		return none, false
	}
	return i.value, true
}

// Add keeps an answer. Where there are too many, those that are too old go, and if
// that is not enough all the others.
func (r *recent[T]) Add(key string, value T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.clock()
	if len(r.items) >= r.most {
		for k, i := range r.items {
			if !now.Before(i.until) {
				delete(r.items, k)
			}
		}
		if len(r.items) >= r.most {
			clear(r.items)
		}
	}
	r.items[key] = recentItem[T]{value, now.Add(r.life)}
}
