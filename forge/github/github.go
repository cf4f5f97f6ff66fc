// Package github is GitHub as a forge: github.com, GitHub Enterprise Server and
// GitHub Enterprise Cloud with data residency.
//
// Start with [New]. It signs in as a GitHub App, which can show check runs with
// annotations, or with a token, which can show commit statuses only. REST is asked
// with conditional requests, which cost nothing while nothing has changed; pull
// requests are read by GraphQL, a hundred of them at once. Package githubtest is a
// GitHub for tests.
package github

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

// A Config says which GitHub, as whom, and which of its repositories.
type Config struct {
	URL          string            // of GitHub; empty: https://github.com
	Token        string            // of a person or a machine; or else App
	App          *App              // who can show check runs
	Secret       string            // of the webhooks; empty: none are believed
	Repositories []string          // acme/traffic, or acme/* for all of an owner's; empty: all that can be reached
	Transport    http.RoundTripper // nil: http.DefaultTransport
	Meter        forge.Meter       // what all who sign in as the same know of the limits; nil: one of its own
	Clock        func() time.Time
	Log          *slog.Logger
}

// An App is a GitHub App that is installed where the repositories are.
type App struct {
	ID  string // its app ID or its client ID
	Key []byte // its private key, in PEM
}

// A Forge is GitHub. Its methods may be called at the same time.
type Forge struct {
	config Config
	site   site
	app    *appKey  // nil: a token
	single *session // of the token, or of the app itself

	mu        sync.Mutex
	installed map[string]*session // by owner, in lower case
	commits   map[string]string   // commit that an annotated tag's object stands for; it never changes
	names     forge.Self          // once it is known
}

var (
	_ forge.Forge     = (*Forge)(nil)
	_ forge.Requests  = (*Forge)(nil)
	_ forge.Publisher = (*Forge)(nil)
	_ forge.Listener  = (*Forge)(nil)
	_ forge.Directory = (*Forge)(nil)
	_ forge.Budgeted  = (*Forge)(nil)
)

// New checks the configuration. It asks GitHub nothing.
func New(config Config) (*Forge, error) {
	if config.Clock == nil || config.Log == nil {
		return nil, errors.New("github: a clock and a logger are needed")
	}
	if config.Transport == nil {
		config.Transport = http.DefaultTransport
	}
	where, err := siteOf(config.URL)
	if err != nil {
		return nil, err
	}
	for _, pattern := range config.Repositories {
		if !repositoryPattern.MatchString(pattern) {
			return nil, slipway.Errorf(slipway.Invalid, "%q is no repository of GitHub", pattern).
				WithFix("write OWNER/NAME, or OWNER/* for all of an owner's")
		}
	}
	f := &Forge{config: config, site: where, installed: map[string]*session{}, commits: map[string]string{}}
	switch {
	case config.Token != "" && config.App != nil:
		return nil, slipway.Errorf(slipway.Invalid, "GitHub is set up with a token and with an app").WithFix("keep the app, which can do more")
	case config.App != nil:
		if f.app, err = readKey(*config.App, config.Clock); err != nil {
			return nil, err
		}
		f.single = f.newSession("app "+f.app.id, f.app.bearer)
	case config.Token != "":
		f.single = f.newSession("token "+config.Token, always("Bearer "+config.Token))
	default:
		return nil, slipway.Errorf(slipway.Invalid, "GitHub is set up with neither a token nor an app").
			WithFix("make a GitHub App and give its ID and private key, or a fine-grained token: docs/forges.md")
	}
	return f, nil
}

// A site is where a GitHub is.
type site struct {
	host    string // for people
	pages   string // https://github.com
	rest    string // ends in a slash
	graphql string
}

// siteOf works out the addresses of the API, as GitHub documents them for each of
// its kinds.
func siteOf(address string) (site, error) {
	if address == "" {
		address = "https://github.com"
	}
	u, err := url.Parse(strings.TrimSuffix(address, "/"))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.Path != "" || u.User != nil {
		return site{}, slipway.Errorf(slipway.Invalid, "%q is not the URL of a GitHub", address).
			WithFix("write https:// and its host, such as https://github.com or https://github.example.com")
	}
	s := site{host: u.Host, pages: u.String()}
	if u.Host == "github.com" || strings.HasSuffix(u.Host, ".ghe.com") {
		s.rest = "https://api." + u.Host + "/"
		s.graphql = s.rest + "graphql"
		return s, nil
	}
	s.rest = u.String() + "/api/v3/"
	s.graphql = u.String() + "/api/graphql"
	return s, nil
}

var (
	repositoryName    = regexp.MustCompile(`^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$`)
	repositoryPattern = regexp.MustCompile(`^[A-Za-z0-9_.-]+/([A-Za-z0-9_.-]+|\*)$`)
	loginName         = regexp.MustCompile(`^[A-Za-z0-9_-]+(\[bot\])?$`)
)

// split checks a repository's name, so that it cannot lead to another call.
func split(repository string) (owner, name string, err error) {
	owner, name, _ = strings.Cut(repository, "/")
	if !repositoryName.MatchString(repository) || strings.Trim(owner, ".") == "" || strings.Trim(name, ".") == "" {
		return "", "", slipway.Errorf(slipway.Invalid, "%q is no repository of GitHub", repository).WithFix("write OWNER/NAME")
	}
	return owner, name, nil
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
