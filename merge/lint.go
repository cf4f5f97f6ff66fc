package merge

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/schema"
)

// A Level says how bad a finding is.
type Level string

// The levels. With an error, some change could never be merged, or is merged
// without what the platform asks for.
const (
	LevelError   Level = "error"
	LevelWarning Level = "warning"
)

// A Finding is a complaint about the rules, at its line.
type Finding struct {
	Level Level `json:"level"`
	schema.Problem
}

var _ error = Finding{}

// String is the finding as people read it, with its line.
func (f Finding) String() string {
	text := f.Problem.String()
	if f.Level == LevelError {
		return text
	}
	return strings.Replace(text, ": "+f.Message, ": "+string(f.Level)+": "+f.Message, 1)
}

// Error is the finding as people read it.
func (f Finding) Error() string { return f.String() }

// Source is a manifest and the folder that it lies in.
type Source struct {
	Folder   string
	Manifest *manifest.Manifest
}

// Gather makes the rules of the files of a target branch.
func Gather(p *manifest.Platform, apps ...Source) Rules {
	r := Rules{Platform: PlatformOf(p)}
	for _, s := range apps {
		r.Apps = append(r.Apps, AppOf(path.Clean(s.Folder), s.Manifest))
	}
	slices.SortFunc(r.Apps, func(a, b App) int { return strings.Compare(a.Folder+"\n"+a.Name, b.Folder+"\n"+b.Name) })
	return r
}

// Lint proves of rules, when they are loaded, that what they ask for can come:
// that each required check can report on each event that it is required for, and
// that each review rule can be met. What only a forge can know, the members of its
// teams and whether another system ever reports, is at most a warning.
func Lint(p *manifest.Platform, apps ...Source) []Finding {
	l := &linter{platform: p, people: newPeople(&Facts{Rules: Gather(p, apps...)})}
	if p != nil {
		l.at = p.ProblemAt
		l.logins(p)
		for _, c := range p.Merge.Checks {
			if check, ours := p.Checks[c.Name]; ours {
				l.required(check, c)
			}
		}
		l.merge(p.Merge, p.Merge.Review)
	}
	for _, s := range apps {
		l.at = s.Manifest.ProblemAt
		l.app(s.Manifest)
		all := s.Manifest.Merge.Review
		if p != nil {
			all = slices.Concat(p.Merge.Review, all)
		}
		l.merge(s.Manifest.Merge, all)
	}
	return l.findings
}

type linter struct {
	platform *manifest.Platform
	people   *people
	at       func(path, message string) schema.Problem
	findings []Finding
}

func (l *linter) find(level Level, path, wayOut, format string, args ...any) {
	p := l.at(path, fmt.Sprintf(format, args...))
	p.Expected = wayOut
	l.findings = append(l.findings, Finding{Level: level, Problem: p})
}

// logins complains about two people of one login: an approval of the one would be
// one of the other.
func (l *linter) logins(p *manifest.Platform) {
	owners := map[string]string{}
	for _, name := range sortedKeys(p.People) {
		login := fold(p.People[name].Login)
		if first, ok := owners[login]; ok && login != "" {
			l.find(LevelError, "people."+name+".login", "a login of its own for each person", "%s is the login of %s already", p.People[name].Login, first)
			continue
		}
		owners[login] = name
	}
}

// app complains about checks that the platform requires and that cannot report.
func (l *linter) app(m *manifest.Manifest) {
	if l.platform == nil {
		return
	}
	for _, name := range sortedKeys(m.Checks) {
		if _, ours := l.platform.Checks[name]; ours {
			l.find(LevelError, "checks."+name, "another name for it", "%s has a check %s, which is asked of every app", l.platform.File, name)
		}
	}
	for _, c := range l.platform.Merge.Checks {
		if _, ours := l.platform.Checks[c.Name]; ours {
			continue // looked at with the platform file
		}
		if len(c.If.Apps) > 0 && !slices.Contains(c.If.Apps, m.App) || len(c.If.Shapes) > 0 && !slices.Contains(c.If.Shapes, m.Shape.Name) {
			continue
		}
		check, ok := m.Checks[c.Name]
		if !ok {
			l.find(LevelError, "checks."+c.Name, "a check "+c.Name, "%s requires the check %s, which %s does not have: no change could be merged", l.platform.File, c.Name, m.App)
			continue
		}
		l.required(check, c)
	}
}

