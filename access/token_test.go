package access_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
)

func TestSecrets(t *testing.T) {
	pattern := regexp.MustCompile("^" + access.TokenPattern + "$")
	seen := map[string]bool{}
	for range 2000 {
		s := access.NewSecret()
		if !pattern.MatchString(s) || access.CheckSecret(s) != nil || seen[s] {
			t.Fatalf("%s: %v", s, access.CheckSecret(s))
		}
		seen[s] = true
	}
}

func TestSecretsThatAreNone(t *testing.T) {
	s := access.NewSecret()
	for name, text := range map[string]string{"nothing": "", "another's": "ghp_" + s[4:], "cut": s[:len(s)-1], "long": s + "0"} {
		err := access.CheckSecret(text)
		wantDenied(t, err, "that is not a token of Slipway")
		if slipway.FixOf(err) != "a token begins with slw_ and has 53 characters" {
			t.Errorf("%s: %q", name, slipway.FixOf(err))
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(4, len(s)-1).Draw(t, "at")
		other := rapid.SampledFrom([]byte("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")).Draw(t, "other")
		if other == s[at] {
			return
		}
		err := access.CheckSecret(s[:at] + string(other) + s[at+1:])
		if err == nil || err.Error() != "the token has a typing error, or is cut short" || strings.Contains(err.Error(), s[4:]) {
			t.Fatalf("one character changed: %v", err)
		}
	})
}

func FuzzCheckSecret(f *testing.F) {
	f.Add(access.NewSecret())
	f.Add("slw_")
	f.Fuzz(func(t *testing.T, text string) {
		if access.CheckSecret(text) == nil && !regexp.MustCompile("^slw_.{49}$").MatchString(text) {
			t.Errorf("%q is a token", text)
		}
	})
}

func TestIssue(t *testing.T) {
	p := access.Policy{Rules: rules(), Now: now()}
	ana, olga := access.Identity{Person: "ana"}, access.Identity{Person: "olga"}
	want := access.Token{Name: "ci", Owner: "ana", Scopes: scopes("deploy:traffic@prod"), Expires: now().Add(time.Hour)}
	made, secret, err := p.Issue(ana, want)
	if err != nil || !made.Is(secret) || made.Is(secret+"x") || made.By != "ana" || !made.Created.Equal(now()) || strings.Contains(made.Hash, secret) {
		t.Fatalf("%+v, %v", made, err)
	}
	if who := made.Identity(); who.String() != "ana (token ci)" || len(who.Scopes) != 1 {
		t.Errorf("identity %+v", who)
	}
	if made, _, err = p.Issue(olga, want); err != nil || made.By != "olga" {
		t.Errorf("an owner for another: %v", err)
	}
	want.Expires = time.Time{}
	if made, _, err = p.Issue(ana, want); err != nil || !made.Expires.Equal(now().Add(30*24*time.Hour)) {
		t.Errorf("without an end: %v, %v", made.Expires, err)
	}
	for name, c := range map[string]struct {
		who    access.Identity
		change func(*access.Token)
		kind   slipway.Kind
		want   string
	}{
		"no name":      {ana, func(t *access.Token) { t.Name = "" }, slipway.Invalid, "a token needs a name of one line"},
		"nobody's":     {ana, func(t *access.Token) { t.Owner = "zoe" }, slipway.Invalid, `the platform file has nobody called "zoe"`},
		"no scopes":    {ana, func(t *access.Token) { t.Scopes = nil }, slipway.Invalid, "say what the token is good for, such as deploy:traffic@prod"},
		"an old end":   {ana, func(t *access.Token) { t.Expires = now() }, slipway.Invalid, "a token needs an end that is still to come, not 2026-11-23 12:00"},
		"a late end":   {ana, func(t *access.Token) { t.Expires = now().Add(91 * 24 * time.Hour) }, slipway.Invalid, "a token is good for 90 days at most"},
		"for another":  {access.Identity{Person: "dee"}, func(*access.Token) {}, slipway.Denied, "dee may not administer access: only owners of the platform may"},
		"more than it": {access.Identity{Person: "ana", Token: "old", Scopes: scopes("deploy@staging", "read")}, func(*access.Token) {}, slipway.Denied, "ana (token old) cannot make a token that is good for more than deploy@staging, read"},
	} {
		t.Run(name, func(t *testing.T) {
			in := access.Token{Name: "ci", Owner: "ana", Scopes: scopes("deploy:traffic@prod"), Expires: now().Add(time.Hour)}
			c.change(&in)
			_, secret, err := p.Issue(c.who, in)
			wantError(t, err, c.kind, c.want)
			if secret != "" {
				t.Error("there is a token")
			}
		})
	}
	narrow := access.Identity{Person: "ana", Token: "old", Scopes: scopes("deploy:traffic")}
	if _, _, err := p.Issue(narrow, access.Token{Name: "ci", Owner: "ana", Scopes: scopes("deploy:traffic@prod")}); err != nil {
		t.Errorf("a token that is good for less: %v", err)
	}
}

func TestGood(t *testing.T) {
	token := access.Token{Name: "ci", Owner: "ana", Expires: now().Add(time.Hour)}
	if err := token.Good(now()); err != nil {
		t.Error(err)
	}
	err := token.Good(now().Add(time.Hour))
	wantDenied(t, err, "the token ci of ana ended on 2026-11-23 13:00")
	token.Ended = now()
	err = token.Good(now())
	wantDenied(t, err, "the token ci of ana was revoked on 2026-11-23 12:00")
	if slipway.FixOf(err) != "get another: slipway login, or slipway token create" {
		t.Errorf("way out %q", slipway.FixOf(err))
	}
}
