package merge

import (
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/manifest"
)

// Facts is everything that the state of a pull request follows from.
type Facts struct {
	PullRequest slipway.PullRequest `json:"pull_request"`
	// Pushes are the heads that the pull request has had, oldest first. Where the
	// last one is not the head, nothing that was said of an older commit counts.
	Pushes []Push `json:"pushes,omitempty"`
	// Retargeted is when the pull request was last pointed at another branch. What
	// was approved before was another change. Zero: never.
	Retargeted time.Time `json:"retargeted,omitzero"`
	// StatusesOf is the commit that the pull request's statuses are of, if it is not
	// the head.
	StatusesOf string      `json:"statuses_of,omitempty"`
	Checks     []CheckFact `json:"checks,omitempty"`
	Plans      []PlanFact  `json:"plans,omitempty"`
	Rules      Rules       `json:"rules"`
	// Permissions are what logins may do with the repository at the forge: none,
	// read, write or admin. Of a login that is not there nothing is known: it approves
	// nothing, and its request for changes counts.
	Permissions map[string]string `json:"permissions,omitempty"`
	// Members are the logins in teams of the forge, such as acme/data. A team that is
	// not there is not known.
	Members map[string][]string `json:"members,omitempty"`
	// Unread says what could not be read, a sentence each. Nothing is met then.
	Unread []string `json:"unread,omitempty"`
}

// A Push is a head that a pull request has had.
type Push struct {
	Head string `json:"head"`
	// Time is when the forge had it, and not a date of the commit, which its author
	// chooses. Zero: not known.
	Time time.Time `json:"time,omitzero"`
	// OnlyBase says that against the head before only the base has moved: the change
	// itself is the same, line by line.
	OnlyBase bool `json:"only_base,omitempty"`
}

// A CheckFact is where one of our own checks stands.
type CheckFact struct {
	App      string                  `json:"app"`
	Name     string                  `json:"name"`
	Commit   string                  `json:"commit"`
	State    string                  `json:"state"` // queued, running or done
	Verdict  slipway.Verdict         `json:"verdict,omitempty"`
	Reasons  []string                `json:"reasons,omitempty"`
	Required bool                    `json:"required,omitempty"` // where no manifest names it, such as the tests in a notebook
	Reviews  []slipway.ReviewRequest `json:"reviews,omitempty"`  // closer looks that it asks for
	Since    time.Time               `json:"since,omitzero"`
	URL      string                  `json:"url,omitempty"`
}

// Answered is the fact that a check of an app has answered about a commit.
func Answered(app, commit string, r slipway.CheckResult) CheckFact {
	return CheckFact{
		App: app, Name: r.Name, Commit: commit, State: "done", Verdict: r.Verdict,
		Reasons: r.Reasons, Required: r.Required, Reviews: r.Reviews,
	}
}

// A PlanFact is what guard rails say to the plan of an app at a commit.
type PlanFact struct {
	App         string            `json:"app"`
	Environment string            `json:"environment"`
	Commit      string            `json:"commit"`
	Rails       []slipway.RailHit `json:"rails,omitempty"`
	Problem     string            `json:"problem,omitempty"` // why there is no plan
}

// Rules are the rules as the target branch has them.
type Rules struct {
	Platform *Platform `json:"platform,omitempty"` // nil: there is no platform file
	Apps     []App     `json:"apps,omitempty"`     // all of the repository
	// Problems says what is wrong with the files, a sentence each. Nothing is met
	// then.
	Problems []string `json:"problems,omitempty"`
}

// Platform is what the rules of platform.yaml and the people in it are.
type Platform struct {
	File   string              `json:"file"`
	Merge  manifest.Merge      `json:"merge,omitzero"`
	Checks []Check             `json:"checks,omitempty"` // that are asked of every app
	People map[string]Person   `json:"people,omitempty"`
	Teams  map[string][]string `json:"teams,omitempty"` // to the names of people
	Roles  map[string][]string `json:"roles,omitempty"`
}

// A Person is somebody of platform.yaml.
type Person struct {
	Login string `json:"login,omitempty"` // at the forge; empty: nobody would recognise them there
	Email string `json:"email,omitempty"`
}

// An App is an app of the repository.
type App struct {
	Name   string         `json:"name"`
	Folder string         `json:"folder"` // with slashes, "." for the root
	File   string         `json:"file"`   // its manifest
	Team   string         `json:"team,omitempty"`
	Shape  string         `json:"shape,omitempty"`
	Checks []Check        `json:"checks,omitempty"`
	Merge  manifest.Merge `json:"merge,omitzero"`
	// Head is what the manifest says at the head. Nil: the same, as far as is known.
	Head *Head `json:"head,omitempty"`
}

// A Check is a check of a manifest, as far as merging asks.
type Check struct {
	Name     string   `json:"name"`
	Required bool     `json:"required"`
	On       []string `json:"on,omitempty"`    // empty: every event
	Files    []string `json:"files,omitempty"` // empty: every change
}

// Head is an app at the head of a pull request.
type Head struct {
	Gone    bool    `json:"gone,omitempty"` // the pull request takes the app away
	Checks  []Check `json:"checks,omitempty"`
	Problem string  `json:"problem,omitempty"` // why its manifest cannot be read

	RunsOn []string `json:"runs_on,omitempty"` // the labels of those who build and check it
	Push   []string `json:"push,omitempty"`    // where a merge brings it; empty: where the platform says
}

// PlatformOf takes from a platform file what merging asks. Without a file it is
// nil.
func PlatformOf(p *manifest.Platform) *Platform {
	if p == nil {
		return nil
	}
	out := &Platform{File: p.File, Merge: p.Merge, Checks: checksOf(p.Checks), People: map[string]Person{}, Teams: map[string][]string{}, Roles: map[string][]string{}}
	for name, person := range p.People {
		out.People[name] = Person{Login: person.Login, Email: person.Email}
	}
	for name, team := range p.Teams {
		out.Teams[name] = team.People
	}
	for name, role := range p.Roles {
		out.Roles[name] = role.People
	}
	return out
}

// AppOf takes from a manifest what merging asks.
func AppOf(folder string, m *manifest.Manifest) App {
	return App{Name: m.App, Folder: folder, File: m.File, Team: m.Team, Shape: m.Shape.Name, Checks: checksOf(m.Checks), Merge: m.Merge}
}

// HeadOf is an app at the head by its manifest there; nil if it is gone.
func HeadOf(m *manifest.Manifest) *Head {
	if m == nil {
		return &Head{Gone: true}
	}
	return &Head{Checks: checksOf(m.Checks), RunsOn: m.Build.RunsOn, Push: m.Deliver.Push}
}

func checksOf(checks map[string]manifest.Check) []Check {
	var all []Check
	for _, name := range sortedKeys(checks) {
		c := checks[name]
		all = append(all, Check{Name: name, Required: c.Required, On: c.On, Files: c.Files})
	}
	return all
}
