// Package rest is what artifact repositories at object stores have in common whose
// API is plain HTTP: conditional writes whose answer may be lost, checksums, pages,
// retries, and what a person is told. Start at Store; repository/gcs and
// repository/azure are what is built on it.
package rest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/repository"
)

// A Store is an object store by its own API. Names are keys with the repository's
// prefix before them. An answer that is none of success is a *Refusal.
type Store interface {
	// Write sends an object with a condition, and returns its version. The store checks
	// the sums of what arrives. If the condition is not met the reason is Moved.
	Write(ctx context.Context, w Write) (version string, err error)

	// Open begins to read an object. If there is none the reason is Missing.
	Open(ctx context.Context, name string) (io.ReadCloser, Found, error)

	// Stat describes an object. If there is none the reason is Missing.
	Stat(ctx context.Context, name string) (Found, error)

	// List returns one page of the objects whose names begin with prefix, in the
	// order of their bytes; the first page if page is empty. It may begin at after.
	List(ctx context.Context, prefix, after, page string) (Page, error)
}

// A Write is an object on its way to the store.
type Write struct {
	Name  string
	Match string // the version that it replaces; empty: there must be none
	Data  io.ReadSeeker
	Size  int64
	Sums  Sums
	Notes Notes
}

// Notes are kept with an object.
type Notes struct {
	Digest slipway.Digest
	Call   string // of Swap, which wrote the object
}

// Found is what the store knows of an object.
type Found struct {
	Size     int64
	Modified time.Time
	Version  string
	Sums     Sums // those that the store gives
	Notes    Notes
}

// A Page is a part of a list.
type Page struct {
	Objects []Listed
	Next    string // the page behind it; empty: there is none
}

// Listed is an object in a list.
type Listed struct {
	Name     string
	Size     int64
	Modified time.Time
}

// A Repository is an artifact repository in a store. Make it with New.
type Repository struct {
	store  Store
	url    string
	prefix string // of all keys, with a slash at its end; may be empty
}

var _ repository.Repository = (*Repository)(nil)

// New returns the repository below a prefix, which may be empty, in a store. The
// URL is that of the store without options.
func New(store Store, url, prefix string) *Repository {
	if prefix != "" {
		prefix += "/"
	}
	return &Repository{store: store, url: strings.TrimSuffix(url+"/"+prefix, "/"), prefix: prefix}
}

// URL returns the repository's address, without options.
func (r *Repository) URL() string { return r.url }

// Put fixes data under key, with one request.
func (r *Repository) Put(ctx context.Context, key string, data io.ReadSeeker) (repository.Object, error) {
	if err := repository.CheckKey(key); err != nil {
		return repository.Object{}, err
	}
	sums, size, err := measure(data)
	if err != nil {
		return repository.Object{}, err
	}
	_, err = r.store.Write(ctx, Write{Name: r.prefix + key, Data: data, Size: size, Sums: sums, Notes: Notes{Digest: sums.Digest}})
	if isFor(err, Moved) {
		return r.same(ctx, key, sums.Digest, size)
	}
	if err != nil {
		return repository.Object{}, r.explain(err, Writing, key)
	}
	return repository.Object{Key: key, Size: size, Digest: sums.Digest}, nil
}

// same compares the bytes under key with those that could not be put there. They may
// have been put by the very same call, whose answer was lost.
func (r *Repository) same(ctx context.Context, key string, digest slipway.Digest, size int64) (repository.Object, error) {
	have, n, err := r.digest(ctx, key)
	if err != nil {
		return repository.Object{}, err
	}
	if have != digest || n != size {
		return repository.Object{}, slipway.Errorf(slipway.Conflict, "%s is there already with other bytes", r.at(key)).
			WithFix("nothing was changed; what is in an artifact repository stays as it is, so take another version")
	}
	return repository.Object{Key: key, Size: size, Digest: digest}, nil
}

// digest reads the object under key to its end.
func (r *Repository) digest(ctx context.Context, key string) (slipway.Digest, int64, error) {
	body, err := r.Open(ctx, key)
	if err != nil {
		return "", 0, err
	}
	defer body.Close()
	sums, n, err := sum(body)
	return sums.Digest, n, err
}

// Open reads the object under key. Its last byte is not given without a look at the
// checksums that the store has for it.
func (r *Repository) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	body, _, err := r.open(ctx, key)
	return body, err
}

