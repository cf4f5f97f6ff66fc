package signin_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/server/signin"
)

var hidden = regexp.MustCompile(`<input type="hidden" name="([a-z]+)" value="([^"]*)">`)

// allow presses the button of the page that asks.
func allow(b *browser, w *world, page view) view {
	values := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(page.text, -1) {
		values.Set(m[1], m[2])
	}
	return b.post(w.ours.URL+"/sign-in/command", values, "Sec-Fetch-Site", "same-origin")
}

// login runs the command line's part with a browser that does as person does.
func login(t *testing.T, w *world, person func(b *browser, address string) view) (signin.Granted, view, error) {
	t.Helper()
	addresses := make(chan string, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	type result struct {
		g   signin.Granted
		err error
	}
	done := make(chan result, 1)
	go func() {
		g, err := signin.Login(ctx, signin.LoginConfig{Server: w.ours.URL + "/", Name: "ana@her laptop", Show: func(a string) { addresses <- a }})
		done <- result{g, err}
	}()
	v := person(newBrowser(t), <-addresses)
	r := <-done
	return r.g, v, r.err
}

func TestLogin(t *testing.T) {
	w := newWorld(t)
	var page view
	g, v, err := login(t, w, func(b *browser, address string) view {
		page = b.password(w, b.get(address), "ana")
		return allow(b, w, page)
	})
	if err != nil || v.text != "You are signed in on the command line. You may close this page." {
		t.Fatalf("got %+v, %v", v, err)
	}
	if !strings.Contains(page.text, "Let the command line act for ana?") || !strings.Contains(page.text, "<strong>ana@her-laptop</strong>") ||
		!strings.Contains(page.header.Get("Content-Security-Policy"), "form-action 'self' http://127.0.0.1:") {
		t.Errorf("the page that asks: %+v", page)
	}
	who, err := w.identify(t, g.Token)
	if err != nil || who.Person != "ana" || !strings.HasPrefix(g.Name, "login ana@her-laptop ") || g.Person != "ana" {
		t.Errorf("the token %+v is that of %+v, %v", g, who, err)
	}
	if life := g.Expires.Sub(w.clock()); life > 12*time.Hour || life < 11*time.Hour {
		t.Errorf("it lives for %s", life)
	}
	w.pass(12 * time.Hour)
	_, err = w.identify(t, g.Token)
	wantError(t, err, slipway.Denied, "ended on", "slipway login")
}

// Nobody but the command that asked gets the token, and no other page presses the
// button.
func TestLoginByOthers(t *testing.T) {
	w := newWorld(t)
	b := newBrowser(t)
	b.signIn(w, "ana")
	ask := url.Values{"port": {"9"}, "challenge": {strings.Repeat("x", 43)}, "state": {strings.Repeat("s", 20)}, "name": {"eve"}}
	if v := b.post(w.ours.URL+"/sign-in/command", ask, "Sec-Fetch-Site", "cross-site"); v.status != http.StatusForbidden {
		t.Errorf("from another page: %+v", v)
	}
	b.look = func(*http.Request) error { return http.ErrUseLastResponse }
	v := allow(b, w, b.get(w.ours.URL+"/sign-in/command?"+ask.Encode()))
	to, err := url.Parse(v.header.Get("Location"))
	if err != nil || to.Host != "127.0.0.1:9" || to.Query().Get("state") != ask.Get("state") {
		t.Fatalf("sent to %v", to)
	}
	give := func(code, verifier string) view {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.ours.URL+"/sign-in/command/token", strings.NewReader(`{"code":"`+code+`","verifier":"`+verifier+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		return newBrowser(t).do(r)
	}
	const no = "the code was used already, is too old, or was not meant for this command"
	for _, code := range []string{"unknown", to.Query().Get("code"), to.Query().Get("code")} {
		if v := give(code, "guessed"); v.status != http.StatusForbidden || !strings.HasPrefix(v.text, no) {
			t.Errorf("got %+v", v)
		}
	}
	if v := newBrowser(t).post(w.ours.URL+"/sign-in/command", ask); v.status != http.StatusForbidden || !strings.HasPrefix(v.text, "your session has ended") {
		t.Errorf("without a session: %+v", v)
	}
	b.look = nil
	for name, value := range map[string]string{"port": "99999", "challenge": "short", "state": "<b>", "name": "<script>"} {
		bad := maps.Clone(ask)
		bad.Set(name, value)
		if v := b.get(w.ours.URL + "/sign-in/command?" + bad.Encode()); v.status != http.StatusBadRequest || !strings.HasPrefix(v.text, "that is not how a command line asks") {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

func TestLoginNobodyComes(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := signin.Login(ctx, signin.LoginConfig{Server: w.ours.URL, Name: "ana", Show: func(string) {}})
	wantError(t, err, slipway.Failed, "nobody signed in", "call it again")
	stopped, stop := context.WithCancel(t.Context())
	_, err = signin.Login(stopped, signin.LoginConfig{Server: w.ours.URL, Name: "ana", Show: func(string) { stop() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

func TestLoginOfAnotherPage(t *testing.T) {
	w := newWorld(t)
	_, _, err := login(t, w, func(b *browser, address string) view {
		u, err := url.Parse(address)
		if err != nil {
			b.t.Fatal(err)
		}
		back := "http://127.0.0.1:" + u.Query().Get("port") + "/?code=x&state="
		if v := b.get(back + "wrong"); v.status != http.StatusBadRequest || v.text != "This is not what slipway login waits for." {
			b.t.Errorf("a wrong state: %+v", v)
		}
		return b.get(back + u.Query().Get("state"))
	})
	wantError(t, err, slipway.Denied, w.ours.URL+" gives no token: the code was used already, is too old, or was not meant for this command", "slipway login "+w.ours.URL)
}

func TestServerAddress(t *testing.T) {
	for address, want := range map[string]string{
		"https://slipway.example.com/": "https://slipway.example.com", "http://localhost:8420": "http://localhost:8420", "http://[::1]:8420": "http://[::1]:8420",
	} {
		if got, err := signin.ServerAddress(address); err != nil || got != want {
			t.Errorf("%s: %q, %v", address, got, err)
		}
	}
	for _, address := range []string{"", "slipway.example.com", "ftp://x", "https://ana:pw@x", "https://x?y"} {
		_, err := signin.ServerAddress(address)
		wantError(t, err, slipway.Invalid, "is not the address of a server", "such as https://slipway.example.com")
	}
	_, err := signin.ServerAddress("http://slipway.example.com")
	wantError(t, err, slipway.Invalid, "a token must not go to http://slipway.example.com without encryption", "use https")
}

func TestKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "config", "slipway")
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	_, err := signin.Kept(dir, "https://a", now)
	wantError(t, err, slipway.Denied, "you are not signed in to https://a", "slipway login https://a")
	for server, token := range map[string]string{"https://a": "slw_a", "https://b": "slw_b"} {
		if err := signin.Keep(dir, server, signin.Granted{Token: token, Person: "ana", Expires: now.Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	if g, err := signin.Kept(dir, "https://a", now); err != nil || g.Token != "slw_a" {
		t.Errorf("got %+v, %v", g, err)
	}
	info, err := os.Stat(filepath.Join(dir, signin.KeptFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	_, err = signin.Kept(dir, "https://b", now.Add(time.Hour))
	wantError(t, err, slipway.Denied, "you were signed in to https://b until ", "slipway login https://b")
	for _, want := range []bool{true, false} {
		if had, err := signin.Forget(dir, "https://a"); had != want || err != nil {
			t.Errorf("forget: %v, %v", had, err)
		}
	}
	if g, err := signin.Kept(dir, "https://b", now); err != nil || g.Token != "slw_b" {
		t.Errorf("got %+v, %v", g, err)
	}
	if err := os.WriteFile(filepath.Join(dir, signin.KeptFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = signin.Kept(dir, "https://b", now)
	wantError(t, err, slipway.Invalid, "servers.json cannot be read: ", "remove it, and sign in again")
}
