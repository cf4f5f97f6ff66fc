package signin

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
)

const (
	sessionCookie = "slipway"
	beginCookie   = "slipway-sign-in"
	patience      = 10 * time.Minute // for a sign-in
	pendingOIDC   = "oidc"
)

// Routes adds the pages of the door to a mux.
func (d *Door) Routes(mux *http.ServeMux) {
	mux.Handle("GET /sign-in", d.page(d.begin))
	mux.Handle("GET /sign-in/callback", d.page(d.callback))
	mux.Handle("POST /sign-out", d.page(d.signOut))
	mux.Handle("GET /sign-in/command", d.page(d.askCommand))
	mux.Handle("POST /sign-in/command", d.page(d.allowCommand))
	mux.Handle("POST /sign-in/command/token", d.page(d.giveToken))
}

// page wraps a handler: nothing of it is kept by anybody, no other site shows it, and
// an error is told and, if it is a no, recorded.
func (d *Door) page(h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return d.cross.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		err := h(w, r)
		if err == nil {
			return
		}
		status := http.StatusInternalServerError
		switch slipway.KindOf(err) {
		case slipway.Denied:
			status = http.StatusForbidden
			d.refused(r.Context(), access.Refusal{Who: "nobody", On: r.Method + " " + r.URL.Path, Why: err.Error(), From: address(r)})
		case slipway.Invalid, slipway.NotFound:
			status = http.StatusBadRequest
		case slipway.Unavailable, slipway.Busy:
			status = http.StatusServiceUnavailable
		default:
			d.Log.ErrorContext(r.Context(), "sign in", "error", err)
			err = slipway.Errorf(slipway.Internal, "that went wrong, and it is the server's fault").WithFix("its log says more")
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		fmt.Fprintln(w, err.Error())
		if fix := slipway.FixOf(err); fix != "" {
			fmt.Fprintln(w, "-> "+fix)
		}
	}))
}

// A beginning is what a sign-in under way knows; it is kept under its state.
type beginning struct {
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
	Browser  string `json:"browser"` // hash of what its cookie holds
	Issuer   string `json:"issuer"`
	To       string `json:"to"`
}

// begin sends a browser to the identity provider.
func (d *Door) begin(w http.ResponseWriter, r *http.Request) error {
	to, err := local(r.FormValue("to"))
	if err != nil {
		return err
	}
	if !d.secure() && !d.onThisMachine() {
		return slipway.Errorf(slipway.Unavailable, "people sign in over https only, and this server is reached by %s", d.URL).
			WithFix("put it behind https, and say its address with server.url in platform.yaml")
	}
	set, client, err := d.client(r.Context())
	if err != nil {
		return err
	}
	state, browser, now := rand.Text(), rand.Text(), d.Clock()
	b := beginning{Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Browser: access.HashSecret(browser), Issuer: set.Issuer, To: to}
	if err := d.Store.Begin(r.Context(), pendingOIDC, state, b, now, now.Add(patience)); err != nil {
		return err
	}
	d.setCookie(w, beginCookie, browser, patience)
	http.Redirect(w, r, client.AuthCodeURL(state, oidc.Nonce(b.Nonce), oauth2.S256ChallengeOption(b.Verifier)), http.StatusFound)
	return nil
}

