package gcs

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/repository/rest"
)

// Scheme is what addresses begin with.
const Scheme = "gs"

// Google is where the store is if nothing else is said.
const Google = "https://storage.googleapis.com"

// Config is what is not in an address.
type Config struct {
	// Token gives what Google knows a caller by. No other store gets it.
	Token func(ctx context.Context) (string, error)
	// Emulator is the endpoint of an emulator, as STORAGE_EMULATOR_HOST names it to
	// Google's own libraries; empty: there is none.
	Emulator string
	// Transport and Pause are those of rest.Client; nil: by the network and the clock.
	Transport http.RoundTripper
	Pause     func(ctx context.Context, d time.Duration) error
}

// Open returns the repository at an address such as "gs://bucket/prefix". It asks
// nobody; whether the bucket can be reached shows at the first use.
//
// The options are endpoint, for another store than Google's own, to which no
// credentials are sent, or for a private one of Google's, to which they are; and
// anonymous=true, to send none.
func Open(address string, c Config) (*rest.Repository, error) {
	a, err := repository.ParseAddress(address, Scheme, "bucket", "gs://bucket/prefix")
	if err != nil {
		return nil, err
	}
	o, err := optionsOf(a.Options)
	if err != nil {
		return nil, a.Wrong(err)
	}
	s := &store{bucket: a.Host, endpoint: Google}
	s.client = &rest.Client{Refused: s.refused, Transport: c.Transport, Pause: c.Pause}
	switch {
	case o.endpoint != "":
		s.endpoint = o.endpoint
	case c.Emulator != "":
		s.endpoint = emulator(c.Emulator)
	}
	if !o.anonymous && isGoogle(s.endpoint) {
		s.client.Authorize = rest.Bearer(c.Token)
	}
	return rest.New(s, Scheme+"://"+a.Host, a.Prefix), nil
}

// emulator is the endpoint in a variable that may leave out the scheme.
func emulator(host string) string {
	if !strings.Contains(host, "://") {
		host = "http://" + host
	}
	return strings.TrimSuffix(host, "/")
}

// isGoogle says whether an endpoint is one of Google's. Whoever else gets a token can
// do with it what its owner can.
func isGoogle(endpoint string) bool {
	u, err := url.Parse(endpoint)
	return err == nil && u.Scheme == "https" && (u.Hostname() == "googleapis.com" || strings.HasSuffix(u.Hostname(), ".googleapis.com"))
}

// The options of an address.
type options struct {
	endpoint  string
	anonymous bool
}

func optionsOf(q url.Values) (o options, _ error) {
	o.endpoint = strings.TrimSuffix(q.Get("endpoint"), "/")
	var err, unknown error
	if o.endpoint != "" {
		if u, e := url.Parse(o.endpoint); e != nil || u.Host == "" {
			err = fmt.Errorf("endpoint is no URL: %q", o.endpoint)
		}
	}
	if value := q.Get("anonymous"); value != "" {
		yes, e := strconv.ParseBool(value)
		o.anonymous = yes
		if e != nil {
			err = fmt.Errorf("anonymous is true or false, not %q", value)
		}
	}
	for name := range q {
		if name != "endpoint" && name != "anonymous" {
			unknown = fmt.Errorf("unknown query parameter %q", name)
		}
	}
	return o, cmp.Or(unknown, err)
}
