package signin_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/server/signin"
)

func TestSignIn(t *testing.T) {
	w := newWorld(t)
	b := newBrowser(t)
	if v := b.get(w.ours.URL + "/who"); v.status != http.StatusUnauthorized || v.text != "nobody knows who asks" {
		t.Errorf("at first %+v", v)
	}
	v := b.signIn(w, "ana")
	if v.status != http.StatusOK || v.text != "the first page" {
		t.Fatalf("after the sign-in %+v", v)
	}
	if v := b.get(w.ours.URL + "/who"); v.text != "ana" {
		t.Errorf("then it is %+v", v)
	}
	if v := newBrowser(t).get(w.ours.URL + "/who"); v.status != http.StatusUnauthorized {
		t.Errorf("in another browser %+v", v)
	}
	if v := b.post(w.ours.URL+"/sign-out", nil); v.status != http.StatusNoContent {
		t.Errorf("sign-out: %+v", v)
	}
	if v := b.get(w.ours.URL + "/who"); v.status != http.StatusUnauthorized {
		t.Errorf("after that %+v", v)
	}
}

func TestSignInGoesWhereOneWasHeaded(t *testing.T) {
	w := newWorld(t)
	b := newBrowser(t)
	v := b.password(w, b.get(w.ours.URL+"/sign-in?to=/who%3Fx=1"), "ana")
	if v.text != "ana" || v.url.RequestURI() != "/who?x=1" {
		t.Errorf("got %+v", v)
	}
	for _, to := range []string{"https://evil.example.com/", "//evil.example.com", `/\evil.example.com`, "who", "javascript:alert(1)"} {
		v := b.get(w.ours.URL + "/sign-in?to=" + url.QueryEscape(to))
		if v.status != http.StatusBadRequest || !strings.HasPrefix(v.text, "after signing in one goes to a page of this server, not to") {
			t.Errorf("%s: %+v", to, v)
		}
	}
}

// cookies are those that a browser was told to keep.
func cookies(t *testing.T, door *signin.Door) []*http.Cookie {
	t.Helper()
	all, err := http.ParseSetCookie(begun(t, door).Header().Get("Set-Cookie"))
	if err != nil {
		t.Fatal(err)
	}
	return []*http.Cookie{all}
}

func TestCookies(t *testing.T) {
	w := newWorld(t)
	all := cookies(t, w.door)
	if len(all) != 1 || all[0].Name != "slipway-sign-in" || !all[0].HttpOnly || all[0].Secure || all[0].SameSite != http.SameSiteLaxMode || all[0].Path != "/" {
		t.Errorf("on this machine %+v", all)
	}
	d := signin.New(signin.Config{Store: w.store, Rules: w.door.Rules, URL: "https://slipway.example.com", Secrets: w.door.Secrets, Clock: w.clock, Log: w.door.Log})
	all = cookies(t, d)
	if len(all) != 1 || all[0].Name != "__Host-slipway-sign-in" || !all[0].Secure || !all[0].HttpOnly || all[0].Domain != "" {
		t.Errorf("over https %+v", all)
	}
}

func TestSignInThatCannotBe(t *testing.T) {
	w := newWorld(t)
	d := signin.New(signin.Config{Store: w.store, Rules: w.door.Rules, URL: "http://slipway.example.com", Secrets: w.door.Secrets, Clock: w.clock, Log: w.door.Log})
	wantPage(t, d, http.StatusServiceUnavailable, "people sign in over https only, and this server is reached by http://slipway.example.com\n-> put it behind https, and say its address with server.url in platform.yaml")
	issuer := w.rules.SignIn.Issuer
	w.rules.SignIn.Issuer = "http://127.0.0.1:1"
	wantPage(t, w.door, http.StatusServiceUnavailable, "the identity provider http://127.0.0.1:1 cannot be asked: ")
	w.rules.SignIn.Issuer = issuer + "/"
	wantPage(t, w.door, http.StatusServiceUnavailable, "is the issuer in platform.yaml exactly the one of its /.well-known/openid-configuration?")
	w.rules.SignIn = nil
	wantPage(t, w.door, http.StatusBadRequest, "nobody can sign in here: the platform file names no identity provider\n-> the platform team adds access.sign_in to platform.yaml; until then there are tokens (slipway token create)")
	if rest, err := w.store.Refusals(t.Context(), 10); err != nil || len(rest) != 0 {
		t.Errorf("refusals %v, %v", rest, err)
	}
}

