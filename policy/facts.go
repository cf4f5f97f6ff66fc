package policy

import (
	"time"

	"cel.dev/cel-go/cel"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/schema"
	"github.com/slipway-cd/slipway/shape"
)

// Facts are what rails are asked about: a plan, and all that it is about.
type Facts struct {
	Plan        slipway.Plan // its target says app, shape and parameters
	Team        string
	Environment slipway.Environment
	Rollback    bool
	Released    time.Time // when the release was made; zero: it is none yet
	Time        time.Time
	Grants      []slipway.RailGrant // permissions that were given for this app and environment
	People      People
	Others      *Others // nil: nobody looked
}

// People are who has to do with a plan, by their short names where the platform
// has them. What is empty is not known.
type People struct {
	Deployer string // who deploys
	Author   string // who wrote the release's commit
	Releaser string // who made the release
	Team     []string
}

// Others are what other apps cost in an average month, as it was planned when they
// were deployed. Nil: it could not be found out.
type Others struct {
	Environment *Spending // all that is deployed in the environment
	Team        *Spending // all that the team has deployed, wherever
}

// Spending is the cost of several apps.
type Spending struct {
	Month   slipway.Decimal
	Apps    []string // that it is the sum of
	Unknown []string // apps whose cost nobody knows
}

// A structure is a fact with named fields.
type structure struct {
	name   string
	fields []fact
}

// A fact is a variable, or a field of a structure, in rails.
type fact struct {
	name string
	typ  *cel.Type
	enum []string // the values that text can have; empty: any
}

func (s structure) field(name string) *fact {
	for i := range s.fields {
		if s.fields[i].name == name {
			return &s.fields[i]
		}
	}
	return nil
}

func (s structure) names() []string {
	names := make([]string, len(s.fields))
	for i, f := range s.fields {
		names[i] = f.name
	}
	return names
}

// structures are all structures that rails over apps of a shape can ask about.
// The one without a name holds the variables.
func structures(s *shape.Shape, scope Scope) []structure {
	object := cel.ObjectType
	return []structure{
		{"", []fact{
			{"app", cel.StringType, nil},
			{"team", cel.StringType, scope.Teams},
			{"shape", cel.StringType, scope.Shapes.Names()},
			{"run", object("run"), nil},
			{"environment", object("environment"), nil},
			{"release", object("release"), nil},
			{"plan", object("plan"), nil},
			{"cost", object("cost"), nil},
			{"others", object("others"), nil},
			{"people", object("people"), nil},
			{"time", cel.TimestampType, nil},
		}},
		{"run", parameters(s)},
		{"environment", []fact{
			{"name", cel.StringType, scope.environmentNames()},
			{"runtime", cel.StringType, []string{"local", "glue", "ecs", "kubernetes"}},
			{"follows", cel.StringType, append([]string{""}, scope.environmentNames()...)},
			{"account", cel.StringType, nil},
			{"region", cel.StringType, nil},
		}},
		{"release", []fact{{"version", cel.StringType, nil}, {"commit", cel.StringType, nil}, {"created", cel.TimestampType, nil}}},
		{"plan", []fact{{"changes", cel.ListType(object("change")), nil}, {"warnings", cel.ListType(cel.StringType), nil}, {"rollback", cel.BoolType, nil}}},
		{"change", []fact{
			{"field", cel.StringType, nil},
			{"action", cel.StringType, []string{"add", "update", "delete"}},
			{"from", cel.DynType, nil},
			{"to", cel.DynType, nil},
			{"note", cel.StringType, nil},
		}},
		{"cost", []fact{{"worst", cel.DoubleType, nil}, {"expected", cel.DoubleType, nil}, {"month", object("month"), nil}, {"currency", cel.StringType, nil}}},
		{"month", []fact{{"runs", cel.DoubleType, nil}, {"worst", cel.DoubleType, nil}, {"expected", cel.DoubleType, nil}, {"planned", cel.DoubleType, nil}}},
		{"others", []fact{{"environment", object("spending"), nil}, {"team", object("spending"), nil}}},
		{"spending", []fact{{"month", cel.DoubleType, nil}, {"apps", cel.ListType(cel.StringType), nil}, {"unknown", cel.ListType(cel.StringType), nil}}},
		{"people", []fact{{"deployer", cel.StringType, nil}, {"author", cel.StringType, nil}, {"releaser", cel.StringType, nil}, {"team", cel.ListType(cel.StringType), nil}}},
	}
}

func parameters(s *shape.Shape) []fact {
	facts := make([]fact, len(s.Parameters))
	for i, p := range s.Parameters {
		facts[i] = fact{p.Name, typeOf(p.Type), nil}
		if p.Type.Kind == schema.String {
			facts[i].enum = p.Type.Enum
		}
	}
	return facts
}

// typeOf is the type in rails of what a schema describes.
func typeOf(t *schema.Type) *cel.Type {
	switch t.Kind {
	case schema.Int:
		return cel.IntType
	case schema.Number:
		return cel.DoubleType
	case schema.Bool:
		return cel.BoolType
	case schema.Duration:
		return cel.DurationType
	case schema.Size:
		return sizeType
	case schema.Date:
		return cel.TimestampType
	case schema.List:
		return cel.ListType(typeOf(t.Elem))
	case schema.Map:
		return cel.MapType(cel.StringType, typeOf(t.Elem))
	case schema.Object, schema.Union, schema.Any:
		return cel.DynType
	default:
		return cel.StringType
	}
}

