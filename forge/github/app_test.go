package github_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge/forgetest"
	"github.com/slipway-cd/slipway/forge/github"
	"github.com/slipway-cd/slipway/forge/github/githubtest"
)

func tokens(server *githubtest.Server) int {
	count := 0
	for _, call := range server.Requests {
		if strings.HasSuffix(call, "/access_tokens") {
			count++
		}
	}
	return count
}

// A token of an installation is fetched once, and again before it ends.
func TestInstallationTokensAreKeptUntilShortlyBeforeTheirEnd(t *testing.T) {
	server, clock := githubtest.Start(t), newNoon()
	server.Now = clock.now
	f := open(t, config(server, withApp))
	for _, tt := range []struct {
		after time.Duration
		want  int
	}{{0, 1}, {54 * time.Minute, 1}, {56 * time.Minute, 2}, {100 * time.Minute, 2}, {3 * time.Hour, 3}} {
		clock.at = newNoon().at.Add(tt.after)
		if _, err := f.Refs(t.Context(), repository, ""); err != nil {
			t.Fatal(err)
		}
		if got := tokens(server); got != tt.want {
			t.Errorf("after %s it has asked for %d tokens, want %d", tt.after, got, tt.want)
		}
	}
}

// GitHub may take a token back; the next call has a new one.
func TestRevokedInstallationToken(t *testing.T) {
	server := githubtest.Start(t)
	f := open(t, config(server, withApp))
	if _, err := f.Refs(t.Context(), repository, ""); err != nil {
		t.Fatal(err)
	}
	server.Revoke()
	_, err := f.Refs(t.Context(), repository, "")
	wantError(t, err, slipway.Denied, strings.TrimPrefix(server.URL, "http://")+" does not know the app: Bad credentials",
		"nothing if it happens once: a new token is fetched. Otherwise see that the app is still installed, and not suspended")
	if _, err := f.Refs(t.Context(), repository, ""); err != nil {
		t.Errorf("after that: %v", err)
	}
}

func TestRemoteHasTheTokenInAHeader(t *testing.T) {
	server := githubtest.Start(t)
	got, err := open(t, config(server, withToken)).Remote(t.Context(), repository)
	if err != nil {
		t.Fatal(err)
	}
	basic, ok := strings.CutPrefix(got.Header, "Authorization: Basic ")
	secret, err := base64.StdEncoding.DecodeString(basic)
	if !ok || err != nil || string(secret) != "x-access-token:"+githubtest.Token || got.URL != server.URL+"/acme/traffic.git" {
		t.Errorf("Remote is %+v: %s, %v", got, secret, err)
	}
}

func TestNewErrors(t *testing.T) {
	server := githubtest.Start(t)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(ed)
	if err != nil {
		t.Fatal(err)
	}
	const keyFix = "give the .pem file that GitHub made for the app: its settings, Private keys, Generate a private key"
	for name, tt := range map[string]struct {
		change       func(*github.Config)
		message, fix string
	}{
		"nobody": {
			func(c *github.Config) { c.Token = "" }, "GitHub is set up with neither a token nor an app",
			"make a GitHub App and give its ID and private key, or a fine-grained token: docs/forges.md",
		},
		"both": {func(c *github.Config) { c.App = &github.App{ID: "1", Key: server.Key} }, "GitHub is set up with a token and with an app", "keep the app, which can do more"},
		"a key that is none": {
			func(c *github.Config) { c.Token, c.App = "", &github.App{ID: "1", Key: []byte("secret")} },
			"the private key of the GitHub App 1 cannot be read", keyFix,
		},
		"a key of another kind": {
			func(c *github.Config) {
				c.Token, c.App = "", &github.App{ID: "1", Key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})}
			}, "the private key of the GitHub App 1 cannot be read", keyFix,
		},
		"a URL that is none": {
			func(c *github.Config) { c.URL = "github.com/acme" }, `"github.com/acme" is not the URL of a GitHub`,
			"write https:// and its host, such as https://github.com or https://github.example.com",
		},
		"a repository that is none": {
			func(c *github.Config) { c.Repositories = []string{"traffic"} }, `"traffic" is no repository of GitHub`,
			"write OWNER/NAME, or OWNER/* for all of an owner's",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := config(server, withToken)
			tt.change(&c)
			_, err := github.New(c)
			wantError(t, err, slipway.Invalid, tt.message, tt.fix)
		})
	}
}

// Each kind of GitHub has its API elsewhere.
func TestAddressesOfTheAPI(t *testing.T) {
	for address, want := range map[string]string{
		"":                           "https://api.github.com/user/repos https://api.github.com/graphql",
		"https://github.com/":        "https://api.github.com/user/repos https://api.github.com/graphql",
		"https://octocorp.ghe.com":   "https://api.octocorp.ghe.com/user/repos https://api.octocorp.ghe.com/graphql",
		"https://github.example.com": "https://github.example.com/api/v3/user/repos https://github.example.com/api/graphql",
	} {
		var asked []string
		c := config(&githubtest.Server{Now: newNoon().now}, withToken)
		c.URL = address
		c.Transport = &forgetest.Transport{Before: func(req *http.Request) (*http.Response, error) {
			asked = append(asked, req.URL.Scheme+"://"+req.URL.Host+req.URL.Path)
			return jsonAnswer(req, `{"data": {"viewer": {"login": "robot"}}}`), nil
		}}
		f := open(t, c)
		_, _ = f.Repositories(t.Context()) // where it asks is all that counts
		if _, err := f.Self(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(asked, " "); got != want {
			t.Errorf("%q asks %s, want %s", address, got, want)
		}
	}
}

func jsonAnswer(req *http.Request, body string) *http.Response {
	return &http.Response{
		StatusCode: http.StatusOK, Request: req, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewBufferString(body)),
	}
}
