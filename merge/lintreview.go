package merge

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway/manifest"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// rule complains about a review rule that can never be met. above are the
// authors that rules above it are for; alone says that it is no alternative.
func (l *linter) rule(r manifest.Review, above []manifest.Who, alone bool) {
	l.condition(r.If, r.Path+".if")
	authors := above
	if !r.If.Author.IsZero() {
		authors = append(slices.Clone(above), r.If.Author)
	}
	for _, below := range r.Any {
		l.rule(below, authors, false)
	}
	for _, below := range r.All {
		l.rule(below, authors, alone)
	}
	if len(r.Any)+len(r.All) > 0 {
		return
	}
	at := r.Path + ".requires"
	if !l.names(r.Requires.Who, at) {
		return
	}
	for i, pattern := range r.Requires.Comments {
		if strings.Trim(pattern, "*?") == "" {
			l.find(LevelError, fmt.Sprintf("%s.comments[%d]", at, i), `a word of its own, such as "/lgtm"`, "every comment would approve")
		}
	}
	if r.Requires.Count == 0 {
		if alone {
			l.find(LevelWarning, at, "count: 1, or the rule under any", "rule %q asks for nothing", r.Name)
		}
		return
	}
	l.enough(r, authors, at)
}

// enough complains about a rule that asks for more people than there are. Teams of
// the forge and permissions may hold any number.
func (l *linter) enough(r manifest.Review, authors []manifest.Who, at string) {
	need := r.Requires
	if need.Permission != "" || forges(need.Who) {
		return
	}
	g := l.people.group(need.Who, "")
	who, nameless := words(need.Who, "", need.Count), ""
	if len(g.nameless) > 0 {
		nameless = fmt.Sprintf(" (%s without a login, by which reviews are recognised)", strings.Join(sorted(g.nameless), ", "))
	}
	switch n := len(g.logins); {
	case n == 0:
		l.find(LevelError, at, "people with logins in it", "rule %q can never be met: nobody is in %s%s", r.Name, who, nameless)
	case n < need.Count:
		l.find(LevelError, at, "more people, or a smaller count", "rule %q can never be met: it asks for %d, and %s has only %d%s", r.Name, need.Count, who, n, nameless)
	case n == need.Count:
		l.authorsIn(r, g, authors, at)
	}
}

// authorsIn complains about a rule that has just as many people as it asks for:
// whenever one of them is the author, one is missing.
func (l *linter) authorsIn(r manifest.Review, g group, authors []manifest.Who, at string) {
	var shown []string
	for _, login := range l.people.sorted(g) {
		shown = append(shown, l.people.shown(login))
	}
	in, of := 0, 0
	for _, a := range authors {
		if forges(a) {
			continue
		}
		for login := range l.people.group(a, "").logins {
			if of++; g.logins[login] {
				in++
			}
		}
	}
	switch {
	case of > 0 && in == of:
		l.find(LevelError, at, "somebody else too", "rule %q can never be met: it is for changes of %s, who would have to approve their own", r.Name, strings.Join(shown, ", "))
	case of == 0 || in > 0:
		l.find(LevelWarning, at, "somebody else too", "a change of %s can never meet rule %q, as authors do not approve their own", strings.Join(shown, " or "), r.Name)
	}
}

// forges reports whether a team of the forge is named.
func forges(w manifest.Who) bool {
	return slices.ContainsFunc(w.Teams, func(team string) bool { return strings.Contains(team, "/") })
}

func sorted(all []string) []string { return slices.Sorted(slices.Values(all)) }
