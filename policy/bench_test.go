package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/slipway-cd/slipway/policy"
)

func BenchmarkEvaluate(b *testing.B) {
	book := load(b, rails(1))
	f := facts()
	b.ReportAllocs()
	judge := book.Judging(f)
	for b.Loop() {
		if judge.Ask("rail-0") != nil {
			b.Fatal("the rail is hit")
		}
	}
}

func BenchmarkPlanWith50Rails(b *testing.B) {
	book := load(b, rails(50))
	f := facts()
	b.ReportAllocs()
	for b.Loop() {
		if hits := book.Judge(f); len(hits) != 0 {
			b.Fatal(hits)
		}
	}
}

func BenchmarkLoad50Rails(b *testing.B) {
	text := rails(50)
	for b.Loop() {
		load(b, text)
	}
}

// rails are so many rails of the usual sort, none of which the facts hit.
func rails(n int) string {
	var text strings.Builder
	text.WriteString("slipway: v1\nrails:\n")
	for i := range n {
		fmt.Fprintf(&text, "  - name: rail-%d\n    shapes: [glue-job]\n    when: environment.name == \"prod\" && run.workers > %d && run.timeout > duration(\"60m\")\n    effect: block\n    message: \"{run.workers} workers\"\n    fix: \"take {run.workers - %d} away\"\n", i, 20+i, i)
	}
	return text.String()
}

func load(t testing.TB, text string) *policy.Book {
	t.Helper()
	source, err := policy.ReadFile("rails/prod.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	book, err := policy.Load(scope(t), source)
	if err != nil {
		t.Fatal(err)
	}
	return book
}
