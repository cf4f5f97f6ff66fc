// Package signin says who sends a request to the server: somebody with a token, with
// a session in a browser, or a machine with a token of its own provider. People sign
// in by OpenID Connect (authorization code with PKCE), and hand a token of theirs to
// their command line.
//
// Start at New; Door is what the server asks, and Routes are its pages. Login is the
// other end, on the command line.
package signin

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/store"
)

// Config is what a door gets from outside.
type Config struct {
	Store   *store.Store
	Rules   func() (access.Rules, error)                     // as the platform file says now
	Teams   func(context.Context) (map[string]string, error) // the teams that own apps, by app; nil: none are known
	URL     string                                           // of the server, as people reach it
	Secrets func(ctx context.Context, ref string) (string, error)
	HTTP    *http.Client // to identity providers; nil: the usual one
	Clock   func() time.Time
	Log     *slog.Logger
}

// A Door recognizes those who come, and keeps out those who may not.
type Door struct {
	Config
	cross *http.CrossOriginProtection

	mu        sync.Mutex
	providers map[string]*oidc.Provider // by issuer
	second    int64                     // in which written were written down
	written   int
	others    int // that were not
}

// New makes a door.
func New(c Config) *Door {
	return &Door{Config: c, cross: http.NewCrossOriginProtection(), providers: map[string]*oidc.Provider{}}
}

// Policy is who may do what now.
func (d *Door) Policy(ctx context.Context) (access.Policy, error) {
	rules, err := d.Rules()
	if err != nil {
		return access.Policy{}, err
	}
	now := d.Clock()
	handed, err := d.Store.Delegations(ctx, now)
	return access.Policy{Rules: rules, Delegations: handed, Now: now}, err
}

// May says whether somebody may do something; a no is of kind Denied, and recorded.
func (d *Door) May(ctx context.Context, who access.Identity, do access.Action, on access.Object) error {
	p, err := d.Policy(ctx)
	if err != nil {
		return err
	}
	decision := p.May(who, do, on)
	if !decision.Allowed {
		d.refused(ctx, access.Refusal{Who: who.String(), Do: do, On: on.String(), Why: decision.Why})
	}
	return decision.Err(who, do, on)
}

// Identify says who sends a request. A request of nobody, or one that cannot be
// believed, is an error of kind Denied, and recorded.
func (d *Door) Identify(r *http.Request) (access.Identity, error) {
	who, err := d.identify(r)
	if slipway.KindOf(err) == slipway.Denied {
		d.refused(r.Context(), access.Refusal{Who: "nobody", Do: "", On: r.Method + " " + r.URL.Path, Why: err.Error(), From: address(r)})
	}
	return who, err
}

func (d *Door) identify(r *http.Request) (access.Identity, error) {
	header := r.Header.Get("Authorization")
	scheme, secret, _ := strings.Cut(header, " ")
	secret = strings.TrimSpace(secret)
	switch {
	case header == "":
		return d.visitor(r)
	case !strings.EqualFold(scheme, "Bearer"):
		return access.Identity{}, slipway.Errorf(slipway.Denied, "a request proves who sends it by a bearer token, not by %s", firstWord(scheme)).
			WithFix(`send the header "Authorization: Bearer slw_..."`)
	case strings.Count(secret, ".") == 2:
		return d.machine(r.Context(), secret)
	}
	return d.token(r.Context(), secret)
}

// firstWord shows of a header only what cannot be a secret.
func firstWord(scheme string) string {
	if len(scheme) > 10 {
		return "anything else"
	}
	return scheme
}

// token recognizes a token of ours.
func (d *Door) token(ctx context.Context, secret string) (access.Identity, error) {
	t, err := d.Store.Token(ctx, secret)
	if err != nil {
		return access.Identity{}, err
	}
	now := d.Clock()
	if err := t.Good(now); err != nil {
		return access.Identity{}, err
	}
	if err := d.Store.Used(ctx, t, now); err != nil {
		d.Log.WarnContext(ctx, "note the use of a token", "token", t.ID, "error", err)
	}
	return t.Identity(), nil
}

