package signin_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/server/signin"
)

// begun asks for the page on which a sign-in begins.
func begun(t *testing.T, d *signin.Door) *httptest.ResponseRecorder {
	t.Helper()
	mux := http.NewServeMux()
	d.Routes(mux)
	rec := httptest.NewRecorder()
	mux.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/sign-in", nil))
	return rec
}

func wantPage(t *testing.T, d *signin.Door, status int, text string) {
	t.Helper()
	rec := begun(t, d)
	if rec.Code != status || !strings.Contains(rec.Body.String(), text) || rec.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("got %d %s\nwant %d %s", rec.Code, rec.Body, status, text)
	}
}

func TestTokens(t *testing.T) {
	w := newWorld(t)
	ana, olga := access.Identity{Person: "ana"}, access.Identity{Person: "olga"}
	want := access.Token{Name: "ci", Owner: "ana", Scopes: []access.Scope{{Action: access.Deploy}}}
	made, secret, err := w.door.CreateToken(t.Context(), ana, want)
	if err != nil {
		t.Fatal(err)
	}
	who, err := w.identify(t, secret)
	if err != nil || who.String() != "ana (token ci)" {
		t.Errorf("got %+v, %v", who, err)
	}
	if all, err := w.door.Tokens(t.Context(), ana); err != nil || len(all) != 1 || all[0].Used.IsZero() {
		t.Errorf("ana sees %+v, %v", all, err)
	}
	if all, err := w.door.Tokens(t.Context(), access.Identity{Person: "bo"}); err != nil || len(all) != 0 {
		t.Errorf("bo sees %+v, %v", all, err)
	}
	if all, err := w.door.Tokens(t.Context(), olga); err != nil || len(all) != 1 {
		t.Errorf("olga sees %+v, %v", all, err)
	}
	_, err = w.door.Tokens(t.Context(), access.Identity{Machine: "ci"})
	wantError(t, err, slipway.Denied, "machine ci has no tokens here", "")
	_, _, err = w.door.CreateToken(t.Context(), access.Identity{Person: "bo"}, want)
	wantError(t, err, slipway.Denied, "bo may not administer access: only owners of the platform may", "who may: olga")
	wantError(t, w.door.RevokeToken(t.Context(), access.Identity{Person: "bo"}, made.ID), slipway.NotFound, "bo has no token "+made.ID, "slipway token list")
	wantError(t, w.door.RevokeToken(t.Context(), who, made.ID), slipway.Denied, "ana (token ci) may not revoke tokens: it is good for deploy only", "sign in")
	if err := w.door.RevokeToken(t.Context(), olga, made.ID); err != nil {
		t.Fatal(err)
	}
	_, err = w.identify(t, secret)
	wantError(t, err, slipway.Denied, "the token ci of ana was revoked on ", "get another: slipway login")
	_, secret, err = w.door.CreateToken(t.Context(), ana, want)
	if err != nil {
		t.Fatal(err)
	}
	w.pass(31 * 24 * time.Hour)
	_, err = w.identify(t, secret)
	wantError(t, err, slipway.Denied, "the token ci of ana ended on ", "get another")
}

