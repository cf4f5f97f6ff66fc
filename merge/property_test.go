package merge_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/merge"
)

// world is what rules and people of the properties are: data is jonas and mara,
// core is ana; wanda may write, mallory may not.
type world struct{ rules merge.Rules }

func newWorld(t testing.TB) world {
	t.Helper()
	return world{rules: merge.Gather(loadPlatform(t, platformText), merge.Source{Folder: ".", Manifest: loadApp(t, appText)})}
}

func logins() []string { return []string{"jonas-w", "mara-l", "ana", "wanda", "mallory", "ci[bot]"} }

// spelling writes a login as a forge may.
func spelling(t *rapid.T, login string) string {
	if rapid.Bool().Draw(t, "upper") {
		return strings.ToUpper(login)
	}
	return login
}

func drawLogin(t *rapid.T) string { return spelling(t, rapid.SampledFrom(logins()).Draw(t, "login")) }

func drawReview(t *rapid.T, commits []string) slipway.Review {
	at := rapid.IntRange(0, 60).Draw(t, "minute")
	r := review(drawLogin(t), rapid.SampledFrom([]string{"approve", "approve", "reject", "comment", "dismissed"}).Draw(t, "verdict"), rapid.SampledFrom(commits).Draw(t, "commit"), at)
	r.ID = rapid.StringMatching(`[a-z0-9]{6}`).Draw(t, "id")
	return r
}

func drawRequires(t *rapid.T) manifest.Requires {
	pick := func(label string, of ...string) []string {
		return slices.DeleteFunc(slices.Clone(of), func(string) bool { return !rapid.Bool().Draw(t, label) })
	}
	r := manifest.Requires{
		Count:        rapid.IntRange(1, 2).Draw(t, "count"),
		Who:          manifest.Who{Teams: pick("team", "data", "core"), Roles: pick("role", "security"), People: pick("person", "mara")},
		Contributors: rapid.Bool().Draw(t, "contributors"),
	}
	if rapid.IntRange(0, 9).Draw(t, "unknown team") == 0 {
		r.Teams = append(r.Teams, "acme/gone")
	}
	if r.Who.IsZero() || rapid.Bool().Draw(t, "writers") {
		r.Permission = "write"
	}
	if rapid.Bool().Draw(t, "comments") {
		r.Comments = []string{"/lgtm"}
	}
	return r
}

func drawRules(t *rapid.T, depth int) []manifest.Review {
	rules := make([]manifest.Review, rapid.IntRange(1, 3).Draw(t, "rules"))
	for i := range rules {
		rules[i].Name = rapid.StringMatching(`[a-z]{8}`).Draw(t, "name")
		if rapid.IntRange(0, 3).Draw(t, "if") == 0 {
			rules[i].If.Files = []string{rapid.SampledFrom([]string{"*.py", "sql/**"}).Draw(t, "files")}
		}
		switch form := rapid.IntRange(0, 4).Draw(t, "form"); {
		case form == 0 && depth > 0:
			rules[i].Any = drawRules(t, depth-1)
		case form == 1 && depth > 0:
			rules[i].All = drawRules(t, depth-1)
		default:
			rules[i].Requires = drawRequires(t)
		}
	}
	return rules
}

