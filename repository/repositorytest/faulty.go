package repositorytest

import (
	"context"
	"io"
	"iter"
	"sync"
	"sync/atomic"

	"github.com/slipway-cd/slipway/repository"
)

// A Faulty repository fails on request, before a call takes effect or after:
// it acts, and then fails to answer. The hooks get the method's name and the
// key (of List the prefix), one call at a time; a nil hook, and one that returns
// nil, changes nothing. Open, Read and List fail before only.
type Faulty struct {
	repository.Repository
	Before func(method, key string) error
	After  func(method, key string) error

	asking sync.Mutex
}

var _ repository.Repository = (*Faulty)(nil)

// Once returns a hook that fails the nth call of a method, counted from 1, with
// err, and no other.
func Once(method string, nth int64, err error) func(method, key string) error {
	var calls atomic.Int64
	return func(called, _ string) error {
		if called == method && calls.Add(1) == nth {
			return err
		}
		return nil
	}
}

// Put fails before or after the object is there.
func (f *Faulty) Put(ctx context.Context, key string, data io.ReadSeeker) (repository.Object, error) {
	return around(f, "Put", key, func() (repository.Object, error) { return f.Repository.Put(ctx, key, data) })
}

// Stat fails before or after the object was looked at.
func (f *Faulty) Stat(ctx context.Context, key string) (repository.Object, error) {
	return around(f, "Stat", key, func() (repository.Object, error) { return f.Repository.Stat(ctx, key) })
}

// Swap fails before or after the object was replaced.
func (f *Faulty) Swap(ctx context.Context, key, match string, data []byte) (string, error) {
	return around(f, "Swap", key, func() (string, error) { return f.Repository.Swap(ctx, key, match, data) })
}

// Open fails before the object is opened.
func (f *Faulty) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	if err := f.ask(f.Before, "Open", key); err != nil {
		return nil, err
	}
	return f.Repository.Open(ctx, key)
}

// Read fails before the object is read.
func (f *Faulty) Read(ctx context.Context, key string) ([]byte, string, error) {
	if err := f.ask(f.Before, "Read", key); err != nil {
		return nil, "", err
	}
	return f.Repository.Read(ctx, key)
}

// List fails before the first object.
func (f *Faulty) List(ctx context.Context, prefix, after string) iter.Seq2[repository.Object, error] {
	return func(yield func(repository.Object, error) bool) {
		if err := f.ask(f.Before, "List", prefix); err != nil {
			yield(repository.Object{}, err)
			return
		}
		f.Repository.List(ctx, prefix, after)(yield)
	}
}

func around[T any](f *Faulty, method, key string, act func() (T, error)) (T, error) {
	var none T
	if err := f.ask(f.Before, method, key); err != nil {
		return none, err
	}
	result, err := act()
	if err != nil {
		return none, err
	}
	if err := f.ask(f.After, method, key); err != nil {
		return none, err
	}
	return result, nil
}

func (f *Faulty) ask(hook func(method, key string) error, method, key string) error {
	if hook == nil {
		return nil
	}
	f.asking.Lock()
	defer f.asking.Unlock()
	return hook(method, key)
}
