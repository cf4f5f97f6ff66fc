package access

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
)

// May says whether somebody may do something now. An action in an environment that
// the platform does not have is never allowed.
func (p Policy) May(who Identity, do Action, on Object) Decision {
	why, ok := p.bounded(who, do, on)
	if ok {
		why, ok = p.may(p.party(who), do, on, map[string]bool{})
	}
	if ok {
		return Decision{Allowed: true, Why: why}
	}
	return Decision{Why: why, Who: p.Rules.could(do, on)}
}

// Err returns the decision as an error: nil where it is yes, and else of kind Denied,
// saying why and who could.
func (d Decision) Err(who Identity, do Action, on Object) error {
	if d.Allowed {
		return nil
	}
	err := slipway.Errorf(slipway.Denied, "%s: %s", strings.TrimSpace(fmt.Sprintf("%s may not %s %s", who, act(do, on), on)), d.Why)
	if d.Who == "" {
		return err
	}
	return err.WithFix("who may: %s", d.Who)
}

// act names an action with what only some of them have.
func act(do Action, on Object) string {
	switch do {
	case SignOff:
		return "sign off as " + on.Role + " for"
	case Grant:
		return "open the guard rail " + on.Rail + " for"
	case Admin:
		return "administer access"
	case Rollback:
		return "roll back"
	default:
		return string(do)
	}
}

// party is whose rights somebody has.
func (p Policy) party(who Identity) party {
	if who.Machine != "" {
		return p.Rules.of(p.Rules.Machines[who.Machine].As)
	}
	return p.Rules.person(who.Person, who.Teams)
}

// bounded says whether scopes let it through, and whether there is anybody at all.
func (p Policy) bounded(who Identity, do Action, on Object) (why string, ok bool) {
	switch _, known := p.Rules.People[who.Person]; {
	case who.Machine != "":
		m, there := p.Rules.Machines[who.Machine]
		if !there {
			return "the platform file has no machine " + who.Machine, false
		}
		who.Scopes = append([]Scope{}, m.Scopes...) // none: good for nothing
	case who.Person == "":
		return "nobody knows who asks", false
	case !known && !p.Rules.open():
		return "the platform file has nobody of that name", false
	}
	if who.Scopes != nil && !covered(who.Scopes, do, on) {
		bound := JoinScopes(who.Scopes)
		if bound == "" {
			bound = "nothing"
		}
		return fmt.Sprintf("%s is good for %s only", who, bound), false
	}
	return "", true
}

// may says whether a party may do something, of its own right or by a delegation.
// Each delegation is looked at once, so that a circle of them ends.
func (p Policy) may(who party, do Action, on Object, seen map[string]bool) (why string, ok bool) {
	why, ok = p.Rules.own(who, do, on)
	if ok || !delegable(do) {
		return why, ok
	}
	for _, d := range p.Delegations {
		if seen[d.ID] || !d.holds(p.Now) || !covered(d.Scopes, do, on) || !who.has(d.To) {
			continue
		}
		seen[d.ID] = true
		if root, ok := p.may(p.Rules.of(d.From), do, on, seen); ok {
			return fmt.Sprintf("%s handed it over to %s until %s (%s); %s", d.From, d.To, day(d.Until), d.ID, root), true
		}
	}
	return why, false
}

// has reports whether a party is, or is in, the named person or team.
func (p party) has(name string) bool {
	_, ok := p.among([]string{name})
	return ok
}

