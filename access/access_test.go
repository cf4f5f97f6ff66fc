package access_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
)

func now() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

func rules() access.Rules {
	return access.Rules{
		People: map[string]access.Person{
			"ana": {Email: "ana@example.com", Login: "ana-gh"}, "bo": {Email: "bo@example.com"},
			"cy": {}, "dee": {Login: "dee"}, "eve": {}, "olga": {},
		},
		Roles:     map[string][]string{"qa": {"bo"}, "release": {"cy"}, "empty": nil},
		Teams:     map[string]access.Team{"data": {People: []string{"ana", "bo"}}, "web": {People: []string{"dee"}}, "platform": {People: []string{"olga"}}},
		Deployers: map[string][]string{"local": nil, "staging": nil, "prod": {"release", "data", "web", "eve"}},
		Owners:    []string{"platform"},
		Machines:  map[string]access.Machine{"traffic-ci": {Name: "traffic-ci", As: "data", Scopes: scopes("deploy:traffic@staging", "build")}, "gone": {As: "nobody"}},
		Limits:    access.DefaultLimits(),
	}
}

func scopes(texts ...string) []access.Scope {
	all, err := access.ParseScopes(texts)
	if err != nil {
		panic(err)
	}
	return all
}

func traffic(environment string) access.Object {
	return access.Object{App: "traffic", Team: "data", Environment: environment}
}

