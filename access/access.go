// Package access says who may do what: from the platform team's file, from what
// people have handed over to each other, and from the scopes of the token that
// somebody comes with. It is pure: it asks nobody and keeps nothing. Start at
// Policy.May.
//
// Nothing is allowed that is not said. What a person may do on their own comes from
// the file alone (Rules). A Delegation gives on what its giver may do at that very
// moment, and a token or a machine never may more than the one it acts for.
package access

import (
	"slices"
	"strings"
	"time"
)

// An Action is something that somebody may do or not.
type Action string

// The actions.
const (
	Read     Action = "read"     // look at everything that is no secret
	Build    Action = "build"    // build and check a commit
	Release  Action = "release"  // make a release
	Deploy   Action = "deploy"   // bring a release to an environment
	Rollback Action = "rollback" // bring back what was deployed there before
	Run      Action = "run"      // start a run
	Stop     Action = "stop"     // stop a run
	SignOff  Action = "sign-off" // say yes or no in a role
	Grant    Action = "grant"    // let an app cross a guard rail
	Admin    Action = "admin"    // tokens and delegations of others
)

// Actions lists all of them, in the order of the road.
func Actions() []Action {
	return []Action{Read, Build, Release, Deploy, Rollback, Run, Stop, SignOff, Grant, Admin}
}

// inEnvironment reports whether the action is done in an environment.
func (a Action) inEnvironment() bool {
	return slices.Contains([]Action{Deploy, Rollback, Run, Stop, SignOff, Grant}, a)
}

// An Object is what something is done to. Only what the action asks for counts.
type Object struct {
	App         string   `json:"app,omitempty"`
	Team        string   `json:"team,omitempty"` // that owns the app, by its manifest
	Environment string   `json:"environment,omitempty"`
	Role        string   `json:"role,omitempty"` // of a sign-off
	Rail        string   `json:"rail,omitempty"`
	By          []string `json:"by,omitempty"` // who can open the rail; nobody: the owners
}

// String names the object as people do.
func (o Object) String() string {
	var words []string
	if o.App != "" {
		words = append(words, o.App)
	}
	if o.Environment != "" {
		words = append(words, "in "+o.Environment)
	}
	return strings.Join(words, " ")
}

// An Identity is somebody who was recognized. The zero Identity is nobody, who may
// do nothing.
type Identity struct {
	Person  string `json:"person,omitempty"`  // the short name in people
	Machine string `json:"machine,omitempty"` // the name in access.machines; then there is no person
	// Teams are those that the identity provider says the person is in, beside the
	// ones of the file.
	Teams []string `json:"teams,omitempty"`
	// Token is the name of the token that the person came with; empty: they signed in.
	Token string `json:"token,omitempty"`
	// Scopes bound what the token may do; nil: everything that the person may.
	Scopes []Scope `json:"scopes,omitempty"`
}

// Whole reports whether no scope bounds what they may do: they signed in, or have a
// token for everything.
func (i Identity) Whole() bool {
	return i.Machine == "" && (i.Scopes == nil || slices.Contains(i.Scopes, Scope{}))
}

// String names the one who acts, as the ledger records it.
func (i Identity) String() string {
	switch {
	case i.Machine != "":
		return "machine " + i.Machine
	case i.Person != "" && i.Token != "":
		return i.Person + " (token " + i.Token + ")"
	case i.Person != "":
		return i.Person
	}
	return "nobody"
}

// A Decision is the answer, with its reasons.
type Decision struct {
	Allowed bool   `json:"allowed"`
	Why     string `json:"why"`           // by what right, or what is missing
	Who     string `json:"who,omitempty"` // who could do it, where the answer is no
}

// A Policy answers at one time. It is a value, made for each question.
type Policy struct {
	Rules       Rules
	Delegations []Delegation
	Now         time.Time
}
