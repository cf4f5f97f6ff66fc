package bucket_test

import (
	"testing"

	"github.com/slipway-cd/slipway/awsauth"
	"github.com/slipway-cd/slipway/repository/bucket"
)

func open(t testing.TB, address string) *bucket.Repository {
	t.Helper()
	r, err := bucket.Open(t.Context(), address, awsauth.Options{}.OpenFor)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
