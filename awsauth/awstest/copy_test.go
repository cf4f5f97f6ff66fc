package awstest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway/awsauth/awstest"
)

func TestACopyGoesItsOwnWay(t *testing.T) {
	moto := awstest.Start(t)
	awstest.Send(t, "PUT", moto.URL+"/things", "")
	awstest.Send(t, "PUT", moto.URL+"/things/one", "1")
	first, second := moto.Copy(t), moto.Copy(t)
	awstest.Send(t, "PUT", moto.URL+"/things/two", "2")
	awstest.Send(t, "PUT", first.URL+"/things/three", "3")
	awstest.Send(t, "DELETE", second.URL+"/things/one", "")
	for url, want := range map[string][]string{moto.URL: {"one", "two"}, first.URL: {"one", "three"}, second.URL: {}} {
		if diff := cmp.Diff(want, awstest.Keys(t, url, "things")); diff != "" {
			t.Errorf("%s: %s", url, diff)
		}
	}
}
