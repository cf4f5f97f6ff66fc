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
	repositorytest.Apart(t, open(t, at("prefixes/a", store)), open(t, at("prefixes/a-b", store)))
}

func TestAnObjectOfSomebodyElse(t *testing.T) {
	store := emulator.Azurite(t)
	emulator.Container(t, store, "foreign")
	emulator.Azure(t, store, http.MethodPut, "foreign/a/b", "theirs")
	repositorytest.Foreign(t, open(t, at("foreign", store)))
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
	repositorytest.WantUnavailable(t, repositorytest.Call(t, r, "Put", version), "cannot write azblob://tokens/team/a/k: the credentials are refused: Server failed to authenticate the request.",
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
	emulator.SurvivesFaults(t, func(t *testing.T, name string, faults func(*http.Request) emulator.Fault) repository.Repository {
		return faulty(t, name, faults)
	})
}

func TestAnObjectThatArrivesInPart(t *testing.T) {
	r := faulty(t, "half", emulator.Nth(1, emulator.HalfAnswer, func(r *http.Request) bool { return r.Method == http.MethodGet }))
	emulator.ArrivesInPart(t, r)
}

func TestAStoreThatIsAlwaysBusy(t *testing.T) {
	r := faulty(t, "busy", func(*http.Request) emulator.Fault { return emulator.Throttle })
	_, err := r.Put(t.Context(), "a/b", strings.NewReader("x"))
	repositorytest.WantUnavailable(t, err, "cannot write azblob://busy/a/b: it is asked too often, or too busy: slow down", "call again")
}
