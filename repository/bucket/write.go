package bucket

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/repository"
)

// The names of metadata.
const (
	digestKey = "slipway-digest"
	swapKey   = "slipway-swap" // which call of Swap wrote the object
)

// appTag is the tag that says whose object it is, for the bill and for policies.
const appTag = "slipway:app"

// collisions is how often a write is repeated that the store took back because
// another one was under way.
const collisions = 20

// Put fixes data under key, with one request for up to 5 GB.
func (r *Repository) Put(ctx context.Context, key string, data io.ReadSeeker) (repository.Object, error) {
	if err := repository.CheckKey(key); err != nil {
		return repository.Object{}, err
	}
	digest, size, err := measure(data)
	if err != nil {
		return repository.Object{}, err
	}
	in := &s3.PutObjectInput{
		ContentLength: &size, IfNoneMatch: aws.String("*"),
		Metadata: map[string]string{digestKey: string(digest)},
	}
	_, err = r.write(ctx, key, data, digest, in)
	if isPrecondition(err) {
		return r.same(ctx, key, digest, size)
	}
	if err != nil {
		return repository.Object{}, r.explain(err, writing, key)
	}
	return repository.Object{Key: key, Size: size, Digest: digest}, nil
}

// measure reads data from its beginning to its end.
func measure(data io.ReadSeeker) (slipway.Digest, int64, error) {
	if _, err := data.Seek(0, io.SeekStart); err != nil {
		return "", 0, err
	}
	return digestOf(data)
}

// same compares the bytes under key with those that could not be put there.
// They may have been put by the very same call, whose answer was lost.
func (r *Repository) same(ctx context.Context, key string, digest slipway.Digest, size int64) (repository.Object, error) {
	have, n, err := r.digest(ctx, key)
	if err != nil {
		return repository.Object{}, err
	}
	if have != digest || n != size {
		return repository.Object{}, slipway.Errorf(slipway.Conflict, "%s/%s is there already with other bytes", r.URL(), key).
			WithFix("nothing was changed; what is in an artifact repository stays as it is, so take another version")
	}
	return repository.Object{Key: key, Size: size, Digest: digest}, nil
}

// Swap replaces the bytes under key if they still have the version match, which
// is the store's entity tag.
func (r *Repository) Swap(ctx context.Context, key, match string, data []byte) (version string, err error) {
	if err := repository.CheckKey(key); err != nil {
		return "", err
	}
	digest, call := slipway.DigestOf(data), rand.Text()
	in := &s3.PutObjectInput{
		Metadata: map[string]string{digestKey: string(digest), swapKey: call},
		IfMatch:  aws.String(match),
	}
	if match == "" {
		in.IfMatch, in.IfNoneMatch = nil, aws.String("*")
	}
	out, err := r.write(ctx, key, bytes.NewReader(data), digest, in)
	switch {
	case err == nil:
		return aws.ToString(out.ETag), nil
	case isPrecondition(err), isNoSuchKey(err):
		return r.swapped(ctx, key, call)
	}
	return "", r.explain(err, writing, key)
}

// swapped looks whether the object that is in the way of a call is its own: the
// first try acted, its answer was lost, and the second found the key moved.
func (r *Repository) swapped(ctx context.Context, key, call string) (version string, err error) {
	attributes, err := r.bucket.Attributes(ctx, r.prefix+key)
	if err == nil && attributes.Metadata[swapKey] == call {
		return attributes.ETag, nil
	}
	if err != nil {
		if err = r.explain(err, reading, key); slipway.KindOf(err) != slipway.NotFound {
			return "", err
		}
	}
	return "", slipway.Errorf(slipway.Conflict, "%s/%s was changed by somebody else in the meantime", r.URL(), key).
		WithFix("nothing was changed; read it and decide again")
}

// Read returns the bytes under key with their version.
func (r *Repository) Read(ctx context.Context, key string) (data []byte, version string, err error) {
	if err := repository.CheckKey(key); err != nil {
		return nil, "", err
	}
	out, err := r.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &r.name, Key: aws.String(r.prefix + key)})
	if err != nil {
		return nil, "", r.explain(err, reading, key)
	}
	defer out.Body.Close()
	data, err = io.ReadAll(out.Body)
	if err != nil {
		return nil, "", r.brokenOff(err, key)
	}
	return data, aws.ToString(out.ETag), nil
}

// write sends data with a conditional request, again if the store says that
// another was under way for the same key.
func (r *Repository) write(ctx context.Context, key string, data io.ReadSeeker, digest slipway.Digest, in *s3.PutObjectInput) (*s3.PutObjectOutput, error) {
	sum, err := hex.DecodeString(digest.Hex())
	if err != nil {
		return nil, err
	}
	in.Bucket, in.Key, in.Body = &r.name, aws.String(r.prefix+key), data
	in.ChecksumSHA256 = aws.String(base64.StdEncoding.EncodeToString(sum))
	in.ServerSideEncryption, in.SSEKMSKeyId = r.atRest.kind, r.atRest.key
	if r.tagging {
		app, _, _ := strings.Cut(key, "/")
		in.Tagging = aws.String(url.Values{appTag: {app}}.Encode())
	}
	for try := 1; ; try++ {
		if _, err := data.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		out, err := r.client.PutObject(ctx, in)
		if !isCollision(err) || try == collisions {
			return out, err
		}
	}
}
