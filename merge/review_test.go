package merge_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/merge"
)

// TestReviewRules goes through whose approval counts.
func TestReviewRules(t *testing.T) {
	reviews := func(all ...slipway.Review) func(*merge.Facts) {
		return func(f *merge.Facts) { f.PullRequest.Reviews = all }
	}
	const (
		anybody = "review: [{name: r, requires: }]\n"
		data    = "review: [{name: r, requires: {teams: [data]}}]\n"
		core    = "review: [{name: r, requires: {teams: [core, data]}}]\n"
		lgtm    = "review: [{name: r, requires: {people: [mara], comments: [\"/lgtm*\"]}}]\n"
	)
	approvedByMara := reviews(review("mara-l", "approve", head, 20))
	for name, c := range map[string]struct {
		app    string
		change func(*merge.Facts)
		want   string
	}{
		"nobody": {app: data, want: "waiting: 0 of 1 approved [mara]"},
		"one":    {app: data, change: approvedByMara, want: "met: approved by mara"},
		"one who may write": {
			app: anybody, want: "met: approved by wanda",
			change: func(f *merge.Facts) {
				f.PullRequest.Reviews, f.Permissions = []slipway.Review{review("wanda", "approve", head, 20)}, map[string]string{"wanda": "write"}
			},
		},
		"one who may read, one whom nobody knows, a bot": {
			app: anybody, want: "waiting: 0 of 1 approved [whoever may write to the repository]",
			change: func(f *merge.Facts) {
				f.PullRequest.Reviews = []slipway.Review{review("rita", "approve", head, 20), review("x", "approve", head, 20), review("ci[bot]", "approve", head, 20)}
				f.Permissions = map[string]string{"rita": "read", "ci[bot]": "admin"}
			},
		},
		"who may write is not who may administer": {
			app: "review: [{name: r, requires: {permission: admin}}]\n", want: "waiting: 0 of 1 approved [whoever may administer the repository]",
			change: func(f *merge.Facts) {
				f.PullRequest.Reviews, f.Permissions = []slipway.Review{review("wanda", "approve", head, 20)}, map[string]string{"wanda": "write"}
			},
		},
		"the author": {app: core, change: reviews(review("Jonas-W", "approve", head, 20)), want: "waiting: 0 of 1 approved; jonas is its author; bo has no login in platform.yaml [ana, mara]"},
		"a committer": {
			app: data, want: "failed: 0 of 1 approved, and only 0 of team data can still approve; mara wrote a part of it",
			change: func(f *merge.Facts) {
				approvedByMara(f)
				f.PullRequest.Commits[0].Committer = "Mara-L"
			},
		},
		"a co-author, by the address in platform.yaml": {
			app: data, want: "failed: 0 of 1 approved, and only 0 of team data can still approve; mara wrote a part of it",
			change: func(f *merge.Facts) {
				approvedByMara(f)
				f.PullRequest.Commits[0].Message = "Busy\n\nCo-authored-by: M <Mara@example.com>\n"
			},
		},
		"a co-author, by the forge's address": {
			app: data, want: "failed: 0 of 1 approved, and only 0 of team data can still approve; mara wrote a part of it",
			change: func(f *merge.Facts) {
				approvedByMara(f)
				f.PullRequest.Commits[0].Message = "Busy\n\nco-authored-by: M <77+Mara-L@users.noreply.github.com>"
			},
		},
		"a contributor, where they count": {
			app: "review: [{name: r, requires: {teams: [data], contributors: true}}]\n", want: "met: approved by mara",
			change: func(f *merge.Facts) {
				approvedByMara(f)
				f.PullRequest.Commits[0].Committer = "mara-l"
			},
		},
		"who brought the base in": {
			app: data, want: "met: approved by mara",
			change: func(f *merge.Facts) {
				f.PullRequest.Reviews = []slipway.Review{review("mara-l", "approve", older, 5)}
				f.PullRequest.Commits = append(f.PullRequest.Commits, slipway.Commit{ID: head, Parents: []string{older, "ba5e"}, Author: "mara-l"})
				f.PullRequest.Commits[0].ID, f.Pushes[1].OnlyBase = older, true
			},
		},
		"for an older commit": {
			app: data, change: reviews(review("mara-l", "approve", older, 5)),
			want: "waiting: 0 of 1 approved; mara approved 0ld00000, and the change is another since [mara]",
		},
		"for an older commit, and only the base has moved": {
			app: data, want: "met: approved by mara",
			change: func(f *merge.Facts) {
				f.PullRequest.Reviews, f.Pushes[1].OnlyBase = []slipway.Review{review("mara-l", "approve", older, 5)}, true
			},
		},
		"for an older commit, and the last push is not known": {
			app: data, want: "waiting: 0 of 1 approved; mara approved 0ld00000, and the change is another since [mara]",
			change: func(f *merge.Facts) {
				f.PullRequest.Reviews, f.Pushes = []slipway.Review{review("mara-l", "approve", older, 5)}, f.Pushes[:1]
			},
		},
		"for a commit that nobody knows": {
			app: data, want: "waiting: 0 of 1 approved; mara approved f00, and the change is another since [mara]",
			change: func(f *merge.Facts) {
				f.PullRequest.Reviews, f.Pushes[1].OnlyBase = []slipway.Review{review("mara-l", "approve", "f00", 5)}, true
			},
		},
		"for another branch": {
			app: data, want: "waiting: 0 of 1 approved; mara approved c0ffee00, and the change is another since [mara]",
			change: func(f *merge.Facts) {
				approvedByMara(f)
				f.Retargeted = minute(30)
			},
		},
		"taken back":        {app: data, change: reviews(review("mara-l", "approve", head, 20), review("mara-l", "reject", head, 21)), want: "waiting: 0 of 1 approved; mara asked for changes since [mara]"},
		"dismissed":         {app: data, change: reviews(review("mara-l", "dismissed", head, 20)), want: "waiting: 0 of 1 approved [mara]"},
		"a remark since":    {app: data, change: reviews(review("mara-l", "approve", head, 20), review("mara-l", "comment", head, 21)), want: "met: approved by mara"},
		"of the wrong team": {app: data, change: reviews(review("ana", "approve", head, 20)), want: "waiting: 0 of 1 approved [mara]"},
		"two of two": {
			app: "review: [{name: r, requires: {count: 2, teams: [core], people: [mara]}}]\n", want: "met: approved by ana, mara",
			change: reviews(review("ana", "approve", head, 19), review("mara-l", "approve", head, 20)),
		},
		"one of two, twice": {
			app: "review: [{name: r, requires: {count: 2, roles: [security], people: [mara]}}]\n", want: "waiting: 1 of 2 approved (mara) [ana]",
			change: reviews(review("mara-l", "approve", head, 19), review("MARA-L", "approve", head, 20)),
		},
		"nobody else is left": {
			app: "review: [{name: r, requires: {count: 2, teams: [data]}}]\n", want: "failed: 1 of 2 approved (mara), and only 0 of team data can still approve",
			change: approvedByMara,
		},
		"a team that nobody has": {
			app: "review: [{name: r, requires: {teams: [dta], people: [mara]}}]\n", change: approvedByMara,
			want: "failed: there is no team dta [whoever may mend the rules]",
		},
		"a role and a person that nobody has": {
			app: "review: [{name: r, requires: {roles: [qa], people: [zoe]}}]\n", want: "failed: there is no person zoe, there is no role qa [whoever may mend the rules]",
		},
		"a team of the forge that cannot be read": {
			app: "review: [{name: r, requires: {teams: [acme/data]}}]\n", change: approvedByMara,
			want: "failed: the members of team acme/data are not known [whoever may mend the rules]",
		},
		"a team of the forge": {
			app: "review: [{name: r, requires: {teams: [acme/data]}}]\n", want: "met: approved by mara",
			change: func(f *merge.Facts) {
				approvedByMara(f)
				f.Members = map[string][]string{"Acme/data": {"Mara-L"}}
			},
		},
		"a comment": {
			app: lgtm, want: "met: approved by mara",
			change: func(f *merge.Facts) {
				f.PullRequest.Comments = []slipway.Comment{{By: "mara-l", Body: "Nice.\n/lgtm, thanks\n", Time: minute(20)}}
			},
		},
		"a comment before the push": {
			app: lgtm, want: "waiting: 0 of 1 approved; mara approved 0ld00000, and the change is another since [mara]",
			change: func(f *merge.Facts) {
				f.PullRequest.Comments = []slipway.Comment{{By: "mara-l", Body: "/lgtm", Time: minute(9)}}
			},
		},
		"a comment of which nobody knows to what": {
			app: lgtm, want: "waiting: 0 of 1 approved; mara approved a commit that is not known [mara]",
			change: func(f *merge.Facts) {
				f.PullRequest.Comments, f.Pushes[0].Time = []slipway.Comment{{By: "mara-l", Body: "/lgtm", Time: minute(20)}}, time.Time{}
			},
		},
		"a comment that quotes one": {
			app: lgtm, want: "waiting: 0 of 1 approved [mara]",
			change: func(f *merge.Facts) {
				f.PullRequest.Comments = []slipway.Comment{{By: "mara-l", Body: "> /lgtm\nno", Time: minute(20)}}
			},
		},
		"a comment where none count": {
			app: data, want: "waiting: 0 of 1 approved [mara]",
			change: func(f *merge.Facts) {
				f.PullRequest.Comments = []slipway.Comment{{By: "mara-l", Body: "/lgtm", Time: minute(20)}}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := facts(t, "", c.app)
			if c.change != nil {
				c.change(&f)
			}
			s := merge.Evaluate(f)
			r := one(t, s, merge.KindReview, "r")
			if diff := cmp.Diff(c.want, told(r)); diff != "" {
				t.Errorf("review (-want +got):\n%s", diff)
			}
		})
	}
}

