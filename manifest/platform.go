package manifest

import (
	"maps"
	"slices"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/notebook"
	"github.com/slipway-cd/slipway/policy"
	"github.com/slipway-cd/slipway/schema"
	"github.com/slipway-cd/slipway/shape"
)

// PlatformFileName is the name of the platform team's file.
const PlatformFileName = "platform.yaml"

// Platform is what a platform.yaml says. LoadPlatform makes it; nil is a
// platform without a file, which has one environment, local.
type Platform struct {
	File string
	// Environments are in the order of the file; local comes first if the file
	// does not name it.
	Environments []Environment
	Teams        map[string]Team
	People       map[string]Person
	Roles        map[string]Role
	// Checks are asked of every app. Isolation is none, preferred or required; empty:
	// nothing is said. Limits hold for every command.
	Checks    map[string]Check
	Isolation string
	Limits    Limits
	// Signers are the machines that attest what they build and deploy; nil: the
	// platform names none.
	Signers map[string]evidence.Machine
	Calls   map[string]Call
	// Telemetry is kept as it is written.
	Telemetry *schema.Value
	Server    Server
	Merge     Merge
	// Prices is the path of a file of prices; empty: the public ones hold.
	Prices string

	magics map[string]notebook.Action
	doc    *schema.Doc
	tree   *schema.Value
}

// Environment is a named place with a runtime, and the rules of the platform
// team for it.
type Environment struct {
	slipway.Environment
	SignOffs  []SignOff `json:"sign_offs,omitempty"`
	Segregate bool      `json:"segregate,omitempty"` // whoever made a release or its commit does not sign for it
	Deployers []string  `json:"deployers,omitempty"` // people, roles and teams; empty: everybody
	Freeze    []Freeze  `json:"freeze,omitempty"`
	// Soak is how long a release has to be live in the environment before, without a
	// break, before it comes here.
	Soak time.Duration `json:"soak,omitempty"`
	// RunsOn are the labels that a server or worker must have to plan, deploy and run there.
	RunsOn []string `json:"runs_on,omitempty"`
	// LedgerInRepository is set where a server is not to have the last word over the
	// environment: its ledger stays in its artifact repository, or goes back there.
	LedgerInRepository bool `json:"ledger_in_repository,omitempty"`
}

// SignOff is a role that has to say yes, and how many people in it.
type SignOff struct {
	Role  string        `json:"role"`
	Count int           `json:"count"`
	Valid time.Duration `json:"valid,omitempty"` // how long a yes counts; 0: without an end
}

// Freeze is a time in which nothing is deployed: from one day to another, both
// included, or from each time that a cron expression fires.
type Freeze struct {
	From  time.Time     `json:"from,omitzero"`
	Until time.Time     `json:"until,omitzero"`
	Cron  string        `json:"cron,omitempty"`
	For   time.Duration `json:"for,omitempty"`
	Why   string        `json:"why"`
}

// Team owns apps.
type Team struct {
	People []string `json:"people,omitempty"`
	Calls  string   `json:"calls,omitempty"`  // the entry of calls that reaches the team
	Groups []string `json:"groups,omitempty"` // of the identity provider, whose members are in the team
}

// Person is somebody who signs, deploys or is called.
type Person struct {
	Name  string   `json:"name,omitempty"`
	Email string   `json:"email,omitempty"`
	Login string   `json:"login,omitempty"` // at the forge
	Keys  []string `json:"keys,omitempty"`  // public keys that sign for the person
}

// Role is a hat that people wear when they sign.
type Role struct {
	People []string `json:"people,omitempty"`
}

// Policy returns whose word counts: the keys that sign for people, and the
// people in each role.
func (p *Platform) Policy() evidence.Policy {
	all := evidence.Policy{Keys: map[string][]evidence.Key{}, Roles: map[string][]string{}}
	if p == nil {
		return all
	}
	for name, person := range p.People {
		for _, text := range person.Keys {
			if k, err := evidence.ParseKey(text); err == nil { // LoadPlatform takes no other
				all.Keys[name] = append(all.Keys[name], k)
			}
		}
	}
	for name, role := range p.Roles {
		all.Roles[name] = role.People
	}
	all.Signers = p.Signers
	return all
}

// LoadPlatform reads a platform.yaml. Its error is of kind slipway.Invalid and
// wraps schema.Problems, which holds every complaint.
func LoadPlatform(file string, data []byte) (*Platform, error) {
	doc := schema.Open(file, data)
	tree, problems := doc.Read(PlatformType())
	p := &Platform{File: file, doc: doc, tree: tree}
	p.decode()
	if problems = append(problems, p.check()...); len(problems) > 0 {
		return nil, invalid(problems)
	}
	return p, nil
}

// Environment returns the environment of that name.
func (p *Platform) Environment(name string) (Environment, bool) {
	for _, e := range p.all() {
		if e.Name == name {
			return e, true
		}
	}
	return Environment{}, false
}

