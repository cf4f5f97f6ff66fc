package merge_test

import (
	"fmt"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/merge"
)

// large are the facts of a pull request with 100 files, 50 reviews and 30 checks.
func large(tb testing.TB) merge.Facts {
	f := facts(tb, "merge: {labels: {needs: [ok]}}\n", `review:
  - {name: two eyes, requires: {count: 2}}
  - {name: sql, if: {files: ["sql/**", "**/*.sql"]}, requires: {teams: [data]}}
  - {name: either, any: [{name: docs, if: {only_files: ["*.md"]}, requires: {count: 0}}, {name: core, requires: {teams: [core], comments: [/lgtm]}}]}
`)
	f.Permissions = map[string]string{}
	for i := range 100 {
		f.PullRequest.Files = append(f.PullRequest.Files, slipway.ChangedFile{Path: fmt.Sprintf("lib/part%d/module%d.py", i%10, i), Added: i})
	}
	for i := range 50 {
		login := fmt.Sprintf("dev-%d", i)
		f.Permissions[login] = "write"
		f.PullRequest.Reviews = append(f.PullRequest.Reviews, review(login, []string{"approve", "comment", "approve"}[i%3], []string{head, older}[i%2], i))
	}
	for i := range 15 {
		name := fmt.Sprintf("check-%d", i)
		f.Rules.Apps[0].Checks = append(f.Rules.Apps[0].Checks, merge.Check{Name: name, Required: true})
		f.Checks = append(f.Checks, passed(name))
		f.PullRequest.Statuses = append(f.PullRequest.Statuses, slipway.Status{Name: "ci/" + name, App: "ci", State: "pass"})
		f.Rules.Apps[0].Merge.External = append(f.Rules.Apps[0].Merge.External, manifest.ExternalCheck{Name: name, Pattern: "ci/" + name, App: "ci", Required: true})
	}
	return f
}

func BenchmarkEvaluate(b *testing.B) {
	f := large(b)
	b.ReportAllocs()
	for b.Loop() {
		if s := merge.Evaluate(f); s.Met {
			b.Fatal(s.Summary)
		}
	}
}

func BenchmarkMarkdown(b *testing.B) {
	s := merge.Evaluate(large(b))
	b.ReportAllocs()
	for b.Loop() {
		_ = merge.Markdown(s)
	}
}