func TestTokensThatAreNone(t *testing.T) {
	w := newWorld(t)
	for token, want := range map[string]string{
		"slw_x":            "that is not a token of Slipway",
		access.NewSecret(): "nobody has that token here",
		"a.b.c":            "that is not a token of Slipway, nor one of an identity provider",
		"a.e30.c":          "the platform file has no machine with the issuer ",
		"a.eyJpc3MiOiJodHRwczovL2V2aWwuZXhhbXBsZS5jb20ifQ.c": "the platform file has no machine with the issuer https://evil.example.com",
	} {
		_, err := w.identify(t, token)
		wantError(t, err, slipway.Denied, want, "")
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/apps", nil)
	r.SetBasicAuth("ana", "password")
	_, err := w.door.Identify(r)
	wantError(t, err, slipway.Denied, "a request proves who sends it by a bearer token, not by Basic", `send the header "Authorization: Bearer slw_..."`)
	all, err := w.store.Refusals(t.Context(), 10)
	if err != nil || len(all) != 6 {
		t.Errorf("refusals %+v, %v", all, err)
	}
	for _, r := range all {
		if r.On != "GET /api/v1/apps" || r.From != "192.0.2.1" || strings.Contains(r.Why, "slw_") {
			t.Errorf("refusal %+v", r)
		}
	}
}

// idToken has the provider give a token for one of its clients.
func idToken(t *testing.T, w *world, client, back, name string) string {
	t.Helper()
	c := oauth2.Config{
		ClientID: client, ClientSecret: ourSecret, RedirectURL: back, Scopes: []string{"openid"},
		Endpoint: oauth2.Endpoint{AuthURL: w.provider.URL + "/auth", TokenURL: w.provider.URL + "/oauth/token"},
	}
	b := newBrowser(t)
	b.look = func(r *http.Request) error {
		if r.URL.Query().Get("code") != "" {
			return http.ErrUseLastResponse
		}
		return nil
	}
	v := b.password(w, b.get(c.AuthCodeURL("state")), name)
	at, err := url.Parse(v.header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := c.Exchange(context.WithoutCancel(t.Context()), at.Query().Get("code"))
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := tokens.Extra("id_token").(string)
	return raw
}

func TestMachines(t *testing.T) {
	w := newWorld(t)
	raw := idToken(t, w, "other", otherAt, "ana")
	who, err := w.identify(t, raw)
	if err != nil || who.Machine != "ci" || who.String() != "machine ci" {
		t.Fatalf("got %+v, %v", who, err)
	}
	prod := access.Object{App: "traffic", Team: "data", Environment: "prod"}
	if err := w.door.May(t.Context(), who, access.Deploy, prod); err != nil {
		t.Error(err)
	}
	wantError(t, w.door.May(t.Context(), who, access.Build, prod), slipway.Denied, "machine ci may not build traffic in prod: machine ci is good for deploy only", "")

	_, err = w.identify(t, idToken(t, w, ourClient, w.ours.URL+"/sign-in/callback", "ana"))
	wantError(t, err, slipway.Denied, "the token is not that of machine ci: its audience is slipway, not other", "access.machines")
	_, err = w.identify(t, idToken(t, w, "other", otherAt, "zoe"))
	wantError(t, err, slipway.Denied, `the token is not that of machine ci: sub is "id-zoe", not "id-ana"`, "access.machines")
	_, err = w.identify(t, idToken(t, newWorld(t), "other", otherAt, "ana"))
	wantError(t, err, slipway.Denied, "the platform file has no machine with the issuer http://127.0.0.1:", "access.machines")

	head, rest, _ := strings.Cut(raw, ".")
	payload, sign, _ := strings.Cut(rest, ".")
	_, err = w.identify(t, head+"."+payload+"."+flipped(sign))
	wantError(t, err, slipway.Denied, "the token cannot be believed: failed to verify signature", "")
	_, err = w.identify(t, "eyJhbGciOiJub25lIn0."+payload+".")
	wantError(t, err, slipway.Denied, "the token cannot be believed: ", "")
	w.pass(2 * time.Hour)
	_, err = w.identify(t, raw)
	wantError(t, err, slipway.Denied, "the token ended on ", "get a new one")
}

// flipped is a signature with another first character.
func flipped(sign string) string {
	if sign[0] == 'A' {
		return "B" + sign[1:]
	}
	return "A" + sign[1:]
}

func TestDelegations(t *testing.T) {
	w := newWorld(t)
	ana, bo := access.Identity{Person: "ana"}, access.Identity{Person: "bo"}
	prod := access.Object{App: "traffic", Team: "data", Environment: "prod"}
	want := access.Delegation{To: "bo", Scopes: []access.Scope{{Action: access.Deploy, App: "traffic", Environment: "prod"}}, Until: w.clock().Add(time.Hour), Why: "vacation"}
	made, err := w.door.Delegate(t.Context(), ana, want)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.door.May(t.Context(), bo, access.Deploy, prod); err != nil {
		t.Error(err)
	}
	_, err = w.door.Delegate(t.Context(), access.Identity{Person: "olga"}, access.Delegation{To: "bo", Scopes: want.Scopes, Until: want.Until, Why: "x"})
	wantError(t, err, slipway.Denied, "olga has nothing of deploy:traffic@prod to hand over: not a deployer of prod", "who may: team data (ana)")
	wantError(t, w.door.Undelegate(t.Context(), bo, made.ID), slipway.Denied, "bo may not take "+made.ID+" back: it is a right of ana", "who may: ana, olga")
	if err := w.door.Undelegate(t.Context(), ana, made.ID); err != nil {
		t.Fatal(err)
	}
	wantError(t, w.door.May(t.Context(), bo, access.Deploy, prod), slipway.Denied, "bo may not deploy traffic in prod", "team data (ana)")
	wantError(t, w.door.Undelegate(t.Context(), ana, made.ID), slipway.NotFound, "there is no delegation "+made.ID+" that still holds", "slipway rights list")
	if all, err := w.door.Delegations(t.Context(), false); err != nil || len(all) != 0 {
		t.Errorf("now %+v, %v", all, err)
	}
	all, err := w.door.Delegations(t.Context(), true)
	if err != nil || len(all) != 1 || all[0].Holds || !strings.HasPrefix(all[0].WhyNot, "ana took it back on ") {
		t.Errorf("ever %+v, %v", all, err)
	}
	if rest, err := w.store.Refusals(t.Context(), 10); err != nil || len(rest) != 3 {
		t.Errorf("refusals %+v, %v", rest, err)
	}
}

// Who knocks all the time does not fill the database, and is counted.
func TestManyRefusals(t *testing.T) {
	w := newWorld(t)
	for range 100 {
		if _, err := w.identify(t, "slw_x"); err == nil {
			t.Fatal("somebody was let in")
		}
	}
	w.pass(time.Minute)
	if _, err := w.identify(t, "slw_x"); err == nil {
		t.Fatal("somebody was let in")
	}
	all, err := w.store.Refusals(t.Context(), 10)
	total := 0
	for _, r := range all {
		total += r.Count
	}
	if err != nil || total != 101 || len(all) != 3 {
		t.Errorf("%d refusals in %+v, %v", total, all, err)
	}
}
