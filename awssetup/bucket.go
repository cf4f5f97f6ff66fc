package awssetup

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/awssetup/access"
)

// A bucket is the one in which artifacts lie. Every call names the account that is
// to own it, so that nothing is done to a bucket of somebody else.
type bucket struct {
	s3    *s3.Client
	place access.Place
	name  *string
	owner *string
}

func (a *Account) bucketParts(s Setup, policy access.Document) []part {
	name := s.Place.Storage.Bucket
	b := bucket{a.s3, s.Place, &name, &s.Place.Account}
	parts := []part{
		{"bucket", "bucket " + name, b.lookBucket, exactly("in " + s.Place.Region), b.makeBucket},
		{"bucket-versions", "versions of what is in " + name, b.lookVersions, exactly(string(types.BucketVersioningStatusEnabled)), b.makeVersions},
		{"bucket-encryption", "encryption of what is in " + name, b.lookEncryption, b.wantEncryption, b.makeEncryption},
		{"bucket-private", "wall around " + name, b.lookWall, exactly(closed), b.makeWall},
	}
	if a.clear {
		return parts // the policy would shut out everybody
	}
	return append(parts, part{"bucket-policy", "policy of " + name, b.lookPolicy, document(policy, s.Exact), b.makePolicy})
}

// at is the ARN of the bucket.
func (b bucket) at() string { return b.place.Bucket() }

func (b bucket) lookBucket(ctx context.Context) (string, error) {
	out, err := b.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: b.name, ExpectedBucketOwner: b.owner})
	switch status := statusOf(err); {
	case status == http.StatusNotFound:
		return "", nil
	case status == http.StatusForbidden:
		return "", &slipway.Error{
			Kind: slipway.Unavailable, Err: err,
			Message: "the bucket " + *b.name + " is somebody else's, or may not be seen with these credentials",
			Fix:     "take another name, which must be free in all of AWS; or, if it is in the account " + *b.owner + ", allow s3:ListBucket on " + b.at(),
		}
	case status == http.StatusMovedPermanently:
		return "", b.elsewhere("")
	case err != nil:
		return "", explain(err, "look at the bucket "+*b.name, "s3:ListBucket", b.at())
	}
	if region := aws.ToString(out.BucketRegion); region != "" && region != b.place.Region {
		return "", b.elsewhere(" " + region)
	}
	return "in " + b.place.Region, nil
}

func (b bucket) elsewhere(region string) error {
	return slipway.Errorf(slipway.Conflict, "the bucket %s is in another region%s than the environment %s, which is in %s", *b.name, region, b.place.Environment, b.place.Region).
		WithFix("take another bucket, or correct the region of environment %s in platform.yaml", b.place.Environment)
}

func (b bucket) makeBucket(ctx context.Context, _ Step) error {
	in := &s3.CreateBucketInput{Bucket: b.name}
	if b.place.Region != "us-east-1" { // which is the one that must not be named
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(b.place.Region)}
	}
	_, err := b.s3.CreateBucket(ctx, in)
	switch codeOf(err) {
	case "BucketAlreadyOwnedByYou": // by a call whose answer was lost
		return nil
	case "BucketAlreadyExists":
		return slipway.Errorf(slipway.Conflict, "the bucket %s is somebody else's", *b.name).
			WithFix("take another name in platform.yaml, which must be free in all of AWS, such as %s-%s", *b.name, *b.owner)
	}
	return explain(err, "make the bucket "+*b.name, "s3:CreateBucket", b.at())
}

func (b bucket) lookVersions(ctx context.Context) (string, error) {
	out, err := b.s3.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: b.name, ExpectedBucketOwner: b.owner})
	if isMissing(err) {
		return "", nil
	}
	if err != nil {
		return "", explain(err, "see whether "+*b.name+" keeps versions", "s3:GetBucketVersioning", b.at())
	}
	return string(out.Status), nil
}

func (b bucket) makeVersions(ctx context.Context, s Step) error {
	_, err := b.s3.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
		Bucket: b.name, ExpectedBucketOwner: b.owner,
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatus(s.Want)},
	})
	return explain(err, "let "+*b.name+" keep versions", "s3:PutBucketVersioning", b.at())
}

