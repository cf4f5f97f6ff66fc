package manifest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/schema"
)

// A Delegation lets a person stand in for another, in some of their roles, until the
// end of a day.
type Delegation struct {
	From  string    `json:"from"`
	To    string    `json:"to"`
	Roles []string  `json:"roles,omitempty"` // empty: all of From's
	Until time.Time `json:"until"`           // the last day
}

func delegationsType() *schema.Type {
	return listOf(&schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "from", Required: true, Type: nameType("a person's short name"), Help: "Who is away."},
		{Name: "to", Required: true, Type: nameType("a person's short name"), Help: "Who stands in."},
		{Name: "roles", Type: listOf(nameType("a role's name")), Help: "In which roles. Default: all that the person has."},
		{Name: "until", Required: true, Type: &schema.Type{Kind: schema.Date}, Help: "The last day (UTC)."},
	}})
}

// Delegations are who stands in for whom.
func (p *Platform) Delegations() []Delegation {
	if p == nil {
		return nil
	}
	var all []Delegation
	for _, v := range p.tree.Get("delegations").Items() {
		all = append(all, Delegation{From: v.Get("from").Text(), To: v.Get("to").Text(), Roles: v.Get("roles").Texts(), Until: decodeDate(v.Get("until"))})
	}
	return all
}

// PolicyAt is Policy with those in the roles who stand in for others at a time. Who
// stands in hands nothing on.
func (p *Platform) PolicyAt(now time.Time) evidence.Policy {
	all := p.Policy()
	members := maps.Clone(all.Roles)
	for _, d := range p.Delegations() {
		if !now.Before(d.Until.AddDate(0, 0, 1)) {
			continue
		}
		for role, people := range members {
			if slices.Contains(people, d.From) && (len(d.Roles) == 0 || slices.Contains(d.Roles, role)) && !slices.Contains(all.Roles[role], d.To) {
				all.Roles[role] = append(slices.Clone(all.Roles[role]), d.To)
			}
		}
	}
	return all
}

// WhoeverAt returns the people that a list of roles, people and teams stands for at
// a time, in order, each once.
func (p *Platform) WhoeverAt(names []string, now time.Time) []string {
	if p == nil {
		return nil
	}
	roles := p.PolicyAt(now).Roles
	var all []string
	for _, name := range names {
		if _, ok := p.People[name]; ok {
			all = append(all, name)
		}
		all = append(all, roles[name]...)
		all = append(all, p.Teams[name].People...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// delegations complains about those that hand over what is not there.
func (c *platformCheck) delegations() {
	people := slices.Sorted(maps.Keys(c.p.People))
	for i, v := range c.p.tree.Get("delegations").Items() {
		path := fmt.Sprintf("delegations[%d]", i)
		from, to := v.Get("from"), v.Get("to")
		c.name(from, path+".from", "person", people)
		c.name(to, path+".to", "person", people)
		if from.Text() == to.Text() {
			c.complain(to.Pos, path+".to", path+" is from "+from.Text()+" to the same person").Expected = "somebody else"
		}
		for j, role := range v.Get("roles").Items() {
			at := fmt.Sprintf("%s.roles[%d]", path, j)
			c.name(role, at, "role", slices.Sorted(maps.Keys(c.p.Roles)))
			if r, ok := c.p.Roles[role.Text()]; ok && !slices.Contains(r.People, from.Text()) {
				c.complain(role.Pos, at, fmt.Sprintf("%s: %s is not in the role %s", at, from.Text(), role.Text())).Expected = "a role of " + from.Text()
			}
		}
	}
}
