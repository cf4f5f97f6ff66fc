package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/policy"
	"github.com/slipway-cd/slipway/promote"
)

// railSignOffs are the sign-offs for a release that open rails: a yes in one of the
// roles that the rail names, unless somebody in them says no.
func (f *Flow) railSignOffs(ctx context.Context, p *Place, book *policy.Book, h ledger.History, r slipway.Release, record slipway.Digest) ([]slipway.RailGrant, error) {
	rails := f.signOffRails(book, p.Environment.Name)
	if len(rails) == 0 || len(h.SignedFor(r.Version)) == 0 {
		return nil, nil
	}
	signed, err := promote.ReadSigned(ctx, p.Repository, h, r.Version)
	if err != nil {
		return nil, err
	}
	said := promote.Judge(f.signing(p.Environment, r), r, record, p.Environment.Name, signed).Said
	var all []slipway.RailGrant
	for _, rail := range rails {
		all = append(all, answers(rail, said)...)
	}
	return all, nil
}

// answers are what people in the roles of a rail say to a release.
func answers(rail policy.Rail, said []promote.Said) []slipway.RailGrant {
	var all []slipway.RailGrant
	refused := ""
	for _, s := range said {
		if !slices.Contains(rail.By, s.Role) || s.Replaced || s.Answer == slipway.Withdrawn {
			continue
		}
		if s.Answer == slipway.No {
			if s.Counts {
				refused = s.String()
			}
			continue
		}
		all = append(all, slipway.RailGrant{
			Rail: rail.Name, By: s.Person, As: s.Role, Why: s.Comment, Until: s.Until, Condition: rail.Condition(), Statement: s.Statement, Void: s.Why,
		})
	}
	for i := range all {
		if refused != "" && all[i].Void == "" {
			all[i].Void = refused
		}
	}
	return all
}

// signOffRails are the rails that ask for a sign-off of the app in an environment.
func (f *Flow) signOffRails(book *policy.Book, env string) []policy.Rail {
	return slices.DeleteFunc(book.Rails(), func(r policy.Rail) bool {
		return r.Effect != slipway.RailSignOff || !r.IsFor(f.Project.Manifest.Shape.Name, env)
	})
}

// railRoles are the roles that rails of an environment ask to sign.
func (f *Flow) railRoles(ctx context.Context, env string) ([]string, error) {
	book, err := f.Rails(ctx)
	if err != nil {
		return nil, err
	}
	var roles []string
	for _, r := range f.signOffRails(book, env) {
		roles = append(roles, r.By...)
	}
	slices.Sort(roles)
	return slices.Compact(roles), nil
}

// signing are the rules for who may sign for a release, whether or not anybody has
// to.
func (f *Flow) signing(e manifest.Environment, r slipway.Release) promote.Rules {
	return signing(f.Project.Platform, e, r, f.Clock())
}

// signing are the rules of a platform at a time.
func signing(p *manifest.Platform, e manifest.Environment, r slipway.Release, at time.Time) promote.Rules {
	rules := promote.Rules{Policy: p.PolicyAt(at), Needs: needs(e.SignOffs), Now: at}
	if e.Segregate {
		rules.Barred = makers(p.People, r)
	}
	return rules
}

// ways says what people can do about a rail that is closed, and what the manifest
// asks for.
func (f *Flow) ways(h *slipway.RailHit, plan slipway.Plan, a about) {
	ask := f.wish(h.Rail)
	if ask != nil {
		h.Asked = fmt.Sprintf("%s asks for it until %s: %s", manifest.FileName, ask.Until.Format(time.DateOnly), ask.Why)
	}
	if !h.Closed() || h.Effect == slipway.RailBlocks {
		return
	}
	who := slices.DeleteFunc(f.Project.Platform.WhoeverAt(h.By, f.Clock()), func(person string) bool { return len(f.Policy().Keys[person]) == 0 })
	t := plan.Target
	switch {
	case len(who) == 0:
		h.Ways = []string{fmt.Sprintf("nobody in %s has a key: the platform team keeps roles.NAME.people and people.NAME.keys", strings.Join(h.By, " or "))}
	case h.Effect == slipway.RailException:
		until, why := "DATE", "TEXT"
		if ask != nil {
			until, why = ask.Until.Format(time.DateOnly), "'"+strings.ReplaceAll(ask.Why, "'", `'\\''`)+"'"
		}
		h.Ways = []string{fmt.Sprintf("%s: slipway grant %s %s %s --until %s --why %s", strings.Join(who, " or "), t.App, h.Rail, t.Environment, until, why)}
	case a.record == "":
		h.Ways = []string{fmt.Sprintf("make a release, and have %s sign for it", strings.Join(who, " or "))}
	default:
		h.Ways = f.signers(h.By, t)
	}
}

// signers says who can sign for a release in some roles, a line for each role.
func (f *Flow) signers(roles []string, t slipway.Target) []string {
	var ways []string
	p := f.Policy()
	for _, role := range roles {
		who := slices.DeleteFunc(slices.Clone(p.Roles[role]), func(person string) bool { return len(p.Keys[person]) == 0 })
		if len(who) > 0 {
			ways = append(ways, fmt.Sprintf("%s: slipway sign-off %s %s --as %s", strings.Join(who, " or "), t.Version, t.Environment, role))
		}
	}
	return ways
}

// wish is the manifest's request to cross a rail; nil: there is none.
func (f *Flow) wish(rail string) *manifest.Ask {
	for _, ask := range f.Project.Manifest.Ask {
		if ask.Rail == rail {
			return &ask
		}
	}
	return nil
}
