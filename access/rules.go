package access

import (
	"maps"
	"slices"
	"time"
)

// Rules are the part of the platform file that access follows from. The zero Rules
// are those of a platform that names no people: then everybody who is recognized
// may do everything, as on a laptop.
type Rules struct {
	People map[string]Person
	Roles  map[string][]string // people by role
	Teams  map[string]Team
	// Deployers are the people, roles and teams who may deploy, by environment. An
	// environment that is not in it does not exist; an empty list leaves it to the
	// teams.
	Deployers map[string][]string
	Owners    []string // people, roles and teams who administer
	Machines  map[string]Machine
	SignIn    *SignIn // nil: nobody signs in, there are only tokens
	Limits    Limits
}

// A Person is how somebody is found who signs in.
type Person struct {
	Email string
	Login string
}

// A Team owns apps.
type Team struct {
	People []string
	Groups []string // of the identity provider, whose members are in the team
}

// A Machine is something outside that proves who it is by a token of its own
// provider, such as a workflow at GitHub.
type Machine struct {
	Name     string
	Issuer   string
	Audience string
	Claims   map[string]string // a claim's value, in which * stands for any text
	As       string            // the person, role or team that it acts for
	Scopes   []Scope           // what it may do of what that one may
}

// SignIn is the identity provider by which people sign in.
type SignIn struct {
	Issuer    string
	Client    string
	SecretRef string   // reference to the client's secret; empty: it has none
	Claim     string   // that finds the person: email, preferred_username or another
	Groups    string   // the claim with the person's groups; empty: they are not asked for
	Scopes    []string // asked for beside openid
}

// Limits bound how long things are good for.
type Limits struct {
	Token    time.Duration // the longest life of a token
	Idle     time.Duration // a session that nobody uses ends
	Session  time.Duration // and any other
	SignedIn time.Duration // the life of a token that `slipway login` gets
}

// DefaultLimits hold where the platform says nothing else.
func DefaultLimits() Limits {
	return Limits{Token: 90 * 24 * time.Hour, Idle: 12 * time.Hour, Session: 7 * 24 * time.Hour, SignedIn: 12 * time.Hour}
}

// open reports whether the platform names nobody, so that everybody may everything.
func (r Rules) open() bool { return len(r.People) == 0 }

// A party is whose rights are asked for: a person with their roles and teams, or a
// team or role as such.
type party struct {
	person       string
	roles, teams []string
}

// of returns the party that a name in the file stands for; nobody if it has none.
func (r Rules) of(name string) party {
	if _, ok := r.People[name]; ok {
		return r.person(name, nil)
	}
	var p party
	if _, ok := r.Teams[name]; ok {
		p.teams = []string{name}
	}
	if _, ok := r.Roles[name]; ok {
		p.roles = []string{name}
	}
	return p
}

// person returns a person with their roles and teams, and the teams that the
// identity provider says they are in.
func (r Rules) person(name string, groups []string) party {
	p := party{person: name}
	for _, role := range slices.Sorted(maps.Keys(r.Roles)) {
		if slices.Contains(r.Roles[role], name) {
			p.roles = append(p.roles, role)
		}
	}
	for _, team := range slices.Sorted(maps.Keys(r.Teams)) {
		if slices.Contains(r.Teams[team].People, name) || slices.Contains(groups, team) {
			p.teams = append(p.teams, team)
		}
	}
	return p
}

func (p party) nobody() bool { return p.person == "" && len(p.roles) == 0 && len(p.teams) == 0 }

// among returns by what a party is in a list of people, roles and teams, in words.
func (p party) among(list []string) (string, bool) {
	for _, name := range list {
		switch {
		case name == p.person:
			return name, true
		case slices.Contains(p.roles, name):
			return "role " + name, true
		case slices.Contains(p.teams, name):
			return "team " + name, true
		}
	}
	return "", false
}