// TestConditions goes through which changes a rule is for.
func TestConditions(t *testing.T) {
	pr := func(change func(*slipway.PullRequest)) func(*merge.Facts) {
		return func(f *merge.Facts) { change(&f.PullRequest) }
	}
	files := func(all ...slipway.ChangedFile) func(*merge.Facts) {
		return pr(func(p *slipway.PullRequest) { p.Files = all })
	}
	const holds = "met: it needs no approval"
	for name, c := range map[string]struct {
		condition string
		change    func(*merge.Facts)
		want      string
	}{
		"files":             {condition: `files: ["*.py"]`, want: holds},
		"other files":       {condition: `files: ["sql/**", "*.sql"]`, want: "not required: it changes none of sql/**, *.sql"},
		"a file's old name": {condition: `files: ["sql/**"]`, change: files(slipway.ChangedFile{Path: "a.sql", From: "sql/a.sql"}), want: holds},
		"only files":        {condition: `only_files: ["*.md", "docs/"]`, change: files(slipway.ChangedFile{Path: "a.md"}, slipway.ChangedFile{Path: "docs/x/y.png"}), want: holds},
		"more than only files": {
			condition: `only_files: ["*.md"]`, change: files(slipway.ChangedFile{Path: "a.md", From: "a.py"}), want: "not required: it changes other files than *.md, such as a.py",
		},
		"no file at all": {condition: `only_files: ["*.md"]`, change: files(slipway.ChangedFile{}), want: "not required: it changes none of *.md"},
		"author":         {condition: "author: {teams: [data]}", want: holds},
		"another author": {condition: "author: {teams: [core]}", want: "not required: its author is not in team core"},
		"an author who cannot be told": {
			condition: "author: {teams: [acme/data]}",
			want:      "failed: whether its author is in team acme/data cannot be told: the members of team acme/data are not known [whoever may mend the rules]",
		},
		"branch":          {condition: "branches: [main, release/*]", want: holds},
		"another branch":  {condition: "branches: [release/*]", want: "not required: it goes to main, and not to release/*"},
		"label":           {condition: "labels: [Big]", change: pr(func(p *slipway.PullRequest) { p.Labels = []string{"big"} }), want: holds},
		"no label":        {condition: "labels: [big]", want: "not required: it has none of the labels big"},
		"without a label": {condition: "without_labels: [big]", want: holds},
		"with that label": {condition: "without_labels: [big]", change: pr(func(p *slipway.PullRequest) { p.Labels = []string{"big"} }), want: "not required: it has the label big"},
		"lines":           {condition: "lines: {least: 4, most: 4}", want: holds},
		"too few lines":   {condition: "lines: {least: 5}", want: "not required: it changes 4 lines, fewer than 5"},
		"too many lines":  {condition: "lines: {most: 3}", want: "not required: it changes 4 lines, more than 3"},
		"draft":           {condition: "draft: true", want: "not required: it is no draft"},
		"no draft":        {condition: "draft: false", change: pr(func(p *slipway.PullRequest) { p.Draft = true }), want: "not required: it is a draft"},
		"fork":            {condition: "fork: true", want: "not required: it comes from no fork"},
		"apps":            {condition: "apps: [traffic]", want: holds},
		"other apps":      {condition: "apps: [other]", want: "not required: it touches none of the apps other"},
		"shapes":          {condition: "shapes: [python-job]", want: holds},
		"other shapes":    {condition: "shapes: [glue-job]", want: "not required: it touches no app of the shapes glue-job"},
	} {
		t.Run(name, func(t *testing.T) {
			f := facts(t, "", "review: [{name: r, if: {"+c.condition+"}, requires: {count: 0}}]\n")
			if c.change != nil {
				c.change(&f)
			}
			if diff := cmp.Diff(c.want, told(one(t, merge.Evaluate(f), merge.KindReview, "r"))); diff != "" {
				t.Errorf("rule (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRulesOfRules shows how any and all work together.
func TestRulesOfRules(t *testing.T) {
	const rules = `review:
  - name: r
    any:
      - {name: docs, if: {only_files: ["*.md"]}, requires: {count: 0}}
      - {name: sec, if: {files: ["*.py"]}, requires: {roles: [security]}}
      - name: two
        all:
          - {name: d, requires: {teams: [data]}}
          - {name: c, requires: {teams: [nobody]}}
`
	for name, c := range map[string]struct {
		file, by, want string
	}{
		"an alternative suffices": {"a.md", "", "met: docs: it needs no approval"},
		"what waits is told, what failed is not waited for": {
			"a.py", "", "waiting: one of these is enough: sec: 0 of 1 approved; two: all of these are needed: d: 0 of 1 approved; c: there is no team nobody [ana]",
		},
		"approved": {"a.py", "ana", "met: sec: approved by ana"},
		"all fail": {"a.txt", "", "failed: one of these is enough: two: all of these are needed: d: 0 of 1 approved; c: there is no team nobody [mara, whoever may mend the rules]"},
	} {
		t.Run(name, func(t *testing.T) {
			f := facts(t, "", rules)
			f.PullRequest.Files = []slipway.ChangedFile{{Path: c.file}}
			if c.by != "" {
				f.PullRequest.Reviews = []slipway.Review{review(c.by, "approve", head, 20)}
			}
			if diff := cmp.Diff(c.want, told(one(t, merge.Evaluate(f), merge.KindReview, "r"))); diff != "" {
				t.Errorf("rule (-want +got):\n%s", diff)
			}
		})
	}
	empty := facts(t, "", "review: [{name: r, requires: }]\n")
	empty.Rules.Apps[0].Merge.Review[0].Requires = manifest.Requires{}
	if diff := cmp.Diff("failed: the rule does not say what it requires [whoever may mend the rules]", told(one(t, merge.Evaluate(empty), merge.KindReview, "r"))); diff != "" {
		t.Errorf("a rule that says nothing (-want +got):\n%s", diff)
	}
	f := facts(t, "", "review: [{name: r, any: [{name: a, if: {labels: [x]}, requires: {count: 0}}]}]\n")
	if diff := cmp.Diff("not required: none of its rules is for this change", told(one(t, merge.Evaluate(f), merge.KindReview, "r"))); diff != "" {
		t.Errorf("any of rules for other changes (-want +got):\n%s", diff)
	}
}

func TestObjections(t *testing.T) {
	for name, c := range map[string]struct {
		reviews []slipway.Review
		reader  bool
		want    string
	}{
		"stands":                       {[]slipway.Review{review("mara-l", "reject", older, 5)}, false, "objection mara (asked for changes): waiting: mara asked for changes at 0ld00000: they approve, or the request is dismissed [mara]\n"},
		"a remark clears nothing":      {[]slipway.Review{review("mara-l", "reject", head, 5), review("mara-l", "comment", head, 6)}, false, "objection mara (asked for changes): waiting: mara asked for changes at c0ffee00: they approve, or the request is dismissed [mara]\n"},
		"somebody else clears nothing": {[]slipway.Review{review("mara-l", "reject", head, 5), review("ana", "approve", head, 6)}, false, "objection mara (asked for changes): waiting: mara asked for changes at c0ffee00: they approve, or the request is dismissed [mara]\n"},
		"cleared":                      {[]slipway.Review{review("mara-l", "reject", head, 5), review("Mara-L", "approve", head, 6)}, false, ""},
		"not cleared before":           {[]slipway.Review{review("mara-l", "approve", head, 5), review("mara-l", "reject", head, 5)}, false, "objection mara (asked for changes): waiting: mara asked for changes at c0ffee00: they approve, or the request is dismissed [mara]\n"},
		"dismissed":                    {[]slipway.Review{review("mara-l", "dismissed", head, 5)}, false, ""},
		"of a reader":                  {[]slipway.Review{review("rita", "reject", head, 5)}, true, ""},
		"of somebody unknown":          {[]slipway.Review{review("rita", "reject", head, 5)}, false, "objection rita (asked for changes): waiting: rita asked for changes at c0ffee00: they approve, or the request is dismissed [rita]\n"},
	} {
		t.Run(name, func(t *testing.T) {
			f := facts(t, "", "")
			f.PullRequest.Reviews = c.reviews
			if c.reader {
				f.Permissions = map[string]string{"rita": "read"}
			}
			s := merge.Evaluate(f)
			s.Requirements = s.Requirements[4:] // behind open, two checks and review
			if diff := cmp.Diff(c.want, lines(s)); diff != "" {
				t.Errorf("objections (-want +got):\n%s", diff)
			}
			if s.Met != (c.want == "") {
				t.Errorf("met is %v", s.Met)
			}
		})
	}
}

func TestChecksAskForACloserLook(t *testing.T) {
	f := facts(t, "", "")
	f.Checks[1] = merge.Answered("traffic", head, slipway.CheckResult{
		Name: "style", Verdict: slipway.Pass, Reviews: []slipway.ReviewRequest{{Role: "security", Reason: "it reads a new secret\nand more"}, {Role: "legal"}},
	})
	s := merge.Evaluate(f)
	if diff := cmp.Diff(`check check style: met (advisory): it passed
check check unit: met: it passed
review review by role legal: failed: there is no role legal [whoever may mend the rules]
review review by role security: waiting: check style asks for it: it reads a new secret; 0 of 1 approved [ana]
`, lines(s)); diff != "" || s.Met {
		t.Errorf("met %v, state (-want +got):\n%s", s.Met, diff)
	}
	f.Checks[1].Reviews = f.Checks[1].Reviews[:1]
	f.PullRequest.Reviews = []slipway.Review{review("ana", "approve", head, 20)}
	if s := merge.Evaluate(f); !s.Met {
		t.Errorf("somebody in the role has approved, and it waits:\n%s", lines(s))
	}
}
