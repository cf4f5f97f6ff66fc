// Package gitlab is GitLab as a forge: gitlab.com, or one that somebody runs.
//
// Start with [New]. It asks the REST API, and by GraphQL what would else take a call
// for each merge request. What we found is shown as commit statuses, one note that is
// kept up to date, and a label.
package gitlab

import (
	"cmp"
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

// A Config says which GitLab, as whom, and which of its projects.
type Config struct {
	URL          string            // of the server; empty: https://gitlab.com
	Token        string            // of a user, a group or a project, with the scope api
	Secret       string            // of the webhooks: secret token or signing token; empty: none are believed
	Repositories []string          // acme/traffic, or acme/* for all of a group's and its subgroups'; empty: all that the token's user is a member of
	Transport    http.RoundTripper // nil: http.DefaultTransport
	Meter        forge.Meter       // what all who have the token know of its limits; nil: one of its own
	Clock        func() time.Time
	Log          *slog.Logger
}

// A Forge is a GitLab. Its methods may be called at the same time.
type Forge struct {
	config  Config
	base    string // of the server, without a slash at its end
	host    string // for people
	client  *http.Client
	account *forge.Account

	mu   sync.Mutex
	self forge.Self // once it is known
}

var (
	_ forge.Forge     = (*Forge)(nil)
	_ forge.Requests  = (*Forge)(nil)
	_ forge.Publisher = (*Forge)(nil)
	_ forge.Listener  = (*Forge)(nil)
	_ forge.Directory = (*Forge)(nil)
	_ forge.Budgeted  = (*Forge)(nil)
)

// New checks the configuration. It asks the server nothing.
func New(config Config) (*Forge, error) {
	if config.Clock == nil || config.Log == nil {
		return nil, errors.New("gitlab: a clock and a logger are needed")
	}
	address := strings.TrimSuffix(cmp.Or(config.URL, "https://gitlab.com"), "/")
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" {
		if err == nil {
			address = u.Redacted()
		}
		return nil, slipway.Errorf(slipway.Invalid, "%q is not the URL of a GitLab", address).
			WithFix("write it as in the browser, such as https://gitlab.example.com")
	}
	if config.Token == "" {
		return nil, slipway.Errorf(slipway.Invalid, "%s is set up without a token", u.Host).
			WithFix("make one for a user of Slipway's own, with the scope api (docs/forges.md)")
	}
	for _, pattern := range config.Repositories {
		if !validProject(strings.TrimSuffix(pattern, "/*")+"/x") || !strings.Contains(pattern, "/") {
			return nil, slipway.Errorf(slipway.Invalid, "%q is no project of GitLab", pattern).
				WithFix("write GROUP/NAME, or GROUP/* for all of a group's and its subgroups'")
		}
	}
	f := &Forge{config: config, base: u.String(), host: u.Host}
	f.account = forge.NewAccount(forge.AccountKey(f.base, config.Token), config.Meter, config.Clock)
	f.client = &http.Client{Transport: config.Transport}
	return f, nil
}

var (
	pathPart  = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
	loginName = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)
)

// validPath says whether each part of a path can be the name of a group or project.
func validPath(path string) bool {
	for part := range strings.SplitSeq(path, "/") {
		if !pathPart.MatchString(part) || strings.HasSuffix(part, ".git") {
			return false
		}
	}
	return true
}

// validProject says whether a path can be that of a project, which lies in a group or
// belongs to a user.
func validProject(path string) bool { return strings.Contains(path, "/") && validPath(path) }

// pathOf checks a project's name, so that it cannot lead to another call, and returns
// its path in the API.
func pathOf(repository string) (string, error) {
	if !validProject(repository) {
		return "", slipway.Errorf(slipway.Invalid, "%q is no project of GitLab", repository).WithFix("write GROUP/NAME")
	}
	return "/projects/" + url.PathEscape(repository), nil
}

// wanted says whether a project is one that this forge was set up for.
func (f *Forge) wanted(repository string) bool {
	if len(f.config.Repositories) == 0 {
		return true
	}
	for _, pattern := range f.config.Repositories {
		group, all := strings.CutSuffix(pattern, "/*")
		if strings.EqualFold(pattern, repository) || all && len(repository) > len(group) && strings.EqualFold(repository[:len(group)+1], group+"/") {
			return true
		}
	}
	return false
}
