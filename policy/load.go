package policy

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/schema"
	"github.com/slipway-cd/slipway/shape"
)

// A Rail is a guard rail as it is written.
type Rail struct {
	Name         string             `json:"name"`
	When         string             `json:"when"`
	Effect       slipway.RailEffect `json:"effect"`
	Message      string             `json:"message"`
	Fix          string             `json:"fix,omitempty"`
	Environments []string           `json:"environments,omitempty"` // empty: all
	Shapes       []string           `json:"shapes,omitempty"`       // empty: all
	By           []string           `json:"by,omitempty"`
	Rollback     bool               `json:"rollback,omitempty"` // it keeps people from rolling back too
	File         string             `json:"file"`
	Line         int                `json:"line"`
	Shape        string             `json:"shape,omitempty"` // that it comes with; empty: the platform's own

	condition slipway.Digest
	compiled  map[string]compiled // by shape
}

// compiled is what a rail is for one shape.
type compiled struct {
	when         cel.Program
	message, fix template
}

// A Source is a document with rails and cases in it, read as the types of this
// package.
type Source struct {
	Doc          *schema.Doc
	Rails, Cases *schema.Value
	// Path is what stands before the rails' places in complaints; empty: rails.
	Path string
	// Environment is the one that all of the rails are for; empty: they say so.
	Environment string
	// Shape is the one that all of the rails come with; empty: they say so. Its rails
	// may name roles that a platform does not have: then nobody opens them.
	Shape string
}

// Files returns the places where a source names other files.
func (s Source) Files() []*schema.Value {
	var files []*schema.Value
	for _, v := range slices.Concat(s.Rails.Items(), s.Cases.Items()) {
		if v.Kind == schema.Path {
			files = append(files, v)
		}
	}
	return files
}

// ReadFile reads a file of rails. Its error is of kind slipway.Invalid and wraps
// schema.Problems.
func ReadFile(file string, data []byte) (Source, error) {
	doc := schema.Open(file, data)
	v, problems := doc.Read(FileType())
	return Source{Doc: doc, Rails: v.Get("rails"), Cases: v.Get("rails_test")}, invalid(problems)
}

// OfShape are the rails that come with a shape. Its error is of kind
// slipway.Invalid and wraps schema.Problems.
func OfShape(s *shape.Shape) (Source, error) {
	if s.Rails == nil {
		return Source{}, nil
	}
	rails, problems := s.Rails.As(listOf(railType()), "rails")
	return Source{Doc: s.Doc, Rails: rails, Shape: s.Name}, invalid(problems)
}

func invalid(problems schema.Problems) error {
	err := problems.Err()
	if err == nil {
		return nil
	}
	return &slipway.Error{Kind: slipway.Invalid, Message: err.Error(), Err: err}
}

// Scope is what rails may name.
type Scope struct {
	Environments         []slipway.Environment
	Roles, People, Teams []string
	Shapes               shape.Menu
}

func (s Scope) environmentNames() []string {
	names := make([]string, len(s.Environments))
	for i, e := range s.Environments {
		names[i] = e.Name
	}
	return names
}

// runs reports whether apps of a shape can come to one of some environments; to none
// named, to any.
func (s Scope) runs(of *shape.Shape, environments []string) bool {
	return slices.ContainsFunc(s.Environments, func(e slipway.Environment) bool {
		return of.RunsOn(e.Runtime) && (len(environments) == 0 || slices.Contains(environments, e.Name))
	})
}

// A Book is all rails of a platform, compiled for every shape that they apply
// to, and the cases that test them. It may be used at the same time by many.
type Book struct {
	rails     []*Rail
	cases     []testCase
	scope     Scope
	compilers map[string]*compiler // by shape: of those that a rail is for
}

// Load compiles rails. Its error is of kind slipway.Invalid and wraps
// schema.Problems, with every complaint at its place.
func Load(scope Scope, sources ...Source) (*Book, error) {
	l := newLoader(scope)
	for _, s := range sources {
		for i, v := range s.Rails.Items() {
			if v.Kind == schema.Object {
				l.rail(s, v, fmt.Sprintf("%s[%d]", cmp.Or(s.Path, "rails"), i))
			}
		}
	}
	for _, s := range sources {
		for i, v := range s.Cases.Items() {
			if v.Kind == schema.Object {
				l.testCase(s.Doc, v, fmt.Sprintf("rails_test[%d]", i))
			}
		}
	}
	if l.failure != nil {
		return nil, l.failure
	}
	return l.book, invalid(l.problems)
}

// Rails returns the rails in the order in which they are written.
func (b *Book) Rails() []Rail {
	rails := make([]Rail, len(b.rails))
	for i, r := range b.rails {
		rails[i] = *r
	}
	return rails
}

// Names returns the names of the rails in the order in which they are written.
func (b *Book) Names() []string {
	names := make([]string, len(b.rails))
	for i, r := range b.rails {
		names[i] = r.Name
	}
	return names
}

