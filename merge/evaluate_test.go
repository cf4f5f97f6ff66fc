package merge_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/merge"
)

func TestStateSaysWhatIsMissingAndWhoCanUnblock(t *testing.T) {
	f := facts(t, "", "review:\n  - {name: data, requires: {teams: [data, core]}}\n")
	f.Checks = nil
	s := merge.Evaluate(f)
	want := "waits for: check unit, review by team data or team core; who can unblock: ana, mara"
	if s.Met || s.Summary != want {
		t.Errorf("met %v, summary\n%s\nwant\n%s", s.Met, s.Summary, want)
	}
	if diff := cmp.Diff(`check check style: waiting (advisory): there is no answer for this commit yet [slipway]
check check unit: waiting: there is no answer for this commit yet [slipway]
review review by team data or team core: waiting: 0 of 1 approved; bo has no login in platform.yaml [ana, mara]
`, lines(s)); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	f.Checks = []merge.CheckFact{passed("unit")}
	f.PullRequest.Reviews = []slipway.Review{review("ANA", "approve", head, 20)}
	s = merge.Evaluate(f)
	if want := "all is met: 1 check, 1 review rule"; !s.Met || s.Summary != want {
		t.Errorf("met %v, summary %q, want %q", s.Met, s.Summary, want)
	}
}

func TestSummaryThatForgesTake(t *testing.T) {
	f := facts(t, "merge: {labels: {needs: [one, two, three]}}\n", "")
	f.PullRequest.Draft = true
	s := merge.Evaluate(f)
	for limit, want := range map[int]string{
		0:   "waits for: the draft to be ready, label one, label two, label three; who can unblock: jonas, whoever may set labels",
		105: "waits for: the draft to be ready, label one and 2 more; who can unblock: jonas, whoever may set labels",
		80:  "waits for: the draft to be ready and 3 more; who can unblock: jonas and 1 more",
		50:  "waits for: the draft to be ready and 3 more",
		20:  "waits for: the dr...",
		2:   "..",
	} {
		if got := s.Short(limit); got != want {
			t.Errorf("in %d bytes: %q, want %q", limit, got, want)
		}
	}
}