func (r *Repository) open(ctx context.Context, key string) (io.ReadCloser, Found, error) {
	if err := repository.CheckKey(key); err != nil {
		return nil, Found{}, err
	}
	body, found, err := r.store.Open(ctx, r.prefix+key)
	if err != nil {
		return nil, Found{}, r.explain(err, Reading, key)
	}
	return newReader(body, found, func(err error) error { return r.brokenOff(err, key) }), found, nil
}

// Stat describes the object under key. An object that somebody else wrote into the
// store is read for its digest.
func (r *Repository) Stat(ctx context.Context, key string) (repository.Object, error) {
	if err := repository.CheckKey(key); err != nil {
		return repository.Object{}, err
	}
	found, err := r.store.Stat(ctx, r.prefix+key)
	if err != nil {
		return repository.Object{}, r.explain(err, Reading, key)
	}
	o := repository.Object{Key: key, Size: found.Size, Modified: found.Modified.UTC(), Digest: found.Notes.Digest}
	if !o.Digest.Valid() {
		o.Digest, _, err = r.digest(ctx, key)
	}
	return o, err
}

// List yields the objects whose keys begin with prefix and sort after after.
func (r *Repository) List(ctx context.Context, prefix, after string) iter.Seq2[repository.Object, error] {
	return func(yield func(repository.Object, error) bool) {
		last := ""
		for o, err := range r.list(ctx, prefix, after) {
			if err == nil && o.Name <= last {
				err = r.unordered(o.Name, last)
			}
			if err != nil {
				yield(repository.Object{}, err)
				return
			}
			last = o.Name
			key := strings.TrimPrefix(o.Name, r.prefix)
			if key <= after || repository.CheckKey(key) != nil {
				continue
			}
			if !yield(repository.Object{Key: key, Size: o.Size, Modified: o.Modified.UTC()}, nil) {
				return
			}
		}
	}
}

// list goes through the pages.
func (r *Repository) list(ctx context.Context, prefix, after string) iter.Seq2[Listed, error] {
	if after != "" {
		after = r.prefix + after
	}
	return func(yield func(Listed, error) bool) {
		for page, more := "", true; more; {
			p, err := r.store.List(ctx, r.prefix+prefix, after, page)
			if err != nil {
				yield(Listed{}, r.explain(err, Listing, ""))
				return
			}
			for _, o := range p.Objects {
				if !yield(o, nil) {
					return
				}
			}
			page, more = p.Next, p.Next != ""
		}
	}
}

// Swap replaces the bytes under key if they still have the version match.
func (r *Repository) Swap(ctx context.Context, key, match string, data []byte) (version string, err error) {
	if err := repository.CheckKey(key); err != nil {
		return "", err
	}
	sums, size, err := measure(bytes.NewReader(data))
	if err != nil {
		return "", err
	}
	call := rand.Text()
	version, err = r.store.Write(ctx, Write{
		Name: r.prefix + key, Match: match, Data: bytes.NewReader(data), Size: size, Sums: sums,
		Notes: Notes{Digest: sums.Digest, Call: call},
	})
	switch {
	case err == nil:
		return version, nil
	case isFor(err, Moved):
		return r.swapped(ctx, key, call)
	case match == "":
		return "", r.explain(err, Writing, key)
	}
	return "", r.explain(err, Replacing, key)
}

// swapped looks whether the object that is in the way of a call is its own: the first
// try acted, its answer was lost, and the second found the key moved.
func (r *Repository) swapped(ctx context.Context, key, call string) (version string, err error) {
	found, err := r.store.Stat(ctx, r.prefix+key)
	if err == nil && found.Notes.Call == call {
		return found.Version, nil
	}
	if err != nil && !isFor(err, Missing) {
		return "", r.explain(err, Reading, key)
	}
	return "", slipway.Errorf(slipway.Conflict, "%s was changed by somebody else in the meantime", r.at(key)).
		WithFix("nothing was changed; read it and decide again")
}

// Read returns the bytes under key with their version.
func (r *Repository) Read(ctx context.Context, key string) (data []byte, version string, err error) {
	body, found, err := r.open(ctx, key)
	if err != nil {
		return nil, "", err
	}
	defer body.Close()
	data, err = io.ReadAll(body)
	return data, found.Version, err
}

func isFor(err error, reason Reason) bool {
	refusal, ok := errors.AsType[*Refusal](err)
	return ok && refusal.Reason == reason
}

func (r *Repository) at(key string) string {
	if key == "" {
		return r.url
	}
	return r.url + "/" + key
}