// own says what a party may do by the file alone.
func (r Rules) own(who party, do Action, on Object) (why string, ok bool) {
	if r.open() {
		return "the platform names no people, so that everybody who is let in may do everything", true
	}
	if who.nobody() {
		return "the platform file has nobody of that name any more", false
	}
	if _, there := r.Deployers[on.Environment]; do.inEnvironment() && !there {
		return fmt.Sprintf("there is no environment %q", on.Environment), false
	}
	switch do {
	case Read:
		return "everybody in the platform file may read", true
	case Build, Release:
		return r.owns(who, on)
	case Deploy:
		return r.deploys(who, on)
	case Rollback, Run, Stop:
		if why, ok := r.owns(who, on); ok {
			return why, ok
		}
		return r.deploys(who, on)
	case SignOff:
		if slices.Contains(who.roles, on.Role) {
			return "role " + on.Role, true
		}
		return "it takes the role " + on.Role, false
	case Grant:
		if len(on.By) > 0 {
			return listed(who, on.By, "the guard rail names", "the guard rail does not name them")
		}
		return listed(who, r.Owners, "an owner of the platform:", "only owners of the platform may")
	case Admin:
		return listed(who, r.Owners, "an owner of the platform:", "only owners of the platform may")
	default:
		return fmt.Sprintf("there is no action %q", do), false
	}
}

func listed(who party, names []string, yes, no string) (string, bool) {
	if name, ok := who.among(names); ok {
		return yes + " " + name, true
	}
	return no, false
}

// owns says whether an app is the party's.
func (r Rules) owns(who party, on Object) (why string, ok bool) {
	if on.Team == "" {
		return "the app has no team, so that everybody may", true
	}
	if slices.Contains(who.teams, on.Team) {
		return "team " + on.Team + " owns the app", true
	}
	return "the app is of team " + on.Team, false
}

// deploys says whether a party is among the deployers: a person or a role for every
// app, a team for its own.
func (r Rules) deploys(who party, on Object) (why string, ok bool) {
	list := r.Deployers[on.Environment]
	if len(list) == 0 {
		return r.owns(who, on)
	}
	teamsOnly := false
	for _, name := range list {
		by, ok := who.among([]string{name})
		if !ok {
			continue
		}
		_, isTeam := strings.CutPrefix(by, "team ")
		if !isTeam || on.Team == "" || on.Team == name {
			return fmt.Sprintf("a deployer of %s: %s", on.Environment, by), true
		}
		teamsOnly = true
	}
	if teamsOnly {
		return "a team deploys its own apps, and this one is of team " + on.Team, false
	}
	return "not a deployer of " + on.Environment, false
}

// could names those who may do something by the file.
func (r Rules) could(do Action, on Object) string {
	var names []string
	switch do {
	case Read:
		return "everybody in the platform file"
	case Build, Release:
		names = r.team(on)
	case Deploy:
		names = r.deployers(on)
	case Rollback, Run, Stop:
		names = append(r.team(on), r.deployers(on)...)
	case SignOff:
		names = []string{on.Role}
	case Grant:
		if names = on.By; len(names) == 0 {
			names = r.Owners
		}
	case Admin:
		names = r.Owners
	}
	var texts []string
	for _, name := range names {
		if text := r.named(name); text != "" && !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, ", ")
}

func (r Rules) team(on Object) []string {
	if on.Team == "" {
		return nil
	}
	return []string{on.Team}
}

// deployers are those who may deploy this app there.
func (r Rules) deployers(on Object) []string {
	list := r.Deployers[on.Environment]
	if len(list) == 0 {
		return r.team(on)
	}
	return slices.DeleteFunc(slices.Clone(list), func(name string) bool {
		_, isTeam := r.Teams[name]
		_, isRole := r.Roles[name]
		_, isPerson := r.People[name]
		return isTeam && !isRole && !isPerson && on.Team != "" && on.Team != name
	})
}

// named says what a name stands for, and who that is; empty if it stands for nobody.
func (r Rules) named(name string) string {
	if _, ok := r.People[name]; ok {
		return name
	}
	if people := r.Roles[name]; len(people) > 0 {
		return fmt.Sprintf("role %s (%s)", name, strings.Join(people, ", "))
	}
	if team, ok := r.Teams[name]; ok {
		if members := slices.Concat(team.People, team.Groups); len(members) > 0 {
			return fmt.Sprintf("team %s (%s)", name, strings.Join(members, ", "))
		}
	}
	return ""
}

// Known returns the people of the platform, sorted.
func (r Rules) Known() []string { return slices.Sorted(maps.Keys(r.People)) }