// draw draws facts: pushes of which some only move the base, what people said,
// and where checks stand.
func (w world) draw(t *rapid.T) merge.Facts {
	f := merge.Facts{Rules: w.rules, Permissions: map[string]string{"wanda": "write", "mallory": "read", "ci[bot]": "admin"}}
	f.Rules.Apps = slices.Clone(w.rules.Apps)
	f.Rules.Apps[0].Merge.Review = drawRules(t, 2)
	commits := []string{"aaaaaaaa1", "bbbbbbbb2", "cccccccc3"}[:rapid.IntRange(1, 3).Draw(t, "pushes")]
	author := rapid.SampledFrom(logins()).Draw(t, "author")
	f.PullRequest = slipway.PullRequest{
		Author: author, State: "open", Base: "main", Head: commits[len(commits)-1],
		Files: []slipway.ChangedFile{{Path: "job.py"}}, Labels: []string{},
	}
	for i, c := range commits {
		f.Pushes = append(f.Pushes, merge.Push{Head: c, Time: minute(20 * i), OnlyBase: rapid.Bool().Draw(t, "only base")})
		f.PullRequest.Commits = append(f.PullRequest.Commits, slipway.Commit{ID: c, Author: drawLogin(t)})
	}
	for range rapid.IntRange(0, 12).Draw(t, "reviews") {
		f.PullRequest.Reviews = append(f.PullRequest.Reviews, drawReview(t, append(commits, "unheard")))
	}
	for range rapid.IntRange(0, 3).Draw(t, "comments") {
		c := slipway.Comment{By: drawLogin(t), Body: "/lgtm", Time: minute(rapid.IntRange(0, 60).Draw(t, "minute")), ID: rapid.StringMatching(`[a-z0-9]{6}`).Draw(t, "id")}
		f.PullRequest.Comments = append(f.PullRequest.Comments, c)
	}
	for _, name := range []string{"unit", "style"} {
		for _, commit := range commits {
			if rapid.Bool().Draw(t, "answered") {
				c := passed(name)
				c.Commit, c.Verdict = commit, rapid.SampledFrom([]slipway.Verdict{slipway.Pass, slipway.Pass, slipway.Fail, slipway.Errored}).Draw(t, "verdict")
				f.Checks = append(f.Checks, c)
			}
		}
	}
	return f
}