// TestChecks goes through what our own checks can say.
func TestChecks(t *testing.T) {
	unit := func(change func(*merge.CheckFact)) func(*merge.Facts) {
		return func(f *merge.Facts) { change(&f.Checks[0]) }
	}
	for name, c := range map[string]struct {
		platform, app string
		change        func(*merge.Facts)
		check, want   string
	}{
		"passed":  {check: "unit", want: "met: it passed"},
		"missing": {change: func(f *merge.Facts) { f.Checks = nil }, check: "unit", want: "waiting: there is no answer for this commit yet [slipway]"},
		"stale": {
			change: unit(func(c *merge.CheckFact) { c.Commit = older }),
			check:  "unit", want: "waiting: there is no answer for this commit yet; that for 0ld00000 does not count [slipway]",
		},
		"queued":  {change: unit(func(c *merge.CheckFact) { c.State = "queued" }), check: "unit", want: "waiting: it has not begun [slipway]"},
		"running": {change: unit(func(c *merge.CheckFact) { c.State = "running" }), check: "unit", want: "waiting: it is running [slipway]"},
		"failed": {
			change: unit(func(c *merge.CheckFact) { c.Verdict, c.Reasons = slipway.Fail, []string{"1 of 3 tests failed\nmore"} }),
			check:  "unit", want: "failed: it failed: 1 of 3 tests failed [jonas]",
		},
		"error": {
			change: unit(func(c *merge.CheckFact) { c.Verdict, c.Reasons = slipway.Errored, []string{"no report"} }),
			check:  "unit", want: "failed: it could not answer: no report [jonas]",
		},
		"a state unheard":   {change: unit(func(c *merge.CheckFact) { c.State = "sleeping" }), check: "unit", want: `failed: its state is "sleeping", which nobody understands [slipway]`},
		"a verdict unheard": {change: unit(func(c *merge.CheckFact) { c.Verdict = "ok" }), check: "unit", want: `failed: its verdict is "ok", which nobody understands [slipway]`},
		"two answers": {
			change: func(f *merge.Facts) {
				bad := passed("unit")
				bad.Verdict = slipway.Fail
				f.Checks = append([]merge.CheckFact{bad}, f.Checks...)
			},
			check: "unit", want: "failed: it failed [jonas]",
		},
		"no file of its": {
			app: "  e2e: {run: e2e, files: [web/**]}\n", check: "e2e", want: "not required: it changes none of web/**",
		},
		"not on pull requests": {app: "  e2e: {run: e2e, on: [push, tag]}\n", check: "e2e", want: "not required: it is asked on push and tag alone"},
		"required by the platform": {
			platform: "merge: {checks: {secrets: }}\n", check: "secrets",
			want: "failed: platform.yaml requires it, and slipway.yaml of this commit does not have it [jonas]",
		},
		"advisory in the app, required by the platform": {
			platform: "merge: {checks: {style: }}\n", check: "style",
			want: "met: it passed; slipway.yaml makes it advisory, and platform.yaml requires it",
		},
		"required by the platform, not on pull requests": {
			platform: "merge: {checks: {e2e: }}\n", app: "  e2e: {run: e2e, on: [push]}\n", check: "e2e",
			want: "failed: platform.yaml requires it, and slipway.yaml has it not asked of this change: it is asked on push alone [jonas]",
		},
		"required by the platform, for other branches": {
			platform: "merge: {checks: {style: {if: {branches: [release/*]}}}}\n", check: "style",
			change: func(f *merge.Facts) { f.Checks = nil },
			want:   "waiting: there is no answer for this commit yet [slipway]",
		},
		"required by the platform, for authors of an unknown team": {
			platform: "merge: {checks: {style: {if: {author: {teams: [acme/x]}}}}}\n", check: "style",
			want: "failed: platform.yaml requires it, and whether its author is in team acme/x cannot be told: the members of team acme/x are not known [whoever may mend the rules]",
		},
		"of the platform itself": {
			platform: "checks: {audit: {run: audit}}\n", check: "audit",
			change: func(f *merge.Facts) { f.Rules.Apps[0].Head = &merge.Head{Checks: []merge.Check{{Name: "audit"}}} },
			want:   "waiting: there is no answer for this commit yet [slipway]",
		},
		"of the platform itself, for other files": {
			platform: "checks: {audit: {run: audit, files: [web/**]}}\n", check: "audit", want: "not required: it changes none of web/**",
		},
		"of the platform itself, and required always": {
			platform: "checks: {audit: {run: audit, on: [push]}}\nmerge: {checks: {audit: }}\n", check: "audit",
			want: "failed: platform.yaml requires it, and platform.yaml has it not asked of this change: it is asked on push alone [jonas]",
		},
		"taken away by the change": {
			change: func(f *merge.Facts) { f.Rules.Apps[0].Head = &merge.Head{Checks: []merge.Check{{Name: "style"}}} },
			check:  "unit", want: "waiting: this change takes it away, and main requires it, so somebody has to approve that: 0 of 1 approved [mara]",
		},
		"narrowed by the change": {
			change: func(f *merge.Facts) {
				f.Rules.Apps[0].Head = &merge.Head{Checks: []merge.Check{{Name: "unit", Required: true, Files: []string{"lib/**"}}}}
				f.PullRequest.Reviews = []slipway.Review{review("mara-l", "approve", head, 20)}
			},
			check: "unit", want: "met: this change has it not asked of itself: it changes none of lib/**, and main requires it, so somebody has to approve that: approved by mara",
		},
		"made advisory by the change": {
			change: func(f *merge.Facts) {
				f.Rules.Apps[0].Head, f.Checks = &merge.Head{Checks: []merge.Check{{Name: "unit"}}}, nil
			},
			check: "unit", want: "waiting: there is no answer for this commit yet [slipway]",
		},
		"the app taken away": {
			platform: "merge: {checks: {unit: }}\n",
			change:   func(f *merge.Facts) { f.Rules.Apps[0].Head = &merge.Head{Gone: true} },
			check:    "unit", want: "waiting: this change takes the app away, and platform.yaml requires it, so somebody has to approve that: 0 of 1 approved [mara]",
		},
		"new with the change": {
			change: func(f *merge.Facts) {
				f.Rules.Apps[0].Head = &merge.Head{Checks: []merge.Check{{Name: "unit", Required: true}, {Name: "types", Required: true}}}
			},
			check: "types", want: "waiting: there is no answer for this commit yet [slipway]",
		},
		"named by nobody, required": {
			change: func(f *merge.Facts) {
				f.Checks = append(f.Checks, merge.CheckFact{App: "traffic", Name: "notebook", Commit: head, State: "done", Verdict: slipway.Fail, Required: true})
			},
			check: "notebook", want: "failed: it failed [jonas]",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := facts(t, c.platform, c.app)
			if c.change != nil {
				c.change(&f)
			}
			s := merge.Evaluate(f)
			r := one(t, s, merge.KindCheck, "traffic/"+c.check)
			if diff := cmp.Diff(c.want, told(r)); diff != "" {
				t.Errorf("check (-want +got):\n%s", diff)
			}
			if r.Missing() && s.Met {
				t.Error("it is missing, and all is met")
			}
		})
	}
}

