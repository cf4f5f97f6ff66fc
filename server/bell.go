package server

import "sync"

// A bell wakes all who wait for news.
type bell struct {
	mu   sync.Mutex
	ch   chan struct{}
	also *bell // is rung too; nil: none
}

func newBell() *bell { return &bell{ch: make(chan struct{})} }

// Next returns a channel that is closed when the bell is rung the next time.
func (b *bell) Next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ch
}

// Ring wakes all who wait.
func (b *bell) Ring() {
	if b.also != nil {
		b.also.Ring()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.ch)
	b.ch = make(chan struct{})
}
