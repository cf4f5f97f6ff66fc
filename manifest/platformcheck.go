package manifest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/schema"
)

// check complains about names that stand for nothing, and about environments
// that follow each other in a circle.
func (p *Platform) check() schema.Problems {
	c := &platformCheck{p: p}
	for _, m := range p.tree.Get("environments").Members() {
		c.environment(m)
	}
	c.circles()
	for _, section := range []string{"teams", "roles", "calls"} {
		for _, m := range p.tree.Get(section).Members() {
			c.names(m.Value.Get("people"), section+"."+m.Key+".people", "person", slices.Sorted(maps.Keys(p.People)))
		}
	}
	c.keys()
	c.delegations()
	c.signers()
	c.access()
	calls := keys(p.tree.Get("calls"))
	for _, m := range p.tree.Get("teams").Members() {
		c.budget(m.Value, "teams."+m.Key)
		if to := m.Value.Get("calls"); to.Given() {
			c.name(to, "teams."+m.Key+".calls", "entry of calls", calls)
		}
	}
	c.magics()
	c.checks()
	c.mergeRules()
	return c.problems
}

type platformCheck struct {
	p        *Platform
	problems schema.Problems
}

func keys(v *schema.Value) []string {
	var out []string
	for _, m := range v.Members() {
		out = append(out, m.Key)
	}
	return out
}

func (c *platformCheck) complain(pos schema.Pos, path, message string) *schema.Problem {
	c.problems = append(c.problems, c.p.doc.Problem(pos, path, message))
	return &c.problems[len(c.problems)-1]
}

func (c *platformCheck) names(list *schema.Value, path, what string, known []string) {
	for i, item := range list.Items() {
		c.name(item, fmt.Sprintf("%s[%d]", path, i), what, known)
	}
}

// name complains about a name that is not known.
func (c *platformCheck) name(v *schema.Value, path, what string, known []string) {
	if v == nil || slices.Contains(known, v.Text()) {
		return
	}
	p := c.complain(v.Pos, path, fmt.Sprintf("%s names the %s %q, which this file does not have", path, what, v.Text()))
	explain(p, v.Text(), known)
}

// explain adds the nearest known name, or all of them.
func explain(p *schema.Problem, name string, known []string) {
	if near := schema.Nearest(name, known); near != "" {
		p.Suggestion = strconv.Quote(near)
	} else if len(known) > 0 {
		p.Expected = "one of " + strings.Join(known, ", ")
	}
}

func (c *platformCheck) environment(m schema.Member) {
	path := "environments." + m.Key
	v := m.Value
	if !v.Has("runtime") && m.Key != slipway.LocalEnvironment {
		c.complain(m.Pos, path+".runtime", path+" has no runtime").Expected = "one of local, glue, ecs, kubernetes"
	}
	if runtime := v.Get("runtime"); m.Key == slipway.LocalEnvironment && runtime.Given() && runtime.Text() != "local" {
		c.complain(runtime.Pos, path+".runtime", "the environment local runs on this machine").Expected = "local, or another name for this environment"
	}
	if root := v.Get("root"); root.Given() && v.Get("runtime").Given() && v.Get("runtime").Text() != "local" {
		c.complain(v.KeyPos("root"), path+".root", fmt.Sprintf("%s.root is for the runtime local, not %s", path, v.Get("runtime").Text()))
	}
	if plan := v.Get("plan_role"); plan.Given() && plan.Text() == v.Get("role").Text() {
		c.complain(plan.Pos, path+".plan_role", path+".plan_role is the role that deploys").Expected = "a role that may only read, or no plan_role"
	}
	if follows := v.Get("follows"); follows.Given() {
		c.name(follows, path+".follows", "environment", c.p.EnvironmentNames())
	}
	for i, item := range v.Get("sign_offs").Items() {
		role := item
		if item.Get("role") != nil {
			role = item.Get("role")
		}
		c.name(role, fmt.Sprintf("%s.sign_offs[%d]", path, i), "role", slices.Sorted(maps.Keys(c.p.Roles)))
	}
	if signOffs := v.Get("sign_offs"); signOffs.Given() && !v.Get("follows").Given() {
		c.complain(v.KeyPos("sign_offs"), path+".sign_offs", path+" follows no environment: releases are made there, so none ever comes to be signed for").
			Expected = "sign_offs of an environment that follows another"
	}
	c.names(v.Get("deployers"), path+".deployers", "person, role or team", c.whoever())
	c.budget(v, path)
	if soak := v.Get("soak"); soak.Given() && !v.Get("follows").Given() {
		c.complain(v.KeyPos("soak"), path+".soak", path+" follows no environment, so there is none in which a release could be live before").
			Expected = "soak of an environment that follows another"
	}
	for i, item := range v.Get("freeze").Items() {
		c.freeze(item, fmt.Sprintf("%s.freeze[%d]", path, i))
	}
}

// keys complains about keys that cannot sign, and about one that would sign for
// two people: nobody could say who of them signed.
func (c *platformCheck) keys() {
	owners := map[string]string{}
	for _, m := range c.p.tree.Get("people").Members() {
		for i, item := range m.Value.Get("keys").Items() {
			path := fmt.Sprintf("people.%s.keys[%d]", m.Key, i)
			k, err := evidence.ParseKey(item.Text())
			if err != nil {
				c.complain(item.Pos, path, path+" cannot sign: "+err.Error()).Expected = `a line of a .pub file that "ssh-keygen -t ed25519" wrote`
				continue
			}
			if owner, ok := owners[k.ID()]; ok {
				c.complain(item.Pos, path, fmt.Sprintf("%s is a key of %s already", path, owner)).Expected = "a key of its own for each person"
				continue
			}
			owners[k.ID()] = m.Key
		}
	}
}

// whoever is the names of all people, roles and teams.
func (c *platformCheck) whoever() []string {
	all := slices.Concat(slices.Collect(maps.Keys(c.p.People)), slices.Collect(maps.Keys(c.p.Roles)), slices.Collect(maps.Keys(c.p.Teams)))
	slices.Sort(all)
	return slices.Compact(all)
}

func (c *platformCheck) freeze(v *schema.Value, path string) {
	if v.Has("from") && v.Has("for") || v.Has("cron") && v.Has("until") {
		c.complain(v.Pos, path, path+" mixes days and a cron expression").Expected = "from and until, or cron and for"
		return
	}
	from, until := v.Get("from"), v.Get("until")
	if first, last := decodeDate(from), decodeDate(until); !first.IsZero() && !last.IsZero() && last.Before(first) {
		c.complain(until.Pos, path+".until", fmt.Sprintf("%s ends on %s, before it begins on %s", path, until.Text(), from.Text()))
	}
}

// circles complains about each circle of follows once, at the environment of it
// that stands first in the file.
func (c *platformCheck) circles() {
	told := map[string]bool{}
	for _, e := range c.p.Environments {
		circle := c.circle(e.Name)
		if len(circle) == 0 || told[e.Name] {
			continue
		}
		for _, name := range circle {
			told[name] = true
		}
		v := c.p.tree.Get("environments", e.Name, "follows")
		c.complain(v.Pos, "environments."+e.Name+".follows",
			"environments follow each other in a circle: "+strings.Join(append(circle, e.Name), " follows "))
	}
}

// circle returns the environments from the named one back to itself, or none.
func (c *platformCheck) circle(start string) []string {
	var way []string
	for at := start; !slices.Contains(way, at); {
		way = append(way, at)
		e, ok := c.p.Environment(at)
		if !ok || e.Follows == "" {
			return nil
		}
		if at = e.Follows; at == start {
			return way
		}
	}
	return nil
}
