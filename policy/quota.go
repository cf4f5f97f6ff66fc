package policy

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/schema"
)

// A Quota is how much of something all apps in some environments may hold together.
type Quota struct {
	Name         string          `json:"name"`
	Environments []string        `json:"environments"`
	Shapes       []string        `json:"shapes,omitempty"` // empty: all
	Resource     string          `json:"resource"`         // an expression over the parameters of an app
	Unit         string          `json:"unit"`
	Limit        slipway.Decimal `json:"limit"`

	compiled map[string]cel.Program // by shape
	scope    Scope
}

// QuotasType describes `quotas` in a platform.yaml.
func QuotasType() *schema.Type {
	return listOf(&schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "name", Required: true, Type: nameType("a quota's name"), Help: "What people call it."},
		{Name: "environments", Required: true, Type: &schema.Type{Kind: schema.List, Elem: nameType("an environment's name"), Min: new(1.0)}, Help: "The environments whose apps share it. The ledger of the first keeps the account."},
		{Name: "shapes", Type: listOf(nameType("a shape's name")), Help: "The shapes that it is for. Default: all."},
		{Name: "resource", Required: true, Type: textType(), Help: "What an app holds: a CEL expression over its parameters.", Example: "run.workers * 16"},
		{Name: "unit", Required: true, Type: textType(), Help: "The unit of it.", Example: "GB"},
		{Name: "limit", Required: true, Type: &schema.Type{Kind: schema.Number, Min: new(0.0), Max: new(1e9)}, Help: "What all of them may hold together.", Example: "1000"},
	}})
}

// LoadQuotas compiles quotas that were read as QuotasType. Its error is of kind
// slipway.Invalid and wraps schema.Problems.
func LoadQuotas(scope Scope, doc *schema.Doc, list *schema.Value) ([]*Quota, error) {
	l := newLoader(scope)
	var all []*Quota
	for i, v := range list.Items() {
		path := fmt.Sprintf("quotas[%d]", i)
		q := &Quota{
			Name: v.Get("name").Text(), Environments: v.Get("environments").Texts(), Shapes: v.Get("shapes").Texts(),
			Resource: v.Get("resource").Text(), Unit: v.Get("unit").Text(), Limit: decimal(v.Get("limit").Float()),
			compiled: map[string]cel.Program{}, scope: scope,
		}
		if first, ok := l.seen[q.Name]; ok {
			_ = l.complain(doc, v.Get("name"), path+".name", fmt.Sprintf("there is a quota %s already, at %s", q.Name, first))
		}
		l.seen[q.Name] = fmt.Sprintf("%s:%d", doc.File, v.Pos.Line)
		l.names(doc, v.Get("environments"), path+".environments", "environment", scope.environmentNames())
		l.names(doc, v.Get("shapes"), path+".shapes", "shape", scope.Shapes.Names())
		l.resource(doc, v.Get("resource"), path+".resource", q)
		all = append(all, q)
	}
	if l.failure != nil {
		return nil, l.failure
	}
	return all, invalid(l.problems)
}

// resource compiles what an app holds, for each shape.
func (l *loader) resource(doc *schema.Doc, v *schema.Value, path string, q *Quota) {
	var wrong faults
	var fine []string
	for _, of := range l.book.scope.Shapes.All() {
		if !q.isFor(of.Name) || len(q.Shapes) == 0 && !l.book.scope.runs(of, q.Environments) {
			continue
		}
		c := l.of(of)
		if c == nil {
			return
		}
		p, bad := c.amount(q.Resource)
		wrong = append(wrong, bad...)
		q.compiled[c.shape.Name] = p
		if len(bad) == 0 {
			fine = append(fine, c.shape.Name)
		}
	}
	for _, w := range wrong.once() {
		p := doc.Problem(doc.Within(v, w.at, w.length), path, fmt.Sprintf("quota %s: %s", q.Name, w.message))
		p.Expected, p.Suggestion = w.expected, w.suggestion
		if len(fine) > 0 {
			p.Expected, p.Suggestion = fmt.Sprintf("shapes: [%s], if the quota is for these alone", strings.Join(fine, ", ")), ""
		}
		l.problems = append(l.problems, p)
	}
}

// amount compiles an expression that gives a number.
//
//nolint:ireturn // CEL has no other type for it
func (c *compiler) amount(text string) (cel.Program, faults) {
	p, wrong := c.compile(text, cel.IntType)
	if len(wrong) == 0 {
		return p, nil
	}
	if p, bad := c.compile(text, cel.DoubleType); len(bad) == 0 {
		return p, nil
	}
	if _, bad := c.compile(text, nil); len(bad) > 0 {
		return nil, bad
	}
	return nil, faults{{length: len([]rune(text)), message: "it is no number", expected: "a number, such as run.workers * 16"}}
}

func (q *Quota) isFor(shape string) bool {
	return len(q.Shapes) == 0 || slices.Contains(q.Shapes, shape)
}

// IsFor reports whether apps of a shape in an environment hold some of the quota.
func (q *Quota) IsFor(shape, environment string) bool {
	return q.isFor(shape) && slices.Contains(q.Environments, environment)
}

// Amount is what a target holds while it is deployed. What cannot be told is an
// error of kind slipway.Blocked.
func (q *Quota) Amount(t slipway.Target) (slipway.Decimal, error) {
	if !q.IsFor(t.Shape, t.Environment) {
		return 0, nil
	}
	n, err := q.eval(t)
	if err != nil {
		return 0, slipway.Errorf(slipway.Blocked, "quota %s: what %s needs in %s cannot be told: %w", q.Name, t.App, t.Environment, err).
			WithFix("set what quotas.%s.resource asks for: %s", q.Name, q.Resource)
	}
	return n, nil
}

func (q *Quota) eval(t slipway.Target) (slipway.Decimal, error) {
	s, p := q.scope.Shapes.Lookup(t.Shape), q.compiled[t.Shape]
	if s == nil || p == nil {
		return 0, fmt.Errorf("the shape %s is not on the menu", t.Shape)
	}
	facts := Facts{Plan: slipway.Plan{Target: t}}
	if i := slices.IndexFunc(q.scope.Environments, func(e slipway.Environment) bool { return e.Name == t.Environment }); i >= 0 {
		facts.Environment = q.scope.Environments[i]
	}
	out, _, err := p.Eval(facts.activation(s))
	if err != nil {
		return 0, errors.New(plainError(err))
	}
	n := math.NaN()
	switch v := out.(type) {
	case types.Int:
		n = float64(v)
	case types.Double:
		n = float64(v)
	}
	if math.IsNaN(n) || n < 0 || n > 1e9 {
		return 0, fmt.Errorf("it is %s, and a number from 0 to 1000000000 was expected", words(out))
	}
	return decimal(n), nil
}

// decimal is a number, rounded up to whole millionths.
func decimal(n float64) slipway.Decimal { return slipway.Decimal(math.Ceil(n*1e6 - 1e-3)) }
