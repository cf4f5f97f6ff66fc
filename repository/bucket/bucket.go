// Package bucket is an artifact repository in a bucket of an object store, for
// teams whose machines share nothing else. Start at Open.
//
// An object is written with one conditional request, which the store refuses if
// something has the key, so that writers need no lock. Its SHA-256 travels with
// the request, is checked by the store, and is kept as metadata. Requests that
// acted and failed to answer are recognized when they are repeated.
//
// S3 and what speaks its API are supported; the store must honour conditional
// writes, as S3 does since 2024, and list what was just written.
package bucket

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"iter"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/repository"
)

// A Repository is an artifact repository in a bucket.
type Repository struct {
	name   string // of the bucket
	prefix string // of all keys, with a slash at its end; may be empty
	client *s3.Client
	bucket *blob.Bucket // over client
	atRest encryption

	tagging bool // objects get the tag slipway:app
}

var _ repository.Repository = (*Repository)(nil)

// URL returns the repository's address, "s3://bucket/prefix", without options.
func (r *Repository) URL() string {
	return strings.TrimSuffix("s3://"+r.name+"/"+r.prefix, "/")
}

// Open reads the object under key.
func (r *Repository) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	if err := repository.CheckKey(key); err != nil {
		return nil, err
	}
	body, err := r.bucket.NewReader(ctx, r.prefix+key, nil)
	if err != nil {
		return nil, r.explain(err, reading, key)
	}
	return &reader{body, r, key}, nil
}

// Stat describes the object under key. An object that somebody else wrote into
// the bucket is read for its digest.
func (r *Repository) Stat(ctx context.Context, key string) (repository.Object, error) {
	if err := repository.CheckKey(key); err != nil {
		return repository.Object{}, err
	}
	attributes, err := r.bucket.Attributes(ctx, r.prefix+key)
	if err != nil {
		return repository.Object{}, r.explain(err, reading, key)
	}
	o := repository.Object{
		Key: key, Size: attributes.Size, Modified: attributes.ModTime.UTC(),
		Digest: slipway.Digest(attributes.Metadata[digestKey]),
	}
	if !o.Digest.Valid() {
		o.Digest, _, err = r.digest(ctx, key)
	}
	return o, err
}

// digest reads the object under key to its end.
func (r *Repository) digest(ctx context.Context, key string) (slipway.Digest, int64, error) {
	body, err := r.Open(ctx, key)
	if err != nil {
		return "", 0, err
	}
	defer body.Close()
	return digestOf(body)
}

func digestOf(data io.Reader) (slipway.Digest, int64, error) {
	hash := sha256.New()
	n, err := io.Copy(hash, data)
	if err != nil {
		return "", 0, err
	}
	return slipway.Digest("sha256:" + hex.EncodeToString(hash.Sum(nil))), n, nil
}

// List yields the objects whose keys begin with prefix and sort after after.
func (r *Repository) List(ctx context.Context, prefix, after string) iter.Seq2[repository.Object, error] {
	return func(yield func(repository.Object, error) bool) {
		for o, err := range r.list(ctx, r.prefix+prefix, after) {
			if err != nil {
				yield(repository.Object{}, r.explain(err, listing, ""))
				return
			}
			key := strings.TrimPrefix(o.Key, r.prefix)
			if key <= after || repository.CheckKey(key) != nil {
				continue
			}
			if !yield(repository.Object{Key: key, Size: o.Size, Modified: o.ModTime.UTC()}, nil) {
				return
			}
		}
	}
}

// list asks the store to begin behind after.
func (r *Repository) list(ctx context.Context, prefix, after string) iter.Seq2[*blob.ListObject, error] {
	opts := &blob.ListOptions{Prefix: prefix}
	if after != "" {
		opts.BeforeList = func(as func(any) bool) error {
			var in *s3.ListObjectsV2Input
			if as(&in) {
				start := r.prefix + after
				in.StartAfter = &start
			}
			return nil
		}
	}
	return func(yield func(*blob.ListObject, error) bool) {
		objects := r.bucket.List(opts)
		for {
			o, err := objects.Next(ctx)
			if err == io.EOF || !yield(o, err) || err != nil { //nolint:errorlint // Next gives it bare
				return
			}
		}
	}
}

// A reader tells a connection that breaks off.
type reader struct {
	io.ReadCloser
	r   *Repository
	key string
}

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // a reader ends with it bare
		err = r.r.brokenOff(err, r.key)
	}
	return n, err
}