// local takes a path of this server, to go to afterwards, and nothing else.
func local(to string) (string, error) {
	if to == "" {
		return "/", nil
	}
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.Contains(to, `\`) {
		return "", slipway.Errorf(slipway.Invalid, "after signing in one goes to a page of this server, not to %q", to)
	}
	return to, nil
}

// client is this server at the identity provider.
func (d *Door) client(ctx context.Context) (*access.SignIn, *oauth2.Config, error) {
	rules, err := d.Rules()
	if err != nil {
		return nil, nil, err
	}
	set := rules.SignIn
	if set == nil {
		return nil, nil, slipway.Errorf(slipway.NotFound, "nobody can sign in here: the platform file names no identity provider").
			WithFix("the platform team adds access.sign_in to platform.yaml; until then there are tokens (slipway token create)")
	}
	p, err := d.provider(ctx, set.Issuer)
	if err != nil {
		return nil, nil, err
	}
	c := &oauth2.Config{ClientID: set.Client, Endpoint: p.Endpoint(), RedirectURL: d.URL + "/sign-in/callback", Scopes: append([]string{oidc.ScopeOpenID}, set.Scopes...)}
	if set.SecretRef != "" {
		if c.ClientSecret, err = d.Secrets(ctx, set.SecretRef); err != nil {
			return nil, nil, err
		}
	}
	return set, c, nil
}

// callback is where the identity provider sends the browser back to.
func (d *Door) callback(w http.ResponseWriter, r *http.Request) error {
	var b beginning
	now := d.Clock()
	fresh, err := d.Store.Take(r.Context(), pendingOIDC, r.FormValue("state"), now, &b)
	if err != nil {
		return err
	}
	if !fresh {
		return slipway.Errorf(slipway.Denied, "this sign-in was used already, or took longer than %s", slipway.DurationText(patience)).WithFix("begin again: %s/sign-in", d.URL)
	}
	cookie, err := r.Cookie(d.cookieName(beginCookie))
	if err != nil || subtle.ConstantTimeCompare([]byte(access.HashSecret(cookie.Value)), []byte(b.Browser)) != 1 {
		return slipway.Errorf(slipway.Denied, "this sign-in was begun in another browser").WithFix("begin again: %s/sign-in", d.URL)
	}
	if why := r.FormValue("error"); why != "" {
		return slipway.Errorf(slipway.Denied, "the identity provider says no: %.100q %.300q", why, r.FormValue("error_description"))
	}
	set, client, err := d.client(r.Context())
	if err != nil {
		return err
	}
	if iss := r.FormValue("iss"); set.Issuer != b.Issuer || iss != "" && iss != b.Issuer {
		return slipway.Errorf(slipway.Denied, "the answer is not of the identity provider that was asked").WithFix("begin again: %s/sign-in", d.URL)
	}
	claims, err := d.claims(r.Context(), client, b, r.FormValue("code"), set)
	if err != nil {
		return err
	}
	return d.welcome(w, r, claims, b.To)
}

// claims trades a code for what the provider says of the person.
func (d *Door) claims(ctx context.Context, client *oauth2.Config, b beginning, code string, set *access.SignIn) (access.Claims, error) {
	p, err := d.provider(ctx, b.Issuer)
	if err != nil {
		return nil, err
	}
	tokens, err := client.Exchange(d.outside(ctx), code, oauth2.VerifierOption(b.Verifier))
	if err != nil {
		return nil, slipway.Errorf(slipway.Denied, "the identity provider does not take its own code: %w", err).WithFix("begin again: %s/sign-in", d.URL)
	}
	raw, _ := tokens.Extra("id_token").(string)
	t, err := p.Verifier(&oidc.Config{ClientID: client.ClientID, Now: d.Clock}).Verify(d.outside(ctx), raw)
	if err != nil {
		return nil, disbelieved("the identity provider's answer", err)
	}
	if subtle.ConstantTimeCompare([]byte(t.Nonce), []byte(b.Nonce)) != 1 {
		return nil, slipway.Errorf(slipway.Denied, "the identity provider's answer is for another sign-in").WithFix("begin again: %s/sign-in", d.URL)
	}
	var claims access.Claims
	if err := t.Claims(&claims); err != nil {
		return nil, disbelieved("the identity provider's answer", err)
	}
	_, said := claims[set.Claim]
	if said && (set.Groups == "" || claims[set.Groups] != nil) {
		return claims, nil
	}
	return claims, d.more(ctx, p, tokens, t.Subject, claims)
}

// more asks the provider for what its token leaves out. What the token says stands.
func (d *Door) more(ctx context.Context, p *oidc.Provider, tokens *oauth2.Token, subject string, claims access.Claims) error {
	info, err := p.UserInfo(d.outside(ctx), oauth2.StaticTokenSource(tokens))
	if err != nil {
		return slipway.Errorf(slipway.Unavailable, "the identity provider does not say who you are: %w", err).WithFix("try again")
	}
	if info.Subject != subject {
		return slipway.Errorf(slipway.Denied, "the identity provider speaks of two people")
	}
	var all access.Claims
	if err := info.Claims(&all); err != nil {
		return disbelieved("the identity provider's answer", err)
	}
	for name, value := range all {
		if _, there := claims[name]; !there {
			claims[name] = value
		}
	}
	return nil
}

// welcome begins the session of whoever the claims are of.
func (d *Door) welcome(w http.ResponseWriter, r *http.Request, claims access.Claims, to string) error {
	rules, err := d.Rules()
	if err != nil {
		return err
	}
	who, err := rules.Find(claims)
	if err != nil {
		return err
	}
	now, secret := d.Clock(), rand.Text()+rand.Text()
	s := access.Session{Hash: access.HashSecret(secret), Person: who.Person, Teams: who.Teams, Made: now, Used: now}
	if err := d.Store.AddSession(r.Context(), s); err != nil {
		return err
	}
	d.setCookie(w, beginCookie, "", -1)
	d.setCookie(w, sessionCookie, secret, rules.Limits.Session)
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// signOut ends the session.
func (d *Door) signOut(w http.ResponseWriter, r *http.Request) error {
	rules, err := d.Rules()
	if err != nil {
		return err
	}
	if cookie, err := r.Cookie(d.cookieName(sessionCookie)); err == nil {
		if err := d.Store.EndSession(r.Context(), cookie.Value, rules.Limits, d.Clock()); err != nil {
			return err
		}
	}
	d.setCookie(w, sessionCookie, "", -1)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// cookieName makes a browser see to it that nobody else sets the cookie.
func (d *Door) cookieName(name string) string {
	if d.secure() {
		return "__Host-" + name
	}
	return name
}

func (d *Door) setCookie(w http.ResponseWriter, name, value string, age time.Duration) {
	seconds := int(age / time.Second)
	if age < 0 {
		seconds = -1
	}
	http.SetCookie(w, &http.Cookie{
		Name: d.cookieName(name), Value: value, Path: "/", MaxAge: seconds, HttpOnly: true, Secure: d.secure(), SameSite: http.SameSiteLaxMode,
	})
}
