package merge_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/merge"
	"github.com/slipway-cd/slipway/shape"
)

const (
	head  = "c0ffee00c0ffee00"
	older = "0ld0000001d00000"
)

const platformText = `slipway: v1
environments: {}
people:
  jonas: {login: jonas-w, email: jonas@example.com}
  mara: {login: mara-l, email: mara@example.com}
  ana: {login: ana}
  bo:
teams:
  data: {people: [jonas, mara]}
  core: {people: [ana, bo]}
  empty: {}
roles:
  security: {people: [ana]}
`

const appText = `slipway: v1
app: traffic
team: data
shape: python-job
build: {script: job.py}
checks:
  unit: {run: pytest}
  style: {run: ruff, required: false}
`

var start = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func minute(n int) time.Time { return start.Add(time.Duration(n) * time.Minute) }

func menu(t testing.TB) shape.Menu {
	t.Helper()
	m, err := shape.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func loadApp(t testing.TB, text string) *manifest.Manifest {
	t.Helper()
	m, err := manifest.Load("slipway.yaml", []byte(text), menu(t))
	if err != nil {
		t.Fatalf("load:\n%v", err)
	}
	return m
}

func loadPlatform(t testing.TB, text string) *manifest.Platform {
	t.Helper()
	p, err := manifest.LoadPlatform("platform.yaml", []byte(text))
	if err != nil {
		t.Fatalf("load:\n%v", err)
	}
	return p
}

// facts are those of a pull request by jonas that nobody has looked at, with more
// lines in platform.yaml and slipway.yaml.
func facts(t testing.TB, platform, app string) merge.Facts {
	t.Helper()
	return merge.Facts{
		PullRequest: slipway.PullRequest{
			Repository: "acme/traffic", Number: 7, Author: "jonas-w", State: "open", Head: head, HeadBranch: "busy", Base: "main", BaseCommit: "ba5e",
			Files:   []slipway.ChangedFile{{Path: "job.py", Change: "modified", Added: 3, Removed: 1}},
			Commits: []slipway.Commit{{ID: head, Author: "jonas-w", Committer: "jonas-w", Message: "Busy roads"}},
		},
		Pushes: []merge.Push{{Head: older, Time: minute(0)}, {Head: head, Time: minute(10)}},
		Checks: []merge.CheckFact{passed("unit"), passed("style")},
		Rules:  merge.Gather(loadPlatform(t, platformText+platform), merge.Source{Folder: ".", Manifest: loadApp(t, appText+app)}),
	}
}

func passed(name string) merge.CheckFact {
	return merge.CheckFact{App: "traffic", Name: name, Commit: head, State: "done", Verdict: slipway.Pass}
}

func review(by, verdict, commit string, at int) slipway.Review {
	return slipway.Review{ID: strconv.Itoa(at), By: by, Verdict: verdict, Commit: commit, Time: minute(at)}
}

// line is a state in a line for each requirement that is not met or advisory.
func lines(s merge.State) string {
	var b strings.Builder
	for _, r := range s.Requirements {
		if r.Kind == merge.KindOpen && r.Status == merge.Met {
			continue
		}
		advisory := ""
		if r.Advisory {
			advisory = " (advisory)"
		}
		fmt.Fprintf(&b, "%s %s: %s%s: %s", r.Kind, r.For, r.Status, advisory, r.Reason)
		var who []string
		for _, w := range r.Who {
			who = append(who, w.Name)
		}
		if len(who) > 0 {
			b.WriteString(" [" + strings.Join(who, ", ") + "]")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// one returns the requirement of a kind and name.
func one(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, s merge.State, kind merge.Kind, name string,
) merge.Requirement {
	t.Helper()
	i := slices.IndexFunc(s.Requirements, func(r merge.Requirement) bool { return r.Kind == kind && r.Name == name })
	if i < 0 {
		t.Fatalf("there is no %s %q in\n%s", kind, name, lines(s))
	}
	return s.Requirements[i]
}

// told is how a requirement stands: its status, reason and who.
func told(r merge.Requirement) string {
	text := string(r.Status) + ": " + r.Reason
	var who []string
	for _, w := range r.Who {
		who = append(who, w.Name)
	}
	if len(who) > 0 {
		text += " [" + strings.Join(who, ", ") + "]"
	}
	return text
}
