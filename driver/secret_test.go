package driver_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway/driver"
)

func TestMaskArguments(t *testing.T) {
	given := map[string]string{
		"password": "hunter22", "--db_password": "x", "api-key": "k", "PASSWORD": "",
		"secret_arn": "arn:aws:secretsmanager:eu-central-1:1:secret:db", "token_file": "s3://raw/token", "source": "s3://raw/",
		"plain": "AKIAIOSFODNN7EXAMPLE", "address": "postgres://ana:pw@db/traffic", "host": "postgres://db/traffic",
	}
	want := map[string]string{
		"password": "***", "--db_password": "***", "api-key": "***", "PASSWORD": "",
		"secret_arn": "arn:aws:secretsmanager:eu-central-1:1:secret:db", "token_file": "s3://raw/token", "source": "s3://raw/",
		"plain": "***", "address": "***", "host": "postgres://db/traffic",
	}
	if d := cmp.Diff(want, driver.MaskArguments(given)); d != "" {
		t.Errorf("masked (-want +got):\n%s", d)
	}
	if given["password"] != "hunter22" {
		t.Error("what the run gets was masked, too")
	}
	if got := driver.MaskArguments(nil); got != nil {
		t.Errorf("of none: %v", got)
	}
}
