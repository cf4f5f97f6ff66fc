package merge_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/merge"
)

func TestMarkdown(t *testing.T) {
	f := facts(t, "", simulatedRules)
	f.Checks[0].Verdict, f.Checks[0].Reasons = slipway.Fail, []string{"`a|b` <img> @ana [x](y)"}
	want := `### Not ready to be merged

Waits for: check unit (failed), cov, review by team data or team core; who can unblock: jonas, ana, mara.

| what | state | why | who can unblock it |
| --- | --- | --- | --- |
| check unit | failed | it failed: 'a\|b' &lt;img&gt; &#64;ana \[x\](y) | jonas (author) |
| cov | waiting | cov/\* by codecov has said nothing of this commit, since 2026-11-23 09:10 UTC | codecov |
| review by team data or team core | waiting | 0 of 1 approved; bo has no login in platform.yaml | ana, mara |

<details><summary>2 met or not needed</summary>

| what | state | why |
| --- | --- | --- |
| the pull request to be open | met | it is open and ready |
| check style | met, advisory | it passed |

</details>

For commit c0ffee00.
`
	if diff := cmp.Diff(want, merge.Markdown(merge.Evaluate(f))); diff != "" {
		t.Errorf("comment (-want +got):\n%s", diff)
	}
	met := `### Merge Requirements Met

All is met: 1 check.

<details><summary>4 met or not needed</summary>

| what | state | why |
| --- | --- | --- |
| the pull request to be open | met | it is open and ready |
| check style | met, advisory | it passed |
| check unit | met | it passed |
| review | not required | no rule asks for one |

</details>

For commit c0ffee00.
`
	if diff := cmp.Diff(met, merge.Markdown(merge.Evaluate(facts(t, "", "")))); diff != "" {
		t.Errorf("comment where all is met (-want +got):\n%s", diff)
	}
}
