package glue_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsglue "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/glue/gluetest"
)

// newer is what a newer Glue may have of a job.
var newer = map[string]any{"of": "us", "list": []any{"1.5", "x"}}

func TestWhatGlueFillsInIsNoChange(t *testing.T) {
	w := newDeployWorld(t)
	bare := slipway.Target{
		App: "traffic", Environment: "prod", Version: "v1", Commit: "c", Shape: "glue-job",
		Run:       map[string]any{"type": "glueetl", "role": "etl"},
		Artifacts: []slipway.Artifact{w.artifact("traffic", "traffic.py", slipway.KindScript, "print(1)")},
	}
	w.deploy(driver.PlanRequest{Target: bare})
	for name, r := range map[string]driver.PlanRequest{
		"nobody knows what was deployed": {Target: bare},
		"drift is overwritten":           {Target: bare, Drift: slipway.DriftOverwrite},
	} {
		p := w.plan(r)
		if !p.Empty() || len(warnings(p)) != 0 {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

func TestAScriptAloneLeavesTheRestAsItWas(t *testing.T) {
	w := newDeployWorld(t)
	one := w.target("v1", map[string]any{"schedule": "0 3 * * *", "connections": []any{"redshift"}, "tags": map[string]any{"team": "data"}})
	w.connect("redshift")
	live := w.deploy(driver.PlanRequest{Target: one})
	w.edit(func(job map[string]any) {
		job["NewerThanAll"], job["CodeGenConfigurationNodes"] = newer, map[string]any{"node-1": map[string]any{"Filter": map[string]any{"Name": "f"}}}
		job["SecurityConfiguration"], job["JobMode"] = "kms", "VISUAL"
		job["Command"].(map[string]any)["Novelty"] = true
		job["SourceControlDetails"] = map[string]any{"Provider": "GITHUB", "Repository": "r", "AuthToken": "hunter22"}
	})
	before := w.everything("traffic")
	two := one
	two.Version, two.Artifacts = "v2", []slipway.Artifact{w.artifact("traffic", "traffic.py", slipway.KindScript, "print('other')")}
	p := w.plan(driver.PlanRequest{Target: two, Live: live})
	wantFields(t, p.Changes, "update version", "update script")
	h := w.apply(p)
	after := w.everything("traffic")
	for _, side := range []map[string]any{before, after} {
		job := side["job"].(map[string]any)
		delete(job["Command"].(map[string]any), "ScriptLocation")
		delete(job["DefaultArguments"].(map[string]any), "--slipway-version")
		delete(side["tags"].(map[string]any), "slipway:version")
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("more than the script changed (-before +after):\n%s", diff)
	}
	if strings.Contains(h.Data["definition"]+string(p.Definition), "hunter22") {
		t.Error("the token of the source control was kept")
	}
}

func (w *deployWorld) connect(name string) {
	w.t.Helper()
	if _, err := w.console().CreateConnection(w.t.Context(), connection(name)); err != nil {
		w.t.Fatal(err)
	}
}

func TestDrift(t *testing.T) {
	edit := func(job map[string]any) {
		job["NumberOfWorkers"], job["SecurityConfiguration"], job["NewerThanAll"] = 7, "kms", newer
		arguments := job["DefaultArguments"].(map[string]any)
		arguments["--source"], arguments["--mine"] = "s3://mine", "1"
		job["Connections"] = map[string]any{"Connections": []any{"redshift", "mine"}}
	}
	for _, c := range []struct {
		policy   slipway.DriftPolicy
		changes  []string
		warnings []string
		workers  float64
		more     map[string]any
	}{
		{
			slipway.DriftOurs,
			[]string{"update run.arguments.source *", "update run.workers *"},
			[]string{
				"kept: the connection mine, which somebody added",
				"kept: run.arguments.mine is 1, and was not set when Slipway deployed last",
				`kept: job.NewerThanAll is {"list":["1.5","x"],"of":"us"}, and was not set when Slipway deployed last`,
				"kept: run.security_configuration is kms, and was not set when Slipway deployed last",
			},
			2,
			map[string]any{"source": "s3://raw", "mine": "1", "security": "kms", "newer": newer, "connections": []any{"redshift", "mine"}},
		},
		{
			slipway.DriftKeep, nil,
			[]string{
				`kept: run.connections is ["redshift","mine"], and was ["redshift"] when Slipway deployed last`,
				"kept: run.arguments.mine is 1, and was not set when Slipway deployed last",
				"kept: run.arguments.source is s3://mine, and was s3://raw when Slipway deployed last",
				`kept: job.NewerThanAll is {"list":["1.5","x"],"of":"us"}, and was not set when Slipway deployed last`,
				"kept: run.workers is 7, and was 2 when Slipway deployed last",
				"kept: run.security_configuration is kms, and was not set when Slipway deployed last",
			},
			7,
			map[string]any{"source": "s3://mine", "mine": "1", "security": "kms", "newer": newer, "connections": []any{"redshift", "mine"}},
		},
		{
			slipway.DriftOverwrite,
			[]string{
				"update run.arguments.source *", "update run.connections *", "update run.workers *",
				"delete run.arguments.mine *", "delete job.NewerThanAll *", "delete run.security_configuration *",
			},
			nil, 2,
			map[string]any{"source": "s3://raw", "mine": nil, "security": nil, "newer": nil, "connections": []any{"redshift"}},
		},
	} {
		t.Run("policy "+string(c.policy), func(t *testing.T) {
			w := newDeployWorld(t)
			w.connect("redshift")
			target := w.target("v1", map[string]any{"connections": []any{"redshift"}})
			live := w.deploy(driver.PlanRequest{Target: target})
			w.edit(edit)
			p := w.plan(driver.PlanRequest{Target: target, Live: live, Drift: c.policy})
			sortedChanges := fields(p.Changes)
			if diff := cmp.Diff(sortedCopy(c.changes), sortedCopy(sortedChanges)); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.warnings, warnings(p)); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
			h := w.apply(p)
			job := w.Job("traffic")
			arguments := job["DefaultArguments"].(map[string]any)
			got := map[string]any{
				"source": arguments["--source"], "mine": arguments["--mine"], "security": job["SecurityConfiguration"],
				"newer": job["NewerThanAll"], "connections": job["Connections"].(map[string]any)["Connections"],
			}
			if diff := cmp.Diff(c.more, got); diff != "" || asFloat(job["NumberOfWorkers"]) != c.workers {
				t.Errorf("workers %v; the rest (-want +got):\n%s", job["NumberOfWorkers"], diff)
			}
			if again := w.plan(driver.PlanRequest{Target: target, Live: h, Drift: c.policy}); !again.Empty() {
				t.Errorf("a second plan of the same policy has changes: %+v", again.Changes)
			}
			if s, err := w.driver().Observe(t.Context(), h, target); err != nil || s.State != slipway.JobLive {
				t.Errorf("after the deployment: %s, %+v, %v", s.State, s.Drift, err)
			}
		})
	}
}

func TestDriftIsRefused(t *testing.T) {
	w := newDeployWorld(t)
	target := w.target("v1", nil)
	live := w.deploy(driver.PlanRequest{Target: target})
	if p := w.plan(driver.PlanRequest{Target: target, Live: live, Drift: slipway.DriftRefuse}); !p.Empty() {
		t.Errorf("nothing was changed, and the plan has %v", p.Changes)
	}
	w.edit(func(job map[string]any) { job["NumberOfWorkers"], job["Timeout"] = 7, 61 })
	_, err := w.driver().Plan(t.Context(), driver.PlanRequest{Target: target, Live: live, Drift: slipway.DriftRefuse})
	wantRunError(t, err, slipway.Blocked, "the job traffic was changed outside Slipway:\n  run.workers is 7, it was 2\n  run.timeout is 61, it was 60\n"+
		"take the changes into the manifest, or say --drift keep or --drift overwrite")
}

// TestNoSecretOfOthersShows puts a password into the job by hand.
func TestNoSecretOfOthersShows(t *testing.T) {
	w := newDeployWorld(t)
	target := w.target("v1", nil)
	h := w.deploy(driver.PlanRequest{Target: target})
	w.edit(func(job map[string]any) {
		job["DefaultArguments"].(map[string]any)["--db_password"] = "hunter22"
		job["DefaultArguments"].(map[string]any)["--source"] = "AKIAABCDEFGHIJKLMNOP"
	})
	p := w.plan(driver.PlanRequest{Target: target, Live: h, Drift: slipway.DriftOverwrite})
	wantFields(t, p.Changes, "delete run.arguments.db_password *", "update run.arguments.source *")
	s, err := w.driver().Observe(t.Context(), h, target)
	if err != nil || s.State != slipway.JobDrifted {
		t.Fatalf("%+v, %v", s, err)
	}
	told := fmt.Sprint(p.Changes, p.Warnings, s.Drift)
	if strings.Contains(told, "hunter22") || strings.Contains(told, "AKIA") || !strings.Contains(told, "***") {
		t.Errorf("it tells %s", told)
	}
}

func TestAnEditShowsAsDrift(t *testing.T) {
	w := newDeployWorld(t)
	target := w.target("v1", map[string]any{"schedule": "0 3 * * *"})
	h := w.deploy(driver.PlanRequest{Target: target})
	s, err := w.driver().Observe(t.Context(), h, target)
	if err != nil || s.State != slipway.JobLive || s.Schedule != "0 3 * * *" || len(s.Next) != 5 || s.Next[0].Hour() != 3 {
		t.Fatalf("%+v, %v", s, err)
	}
	w.edit(func(job map[string]any) {
		job["NumberOfWorkers"], job["SecurityConfiguration"] = 7, "kms"
		job["DefaultArguments"].(map[string]any)["--source"] = "s3://mine"
	})
	w.SetTriggerState("traffic-schedule", "DEACTIVATED")
	s, err = w.driver().Observe(t.Context(), h, target)
	if err != nil || s.State != slipway.JobDrifted {
		t.Fatalf("%+v, %v", s, err)
	}
	wantFields(t, s.Drift, "update run.arguments.source *", "add run.paused *", "add run.security_configuration *", "update run.workers *")
	if s.Drift[3].From != 2.0 || s.Drift[3].To != 7.0 || len(s.Next) != 0 {
		t.Errorf("workers went from %v to %v; next %v", s.Drift[3].From, s.Drift[3].To, s.Next)
	}
	if s.Target.Run["workers"] != 7.0 || s.Target.Run["paused"] != true || s.Target.Run["role"] != "etl" {
		t.Errorf("what is there is %+v", s.Target.Run)
	}
}

func TestAScriptThatIsEditedInTheConsoleShows(t *testing.T) {
	w := newDeployWorld(t)
	target := w.target("v1", nil)
	h := w.deploy(driver.PlanRequest{Target: target})
	script := target.Artifacts[0]
	_, version, err := w.store.Read(t.Context(), script.Key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.Swap(t.Context(), script.Key, version, []byte("print('mine')")); err != nil {
		t.Fatal(err)
	}
	s, err := w.driver().Observe(t.Context(), h, target)
	if err != nil || s.State != slipway.JobDrifted {
		t.Fatalf("%+v, %v", s, err)
	}
	wantFields(t, s.Drift, "update script *")
	p := w.plan(driver.PlanRequest{Target: target, Live: h})
	wantFields(t, p.Changes, "update script *")
	_, err = w.driver().Apply(t.Context(), p, blobsOf{w.store})
	if err == nil || slipway.KindOf(err) != slipway.Conflict || !strings.Contains(err.Error(), "traffic_0123456789abcdef.py is not what was released") {
		t.Errorf("Apply: %v", err)
	}
}

func TestTagsOfOthersStay(t *testing.T) {
	w := newDeployWorld(t)
	one := w.target("v1", map[string]any{"tags": map[string]any{"team": "data", "old": "1"}})
	h := w.deploy(driver.PlanRequest{Target: one})
	arn := gluetest.JobARN("traffic")
	if _, err := w.console().TagResource(t.Context(), &awsglue.TagResourceInput{ResourceArn: &arn, TagsToAdd: map[string]string{"finops": "x", "team": "mine"}}); err != nil {
		t.Fatal(err)
	}
	two := w.target("v1", map[string]any{"tags": map[string]any{"team": "data", "new": "2"}})
	p := w.plan(driver.PlanRequest{Target: two, Live: h})
	wantFields(t, p.Changes, "add run.tags.new", "delete run.tags.old", "update run.tags.team *")
	w.apply(p)
	want := map[string]string{
		"finops": "x", "team": "data", "new": "2", "slipway:app": "traffic", "slipway:environment": "prod",
		"slipway:version": "v1", "slipway:commit": "0123456789abcdef",
	}
	if diff := cmp.Diff(want, w.Tags(arn)); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}

func TestARollbackRestoresToTheLetter(t *testing.T) {
	w := newDeployWorld(t)
	w.connect("redshift")
	one := w.target("v1", map[string]any{"schedule": "0 3 * * *", "connections": []any{"redshift"}, "description": "first", "tags": map[string]any{"team": "a"}})
	w.deploy(driver.PlanRequest{Target: one})
	w.edit(func(job map[string]any) { job["NewerThanAll"], job["SecurityConfiguration"] = newer, "kms" })
	first := w.apply(w.plan(driver.PlanRequest{Target: one}))
	before := w.everything("traffic")
	two := w.target("v2", map[string]any{"workers": 9.0, "arguments": map[string]any{"other": "x"}, "tags": map[string]any{"team": "b", "more": "c"}})
	second := w.deploy(driver.PlanRequest{Target: two, Live: first})
	w.edit(func(job map[string]any) {
		delete(job, "SecurityConfiguration")
		job["NewerThanAll"], job["MaintenanceWindow"] = "other", "Mon:10"
	})
	w.Forget()
	p := w.plan(driver.PlanRequest{Target: one, Live: second, Restore: first})
	if p.Empty() || p.Target.Version != "v1" {
		t.Fatalf("%+v", p)
	}
	third := w.apply(p)
	if diff := cmp.Diff(before, w.everything("traffic")); diff != "" {
		t.Errorf("it is not as it was (-was +is):\n%s", diff)
	}
	if diff := cmp.Diff(first, third); diff != "" {
		t.Errorf("the handle is another (-was +is):\n%s", diff)
	}
	if p := w.plan(driver.PlanRequest{Target: one, Live: third}); !p.Empty() {
		t.Errorf("a plan after the rollback has changes: %+v", p.Changes)
	}
}

func TestARemovedJobIsMadeAgainWithAllItHad(t *testing.T) {
	w := newDeployWorld(t)
	target := w.target("v1", map[string]any{"schedule": "0 3 * * *"})
	w.deploy(driver.PlanRequest{Target: target})
	w.edit(func(job map[string]any) { job["SecurityConfiguration"] = "kms" })
	h := w.apply(w.plan(driver.PlanRequest{Target: target}))
	before := w.everything("traffic")
	if _, err := w.console().DeleteJob(t.Context(), &awsglue.DeleteJobInput{JobName: aws.String("traffic")}); err != nil {
		t.Fatal(err)
	}
	if s, err := w.driver().Observe(t.Context(), h, target); err != nil || s.State != slipway.JobAbsent {
		t.Errorf("%+v, %v", s, err)
	}
	p := w.plan(driver.PlanRequest{Target: target, Live: h})
	if p.Base != "" || p.Warnings[len(p.Warnings)-1] != "the job was removed outside Slipway; applying this plan makes it again" {
		t.Errorf("%+v", p)
	}
	w.apply(p)
	if diff := cmp.Diff(before, w.everything("traffic")); diff != "" {
		t.Errorf("it is not as it was (-was +is):\n%s", diff)
	}
}
