// Package shape loads the menu: the kinds of application that teams can choose
// from. A shape is a folder with a shape.yaml. Start with [Builtin], which is the
// menu that ships with the product, or [Load] for another folder of shapes.
//
// A shape's parameters are the fields of `run` in a manifest. [Shape.RunType] is
// their type, and [Shape.Resolve] fills in defaults and checks the conditions
// between parameters.
package shape

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

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
	Cost       Cost
	// Upgrades lead from the versions before to this one, one after the other.
	Upgrades []Upgrade
	// Rails and Tests are kept as they are written, and Doc is the document that they
	// stand in.
	Rails, Tests *schema.Value
	Doc          *schema.Doc
}

// Cost is a formula for what a run costs, where a runtime has no prices of its own.
type Cost struct {
	Run      string // an expression over the parameters; empty: there is none
	Currency string
	Pos      schema.Pos // of the expression
}

// An Upgrade says what changes in a manifest from one version to the next.
type Upgrade struct {
	From   int
	Notes  string
	Rename map[string]string            // parameters, by their old names
	Values map[string]map[string]string // of parameters by their new names, by their old values
	Remove []string                     // parameters that there are no more
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

// Ref is how a manifest names this version of the shape: glue-job@1.
func (s *Shape) Ref() string { return fmt.Sprintf("%s@%d", s.Name, s.Version) }

// Menu is the shapes that teams can choose from, by name. Of a shape there may be
// several versions.
type Menu struct {
	shapes map[string][]*Shape // the oldest version first
}

// NewMenu makes a menu of shapes. Of two with one name and version the later one
// counts.
func NewMenu(shapes ...*Shape) Menu {
	m := Menu{shapes: map[string][]*Shape{}}
	for _, s := range shapes {
		all := slices.DeleteFunc(m.shapes[s.Name], func(o *Shape) bool { return o.Version == s.Version })
		all = append(all, s)
		slices.SortFunc(all, func(a, b *Shape) int { return a.Version - b.Version })
		m.shapes[s.Name] = all
	}
	return m
}

// Lookup returns the shape of that name, in its newest version, or in that which
// stands behind an @; nil: it is not on the menu.
func (m Menu) Lookup(ref string) *Shape {
	name, version, exact := strings.Cut(ref, "@")
	all := m.shapes[name]
	if len(all) > 0 && !exact {
		return all[len(all)-1]
	}
	for _, s := range all {
		if strconv.Itoa(s.Version) == version {
			return s
		}
	}
	return nil
}

// Custom is the name of the shape for what no other fits.
const Custom = "custom"

// Names returns the names of the shapes in order, what is off the menu last.
func (m Menu) Names() []string {
	names := slices.Sorted(maps.Keys(m.shapes))
	if i := slices.Index(names, Custom); i >= 0 {
		names = append(slices.Delete(names, i, i+1), Custom)
	}
	return names
}

// Refs returns what a manifest may call shapes: their names, and then each version
// by its own.
func (m Menu) Refs() []string {
	refs := m.Names()
	for _, name := range m.Names() {
		for _, s := range m.shapes[name] {
			refs = append(refs, s.Ref())
		}
	}
	return refs
}

// All returns the shapes in the order of their names, each in its newest version.
func (m Menu) All() []*Shape {
	var all []*Shape
	for _, name := range m.Names() {
		all = append(all, m.Lookup(name))
	}
	return all
}

// Every returns all versions of all shapes in the order of their names.
func (m Menu) Every() []*Shape {
	var all []*Shape
	for _, name := range m.Names() {
		all = append(all, m.shapes[name]...)
	}
	return all
}

// With returns the menu with the shapes of another, which count where both have one.
func (m Menu) With(o Menu) Menu { return NewMenu(append(m.Every(), o.Every()...)...) }
