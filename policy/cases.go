package policy

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/schema"
	"github.com/slipway-cd/slipway/shape"
)

// testCase is facts, and what the rails are expected to say of them.
type testCase struct {
	name         string
	file         string
	line         int
	facts        Facts
	hits, errors []string
}

// A CaseResult is how one of the platform's own cases ended.
type CaseResult struct {
	Name   string            `json:"name"`
	File   string            `json:"file"`
	Line   int               `json:"line"`
	Passed bool              `json:"passed"`
	Wrong  []string          `json:"wrong,omitempty"` // what differs, a sentence each
	Hits   []slipway.RailHit `json:"hits"`
}

// Test runs the platform's own cases.
func (b *Book) Test() []CaseResult {
	results := make([]CaseResult, len(b.cases))
	for i, c := range b.cases {
		results[i] = b.test(c)
	}
	return results
}

func (b *Book) test(c testCase) CaseResult {
	r := CaseResult{Name: c.name, File: c.file, Line: c.line, Hits: []slipway.RailHit{}}
	var hits, errors []string
	for _, h := range b.Judge(c.facts) {
		r.Hits = append(r.Hits, h)
		if h.Error != "" {
			errors = append(errors, h.Rail)
			if !slices.Contains(c.errors, h.Rail) {
				r.Wrong = append(r.Wrong, h.String())
			}
			continue
		}
		hits = append(hits, h.Rail)
		if !slices.Contains(c.hits, h.Rail) {
			r.Wrong = append(r.Wrong, fmt.Sprintf("rail %s is hit, which is not expected: %s", h.Rail, h.Message))
		}
	}
	for _, want := range c.hits {
		if !slices.Contains(hits, want) && !slices.Contains(errors, want) {
			r.Wrong = append(r.Wrong, fmt.Sprintf("rail %s is not hit%s", want, b.becauseOf(want, c.facts)))
		}
	}
	for _, want := range c.errors {
		if !slices.Contains(errors, want) {
			r.Wrong = append(r.Wrong, fmt.Sprintf("rail %s can be judged", want))
		}
	}
	r.Passed = len(r.Wrong) == 0
	return r
}

// becauseOf says why a rail was not even asked, if that is so.
func (b *Book) becauseOf(rail string, f Facts) string {
	for _, r := range b.rails {
		switch {
		case r.Name != rail:
		case !r.appliesTo(f.Plan.Target.Shape):
			return ": it is for " + strings.Join(r.Shapes, ", ") + " alone"
		case !r.IsFor(f.Plan.Target.Shape, f.Environment.Name):
			return ": it is for " + strings.Join(r.Environments, ", ") + " alone"
		case f.Rollback && r.passesRollback():
			return ": it does not keep anybody from rolling back"
		}
	}
	return ""
}

// testCase reads a case.
func (l *loader) testCase(doc *schema.Doc, v *schema.Value, path string) {
	scope := l.book.scope
	name, env := v.Get("shape"), v.Get("environment")
	s := scope.Shapes.Lookup(name.Text())
	l.name(doc, name, path+".shape", "shape", scope.Shapes.Names())
	l.name(doc, env, path+".environment", "environment", scope.environmentNames())
	var rails []string
	for _, r := range l.book.rails {
		rails = append(rails, r.Name)
	}
	l.names(doc, v.Get("hits"), path+".hits", "rail", rails)
	l.names(doc, v.Get("errors"), path+".errors", "rail", rails)
	if s == nil {
		return
	}
	place := slices.IndexFunc(scope.Environments, func(e slipway.Environment) bool { return e.Name == env.Text() })
	if place < 0 {
		return
	}
	l.book.cases = append(l.book.cases, testCase{
		name: v.Get("name").Text(), file: doc.File, line: v.Pos.Line,
		facts: l.facts(v, path, s, scope.Environments[place]),
		hits:  v.Get("hits").Texts(), errors: v.Get("errors").Texts(),
	})
}

// facts are those of a case. Parameters that it does not name have the shape's
// defaults.
func (l *loader) facts(v *schema.Value, path string, s *shape.Shape, e slipway.Environment) Facts {
	run, problems := v.Get("run").As(s.RunType(), path+".run")
	l.problems = append(l.problems, problems...)
	full, _ := s.Resolve(run, shape.Place{Environment: e.Name, Runtime: e.Runtime})
	parameters, _ := full.Plain().(map[string]any)
	noon := time.Date(2026, 6, 17, 12, 0, 0, 0, time.UTC) // of an ordinary Wednesday
	at := moment(v.Get("time"), noon)
	f := Facts{
		Team: v.Get("team").Text(), Environment: e, Rollback: v.Get("rollback").Bool(),
		Released: moment(v.Get("release", "created"), at.AddDate(0, 0, -7)), Time: at,
		Plan: slipway.Plan{
			Target: slipway.Target{
				App: v.Get("app").Text(), Environment: e.Name, Shape: s.Name, Run: parameters,
				Version: v.Get("release", "version").Text(), Commit: v.Get("release", "commit").Text(),
			},
			Cost: caseCost(v.Get("cost")),
		},
	}
	who, others := v.Get("people"), v.Get("others")
	f.People = People{Deployer: who.Get("deployer").Text(), Author: who.Get("author").Text(), Releaser: who.Get("releaser").Text(), Team: who.Get("team").Texts()}
	f.Others = &Others{Environment: spending(others.Get("environment")), Team: spending(others.Get("team"))}
	for _, c := range v.Get("changes").Items() {
		f.Plan.Changes = append(f.Plan.Changes, slipway.Change{
			Field: c.Get("field").Text(), Action: slipway.Action(c.Get("action").Text()),
			From: c.Get("from").Plain(), To: c.Get("to").Plain(), Note: c.Get("note").Text(),
		})
	}
	return f
}

func moment(v *schema.Value, otherwise time.Time) time.Time {
	t, err := time.Parse(time.RFC3339, v.Text())
	if err != nil {
		return otherwise
	}
	return t
}

func caseCost(v *schema.Value) *slipway.Cost {
	if !v.Given() {
		return nil
	}
	currency := v.Get("currency").Text()
	if currency == "" {
		currency = "USD"
	}
	c := &slipway.Cost{Worst: money(v.Get("worst"), currency), Expected: money(v.Get("expected"), currency)}
	if m := v.Get("month"); m.Given() {
		c.Month = &slipway.MonthlyCost{Runs: m.Get("runs").Float(), Worst: money(m.Get("worst"), currency), Expected: money(m.Get("expected"), currency)}
	}
	return c
}

func spending(v *schema.Value) *Spending {
	return &Spending{Month: slipway.Decimal(math.Round(v.Get("month").Float() * 1e6)), Apps: v.Get("apps").Texts(), Unknown: v.Get("unknown").Texts()}
}

func money(v *schema.Value, currency string) *slipway.Money {
	if !v.Given() {
		return nil
	}
	return &slipway.Money{Amount: slipway.Decimal(math.Round(v.Float() * 1e6)), Currency: currency}
}