func (b bucket) lookEncryption(ctx context.Context) (string, error) {
	out, err := b.s3.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: b.name, ExpectedBucketOwner: b.owner})
	if isMissing(err) {
		return "", nil
	}
	if err != nil {
		return "", explain(err, "see how "+*b.name+" encrypts", "s3:GetEncryptionConfiguration", b.at())
	}
	if out.ServerSideEncryptionConfiguration == nil {
		return "", nil
	}
	for _, rule := range out.ServerSideEncryptionConfiguration.Rules {
		if by := rule.ApplyServerSideEncryptionByDefault; by != nil {
			return strings.TrimSpace(string(by.SSEAlgorithm) + " " + aws.ToString(by.KMSMasterKeyID)), nil
		}
	}
	return "", nil
}

// wantEncryption keeps an encryption that is there, unless the environment names a
// key.
func (b bucket) wantEncryption(have string) (string, error) {
	key := b.place.Storage.Key
	switch {
	case key != "":
		return string(types.ServerSideEncryptionAwsKms) + " " + key, nil
	case have != "":
		return have, nil
	}
	return string(types.ServerSideEncryptionAes256), nil
}

func (b bucket) makeEncryption(ctx context.Context, s Step) error {
	by := &types.ServerSideEncryptionByDefault{}
	kind, key, keyed := strings.Cut(s.Want, " ")
	if by.SSEAlgorithm = types.ServerSideEncryption(kind); keyed {
		by.KMSMasterKeyID = &key
	}
	_, err := b.s3.PutBucketEncryption(ctx, &s3.PutBucketEncryptionInput{
		Bucket: b.name, ExpectedBucketOwner: b.owner,
		ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{
			Rules: []types.ServerSideEncryptionRule{{ApplyServerSideEncryptionByDefault: by, BucketKeyEnabled: &keyed}},
		},
	})
	return explain(err, "let "+*b.name+" encrypt", "s3:PutEncryptionConfiguration", b.at())
}

// How the wall around a bucket is told.
const (
	closed = "nothing in it is public"
	open   = "something in it may be made public"
)

func (b bucket) lookWall(ctx context.Context) (string, error) {
	out, err := b.s3.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: b.name, ExpectedBucketOwner: b.owner})
	if isMissing(err) {
		return "", nil
	}
	if err != nil {
		return "", explain(err, "see whether "+*b.name+" is private", "s3:GetBucketPublicAccessBlock", b.at())
	}
	if w := out.PublicAccessBlockConfiguration; w != nil &&
		aws.ToBool(w.BlockPublicAcls) && aws.ToBool(w.BlockPublicPolicy) && aws.ToBool(w.IgnorePublicAcls) && aws.ToBool(w.RestrictPublicBuckets) {
		return closed, nil
	}
	return open, nil
}

func (b bucket) makeWall(ctx context.Context, _ Step) error {
	yes := aws.Bool(true)
	_, err := b.s3.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{
		Bucket: b.name, ExpectedBucketOwner: b.owner,
		PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{BlockPublicAcls: yes, BlockPublicPolicy: yes, IgnorePublicAcls: yes, RestrictPublicBuckets: yes},
	})
	return explain(err, "make "+*b.name+" private", "s3:PutBucketPublicAccessBlock", b.at())
}

func (b bucket) lookPolicy(ctx context.Context) (string, error) {
	out, err := b.s3.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: b.name, ExpectedBucketOwner: b.owner})
	if isMissing(err) {
		return "", nil
	}
	if err != nil {
		return "", explain(err, "read the policy of "+*b.name, "s3:GetBucketPolicy", b.at())
	}
	return readable(aws.ToString(out.Policy))
}

func (b bucket) makePolicy(ctx context.Context, s Step) error {
	policy, err := compact(s.Want)
	if err != nil {
		return err
	}
	_, err = b.s3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: b.name, ExpectedBucketOwner: b.owner, Policy: policy})
	return explain(err, "write the policy of "+*b.name, "s3:PutBucketPolicy", b.at())
}

// statusOf is the HTTP status of a failure; 0 if there was no answer.
func statusOf(err error) int {
	if response, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		return response.HTTPStatusCode()
	}
	return 0
}
