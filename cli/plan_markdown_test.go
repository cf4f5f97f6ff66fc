package cli

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
)

func TestMarkdownPlan(t *testing.T) {
	target := slipway.Target{App: "roads", Environment: "prod", Version: "v1.1.0"}
	for _, c := range []struct {
		name string
		plan slipway.Plan
		want string
	}{
		{"nothing to change", slipway.Plan{Target: target}, "### `roads` to `prod`\n\nNothing to change: it has `v1.1.0`.\n"},
		{"nothing to change, and a warning", slipway.Plan{Target: target, Warnings: []string{"trigger nightly is not ours"}}, `### ` + "`roads` to `prod`" + `

Nothing to change: it has ` + "`v1.1.0`" + `.

> [!WARNING]
> * trigger nightly is not ours
`},
		{"what it costs", slipway.Plan{Target: target, Cost: &slipway.Cost{Worst: &slipway.Money{Amount: 2_200_000, Currency: "USD"}}}, `### ` + "`roads` to `prod`" + `

Nothing to change: it has ` + "`v1.1.0`" + `.

Cost: at most $2.20 a run.
`},
		{"when it runs", slipway.Plan{Target: target, Next: []time.Time{
			time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC), time.Date(2026, 11, 24, 3, 0, 0, 0, time.FixedZone("CET", 3600)),
		}}, `### ` + "`roads` to `prod`" + `

Nothing to change: it has ` + "`v1.1.0`" + `.

Next runs: Mon 2026-11-23 03:00 UTC, Tue 2026-11-24 03:00 CET.
`},
		{"every action", slipway.Plan{
			Target: target,
			Changes: []slipway.Change{
				{Field: "script", Action: slipway.Update, From: "a.py sha256:" + strings.Repeat("0", 64), To: "a.py sha256:" + strings.Repeat("1", 64)},
				{Field: "run.workers", Action: slipway.Update, From: 10, To: 2, Note: "changed outside Slipway"},
				{Field: "run.schedule", Action: slipway.Add, To: "0 3 * * *"},
				{Field: "run.connections", Action: slipway.Delete, From: []string{"a|b"}},
			},
		}, `### ` + "`roads` to `prod`" + `

4 changes, to ` + "`v1.1.0`" + `.

> [!WARNING]
> * ` + "`run.workers`" + `: changed outside Slipway

| | field | now | then |
| --- | --- | --- | --- |
| update | ` + "`script` | `a.py sha256:00000000` | `a.py sha256:11111111`" + ` |
| update | ` + "`run.workers` | `10` | `2`" + ` |
| add | ` + "`run.schedule` |  | `0 3 * * *`" + ` |
| delete | ` + "`run.connections` | `[\"a\\|b\"]` | " + ` |

<details><summary>As a diff</summary>

` + "```" + `diff
- script: a.py sha256:00000000
+ script: a.py sha256:11111111
- run.workers: 10
+ run.workers: 2
+ run.schedule: 0 3 * * *
- run.connections: ["a|b"]
` + "```" + `

</details>
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b strings.Builder
			if err := markdownPlan(&b, c.plan); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, b.String()); d != "" {
				t.Errorf("Markdown (-want +got):\n%s", d)
			}
		})
	}
}

// TestMarkdownPlanIsSafe shows values that would be markup, a mention, a link or
// the end of the code that they stand in.
func TestMarkdownPlanIsSafe(t *testing.T) {
	for text, want := range map[string]string{
		"plain":                      "`plain`",
		"":                           "(empty)",
		"a`b":                        "``a`b``",
		"`a`":                        "`` `a` ``",
		"a``b":                       "```a``b```",
		"two\nlines\x1b[31m\u202e":   "`two lines [31m `",
		"<img src=x> @team https://": "`<img src=x> @team https://`",
	} {
		if got := code(text); got != want {
			t.Errorf("code(%q) is %s, not %s", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"the job is changed":        "the job is changed",
		"ask @team about #4":        "ask @&#8203;team about #&#8203;4",
		"<script>*x*</script>":      `\<script\>\*x\*\</script\>`,
		"see https://example.com":   "see https&#8203;://example.com",
		"[x](www.example.com)\n> y": `\[x\]\(www&#8203;.example.com\) \> y`,
		"&lt;":                      `\&lt;`,
	} {
		if got := prose(text); got != want {
			t.Errorf("prose(%q) is %s, not %s", text, got, want)
		}
	}
}

// TestMarkdownPlanFits holds a plan of everything at its longest to what a comment
// on GitHub can hold.
func TestMarkdownPlanFits(t *testing.T) {
	p := slipway.Plan{Target: slipway.Target{App: "roads", Environment: "prod"}}
	for i := range 1000 {
		long := strings.Repeat("|", 5000)
		p.Changes = append(p.Changes, slipway.Change{Field: fmt.Sprint("run.arguments.", i), Action: slipway.Update, From: long, To: long, Note: long})
	}
	var b strings.Builder
	if err := markdownPlan(&b, p); err != nil {
		t.Fatal(err)
	}
	if n := len([]rune(b.String())); n > 65536 {
		t.Errorf("%d characters", n)
	}
	for _, want := range []string{"| | and 940 more | | |\n", "\nand 1940 more\n", "> * and 980 more\n", "…"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("it does not say %q", want)
		}
	}
}
