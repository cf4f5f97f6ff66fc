package manifest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway/schema"
)

// mergeRules complains about what review rules and conditions of the platform's
// merge name and the file does not have, and about rules of one name.
func (c *platformCheck) mergeRules() {
	v := c.p.tree.Get("merge")
	for i, name := range v.Get("rails").Items() {
		c.name(name, fmt.Sprintf("merge.rails[%d]", i), "environment", c.p.EnvironmentNames())
	}
	for _, section := range []string{"checks", "external"} {
		for _, m := range v.Get(section).Members() {
			c.condition(m.Value.Get("if"), fmt.Sprintf("merge.%s.%s.if", section, m.Key))
		}
	}
	c.rules(v.Get("review"), "merge.review")
	c.problems = append(c.problems, sameRules(c.p.doc, v.Get("review"), "merge.review", map[string]bool{})...)
}

func (c *platformCheck) rules(list *schema.Value, path string) {
	for i, rule := range list.Items() {
		at := fmt.Sprintf("%s[%d]", path, i)
		c.condition(rule.Get("if"), at+".if")
		c.who(rule.Get("requires"), at+".requires")
		c.rules(rule.Get("any"), at+".any")
		c.rules(rule.Get("all"), at+".all")
	}
}

func (c *platformCheck) condition(v *schema.Value, path string) {
	c.who(v.Get("author"), path+".author")
}

// who complains about people that the file does not have; teams of the forge are
// none of its.
func (c *platformCheck) who(v *schema.Value, path string) {
	c.names(v.Get("people"), path+".people", "person", slices.Sorted(maps.Keys(c.p.People)))
	c.names(v.Get("roles"), path+".roles", "role", slices.Sorted(maps.Keys(c.p.Roles)))
	for i, team := range v.Get("teams").Items() {
		if !strings.Contains(team.Text(), "/") {
			c.name(team, fmt.Sprintf("%s.teams[%d]", path, i), "team", slices.Sorted(maps.Keys(c.p.Teams)))
		}
	}
}

// sameRules complains about two review rules of one name: nobody could say which
// of them is waited for.
func sameRules(doc *schema.Doc, list *schema.Value, path string, seen map[string]bool) schema.Problems {
	var problems schema.Problems
	for i, rule := range list.Items() {
		at := fmt.Sprintf("%s[%d]", path, i)
		name := rule.Get("name")
		if seen[name.Text()] && name.Given() {
			problems = append(problems, doc.Problem(name.Pos, at+".name", fmt.Sprintf("two rules are called %q", name.Text())))
		}
		seen[name.Text()] = true
		problems = append(problems, sameRules(doc, rule.Get("any"), at+".any", seen)...)
		problems = append(problems, sameRules(doc, rule.Get("all"), at+".all", seen)...)
	}
	return problems
}
