package access_test

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway/access"
)

func TestFind(t *testing.T) {
	t.Parallel()
	byMail := &access.SignIn{Claim: "email", Groups: "groups"}
	byLogin := &access.SignIn{Claim: "preferred_username"}
	for name, c := range map[string]struct {
		in     *access.SignIn
		claims access.Claims
		want   access.Identity
		err    string
	}{
		"a verified address":       {byMail, access.Claims{"email": "Ana@Example.com", "email_verified": true}, access.Identity{Person: "ana"}, ""},
		"with groups":              {byMail, access.Claims{"email": "ana@example.com", "email_verified": true, "groups": []any{"eng-web", 7, "x"}}, access.Identity{Person: "ana", Teams: []string{"web"}}, ""},
		"one not verified":         {byMail, access.Claims{"email": "ana@example.com", "email_verified": false}, access.Identity{}, "the e-mail address ana@example.com is not verified by the identity provider"},
		"nothing of it":            {byMail, access.Claims{"email": "ana@example.com"}, access.Identity{}, "the e-mail address ana@example.com is not verified by the identity provider"},
		"verified as text":         {byMail, access.Claims{"email": "ana@example.com", "email_verified": "true"}, access.Identity{}, "the e-mail address ana@example.com is not verified by the identity provider"},
		"no address":               {byMail, access.Claims{"email_verified": true}, access.Identity{}, "the identity provider does not say your email"},
		"an unknown one":           {byMail, access.Claims{"email": "zoe@example.com", "email_verified": true}, access.Identity{}, "the platform file has nobody with the email zoe@example.com"},
		"of two people":            {byMail, access.Claims{"email": "twin@example.com", "email_verified": true}, access.Identity{}, "the platform file has several people with the email twin@example.com: cy, eve"},
		"a login":                  {byLogin, access.Claims{"preferred_username": "ana-gh"}, access.Identity{Person: "ana"}, ""},
		"a short name":             {byLogin, access.Claims{"preferred_username": "bo"}, access.Identity{Person: "bo"}, ""},
		"not the short name":       {byLogin, access.Claims{"preferred_username": "ana"}, access.Identity{}, "the platform file has nobody with the preferred_username ana"},
		"no sign-in":               {nil, access.Claims{}, access.Identity{}, "nobody can sign in here"},
		"an empty login is no one": {byLogin, access.Claims{"preferred_username": ""}, access.Identity{}, "the identity provider does not say your preferred_username"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rules()
			r.SignIn = c.in
			r.People["cy"], r.People["eve"] = access.Person{Email: "twin@example.com"}, access.Person{Email: "twin@example.com"}
			r.Teams["web"] = access.Team{Groups: []string{"eng-web"}}
			got, err := r.Find(c.claims)
			if c.err != "" {
				wantDenied(t, err, c.err)
			} else if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("identity (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFindMachine(t *testing.T) {
	t.Parallel()
	const github, audience = "https://token.actions.githubusercontent.com", "https://slipway.example.com"
	machines := map[string]access.Machine{
		"traffic-ci": {Issuer: github, Audience: audience, As: "data", Scopes: scopes("build"), Claims: map[string]string{"repository": "acme/traffic", "ref": "refs/heads/*"}},
		"shop-ci":    {Issuer: github, Audience: audience, As: "web", Scopes: scopes("deploy"), Claims: map[string]string{"sub": "repo:acme/*:environment:prod"}},
		"nameless":   {Issuer: "https://ci.example.com", Audience: audience, As: "web"},
	}
	good := access.Claims{"repository": "acme/traffic", "ref": "refs/heads/main", "sub": "repo:acme/traffic:ref:refs/heads/main"}
	with := func(name string, value any) access.Claims {
		c := maps.Clone(good)
		c[name] = value
		return c
	}
	for name, c := range map[string]struct {
		issuer   string
		audience []string
		claims   access.Claims
		want     string
		err      string
	}{
		"the machine":            {github, []string{"other", audience}, good, "traffic-ci", ""},
		"by its environment":     {github, []string{audience}, access.Claims{"sub": "repo:acme/shop:environment:prod"}, "shop-ci", ""},
		"another issuer":         {"https://evil.example.com", []string{audience}, good, "", "the platform file has no machine with the issuer https://evil.example.com"},
		"another audience":       {github, []string{"sts.amazonaws.com"}, good, "", "the token is not that of machine traffic-ci: its audience is sts.amazonaws.com, not " + audience},
		"another repository":     {github, []string{audience}, with("repository", "acme/traffic-fork"), "", `the token is not that of machine traffic-ci: repository is "acme/traffic-fork", not "acme/traffic"`},
		"a tag":                  {github, []string{audience}, with("ref", "refs/tags/v1"), "", `the token is not that of machine traffic-ci: ref is "refs/tags/v1", not "refs/heads/*"`},
		"a claim of no text":     {github, []string{audience}, with("ref", true), "", `the token is not that of machine traffic-ci: ref is "", not "refs/heads/*"`},
		"two machines":           {github, []string{audience}, with("sub", "repo:acme/traffic:environment:prod"), "", "the token is that of several machines: shop-ci, traffic-ci"},
		"a machine of no claims": {"https://ci.example.com", []string{audience}, good, "", "the token is not that of machine nameless: the platform file names no claims of it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rules()
			r.Machines = machines
			got, err := r.FindMachine(c.issuer, c.audience, c.claims)
			if c.err != "" {
				wantDenied(t, err, c.err)
			}
			if got.Machine != c.want {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}