func TestChecksOfTheAppsThatAreTouched(t *testing.T) {
	f := facts(t, "", "")
	other := loadApp(t, "slipway: v1\napp: other\nshape: python-job\nbuild: {script: o.py}\nchecks: {unit: {run: x}}\n")
	one := loadApp(t, "slipway: v1\napp: one\nshape: python-job\nbuild: {script: o.py}\nchecks: {unit: {run: x}}\n")
	f.Rules = merge.Gather(nil, merge.Source{Folder: "apps/one", Manifest: one}, merge.Source{Folder: "apps/other", Manifest: other})
	f.PullRequest.Files = []slipway.ChangedFile{{Path: "docs/a.md"}, {Path: "apps/one/a.py"}}
	if diff := cmp.Diff("check check unit: waiting: there is no answer for this commit yet [slipway]\nreview review: not required: no rule asks for one\n", lines(merge.Evaluate(f))); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	f.PullRequest.Files = []slipway.ChangedFile{{Path: "apps/one/a.py", From: "apps/other/a.py", Change: "renamed"}}
	if diff := cmp.Diff(`check check one/unit: waiting: there is no answer for this commit yet [slipway]
check check other/unit: waiting: there is no answer for this commit yet [slipway]
review review: not required: no rule asks for one
`, lines(merge.Evaluate(f))); diff != "" {
		t.Errorf("state of a move from one to the other (-want +got):\n%s", diff)
	}
}

func TestExternalChecks(t *testing.T) {
	const rules = "merge:\n  external:\n    codecov: {name: codecov/*, app: codecov}\n"
	for name, c := range map[string]struct {
		app      string
		statuses []slipway.Status
		of       string
		want     string
	}{
		"passed":  {statuses: []slipway.Status{{Name: "codecov/project", App: "codecov", State: "pass"}}, want: "met: it passed"},
		"missing": {want: "waiting: codecov/* by codecov has said nothing of this commit [codecov]"},
		"by another": {
			statuses: []slipway.Status{{Name: "codecov/project", App: "mallory", State: "pass"}, {Name: "codecov/patch", State: "pass"}},
			want:     "waiting: codecov/* by codecov has said nothing of this commit; one of that name by mallory, nobody knows whom does not count [codecov]",
		},
		"of another commit": {
			statuses: []slipway.Status{{Name: "codecov/project", App: "codecov", State: "pass"}}, of: older,
			want: "waiting: codecov/* by codecov has said nothing of this commit [codecov]",
		},
		"one of two": {
			statuses: []slipway.Status{{Name: "codecov/project", App: "codecov", State: "pass"}, {Name: "codecov/patch", App: "Codecov", State: "pending"}},
			want:     "waiting: codecov/patch is under way [codecov]",
		},
		"failed": {
			statuses: []slipway.Status{{Name: "codecov/project", App: "codecov", State: "pending"}, {Name: "codecov/patch", App: "codecov", State: "fail", Summary: "60 %, less than 80 %"}},
			want:     "failed: codecov/patch failed: 60 %, less than 80 % [jonas]",
		},
		"neutral": {
			statuses: []slipway.Status{{Name: "codecov/project", App: "codecov", State: "neutral"}},
			want:     "failed: codecov/project is neutral, which is no pass; with neutral: pass it would be [jonas]",
		},
		"skipped": {
			statuses: []slipway.Status{{Name: "codecov/project", App: "codecov", State: "skipped"}},
			want:     "failed: codecov/project is skipped, which is no pass; with neutral: pass it would be [jonas]",
		},
		"neutral is fine": {
			app:      "merge: {external: {codecov: {name: codecov/*, app: codecov, neutral: pass}}}\n",
			statuses: []slipway.Status{{Name: "codecov/project", App: "codecov", State: "neutral"}}, want: "met: it passed",
		},
		"a state unheard": {
			statuses: []slipway.Status{{Name: "codecov/project", App: "codecov", State: "green"}},
			want:     `failed: the state of codecov/project is "green", which nobody understands [codecov]`,
		},
		"for other branches": {
			app:  "merge: {external: {codecov: {name: codecov/*, app: codecov, if: {branches: [release/*]}}}}\n",
			want: "not required: it goes to main, and not to release/*",
		},
	} {
		t.Run(name, func(t *testing.T) {
			app := c.app
			if app == "" {
				app = rules
			}
			f := facts(t, "", app)
			f.PullRequest.Statuses, f.StatusesOf = c.statuses, c.of
			s := merge.Evaluate(f)
			r := one(t, s, merge.KindExternal, "codecov")
			if diff := cmp.Diff(c.want, told(r)); diff != "" {
				t.Errorf("check (-want +got):\n%s", diff)
			}
			if s.Met == r.Missing() {
				t.Errorf("met is %v, and it is %s", s.Met, r.Status)
			}
		})
	}
}

