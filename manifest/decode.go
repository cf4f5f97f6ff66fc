package manifest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/slipway-cd/slipway/schema"
)

// decode fills the manifest from its tree, which has been read as its type.
func (m *Manifest) decode() {
	v := m.tree
	m.App, m.Team = v.Get("app").Text(), v.Get("team").Text()
	m.Platform = decodePlatformRef(v.Get("platform"))
	m.Build = decodeBuild(v.Get("build"))
	m.Checks = decodeChecks(v.Get("checks"))
	m.Merge = decodeMerge(v.Get("merge"), "merge")
	m.Merge.Review = decodeReviews(v.Get("review"), "review")
	m.Deliver = decodeDeliver(v.Get("deliver"))
	for _, e := range v.Get("environments").Members() {
		m.Environments = append(m.Environments, e.Key)
	}
	for _, item := range v.Get("ask").Items() {
		m.Ask = append(m.Ask, Ask{Rail: item.Get("rail").Text(), Why: item.Get("why").Text(), Until: decodeDate(item.Get("until"))})
	}
}

func decodePlatformRef(v *schema.Value) PlatformRef {
	if git := v.Get("git").Text(); git != "" {
		path := v.Get("path").Text()
		if path == "" {
			path = PlatformFileName
		}
		return PlatformRef{Git: git, Ref: v.Get("ref").Text(), Path: path}
	}
	return PlatformRef{Path: v.Text()}
}

func decodeBuild(v *schema.Value) Build {
	b := Build{Notebook: v.Get("notebook").Text(), Script: v.Get("script").Text(), Include: v.Get("include").Texts(), RunsOn: v.Get("runs_on").Texts()}
	for _, item := range v.Get("steps").Items() {
		b.Steps = append(b.Steps, Step{
			Name: item.Get("name").Text(), Run: decodeCommand(item.Get("run")),
			Inputs: item.Get("inputs").Texts(), Outputs: item.Get("outputs").Texts(),
			Env: item.Get("env").TextMap(), Timeout: decodeTimeout(item.Get("timeout"), defaultStepTimeout),
			Network: item.Get("network").Bool(),
		})
	}
	return b
}

func decodeCommand(v *schema.Value) Command {
	return Command{Shell: v.Text(), Args: v.Texts()}
}

func decodeTimeout(v *schema.Value, otherwise time.Duration) time.Duration {
	if v.Given() {
		return v.Duration()
	}
	return otherwise
}

// decodeDate reads a date that the schema has found to be one.
func decodeDate(v *schema.Value) time.Time {
	day, err := time.Parse(time.DateOnly, v.Text())
	if err != nil {
		return time.Time{}
	}
	return day
}

// CheckNames returns the names of the checks in order.
func (m *Manifest) CheckNames() []string { return slices.Sorted(maps.Keys(m.Checks)) }

// check complains about what the types cannot say.
func (m *Manifest) check() schema.Problems {
	var problems schema.Problems
	steps := map[string]bool{}
	for i, item := range m.tree.Get("build", "steps").Items() {
		name := item.Get("name")
		if steps[name.Text()] {
			problems = append(problems, m.doc.Problem(name.Pos, fmt.Sprintf("build.steps[%d].name", i), fmt.Sprintf("two steps are called %q", name.Text())))
		}
		steps[name.Text()] = true
	}
	problems = append(problems, sameRules(m.doc, m.tree.Get("review"), "review", map[string]bool{})...)
	for _, c := range m.tree.Get("checks").Members() {
		problems = append(problems, checkReports(m.doc, "checks", c)...)
	}
	return problems
}
