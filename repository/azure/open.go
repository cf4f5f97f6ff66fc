package azure

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/repository/rest"
)

// Scheme is what addresses begin with.
const Scheme = "azblob"

// publicDomain is where accounts are if nothing else is said.
const publicDomain = "blob.core.windows.net"

// Config is what is not in an address. Of a SAS, a key and tokens the first that is
// there is used.
type Config struct {
	Account string // as AZURE_STORAGE_ACCOUNT names it; an address may name another
	SAS     string // a shared access signature; empty: none
	Key     string // the account's key, in base64; empty: none
	// Token gives what Entra ID knows a caller by.
	Token func(ctx context.Context) (string, error)
	Clock func() time.Time
	// Transport and Pause are those of rest.Client; nil: by the network and the clock.
	Transport http.RoundTripper
	Pause     func(ctx context.Context, d time.Duration) error
}

//nolint:gochecknoglobals // immutable
var (
	accountName = regexp.MustCompile(`^[a-z0-9]{3,24}$`)
	// microsofts are the domains of Microsoft's stores; in the last an account has a zone.
	microsofts = []string{".blob.core.windows.net", ".blob.core.chinacloudapi.cn", ".blob.core.usgovcloudapi.net", ".blob.storage.azure.net"}
)

// Open returns the repository at an address such as
// "azblob://container/prefix?storage_account=team". It asks nobody; whether the
// container can be reached shows at the first use.
//
// The options are storage_account; domain, for accounts that are not at
// blob.core.windows.net; and endpoint, the whole URL of an account, for an emulator or
// a private address. Tokens and shared access signatures go to Microsoft's own
// domains alone, and only with TLS; a key is never sent, only signed with.
func Open(address string, c Config) (*rest.Repository, error) {
	a, err := repository.ParseAddress(address, Scheme, "container", "azblob://container/prefix?storage_account=NAME")
	if err != nil {
		return nil, err
	}
	s := &store{container: a.Host}
	account, err := s.locate(a.Options, c.Account)
	if err != nil {
		return nil, a.Wrong(err)
	}
	s.client = &rest.Client{Transport: c.Transport, Pause: c.Pause, Refused: func(d rest.Deed, status int, h http.Header, body []byte) *rest.Refusal {
		return s.refused(d, status, h, body, account)
	}}
	if err := s.authorize(c, account); err != nil {
		return nil, err
	}
	return rest.New(s, Scheme+"://"+a.Host, a.Prefix), nil
}

// locate finds out where the account is, and what it is called.
func (s *store) locate(q url.Values, account string) (string, error) {
	account = cmp.Or(q.Get("storage_account"), account)
	s.endpoint = "https://" + account + "." + cmp.Or(q.Get("domain"), publicDomain)
	for name := range q {
		if name != "storage_account" && name != "domain" && name != "endpoint" {
			return "", fmt.Errorf("unknown query parameter %q", name)
		}
	}
	if endpoint := q.Get("endpoint"); endpoint != "" {
		u, err := url.Parse(endpoint)
		if err != nil || u.Host == "" {
			return "", fmt.Errorf("endpoint is no URL: %q", endpoint)
		}
		s.endpoint = strings.TrimSuffix(endpoint, "/")
	}
	if account == "" {
		return "", errors.New("it names no account, and neither does AZURE_STORAGE_ACCOUNT")
	}
	if !accountName.MatchString(account) {
		return "", fmt.Errorf("%q is no name of an account", account)
	}
	return account, nil
}

// authorize chooses what makes requests somebody's.
func (s *store) authorize(c Config, account string) error {
	switch {
	case c.SAS != "":
		sas, err := url.ParseQuery(strings.TrimPrefix(c.SAS, "?"))
		if err != nil {
			return slipway.Errorf(slipway.Invalid, "AZURE_STORAGE_SAS_TOKEN is no shared access signature")
		}
		if isMicrosoft(s.endpoint) {
			s.sas = sas
		}
	case c.Key != "":
		key, err := base64.StdEncoding.DecodeString(c.Key)
		if err != nil {
			return slipway.Errorf(slipway.Invalid, "AZURE_STORAGE_KEY is no key of an account: it is not in base64")
		}
		s.client.Authorize = sharedKey(account, key, c.Clock)
	case isMicrosoft(s.endpoint):
		s.client.Authorize = rest.Bearer(c.Token)
	}
	return nil
}

// isMicrosoft says whether an endpoint is one of Microsoft's. Whoever else gets a
// token can do with it what its owner can.
func isMicrosoft(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "https" {
		return false
	}
	for _, domain := range microsofts {
		if strings.HasSuffix(u.Hostname(), domain) {
			return true
		}
	}
	return false
}
