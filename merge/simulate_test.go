package merge_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/merge"
)

const simulatedRules = `review: [{name: data, requires: {teams: [data, core], comments: [/lgtm]}}]
merge: {external: {cov: {name: cov/*, app: codecov}}, labels: {blocks: [wip]}}
`

func TestSimulate(t *testing.T) {
	const (
		style = "check check style: met -> waiting: there is no answer for this commit yet; that for c0ffee00 does not count\n"
		unit  = "check check unit: met -> waiting: there is no answer for this commit yet; that for c0ffee00 does not count\n"
	)
	for name, c := range map[string]struct {
		changes []string
		met     bool
		want    string
	}{
		"nothing":             {nil, false, ""},
		"an approval":         {[]string{"mara approves"}, false, "review review by team data or team core: waiting -> met: approved by mara\n"},
		"all that is missing": {[]string{"mara approves", "status cov/x by codecov passes"}, true, "external cov: waiting -> met: it passed\nreview review by team data or team core: waiting -> met: approved by mara\n"},
		"a comment":           {[]string{"ana comments /lgtm"}, false, "review review by team data or team core: waiting -> met: approved by ana\n"},
		"a check fails":       {[]string{"check unit fails"}, false, "check check unit: met -> failed: it failed\n"},
		"a check passes":      {[]string{"check traffic/unit fails", "check unit passes"}, false, ""},
		"a status fails":      {[]string{"status cov/x by codecov fails"}, false, "external cov: waiting -> failed: cov/x failed\n"},
		"changes asked for":   {[]string{"mara asks for changes"}, false, "objection mara (asked for changes):  -> waiting: mara asked for changes at c0ffee00: they approve, or the request is dismissed\n"},
		"and dismissed":       {[]string{"mara asks for changes", "mara is dismissed"}, false, ""},
		"a closer look":       {[]string{"check unit asks for security"}, false, "review review by role security:  -> waiting: 0 of 1 approved\n"},
		"a push":              {[]string{"mara approves", "push"}, false, style + unit + "review review by team data or team core: waiting -> waiting: 0 of 1 approved; mara approved c0ffee00, and the change is another since; bo has no login in platform.yaml\n"},
		"a push by ana":       {[]string{"push by ana", "ana approves"}, false, style + unit + "review review by team data or team core: waiting -> waiting: 0 of 1 approved; ana wrote a part of it; bo has no login in platform.yaml\n"},
		"the base moves":      {[]string{"mara approves", "base moves"}, false, style + unit + "review review by team data or team core: waiting -> met: approved by mara\n"},
		"a label":             {[]string{"label wip is added"}, false, "label label wip to be taken off:  -> waiting: it has the label wip, which keeps it from being merged\n"},
		"and without":         {[]string{"label wip is added", "label WIP is removed"}, false, ""},
		"another author":      {[]string{"mara approves", "author is mara"}, false, "review review by team data or team core: waiting -> waiting: 0 of 1 approved; mara is its author; bo has no login in platform.yaml\n"},
		"another target":      {[]string{"mara approves", "target is next"}, false, "review review by team data or team core: waiting -> waiting: 0 of 1 approved; mara approved c0ffee00, and the change is another since; bo has no login in platform.yaml\n"},
		"a draft":             {[]string{"draft"}, false, "open the draft to be ready: met -> waiting: it is a draft\n"},
		"ready":               {[]string{"draft", "ready"}, false, ""},
		"another file":        {[]string{"file a/b.py changes"}, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := facts(t, "", simulatedRules)
			before := asJSON(t, f)
			s, err := merge.Simulate(f, c.changes...)
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			for _, d := range s.Changed {
				b.WriteString(string(d.Kind) + " " + d.For + ": " + string(d.From) + " -> " + string(d.To) + ": " + d.Reason + "\n")
			}
			if diff := cmp.Diff(c.want, b.String()); diff != "" {
				t.Errorf("what changed (-want +got):\n%s", diff)
			}
			if s.After.Met != c.met {
				t.Errorf("met is %v:\n%s", s.After.Met, lines(s.After))
			}
			if diff := cmp.Diff(before, asJSON(t, f)); diff != "" {
				t.Errorf("the facts were changed:\n%s", diff)
			}
		})
	}
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestSimulateWhatNobodyUnderstands(t *testing.T) {
	f := facts(t, "", "")
	for text, want := range map[string]string{
		"mara likes it":      `nobody understands "mara likes it"` + "\nsay one of: " + strings.Join(merge.Changes(), "; "),
		"check untit passes": "no app that the change touches has a check untit\nthe checks are: traffic/style, traffic/unit",
		"mara is dismissed":  "there is no review of mara that could be dismissed\n",
	} {
		_, err := merge.Simulate(f, text)
		if err == nil || err.Error()+"\n"+slipway.FixOf(err) != want {
			t.Errorf("%s: %v\n%s\nwant %s", text, err, slipway.FixOf(err), want)
		}
	}
	f.PullRequest.Files = nil
	if _, err := merge.Simulate(f, "check unit passes"); err == nil || slipway.FixOf(err) != "" {
		t.Errorf("a check of no app: %v, %q", err, slipway.FixOf(err))
	}
}

// TestEveryChangeIsUnderstood tries the words that Changes lists.
func TestEveryChangeIsUnderstood(t *testing.T) {
	words := strings.NewReplacer("check NAME", "check unit", "NAME is dismissed", "mara is dismissed", "NAME", "ana", "TEXT", "hm", "APP", "codecov", "BRANCH", "next", "PATH", "a.py", "ROLE", "security")
	f := facts(t, "", simulatedRules)
	f.PullRequest.Reviews = []slipway.Review{review("mara-l", "approve", head, 20)}
	for _, form := range merge.Changes() {
		if _, err := merge.Simulate(f, words.Replace(form)); err != nil {
			t.Errorf("%s: %v", form, err)
		}
	}
}