// Rail returns the rail of that name.
func (b *Book) Rail(name string) (Rail, error) {
	for _, r := range b.rails {
		if r.Name == name {
			return *r, nil
		}
	}
	names := b.Names()
	err := slipway.Errorf(slipway.NotFound, "there is no rail %q", name)
	switch near := schema.Nearest(name, names); {
	case near != "":
		return Rail{}, err.WithFix("did you mean %s?", near)
	case len(names) > 0:
		return Rail{}, err.WithFix("the rails are: %s", strings.Join(names, ", "))
	}
	return Rail{}, err.WithFix("the platform file has none; it would name them under rails")
}

// loader reads rails and cases, and collects complaints.
type loader struct {
	book     *Book
	base     *cel.Env // made when the first rail is met
	seen     map[string]string
	problems schema.Problems
	failure  error
}

func newLoader(scope Scope) *loader {
	return &loader{book: &Book{scope: scope, compilers: map[string]*compiler{}}, seen: map[string]string{}}
}

func (l *loader) complain(doc *schema.Doc, v *schema.Value, path, message string) *schema.Problem {
	l.problems = append(l.problems, doc.Problem(v.Pos, path, message))
	return &l.problems[len(l.problems)-1]
}

func (l *loader) rail(s Source, v *schema.Value, path string) {
	doc := s.Doc
	r := &Rail{
		Name: v.Get("name").Text(), When: v.Get("when").Text(), Effect: slipway.RailEffect(v.Get("effect").Text()),
		Message: v.Get("message").Text(), Fix: v.Get("fix").Text(), Environments: v.Get("environments").Texts(),
		Shapes: v.Get("shapes").Texts(), By: v.Get("by").Texts(), Rollback: v.Get("rollback").Bool(),
		File: doc.File, Line: v.Pos.Line, compiled: map[string]compiled{},
	}
	r.condition = conditionOf(r)
	if first, ok := l.seen[r.Name]; ok {
		_ = l.complain(doc, v.Get("name"), path+".name", fmt.Sprintf("there is a rail %s already, at %s", r.Name, first))
	}
	l.seen[r.Name] = fmt.Sprintf("%s:%d", r.File, r.Line)
	l.names(doc, v.Get("environments"), path+".environments", "environment", l.book.scope.environmentNames())
	l.names(doc, v.Get("shapes"), path+".shapes", "shape", l.book.scope.Shapes.Names())
	l.belongs(s, v, path, r)
	l.openers(s, v, path, r)
	l.compile(doc, v, path, r)
	l.book.rails = append(l.book.rails, r)
}

// names complains about names that stand for nothing.
func (l *loader) names(doc *schema.Doc, list *schema.Value, path, what string, known []string) {
	for i, v := range list.Items() {
		l.name(doc, v, fmt.Sprintf("%s[%d]", path, i), what, known)
	}
}

// name complains about a name that stands for nothing.
func (l *loader) name(doc *schema.Doc, v *schema.Value, path, what string, known []string) {
	if !v.Given() || slices.Contains(known, v.Text()) {
		return
	}
	p := l.complain(doc, v, path, fmt.Sprintf("there is no %s %q", what, v.Text()))
	if near := schema.Nearest(v.Text(), known); near != "" {
		p.Suggestion = strconv.Quote(near)
	} else if len(known) > 0 {
		p.Expected = "one of " + strings.Join(known, ", ")
	}
}

// belongs makes the rail one for what its source is for.
func (l *loader) belongs(s Source, v *schema.Value, path string, r *Rail) {
	if s.Environment != "" {
		if len(r.Environments) > 0 {
			l.complain(s.Doc, v.Get("environments"), path+".environments", fmt.Sprintf("rail %s stands under %s, and is for it alone", r.Name, s.Environment)).Expected = "no environments"
		}
		r.Environments = []string{s.Environment}
	}
	if s.Shape == "" {
		return
	}
	if len(r.Shapes) > 0 || len(r.Environments) > 0 {
		l.complain(s.Doc, v.Get("name"), path, fmt.Sprintf("rail %s comes with the shape %s, and is for it in every environment", r.Name, s.Shape)).Expected = "neither shapes nor environments"
	}
	r.Shapes, r.Shape = []string{s.Shape}, s.Shape
}

