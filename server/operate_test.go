package server

import (
	"strings"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/store"
)

// TestNoSuchCommit: what cannot be fetched because it is not there ends, and says so.
func TestNoSuchCommit(t *testing.T) {
	w := newWorld(t)
	w.repository(t, "hello")
	w.push(t, "hello", hello)
	s, _ := w.serving(t)
	untilJobs(t, s, jobShip, 1)
	none := strings.Repeat("1", 40)
	answer, text := request(t, w.client(t, s), "POST", Root+"/apps/hello/environments/staging/ships", `{"commit": "`+none+`"}`)
	if answer.StatusCode != 202 {
		t.Fatalf("%d %s", answer.StatusCode, text)
	}
	j := untilJobs(t, s, jobShip, 2)[1]
	o := read[Outcome](t, string(j.Outcome))
	remote := "file://" + w.forge.path("hello")
	if j.State != store.JobFailed || j.Attempt != 6 || o.Kind != slipway.NotFound || o.Message != remote+" has no commit "+none || !strings.HasPrefix(o.Fix, "push it, or name a commit that is there") {
		t.Errorf("attempt %d ended %s: %+v", j.Attempt, j.State, o)
	}
}

// TestEventOfATag: checks of a pushed tag are asked as such.
func TestEventOfATag(t *testing.T) {
	w := newWorld(t)
	w.repository(t, "hello")
	w.push(t, "hello", with(hello, map[string]string{"slipway.yaml": helloText + "deliver: {push: staging, tag: staging}\n"}))
	s, _ := w.serving(t)
	branch := untilJobs(t, s, jobShip, 1)[0]
	w.git(t, "-C", "git/hello.git", "tag", "v1.0.0", "main")
	tag := untilJobs(t, s, jobShip, 2)[1]
	if eventOf(branch) != manifest.OnPush || eventOf(tag) != manifest.OnTag || eventOf(store.Job{Kind: jobCheck}) != manifest.OnPullRequest {
		t.Errorf("a branch is %s, a tag %s: %s", eventOf(branch), eventOf(tag), tag.Input)
	}
	in, err := input[delivery](tag)
	if err != nil || in.Version != "v1.0.0" || tag.State != store.JobDone {
		t.Errorf("%+v, %v ended %s %s", in, err, tag.State, tag.Outcome)
	}
}

// TestWhoMayStopAJob: whoever may ask for a job may stop it, and nobody else.
func TestWhoMayStopAJob(t *testing.T) {
	s, ask := managed(t).talker(t)
	make := func(kind, in string) string {
		var j store.Job
		alter(t, s, func(tx *store.Tx) (err error) {
			j, _, err = tx.Enqueue(t.Context(), store.Job{Key: newID(), Kind: kind, Subject: "s", Input: []byte(in), Made: s.Clock()})
			return err
		})
		return "/jobs/" + number(j.ID) + "/stop"
	}
	for _, c := range []struct{ kind, input, may, mayNot, why string }{
		{jobShip, `{"app": "hello", "environment": "prod"}`, "ana", "bo", "bo may not deploy hello in prod: "},
		{jobRun, `{"app": "hello", "environment": "prod"}`, "ana", "bo", "bo may not stop hello in prod: "},
		{jobCheck, `{"apps": [{"name": "hello"}]}`, "ana", "bo", "bo may not build hello: "},
		{jobPush, `{"repository": "hello"}`, "olga", "ana", "ana may not administer access: "},
	} {
		path := make(c.kind, c.input)
		if text := ask(t, "name="+c.mayNot, "POST", path, "", 403); !strings.Contains(text, c.why) {
			t.Errorf("%s: %s", c.kind, text)
		}
		if text := ask(t, "name="+c.may, "POST", path, "", 200); !strings.Contains(text, `"stopped by `+c.may) {
			t.Errorf("%s: %s", c.kind, text)
		}
	}
}
