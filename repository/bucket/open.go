package bucket

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/logging"
	"gocloud.dev/blob/s3blob"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/repository"
)

// Open returns the repository in the bucket at an address such as
// "s3://bucket/prefix?region=eu-central-1". Credentials and what else is not in
// the address come from where AWS's own tools have them. Open asks nobody;
// whether the bucket can be reached shows at the first use.
//
// The options are region; profile, one of the shared AWS configuration, which may
// assume a role; ssetype and kmskeyid for encryption at rest; and for other stores
// than AWS's own, endpoint and use_path_style:
// "s3://bucket?endpoint=https://minio.example.com&use_path_style=true&region=us-east-1".
func Open(ctx context.Context, address string) (*Repository, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, badAddress(address, "it is no URL")
	}
	r := &Repository{name: u.Host, prefix: strings.Trim(u.Path, "/")}
	switch {
	case u.Scheme != s3blob.Scheme:
		return nil, badAddress(address, "it does not begin with s3://")
	case r.name == "":
		return nil, badAddress(address, "it names no bucket")
	case r.prefix != "":
		if err := repository.CheckKey(r.prefix); err != nil {
			return nil, badAddress(address, "%v", err)
		}
		r.prefix += "/"
	}
	if err := r.connect(ctx, u.Query()); err != nil {
		return nil, badAddress(address, "%v", err)
	}
	if r.client.Options().Region == "" {
		return nil, slipway.Errorf(slipway.Unavailable, "no region is known for the bucket %s", r.name).
			WithFix("write it into the address, as in s3://%s?region=eu-central-1, or set AWS_REGION", r.name)
	}
	return r, nil
}

// connect makes the clients that the options of an address describe.
func (r *Repository) connect(ctx context.Context, q url.Values) error {
	take := func(name string) string {
		defer q.Del(name)
		return q.Get(name)
	}
	if kind := take("ssetype"); kind != "" {
		r.atRest.kind = types.ServerSideEncryption(kind)
	}
	if key := take("kmskeyid"); key != "" {
		r.atRest.key = &key
	}
	endpoint, style := take("endpoint"), take("use_path_style")
	pathStyle, err := strconv.ParseBool(style)
	if err != nil && style != "" {
		return slipway.Errorf(slipway.Invalid, "use_path_style is true or false, not %q", style)
	}
	settings, err := awsSettings(ctx, take("region"), take("profile"))
	if err != nil {
		return err
	}
	for name := range q {
		return slipway.Errorf(slipway.Invalid, "unknown query parameter %q", name)
	}
	r.client = s3.NewFromConfig(settings, func(o *s3.Options) {
		o.UsePathStyle = pathStyle
		o.Logger = logging.Nop{} // what matters is in the errors
		if endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
	})
	r.bucket, err = s3blob.OpenBucket(ctx, r.client, r.name, nil)
	return err
}

// awsSettings reads the settings of AWS as its own tools do: environment, shared
// files, the machine's role. A region and a profile that are named come first.
func awsSettings(ctx context.Context, region, profile string) (aws.Config, error) {
	options := []func(*config.LoadOptions) error{
		config.WithLogger(logging.Nop{}), // what matters is in the errors
		config.WithRegion(region),
		config.WithSharedConfigProfile(profile),
	}
	if profile == "" {
		options = options[:2]
	}
	settings, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return settings, slipway.Errorf(slipway.Unavailable, "the settings for AWS cannot be read: %w", err)
	}
	settings.Credentials = credentials{settings.Credentials}
	return settings, nil
}

func badAddress(address, why string, args ...any) error {
	return slipway.Errorf(slipway.Invalid, "%q cannot be the address of an artifact repository: "+why, append([]any{address}, args...)...).
		WithFix("write it as s3://bucket/prefix?region=eu-central-1")
}

// An encryption is what the address asks of the store for objects at rest.
type encryption struct {
	kind types.ServerSideEncryption
	key  *string
}

// credentials mark an error as theirs, for the SDK gives it no type.
type credentials struct{ aws.CredentialsProvider }

func (c credentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	found, err := c.CredentialsProvider.Retrieve(ctx)
	if err != nil {
		return found, &noCredentials{err}
	}
	return found, nil
}

type noCredentials struct{ err error }

func (e *noCredentials) Error() string { return e.err.Error() }

func (e *noCredentials) Unwrap() error { return e.err }
