package azure_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/repository/azure"
	"github.com/slipway-cd/slipway/repository/emulator"
	"github.com/slipway-cd/slipway/repository/repositorytest"
	"github.com/slipway-cd/slipway/repository/rest"
)

func open(t testing.TB, address string) *rest.Repository {
	t.Helper()
	r, err := azure.Open(address, azure.Config{Account: emulator.Account, Key: emulator.AccountKey, Clock: time.Now, Pause: atOnce})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// atOnce tries again without a pause.
func atOnce(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func at(container, store string) string {
	return "azblob://" + container + "?endpoint=" + url.QueryEscape(store+"/"+emulator.Account)
}

func TestRepository(t *testing.T) {
	store := emulator.Azurite(t)
	var n atomic.Int64
	repositorytest.Run(t, func(t *testing.T) repositorytest.Repo {
		name := fmt.Sprintf("conformance-%d", n.Add(1))
		emulator.Container(t, store, name)
		address := at(name+"/team/releases", store)
		return repositorytest.Repo{
			Repository: open(t, address),
			Reopen:     func(t *testing.T) repository.Repository { return open(t, address) },
		}
	})
}

func TestURL(t *testing.T) {
	for address, want := range map[string]string{
		"azblob://releases":                                     "azblob://releases",
		"azblob://releases/?storage_account=team":               "azblob://releases",
		"azblob://releases/team/a/":                             "azblob://releases/team/a",
		"azblob://releases/t?domain=blob.core.chinacloudapi.cn": "azblob://releases/t",
	} {
		if got := open(t, address).URL(); got != want {
			t.Errorf("%s: URL is %s, want %s", address, got, want)
		}
	}
}

func TestPrefixesAreApart(t *testing.T) {
	store := emulator.Azurite(t)
	emulator.Container(t, store, "prefixes")
	for _, r := range []repository.Repository{open(t, at("prefixes/a", store)), open(t, at("prefixes/a-b", store))} {
		if _, err := r.Put(t.Context(), "x", strings.NewReader(r.URL())); err != nil {
			t.Fatal(err)
		}
		for o, err := range r.List(t.Context(), "", "") {
			if err != nil || o.Key != "x" {
				t.Errorf("%s lists %q, %v", r.URL(), o.Key, err)
			}
		}
	}
}

func TestAnObjectOfSomebodyElse(t *testing.T) {
	store := emulator.Azurite(t)
	emulator.Container(t, store, "foreign")
	emulator.Azure(t, store, http.MethodPut, "foreign/a/b", "theirs")
	r := open(t, at("foreign", store))
	o, err := r.Stat(t.Context(), "a/b")
	if err != nil || o.Digest != slipway.DigestOf([]byte("theirs")) {
		t.Errorf("Stat gives %+v, %v", o, err)
	}
	if _, err = r.Put(t.Context(), "a/b", strings.NewReader("ours")); slipway.KindOf(err) != slipway.Conflict {
		t.Errorf("Put gives %v, want a conflict", err)
	}
}

// With TLS, under the account's own name, a store takes tokens.
func TestTokens(t *testing.T) {
	store := emulator.SecureAzurite(t)
	emulator.Container(t, store, "tokens")
	address := strings.TrimPrefix(store, "https://")
	r, err := azure.Open("azblob://tokens/team?storage_account="+emulator.Account, azure.Config{
		Transport: emulator.Trusting(address), Pause: atOnce,
		Token: func(context.Context) (string, error) {
			return emulator.Token("https://storage.azure.com", time.Now()), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	emulator.Survives(t, r)

	r, err = azure.Open("azblob://tokens/team?storage_account="+emulator.Account, azure.Config{
		Transport: emulator.Trusting(address), Pause: atOnce,
		Token: func(context.Context) (string, error) {
			return emulator.Token("https://vault.azure.net", time.Now()), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, call(t, r, "Put"), "cannot write azblob://tokens/team/a/k: the credentials are refused: Server failed to authenticate the request.",
		"sign in to Azure again (`az login`), or correct AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN")
}

// faulty returns a repository whose requests fare as faults says.
func faulty(t *testing.T, name string, faults func(*http.Request) emulator.Fault) *rest.Repository {
	t.Helper()
	store := emulator.Azurite(t)
	emulator.Container(t, store, name)
	return open(t, at(name, emulator.Proxy(t, store, faults)))
}

func TestFaults(t *testing.T) {
	for name, fault := range map[string]emulator.Fault{
		"refuse": emulator.Refuse, "throttle": emulator.Throttle, "fail": emulator.ActAndFail, "hang-up": emulator.ActAndHangUp,
	} {
		for nth := int64(1); nth <= 3; nth++ {
			t.Run(fmt.Sprintf("%s write %d", name, nth), func(t *testing.T) {
				emulator.Survives(t, faulty(t, fmt.Sprintf("%s-write-%d", name, nth), emulator.Nth(nth, fault, emulator.Writes)))
			})
			t.Run(fmt.Sprintf("%s read %d", name, nth), func(t *testing.T) {
				emulator.Survives(t, faulty(t, fmt.Sprintf("%s-read-%d", name, nth), emulator.Nth(nth, fault, emulator.Reads)))
			})
		}
	}
}

func TestAnObjectThatArrivesInPart(t *testing.T) {
	r := faulty(t, "half", emulator.Nth(1, emulator.HalfAnswer, func(r *http.Request) bool { return r.Method == http.MethodGet }))
	emulator.ArrivesInPart(t, r)
}

func TestAStoreThatIsAlwaysBusy(t *testing.T) {
	r := faulty(t, "busy", func(*http.Request) emulator.Fault { return emulator.Throttle })
	_, err := r.Put(t.Context(), "a/b", strings.NewReader("x"))
	wantError(t, err, "cannot write azblob://busy/a/b: it is asked too often, or too busy: slow down", "call again")
}

func wantError(t *testing.T, err error, want, fix string) {
	t.Helper()
	if err == nil || slipway.KindOf(err) != slipway.Unavailable || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got an error of kind %s: %v\nwant %s", slipway.KindOf(err), err, want)
	}
	if got := slipway.FixOf(err); got != fix {
		t.Errorf("got the fix %q, want %q", got, fix)
	}
}