// TestSignInRefused goes wrong in each way there is.
func TestSignInRefused(t *testing.T) {
	t.Parallel()
	stopAtCallback := func(b *browser) {
		b.look = func(r *http.Request) error {
			if r.URL.Path == "/sign-in/callback" {
				return http.ErrUseLastResponse
			}
			return nil
		}
	}
	// arrive signs ana in at the provider, and returns the address to go back to.
	arrive := func(w *world, b *browser) *url.URL {
		stopAtCallback(b)
		v := b.signIn(w, "ana")
		b.look = nil
		back, err := url.Parse(v.header.Get("Location"))
		if err != nil || back.Query().Get("code") == "" {
			b.t.Fatalf("the provider sends us to %q", back)
		}
		return back
	}
	for name, c := range map[string]struct {
		do   func(*world, *browser) view
		want string
	}{
		"an unknown person":               {func(w *world, b *browser) view { return b.signIn(w, "zoe") }, "the platform file has nobody with the email zoe@example.com\n-> the platform team adds you to people in platform.yaml"},
		"an address that is not verified": {func(w *world, b *browser) view { return b.signIn(w, "mel") }, "the e-mail address bo@example.com is not verified by the identity provider\n-> verify it there, and sign in again"},
		"a state that was used": {func(w *world, b *browser) view {
			back := arrive(w, b)
			if v := b.get(back.String()); v.text != "the first page" {
				b.t.Fatalf("the first time %+v", v)
			}
			return b.get(back.String())
		}, "this sign-in was used already, or took longer than 10m\n-> begin again: "},
		"a state that nobody gave out": {func(w *world, b *browser) view { return b.get(w.ours.URL + "/sign-in/callback?state=x&code=y") }, "this sign-in was used already, or took longer than 10m"},
		"too late": {func(w *world, b *browser) view {
			back := arrive(w, b)
			w.pass(10 * time.Minute)
			return b.get(back.String())
		}, "this sign-in was used already, or took longer than 10m"},
		"in another browser": {func(w *world, b *browser) view { return newBrowser(b.t).get(arrive(w, b).String()) }, "this sign-in was begun in another browser\n-> begin again: "},
		"another nonce": {func(w *world, b *browser) view {
			b.look = func(r *http.Request) error { // somebody between browser and provider
				if q := r.URL.Query(); q.Get("nonce") != "" {
					q.Set("nonce", "tampered")
					r.URL.RawQuery = q.Encode()
				}
				return nil
			}
			return b.signIn(w, "ana")
		}, "the identity provider's answer is for another sign-in\n-> begin again: "},
		"another challenge": {func(w *world, b *browser) view {
			b.look = func(r *http.Request) error {
				if q := r.URL.Query(); q.Get("code_challenge") != "" {
					q.Set("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
					r.URL.RawQuery = q.Encode()
				}
				return nil
			}
			return b.signIn(w, "ana")
		}, "the identity provider does not take its own code: "},
		"another code": {func(w *world, b *browser) view {
			back := arrive(w, b)
			q := back.Query()
			q.Set("code", "x"+q.Get("code"))
			back.RawQuery = q.Encode()
			return b.get(back.String())
		}, "the identity provider does not take its own code: "},
		"a wrong secret": {func(w *world, b *browser) view {
			back := arrive(w, b)
			w.change(func(r *access.Rules) { s := *r.SignIn; s.SecretRef = ""; r.SignIn = &s })
			return b.get(back.String())
		}, "the identity provider does not take its own code: "},
		"a no of the provider": {func(w *world, b *browser) view {
			back := arrive(w, b)
			return b.get(w.ours.URL + "/sign-in/callback?error=access_denied&error_description=not+today&state=" + back.Query().Get("state"))
		}, `the identity provider says no: "access_denied" "not today"`},
		"another provider": {func(w *world, b *browser) view {
			return b.get(arrive(w, b).String() + "&iss=https://evil.example.com")
		}, "the answer is not of the identity provider that was asked"},
		"another issuer since": {func(w *world, b *browser) view {
			back := arrive(w, b)
			other := newWorld(b.t)
			w.change(func(r *access.Rules) { s := *r.SignIn; s.Issuer = other.provider.URL; r.SignIn = &s })
			return b.get(back.String())
		}, "the answer is not of the identity provider that was asked"},
		"an answer that ended": {func(w *world, b *browser) view {
			w.pass(2 * time.Hour)
			return b.signIn(w, "ana")
		}, "the identity provider's answer ended on "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, b := newWorld(t), newBrowser(t)
			v := c.do(w, b)
			if v.status != http.StatusForbidden || !strings.HasPrefix(v.text, c.want) {
				t.Errorf("got %d: %s\nwant %s", v.status, v.text, c.want)
			}
			b.look = nil
			if name != "a state that was used" && b.get(w.ours.URL+"/who").status != http.StatusUnauthorized {
				t.Error("somebody is signed in")
			}
			all, err := w.store.Refusals(t.Context(), 10)
			said, _, _ := strings.Cut(c.want, "\n")
			if err != nil || len(all) == 0 || !hasReason(all, said) {
				t.Errorf("refusals %+v, %v", all, err)
			}
		})
	}
}

func hasReason(all []access.Refusal, why string) bool {
	for _, r := range all {
		if strings.HasPrefix(r.Why, why) && r.From == "127.0.0.1" {
			return true
		}
	}
	return false
}

