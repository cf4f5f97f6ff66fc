package merge_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/merge"
)

func TestLint(t *testing.T) {
	for name, c := range map[string]struct{ platform, app, want string }{
		"nothing wrong": {"merge: {checks: {unit: }}\n", "review: [{name: r, requires: {teams: [data, core]}}]\n", ""},
		"a required check that an app does not have": {"merge: {checks: {secrets: }}\n", "", `slipway.yaml:6:1: platform.yaml requires the check secrets, which traffic does not have: no change could be merged
  6 | checks:
      ^^^^^^
  expected a check secrets
`},
		"a required check that is advisory": {"merge: {checks: {style: }}\n", "", `slipway.yaml:8:32: platform.yaml requires the check style, so it cannot be advisory
  8 |   style: {run: ruff, required: false}
                                     ^^^^^
  expected no required: false
`},
		"a required check that is asked on pushes alone": {"merge: {checks: {e2e: }}\n", "  e2e: {run: e2e, on: [push]}\n", `slipway.yaml:9:23: platform.yaml requires the check e2e of pull requests, and it is asked on push alone: no change could be merged
  9 |   e2e: {run: e2e, on: [push]}
                            ^
  expected on: [pull_request, push]
`},
		"a required check that is not asked of every change": {"merge: {checks: {e2e: {if: {files: [web/**, lib/**]}}}}\n", "  e2e: {run: e2e, files: [web/**]}\n", `slipway.yaml:9:26: platform.yaml requires the check e2e of changes for which files leaves it unasked: they could never be merged
  9 |   e2e: {run: e2e, files: [web/**]}
                               ^
  expected no files, or the same under if in merge.checks.e2e of platform.yaml
`},
		"a check of the platform itself": {"checks: {audit: {run: audit}}\nmerge: {checks: {audit: }}\n", "", ""},
		"a check of the platform itself that cannot report": {"checks: {audit: {run: audit, required: false, on: [push]}}\nmerge: {checks: {audit: }}\n", "", `platform.yaml:14:40: platform.yaml requires the check audit, so it cannot be advisory
  14 | checks: {audit: {run: audit, required: false, on: [push]}}
                                              ^^^^^
  expected no required: false
platform.yaml:14:51: platform.yaml requires the check audit of pull requests, and it is asked on push alone: no change could be merged
  14 | checks: {audit: {run: audit, required: false, on: [push]}}
                                                         ^
  expected on: [pull_request, push]
`},
		"a check of the name of one of the platform": {"checks: {style: {run: audit}}\n", "", `slipway.yaml:8:3: platform.yaml has a check style, which is asked of every app
  8 |   style: {run: ruff, required: false}
        ^^^^^
  expected another name for it
`},
		"a required check of the same files": {"merge: {checks: {e2e: {if: {files: [web/**]}}}}\n", "  e2e: {run: e2e, files: [lib/**, web/**]}\n", ""},
		"a check that other shapes need":     {"merge: {checks: {secrets: {if: {shapes: [glue-job]}}}}\n", "", ""},
		"a check that other apps need":       {"merge: {checks: {secrets: {if: {apps: [other]}}}}\n", "", ""},
		"an external check that may not come": {"", "merge: {external: {cov: {name: codecov/*, app: codecov}, x: {name: x, app: x, required: false}}}\n", `slipway.yaml:9:20: warning: whether codecov ever reports codecov/* cannot be known here; until it does, changes wait
  9 | merge: {external: {cov: {name: codecov/*, app: codecov}, x: {name: x, app: x, required: false}}}
                         ^^^
`},
		"a label that is needed and blocks": {"", "merge: {labels: {needs: [ok], blocks: [wip, OK]}}\n", `slipway.yaml:9:45: the label OK is needed and keeps from being merged: no change could be merged
  9 | merge: {labels: {needs: [ok], blocks: [wip, OK]}}
                                                  ^^
  expected it under needs or under blocks
`},
		"an empty team": {"merge: {review: [{name: r, requires: {teams: [empty]}}]}\n", "", `platform.yaml:14:28: rule "r" can never be met: nobody is in team empty
  14 | merge: {review: [{name: r, requires: {teams: [empty]}}]}
                                  ^^^^^^^^
  expected people with logins in it
`},
		"people without logins": {"", "review: [{name: r, requires: {people: [bo]}}]\n", `slipway.yaml:9:20: rule "r" can never be met: nobody is in bo (bo without a login, by which reviews are recognised)
  9 | review: [{name: r, requires: {people: [bo]}}]
                         ^^^^^^^^
  expected people with logins in it
`},
		"fewer than are asked for": {"", "review: [{name: r, requires: {count: 3, teams: [data]}}]\n", `slipway.yaml:9:20: rule "r" can never be met: it asks for 3, and team data has only 2
  9 | review: [{name: r, requires: {count: 3, teams: [data]}}]
                         ^^^^^^^^
  expected more people, or a smaller count
`},
		"as many as are asked for": {"", "review: [{name: r, requires: {count: 2, teams: [data]}}]\n", `slipway.yaml:9:20: warning: a change of jonas or mara can never meet rule "r", as authors do not approve their own
  9 | review: [{name: r, requires: {count: 2, teams: [data]}}]
                         ^^^^^^^^
  expected somebody else too
`},
		"as many, and other authors": {"", "review: [{name: s, requires: }, {name: r, if: {author: {teams: [core]}}, requires: {count: 2, teams: [data]}}]\n", ""},
		"only the author": {"", "review: [{name: s, requires: }, {name: r, if: {author: {people: [ana]}}, any: [{name: q, requires: {roles: [security]}}]}]\n", `slipway.yaml:9:90: rule "q" can never be met: it is for changes of ana, who would have to approve their own
  9 | view: [{name: s, requires: }, {name: r, if: {author: {people: [ana]}}, any: [{name: q, requires: {roles: [security]}}]}]
                                                                                             ^^^^^^^^
  expected somebody else too
`},
		"a team of the forge": {"", "review: [{name: r, requires: {count: 9, teams: [acme/x]}}]\n", ""},
		"a team that nobody has": {"", "review: [{name: r, requires: {teams: [dta]}}]\n", `slipway.yaml:9:39: there is no team dta
  9 | review: [{name: r, requires: {teams: [dta]}}]
                                            ^^^
  did you mean data?
`},
		"an author that nobody knows": {"", "review: [{name: s, requires: }, {name: r, if: {author: {roles: [qa], people: [zoe]}}, requires: }]\n", `slipway.yaml:9:65: there is no role qa
  9 | review: [{name: s, requires: }, {name: r, if: {author: {roles: [qa], people: [zoe]}}, requires: }]
                                                                      ^^
slipway.yaml:9:79: there is no person zoe
  9 | review: [{name: s, requires: }, {name: r, if: {author: {roles: [qa], people: [zoe]}}, requires: }]
                                                                                    ^^^
`},
		"a rule that asks for nothing": {"", "review: [{name: r, requires: {count: 0}}]\n", `slipway.yaml:9:20: warning: rule "r" asks for nothing
  9 | review: [{name: r, requires: {count: 0}}]
                         ^^^^^^^^
  expected count: 1, or the rule under any
`},
		"changes that none is for": {"", "review: [{name: r, any: [{name: a, if: {files: [a]}, requires: }]}]\n", `slipway.yaml:9:10: warning: every rule has an if: a change that none is for needs no review
  9 | review: [{name: r, any: [{name: a, if: {files: [a]}, requires: }]}]
               ^
  expected a rule without if
`},
		"any comment": {"", "review: [{name: r, requires: {comments: [\"*\"]}}]\n", `slipway.yaml:9:42: every comment would approve
  9 | review: [{name: r, requires: {comments: ["*"]}}]
                                               ^^^
  expected a word of its own, such as "/lgtm"
`},
	} {
		t.Run(name, func(t *testing.T) {
			found := merge.Lint(loadPlatform(t, platformText+c.platform), merge.Source{Folder: ".", Manifest: loadApp(t, appText+c.app)})
			if diff := cmp.Diff(c.want, findings(found)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func findings(all []merge.Finding) string {
	var b strings.Builder
	for _, f := range all {
		b.WriteString(f.String() + "\n")
	}
	return b.String()
}

func TestLintWithoutAPlatform(t *testing.T) {
	m := loadApp(t, appText+"review: [{name: r, requires: {teams: [data]}}]\n")
	want := `slipway.yaml:9:39: there is no team data, as there is no platform.yaml
  9 | review: [{name: r, requires: {teams: [data]}}]
                                            ^^^^
  expected a platform.yaml with it, a team of the forge such as acme/data, or permission: write
`
	if diff := cmp.Diff(want, findings(merge.Lint(nil, merge.Source{Folder: ".", Manifest: m}))); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestLintFindsTwoPeopleOfOneLogin(t *testing.T) {
	p, err := manifest.LoadPlatform("platform.yaml", []byte("slipway: v1\nenvironments: {}\npeople:\n  ana: {login: Ana}\n  zoe: {login: ana}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := `platform.yaml:5:16: ana is the login of ana already
  5 |   zoe: {login: ana}
                     ^^^
  expected a login of its own for each person
`
	if diff := cmp.Diff(want, findings(merge.Lint(p))); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}
