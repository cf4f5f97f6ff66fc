package sandbox

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway/sandbox/mask"
)

// passed are the variables of this process that a step may see: who it is, how it
// speaks, and how the network is reached.
//
//nolint:gochecknoglobals // immutable table
var passed = []string{
	"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TERM", "TMPDIR", "CI",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy",
	"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "PIP_CERT",
	"PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "UV_INDEX_URL", "UV_DEFAULT_INDEX",
	"npm_config_registry", "NPM_CONFIG_REGISTRY", "GOPROXY", "GOSUMDB", "GONOSUMDB", "GOFLAGS", "GOTOOLCHAIN",
	"JAVA_HOME",
}

// Environ returns what a step may have of this process's environment. Where
// isolation is wanted that is a short list of variables, and none with a password
// in its URL; else it is all of it.
func (s *Sandbox) Environ(environ []string) []string {
	if s.cfg.Isolation == None {
		return slices.Clone(environ)
	}
	var kept []string
	for _, entry := range environ {
		key, value, _ := strings.Cut(entry, "=")
		if (slices.Contains(passed, key) || strings.HasPrefix(key, "LC_")) && !hasPassword(value) {
			kept = append(kept, entry)
		}
	}
	return kept
}

// Hide returns what hides secrets in a text.
func Hide(secrets []string) func(string) string { return mask.New(secrets).Text }

// noNetwork is what programs say that cannot reach one.
var noNetwork = regexp.MustCompile(`Temporary failure in name resolution|Name or service not known|Network is unreachable|[Cc]ould not resolve host|` +
	`getaddrinfo|EAI_AGAIN|NewConnectionError|dial tcp|UnknownHostException|Failed to establish a new connection`)

// LacksNetwork reports whether a step that failed says that it could not reach the
// network.
func LacksNetwork(output string) bool { return noNetwork.MatchString(output) }

// hasPassword reports whether one of the URLs in a value says who somebody is.
func hasPassword(value string) bool {
	for word := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == ' ' || r == ',' || r == '|' }) {
		if !strings.Contains(word, "@") {
			continue
		}
		u, err := url.Parse(word)
		if err != nil || u.User != nil || !strings.Contains(word, "://") {
			return true
		}
	}
	return false
}
