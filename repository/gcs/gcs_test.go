package gcs_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/repository/emulator"
	"github.com/slipway-cd/slipway/repository/gcs"
	"github.com/slipway-cd/slipway/repository/repositorytest"
	"github.com/slipway-cd/slipway/repository/rest"
)

func open(t testing.TB, address string) *rest.Repository {
	t.Helper()
	r, err := gcs.Open(address, gcs.Config{Pause: atOnce})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// atOnce tries again without a pause.
func atOnce(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func at(bucket, store string) string { return "gs://" + bucket + "?endpoint=" + url.QueryEscape(store) }

func TestRepository(t *testing.T) {
	store := emulator.GCS(t)
	var n atomic.Int64
	repositorytest.Run(t, func(t *testing.T) repositorytest.Repo {
		name := fmt.Sprintf("conformance-%d", n.Add(1))
		emulator.Bucket(t, store, name)
		address := at(name+"/team/releases", store)
		return repositorytest.Repo{
			Repository: open(t, address),
			Reopen:     func(t *testing.T) repository.Repository { return open(t, address) },
		}
	})
}

func TestURL(t *testing.T) {
	for address, want := range map[string]string{
		"gs://bucket":                             "gs://bucket",
		"gs://bucket/?anonymous=true":             "gs://bucket",
		"gs://bucket/team/a/":                     "gs://bucket/team/a",
		"gs://my.bucket_1/t?endpoint=http://x:80": "gs://my.bucket_1/t",
	} {
		if got := open(t, address).URL(); got != want {
			t.Errorf("%s: URL is %s, want %s", address, got, want)
		}
	}
}

func TestPrefixesAreApart(t *testing.T) {
	store := emulator.GCS(t)
	emulator.Bucket(t, store, "prefixes")
	repositorytest.Apart(t, open(t, at("prefixes/a", store)), open(t, at("prefixes/a-b", store)))
}

func TestAnObjectOfSomebodyElse(t *testing.T) {
	store := emulator.GCS(t)
	emulator.Bucket(t, store, "foreign")
	emulator.Google(t, store, http.MethodPost, "/upload/storage/v1/b/foreign/o?uploadType=media&name=a/b", "text/plain", "theirs")
	repositorytest.Foreign(t, open(t, at("foreign", store)))
}

// faulty returns a repository whose requests fare as faults says.
func faulty(t *testing.T, name string, faults func(*http.Request) emulator.Fault) *rest.Repository {
	t.Helper()
	store := emulator.GCS(t)
	emulator.Bucket(t, store, name)
	return open(t, at(name, emulator.Proxy(t, store, faults)))
}

func TestFaults(t *testing.T) {
	emulator.SurvivesFaults(t, func(t *testing.T, name string, faults func(*http.Request) emulator.Fault) repository.Repository {
		return faulty(t, name, faults)
	})
}

func TestAnObjectThatArrivesInPart(t *testing.T) {
	r := faulty(t, "half", emulator.Nth(1, emulator.HalfAnswer, func(r *http.Request) bool { return r.URL.Query().Get("alt") == "media" }))
	emulator.ArrivesInPart(t, r)
}

func TestAStoreThatIsAlwaysBusy(t *testing.T) {
	r := faulty(t, "busy", func(*http.Request) emulator.Fault { return emulator.Throttle })
	_, err := r.Put(t.Context(), "a/b", strings.NewReader("x"))
	repositorytest.WantUnavailable(t, err, "cannot write gs://busy/a/b: it is asked too often, or the same object is written more than once a second: slow down", "call again")
}