// activation is the facts as rails see them. What is not known is left out, so
// that a rail that asks for it cannot be judged.
func (f Facts) activation(s *shape.Shape) map[string]any {
	t := f.Plan.Target
	e := f.Environment
	release := map[string]any{"version": t.Version, "commit": t.Commit}
	if !f.Released.IsZero() {
		release["created"] = f.Released.UTC()
	}
	return map[string]any{
		"app": t.App, "team": f.Team, "shape": t.Shape, "release": release,
		"run": runFacts(s, t.Run),
		"environment": map[string]any{
			"name": e.Name, "runtime": e.Runtime, "follows": e.Follows, "account": e.Account, "region": e.Region,
		},
		"plan": planFacts(f.Plan, f.Rollback),
		"cost": costFacts(f.Plan.Cost), "others": f.Others.facts(), "people": f.People.facts(),
		"time": f.Time.UTC(),
	}
}

// runFacts gives parameters their types. A list or a map that is not set is
// empty, and what is not set to be true is false; nothing else is made up.
func runFacts(s *shape.Shape, run map[string]any) map[string]any {
	out := make(map[string]any, len(s.Parameters))
	for _, p := range s.Parameters {
		if v, ok := factOf(p.Type, run[p.Name]); ok {
			out[p.Name] = v
		}
	}
	return out
}

// factOf makes a fact of what encoding/json decodes.
func factOf(t *schema.Type, plain any) (any, bool) {
	switch v := plain.(type) {
	case nil:
		return emptyFact(t)
	case float64:
		if t.Kind == schema.Int {
			return int64(v), true
		}
		return v, true
	case string:
		return textFact(t, v)
	case []any:
		out := []any{}
		for _, item := range v {
			if f, ok := factOf(elemOf(t), item); ok {
				out = append(out, f)
			}
		}
		return out, true
	case map[string]any:
		return mapFact(t, v)
	}
	return plain, true
}

func emptyFact(t *schema.Type) (any, bool) {
	switch t.Kind {
	case schema.List:
		return []any{}, true
	case schema.Map:
		return map[string]any{}, true
	case schema.Bool:
		return false, true
	default:
		return nil, false
	}
}

func textFact(t *schema.Type, text string) (any, bool) {
	switch t.Kind {
	case schema.Duration:
		d, err := schema.ParseDuration(text)
		return d, err == nil
	case schema.Size:
		n, err := schema.ParseSize(text)
		return size(n), err == nil
	case schema.Date:
		day, err := time.Parse(time.DateOnly, text)
		return day, err == nil
	default:
		return text, true
	}
}

// mapFact is a map, or the name of a secret that stands in the place of a text.
func mapFact(t *schema.Type, plain map[string]any) (any, bool) {
	if name, ok := plain["secret"].(string); ok && len(plain) == 1 && t.Kind != schema.Map {
		return "secret:" + name, true
	}
	out := make(map[string]any, len(plain))
	for key, value := range plain {
		if f, ok := factOf(elemOf(t), value); ok {
			out[key] = f
		}
	}
	return out, true
}

func elemOf(t *schema.Type) *schema.Type {
	if t.Elem == nil {
		return &schema.Type{Kind: schema.Any}
	}
	return t.Elem
}

func planFacts(p slipway.Plan, rollback bool) map[string]any {
	changes := make([]any, len(p.Changes))
	for i, c := range p.Changes {
		change := map[string]any{"field": c.Field, "action": string(c.Action), "note": c.Note}
		if c.From != nil {
			change["from"] = c.From
		}
		if c.To != nil {
			change["to"] = c.To
		}
		changes[i] = change
	}
	warnings := p.Warnings
	if warnings == nil {
		warnings = []string{}
	}
	return map[string]any{"changes": changes, "warnings": warnings, "rollback": rollback}
}

func costFacts(c *slipway.Cost) map[string]any {
	out := map[string]any{}
	if c == nil {
		return out
	}
	amounts(out, c.Worst, c.Expected)
	for _, m := range []*slipway.Money{c.Worst, c.Expected} {
		if m != nil {
			out["currency"] = m.Currency
		}
	}
	if c.Month != nil {
		month := map[string]any{"runs": c.Month.Runs}
		amounts(month, c.Month.Worst, c.Month.Expected)
		for _, m := range []*slipway.Money{c.Month.Worst, c.Month.Expected} { // what is expected counts, if it is known
			if m != nil {
				month["planned"], out["currency"] = number(m.Amount), m.Currency
			}
		}
		out["month"] = month
	}
	return out
}

func (o *Others) facts() map[string]any {
	out := map[string]any{}
	if o == nil {
		return out
	}
	for name, s := range map[string]*Spending{"environment": o.Environment, "team": o.Team} {
		if s != nil {
			out[name] = map[string]any{"month": number(s.Month), "apps": append([]string{}, s.Apps...), "unknown": append([]string{}, s.Unknown...)}
		}
	}
	return out
}

func (p People) facts() map[string]any {
	out := map[string]any{"team": append([]string{}, p.Team...)}
	for name, who := range map[string]string{"deployer": p.Deployer, "author": p.Author, "releaser": p.Releaser} {
		if who != "" {
			out[name] = who
		}
	}
	return out
}

func amounts(into map[string]any, worst, expected *slipway.Money) {
	if worst != nil {
		into["worst"] = number(worst.Amount)
	}
	if expected != nil {
		into["expected"] = number(expected.Amount)
	}
}

// number is an amount of whole millionths in the currency's unit.
func number(d slipway.Decimal) float64 { return float64(d) / 1e6 }
