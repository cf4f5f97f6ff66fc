package server

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/merge"
	"github.com/slipway-cd/slipway/store"
)

// waiting waits until the newest job of a kind waits for something that nobody has, and
// returns what it says.
func waiting(t *testing.T, s *Server, kind, why string) store.Job {
	t.Helper()
	var j store.Job
	eventually(t, s, kind+" that "+why, func() bool {
		all, err := s.store.Jobs(t.Context(), store.JobFilter{Kinds: []string{kind}}, 1)
		if err == nil {
			err = s.withWaits(t.Context(), all)
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(all) == 0 {
			return false
		}
		j = all[0]
		return j.Waits == why
	})
	return j
}

// TestChecksWaitForLabels: a change that needs a label that nobody has says so where
// people look, and is checked once somebody has it.
func TestChecksWaitForLabels(t *testing.T) {
	w := hubWorld(t)
	s, stop := w.serving(t)
	untilJobs(t, s, jobShip, 1)
	const why = "waits for a worker with labels arm and gpu; none is running"
	w.propose(t, "jonas", map[string]string{"slipway.yaml": strings.Replace(helloText, "script: hello.py", "script: hello.py, runs_on: [gpu, arm, gpu]", 1) + reviewed})
	w.review("mara", "approve")
	j := waiting(t, s, jobCheck, why)
	if diff := cmp.Diff([]string{"arm", "gpu"}, j.Needs); diff != "" || j.Attempt != 0 {
		t.Errorf("%s, at attempt %d", diff, j.Attempt)
	}
	queued := func(reason string) func(merge.State) bool {
		return func(st merge.State) bool {
			text := string(toJSON(st))
			return strings.Contains(text, `"it has not begun`+reason+`"`)
		}
	}
	stands(t, s, "that its check waits", queued(": it "+why))
	h := w.client(t, s)
	if _, text := get(t, h, Root+"/jobs/"+number(j.ID)); read[store.Job](t, text).Waits != why {
		t.Errorf("the job says\n%s", text)
	}
	if _, text := get(t, h, Root+"/jobs"); !strings.Contains(text, why) {
		t.Errorf("the list says\n%s", text)
	}
	stop()

	c := w.config(t)
	c.Labels = []string{"arm", "gpu", "tpu"}
	s, _ = w.servingWith(t, c)
	stands(t, s, "that it may be merged", func(st merge.State) bool { return st.Met })
	for _, j := range untilJobs(t, s, jobCheck, 1) {
		if j.State != store.JobDone {
			t.Errorf("the check is %s: %s", j.State, j.Outcome)
		}
	}
}

// TestEnvironmentsThatNeedLabels: what the platform file says now is what counts, for
// jobs that wait and for those that begin.
func TestEnvironmentsThatNeedLabels(t *testing.T) {
	w := newWorld(t)
	inVPC := strings.Replace(platformText, "staging: {", "staging: {runs_on: [in-vpc], ", 1)
	w.write(t, "platform.yaml", inVPC)
	w.repository(t, "hello")
	s, _ := w.serving(t)
	w.push(t, "hello", map[string]string{"slipway.yaml": helloText, "hello.py": "print('hello')\n"})
	j := waiting(t, s, jobShip, "waits for a worker with label in-vpc; none is running")
	if j.Tenant != "data" || j.Attempt != 0 {
		t.Errorf("it is %+v", j)
	}
	w.write(t, "platform.yaml", platformText) // it was a mistake
	if end := untilJobs(t, s, jobShip, 1)[0]; end.ID != j.ID || end.State != store.JobDone || len(end.Needs) != 0 {
		t.Errorf("it ended as %+v", end)
	}
	w.write(t, "platform.yaml", inVPC)
	untilPlatform(t, s, "platform.changed", 2)
	h := w.client(t, s)
	answer, text := request(t, h, "POST", Root+"/apps/hello/environments/staging/runs", `{}`)
	if run := read[store.Job](t, text); answer.StatusCode != 202 || run.Waits != "waits for a worker with label in-vpc; none is running" {
		t.Errorf("a run: %d %s", answer.StatusCode, text)
	}
}

// TestHandedOver: a release of a commit whose manifest needs other labels than that of
// the default branch is begun by somebody who has not got them, and handed over.
func TestHandedOver(t *testing.T) {
	w := newWorld(t)
	w.repository(t, "hello")
	log, err := os.Create(filepath.Join(w.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	c := w.config(t)
	c.Log = slog.New(slog.NewTextHandler(log, nil))
	s, stop := w.servingWith(t, c)
	w.push(t, "hello", map[string]string{"slipway.yaml": strings.Replace(helloText, "script: hello.py", "script: hello.py, runs_on: [gpu]", 1), "hello.py": "print('hello')\n"})
	const why = "waits for a worker with label gpu; none is running"
	commit := read[delivery](t, string(waiting(t, s, jobShip, why).Input)).Commit
	eventually(t, s, "the line in the log", func() bool { return said(t, log, why) > 0 })
	w.push(t, "hello", map[string]string{"slipway.yaml": helloText, "hello.py": "print('hello again')\n"})
	eventually(t, s, "the ship of the second commit", func() bool {
		all, err := s.store.Jobs(t.Context(), store.JobFilter{Kinds: []string{jobShip}, States: []store.JobState{store.JobDone}}, 2)
		return err == nil && len(all) == 1
	})
	if answer, text := request(t, w.client(t, s), "POST", Root+"/apps/hello/environments/staging/releases", `{"version": "v1", "commit": "`+commit+`"}`); answer.StatusCode != 202 {
		t.Fatalf("%d %s", answer.StatusCode, text)
	}
	j := waiting(t, s, jobRelease, why)
	if in := read[delivery](t, string(j.Input)); j.Attempt != 1 || strings.Join(in.RunsOn, " ") != "gpu" || in.Commit != commit || in.Version != "v1" {
		t.Errorf("it is handed over at attempt %d with %s", j.Attempt, j.Input)
	}
	if again := waiting(t, s, jobRelease, why); again.Attempt != 1 {
		t.Errorf("it was begun again, %d times", again.Attempt)
	}
	all, err := s.workforce(t.Context())
	if err != nil || len(all.Waiting) != 1 || all.Waiting[0].Jobs != 2 || all.Waiting[0].Why != why || len(all.Items) != 1 || all.Items[0].Role != store.RoleServer {
		t.Errorf("they are %+v, %v", all, err)
	}
	stop()
	if n := said(t, log, why); n != 1 {
		t.Errorf("the log says it %d times", n)
	}

	c.Labels = []string{"gpu"}
	s, _ = w.servingWith(t, c)
	if end := untilJobs(t, s, jobRelease, 1)[0]; end.State != store.JobDone {
		t.Errorf("it is %s: %s", end.State, end.Outcome)
	}
	if all, err := s.workforce(t.Context()); err != nil || len(all.Waiting) != 0 || strings.Join(all.Items[0].Labels, " ") != "gpu" {
		t.Errorf("they are %+v, %v", all, err)
	}
}

// said counts how often the log says that nobody can do a job.
func said(t *testing.T, log *os.File, why string) int {
	t.Helper()
	text, err := os.ReadFile(log.Name())
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(text), `msg="nobody can do a job" it="`+why+`" job=`)
}

// TestSealKeyOfAll: those who share a database seal with one key, if it is a secret.
func TestSealKeyOfAll(t *testing.T) {
	for name, c := range map[string]struct{ secret, fails string }{
		"PostgreSQL": {secret: strings.Repeat("QUJD", 10) + "QUI=\n"},
		"PostgreSQL, a short one": {
			secret: "QUJD", fails: "the secret seal/key is no key: crypto/aes: invalid key size 3",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			config := w.config(t)
			config.Secrets = func(_ context.Context, ref string) (string, error) {
				if ref != "seal/key" {
					return "", slipway.Errorf(slipway.NotFound, "there is no %s", ref)
				}
				return c.secret, nil
			}
			s, err := New(t.Context(), config)
			if c.fails != "" {
				if err == nil || err.Error() != c.fails || slipway.FixOf(err) != "make one with: head -c 32 /dev/urandom | base64" {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			key, err := newSealer([]byte(strings.Repeat("ABC", 10) + "AB"))
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]string{"token": "hunter2"}
			if got, err := key.opened(s.sealer.sealed(want)); err != nil || cmp.Diff(want, got) != "" {
				t.Errorf("opened %v, %v", got, err)
			}
		})
	}
}

// TestJobsOfAnOlderServer: a job that a server made which knew of no pools is done.
func TestJobsOfAnOlderServer(t *testing.T) {
	w := newWorld(t)
	w.repository(t, "hello")
	s, _ := w.serving(t)
	w.push(t, "hello", map[string]string{"slipway.yaml": helloText, "hello.py": "print('hello')\n"})
	untilJobs(t, s, jobShip, 1)
	alter(t, s, func(tx *store.Tx) error {
		in := deployment{App: "hello", Environment: "staging"}
		_, _, err := tx.Enqueue(t.Context(), store.Job{Key: "older", Kind: jobDeploy, Subject: subjectOf("hello"), Input: toJSON(in), Made: s.Clock(), By: "mara"})
		return err
	})
	s.news.Ring()
	if end := untilJobs(t, s, jobDeploy, 1)[0]; end.State != store.JobDone || end.Tenant != "data" {
		t.Errorf("it ended as %s: %s", end.State, end.Outcome)
	}
}

// TestTenants: whose a job is follows from what it is about.
func TestTenants(t *testing.T) {
	w := newWorld(t)
	s, _ := w.idle(t)
	alter(t, s, func(tx *store.Tx) error {
		return tx.PutApp(t.Context(), store.App{Name: "free", Forge: "home", Repository: "free", Folder: ".", RunsOn: []string{"gpu"}, Updated: s.Clock()})
	})
	app := func(ctx context.Context, name string) (store.App, bool, error) { return s.store.App(ctx, name) }
	for _, c := range []struct {
		kind, subject string
		in            any
		want          store.Placement
	}{
		{jobDeploy, "app/hello", deployment{App: "hello", Environment: "staging"}, store.Placement{Pool: poolWork, Tenant: "data"}},
		{jobShip, "app/free", delivery{at: at{"home", "free"}, App: "free", Environment: "staging"}, store.Placement{Pool: poolWork, Tenant: "home/free", Needs: []string{"gpu"}}},
		{jobDeploy, "app/free", deployment{App: "free", Environment: "staging"}, store.Placement{Pool: poolWork, Tenant: "home/free"}},
		{jobCheck, "check/home/r#1", checking{asked: asked{at{"home", "r"}, 1}, Apps: []checkApp{{Name: "new", Push: []string{"staging"}}, {Name: "free", RunsOn: []string{"arm"}}}}, store.Placement{Pool: poolWork, Tenant: "home/r", Needs: []string{"arm"}}},
		{jobShip, "app/free", delivery{at: at{"home", "free"}, App: "free", Environment: "staging", RunsOn: []string{}}, store.Placement{Pool: poolWork, Tenant: "home/free"}},
		{jobLookRequest, "home/r#1", asked{at{"home", "r"}, 1}, store.Placement{Pool: poolLook, Tenant: "home/r"}},
		{jobLookRefs, "home/r", nil, store.Placement{Pool: poolLook, Tenant: "home/r"}},
		{jobRun, "run/x", running{App: "hello", Environment: "staging"}, store.Placement{Pool: poolRun, Tenant: "data"}},
	} {
		got, err := s.placed(t.Context(), store.Job{Kind: c.kind, Subject: c.subject, Input: toJSON(c.in)}, app)
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.kind, diff)
		}
	}
}