// copyOf is a deep copy, by way of JSON, which facts have to survive.
func copyOf(t *rapid.T, f merge.Facts) merge.Facts {
	data, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var out merge.Facts
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// oracle says, in other words than the package, whether an approval of somebody
// holds for the head: they are no author, they did not ask for changes since, and
// behind its commit only the base has moved.
func oracle(f merge.Facts, login string, need manifest.Requires) bool {
	same := func(a, b string) bool { return strings.EqualFold(a, b) }
	if same(login, f.PullRequest.Author) {
		return false
	}
	for _, c := range f.PullRequest.Commits {
		if same(c.Author, login) && !need.Contributors {
			return false
		}
	}
	holds := map[string]bool{}
	alive := true
	for _, v := range slices.Backward(f.Pushes) {
		holds[v.Head] = alive
		alive = alive && v.OnlyBase
	}
	said := func(at int, commit string) bool {
		for _, r := range f.PullRequest.Reviews {
			if same(r.By, login) && r.Verdict == "reject" && !r.Time.Before(minute(at)) {
				return false
			}
		}
		return holds[commit]
	}
	for _, r := range f.PullRequest.Reviews {
		if same(r.By, login) && r.Verdict == "approve" && said(int(r.Time.Sub(start).Minutes()), r.Commit) {
			return true
		}
	}
	for _, c := range f.PullRequest.Comments {
		at := int(c.Time.Sub(start).Minutes())
		if len(need.Comments) > 0 && same(c.By, login) && said(at, f.Pushes[min(at/20, len(f.Pushes)-1)].Head) {
			return true
		}
	}
	return false
}

// oracleMet says whether a rule is met, and whether it is for the change at all.
func oracleMet(f merge.Facts, r manifest.Review) (met, asked bool) {
	if slices.Equal(r.If.Files, []string{"sql/**"}) {
		return false, false
	}
	if below := slices.Concat(r.Any, r.All); len(below) > 0 {
		all := true
		for _, b := range below {
			m, a := oracleMet(f, b)
			met, asked, all = met || m && a, asked || a, all && (m || !a)
		}
		if len(r.All) > 0 {
			met = all
		}
		return met && asked, asked
	}
	in := map[string]bool{
		"jonas-w": slices.Contains(r.Requires.Teams, "data"),
		"mara-l":  slices.Contains(r.Requires.Teams, "data") || slices.Contains(r.Requires.People, "mara"),
		"ana":     slices.Contains(r.Requires.Teams, "core") || slices.Contains(r.Requires.Roles, "security"),
		"wanda":   r.Requires.Permission == "write",
	}
	n := 0
	for _, login := range logins() {
		if in[login] && oracle(f, login, r.Requires) {
			n++
		}
	}
	return n >= r.Requires.Count && !slices.Contains(r.Requires.Teams, "acme/gone"), true
}

// TestMetIsWhatTheRulesAskFor compares with the oracle: nothing is met while
// something that is required is missing, and all is met when nothing is.
func TestMetIsWhatTheRulesAskFor(t *testing.T) {
	w := newWorld(t)
	met := 0
	rapid.Check(t, func(t *rapid.T) {
		f := w.draw(t)
		want := slices.ContainsFunc(f.Checks, func(c merge.CheckFact) bool {
			return c.Name == "unit" && c.Commit == f.PullRequest.Head && c.Verdict == slipway.Pass
		})
		s := merge.Evaluate(f)
		for i, r := range f.Rules.Apps[0].Merge.Review {
			m, asked := oracleMet(f, r)
			want = want && (m || !asked)
			if got := reviewStatuses(s)[i]; (got == merge.NotRequired) == asked || (got == merge.Met) != (m && asked) {
				t.Fatalf("rule %d is %s, but met %v and asked %v:\n%s", i, got, m, asked, lines(s))
			}
		}
		for _, login := range logins() {
			last, objects := -1, false
			for _, r := range f.PullRequest.Reviews {
				at := 2 * int(r.Time.Sub(start).Minutes())
				if r.Verdict == "reject" {
					at++ // at the same time it comes last
				}
				if strings.EqualFold(r.By, login) && (r.Verdict == "approve" || r.Verdict == "reject") && at >= last {
					last, objects = at, r.Verdict == "reject"
				}
			}
			objects = objects && login != "mallory"
			want = want && !objects
			if got := slices.ContainsFunc(s.Requirements, func(r merge.Requirement) bool {
				return r.Kind == merge.KindObjection && strings.EqualFold(r.Who[0].Login, login)
			}); got != objects {
				t.Fatalf("%s objects: %v, want %v:\n%s", login, got, objects, lines(s))
			}
		}
		if s.Met != want {
			t.Fatalf("met is %v, want %v:\n%s", s.Met, want, lines(s))
		}
		if s.Met {
			met++
		}
	})
	if met == 0 {
		t.Error("no state was met: the property says nothing")
	}
}

// reviewStatuses are those of the review rules.
func reviewStatuses(s merge.State) []merge.Status {
	var all []merge.Status
	for _, r := range s.Requirements {
		if r.Kind == merge.KindReview {
			all = append(all, r.Status)
		}
	}
	return all
}

func TestTheAuthorsApprovalNeverCounts(t *testing.T) {
	w := newWorld(t)
	rapid.Check(t, func(t *rapid.T) {
		f := w.draw(t)
		before := reviewStatuses(merge.Evaluate(f))
		for range 3 {
			r := drawReview(t, []string{f.PullRequest.Head})
			r.By, r.Verdict = spelling(t, f.PullRequest.Author), "approve"
			f.PullRequest.Reviews = append(f.PullRequest.Reviews, r)
			f.PullRequest.Comments = append(f.PullRequest.Comments, slipway.Comment{By: r.By, Body: "/lgtm", Time: minute(59)})
		}
		if diff := cmp.Diff(before, reviewStatuses(merge.Evaluate(f))); diff != "" {
			t.Fatalf("the author's approval changed something:\n%s", diff)
		}
	})
}

func TestAnApprovalOfAnotherChangeNeverCounts(t *testing.T) {
	w := newWorld(t)
	rapid.Check(t, func(t *rapid.T) {
		f := w.draw(t)
		f.Pushes[len(f.Pushes)-1].OnlyBase = false
		before := reviewStatuses(merge.Evaluate(f))
		for range 3 {
			r := drawReview(t, append([]string{"unheard", ""}, f.Pushes[0].Head))
			if r.Verdict = "approve"; r.Commit != f.PullRequest.Head {
				f.PullRequest.Reviews = append(f.PullRequest.Reviews, r)
			}
		}
		if diff := cmp.Diff(before, reviewStatuses(merge.Evaluate(f))); diff != "" {
			t.Fatalf("an approval of another change changed something:\n%s", diff)
		}
	})
}

func TestAnApprovalNeverTakesAnythingAway(t *testing.T) {
	w := newWorld(t)
	rapid.Check(t, func(t *rapid.T) {
		f := w.draw(t)
		before := merge.Evaluate(f)
		r := drawReview(t, append([]string{"unheard"}, f.PullRequest.Head, f.Pushes[0].Head))
		r.Verdict = "approve"
		f.PullRequest.Reviews = append(f.PullRequest.Reviews, r)
		after := merge.Evaluate(f)
		if before.Met && !after.Met {
			t.Fatalf("an approval took it away:\n%s", lines(after))
		}
		for _, b := range before.Requirements {
			for _, a := range after.Requirements {
				if a.Kind == b.Kind && a.Name == b.Name && a.Missing() && !b.Missing() {
					t.Fatalf("an approval took %s away: %s", a.For, a.Reason)
				}
			}
		}
	})
}

func TestTheOrderOfWhatIsReadDoesNotMatter(t *testing.T) {
	w := newWorld(t)
	rapid.Check(t, func(t *rapid.T) {
		f := w.draw(t)
		want := merge.Evaluate(f)
		g := copyOf(t, f)
		g.PullRequest.Reviews = rapid.Permutation(g.PullRequest.Reviews).Draw(t, "reviews")
		g.PullRequest.Comments = rapid.Permutation(g.PullRequest.Comments).Draw(t, "comments")
		g.PullRequest.Commits = rapid.Permutation(g.PullRequest.Commits).Draw(t, "commits")
		g.Checks = rapid.Permutation(g.Checks).Draw(t, "checks")
		got := merge.Evaluate(g)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("in another order the state is another:\n%s", diff)
		}
		if merge.Markdown(want) != merge.Markdown(got) {
			t.Fatal("in another order the comment is another")
		}
	})
}