func TestSessionEnds(t *testing.T) {
	for name, c := range map[string]struct {
		steps []time.Duration
		want  int
	}{
		"used now and then": {[]time.Duration{11 * time.Hour, 11 * time.Hour, 11 * time.Hour}, http.StatusOK},
		"not used":          {[]time.Duration{13 * time.Hour}, http.StatusUnauthorized},
		"old":               {steps(17, 10*time.Hour), http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			w, b := newWorld(t), newBrowser(t)
			b.signIn(w, "ana")
			var v view
			for _, d := range c.steps {
				w.pass(d)
				v = b.get(w.ours.URL + "/who")
			}
			if v.status != c.want || c.want != http.StatusOK && v.text != "your session has ended" {
				t.Errorf("got %+v", v)
			}
		})
	}
}

func steps(n int, d time.Duration) []time.Duration {
	all := make([]time.Duration, n)
	for i := range all {
		all[i] = d
	}
	return all
}

// Who leaves the platform file is out at once, whatever cookie they have.
func TestSessionOfSomebodyWhoLeft(t *testing.T) {
	w, b := newWorld(t), newBrowser(t)
	b.signIn(w, "ana")
	ana := access.Identity{Person: "ana"}
	deploy := access.Object{App: "traffic", Team: "data", Environment: "prod"}
	if err := w.door.May(t.Context(), ana, access.Deploy, deploy); err != nil {
		t.Fatal(err)
	}
	w.change(func(r *access.Rules) {
		r.People = map[string]access.Person{"bo": {}}
	})
	err := w.door.May(t.Context(), ana, access.Deploy, deploy)
	wantError(t, err, slipway.Denied, "ana may not deploy traffic in prod: the platform file has nobody of that name", "")
	all, err := w.store.Refusals(t.Context(), 10)
	if err != nil || len(all) != 1 || all[0].Who != "ana" || all[0].Do != access.Deploy || all[0].On != "traffic in prod" {
		t.Errorf("refusals %+v, %v", all, err)
	}
}

func TestOtherSites(t *testing.T) {
	w, b := newWorld(t), newBrowser(t)
	b.signIn(w, "ana")
	for name, header := range map[string][]string{
		"by its fetch metadata": {"Sec-Fetch-Site", "cross-site"},
		"by its origin":         {"Origin", "https://evil.example.com"},
	} {
		if v := b.post(w.ours.URL+"/who", nil, header...); v.status != http.StatusUnauthorized || v.text != "the request comes from a page of another site" {
			t.Errorf("%s: %+v", name, v)
		}
		if v := b.post(w.ours.URL+"/sign-out", nil, header...); v.status != http.StatusForbidden {
			t.Errorf("sign-out, %s: %+v", name, v)
		}
	}
	if v := b.post(w.ours.URL+"/who", nil, "Sec-Fetch-Site", "same-origin"); v.text != "ana" {
		t.Errorf("our own page: %+v", v)
	}
}

// A swap is a provider that answers with another token than it should.
type swap struct{ token string }

func (x swap) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || r.URL.Path != "/oauth/token" {
		return answer, err
	}
	defer answer.Body.Close()
	var said map[string]any
	if err := json.NewDecoder(answer.Body).Decode(&said); err != nil {
		return nil, err
	}
	said["id_token"] = x.token
	data, err := json.Marshal(said)
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(data)), int64(len(data))
	return answer, err
}

func TestSignInWithAnotherToken(t *testing.T) {
	w := newWorld(t)
	elsewhere := newWorld(t)
	good := idToken(t, w, ourClient, w.ours.URL+"/sign-in/callback", "ana")
	for name, c := range map[string]struct{ token, want string }{
		"for another client":   {idToken(t, w, "other", otherAt, "ana"), "the identity provider's answer cannot be believed: oidc: expected audience \"slipway\""},
		"of another issuer":    {idToken(t, elsewhere, ourClient, elsewhere.ours.URL+"/sign-in/callback", "ana"), "the identity provider's answer cannot be believed: failed to verify signature"},
		"of an older sign-in":  {good, "the identity provider's answer is for another sign-in"},
		"none":                 {"", "the identity provider's answer cannot be believed: oidc: malformed jwt"},
		"with a bad signature": {good[:strings.LastIndex(good, ".")+1] + flipped(good[strings.LastIndex(good, ".")+1:]), "the identity provider's answer cannot be believed: failed to verify signature"},
	} {
		t.Run(name, func(t *testing.T) {
			w.door.HTTP = &http.Client{Transport: swap{c.token}}
			if v := newBrowser(t).signIn(w, "ana"); v.status != http.StatusForbidden || !strings.HasPrefix(v.text, c.want) {
				t.Errorf("got %d: %s\nwant %s", v.status, v.text, c.want)
			}
		})
	}
}
