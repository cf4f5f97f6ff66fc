package repository

import (
	"bytes"
	"context"
	"io"
	"sync"
	"time"
)

const (
	rememberFor  = time.Minute
	rememberUpTo = 1 << 20 // bytes of an object
)

// A Remembering repository knows for a minute what it has put itself, so that a
// release that was just made need not be fetched to be deployed. It has no version
// of it, which only what is swapped needs. Make it with Remember.
type Remembering struct {
	Repository
	clock func() time.Time

	mu    sync.Mutex
	known map[string]remembered
}

type remembered struct {
	object Object
	data   []byte
	at     time.Time
}

var _ Repository = (*Remembering)(nil)

// Remember returns r with such a memory.
func Remember(r Repository, clock func() time.Time) *Remembering {
	return &Remembering{Repository: r, clock: clock, known: map[string]remembered{}}
}

// Put fixes data under key, and remembers it.
func (r *Remembering) Put(ctx context.Context, key string, data io.ReadSeeker) (Object, error) {
	o, err := r.Repository.Put(ctx, key, data)
	if err != nil || o.Size > rememberUpTo {
		return o, err
	}
	if _, err := data.Seek(0, io.SeekStart); err != nil {
		return o, nil // it is there, and only not remembered
	}
	copied, err := io.ReadAll(io.LimitReader(data, rememberUpTo+1))
	if err != nil || int64(len(copied)) != o.Size {
		return o, nil
	}
	at := r.clock()
	if o.Modified.IsZero() {
		o.Modified = at
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known[key] = remembered{object: o, data: copied, at: at}
	return o, nil
}

func (r *Remembering) recall(ctx context.Context, key string) (remembered, bool) {
	if ctx.Err() != nil {
		return remembered{}, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	m, ok := r.known[key]
	if ok && r.clock().Sub(m.at) > rememberFor {
		delete(r.known, key)
		return remembered{}, false
	}
	return m, ok
}

// Open reads the object under key.
func (r *Remembering) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	if m, ok := r.recall(ctx, key); ok {
		return io.NopCloser(bytes.NewReader(m.data)), nil
	}
	return r.Repository.Open(ctx, key)
}

// Stat describes the object under key.
func (r *Remembering) Stat(ctx context.Context, key string) (Object, error) {
	if m, ok := r.recall(ctx, key); ok {
		return m.object, nil
	}
	return r.Repository.Stat(ctx, key)
}

// Read returns the bytes under key, and their version if it was asked for now.
func (r *Remembering) Read(ctx context.Context, key string) (data []byte, version string, err error) {
	if m, ok := r.recall(ctx, key); ok {
		return bytes.Clone(m.data), "", nil
	}
	return r.Repository.Read(ctx, key)
}
