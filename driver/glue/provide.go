package glue

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

// provide sees to it that the bytes that runs will fetch are those of the release:
// where Glue can fetch them from the artifact repository they are only looked at,
// otherwise they are put into the environment's assets.
func (d *Driver) provide(ctx context.Context, w want, blobs driver.Blobs) error {
	var acts []func() error
	for where, a := range w.files {
		acts = append(acts, func() error {
			data, err := released(ctx, a, blobs)
			if err != nil || strings.HasPrefix(blobs.URL(a.Key), "s3://") {
				return err
			}
			return d.upload(ctx, where, data, a)
		})
	}
	return all(acts...)
}

// released reads an artifact and holds it to its digest.
func released(ctx context.Context, a slipway.Artifact, blobs driver.Blobs) ([]byte, error) {
	r, err := blobs.Open(ctx, a.Key)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", a.Name, err)
	}
	data, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		return nil, fmt.Errorf("fetch %s: %w", a.Name, err)
	}
	if got := slipway.DigestOf(data); got != a.Digest {
		return nil, notReleased(blobs.URL(a.Key), got, a.Digest)
	}
	return data, nil
}

func notReleased(where string, got, want slipway.Digest) error {
	return slipway.Errorf(slipway.Conflict, "%s is not what was released: its digest is %s, not %s", where, got.Short(), want.Short()).
		WithFix("somebody wrote there, as the Glue console does when a script is edited in it; take the edit into the repository, and bring the object's former version back (S3 console, Show versions) or release again")
}

// upload puts bytes where they are not yet. Other bytes that are there stay.
func (d *Driver) upload(ctx context.Context, where string, data []byte, a slipway.Artifact) error {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(where, "s3://"), "/")
	sum := sha256.Sum256(data)
	in := &s3.PutObjectInput{
		Bucket: &bucket, Key: &key, Body: bytes.NewReader(data), IfNoneMatch: aws.String("*"),
		ChecksumAlgorithm: types.ChecksumAlgorithmSha256, ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(sum[:])),
	}
	if err := d.likeAssets(in, a); err != nil {
		return err
	}
	_, err := d.s3.PutObject(ctx, in)
	switch codeOf(err) {
	case "":
		return d.explain(err, "s3:PutObject", bucket+"/"+key)
	case "PreconditionFailed":
		return d.compareUploaded(ctx, bucket, key, where, a)
	}
	return d.explain(err, "s3:PutObject", bucket+"/"+key)
}

// likeAssets encrypts and tags an object as the options in the address of the assets
// say, which are those of a repository in a bucket.
func (d *Driver) likeAssets(in *s3.PutObjectInput, a slipway.Artifact) error {
	_, query, _ := strings.Cut(d.cfg.Environment.Assets, "?")
	options, err := url.ParseQuery(query)
	if err != nil {
		return slipway.Errorf(slipway.Invalid, "the address of the assets of %s: %w", d.cfg.Environment.Name, err)
	}
	for name := range options {
		value := options.Get(name)
		switch name {
		case "ssetype":
			in.ServerSideEncryption = types.ServerSideEncryption(value)
		case "kmskeyid":
			in.SSEKMSKeyId = &value
		case "tagging":
			if value == "true" {
				app, _, _ := strings.Cut(a.Key, "/")
				in.Tagging = aws.String(url.Values{tagApp: {app}}.Encode())
			}
		default:
			return slipway.Errorf(slipway.Invalid, "the address of the assets of %s has an unknown option %q", d.cfg.Environment.Name, name).
				WithFix("the options are ssetype, kmskeyid and tagging=true")
		}
	}
	return nil
}

// compareUploaded holds what is there already to the release.
func (d *Driver) compareUploaded(ctx context.Context, bucket, key, where string, a slipway.Artifact) error {
	out, err := d.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return d.explain(err, "s3:GetObject", bucket+"/"+key)
	}
	defer out.Body.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, out.Body); err != nil {
		return d.explain(err, "s3:GetObject", bucket+"/"+key)
	}
	if got := slipway.Digest("sha256:" + hex.EncodeToString(hash.Sum(nil))); got != a.Digest {
		return notReleased(where, got, a.Digest)
	}
	return nil
}
