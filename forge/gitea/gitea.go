// Package gitea is Gitea or Forgejo as a forge.
//
// Start with [New]. It asks the REST API that both have, with a token. They know
// neither conditional requests nor check runs: what has not changed is found by its
// digest, and what we found is shown as commit statuses.
package gitea

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
)

// A Config says which Gitea, as whom, and which of its repositories.
type Config struct {
	URL          string            // of the server, such as https://codeberg.org
	Token        string            // of a user who is an administrator of the repositories
	Secret       string            // of the webhooks; empty: none are believed
	Repositories []string          // acme/traffic, or acme/* for all of an owner's; empty: all that the user can reach
	Transport    http.RoundTripper // nil: http.DefaultTransport
	Meter        forge.Meter       // what all who have the token know of its limits; nil: one of its own
	Clock        func() time.Time
	Log          *slog.Logger
}

// A Forge is a Gitea or Forgejo. Its methods may be called at the same time.
type Forge struct {
	config  Config
	base    string // of the server, without a slash at its end
	host    string // for people
	client  *http.Client
	account *forge.Account

	mu      sync.Mutex
	commits map[string]string // commit that an annotated tag's object stands for; it never changes
	self    forge.Self        // once it is known
}

var (
	_ forge.Forge     = (*Forge)(nil)
	_ forge.Requests  = (*Forge)(nil)
	_ forge.Publisher = (*Forge)(nil)
	_ forge.Listener  = (*Forge)(nil)
	_ forge.Directory = (*Forge)(nil)
)

// New checks the configuration. It asks the server nothing.
func New(config Config) (*Forge, error) {
	if config.Clock == nil || config.Log == nil {
		return nil, errors.New("gitea: a clock and a logger are needed")
	}
	u, err := url.Parse(strings.TrimSuffix(config.URL, "/"))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" {
		return nil, slipway.Errorf(slipway.Invalid, "%q is not the URL of a Gitea or Forgejo", config.URL).
			WithFix("write it as in the browser, such as https://codeberg.org")
	}
	if config.Token == "" {
		return nil, slipway.Errorf(slipway.Invalid, "%s is set up without a token", u.Host).
			WithFix("make one at Gitea for a user of Slipway's own: Settings, Applications (docs/forges.md)")
	}
	for _, pattern := range config.Repositories {
		if !repositoryPattern.MatchString(pattern) {
			return nil, slipway.Errorf(slipway.Invalid, "%q is no repository of Gitea", pattern).
				WithFix("write OWNER/NAME, or OWNER/* for all of an owner's")
		}
	}
	client := &http.Client{Transport: config.Transport}
	account := forge.NewAccount(forge.AccountKey(u.String(), config.Token), config.Meter, config.Clock)
	return &Forge{config: config, base: u.String(), host: u.Host, client: client, account: account, commits: map[string]string{}}, nil
}

var (
	repositoryName    = regexp.MustCompile(`^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$`)
	repositoryPattern = regexp.MustCompile(`^[A-Za-z0-9_.-]+/([A-Za-z0-9_.-]+|\*)$`)
	loginName         = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)
)

// pathOf checks a repository's name, so that it cannot lead to another call, and
// returns its path in the API.
func pathOf(repository string) (string, error) {
	owner, name, _ := strings.Cut(repository, "/")
	if !repositoryName.MatchString(repository) || strings.Trim(owner, ".") == "" || strings.Trim(name, ".") == "" {
		return "", slipway.Errorf(slipway.Invalid, "%q is no repository of Gitea", repository).WithFix("write OWNER/NAME")
	}
	return "/repos/" + repository, nil
}

// wanted says whether a repository is one that this forge was set up for.
func (f *Forge) wanted(repository string) bool {
	if len(f.config.Repositories) == 0 {
		return true
	}
	owner, _, _ := strings.Cut(repository, "/")
	for _, pattern := range f.config.Repositories {
		if strings.EqualFold(pattern, repository) || strings.EqualFold(pattern, owner+"/*") {
			return true
		}
	}
	return false
}