// visitor recognizes a browser by its session. What comes from a page of another
// site does not count.
func (d *Door) visitor(r *http.Request) (access.Identity, error) {
	cookie, err := r.Cookie(d.cookieName(sessionCookie))
	if err != nil {
		return access.Identity{}, slipway.Errorf(slipway.Denied, "nobody knows who asks").WithFix("sign in: %s/sign-in, or slipway login %s", d.URL, d.URL)
	}
	if err := d.cross.Check(r); err != nil {
		return access.Identity{}, slipway.Errorf(slipway.Denied, "the request comes from a page of another site").WithFix("make it from %s", d.URL)
	}
	s, err := d.session(r.Context(), cookie.Value)
	return s.Identity(), err
}

// session finds a session that holds.
func (d *Door) session(ctx context.Context, secret string) (access.Session, error) {
	rules, err := d.Rules()
	if err != nil {
		return access.Session{}, err
	}
	s, err := d.Store.Session(ctx, secret)
	if err != nil {
		return access.Session{}, err
	}
	now := d.Clock()
	if err := s.Good(rules.Limits, now); err != nil {
		return access.Session{}, err
	}
	if err := d.Store.TouchSession(ctx, s, now); err != nil {
		d.Log.WarnContext(ctx, "note the use of a session", "error", err)
	}
	return s, nil
}

// mostRefusals is how many refusals a second are written down each for itself: who
// knocks a thousand times a second does not keep the database from its work.
const mostRefusals = 20

// counted says whether a refusal is written down for itself. Others are counted, and
// come with the next one that is.
func (d *Door) counted(now time.Time) (others int, write bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if second := now.Unix(); second != d.second {
		d.second, d.written = second, 0
	}
	if d.written >= mostRefusals {
		d.others++
		return 0, false
	}
	d.written++
	others, d.others = d.others, 0
	return others, true
}

// refused records a refusal. That it cannot be recorded is no reason to let anybody
// through.
func (d *Door) refused(ctx context.Context, r access.Refusal) {
	r.Time = d.Clock()
	others, write := d.counted(r.Time)
	if !write {
		return
	}
	if others > 0 {
		d.record(ctx, access.Refusal{Time: r.Time, Who: "many others", Why: "too many at once to be told apart", Count: others})
	}
	d.record(ctx, r)
}

func (d *Door) record(ctx context.Context, r access.Refusal) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second) // also of one who has gone
	defer cancel()
	if err := d.Store.Refused(ctx, r); err != nil {
		d.Log.ErrorContext(ctx, "record a refusal", "who", r.Who, "why", r.Why, "error", err)
	}
}

// address is where a request comes from.
func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// secure reports whether the server is reached over https.
func (d *Door) secure() bool { return strings.HasPrefix(d.URL, "https://") }

// onThisMachine reports whether the server is reached on this machine alone, where a
// browser keeps cookies safe without https.
func (d *Door) onThisMachine() bool {
	u, err := url.Parse(d.URL)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// provider finds an identity provider, once.
func (d *Door) provider(ctx context.Context, issuer string) (*oidc.Provider, error) {
	d.mu.Lock()
	p := d.providers[issuer]
	d.mu.Unlock()
	if p != nil {
		return p, nil
	}
	p, err := oidc.NewProvider(d.outside(ctx), issuer)
	if err != nil {
		return nil, slipway.Errorf(slipway.Unavailable, "the identity provider %s cannot be asked: %w", issuer, err).
			WithFix("is it up, and is the issuer in platform.yaml exactly the one of its /.well-known/openid-configuration?")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.providers[issuer] = p
	return p, nil
}

// outside is a context for calls to identity providers.
func (d *Door) outside(ctx context.Context) context.Context {
	client := d.HTTP
	if client == nil {
		client = &http.Client{Timeout: 15 * time.Second}
	}
	return oidc.ClientContext(ctx, client)
}

// disbelieved is the error for a token of a provider that does not verify.
func disbelieved(what string, err error) error {
	if late, ok := errors.AsType[*oidc.TokenExpiredError](err); ok {
		return slipway.Errorf(slipway.Denied, "%s ended on %s", what, late.Expiry.UTC().Format("2006-01-02 15:04:05")).WithFix("get a new one")
	}
	return slipway.Errorf(slipway.Denied, "%s cannot be believed: %w", what, err)
}