func TestMay(t *testing.T) {
	t.Parallel()
	person := func(name string) access.Identity { return access.Identity{Person: name} }
	token := func(name string, all ...string) access.Identity {
		return access.Identity{Person: name, Token: "ci", Scopes: scopes(all...)}
	}
	shop := access.Object{App: "shop", Team: "web", Environment: "prod"}
	alone := access.Object{App: "alone", Environment: "staging"}
	rail := access.Object{App: "traffic", Environment: "prod", Rail: "big", By: []string{"qa", "eve"}}
	const deployersOfTraffic = "role release (cy), team data (ana, bo), eve"
	for name, c := range map[string]struct {
		who  access.Identity
		do   access.Action
		on   access.Object
		want access.Decision
	}{
		"nobody reads":                      {access.Identity{}, access.Read, traffic(""), access.Decision{Why: "nobody knows who asks", Who: "everybody in the platform file"}},
		"a person reads":                    {person("eve"), access.Read, traffic(""), access.Decision{Allowed: true, Why: "everybody in the platform file may read"}},
		"a stranger does not":               {person("zoe"), access.Read, traffic(""), access.Decision{Why: "the platform file has nobody of that name", Who: "everybody in the platform file"}},
		"the team builds":                   {person("ana"), access.Build, traffic(""), access.Decision{Allowed: true, Why: "team data owns the app"}},
		"another team does not":             {person("dee"), access.Build, traffic(""), access.Decision{Why: "the app is of team data", Who: "team data (ana, bo)"}},
		"owners do not either":              {person("olga"), access.Release, traffic(""), access.Decision{Why: "the app is of team data", Who: "team data (ana, bo)"}},
		"an app without a team":             {person("dee"), access.Deploy, alone, access.Decision{Allowed: true, Why: "the app has no team, so that everybody may"}},
		"a team deploys where nobody says":  {person("bo"), access.Deploy, traffic("staging"), access.Decision{Allowed: true, Why: "team data owns the app"}},
		"and nobody else":                   {person("eve"), access.Deploy, traffic("staging"), access.Decision{Why: "the app is of team data", Who: "team data (ana, bo)"}},
		"a deployer by role":                {person("cy"), access.Deploy, traffic("prod"), access.Decision{Allowed: true, Why: "a deployer of prod: role release"}},
		"a deployer by name":                {person("eve"), access.Deploy, shop, access.Decision{Allowed: true, Why: "a deployer of prod: eve"}},
		"a deployer by team":                {person("ana"), access.Deploy, traffic("prod"), access.Decision{Allowed: true, Why: "a deployer of prod: team data"}},
		"a team deploys its own apps":       {person("dee"), access.Deploy, traffic("prod"), access.Decision{Why: "a team deploys its own apps, and this one is of team data", Who: deployersOfTraffic}},
		"no deployer":                       {person("olga"), access.Deploy, traffic("prod"), access.Decision{Why: "not a deployer of prod", Who: deployersOfTraffic}},
		"the team rolls back":               {person("bo"), access.Rollback, traffic("prod"), access.Decision{Allowed: true, Why: "team data owns the app"}},
		"a deployer rolls back":             {person("eve"), access.Rollback, traffic("prod"), access.Decision{Allowed: true, Why: "a deployer of prod: eve"}},
		"a deployer runs":                   {person("cy"), access.Run, traffic("prod"), access.Decision{Allowed: true, Why: "a deployer of prod: role release"}},
		"others do not stop":                {person("olga"), access.Stop, traffic("prod"), access.Decision{Why: "not a deployer of prod", Who: "team data (ana, bo), role release (cy), eve"}},
		"no such environment":               {person("cy"), access.Deploy, traffic("prd"), access.Decision{Why: `there is no environment "prd"`, Who: "team data (ana, bo)"}},
		"a role signs":                      {person("bo"), access.SignOff, access.Object{App: "traffic", Environment: "prod", Role: "qa"}, access.Decision{Allowed: true, Why: "role qa"}},
		"others do not sign":                {person("ana"), access.SignOff, access.Object{App: "traffic", Environment: "prod", Role: "qa"}, access.Decision{Why: "it takes the role qa", Who: "role qa (bo)"}},
		"a role without people":             {person("ana"), access.SignOff, access.Object{App: "traffic", Environment: "prod", Role: "empty"}, access.Decision{Why: "it takes the role empty"}},
		"a rail by whom it names":           {person("bo"), access.Grant, rail, access.Decision{Allowed: true, Why: "the guard rail names role qa"}},
		"a rail that names others":          {person("olga"), access.Grant, rail, access.Decision{Why: "the guard rail does not name them", Who: "role qa (bo), eve"}},
		"a rail that names nobody":          {person("olga"), access.Grant, access.Object{App: "traffic", Environment: "prod", Rail: "big"}, access.Decision{Allowed: true, Why: "an owner of the platform: team platform"}},
		"owners administer":                 {person("olga"), access.Admin, access.Object{}, access.Decision{Allowed: true, Why: "an owner of the platform: team platform"}},
		"others do not":                     {person("ana"), access.Admin, access.Object{}, access.Decision{Why: "only owners of the platform may", Who: "team platform (olga)"}},
		"no such action":                    {person("ana"), "fly", traffic(""), access.Decision{Why: `there is no action "fly"`}},
		"a token within its scope":          {token("ana", "deploy:traffic@prod"), access.Deploy, traffic("prod"), access.Decision{Allowed: true, Why: "a deployer of prod: team data"}},
		"a token in another environment":    {token("ana", "deploy:traffic@prod"), access.Deploy, traffic("staging"), access.Decision{Why: "ana (token ci) is good for deploy:traffic@prod only", Who: "team data (ana, bo)"}},
		"a token for another app":           {token("eve", "deploy:traffic", "run"), access.Deploy, shop, access.Decision{Why: "eve (token ci) is good for deploy:traffic, run only", Who: "role release (cy), team web (dee), eve"}},
		"a token reads what it deploys":     {token("ana", "deploy:traffic@prod"), access.Read, traffic(""), access.Decision{Allowed: true, Why: "everybody in the platform file may read"}},
		"a token reads nothing else":        {token("ana", "deploy:traffic@prod"), access.Read, access.Object{App: "shop"}, access.Decision{Why: "ana (token ci) is good for deploy:traffic@prod only", Who: "everybody in the platform file"}},
		"a token for all of prod":           {token("olga", "all@prod"), access.Admin, access.Object{}, access.Decision{Why: "olga (token ci) is good for all@prod only", Who: "team platform (olga)"}},
		"a token for all of an app":         {token("olga", "all:traffic"), access.Admin, access.Object{App: "traffic"}, access.Decision{Why: "olga (token ci) is good for all:traffic only", Who: "team platform (olga)"}},
		"a token is no more than its owner": {token("dee", "all"), access.Deploy, traffic("prod"), access.Decision{Why: "a team deploys its own apps, and this one is of team data", Who: deployersOfTraffic}},
		"a token without scopes":            {access.Token{Name: "ci", Owner: "ana"}.Identity(), access.Read, traffic(""), access.Decision{Why: "ana (token ci) is good for nothing only", Who: "everybody in the platform file"}},
		"a machine":                         {access.Identity{Machine: "traffic-ci"}, access.Deploy, traffic("staging"), access.Decision{Allowed: true, Why: "team data owns the app"}},
		"a machine beyond its scopes":       {access.Identity{Machine: "traffic-ci"}, access.Deploy, traffic("prod"), access.Decision{Why: "machine traffic-ci is good for deploy:traffic@staging, build only", Who: deployersOfTraffic}},
		"a machine beyond whom it is for":   {access.Identity{Machine: "traffic-ci"}, access.Build, shop, access.Decision{Why: "the app is of team web", Who: "team web (dee)"}},
		"a machine for nobody":              {access.Identity{Machine: "gone", Scopes: scopes("all")}, access.Read, shop, access.Decision{Why: "machine gone is good for nothing only", Who: "everybody in the platform file"}},
		"no such machine":                   {access.Identity{Machine: "x", Person: "olga"}, access.Read, shop, access.Decision{Why: "the platform file has no machine x", Who: "everybody in the platform file"}},
		"a team by group":                   {access.Identity{Person: "eve", Teams: []string{"data"}}, access.Build, traffic(""), access.Decision{Allowed: true, Why: "team data owns the app"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := access.Policy{Rules: rules(), Now: now()}
			if diff := cmp.Diff(c.want, p.May(c.who, c.do, c.on)); diff != "" {
				t.Errorf("decision (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlatformWithoutPeople(t *testing.T) {
	p := access.Policy{Now: now()}
	for _, do := range access.Actions() {
		on := access.Object{App: "traffic", Team: "data", Environment: "local"}
		if d := p.May(access.Identity{Person: "mara"}, do, on); !d.Allowed || !strings.HasPrefix(d.Why, "the platform names no people") {
			t.Errorf("%s: %+v", do, d)
		}
		if p.May(access.Identity{}, do, on).Allowed {
			t.Errorf("%s: nobody may", do)
		}
		if p.May(access.Identity{Person: "mara", Scopes: []access.Scope{}}, do, on).Allowed {
			t.Errorf("%s: a token without scopes may", do)
		}
	}
}

func TestDecisionErr(t *testing.T) {
	p := access.Policy{Rules: rules(), Now: now()}
	dee := access.Identity{Person: "dee"}
	for do, want := range map[access.Action]string{
		access.Deploy:   "dee may not deploy traffic in prod: a team deploys its own apps, and this one is of team data",
		access.Rollback: "dee may not roll back traffic in prod: a team deploys its own apps, and this one is of team data",
		access.SignOff:  "dee may not sign off as qa for traffic in prod: it takes the role qa",
		access.Grant:    "dee may not open the guard rail big for traffic in prod: only owners of the platform may",
	} {
		on := traffic("prod")
		on.Role, on.Rail = "qa", "big"
		err := p.May(dee, do, on).Err(dee, do, on)
		wantDenied(t, err, want)
		if fix := slipway.FixOf(err); !strings.HasPrefix(fix, "who may: ") {
			t.Errorf("%s: way out %q", do, fix)
		}
	}
	err := p.May(dee, access.Admin, access.Object{}).Err(dee, access.Admin, access.Object{})
	wantDenied(t, err, "dee may not administer access: only owners of the platform may")
	if err := (access.Decision{Allowed: true}).Err(dee, access.Read, access.Object{}); err != nil {
		t.Error(err)
	}
}

func wantDenied(t *testing.T, err error, text string) {
	t.Helper()
	wantError(t, err, slipway.Denied, text)
}

func wantError(t *testing.T, err error, kind slipway.Kind, text string) {
	t.Helper()
	if err == nil || slipway.KindOf(err) != kind || err.Error() != text {
		t.Errorf("got %v (%s)\nwant %s (%s)", err, slipway.KindOf(err), text, kind)
	}
}

func TestScopes(t *testing.T) {
	for _, text := range []string{"all", "read", "deploy", "deploy:traffic", "deploy@prod", "deploy:traffic@prod", "all:traffic@prod", "admin"} {
		s, err := access.ParseScope(text)
		if err != nil || s.String() != text {
			t.Errorf("%s: %v, %v", text, s, err)
		}
	}
	for text, want := range map[string]string{
		"":                 `"" is not a scope: "" is no action`,
		"depoy":            `"depoy" is not a scope: "depoy" is no action`,
		"deploy:":          `"deploy:" is not a scope: a name is missing`,
		"deploy@":          `"deploy@" is not a scope: a name is missing`,
		"deploy:a:b":       `"deploy:a:b" is not a scope: a name has no such characters`,
		"deploy@prod@prod": `"deploy@prod@prod" is not a scope: a name has no such characters`,
		"admin:traffic":    `"admin:traffic" is not a scope: admin is about everything`,
		"build@prod":       `"build@prod" is not a scope: build is not done in an environment`,
	} {
		_, err := access.ParseScope(text)
		wantError(t, err, slipway.Invalid, want)
		if !strings.Contains(slipway.FixOf(err), "ACTION:APP@ENVIRONMENT") {
			t.Errorf("%s: way out %q", text, slipway.FixOf(err))
		}
	}
}

func FuzzParseScope(f *testing.F) {
	for _, text := range []string{"all", "deploy:traffic@prod", "build@prod", "@:", "deploy:a@b:c"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := access.ParseScope(text)
		if err != nil {
			return
		}
		if s.String() != text {
			t.Errorf("%q is written %q", text, s.String())
		}
	})
}
