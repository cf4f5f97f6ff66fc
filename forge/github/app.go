package github

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/google/go-github/v84/github"

	"github.com/slipway-cd/slipway"
)

// An appKey signs for an app.
type appKey struct {
	id    string
	key   *rsa.PrivateKey
	clock func() time.Time
}

func readKey(app App, clock func() time.Time) (*appKey, error) {
	bad := slipway.Errorf(slipway.Invalid, "the private key of the GitHub App %s cannot be read", app.ID).
		WithFix("give the .pem file that GitHub made for the app: its settings, Private keys, Generate a private key")
	block, _ := pem.Decode(app.Key)
	if block == nil || app.ID == "" {
		return nil, bad
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return &appKey{app.ID, key, clock}, nil
	}
	any, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, bad
	}
	key, ok := any.(*rsa.PrivateKey)
	if !ok {
		return nil, bad
	}
	return &appKey{app.ID, key, clock}, nil
}

// bearer says in a JSON web token that we are the app. GitHub takes one for ten
// minutes at most, and none from the future: its clock may be behind ours.
func (k *appKey) bearer(context.Context) (string, error) {
	now := k.clock()
	claims, err := json.Marshal(map[string]any{"iat": now.Add(-time.Minute).Unix(), "exp": now.Add(8 * time.Minute).Unix(), "iss": k.id})
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encode(claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, k.key, crypto.SHA256, sum[:])
	if err != nil {
		return "", err
	}
	return "Bearer " + text + "." + encode(signature), nil
}

// An installation fetches tokens for where the app is installed.
type installation struct {
	forge *Forge
	id    int64
	owner string

	mu      sync.Mutex
	token   string
	expires time.Time
	checks  bool // it may write check runs
}

// renewBefore is how long before its end a token is replaced, so that none ends
// while a request is on its way.
const renewBefore = 5 * time.Minute

func (i *installation) authorization(ctx context.Context) (string, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.token != "" && i.forge.config.Clock().Before(i.expires.Add(-renewBefore)) {
		return "Bearer " + i.token, nil
	}
	token, _, err := i.forge.single.rest.Apps.CreateInstallationToken(ctx, i.id, nil)
	if err != nil {
		i.forge.lose(i.owner)
		return "", i.forge.single.explain(ask{"sign in as the app where it is installed", i.owner}, err)
	}
	i.token, i.expires = token.GetToken(), token.GetExpiresAt().Time
	i.checks = token.GetPermissions().GetChecks() == "write"
	return "Bearer " + i.token, nil
}

// forget drops a token that GitHub no longer takes.
func (i *installation) forget() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.token = ""
}

// session returns who to be towards a repository or, with an empty name, an
// organization.
func (f *Forge) session(ctx context.Context, owner, name string) (*session, error) {
	if f.app == nil {
		return f.single, nil
	}
	f.mu.Lock()
	s := f.installed[strings.ToLower(owner)]
	f.mu.Unlock()
	if s != nil {
		return s, nil
	}
	var found *github.Installation
	var err error
	if name == "" {
		found, _, err = f.single.rest.Apps.FindOrganizationInstallation(ctx, owner)
	} else {
		found, _, err = f.single.rest.Apps.FindRepositoryInstallation(ctx, owner, name)
	}
	if err != nil {
		return nil, f.single.explain(ask{"find the app's installation", strings.TrimSuffix(owner+"/"+name, "/")}, err)
	}
	return f.keep(owner, found.GetID()), nil
}

// keep remembers an installation.
func (f *Forge) keep(owner string, id int64) *session {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s := f.installed[strings.ToLower(owner)]; s != nil && s.installation.id == id {
		return s
	}
	i := &installation{forge: f, id: id, owner: owner}
	s := f.newSession(fmt.Sprintf("app %s installation %d", f.app.id, id), i.authorization)
	s.installation = i
	f.installed[strings.ToLower(owner)] = s
	return s
}

// lose forgets where the app is installed, so that it is looked up again.
func (f *Forge) lose(owner string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.installed, strings.ToLower(owner))
}

func mustParse(address string) *url.URL {
	u, err := url.Parse(address)
	if err != nil {
		panic(err) // it was put together of one that was parsed
	}
	return u
}
