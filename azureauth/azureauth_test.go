package azureauth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/azureauth"
)

// An entra is Entra ID, as far as it gives tokens to workloads and principals.
type entra struct {
	t        *testing.T
	want     map[string]string // of the request for a token
	lifetime int               // in seconds, of tokens
	given    int
	refuse   string
}

func (e *entra) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := func(status int, body string) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Status: http.StatusText(status), Header: http.Header{"Content-Type": {"application/json"}},
			Body: io.NopCloser(strings.NewReader(body)), Request: r,
		}, nil
	}
	const at = "https://login.microsoftonline.com/tenant/"
	switch {
	case strings.HasSuffix(r.URL.Path, "/discovery/instance"):
		return answer(http.StatusOK, `{"tenant_discovery_endpoint":"`+at+`v2.0/.well-known/openid-configuration","metadata":[{"preferred_network":"login.microsoftonline.com","preferred_cache":"login.windows.net","aliases":["login.microsoftonline.com"]}]}`)
	case strings.HasSuffix(r.URL.Path, "/openid-configuration"):
		return answer(http.StatusOK, `{"authorization_endpoint":"`+at+`oauth2/v2.0/authorize","token_endpoint":"`+at+`oauth2/v2.0/token","issuer":"`+at+`v2.0"}`)
	case !strings.HasSuffix(r.URL.Path, "/token"):
		e.t.Errorf("asked for %s", r.URL)
		return answer(http.StatusNotFound, "")
	case e.refuse != "":
		return answer(http.StatusUnauthorized, e.refuse)
	}
	for name, want := range e.want {
		if got := r.FormValue(name); got != want {
			e.t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	e.given++
	return answer(http.StatusOK, fmt.Sprintf(`{"access_token":"token %d","token_type":"Bearer","expires_in":%d}`, e.given, e.lifetime))
}

// alone takes away what this machine may know of Azure.
func alone(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_USERNAME",
	} {
		t.Setenv(name, "")
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
}

func workload(t *testing.T) {
	t.Helper()
	alone(t)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("of the cluster"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AZURE_TOKEN_CREDENTIALS", "WorkloadIdentityCredential")
	t.Setenv("AZURE_TENANT_ID", "tenant")
	t.Setenv("AZURE_CLIENT_ID", "client")
	t.Setenv("AZURE_FEDERATED_TOKEN_FILE", file)
}

// A workload's own token is exchanged, and what it is given is kept until it ends.
func TestAWorkloadsIdentity(t *testing.T) {
	workload(t)
	e := &entra{t: t, lifetime: 3600, want: map[string]string{
		"client_id": "client", "client_assertion": "of the cluster", "grant_type": "client_credentials",
		"scope": "https://storage.azure.com/.default openid offline_access profile",
	}}
	now := time.Now()
	tokens := azureauth.New(azureauth.Config{Scope: azureauth.Storage, Clock: func() time.Time { return now }, Transport: e})
	for range 2 {
		if token, err := tokens.Token(t.Context()); err != nil || token != "token 1" {
			t.Errorf("got %s, %v", token, err)
		}
	}
}

func TestAServicePrincipal(t *testing.T) {
	alone(t)
	t.Setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
	t.Setenv("AZURE_TENANT_ID", "tenant")
	t.Setenv("AZURE_CLIENT_ID", "client")
	t.Setenv("AZURE_CLIENT_SECRET", "secret")
	e := &entra{t: t, lifetime: 60, want: map[string]string{"client_id": "client", "client_secret": "secret"}}
	now := time.Now()
	tokens := azureauth.New(azureauth.Config{Scope: azureauth.Keys, Clock: func() time.Time { return now }, Transport: e})
	if token, err := tokens.Token(t.Context()); err != nil || token != "token 1" {
		t.Fatalf("got %s, %v", token, err)
	}
	// A token near its end is renewed, and used up where that does not work.
	e.refuse = `{"error":"temporarily_unavailable"}`
	if token, err := tokens.Token(t.Context()); err != nil || token != "token 1" {
		t.Errorf("got %s, %v", token, err)
	}
	now = now.Add(2 * time.Minute)
	if _, err := tokens.Token(t.Context()); slipway.KindOf(err) != slipway.Unavailable {
		t.Errorf("a token that ended: %v", err)
	}
	e.refuse = ""
	if token, err := tokens.Token(t.Context()); err != nil || token != "token 2" {
		t.Errorf("got %s, %v", token, err)
	}
}

const signIn = "sign in (`az login`), or name a service principal in AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET"

func TestCredentialsThatAreRefused(t *testing.T) {
	workload(t)
	e := &entra{t: t, refuse: `{"error":"invalid_client","error_description":"AADSTS70021: No matching federated identity record found."}`}
	tokens := azureauth.New(azureauth.Config{Scope: azureauth.Storage, Clock: time.Now, Transport: e})
	_, err := tokens.Token(t.Context())
	if err == nil || !strings.HasPrefix(err.Error(), "Entra ID refuses the credentials: ") || !strings.Contains(err.Error(), "AADSTS70021") ||
		strings.Contains(err.Error(), "---") || slipway.FixOf(err) != signIn {
		t.Errorf("got %v, fix %q", err, slipway.FixOf(err))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tokens.Token(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestNoCredentials(t *testing.T) {
	alone(t)
	t.Setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
	_, err := azureauth.New(azureauth.Config{Scope: azureauth.Storage, Clock: time.Now, Transport: &entra{t: t}}).Token(t.Context())
	if err == nil || slipway.KindOf(err) != slipway.Unavailable || !strings.HasPrefix(err.Error(), "there are no Azure credentials: ") || slipway.FixOf(err) != signIn {
		t.Errorf("got %v, fix %q", err, slipway.FixOf(err))
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("it spans lines: %v", err)
	}
}
