// Package gcpauth is where credentials for Google Cloud come from: where Google's own
// tools find them. Start at New.
package gcpauth

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"github.com/slipway-cd/slipway"
)

// Scopes of tokens.
const (
	Storage = "https://www.googleapis.com/auth/devstorage.read_write"
	Keys    = "https://www.googleapis.com/auth/cloudkms"
)

// patience is how long Google may take to answer for credentials.
const patience = time.Minute

// Tokens are what Google knows a caller by, from the application default credentials:
// a file that GOOGLE_APPLICATION_CREDENTIALS names, be it a key or the description of
// another identity, such as a GitHub workflow's; the sign-in of `gcloud auth
// application-default login`; the service account of the machine. They are looked for
// at the first use, renewed before they end, and kept in memory alone.
type Tokens struct {
	scope string

	mu     sync.Mutex
	source oauth2.TokenSource // once found it stays
}

// New returns tokens for a scope.
func New(scope string) *Tokens { return &Tokens{scope: scope} }

// Token returns one that is good for a while.
func (t *Tokens) Token(ctx context.Context) (string, error) {
	if err := t.find(ctx); err != nil {
		return "", err
	}
	token, err := t.source.Token()
	if err != nil {
		return "", explain(err)
	}
	return token.AccessToken, nil
}

// find looks for the credentials once they are needed.
func (t *Tokens) find(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.source != nil {
		return nil
	}
	// It renews them later on, when this call has long ended.
	ctx = context.WithValue(context.WithoutCancel(ctx), oauth2.HTTPClient, &http.Client{Timeout: patience})
	found, err := google.FindDefaultCredentials(ctx, t.scope)
	if err != nil {
		return explain(err)
	}
	t.source = found.TokenSource
	return nil
}

const signIn = "sign in (`gcloud auth application-default login`), or name a file with credentials in GOOGLE_APPLICATION_CREDENTIALS"

// explain says what is wrong with the credentials, and the way out.
func explain(err error) error {
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return slipway.Errorf(slipway.Unavailable, "Google refuses the credentials: %s", said(refused)).WithFix(signIn + " anew")
	}
	if strings.Contains(err.Error(), "could not find default credentials") {
		return slipway.Errorf(slipway.Unavailable, "there are no Google Cloud credentials").WithFix(signIn)
	}
	return slipway.Errorf(slipway.Unavailable, "the Google Cloud credentials cannot be used: %w", err).WithFix(signIn)
}

// said are Google's own words. For a key of a service account the library does not
// read them.
func said(refused *oauth2.RetrieveError) string {
	answer := struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{refused.ErrorCode, refused.ErrorDescription}
	if answer.Error == "" && (json.Unmarshal(refused.Body, &answer) != nil || answer.Error == "") {
		return refused.Response.Status
	}
	return strings.TrimPrefix(answer.Description+" ("+answer.Error+")", " ")
}
