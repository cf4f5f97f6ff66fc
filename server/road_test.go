package server

import (
	"strings"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/promote"
	"github.com/slipway-cd/slipway/store"
)

// TestRoadByStages: each stage of the road can be asked for by itself, once for each key.
func TestRoadByStages(t *testing.T) {
	w := newWorld(t)
	w.repository(t, "hello")
	w.push(t, "hello", hello)
	s, _ := w.serving(t)
	untilJobs(t, s, jobShip, 1)
	next := w.push(t, "hello", with(hello, map[string]string{"hello.py": "print('again')\n", "slipway.yaml": helloText + "deliver: {push: prod}\n"}))
	untilJobs(t, s, jobShip, 2)
	h := w.client(t, s)
	const app = Root + "/apps/hello/environments/"
	ask := func(kind, path, body string, n int) store.Job {
		t.Helper()
		var id int64
		for range 2 {
			answer, text := request(t, h, "POST", app+path, body, "Idempotency-Key: "+kind+number(int64(n)))
			j := read[store.Job](t, text)
			if answer.StatusCode != 202 || answer.Header.Get("Location") != Root+"/jobs/"+number(j.ID) || id != 0 && j.ID != id {
				t.Fatalf("%s: %d %s", path, answer.StatusCode, text)
			}
			id = j.ID
		}
		all := untilJobs(t, s, kind, n)
		return all[n-1]
	}
	done := func(j store.Job) string {
		t.Helper()
		if j.State != store.JobDone {
			t.Fatalf("%s ended %s: %s", j.Kind, j.State, j.Outcome)
		}
		return string(j.Outcome)
	}

	made := read[slipway.Release](t, done(ask(jobRelease, "prod/releases", `{"version": "v2"}`, 1)))
	if made.Version != "v2" || made.Source.Commit != next || made.By != "mara" {
		t.Errorf("released %+v", made)
	}
	if p := read[slipway.Plan](t, done(ask(jobPlan, "staging/plans", `{"version": "v2"}`, 1))); p.Target.Version != "v2" || p.Empty() {
		t.Errorf("the plan is for %+v", p.Target)
	}
	if p := read[slipway.Plan](t, done(ask(jobPlan, "prod/plans", `{"commit": "`+next+`"}`, 2))); p.Target.Commit != next {
		t.Errorf("the plan is for %+v", p.Target)
	}
	if out := read[promote.Output](t, done(ask(jobPromote, "prod/promotions", `{"version": "v2"}`, 1))); !out.Made {
		t.Errorf("promoted %+v", out)
	}
	facts := func() (int, ReleaseFacts) {
		answer, text := request(t, h, "GET", app+"prod/releases/v2/facts", "")
		return answer.StatusCode, read[ReleaseFacts](t, text)
	}
	if code, f := facts(); code != 200 || f.Release.Version != "v2" || len(f.Checks) != 1 || f.Checks[0].Name != "unit" || f.SignOffs == nil {
		t.Errorf("%d %+v", code, f)
	}
	_, f := facts()
	for _, a := range f.Release.Files() {
		answer, text := request(t, h, "GET", app+"prod/releases/v2/artifacts/"+string(a.Digest), "")
		if answer.StatusCode != 200 || slipway.DigestOf([]byte(text)) != a.Digest || answer.Header.Get("Content-Type") != "application/octet-stream" {
			t.Errorf("%s: %d %v %q", a.Name, answer.StatusCode, answer.Header, text)
		}
	}
	none := "sha256:" + strings.Repeat("0", 64)
	if answer, text := request(t, h, "GET", app+"prod/releases/v2/artifacts/"+none, ""); answer.StatusCode != 404 || !strings.Contains(text, "release v2 of hello has no file "+none) {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
	if answer, text := request(t, h, "GET", Root+"/apps/hello/releases/v2/dossier", ""); answer.StatusCode != 422 || !strings.Contains(text, "there is no key here to seal a dossier with") {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
	if answer, text := request(t, h, "GET", app+"prod/running", ""); answer.StatusCode != 200 || read[pipeline.Running](t, text).Verdict != pipeline.RunsEqual {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
	if answer, text := request(t, h, "GET", app+"prod/cost", ""); answer.StatusCode != 422 || !strings.Contains(text, "cannot say what runs cost") {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
	if d := read[slipway.Deployment](t, done(ask(jobRemove, "prod/removals", `{}`, 1))); d.Plan.Target.Environment != "prod" {
		t.Errorf("removed %+v", d)
	}
	if answer, text := request(t, h, "GET", app+"prod/running", ""); answer.StatusCode != 200 || read[pipeline.Running](t, text).Verdict != pipeline.RunsNothing {
		t.Errorf("%d %s", answer.StatusCode, text)
	}

	for kind, c := range map[string]struct{ path, body, message string }{
		jobRelease: {"staging/releases", `{"version": "v2", "commit": "` + strings.Repeat("1", 40) + `"}`, "has no commit 1111"},
		jobPromote: {"prod/promotions", `{"version": "v9"}`, "there is no release v9 of hello in staging"},
		jobPlan:    {"staging/plans", `{"version": "v9"}`, "there is no release v9 of hello in staging"},
		jobRemove:  {"prod/removals", `{}`, "nothing of hello is deployed in prod"},
	} {
		n := map[string]int{jobRelease: 2, jobPromote: 2, jobPlan: 3, jobRemove: 2}[kind]
		j := ask(kind, c.path, c.body, n)
		if o := read[Outcome](t, string(j.Outcome)); j.State != store.JobFailed || !strings.Contains(o.Message, c.message) {
			t.Errorf("%s ended %s: %s", kind, j.State, j.Outcome)
		}
	}
	if answer, text := request(t, h, "POST", app+"prod/plans", `{"version": "v2", "commit": "`+next+`"}`); answer.StatusCode != 422 || !strings.Contains(text, "a plan is for a release or for a commit, not for both") {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
}

// TestRemovedOnce: a removal that was cut short behind its end is not taken for one of
// what never was.
func TestRemovedOnce(t *testing.T) {
	w := newWorld(t)
	w.repository(t, "hello")
	w.push(t, "hello", hello)
	s, _ := w.serving(t)
	untilJobs(t, s, jobShip, 1)
	h := w.client(t, s)
	for n := range 2 { // the second is as the first, begun again after a kill
		answer, text := request(t, h, "POST", Root+"/apps/hello/environments/staging/removals", `{}`)
		if answer.StatusCode != 202 {
			t.Fatalf("%d %s", answer.StatusCode, text)
		}
		if n == 0 {
			untilJobs(t, s, jobRemove, 1)
		}
	}
	all := untilJobs(t, s, jobRemove, 2)
	first, second := all[0], all[1]
	if first.State != store.JobDone || second.State != store.JobFailed {
		t.Fatalf("they ended %s %s, %s %s", first.State, first.Outcome, second.State, second.Outcome)
	}
	out, err := s.remove(t.Context(), first)
	if d, ok := out.value.(slipway.Deployment); err != nil || !ok || d.Number != 1 {
		t.Errorf("begun again it ends %+v, %v", out.value, err)
	}
}

// TestWhoMayTakeTheRoad: each stage takes its own right, and each refusal is kept: two
// of the same minute in one line.
func TestWhoMayTakeTheRoad(t *testing.T) {
	_, ask := managed(t).talker(t)
	for _, c := range []struct{ path, body, why string }{
		{"prod/releases", `{}`, "bo may not release hello in prod: "},
		{"prod/promotions", `{}`, "bo may not deploy hello in prod: "},
		{"prod/removals", `{}`, "bo may not deploy hello in prod: "},
		{"prod/plans", `{"commit": "` + strings.Repeat("a", 40) + `"}`, "bo may not build hello in prod: "},
	} {
		if text := ask(t, "name=bo", "POST", "/apps/hello/environments/"+c.path, c.body, 403); !strings.Contains(text, c.why) {
			t.Errorf("%s: %s", c.path, text)
		}
		ask(t, "name=ana", "POST", "/apps/hello/environments/"+c.path, c.body, 202)
	}
	ask(t, "name=bo", "POST", "/apps/hello/environments/prod/plans", `{}`, 202)
	all := read[List[access.Refusal]](t, ask(t, "name=olga", "GET", "/refusals", "", 200)).Items
	if n := len(all); n != 3 || all[0].Who != "bo" {
		t.Errorf("the refusals are %+v", all)
	}
}
