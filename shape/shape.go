// Package shape loads the menu: the kinds of application that teams can choose
// from. A shape is a folder with a shape.yaml. Start with [Builtin], which is the
// menu that ships with the product, or [Load] for another folder of shapes.
//
// A shape's parameters are the fields of `run` in a manifest. [Shape.RunType] is
// their type, and [Shape.Resolve] fills in defaults and checks the conditions
// between parameters.
package shape

import (
	"maps"
	"slices"

	"github.com/slipway-cd/slipway/schema"
)

// Shape is one kind of application.
type Shape struct {
	Name        string
	Version     int
	Description string
	// Runtimes are the runtimes that can run it.
	Runtimes []string
	Build    Build
	// Parameters are the fields of run, in the order people read them.
	Parameters []Parameter
	Defaults   []Defaults
	Conditions []Condition
	// Rails, Cost and Tests are kept as they are written, and Doc is the document
	// that they stand in.
	Rails, Cost, Tests *schema.Value
	Doc                *schema.Doc
}

// Build says which keys of a manifest's build a shape takes.
type Build struct {
	ExactlyOne []string // of these, one must be given
	Takes      []string // these may be given besides
}

// Parameter is one field of run.
type Parameter struct {
	schema.Field
	// When says for which other parameters this one exists; it holds no value
	// otherwise. The zero When is always.
	When When
	// RequiredOn lists the runtimes that need the parameter, Runtimes those that
	// look at it (empty: all of the shape's).
	RequiredOn, Runtimes []string
	// DefaultValue is the value where nothing is set, or nil.
	DefaultValue *schema.Value
}

// When is a question about parameters: each named one has one of the values.
// The names environment and runtime ask where the app is going.
type When []Question

// Question asks whether a parameter has one of the values.
type Question struct {
	Name string
	Is   []string
}

// Defaults are values that hold, where nothing is set, when a question is
// answered yes.
type Defaults struct {
	When When
	Set  *schema.Value
}

// Condition is what must hold between parameters when a question is answered
// yes: parameters that must be set, and values that a parameter may have.
type Condition struct {
	When    When
	Require []string
	Allow   []Question
	Because string
}

// Parameter returns the parameter of that name, or nil.
func (s *Shape) Parameter(name string) *Parameter {
	for i := range s.Parameters {
		if s.Parameters[i].Name == name {
			return &s.Parameters[i]
		}
	}
	return nil
}

// RunsOn reports whether the runtime can run the shape.
func (s *Shape) RunsOn(runtime string) bool { return slices.Contains(s.Runtimes, runtime) }

// RunType is the type of run, of any layer of it: no field is required, and
// null removes what a lower layer says.
func (s *Shape) RunType() *schema.Type {
	t := &schema.Type{Kind: schema.Object}
	for _, p := range s.Parameters {
		t.Fields = append(t.Fields, p.Field)
	}
	return t.Overlay()
}

// Menu is the shapes that teams can choose from, by name.
type Menu struct {
	shapes map[string]*Shape
}

// NewMenu makes a menu of shapes. Of two with one name the later one counts.
func NewMenu(shapes ...*Shape) Menu {
	m := Menu{shapes: map[string]*Shape{}}
	for _, s := range shapes {
		m.shapes[s.Name] = s
	}
	return m
}

// Lookup returns the shape of that name, or nil.
func (m Menu) Lookup(name string) *Shape { return m.shapes[name] }

// Names returns the names of the shapes in order.
func (m Menu) Names() []string { return slices.Sorted(maps.Keys(m.shapes)) }

// All returns the shapes in the order of their names.
func (m Menu) All() []*Shape {
	var all []*Shape
	for _, name := range m.Names() {
		all = append(all, m.shapes[name])
	}
	return all
}
