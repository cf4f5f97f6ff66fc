package manifest

import (
	"maps"
	"slices"
	"time"

	"github.com/slipway-cd/slipway/schema"
)

// Check is a question about the app, answered by a command of the team's own.
// Report files are paths below the folder $REPORTS.
type Check struct {
	Name       string            `json:"name"`
	Run        Command           `json:"run,omitzero"`
	Scan       string            `json:"scan,omitempty"` // what Slipway looks for itself, in place of Run: secrets
	Timeout    time.Duration     `json:"timeout_ns"`     // 15m if none is given
	Required   bool              `json:"required"`       // true if nothing is said
	JUnit      string            `json:"junit,omitempty"`
	Coverage   string            `json:"coverage,omitempty"`
	SARIF      string            `json:"sarif,omitempty"`
	Thresholds Thresholds        `json:"thresholds,omitzero"`
	AllowEmpty bool              `json:"allow_empty,omitempty"` // reports without a single test, line or scan may pass
	Env        map[string]string `json:"env,omitempty"`
	// Requirements are Python packages that the check needs besides the app's
	// own: a file as pip reads it, or a list. At most one is set.
	RequirementsFile string   `json:"requirements_file,omitempty"`
	Requirements     []string `json:"requirements,omitempty"`
	// On are the events on which the server asks it, and Files the files of the
	// app's folder of which a pull request has to change one; empty: all.
	On    []string `json:"on,omitempty"`
	Files []string `json:"files,omitempty"`
	// Network and Memory hold where commands are isolated, and watched.
	Network bool  `json:"network,omitempty"`
	Memory  int64 `json:"memory,omitempty"` // bytes; 0: what the platform says
	// Platform marks a check of the platform's, which no app can drop.
	Platform bool `json:"platform,omitempty"`
}

// Thresholds are limits on what reports say.
type Thresholds struct {
	Coverage *float64 `json:"coverage,omitempty"`        // percent of lines, at least
	Change   *float64 `json:"change_coverage,omitempty"` // percent of the lines that a change adds, at least
	Drop     *float64 `json:"coverage_drop,omitempty"`   // points by which coverage may be below that of the base
	// Findings are the most findings of a level (error, warning, note).
	Findings map[string]int `json:"findings,omitempty"`
	OnlyNew  bool           `json:"only_new,omitempty"` // findings that the base has too do not count
}

func decodeChecks(v *schema.Value) map[string]Check {
	checks := map[string]Check{}
	for _, c := range v.Members() {
		required := c.Value.Get("required")
		checks[c.Key] = Check{
			Name: c.Key, Run: decodeCommand(c.Value.Get("run")), Scan: c.Value.Get("scan").Text(),
			Timeout:  decodeTimeout(c.Value.Get("timeout"), defaultCheckTimeout),
			Required: !required.Given() || required.Bool(),
			JUnit:    c.Value.Get("junit").Text(), SARIF: c.Value.Get("sarif").Text(),
			Coverage: c.Value.Get("coverage").Text(), AllowEmpty: c.Value.Get("allow_empty").Bool(),
			Thresholds: decodeThresholds(c.Value.Get("thresholds")),
			Env:        c.Value.Get("env").TextMap(),

			RequirementsFile: c.Value.Get("requirements").Text(), Requirements: c.Value.Get("requirements").Texts(),
			On: c.Value.Get("on").Texts(), Files: c.Value.Get("files").Texts(),
			Network: c.Value.Get("network").Bool(), Memory: c.Value.Get("memory").Size(),
		}
	}
	return checks
}

func decodeThresholds(v *schema.Value) Thresholds {
	t := Thresholds{OnlyNew: v.Get("only_new").Bool()}
	if c := v.Get("coverage"); c.Given() && len(c.Members()) == 0 {
		t.Coverage = new(c.Float())
	}
	for name, to := range map[string]**float64{"total": &t.Coverage, "change": &t.Change, "drop": &t.Drop} {
		if c := v.Get("coverage", name); c.Given() {
			*to = new(c.Float())
		}
	}
	for _, level := range v.Get("findings").Members() {
		if t.Findings == nil {
			t.Findings = map[string]int{}
		}
		t.Findings[level.Key] = level.Value.Int()
	}
	return t
}

// checkReports complains about thresholds without the report they are about.
func checkReports(doc *schema.Doc, at string, c schema.Member) schema.Problems {
	var problems schema.Problems
	limits := c.Value.Get("thresholds")
	for _, need := range []struct{ limit, report string }{{"coverage", "coverage"}, {"findings", "sarif"}, {"only_new", "sarif"}} {
		if limits.Get(need.limit).Given() && !c.Value.Get(need.report).Given() {
			path := schema.Join(at, c.Key) + ".thresholds." + need.limit
			p := doc.Problem(limits.KeyPos(need.limit), path, path+" has no report to look at")
			p.Expected = need.report + " beside thresholds"
			problems = append(problems, p)
		}
	}
	return problems
}

// Limits are what each command of a team may use; 0 is no limit.
type Limits struct {
	Memory    int64 `json:"memory,omitempty"`    // bytes
	Processes int   `json:"processes,omitempty"` // and threads
	Output    int64 `json:"output,omitempty"`    // bytes
}

func decodeLimits(v *schema.Value) Limits {
	return Limits{Memory: v.Get("memory").Size(), Processes: v.Get("processes").Int(), Output: v.Get("output").Size()}
}

// AllChecks returns the checks of the app and of the platform, by name. What the
// platform asks, each app is asked: the manifest can neither drop nor replace it.
func (m *Manifest) AllChecks(p *Platform) ([]Check, error) {
	all := maps.Clone(m.Checks)
	if p != nil {
		for name, c := range p.Checks {
			if _, own := m.Checks[name]; own {
				return nil, m.Complain("the platform has a check called "+name+", which holds for every app; give this one another name", "checks", name)
			}
			all[name] = c
		}
	}
	var list []Check
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, all[name])
	}
	return list, nil
}

// checks complains about checks of the platform that have no report to look at.
func (c *platformCheck) checks() {
	for _, m := range c.p.tree.Get("checks").Members() {
		c.problems = append(c.problems, checkReports(c.p.doc, "checks", m)...)
	}
}

// decodePlatformChecks marks the checks as the platform's.
func decodePlatformChecks(v *schema.Value) map[string]Check {
	if len(v.Members()) == 0 {
		return nil
	}
	checks := decodeChecks(v)
	for name, c := range checks {
		c.Platform = true
		checks[name] = c
	}
	return checks
}
