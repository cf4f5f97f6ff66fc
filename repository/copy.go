package repository

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/slipway-cd/slipway"
)

// Copy puts the object under key in from under the same key in to, and returns
// it as to has it. The bytes must have the digest want on both sides: those of
// from are checked before anything is written, those of to by reading them back.
// Where they differ the error is of kind Conflict and says on which side. The
// bytes pass through a temporary file and are never held in memory whole.
// Copying what is there already succeeds.
func Copy(ctx context.Context, from, to Repository, key string, want slipway.Digest) (Object, error) {
	spool, err := os.CreateTemp("", "slipway-copy-")
	if err != nil {
		return Object{}, unavailableSpool(err)
	}
	defer os.Remove(spool.Name())
	defer spool.Close()
	_ = os.Remove(spool.Name()) // where a file can be without a name, nothing is left of it if this process is killed
	got, err := readInto(ctx, spool, from, key)
	if err != nil {
		return Object{}, err
	}
	if got != want {
		return Object{}, Altered(slipway.Errorf(slipway.Conflict, "the source %s/%s has other bytes than were released: %s, not %s", from.URL(), key, got, want).
			WithFix("nothing was copied; the source was changed behind Slipway's back, so build and release again"))
	}
	object, err := to.Put(ctx, key, spool)
	if err != nil {
		return Object{}, fmt.Errorf("copy to %s: %w", to.URL(), err)
	}
	got, err = Digest(ctx, to, key)
	if err != nil {
		return Object{}, fmt.Errorf("read back: %w", err)
	}
	if got != want {
		return Object{}, slipway.Errorf(slipway.Conflict, "the target %s/%s has other bytes than were copied: %s, not %s", to.URL(), key, got, want).
			WithFix("do not deploy from there; find out who or what changes the bytes, then release under a new version")
	}
	object.Digest = got
	return object, nil
}

// Digest reads the object under key, and returns the digest of its bytes.
func Digest(ctx context.Context, r Repository, key string) (slipway.Digest, error) {
	return readInto(ctx, io.Discard, r, key)
}

// ErrAltered is the cause of an error that says that what was fixed in a repository
// has other bytes there now.
var ErrAltered = errors.New("altered")

// Altered gives an error that cause.
func Altered(e *slipway.Error) error {
	e.Err = ErrAltered
	return e
}

// readInto copies the object into w and returns the digest of its bytes.
func readInto(ctx context.Context, w io.Writer, r Repository, key string) (slipway.Digest, error) {
	body, err := r.Open(ctx, key)
	if err != nil {
		return "", fmt.Errorf("open %s/%s: %w", r.URL(), key, err)
	}
	defer body.Close()
	hash := sha256.New()
	spooled := &spoolWriter{w: w}
	if _, err := io.Copy(io.MultiWriter(hash, spooled), body); err != nil {
		if spooled.err != nil {
			return "", unavailableSpool(err)
		}
		return "", fmt.Errorf("read %s/%s: %w", r.URL(), key, err)
	}
	return slipway.Digest("sha256:" + hex.EncodeToString(hash.Sum(nil))), nil
}

// A spoolWriter remembers its error, so that a full disk here is not taken for
// a repository that cannot be read.
type spoolWriter struct {
	w   io.Writer
	err error
}

func (s *spoolWriter) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.err = err
	return n, err
}

func unavailableSpool(err error) error {
	return slipway.Errorf(slipway.Unavailable, "no room for a temporary copy on this machine: %w", err).
		WithFix("free some room in %s, or set TMPDIR to a folder with more", os.TempDir())
}
