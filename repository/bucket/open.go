package bucket

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/logging"
	"gocloud.dev/blob/s3blob"

	"github.com/slipway-cd/slipway/repository"
)

// Settings returns the settings of AWS with which a bucket is reached, in a region
// and with a profile of the shared AWS configuration where its address names them.
type Settings func(ctx context.Context, region, profile string) (aws.Config, error)

// Open returns the repository in the bucket at an address such as
// "s3://bucket/prefix?region=eu-central-1". What is not in the address, credentials
// above all, comes from settings. Open asks nobody; whether the bucket can be reached
// shows at the first use.
//
// The options are region; profile, one of the shared AWS configuration, which may
// assume a role; ssetype and kmskeyid for encryption at rest; tagging=true, with which
// each object gets the tag slipway:app; and for other stores than AWS's own, endpoint
// and use_path_style:
// "s3://bucket?endpoint=https://minio.example.com&use_path_style=true&region=us-east-1".
func Open(ctx context.Context, address string, settings Settings) (*Repository, error) {
	a, err := repository.ParseAddress(address, s3blob.Scheme, "bucket", "s3://bucket/prefix?region=eu-central-1")
	if err != nil {
		return nil, err
	}
	r := &Repository{name: a.Host, prefix: a.Prefix}
	if r.prefix != "" {
		r.prefix += "/"
	}
	o, err := optionsOf(a.Options)
	if err != nil {
		return nil, a.Wrong(err)
	}
	r.atRest, r.tagging = o.atRest, o.tagging
	if err := r.connect(ctx, o, settings); err != nil {
		return nil, err
	}
	return r, nil
}

// The options of an address.
type options struct {
	region, profile, endpoint string
	pathStyle, tagging        bool
	atRest                    encryption
}

// An encryption is what the address asks of the store for objects at rest.
type encryption struct {
	kind types.ServerSideEncryption
	key  *string
}

func optionsOf(q url.Values) (o options, _ error) {
	take := func(name string) string {
		defer q.Del(name)
		return q.Get(name)
	}
	o.region, o.profile, o.endpoint = take("region"), take("profile"), take("endpoint")
	o.atRest.kind = types.ServerSideEncryption(take("ssetype"))
	if key := take("kmskeyid"); key != "" {
		o.atRest.key = &key
	}
	var styleErr, taggingErr error
	o.pathStyle, styleErr = truth("use_path_style", take("use_path_style"))
	o.tagging, taggingErr = truth("tagging", take("tagging"))
	for name := range q {
		return o, fmt.Errorf("unknown query parameter %q", name)
	}
	return o, cmp.Or(styleErr, taggingErr)
}

func truth(name, value string) (bool, error) {
	yes, err := strconv.ParseBool(value)
	if err != nil && value != "" {
		return false, fmt.Errorf("%s is true or false, not %q", name, value)
	}
	return yes, nil
}

// connect makes the clients.
func (r *Repository) connect(ctx context.Context, o options, settings Settings) error {
	found, err := settings(ctx, o.region, o.profile)
	if err != nil {
		return fmt.Errorf("open %s: %w", r.URL(), err)
	}
	r.client = s3.NewFromConfig(found, func(opts *s3.Options) {
		opts.UsePathStyle = o.pathStyle
		opts.Logger = logging.Nop{} // what matters is in the errors
		if o.endpoint != "" {
			opts.BaseEndpoint = &o.endpoint
		}
	})
	r.bucket, err = s3blob.OpenBucket(ctx, r.client, r.name, nil)
	return err
}
