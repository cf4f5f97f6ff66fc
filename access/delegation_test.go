package access_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
)

func handed(id, from, to string, texts ...string) access.Delegation {
	return access.Delegation{ID: id, From: from, By: from, To: to, Scopes: scopes(texts...), Why: "vacation", Made: now().Add(-time.Hour), Until: now().Add(time.Hour)}
}

func TestDelegation(t *testing.T) {
	chain := []access.Delegation{
		handed("d3", "web", "olga", "deploy:traffic@prod"),
		handed("d2", "eve", "web", "deploy:traffic@prod", "run"),
		handed("d1", "data", "eve", "all:traffic"),
	}
	p := access.Policy{Rules: rules(), Now: now(), Delegations: chain}
	d := p.May(access.Identity{Person: "olga"}, access.Deploy, traffic("staging"))
	if d.Allowed {
		t.Errorf("staging was not handed over: %+v", d)
	}
	p.Rules.Deployers["prod"] = []string{"data"}
	d = p.May(access.Identity{Person: "olga"}, access.Deploy, traffic("prod"))
	const why = "web handed it over to olga until 2026-11-23 13:00 (d3); eve handed it over to web until 2026-11-23 13:00 (d2); " +
		"data handed it over to eve until 2026-11-23 13:00 (d1); a deployer of prod: team data"
	if !d.Allowed || d.Why != why {
		t.Errorf("got %+v\nwant %s", d, why)
	}
	if d := p.May(access.Identity{Person: "olga", Token: "ci", Scopes: scopes("read")}, access.Deploy, traffic("prod")); d.Allowed {
		t.Error("a token is good for what was handed over, beyond its scopes")
	}
	for name, change := range map[string]func(*access.Policy){
		"the root was revoked":        func(p *access.Policy) { p.Delegations[2].Ended = now() },
		"the root has ended":          func(p *access.Policy) { p.Delegations[2].Until = now() },
		"the root is not yet":         func(p *access.Policy) { p.Delegations[2].Made = now().Add(time.Second) },
		"the middle was revoked":      func(p *access.Policy) { p.Delegations[1].Ended = now() },
		"the root has lost the right": func(p *access.Policy) { p.Rules.Deployers["prod"] = []string{"bo"} },
		"the root's team is gone":     func(p *access.Policy) { delete(p.Rules.Teams, "data") },
	} {
		p := access.Policy{Rules: rules(), Now: now(), Delegations: slices.Clone(chain)}
		p.Rules.Deployers["prod"] = []string{"data"}
		change(&p)
		if d := p.May(access.Identity{Person: "olga"}, access.Deploy, traffic("prod")); d.Allowed {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

func TestDelegate(t *testing.T) {
	t.Parallel()
	teams := map[string]string{"traffic": "data", "shop": "web"}
	ana, olga := access.Identity{Person: "ana"}, access.Identity{Person: "olga"}
	for name, c := range map[string]struct {
		who    access.Identity
		change func(*access.Delegation)
		kind   slipway.Kind
		want   string
	}{
		"of one's own":            {ana, func(*access.Delegation) {}, "", ""},
		"of the team":             {ana, func(d *access.Delegation) { d.From = "data" }, "", ""},
		"any environment":         {ana, func(d *access.Delegation) { d.Scopes = scopes("run:traffic") }, "", ""},
		"any app":                 {ana, func(d *access.Delegation) { d.Scopes = scopes("all") }, "", ""},
		"by a good token":         {access.Identity{Person: "ana", Token: "x", Scopes: scopes("deploy:traffic@prod")}, func(*access.Delegation) {}, "", ""},
		"beyond the token":        {access.Identity{Person: "ana", Token: "x", Scopes: scopes("read")}, func(*access.Delegation) {}, slipway.Denied, "ana (token x) cannot hand over more than read"},
		"wider than the token":    {access.Identity{Person: "ana", Token: "x", Scopes: scopes("deploy:traffic@prod")}, func(d *access.Delegation) { d.Scopes = scopes("deploy") }, slipway.Denied, "ana (token x) cannot hand over more than deploy:traffic@prod"},
		"by a token for all":      {access.Identity{Person: "ana", Token: "x", Scopes: scopes("all")}, func(*access.Delegation) {}, "", ""},
		"what one does not have":  {olga, func(d *access.Delegation) { d.From = "olga"; d.To = "ana" }, slipway.Denied, "olga has nothing of deploy:traffic@prod to hand over: not a deployer of prod"},
		"another's":               {olga, func(*access.Delegation) {}, slipway.Denied, "olga may not hand over what ana may do"},
		"another team's":          {olga, func(d *access.Delegation) { d.From = "data" }, slipway.Denied, "olga may not hand over what data may do"},
		"by a machine":            {access.Identity{Machine: "traffic-ci"}, func(d *access.Delegation) { d.From = "data" }, slipway.Denied, "machine traffic-ci may not hand rights over: only people do"},
		"no id":                   {ana, func(d *access.Delegation) { d.ID = "" }, slipway.Invalid, "a delegation needs an id"},
		"from whom nobody knows":  {ana, func(d *access.Delegation) { d.From = "x" }, slipway.Invalid, `the platform file has no person and no team "x"`},
		"to whom nobody knows":    {ana, func(d *access.Delegation) { d.To = "qa" }, slipway.Invalid, `the platform file has no person and no team "qa"`},
		"to oneself":              {ana, func(d *access.Delegation) { d.To = "ana" }, slipway.Invalid, "ana has it already"},
		"nothing":                 {ana, func(d *access.Delegation) { d.Scopes = nil }, slipway.Invalid, "say what is handed over, such as deploy:traffic@prod"},
		"no end":                  {ana, func(d *access.Delegation) { d.Until = now() }, slipway.Invalid, "a delegation needs an end that is still to come, not 2026-11-23 12:00"},
		"no reason":               {ana, func(d *access.Delegation) { d.Why = "" }, slipway.Invalid, "say why, for those who read it later"},
		"administration":          {olga, func(d *access.Delegation) { d.From, d.Scopes = "olga", scopes("admin") }, slipway.Invalid, "admin cannot be handed over"},
		"a sign-off":              {ana, func(d *access.Delegation) { d.Scopes = scopes("sign-off@prod") }, slipway.Invalid, "sign-off cannot be handed over"},
		"of an app of others":     {ana, func(d *access.Delegation) { d.Scopes = scopes("build:shop") }, slipway.Denied, "ana has nothing of build:shop to hand over: the app is of team web"},
		"an environment too many": {ana, func(d *access.Delegation) { d.Scopes = scopes("run@prd") }, slipway.Denied, `ana has nothing of run@prd to hand over: there is no environment "prd"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := access.Policy{Rules: rules(), Now: now()}
			d := handed("d1", "ana", "dee", "deploy:traffic@prod")
			d.By = "somebody else"
			c.change(&d)
			got, err := p.Delegate(c.who, d, teams)
			if c.want != "" {
				wantError(t, err, c.kind, c.want)
				return
			}
			if err != nil || got.By != c.who.Person || !got.Made.Equal(now()) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestMayRevoke(t *testing.T) {
	p := access.Policy{Rules: rules(), Now: now()}
	d := handed("d1", "data", "dee", "deploy")
	for who, want := range map[string]bool{"ana": true, "bo": true, "olga": true, "dee": false, "cy": false, "zoe": false} {
		got := p.MayRevoke(access.Identity{Person: who}, d)
		if got.Allowed != want {
			t.Errorf("%s: %+v", who, got)
		}
		if !want && got.Who != "team data (ana, bo), team platform (olga)" {
			t.Errorf("%s is told of %s", who, got.Who)
		}
	}
	if p.MayRevoke(access.Identity{Person: "ana", Scopes: scopes("deploy")}, d).Allowed {
		t.Error("a token for deployments revokes")
	}
	if !p.MayRevoke(access.Identity{Person: "ana", Scopes: scopes("all")}, d).Allowed {
		t.Error("a token for everything does not revoke")
	}
}

func TestHolds(t *testing.T) {
	p := access.Policy{Rules: rules(), Now: now()}
	for want, change := range map[string]func(*access.Delegation){
		"":                                      func(*access.Delegation) {},
		"olga took it back on 2026-11-23 12:00": func(d *access.Delegation) { d.Ended, d.EndedBy = now(), "olga" },
		"it ended on 2026-11-23 12:00":          func(d *access.Delegation) { d.Until = now() },
		"the platform file has no x any more":   func(d *access.Delegation) { d.From = "x" },
		"the platform file has no y any more":   func(d *access.Delegation) { d.To = "y" },
	} {
		d := handed("d1", "data", "dee", "deploy")
		change(&d)
		if why, ok := p.Holds(d); why != want || ok != (want == "") {
			t.Errorf("got %q, %v; want %q", why, ok, want)
		}
	}
}

// drawDelegations makes any web of delegations among the people and teams there are.
func drawDelegations(t *rapid.T) []access.Delegation {
	names := []string{"ana", "bo", "cy", "dee", "eve", "olga", "data", "web", "platform"}
	texts := []string{"all", "deploy", "deploy:traffic", "deploy@prod", "run:traffic@staging", "build", "grant"}
	var all []access.Delegation
	for i := range rapid.IntRange(0, 12).Draw(t, "delegations") {
		d := handed(fmt.Sprint("d", i), rapid.SampledFrom(names).Draw(t, "from"), rapid.SampledFrom(names).Draw(t, "to"), rapid.SampledFrom(texts).Draw(t, "scope"))
		d.Until = now().Add(time.Duration(rapid.IntRange(-2, 5).Draw(t, "until")) * time.Hour)
		if rapid.IntRange(0, 4).Draw(t, "revoked") == 0 {
			d.Ended = now().Add(-time.Minute)
		}
		all = append(all, d)
	}
	return all
}

func drawQuestion(t *rapid.T) (string, access.Action, access.Object) {
	who := rapid.SampledFrom([]string{"ana", "bo", "cy", "dee", "eve", "olga"}).Draw(t, "who")
	do := rapid.SampledFrom(access.Actions()).Draw(t, "do")
	app := rapid.SampledFrom([]access.Object{{App: "traffic", Team: "data"}, {App: "shop", Team: "web"}}).Draw(t, "app")
	app.Environment = rapid.SampledFrom([]string{"local", "staging", "prod"}).Draw(t, "environment")
	app.Role, app.Rail = "qa", "big"
	return who, do, app
}

// own answers by the file alone.
func own(r access.Rules, who access.Identity, do access.Action, on access.Object) bool {
	return access.Policy{Rules: r, Now: now()}.May(who, do, on).Allowed
}

// TestNoChainGivesMoreThanItsRoot finds for each yes that rests on delegations
// somebody who may do it alone, and from whom good delegations that reach that far
// lead to the one who asks.
func TestNoChainGivesMoreThanItsRoot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := access.Policy{Rules: rules(), Now: now(), Delegations: drawDelegations(t)}
		who, do, on := drawQuestion(t)
		if want, got := reaches(p, who, do, on), p.May(access.Identity{Person: who}, do, on); got.Allowed != want {
			t.Fatalf("%s %s %+v: got %+v, want %v", who, do, on, got, want)
		}
	})
}

// reaches is a model of May: forwards from those who may alone, until nothing is new.
func reaches(p access.Policy, who string, do access.Action, on access.Object) bool {
	has := map[string]bool{}
	for name := range p.Rules.People {
		has[name] = own(p.Rules, access.Identity{Person: name}, do, on)
	}
	for name := range p.Rules.Teams { // what a team may is what somebody may who is in it alone
		r := p.Rules
		r.People = map[string]access.Person{"probe": {}}
		has[name] = own(r, access.Identity{Person: "probe", Teams: []string{name}}, do, on)
	}
	if slices.Contains([]access.Action{access.Read, access.SignOff, access.Admin}, do) {
		return has[who]
	}
	for range p.Delegations {
		for _, d := range p.Delegations {
			good := now().Before(d.Until) && d.Ended.IsZero()
			reach := slices.ContainsFunc(d.Scopes, func(s access.Scope) bool {
				return (s.Action == "" || s.Action == do) && (s.App == "" || s.App == on.App) &&
					(s.Environment == "" || s.Environment == on.Environment && !slices.Contains([]access.Action{access.Build, access.Release}, do))
			})
			if !good || !reach || !has[d.From] {
				continue
			}
			has[d.To] = true
			for _, member := range p.Rules.Teams[d.To].People {
				has[member] = true
			}
		}
	}
	return has[who]
}

func TestRevokingTheRootVoidsAllBelow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := access.Policy{Rules: rules(), Now: now(), Delegations: drawDelegations(t)}
		who, do, on := drawQuestion(t)
		for i := range p.Delegations { // whoever had it of themselves takes it back
			root := p.Delegations[i].From
			if own(p.Rules, access.Identity{Person: root}, do, on) || slices.Contains([]string{"data", "web", "platform"}, root) {
				p.Delegations[i].Ended, p.Delegations[i].EndedBy = now(), root
			}
		}
		if got := p.May(access.Identity{Person: who}, do, on); got.Allowed && strings.Contains(got.Why, "handed it over") {
			t.Fatalf("%s %s %+v: %+v", who, do, on, got)
		}
	})
}

func TestNothingOutlivesItsEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := access.Policy{Rules: rules(), Now: now().Add(6 * time.Hour), Delegations: drawDelegations(t)}
		who, do, on := drawQuestion(t)
		if got := p.May(access.Identity{Person: who}, do, on).Allowed; got != own(p.Rules, access.Identity{Person: who}, do, on) {
			t.Fatalf("%s %s %+v: %v after every end", who, do, on, got)
		}
	})
}
