package merge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway/manifest"
)

// A scope is whose rules are asked: the platform's, about the whole change, or
// those of an app, about its folder.
type scope struct {
	file   string
	app    *App // nil: the platform
	folder string
	merge  manifest.Merge
}

// scopes are the platform's, and those of the apps that the change touches.
func (e *evaluation) scopes() []scope {
	var all []scope
	if p := e.facts.Rules.Platform; p != nil {
		all = append(all, scope{file: p.File, folder: ".", merge: p.Merge})
	}
	for i := range e.touched {
		app := &e.touched[i]
		all = append(all, scope{file: app.File, app: app, folder: app.Folder, merge: app.Merge})
	}
	return all
}

// An answer says whether a condition holds. Where that cannot be told, unknown says
// why, and the rule counts as one that holds and is not met.
type answer struct {
	holds   bool
	why     string // where it does not hold
	unknown string
}

func no(format string, args ...any) answer { return answer{why: fmt.Sprintf(format, args...)} }

// asks says whether the change is one of a condition's.
func (e *evaluation) asks(c manifest.Condition, s scope) answer {
	for _, ask := range []func(manifest.Condition, scope) answer{e.askFiles, e.askPlace, e.askLabels, e.askApps, e.askAuthor} {
		if a := ask(c, s); !a.holds {
			return a
		}
	}
	return answer{holds: true}
}

func (e *evaluation) askFiles(c manifest.Condition, s scope) answer {
	if len(c.Files)+len(c.OnlyFiles) > 0 {
		paths := e.pathsIn(s.folder)
		one := func(patterns []string) func(string) bool {
			return func(p string) bool { return matchesAny(patterns, p, matchesPath) }
		}
		if len(c.Files) > 0 && !slices.ContainsFunc(paths, one(c.Files)) {
			return no("it changes none of %s", strings.Join(c.Files, ", "))
		}
		other := slices.IndexFunc(paths, func(p string) bool { return !one(c.OnlyFiles)(p) })
		switch {
		case len(c.OnlyFiles) == 0:
		case other >= 0:
			return no("it changes other files than %s, such as %s", strings.Join(c.OnlyFiles, ", "), paths[other])
		case len(paths) == 0:
			return no("it changes none of %s", strings.Join(c.OnlyFiles, ", "))
		}
	}
	switch {
	case c.LeastLines != nil && e.lines < *c.LeastLines:
		return no("it changes %d lines, fewer than %d", e.lines, *c.LeastLines)
	case c.MostLines != nil && e.lines > *c.MostLines:
		return no("it changes %d lines, more than %d", e.lines, *c.MostLines)
	}
	return answer{holds: true}
}

func (e *evaluation) askPlace(c manifest.Condition, _ scope) answer {
	switch {
	case len(c.Branches) > 0 && !matchesAny(c.Branches, e.pr.Base, matches):
		return no("it goes to %s, and not to %s", e.pr.Base, strings.Join(c.Branches, ", "))
	case c.Draft != nil && *c.Draft != e.pr.Draft:
		return no("it is %s", map[bool]string{true: "a draft", false: "no draft"}[e.pr.Draft])
	case c.Fork != nil && *c.Fork != e.pr.Fork:
		return no("it comes %s", map[bool]string{true: "from a fork", false: "from no fork"}[e.pr.Fork])
	}
	return answer{holds: true}
}

func (e *evaluation) askLabels(c manifest.Condition, _ scope) answer {
	has := func(label string) bool {
		return slices.ContainsFunc(e.pr.Labels, func(l string) bool { return strings.EqualFold(l, label) })
	}
	if len(c.Labels) > 0 && !slices.ContainsFunc(c.Labels, has) {
		return no("it has none of the labels %s", strings.Join(c.Labels, ", "))
	}
	if i := slices.IndexFunc(c.WithoutLabels, has); i >= 0 {
		return no("it has the label %s", c.WithoutLabels[i])
	}
	return answer{holds: true}
}

func (e *evaluation) askApps(c manifest.Condition, s scope) answer {
	apps := e.touched
	if s.app != nil {
		apps = []App{*s.app}
	}
	if len(c.Apps) > 0 && !slices.ContainsFunc(apps, func(a App) bool { return slices.Contains(c.Apps, a.Name) }) {
		return no("it touches none of the apps %s", strings.Join(c.Apps, ", "))
	}
	if len(c.Shapes) > 0 && !slices.ContainsFunc(apps, func(a App) bool { return slices.Contains(c.Shapes, a.Shape) }) {
		return no("it touches no app of the shapes %s", strings.Join(c.Shapes, ", "))
	}
	return answer{holds: true}
}

func (e *evaluation) askAuthor(c manifest.Condition, _ scope) answer {
	if c.Author.IsZero() {
		return answer{holds: true}
	}
	g := e.people.group(c.Author, "")
	switch {
	case len(g.unknown) > 0:
		return answer{unknown: "whether its author is in " + words(c.Author, "", 1) + " cannot be told: " + strings.Join(g.unknown, ", ")}
	case !e.people.has(g, e.author):
		return no("its author is not in %s", words(c.Author, "", 1))
	}
	return answer{holds: true}
}
