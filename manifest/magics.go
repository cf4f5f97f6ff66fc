package manifest

import (
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-cd/slipway/notebook"
	"github.com/slipway-cd/slipway/schema"
)

// MagicActions says what happens to magics of a notebook that cannot be part of
// a job, where the platform says something else than [notebook.Rules]. The keys
// are as in [notebook.Rule]; a magic of a team's own has its name.
func (p *Platform) MagicActions() map[string]notebook.Action {
	if p == nil {
		return nil
	}
	return p.magics
}

func notebookType() *schema.Type {
	var actions []string
	for _, a := range []notebook.Action{notebook.Remove, notebook.Warn, notebook.Refuse} {
		actions = append(actions, string(a))
	}
	return &schema.Type{Kind: schema.Object, Fields: []schema.Field{{
		Name: "magics",
		Type: &schema.Type{
			Kind: schema.Map, Elem: &schema.Type{Kind: schema.String, Enum: actions},
			Key: &schema.Type{
				Kind: schema.String, Pattern: `^(!|%%?([A-Za-z_][A-Za-z0-9_.]*)?|[A-Za-z_]+\(\))$`,
				PatternHelp: `a magic in quotes, such as "%pip", "%%bash", "!", "%" for any other, or "display()"`,
			},
		},
		Help: "What happens to magics that cannot be part of a job: remove takes one out, warn says so, error ends the build. " +
			"Others do as in [the table](notebooks.md#other-magics).",
		Example: `{"%pip": warn}`,
	}}}
}

func decodeMagics(v *schema.Value) map[string]notebook.Action {
	actions := map[string]notebook.Action{}
	for _, m := range v.Members() {
		actions[m.Key] = notebook.Action(m.Value.Text())
	}
	return actions
}

// magics complains about names that no notebook's magic has, and about those that
// have nothing to choose.
func (c *platformCheck) magics() {
	magics := c.p.tree.Get("notebook", "magics")
	var known []string
	for _, r := range notebook.Rules() {
		known = append(known, r.Magic)
	}
	for _, m := range magics.Members() {
		path := schema.Join("notebook.magics", m.Key)
		switch {
		case slices.Contains(known, m.Key):
		case notebook.IsSetting(m.Key):
			c.complain(m.Pos, path, m.Key+" is part of the job, so that nothing else can happen to it")
		case strings.HasPrefix(m.Key, "%"):
			// Any other name may be a magic of the teams' own, but not a slip of the hand.
			if near := schema.Nearest(m.Key, named(known)); near != "" {
				c.complain(m.Pos, path, m.Key+" is not a magic that there is a rule for").Suggestion = strconv.Quote(near)
			}
		case strings.HasSuffix(m.Key, "()"):
			explain(c.complain(m.Pos, path, "there is no rule for "+m.Key), m.Key, calls(known))
		}
	}
}

// named are the rules for a magic with a name.
func named(known []string) []string {
	return slices.DeleteFunc(slices.Clone(known), func(s string) bool { return len(strings.Trim(s, "%!")) == 0 })
}

// calls are the rules for functions.
func calls(known []string) []string {
	return slices.DeleteFunc(slices.Clone(known), func(s string) bool { return !strings.HasSuffix(s, "()") })
}
