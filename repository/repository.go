// Package repository is the contract with an artifact repository: a place that
// keeps bytes under keys for good. Start at Repository.
//
// A new kind of repository is a folder below this one, a line in cmd/slipway,
// and a test that calls repositorytest.Run.
package repository

import (
	"context"
	"io"
	"iter"
	"time"

	"github.com/slipway-cd/slipway"
)

// A Repository keeps objects. An object, once there, never changes and is
// whole: whoever sees a key sees all its bytes. The one exception are the
// objects written by Swap, which are for leases.
//
// Keys are slash-separated, relative and clean, of letters, digits and
// "._-+=@"; CheckKey says so. No key may be the folder of another (a/b and
// a/b/c): a folder cannot hold both. Methods may be called at the same time from any
// number of processes and machines. Errors are of the kinds in the root
// package: NotFound, Conflict (other bytes are there), Unavailable (with the
// way out: unreachable, read-only, full).
type Repository interface {
	// URL is the repository's own address, "file:///..." or "s3://bucket/prefix".
	// With a key joined to it by a slash it is the object's.
	URL() string

	// Put fixes data, from its beginning, under key and returns when it is
	// durable. If the same bytes are there already it succeeds; if other bytes
	// are, it changes nothing and returns an error of kind Conflict. Of any number
	// of writers at once, exactly one wins. After any other error the bytes may be
	// there or not, never in part, and Put may be called again.
	Put(ctx context.Context, key string, data io.ReadSeeker) (Object, error)

	// Open reads the object under key.
	Open(ctx context.Context, key string) (io.ReadCloser, error)

	// Stat describes the object under key.
	Stat(ctx context.Context, key string) (Object, error)

	// List yields the objects whose keys begin with prefix and sort after the
	// key after (empty: from the first), in the order of their keys' bytes. It
	// sees every object whose Put returned before List was called.
	List(ctx context.Context, prefix, after string) iter.Seq2[Object, error]

	// Swap replaces the bytes under key if its version is still match (empty:
	// if nothing is there) and returns the new version. Otherwise it changes
	// nothing and returns an error of kind Conflict. Bytes that were there before
	// may have the version they had then, so a caller whose decision must not
	// survive a change and its reversal puts a counter into the bytes.
	Swap(ctx context.Context, key, match string, data []byte) (version string, err error)

	// Read returns the bytes under key with their version, for Swap.
	Read(ctx context.Context, key string) (data []byte, version string, err error)
}

// An Object describes bytes under a key.
type Object struct {
	Key      string
	Size     int64          // bytes
	Digest   slipway.Digest // empty in List where finding it would mean reading
	Modified time.Time      // when it was written, by the repository's clock; Put may leave it zero
}