// required complains about a check that the platform requires and that cannot
// always report.
func (l *linter) required(check manifest.Check, c manifest.RequiredCheck) {
	at, by := "checks."+c.Name, l.platform.File
	if !check.Required {
		l.find(LevelError, at+".required", "no required: false", "%s requires the check %s, so it cannot be advisory", by, c.Name)
	}
	if len(check.On) > 0 && !slices.Contains(check.On, manifest.OnPullRequest) {
		l.find(LevelError, at+".on", "on: ["+strings.Join(append([]string{manifest.OnPullRequest}, check.On...), ", ")+"]",
			"%s requires the check %s of pull requests, and it is asked on %s alone: no change could be merged", by, c.Name, strings.Join(check.On, " and "))
	}
	if len(check.Files) > 0 && !covers(check.Files, c.If.Files) {
		l.find(LevelError, at+".files", "no files, or the same under if in merge.checks."+c.Name+" of "+by,
			"%s requires the check %s of changes for which files leaves it unasked: they could never be merged", by, c.Name)
	}
}

// covers reports whether every file of some patterns is one of others; of
// patterns, only equal ones are known to be so.
func covers(patterns, of []string) bool {
	return len(of) > 0 && !slices.ContainsFunc(of, func(p string) bool { return !slices.Contains(patterns, p) })
}

// merge complains about the rules of one file. all are the review rules that hold
// beside each other.
func (l *linter) merge(m manifest.Merge, all []manifest.Review) {
	section := "merge"
	for _, c := range m.External {
		if c.Required {
			l.find(LevelWarning, c.Path, "", "whether %s ever reports %s cannot be known here; until it does, changes wait", c.App, c.Pattern)
		}
		l.condition(c.If, c.Path+".if")
	}
	for _, c := range m.Checks {
		l.condition(c.If, c.Path+".if")
	}
	for i, label := range m.Labels.Blocks {
		if slices.ContainsFunc(m.Labels.Needs, func(n string) bool { return strings.EqualFold(n, label) }) {
			l.find(LevelError, fmt.Sprintf("%s.labels.blocks[%d]", section, i), "it under needs or under blocks", "the label %s is needed and keeps from being merged: no change could be merged", label)
		}
	}
	for _, r := range m.Review {
		l.rule(r, nil, true)
	}
	if len(m.Review) > 0 && !slices.ContainsFunc(all, func(r manifest.Review) bool { return r.If.IsZero() && always(r) }) {
		l.find(LevelWarning, m.Review[0].Path, "a rule without if", "every rule has an if: a change that none is for needs no review")
	}
}

// always reports whether a rule without an if is for every change.
func always(r manifest.Review) bool {
	below := slices.Concat(r.Any, r.All)
	return len(below) == 0 || slices.ContainsFunc(below, func(b manifest.Review) bool { return b.If.IsZero() && always(b) })
}

func (l *linter) condition(c manifest.Condition, path string) {
	if c.Author.IsZero() {
		return
	}
	l.names(c.Author, path+".author")
}

// names complains about people whom nobody knows. The platform file's own have
// been looked at when it was read.
func (l *linter) names(w manifest.Who, path string) bool {
	fine := true
	report := func(what, name, at string, known []string) {
		fine = false
		p := l.at(at, fmt.Sprintf("there is no %s %s", what, name))
		if l.platform == nil {
			p.Message += ", as there is no " + manifest.PlatformFileName
			p.Expected = "a " + manifest.PlatformFileName + " with it, a team of the forge such as acme/data, or permission: write"
		} else if near := schema.Nearest(name, known); near != "" {
			p.Suggestion = near
		}
		l.findings = append(l.findings, Finding{Level: LevelError, Problem: p})
	}
	p := l.people.platform
	for i, name := range w.Teams {
		if _, ok := p.Teams[name]; !ok && !strings.Contains(name, "/") {
			report("team", name, fmt.Sprintf("%s.teams[%d]", path, i), sortedKeys(p.Teams))
		}
	}
	for i, name := range w.Roles {
		if _, ok := p.Roles[name]; !ok {
			report("role", name, fmt.Sprintf("%s.roles[%d]", path, i), sortedKeys(p.Roles))
		}
	}
	for i, name := range w.People {
		if _, ok := p.People[name]; !ok {
			report("person", name, fmt.Sprintf("%s.people[%d]", path, i), sortedKeys(p.People))
		}
	}
	return fine
}
