package policy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/policy"
)

const someRails = `slipway: v1
rails:
  - name: big-jobs
    environments: [prod]
    shapes: [glue-job]
    when: run.workers > 5
    effect: exception
    by: [finance, mara]
    message: "{run.workers} workers for {run.timeout} cost up to {cost.worst} {cost.currency}; {{5}} are allowed"
    fix: "set run.workers to 5 in {environment.name}"
  - name: friday
    when: time.getDayOfWeek() == 5
    effect: block
    message: "nobody deploys on a Friday ({time})"
  - name: broken-release
    when: release.version == "v1"
    effect: block
    rollback: true
    message: v1 loses data
  - name: new-connection
    shapes: [glue-job]
    when: run.connections.exists(c, c == "redshift")
    effect: sign-off
    by: [qa]
    message: "it uses {run.connections}, with {run.arguments}"
  - name: fresh
    when: time - release.created < duration("1h")
    effect: inform
    message: "released at {release.created}"
`

func TestJudge(t *testing.T) {
	book := load(t, someRails)
	want := []slipway.RailHit{
		{
			Rail: "big-jobs", Effect: slipway.RailException, By: []string{"finance", "mara"}, Fix: "set run.workers to 5 in prod",
			Message: "10 workers for 1h cost up to 4.4 USD; {5} are allowed",
		},
		{Rail: "friday", Effect: slipway.RailBlocks, Message: "nobody deploys on a Friday (2026-11-27 17:00 UTC)"},
		{Rail: "broken-release", Effect: slipway.RailBlocks, Message: "v1 loses data"},
		{
			Rail: "new-connection", Effect: slipway.RailSignOff, By: []string{"qa"},
			Message: "it uses redshift, with password: secret:redshift/password, source: s3://raw/traffic.csv",
		},
		{
			Rail: "fresh", Effect: slipway.RailInforms, Error: `"created" is not known here; has() asks whether a fact is`,
			Message: `released at (release.created: "created" is not known here; has() asks whether a fact is)`,
		},
	}
	if diff := cmp.Diff(want, book.Judge(facts())); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

// hitNames are the names of the rails that the facts hit.
func hitNames(book *policy.Book, f policy.Facts) string {
	var names []string
	for _, h := range book.Judge(f) {
		names = append(names, h.Rail)
	}
	return strings.Join(names, " ")
}

func TestWhichRailsAreAsked(t *testing.T) {
	book := load(t, someRails)
	rollback := facts()
	rollback.Rollback = true
	elsewhere := facts()
	elsewhere.Environment.Name = "local"
	python := facts()
	python.Plan.Target.Shape = "python-job"
	monday := facts()
	monday.Time = monday.Time.AddDate(0, 0, 3)
	small := facts()
	small.Plan.Target.Run = map[string]any{"workers": float64(5)}
	for name, c := range map[string]struct {
		facts policy.Facts
		want  string
	}{
		"a rollback is blocked by those that say so, and told the rest": {rollback, "broken-release fresh"},
		"another environment": {elsewhere, "friday broken-release new-connection fresh"},
		"another shape":       {python, "friday broken-release fresh"},
		"another day":         {monday, "big-jobs broken-release new-connection fresh"},
		"other parameters, and none where a list is asked for": {small, "friday broken-release fresh"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := hitNames(book, c.facts); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestNoDataIsNoPass(t *testing.T) {
	book := load(t, someRails)
	none := facts()
	none.Plan.Target.Run = nil
	hits := book.Judge(none)
	if hits[0].Rail != "big-jobs" || !hits[0].Closed() || hits[0].String() != `rail big-jobs cannot be judged, which counts as hit: "workers" is not known here; has() asks whether a fact is` {
		t.Errorf("got %+v", hits[0])
	}
	gone := facts()
	gone.Plan.Target.Shape = "cobol-job"
	hits = book.Judge(gone)
	if len(hits) != 3 || hits[0].Error != "the shape cobol-job is not on the menu" {
		t.Errorf("got %+v", hits)
	}
}

func TestGrantOpensARailUntilItsEnd(t *testing.T) {
	book := load(t, someRails)
	f := facts()
	f.Grants = []slipway.RailGrant{
		{Rail: "friday", By: "mara", Condition: conditionOf(t, book, "friday")}, // a block, which nobody opens
		{Rail: "new-connection", By: "ann", Condition: conditionOf(t, book, "new-connection")},
		{Rail: "big-jobs", By: "mara", Condition: conditionOf(t, book, "big-jobs"), Until: f.Time.Add(time.Hour)},
	}
	closed := func() string {
		var names []string
		for _, h := range book.Judge(f) {
			if h.Closed() {
				names = append(names, h.Rail+": "+h.Missing())
			}
		}
		return strings.Join(names, "\n")
	}
	if got, want := closed(), "friday: nobody can open it\nbroken-release: nobody can open it"; got != want {
		t.Errorf("got %s", got)
	}
	f.Time = f.Time.Add(time.Hour)
	f.Grants = f.Grants[2:]
	want := "big-jobs: it needs an exception, which finance or mara can grant\nfriday: nobody can open it\n" +
		"broken-release: nobody can open it\nnew-connection: it needs a sign-off by qa"
	if got := closed(); got != want {
		t.Errorf("got %s", got)
	}
}

func conditionOf(t *testing.T, book *policy.Book, rail string) slipway.Digest {
	t.Helper()
	r, err := book.Rail(rail)
	if err != nil {
		t.Fatal(err)
	}
	return r.Condition()
}

// What does not open a rail says why, also where its limit is no limit.
func TestGrantThatDoesNotOpen(t *testing.T) {
	book := load(t, someRails)
	right := slipway.RailGrant{Rail: "big-jobs", By: "mara", Condition: conditionOf(t, book, "big-jobs")}
	for want, change := range map[string]func(*slipway.RailGrant){
		"":                                 func(g *slipway.RailGrant) { g.Limit = "run.workers <= 10" },
		"it is forged":                     func(g *slipway.RailGrant) { g.Void = "it is forged" },
		"the rail was changed since":       func(g *slipway.RailGrant) { g.Condition = slipway.DigestOf(nil) },
		"it ended on 2026-11-27":           func(g *slipway.RailGrant) { g.Until = facts().Time },
		"it is for where run.workers <= 9": func(g *slipway.RailGrant) { g.Limit = "run.workers <= 9" },
		"its limit run.max_retries < 3 cannot be judged: \"max_retries\" is not known here; has() asks whether a fact is": func(g *slipway.RailGrant) {
			g.Limit = "run.max_retries < 3"
		},
		"its limit cannot be judged: the limit \"run.wrokers < 3\": the shape glue-job has no parameter \"wrokers\"": func(g *slipway.RailGrant) {
			g.Limit = "run.wrokers < 3"
		},
	} {
		f, g := facts(), right
		change(&g)
		f.Grants = []slipway.RailGrant{g}
		hit := book.Judge(f)[0]
		if hit.Rail != "big-jobs" {
			t.Fatalf("the first hit is %s", hit.Rail)
		}
		if want == "" {
			if hit.Closed() || hit.Grant.By != "mara" || len(hit.Void) > 0 {
				t.Errorf("limit met: %+v", hit)
			}
			continue
		}
		if !hit.Closed() || len(hit.Void) != 1 || hit.Void[0] != "mara's grant does not open it: "+want {
			t.Errorf("got %q, want %q", hit.Void, want)
		}
		f.Grants = append(f.Grants, right)
		if hit := book.Judge(f)[0]; hit.Closed() || hit.Void != nil {
			t.Errorf("with a right one beside it: %+v", hit)
		}
	}
}

func TestLimitIsChecked(t *testing.T) {
	book := load(t, someRails)
	if err := book.CheckLimit("glue-job", "run.workers <= 20"); err != nil {
		t.Error(err)
	}
	for text, want := range map[string][2]string{
		"run.wrokers <= 20":              {`the limit "run.wrokers <= 20": the shape glue-job has no parameter "wrokers"`, "did you mean workers?"},
		"run.workers":                    {`the limit "run.workers": it is a whole number, and not true or false`, "expected a comparison, such as run.timeout > duration(\"4h\")"},
		`run.timeout <= duration("2 h")`: {`the limit "run.timeout <= duration(\"2 h\")": "2 h" is not a duration`, "expected hours, minutes and seconds, such as 72h, 60m or 90s"},
	} {
		err := book.CheckLimit("glue-job", text)
		if slipway.KindOf(err) != slipway.Invalid || err.Error() != want[0] || slipway.FixOf(err) != want[1] {
			t.Errorf("got %v (%s), want %s", err, slipway.FixOf(err), want)
		}
	}
	if err := book.CheckLimit("cobol-job", "true"); err == nil || err.Error() != "no rail is for the shape cobol-job" {
		t.Errorf("got %v", err)
	}
}

func TestMessageIsOneLine(t *testing.T) {
	book := load(t, "slipway: v1\nrails:\n  - {name: long, when: plan.rollback == false, effect: inform, message: \"<{app}>\"}\n")
	f := facts()
	f.Plan.Target.App = "a\x1b[31m\n" + strings.Repeat("x", 1000)
	got := book.Judge(f)[0].Message
	if len([]rune(got)) != 500 || strings.ContainsAny(got, "\x1b\n") || !strings.HasPrefix(got, "<a [31m x") {
		t.Errorf("got %q", got)
	}
}

// A list that is long enough makes any condition expensive; it ends, and closes.
func TestConditionThatTakesTooLong(t *testing.T) {
	book := load(t, "slipway: v1\nrails:\n  - {name: slow, when: \"plan.changes.all(a, plan.changes.all(b, a.field != b.note))\", effect: block, message: no}\n")
	f := facts()
	for range 3000 {
		f.Plan.Changes = append(f.Plan.Changes, slipway.Change{Field: "x"})
	}
	hits := book.Judge(f)
	if len(hits) != 1 || hits[0].Error != "it takes too long" {
		t.Errorf("got %+v", hits)
	}
}

func TestRailByName(t *testing.T) {
	book := load(t, someRails)
	r, err := book.Rail("friday")
	if err != nil || r.Line != 11 || r.File != "rails/prod.yaml" {
		t.Errorf("got %+v, %v", r, err)
	}
	_, err = book.Rail("firday")
	if slipway.KindOf(err) != slipway.NotFound || err.Error() != `there is no rail "firday"` || slipway.FixOf(err) != "did you mean friday?" {
		t.Errorf("got %v, %s", err, slipway.FixOf(err))
	}
	_, err = book.Rail("zzzzzzzzz")
	if slipway.FixOf(err) != "the rails are: big-jobs, friday, broken-release, new-connection, fresh" {
		t.Errorf("got %s", slipway.FixOf(err))
	}
	_, err = load(t, "slipway: v1\n").Rail("friday")
	if slipway.FixOf(err) != "the platform file has none; it would name them under rails" {
		t.Errorf("got %s", slipway.FixOf(err))
	}
}
