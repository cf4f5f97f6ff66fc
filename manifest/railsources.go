package manifest

import (
	"github.com/slipway-cd/slipway/policy"
	"github.com/slipway-cd/slipway/schema"
	"github.com/slipway-cd/slipway/shape"
)

// RailSources are the guard rails of the file: its own, those of its environments
// and its budgets. A platform without a file has none.
func (p *Platform) RailSources() ([]policy.Source, error) {
	if p == nil {
		return nil, nil
	}
	all := []policy.Source{{Doc: p.doc, Rails: p.tree.Get("rails"), Cases: p.tree.Get("rails_test")}}
	var budgets []policy.Budget
	for _, m := range p.tree.Get("environments").Members() {
		if rails := m.Value.Get("rails"); rails.Given() {
			all = append(all, policy.Source{Doc: p.doc, Rails: rails, Path: "environments." + m.Key + ".rails", Environment: m.Key})
		}
		if b, ok := readBudget(m.Value); ok {
			b.Environment = m.Key
			budgets = append(budgets, b)
		}
	}
	for _, m := range p.tree.Get("teams").Members() {
		if b, ok := readBudget(m.Value); ok {
			b.Team = m.Key
			budgets = append(budgets, b)
		}
	}
	rails, err := policy.OfBudgets(p.File, budgets)
	if err != nil {
		return nil, err
	}
	if len(budgets) > 0 {
		all = append(all, rails)
	}
	return all, nil
}

func readBudget(v *schema.Value) (policy.Budget, bool) {
	if b := v.Get("budget"); b.Given() {
		return policy.ReadBudget(b)
	}
	return policy.Budget{}, false
}

// budget complains about one that nobody can open, or that names nobody.
func (c *platformCheck) budget(v *schema.Value, path string) {
	at := v.Get("budget")
	b, ok := readBudget(v)
	if !ok {
		return
	}
	c.names(at.Get("by"), path+".budget.by", "person, role or team", c.whoever())
	if (b.Effect == "exception") != (len(b.By) > 0) {
		c.complain(at.Pos, path+".budget", path+".budget names who grants exceptions, or has the effect exception, and needs both").
			Expected = "{amount: 500 USD/month, effect: exception, by: [finance]}"
	}
}

// Quotas compiles the quotas of the file.
func (p *Platform) Quotas(shapes shape.Menu) ([]*policy.Quota, error) {
	list := p.tree.Get("quotas")
	if !list.Given() {
		return nil, nil
	}
	return policy.LoadQuotas(p.RailScope(shapes), p.doc, list)
}
