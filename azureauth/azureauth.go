// Package azureauth is where credentials for Azure come from: where Microsoft's own
// tools find them. Start at New.
package azureauth

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/slipway-cd/slipway"
)

// Scopes of tokens.
const (
	Storage = "https://storage.azure.com/.default"
	Keys    = "https://vault.azure.net/.default"
)

// early is how long before its end a token is renewed.
const early = 5 * time.Minute

// Config is what tokens need.
type Config struct {
	Scope string
	Clock func() time.Time
	// Transport goes to Entra ID; nil: by the network.
	Transport http.RoundTripper
}

// Tokens are what Azure knows a caller by: a service principal in AZURE_CLIENT_ID and
// its like; the identity of a workload, with the token in AZURE_FEDERATED_TOKEN_FILE;
// the identity of the machine; the sign-in of `az login` or `azd auth login`. They are
// looked for at the first use, renewed before they end, and kept in memory alone.
type Tokens struct {
	config Config

	mu     sync.Mutex
	source azcore.TokenCredential
	token  azcore.AccessToken
}

// New returns tokens.
func New(c Config) *Tokens { return &Tokens{config: c} }

// Token returns one that is good for a while.
func (t *Tokens) Token(ctx context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.config.Clock()
	if t.token.Token != "" && now.Before(t.token.ExpiresOn.Add(-early)) && (t.token.RefreshOn.IsZero() || now.Before(t.token.RefreshOn)) {
		return t.token.Token, nil
	}
	if err := t.find(); err != nil {
		return "", explain(err)
	}
	token, err := t.source.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{t.config.Scope}})
	switch {
	case err == nil:
		t.token = token
	case ctx.Err() != nil:
		return "", ctx.Err()
	case t.token.Token != "" && now.Before(t.token.ExpiresOn): // not yet at its end
	default:
		return "", explain(err)
	}
	return t.token.Token, nil
}

func (t *Tokens) find() error {
	if t.source != nil {
		return nil
	}
	options := &azidentity.DefaultAzureCredentialOptions{}
	if t.config.Transport != nil {
		options.Transport = &http.Client{Transport: t.config.Transport}
	}
	found, err := azidentity.NewDefaultAzureCredential(options)
	if err == nil {
		t.source = found
	}
	return err
}

const signIn = "sign in (`az login`), or name a service principal in AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET"

// explain says what is wrong with the credentials, and the way out.
func explain(err error) error {
	if _, refused := errors.AsType[*azidentity.AuthenticationFailedError](err); refused {
		return slipway.Errorf(slipway.Unavailable, "Entra ID refuses the credentials: %s", said(err)).WithFix(signIn)
	}
	return slipway.Errorf(slipway.Unavailable, "there are no Azure credentials: %s", said(err)).WithFix(signIn)
}

// said takes the library's lines together that say something.
func said(err error) string {
	var said []string
	for line := range strings.Lines(err.Error()) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "---") && !strings.HasPrefix(line, "To troubleshoot") && !strings.HasPrefix(line, "Attempted credentials") {
			said = append(said, strings.TrimPrefix(line, "DefaultAzureCredential: "))
		}
	}
	return strings.Join(said, " ")
}