// openers checks who can open the rail: a rail that nobody can open, and does
// not say so, keeps people waiting for nothing.
func (l *loader) openers(s Source, v *schema.Value, path string, r *Rail) {
	scope, doc := l.book.scope, s.Doc
	if s.Shape != "" { // it was written for any platform
		scope.Roles = append(slices.Clone(scope.Roles), r.By...)
	}
	switch effect := v.Get("effect"); r.Effect {
	case slipway.RailSignOff:
		l.names(doc, v.Get("by"), path+".by", "role", scope.Roles)
		if len(r.By) == 0 {
			l.complain(doc, effect, path+".by", fmt.Sprintf("rail %s asks for a sign-off, and does not say by which roles", r.Name)).Expected = "by: [qa]"
		}
	case slipway.RailException:
		l.names(doc, v.Get("by"), path+".by", "role, person or team", slices.Concat(scope.Roles, scope.People, scope.Teams))
		if len(r.By) == 0 {
			l.complain(doc, effect, path+".by", fmt.Sprintf("rail %s asks for an exception, and does not say who grants one", r.Name)).Expected = "by: [finance]"
		}
	case slipway.RailInforms, slipway.RailBlocks:
		if len(r.By) > 0 {
			l.complain(doc, v.Get("by"), path+".by", fmt.Sprintf("rail %s has the effect %s, which nobody opens", r.Name, r.Effect)).Expected = "by only with the effects sign-off and exception"
		}
	}
	if r.Rollback && r.Effect != slipway.RailBlocks {
		l.complain(doc, v.Get("rollback"), path+".rollback", fmt.Sprintf("rail %s has the effect %s, which never keeps anybody from rolling back", r.Name, r.Effect)).Expected = "rollback only with the effect block"
	}
}

// of returns the compiler of a shape, which is made when it is asked for first; nil:
// that failed.
func (l *loader) of(s *shape.Shape) *compiler {
	if c, ok := l.book.compilers[s.Name]; ok || l.failure != nil {
		return c
	}
	var err error
	if l.base == nil {
		if l.base, err = newBase(); err != nil {
			l.failure = fmt.Errorf("prepare rails: %w", err)
			return nil
		}
	}
	c, err := newCompiler(l.base, s, l.book.scope)
	if err != nil {
		l.failure = err
		return nil
	}
	l.book.compilers[s.Name] = c
	return c
}

// compile compiles a rail for each shape that it applies to.
func (l *loader) compile(doc *schema.Doc, v *schema.Value, path string, r *Rail) {
	var fine []string
	wrong := map[string]faults{} // by key
	for _, of := range l.book.scope.Shapes.All() {
		if !r.appliesTo(of.Name) || len(r.Shapes) == 0 && !l.book.scope.runs(of, r.Environments) {
			continue
		}
		c := l.of(of)
		if c == nil {
			return
		}
		var out compiled
		var bad faults
		before := len(wrong["when"]) + len(wrong["message"]) + len(wrong["fix"])
		out.when, bad = c.compile(r.When, cel.BoolType)
		wrong["when"] = append(wrong["when"], bad...)
		out.message, bad = c.template(r.Message)
		wrong["message"] = append(wrong["message"], bad...)
		out.fix, bad = c.template(r.Fix)
		wrong["fix"] = append(wrong["fix"], bad...)
		if before == len(wrong["when"])+len(wrong["message"])+len(wrong["fix"]) {
			fine = append(fine, c.shape.Name)
		}
		r.compiled[c.shape.Name] = out
	}
	for _, key := range []string{"when", "message", "fix"} {
		for _, w := range wrong[key].once() {
			p := doc.Problem(doc.Within(v.Get(key), w.at, w.length), path+"."+key, fmt.Sprintf("rail %s: %s", r.Name, w.message))
			p.Expected, p.Suggestion = w.expected, w.suggestion
			if len(fine) > 0 {
				p.Expected, p.Suggestion = fmt.Sprintf("shapes: [%s], if the rail is for these alone", strings.Join(fine, ", ")), ""
			}
			l.problems = append(l.problems, p)
		}
	}
}

// faults are complaints about one text, of several shapes.
type faults []complaint

// once keeps one complaint for each place: the first that has a suggestion, or
// the first.
func (fs faults) once() faults {
	var out faults
	for _, f := range fs {
		i := slices.IndexFunc(out, func(o complaint) bool { return o.at == f.at })
		switch {
		case i < 0:
			out = append(out, f)
		case out[i].suggestion == "" && f.suggestion != "":
			out[i] = f
		}
	}
	return out
}

func (r *Rail) appliesTo(shape string) bool {
	return len(r.Shapes) == 0 || slices.Contains(r.Shapes, shape)
}

// IsFor reports whether the rail is asked about apps of a shape in an
// environment.
func (r *Rail) IsFor(shape, environment string) bool {
	return r.appliesTo(shape) && (len(r.Environments) == 0 || slices.Contains(r.Environments, environment))
}

// Uses reports whether a rail that apps of a shape meet in an environment asks about
// a fact.
func (b *Book) Uses(fact, shape, environment string) bool {
	return slices.ContainsFunc(b.rails, func(r *Rail) bool {
		return r.IsFor(shape, environment) && strings.Contains(r.When+r.Message+r.Fix, fact+".")
	})
}

// Problems returns the complaints in an error of this package, or nil.
func Problems(err error) schema.Problems {
	var problems schema.Problems
	errors.As(err, &problems)
	return problems
}
