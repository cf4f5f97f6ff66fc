//go:build linux && amd64

package main_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/awsauth"
	"github.com/slipway-cd/slipway/awsauth/awstest"
	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/repository/azure"
	buckets "github.com/slipway-cd/slipway/repository/bucket"
	"github.com/slipway-cd/slipway/repository/emulator"
	"github.com/slipway-cd/slipway/repository/folder"
	"github.com/slipway-cd/slipway/repository/gcs"
)

// A road goes from a folder to Google's store, on to Azure's, and on to S3.
type road struct {
	clone
	google string // the URL of the store
	places map[string]repository.Repository
}

func newRoad(t *testing.T, name string) road {
	t.Helper()
	google, microsoft := emulator.GCS(t), emulator.Azurite(t)
	aws := awstest.Moto(t)
	_, environ := awstest.Shared(t)
	s3 := awstest.Bucket(t, aws, name)
	emulator.Bucket(t, google, name)
	emulator.Container(t, microsoft, name)
	gs := "gs://" + name + "/team?endpoint=" + url.QueryEscape(google)
	az := "azblob://" + name + "/team?endpoint=" + url.QueryEscape(microsoft+"/"+emulator.Account)

	c := newClone(t)
	c.env = append(environ, "AZURE_STORAGE_ACCOUNT="+emulator.Account, "AZURE_STORAGE_KEY="+emulator.AccountKey)
	c.write(t, ".gitignore", "/.slipway/\n/roots/\n")
	c.write(t, "roads.py", "print('all roads are free')\n")
	c.write(t, "slipway.yaml", "slipway: v1\napp: roads\nshape: python-job\nbuild: {script: roads.py}\n")
	c.write(t, "platform.yaml", `slipway: v1
environments:
  dev: {runtime: local, root: roots/dev, repository: roots/artifacts}
  staging: {runtime: local, root: roots/staging, repository: "`+gs+`", follows: dev}
  canary: {runtime: local, root: roots/canary, repository: "`+az+`", follows: staging}
  prod: {runtime: local, root: roots/prod, repository: "`+s3+`", follows: canary}
`)
	c.commit(t, "Roads")
	return road{c, google, map[string]repository.Repository{
		"dev":     opened(t)(folder.Open(c.file("roots/artifacts"))),
		"staging": opened(t)(gcs.Open(gs, gcs.Config{})),
		"canary":  opened(t)(azure.Open(az, azure.Config{Account: emulator.Account, Key: emulator.AccountKey, Clock: time.Now})),
		"prod":    opened(t)(buckets.Open(t.Context(), s3, awsauth.Options{Environ: environ, Clock: time.Now}.OpenFor)),
	}}
}

func opened(t *testing.T) func(r repository.Repository, err error) repository.Repository {
	return func(r repository.Repository, err error) repository.Repository {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
}

// held are the digests of a release's bytes, as they are read from an environment's
// repository.
func (r road) held(t *testing.T, environment, version string) map[string]slipway.Digest {
	t.Helper()
	release, _, err := repository.FindRelease(t.Context(), r.places[environment], "roads", version)
	if err != nil {
		t.Fatal(err)
	}
	held := map[string]slipway.Digest{}
	for _, a := range release.Artifacts {
		data, _, err := r.places[environment].Read(t.Context(), a.Key)
		if err != nil {
			t.Fatal(err)
		}
		held[a.Key] = slipway.DigestOf(data)
		if held[a.Key] != a.Digest {
			t.Errorf("%s has other bytes of %s than were released", environment, a.Key)
		}
	}
	return held
}

// The same bytes come all the way, and each environment's history is where its bytes
// are.
func TestARoadOverFourKindsOfRepository(t *testing.T) {
	r := newRoad(t, "road-whole")
	r.must(t, "ship", "prod", "--release", "v1.0.0")
	want := r.held(t, "dev", "v1.0.0")
	if len(want) != 1 {
		t.Fatalf("the release has %v", want)
	}
	for _, environment := range []string{"staging", "canary", "prod"} {
		if diff := cmp.Diff(want, r.held(t, environment, "v1.0.0")); diff != "" {
			t.Errorf("%s (-dev +it):\n%s", environment, diff)
		}
		if said := r.must(t, "history", environment); !strings.Contains(said, "release v1.0.0 promoted from ") {
			t.Errorf("the history of %s is\n%s", environment, said)
		}
	}
	if said := r.must(t, "status", "prod"); !strings.Contains(said, "v1.0.0") {
		t.Errorf("prod is\n%s", said)
	}
}

// What was altered at Google's store comes no further, and it is said where.
func TestBytesThatWereAlteredInACloud(t *testing.T) {
	r := newRoad(t, "road-altered")
	r.must(t, "ship", "staging", "--release", "v1.0.0")
	for key := range r.held(t, "staging", "v1.0.0") {
		emulator.Google(t, r.google, http.MethodPost,
			"/upload/storage/v1/b/road-altered/o?uploadType=media&name="+url.QueryEscape("team/"+key), "text/plain", "print('no roads')\n")
	}
	a := r.ask(t, "promote", "v1.0.0", "canary")
	if a.code == 0 || !strings.Contains(a.stderr, "the source gs://road-altered/team/roads/") || !strings.Contains(a.stderr, "has other bytes than were released") {
		t.Errorf("exit code %d\n%s", a.code, a.stderr)
	}
	for o, err := range r.places["canary"].List(t.Context(), "roads/releases/", "") {
		t.Errorf("canary has %s, %v", o.Key, err)
	}
}