// TestNoManifestDropsWhatThePlatformRequires tries whatever the manifests of the
// target branch and of the head can say of a check that the platform requires, and
// holds the linter to its word: rules that it finds nothing wrong with can be met.
func TestNoManifestDropsWhatThePlatformRequires(t *testing.T) {
	w := newWorld(t)
	p := loadPlatform(t, platformText+"merge: {checks: {unit: }}\n")
	app := loadApp(t, appText)
	linted := 0
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) (manifest.Check, bool) {
			c := manifest.Check{Name: "unit", Required: rapid.Bool().Draw(t, label+" required")}
			if rapid.Bool().Draw(t, label+" has events") {
				c.On = []string{rapid.SampledFrom([]string{"push", "tag", "pull_request"}).Draw(t, "event")}
			}
			if rapid.Bool().Draw(t, label+" has files") {
				c.Files = []string{rapid.SampledFrom([]string{"*.py", "web/**"}).Draw(t, "files")}
			}
			return c, rapid.Bool().Draw(t, label+" is there")
		}
		m := *app
		m.Checks = map[string]manifest.Check{}
		if c, ok := draw("target"); ok {
			m.Checks["unit"] = c
		}
		f := w.draw(t)
		f.Rules = merge.Gather(p, merge.Source{Folder: ".", Manifest: &m})
		if rapid.Bool().Draw(t, "head known") {
			h := m
			h.Checks = map[string]manifest.Check{}
			if c, ok := draw("head"); ok {
				h.Checks["unit"] = c
			}
			f.Rules.Apps[0].Head = merge.HeadOf(&h)
		}
		f.PullRequest.Files = []slipway.ChangedFile{{Path: rapid.SampledFrom([]string{"job.py", "web/a.js", "README.md"}).Draw(t, "file")}}
		answered := slices.ContainsFunc(f.Checks, func(c merge.CheckFact) bool {
			return c.Name == "unit" && c.Commit == f.PullRequest.Head && c.Verdict == slipway.Pass
		})
		if s := merge.Evaluate(f); s.Met && !answered {
			t.Fatalf("it is met without the check that the platform requires:\n%s", lines(s))
		}
		if slices.ContainsFunc(merge.Lint(p, merge.Source{Folder: ".", Manifest: &m}), func(f merge.Finding) bool { return f.Level == merge.LevelError }) {
			return
		}
		linted++
		f.Rules.Apps[0].Head, f.Checks = nil, []merge.CheckFact{passed("unit")}
		f.Checks[0].Commit = f.PullRequest.Head
		if r := one(t, merge.Evaluate(f), merge.KindCheck, "traffic/unit"); r.Status != merge.Met {
			t.Fatalf("nothing was found wrong, and the check that passed is %s", told(r))
		}
	})
	if linted == 0 {
		t.Error("the linter found something wrong with everything: the property says nothing")
	}
}
