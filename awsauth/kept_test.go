package awsauth_test

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/slipway-cd/slipway/awsauth"
	"github.com/slipway-cd/slipway/awsauth/awstest"
)

// counting counts requests.
type counting struct{ n atomic.Int64 }

func (c *counting) Do(r *http.Request) (*http.Response, error) {
	c.n.Add(1)
	return http.DefaultClient.Do(r)
}

func TestOneSignInForTheSameOptions(t *testing.T) {
	awstest.Moto(t)
	client := &counting{}
	o := awsauth.Options{Environment: "prod", Region: awstest.Region, Account: awstest.Account, HTTPClient: client, Kept: &awsauth.Kept{}}
	sign := func(o awsauth.Options) {
		settings, err := awsauth.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := settings.Credentials.Retrieve(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	sign(o)
	sign(o)
	if n := client.n.Load(); n != 1 {
		t.Errorf("the account was asked for %d times", n)
	}
	o.Environment = "staging"
	sign(o)
	if n := client.n.Load(); n != 2 {
		t.Errorf("after another environment the account was asked for %d times", n)
	}
}
