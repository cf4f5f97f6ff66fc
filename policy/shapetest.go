package policy

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"cel.dev/cel-go/common/types"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/schema"
	"github.com/slipway-cd/slipway/shape"
)

// TestShape runs a shape's own tests: its defaults and conditions, its rails and its
// cost formula. A shape whose rails or formula are wrong is an error of kind
// slipway.Invalid that wraps schema.Problems.
func TestShape(s *shape.Shape) ([]CaseResult, error) {
	scope := Scope{Shapes: shape.NewMenu(s)}
	for _, test := range s.Tests.Items() {
		e := place(s, test)
		if !slices.Contains(scope.Environments, e) {
			scope.Environments = append(scope.Environments, e)
		}
	}
	source, err := OfShape(s)
	if err != nil {
		return nil, err
	}
	book, err := Load(scope, source)
	if err != nil {
		return nil, err
	}
	if _, err := CostOf(s, nil); errors.As(err, new(schema.Problems)) {
		return nil, err
	}
	results := make([]CaseResult, 0, len(s.Tests.Items()))
	for _, test := range s.Tests.Items() {
		r := CaseResult{Name: test.Get("name").Text(), File: s.Doc.File, Line: test.Pos.Line, Hits: []slipway.RailHit{}}
		r.Wrong = testShape(s, book, test, &r)
		r.Passed = len(r.Wrong) == 0
		results = append(results, r)
	}
	return results, nil
}

// place is where the app of a test goes.
func place(s *shape.Shape, test *schema.Value) slipway.Environment {
	e := slipway.Environment{Name: "prod", Runtime: s.Runtimes[0]}
	if name := test.Get("environment"); name.Given() {
		e.Name = name.Text()
	}
	if runtime := test.Get("runtime"); runtime.Given() {
		e.Runtime = runtime.Text()
	}
	return e
}

// testShape says what differs from what a test expects, a sentence each.
func testShape(s *shape.Shape, book *Book, test *schema.Value, r *CaseResult) []string {
	e := place(s, test)
	full, complaints := resolveTest(s, test, e)
	var wrong []string
	wants := test.Get("fails").Texts()
	for _, c := range complaints {
		i := slices.IndexFunc(wants, func(want string) bool { return strings.Contains(c, want) })
		if i < 0 {
			wrong = append(wrong, c)
			continue
		}
		wants = slices.Delete(wants, i, i+1)
	}
	for _, want := range wants {
		wrong = append(wrong, "nothing is said of "+want)
	}
	if len(complaints) > 0 {
		return wrong
	}
	run, _ := full.Plain().(map[string]any)
	for _, m := range test.Get("has").Members() {
		wrong = append(wrong, differs(s, m, run)...)
	}
	f := Facts{Environment: e, Plan: slipway.Plan{Target: slipway.Target{App: "app", Environment: e.Name, Shape: s.Name, Run: run}}}
	return append(append(wrong, differingHits(book, f, test.Get("hits").Texts(), r)...), differingCost(s, run, test.Get("cost"))...)
}

// resolveTest resolves the manifest of a test, and says what is wrong with it.
func resolveTest(s *shape.Shape, test *schema.Value, e slipway.Environment) (*schema.Value, []string) {
	run, problems := test.Get("run").As(s.RunType(), "run")
	var complaints []string
	for _, p := range problems {
		complaints = append(complaints, p.Message)
	}
	if len(complaints) > 0 {
		return nil, complaints
	}
	full, broken := s.Resolve(run, shape.Place{Environment: e.Name, Runtime: e.Runtime})
	for _, b := range broken {
		complaints = append(complaints, b.Message)
	}
	return full, complaints
}

// differs compares a parameter with what a test expects of it.
func differs(s *shape.Shape, m schema.Member, run map[string]any) []string {
	p := s.Parameter(m.Key)
	if p == nil {
		return []string{"there is no parameter " + m.Key}
	}
	want, problems := m.Value.As(p.Type, "has."+m.Key)
	if len(problems) > 0 {
		return []string{problems[0].Message}
	}
	if got := run[m.Key]; !reflect.DeepEqual(got, want.Plain()) {
		return []string{fmt.Sprintf("%s is %v, and %v was expected", m.Key, or(got), or(want.Plain()))}
	}
	return nil
}

func or(v any) any {
	if v == nil {
		return "not set"
	}
	return v
}

func differingHits(book *Book, f Facts, wants []string, r *CaseResult) []string {
	var wrong []string
	for _, h := range book.Judge(f) {
		r.Hits = append(r.Hits, h)
		i := slices.Index(wants, h.Rail)
		if i < 0 {
			wrong = append(wrong, h.String()+", which is not expected")
			continue
		}
		wants = slices.Delete(wants, i, i+1)
	}
	for _, want := range wants {
		wrong = append(wrong, fmt.Sprintf("rail %s is not hit", want))
	}
	return wrong
}

func differingCost(s *shape.Shape, run map[string]any, want *schema.Value) []string {
	if !want.Given() {
		return nil
	}
	got, err := CostOf(s, run)
	switch {
	case err != nil:
		return []string{err.Error()}
	case got == nil:
		return []string{"the shape has no cost formula"}
	case got.Amount != slipway.Decimal(math.Round(want.Float()*1e6)):
		return []string{fmt.Sprintf("a run costs %s, and %v was expected", got, want.Float())}
	}
	return nil
}

// CostOf is what a run costs by the formula of a shape, which is asked for what a
// run may cost at most; nil: it has none. A formula that is wrong is an error of
// kind slipway.Invalid that wraps schema.Problems; one that cannot be told for this
// run is another.
func CostOf(s *shape.Shape, run map[string]any) (*slipway.Money, error) {
	if s.Cost.Run == "" {
		return nil, nil
	}
	base, err := newBase()
	if err != nil {
		return nil, err
	}
	c, err := newCompiler(base, s, Scope{Shapes: shape.NewMenu(s)})
	if err != nil {
		return nil, err
	}
	p, wrong := c.amount(s.Cost.Run)
	if len(wrong) > 0 {
		var problems schema.Problems
		for _, w := range wrong {
			at := s.Cost.Pos
			at.Col, at.Len = at.Col+w.at, w.length
			problem := s.Doc.Problem(at, "cost.run", "the cost of a run: "+w.message)
			problem.Expected, problem.Suggestion = w.expected, w.suggestion
			problems = append(problems, problem)
		}
		return nil, invalid(problems)
	}
	out, _, err := p.Eval(Facts{Plan: slipway.Plan{Target: slipway.Target{Shape: s.Name, Run: run}}}.activation(s))
	if err != nil {
		return nil, slipway.Errorf(slipway.Blocked, "what a run costs cannot be told: %s", plainError(err))
	}
	n := math.NaN()
	switch v := out.(type) {
	case types.Int:
		n = float64(v)
	case types.Double:
		n = float64(v)
	}
	if math.IsNaN(n) || n < 0 || n > 1e9 {
		return nil, slipway.Errorf(slipway.Blocked, "what a run costs cannot be told: it is %s", words(out))
	}
	return &slipway.Money{Amount: decimal(n), Currency: s.Cost.Currency}, nil
}