// EnvironmentNames returns the names of the environments in the order of the
// file.
func (p *Platform) EnvironmentNames() []string {
	var names []string
	for _, e := range p.all() {
		names = append(names, e.Name)
	}
	return names
}

// RailScope is what guard rails may name.
func (p *Platform) RailScope(shapes shape.Menu) policy.Scope {
	scope := policy.Scope{Shapes: shapes}
	for _, e := range p.all() {
		scope.Environments = append(scope.Environments, e.Environment)
	}
	if p != nil {
		scope.Roles, scope.People = slices.Sorted(maps.Keys(p.Roles)), slices.Sorted(maps.Keys(p.People))
		scope.Teams = slices.Sorted(maps.Keys(p.Teams))
	}
	return scope
}

// Complain makes an error, of kind slipway.Invalid, about a value of the file.
func (p *Platform) Complain(v *schema.Value, message string) error {
	return invalid(schema.Problems{p.doc.Problem(v.Pos, "", message)})
}

func (p *Platform) all() []Environment {
	if p == nil {
		return []Environment{localEnvironment()}
	}
	return p.Environments
}

func localEnvironment() Environment {
	return Environment{Environment: slipway.Environment{Name: slipway.LocalEnvironment, Runtime: "local"}}
}

func (p *Platform) decode() {
	v := p.tree
	for _, m := range v.Get("environments").Members() {
		p.Environments = append(p.Environments, decodeEnvironment(m))
	}
	if _, ok := p.Environment(slipway.LocalEnvironment); !ok {
		p.Environments = append([]Environment{localEnvironment()}, p.Environments...)
	}
	p.Teams, p.People, p.Roles = map[string]Team{}, map[string]Person{}, map[string]Role{}
	for _, m := range v.Get("teams").Members() {
		p.Teams[m.Key] = Team{People: m.Value.Get("people").Texts(), Calls: m.Value.Get("calls").Text(), Groups: m.Value.Get("groups").Texts()}
	}
	for _, m := range v.Get("people").Members() {
		p.People[m.Key] = Person{
			Name: m.Value.Get("name").Text(), Email: m.Value.Get("email").Text(),
			Login: m.Value.Get("login").Text(), Keys: m.Value.Get("keys").Texts(),
		}
	}
	for _, m := range v.Get("roles").Members() {
		p.Roles[m.Key] = Role{People: m.Value.Get("people").Texts()}
	}
	p.Server = decodeServer(v.Get("server"))
	p.Signers = decodeSigners(v.Get("signers"))
	p.Merge = decodeMerge(v.Get("merge"), "merge")
	p.Prices = v.Get("prices").Text()
	p.Checks, p.Isolation, p.Limits = decodePlatformChecks(v.Get("checks")), v.Get("isolation").Text(), decodeLimits(v.Get("limits"))
	p.magics = decodeMagics(v.Get("notebook", "magics"))
	p.Calls, p.Telemetry = decodeCalls(v.Get("calls")), v.Get("telemetry")
}

func decodeEnvironment(m schema.Member) Environment {
	v := m.Value
	e := Environment{Environment: slipway.Environment{
		Name: m.Key, Runtime: v.Get("runtime").Text(), Repository: v.Get("repository").Text(),
		Follows: v.Get("follows").Text(), Root: v.Get("root").Text(),
		Account: v.Get("account").Text(), Region: v.Get("region").Text(),
		Role: v.Get("role").Text(), PlanRole: v.Get("plan_role").Text(), Assets: v.Get("assets").Text(),
	}, Deployers: v.Get("deployers").Texts(), Segregate: v.Get("segregate").Bool(), Soak: v.Get("soak").Duration(), RunsOn: v.Get("runs_on").Texts(), LedgerInRepository: v.Get("ledger").Text() == "repository"}
	if e.Runtime == "" {
		e.Runtime = "local" // only the environment local may leave it out
	}
	for _, s := range v.Get("sign_offs").Items() {
		e.SignOffs = append(e.SignOffs, decodeSignOff(s))
	}
	for _, f := range v.Get("freeze").Items() {
		e.Freeze = append(e.Freeze, Freeze{
			From: decodeDate(f.Get("from")), Until: decodeDate(f.Get("until")),
			Cron: f.Get("cron").Text(), For: f.Get("for").Duration(), Why: f.Get("why").Text(),
		})
	}
	return e
}

func decodeSignOff(v *schema.Value) SignOff {
	if v.Get("role") == nil {
		return SignOff{Role: v.Text(), Count: 1}
	}
	s := SignOff{Role: v.Get("role").Text(), Count: 1, Valid: v.Get("valid").Duration()}
	if count := v.Get("count"); count.Given() {
		s.Count = count.Int()
	}
	return s
}
