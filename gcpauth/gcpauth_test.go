package gcpauth_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/gcpauth"
)

// credentials makes a file the one that credentials are in, on a machine that has no
// others.
func credentials(t *testing.T, content map[string]any) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "credentials.json")
	data, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file)
}

func wantError(t *testing.T, err error, want, fix string) {
	t.Helper()
	if err == nil || slipway.KindOf(err) != slipway.Unavailable || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v (%s), want %s", err, slipway.KindOf(err), want)
	}
	if got := slipway.FixOf(err); got != fix {
		t.Errorf("got the fix %q", got)
	}
}

const signIn = "sign in (`gcloud auth application-default login`), or name a file with credentials in GOOGLE_APPLICATION_CREDENTIALS"

// A service account's key signs for itself.
func TestAServiceAccount(t *testing.T) {
	asked := 0
	google := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if kind := r.FormValue("grant_type"); kind != "urn:ietf:params:oauth:grant-type:jwt-bearer" || strings.Count(r.FormValue("assertion"), ".") != 2 {
			t.Errorf("asked for %s", kind)
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"access_token":"of the account","token_type":"Bearer","expires_in":3600}`)
	}))
	t.Cleanup(google.Close)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	credentials(t, map[string]any{
		"type": "service_account", "client_email": "ci@team.iam.gserviceaccount.com", "token_uri": google.URL,
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	tokens := gcpauth.New(gcpauth.Storage)
	for range 2 {
		if token, err := tokens.Token(t.Context()); err != nil || token != "of the account" {
			t.Errorf("got %s, %v", token, err)
		}
	}
	if asked != 1 {
		t.Errorf("Google was asked %d times", asked)
	}
}

// A workload of somebody else's, such as a GitHub workflow, exchanges its own token.
func TestAWorkloadsIdentity(t *testing.T) {
	google := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.FormValue("subject_token"); got != "of the workflow" {
			t.Errorf("the token is %s", got)
		}
		if got := r.FormValue("scope"); got != gcpauth.Storage {
			t.Errorf("the scope is %s", got)
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"access_token":"exchanged","issued_token_type":"urn:ietf:params:oauth:token-type:access_token","token_type":"Bearer","expires_in":3600}`)
	}))
	t.Cleanup(google.Close)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("of the workflow"), 0o600); err != nil {
		t.Fatal(err)
	}
	credentials(t, map[string]any{
		"type": "external_account", "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/github",
		"subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": google.URL + "/v1/token",
		"credential_source": map[string]any{"file": file},
	})
	if token, err := gcpauth.New(gcpauth.Storage).Token(t.Context()); err != nil || token != "exchanged" {
		t.Errorf("got %s, %v", token, err)
	}
}

func TestASignInThatEnded(t *testing.T) {
	said := `{"error":"invalid_grant","error_description":"Token has been expired or revoked."}`
	google := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, said, http.StatusBadRequest) }))
	t.Cleanup(google.Close)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	credentials(t, map[string]any{
		"type": "service_account", "client_email": "ci@team.iam.gserviceaccount.com", "token_uri": google.URL,
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})),
	})
	tokens := gcpauth.New(gcpauth.Storage)
	_, err = tokens.Token(t.Context())
	wantError(t, err, "Google refuses the credentials: Token has been expired or revoked. (invalid_grant)", signIn+" anew")
	said = "no"
	_, err = tokens.Token(t.Context())
	wantError(t, err, "Google refuses the credentials: 400 Bad Request", signIn+" anew")
}

func TestCredentialsThatAreNone(t *testing.T) {
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(t.TempDir(), "none.json"))
	_, err := gcpauth.New(gcpauth.Storage).Token(t.Context())
	wantError(t, err, "the Google Cloud credentials cannot be used: google: error getting credentials using GOOGLE_APPLICATION_CREDENTIALS environment variable: open ", signIn)
	credentials(t, map[string]any{"type": "riddle"})
	_, err = gcpauth.New(gcpauth.Storage).Token(t.Context())
	wantError(t, err, "the Google Cloud credentials cannot be used: google: ", signIn)

	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
	t.Setenv("HOME", t.TempDir())
	if _, err = gcpauth.New(gcpauth.Storage).Token(t.Context()); err != nil { // on a machine of Google's there is one
		wantError(t, err, "there are no Google Cloud credentials", signIn)
	}
}