// TestOpenForkLabelsRailsAndPolicy goes through the other requirements.
func TestOpenForkLabelsRailsAndPolicy(t *testing.T) {
	for name, c := range map[string]struct {
		platform string
		change   func(*merge.Facts)
		kind     merge.Kind
		of, want string
	}{
		"draft":  {change: func(f *merge.Facts) { f.PullRequest.Draft = true }, kind: merge.KindOpen, of: "open", want: "waiting: it is a draft [jonas]"},
		"merged": {change: func(f *merge.Facts) { f.PullRequest.State = "merged" }, kind: merge.KindOpen, of: "open", want: `failed: its state is "merged" [jonas]`},
		"stranger": {
			change: func(f *merge.Facts) { f.PullRequest.Fork, f.PullRequest.Author = true, "mallory" },
			kind:   merge.KindFork, of: "build of a fork",
			want: "waiting: it comes from a fork: a member has to approve this commit, or comment /slipway build c0ffee00, before it is built [ana, jonas, mara, whoever may write to the repository]",
		},
		"stranger, approved before the push": {
			change: func(f *merge.Facts) {
				f.PullRequest.Fork, f.Pushes[1].OnlyBase = true, true
				f.PullRequest.Reviews = []slipway.Review{review("mara-l", "approve", older, 5)}
			},
			kind: merge.KindFork, of: "build of a fork",
			want: "waiting: it comes from a fork: a member has to approve this commit, or comment /slipway build c0ffee00, before it is built [ana, jonas, mara, whoever may write to the repository]",
		},
		"stranger, approved": {
			change: func(f *merge.Facts) {
				f.PullRequest.Fork = true
				f.PullRequest.Reviews = []slipway.Review{review("mara-l", "approve", head, 20)}
			},
			kind: merge.KindFork, of: "build of a fork", want: "met: mara approved this very commit",
		},
		"stranger, let build by a writer": {
			change: func(f *merge.Facts) {
				f.PullRequest.Fork, f.Permissions = true, map[string]string{"Wanda": "write"}
				f.PullRequest.Comments = []slipway.Comment{{By: "wanda", Body: "Fine.\n/slipway build C0FFEE00\n", Time: minute(11)}}
			},
			kind: merge.KindFork, of: "build of a fork", want: "met: wanda let this very commit be built",
		},
		"stranger, let build without a commit, for another, and by a stranger": {
			change: func(f *merge.Facts) {
				f.PullRequest.Fork = true
				f.PullRequest.Comments = []slipway.Comment{
					{By: "ana", Body: "/slipway build", Time: minute(11)},
					{By: "ana", Body: "/slipway build c0ffee", Time: minute(11)},
					{By: "ana", Body: "/slipway build 0ld00000", Time: minute(11)},
					{By: "ana", Body: "/slipway build c0ffee00", Time: minute(11), Edited: true},
					{By: "mallory", Body: "/slipway build c0ffee00", Time: minute(11)},
				}
			},
			kind: merge.KindFork, of: "build of a fork",
			want: "waiting: it comes from a fork: a member has to approve this commit, or comment /slipway build c0ffee00, before it is built [ana, jonas, mara, whoever may write to the repository]",
		},
		"a label is missing": {
			platform: "merge: {labels: {needs: [qa-ok]}}\n", kind: merge.KindLabel, of: "qa-ok",
			want: "waiting: it does not have the label qa-ok [whoever may set labels]",
		},
		"a label is there": {
			platform: "merge: {labels: {needs: [qa-ok]}}\n", kind: merge.KindLabel, of: "qa-ok",
			change: func(f *merge.Facts) { f.PullRequest.Labels = []string{"QA-ok"} }, want: "met: it has the label",
		},
		"a label blocks": {
			platform: "merge: {labels: {blocks: [wip]}}\n", kind: merge.KindLabel, of: "wip",
			change: func(f *merge.Facts) { f.PullRequest.Labels = []string{"wip"} },
			want:   "waiting: it has the label wip, which keeps it from being merged [whoever may set labels]",
		},
		"no plan": {
			platform: "merge: {rails: [local]}\n", kind: merge.KindRail, of: "traffic in local",
			change: func(f *merge.Facts) {
				f.Plans = []merge.PlanFact{{App: "traffic", Environment: "local", Commit: older}}
			},
			want: "waiting: there is no plan of this commit yet [slipway]",
		},
		"a plan that cannot be": {
			platform: "merge: {rails: [local]}\n", kind: merge.KindRail, of: "traffic in local",
			change: func(f *merge.Facts) {
				f.Plans = []merge.PlanFact{{App: "traffic", Environment: "local", Commit: head, Problem: "no such role"}}
			},
			want: "failed: there is no plan: no such role [jonas]",
		},
		"a rail is closed": {
			platform: "merge: {rails: [local]}\n", kind: merge.KindRail, of: "traffic in local",
			change: func(f *merge.Facts) {
				f.Plans = []merge.PlanFact{{App: "traffic", Environment: "local", Commit: head, Rails: []slipway.RailHit{
					{Rail: "note", Effect: slipway.RailInforms, Message: "hm"},
					{Rail: "big", Effect: slipway.RailException, Message: "too big", By: []string{"security", "mara"}},
				}}}
			},
			want: "failed: rail big: too big; it needs an exception, which security or mara can grant [ana, mara, jonas]",
		},
		"rails are open": {
			platform: "merge: {rails: [local]}\n", kind: merge.KindRail, of: "traffic in local",
			change: func(f *merge.Facts) {
				f.Plans = []merge.PlanFact{{App: "traffic", Environment: "local", Commit: head}}
			},
			want: "met: no rail is closed",
		},
		"rules that cannot be read": {
			change: func(f *merge.Facts) { f.Rules.Problems = []string{"slipway.yaml:1:1: the file is empty"} },
			kind:   merge.KindPolicy, of: "policy", want: "failed: the rules of main cannot be read: slipway.yaml:1:1: the file is empty [whoever may mend the rules]",
		},
		"facts that cannot be read": {
			change: func(f *merge.Facts) { f.Unread = []string{"which files it changes: there are more than 3000"} },
			kind:   merge.KindPolicy, of: "policy", want: "failed: it is not known which files it changes: there are more than 3000 [whoever may mend the rules]",
		},
		"a review unheard": {
			change: func(f *merge.Facts) { f.PullRequest.Reviews = []slipway.Review{review("ana", "APPROVED", head, 20)} },
			kind:   merge.KindPolicy, of: "policy", want: `failed: the review of ana says "APPROVED", which nobody understands [whoever may mend the rules]`,
		},
		"no head": {
			change: func(f *merge.Facts) { f.PullRequest.Head = "" },
			kind:   merge.KindPolicy, of: "policy", want: "failed: the pull request has no head or no author [whoever may mend the rules]",
		},
		"a manifest that cannot be read": {
			change: func(f *merge.Facts) { f.Rules.Apps[0].Head = &merge.Head{Problem: "line 3: no"} },
			kind:   merge.KindCheck, of: "traffic", want: "failed: the manifest of this commit cannot be read: line 3: no [jonas]",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := facts(t, c.platform, "")
			if c.change != nil {
				c.change(&f)
			}
			s := merge.Evaluate(f)
			r := one(t, s, c.kind, c.of)
			if diff := cmp.Diff(c.want, told(r)); diff != "" {
				t.Errorf("requirement (-want +got):\n%s", diff)
			}
			if s.Met == r.Missing() {
				t.Errorf("met is %v, and it is %s", s.Met, r.Status)
			}
			if build := merge.MayBuild(f); c.kind == merge.KindFork && told(build) != c.want || !f.PullRequest.Fork && build.Missing() {
				t.Errorf("may it be built? %s", told(build))
			}
		})
	}
}
