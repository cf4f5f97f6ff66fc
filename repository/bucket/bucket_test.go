package bucket_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/slipway-cd/slipway/awsauth/awstest"
	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/repository/repositorytest"
)

func TestRepository(t *testing.T) {
	moto := awstest.Moto(t)
	var n atomic.Int64
	repositorytest.Run(t, func(t *testing.T) repositorytest.Repo {
		name := fmt.Sprintf("conformance-%d", n.Add(1))
		address := strings.Replace(awstest.Bucket(t, moto, name), name, name+"/team/releases", 1)
		return repositorytest.Repo{
			Repository: open(t, address),
			Reopen:     func(t *testing.T) repository.Repository { return open(t, address) },
		}
	})
}

func TestURL(t *testing.T) {
	for address, want := range map[string]string{
		"s3://b?region=x":                       "s3://b",
		"s3://b/?region=x":                      "s3://b",
		"s3://b/team/a/?region=x":               "s3://b/team/a",
		"s3://b/t?region=x&use_path_style=true": "s3://b/t",
	} {
		if got := open(t, address).URL(); got != want {
			t.Errorf("%s: URL is %s, want %s", address, got, want)
		}
	}
}

func TestPrefixesAreApart(t *testing.T) {
	moto := awstest.Moto(t)
	address := awstest.Bucket(t, moto, "prefixes")
	one, two := open(t, strings.Replace(address, "prefixes?", "prefixes/a?", 1)), open(t, strings.Replace(address, "prefixes?", "prefixes/a-b?", 1))
	repositorytest.Apart(t, one, two)
}

func TestAnObjectOfSomebodyElse(t *testing.T) {
	moto := awstest.Moto(t)
	r := open(t, awstest.Bucket(t, moto, "foreign"))
	awstest.Send(t, http.MethodPut, moto+"/foreign/a/b", "theirs")
	repositorytest.Foreign(t, r)
}

// What is stored is seen by the real AWS CLI.
func TestEncryptionAndTags(t *testing.T) {
	moto := awstest.Moto(t)
	const key = "arn:aws:kms:us-east-1:123456789012:key/0b5f1f57-6f5b-4d6a-8f57-5d0a2a7f9e6d"
	r := open(t, awstest.Bucket(t, moto, "sealed")+"&ssetype=aws:kms&kmskeyid="+key+"&tagging=true")
	if _, err := r.Put(t.Context(), "traffic-etl/0a1b2c3d/traffic.py", strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		"head-object --query [ServerSideEncryption,SSEKMSKeyId]": "aws:kms\t" + key,
		"get-object-tagging --query TagSet[].[Key,Value]":        "slipway:app\ttraffic-etl",
	} {
		args := append([]string{"s3api"}, strings.Fields(query)...)
		got := awstest.Run(t, append(args, "--output", "text", "--bucket", "sealed", "--key", "traffic-etl/0a1b2c3d/traffic.py")...)
		if strings.TrimSpace(got) != want {
			t.Errorf("%s shows %q, want %q", query, got, want)
		}
	}
}

func BenchmarkPut(b *testing.B) {
	moto := awstest.Moto(b)
	r := open(b, awstest.Bucket(b, moto, "bench"))
	for n := 0; b.Loop(); n++ {
		if _, err := r.Put(b.Context(), fmt.Sprint("a/", n), strings.NewReader("a small file")); err != nil {
			b.Fatal(err)
		}
	}
}
