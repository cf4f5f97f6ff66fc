package shape

import (
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway/schema"
)

// Place is where an app goes: what the questions about environment and runtime
// are answered with.
type Place struct {
	Environment, Runtime string
}

// Violation is a rule of the shape that a run breaks.
type Violation struct {
	// Parameter is the one at fault, and At its value; nil if it is not set.
	Parameter string
	At        *schema.Value
	Message   string
	Expected  string
}

// Resolve fills the shape's defaults into run, whose nulls say what to leave
// out, and checks what must hold between parameters in that place.
func (s *Shape) Resolve(run *schema.Value, place Place) (*schema.Value, []Violation) {
	full := s.fill(run, place)
	var broken []Violation
	for _, p := range s.Parameters {
		broken = append(broken, s.checkParameter(p, full, place)...)
	}
	for _, c := range s.Conditions {
		if c.When.holds(full, place) {
			broken = append(broken, s.checkCondition(c, full)...)
		}
	}
	return s.ordered(schema.Clean(full)), broken
}

// fill lays run over the defaults. Questions see what is set and the defaults of
// the parameters before.
func (s *Shape) fill(run *schema.Value, place Place) *schema.Value {
	from := fmt.Sprintf("default of shape %s %d", s.Name, s.Version)
	var members []schema.Member
	full := func() *schema.Value { return schema.Merge(schema.NewObject(from, members), run) }
	for _, p := range s.Parameters {
		if value := s.defaultOf(p, full(), place); value != nil && p.When.holds(full(), place) {
			members = append(members, schema.Member{Key: p.Name, Value: schema.WithOrigin(value, from)})
		}
	}
	return full()
}

func (s *Shape) defaultOf(p Parameter, full *schema.Value, place Place) *schema.Value {
	value := p.DefaultValue
	for _, d := range s.Defaults {
		if set := d.Set.Get(p.Name); set != nil && d.When.holds(full, place) {
			value = set
		}
	}
	return value
}

func (w When) holds(run *schema.Value, place Place) bool {
	for _, q := range w {
		if !slices.Contains(q.Is, answer(q.Name, run, place)) {
			return false
		}
	}
	return true
}

func answer(name string, run *schema.Value, place Place) string {
	switch value := run.Get(name); {
	case name == "runtime":
		return place.Runtime
	case name == "environment":
		return place.Environment
	case !value.Given():
		return ""
	default:
		return value.Text()
	}
}

// failing says in words which question of a When is answered no.
func (w When) failing(run *schema.Value, place Place) string {
	for _, q := range w {
		if got := answer(q.Name, run, place); !slices.Contains(q.Is, got) {
			return q.Name + " " + got
		}
	}
	return ""
}

func (w When) String() string {
	words := make([]string, len(w))
	for i, q := range w {
		words[i] = q.Name + " " + strings.Join(q.Is, " or ")
	}
	return strings.Join(words, " and ")
}

func (s *Shape) checkParameter(p Parameter, run *schema.Value, place Place) []Violation {
	value := run.Get(p.Name)
	exists := p.When.holds(run, place)
	switch {
	case value.Given() && !exists:
		return []Violation{{
			Parameter: p.Name, At: value,
			Message:  fmt.Sprintf("run.%s is not for %s", p.Name, p.When.failing(run, place)),
			Expected: fmt.Sprintf("it only with %s, or null to leave it out", p.When),
		}}
	case !value.Given() && exists && slices.Contains(p.RequiredOn, place.Runtime):
		return []Violation{{
			Parameter: p.Name, At: value,
			Message:  fmt.Sprintf("run has no %s, which the runtime %s needs", p.Name, place.Runtime),
			Expected: p.Name + ": " + p.Type.Expects(),
		}}
	}
	return nil
}

func (s *Shape) checkCondition(c Condition, run *schema.Value) []Violation {
	because := ""
	if c.Because != "" {
		because = ": " + c.Because
	}
	var broken []Violation
	for _, name := range c.Require {
		if !run.Get(name).Given() {
			broken = append(broken, Violation{
				Parameter: name, At: run.Get(name), Expected: s.Parameter(name).Type.Expects(),
				Message: fmt.Sprintf("run has no %s, which %s needs%s", name, c.When, because),
			})
		}
	}
	for _, q := range c.Allow {
		value := run.Get(q.Name)
		if value.Given() && !slices.Contains(q.Is, value.Text()) {
			broken = append(broken, Violation{
				Parameter: q.Name, At: value, Expected: (&schema.Type{Kind: s.Parameter(q.Name).Type.Kind, Enum: q.Is}).Expects(),
				Message: fmt.Sprintf("run.%s is %s, which does not go with %s%s", q.Name, value.Text(), c.When, because),
			})
		}
	}
	return broken
}

// ordered puts the parameters into the order of the shape.
func (s *Shape) ordered(run *schema.Value) *schema.Value {
	var members []schema.Member
	for _, p := range s.Parameters {
		for _, m := range run.Members() {
			if m.Key == p.Name {
				members = append(members, m)
			}
		}
	}
	return schema.NewObject("", members)
}
