//go:build linux && amd64

package main_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway/awsauth/awstest"
)

// A new version of the script changes where the script is and which release it is:
// every other field stays, the unknown ones and those of others too.
func TestScriptOnlyChangeOnGlue(t *testing.T) {
	t.Parallel()
	aws := newCloud(t)
	c := newGlueApp(t, aws)
	c.must(t, "ship", "prod")
	aws.edit(t, map[string]any{
		"NewerThanAll":      map[string]any{"of": []any{"us", 1.5}},
		"MaintenanceWindow": "Mon:10", "Description": "by hand",
		"NotificationProperty": map[string]any{"NotifyDelayAfter": 7, "NewerToo": true},
	})
	aws.cli(t, "glue", "tag-resource", "--resource-arn", "arn:aws:glue:us-east-1:123456789012:job/traffic", "--tags-to-add", "cost-center=4711")
	before := aws.jobs(t)
	c.nextVersion(t)
	c.must(t, "ship", "prod")
	after := aws.jobs(t)
	job, _ := after["job/traffic"].(map[string]any)
	command, _ := job["Command"].(map[string]any)
	arguments, _ := job["DefaultArguments"].(map[string]any)
	tags, _ := after["tags of job/traffic"].(map[string]any)
	script, _ := command["ScriptLocation"].(string)
	_, key, _ := strings.Cut(script, "s3://acme-artifacts/")
	if text := awstest.Send(t, http.MethodGet, aws.URL+"/acme-artifacts/"+key, ""); string(text) != c.read(t, "traffic.py") {
		t.Errorf("at %s is %q", script, text)
	}
	was := before["job/traffic"].(map[string]any)
	command["ScriptLocation"] = was["Command"].(map[string]any)["ScriptLocation"]
	arguments["--slipway-version"] = was["DefaultArguments"].(map[string]any)["--slipway-version"]
	for _, name := range []string{"slipway:version", "slipway:commit"} {
		tags[name] = before["tags of job/traffic"].(map[string]any)[name]
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("more than script and version changed (-before +after):\n%s", diff)
	}
	shown, _ := aws.shown(t)
	if shown["Description"] != "by hand" || shown["MaintenanceWindow"] != "Mon:10" {
		t.Errorf("the AWS CLI shows %v", shown)
	}
}

// What lies under the script's key is what was released, or nothing is deployed.
func TestOtherBytesUnderTheKeyOnGlue(t *testing.T) {
	t.Parallel()
	aws := newCloud(t)
	c := newGlueApp(t, aws)
	c.must(t, "ship", "prod")
	first := c.liveVersion(t)
	before, _ := aws.shown(t)
	location := before["Command"].(map[string]any)["ScriptLocation"].(string)
	c.nextVersion(t)
	c.must(t, "ship", "prod")
	was := aws.jobs(t)
	file := c.file("other.py")
	c.write(t, "other.py", "print('somebody else')\n")
	aws.cli(t, "s3", "cp", "--quiet", file, location)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	refusal := []string{location + " is not what was released", "somebody wrote there"}
	c.says(t, 4, []string{"deploy", first, "prod"}, refusal...)
	c.says(t, 4, words("rollback prod"), refusal...)
	if diff := cmp.Diff(was, aws.jobs(t)); diff != "" {
		t.Errorf("a refused deployment changed the job:\n%s", diff)
	}

	// A version whose script has the same bytes would lie at the same key.
	c.git(t, "checkout", "-q", "HEAD~1")
	c.says(t, 4, words("ship prod"), "is not what was released")
	if text := aws.cli(t, "s3", "cp", "--quiet", location, "-"); text != "print('somebody else')\n" {
		t.Errorf("it was written over: %q", text)
	}
}

// What somebody changed in the console is shown, and then goes, stays or stops the
// deployment, as it is asked for.
func TestConsoleEditOnGlue(t *testing.T) {
	t.Parallel()
	aws := newCloud(t)
	start := newGlueApp(t, aws)
	start.must(t, "ship", "prod")
	// One field that the manifest sets, one that it does not.
	aws.edit(t, map[string]any{"NumberOfWorkers": 9, "Description": "by hand"})
	shown := start.says(t, 1, words("drift prod"),
		"traffic in prod: changed since", "~ run.workers: 2 -> 9  (changed outside Slipway)", "run.description: by hand  (changed outside Slipway)", "--drift overwrite puts it right")
	if strings.Count(shown.stdout, "changed outside Slipway") != 2 {
		t.Errorf("drift shows\n%s", shown.stdout)
	}
	start.says(t, 0, words("status prod"), "changed")
	for _, tt := range []struct {
		policy      string
		code        int
		workers     float64
		description any
		says        []string
		drift       int
	}{
		{"", 0, 2, "by hand", []string{"run.workers: 9 -> 2  (changed outside Slipway)"}, 0},
		{"keep", 0, 9, "by hand", nil, 0},
		{"overwrite", 0, 2, nil, []string{"run.workers: 9 -> 2", "- run.description: by hand"}, 0},
		{"refuse", 3, 9, "by hand", []string{"run.workers is 9, it was 2", "run.description is by hand", "--drift keep or --drift overwrite"}, 1},
	} {
		there := aws.copy(t)
		t.Run("drift "+tt.policy, func(t *testing.T) {
			t.Parallel()
			c := start.copy(t).at(there)
			deploy := words("deploy prod")
			if tt.policy != "" {
				deploy = append(deploy, "--drift", tt.policy)
			}
			c.says(t, tt.code, deploy, tt.says...)
			job, _ := there.shown(t)
			if job["NumberOfWorkers"] != tt.workers || job["Description"] != tt.description || job["Timeout"] != 60.0 {
				t.Errorf("AWS has %v", job)
			}
			c.says(t, tt.drift, words("drift prod"))
		})
	}
}

// A plan is applied as it stands, or not at all.
func TestSavedPlanOnGlue(t *testing.T) {
	t.Parallel()
	aws := newCloud(t)
	start := newGlueApp(t, aws)
	start.must(t, "ship", "prod")
	start.change(t, "slipway.yaml", "workers: 2", "workers: 4")
	start.nextVersion(t)
	start.must(t, "release", "--env", "prod")
	plan := start.must(t, "plan", "prod", "--out", "../plan.json")
	before := aws.jobs(t)
	for name, test := range map[string]func(*testing.T, cloud, clone){
		"is applied": func(t *testing.T, aws cloud, c clone) {
			c.says(t, 0, words("deploy --plan ../plan.json"), strings.TrimSpace(plan))
			job, _ := aws.shown(t)
			if job["NumberOfWorkers"] != 4.0 {
				t.Errorf("AWS has %v", job)
			}
			aws.wantOneJob(t, c)
			once := aws.jobs(t)
			c.says(t, 0, words("deploy --plan ../plan.json"), "(deployment 2)")
			if diff := cmp.Diff(once, aws.jobs(t)); diff != "" {
				t.Errorf("applied again it changes the job:\n%s", diff)
			}
		},
		"is stale": func(t *testing.T, aws cloud, c clone) {
			aws.edit(t, map[string]any{"NumberOfWorkers": 9})
			c.refusesPlan(t, aws, "the plan is stale: traffic in prod has changed since it was made", "-> make it again: slipway plan ")
		},
		"is older than what is live": func(t *testing.T, aws cloud, c clone) {
			c.change(t, "traffic.py", "version 2", "version 3")
			c.commit(t, "version 3")
			c.must(t, "ship", "prod")
			c.refusesPlan(t, aws, "the plan is stale")
		},
		"was laid out anew": func(t *testing.T, aws cloud, c clone) {
			var p any
			parse(t, c.read(t, "../plan.json"), &p)
			data, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			c.write(t, "../plan.json", string(data))
			c.must(t, "deploy", "--plan", "../plan.json")
			aws.wantOneJob(t, c)
		},
		"has another definition": func(t *testing.T, aws cloud, c clone) {
			c.change(t, "../plan.json", `"NumberOfWorkers": 4`, `"NumberOfWorkers": 99`)
			c.refusesPlan(t, aws, wasEdited)
		},
		"has another script": func(t *testing.T, aws cloud, c clone) {
			c.change(t, "../plan.json", "s3://acme-artifacts/", "s3://elsewhere/")
			c.refusesPlan(t, aws, wasEdited)
		},
		"hides what it changes": func(t *testing.T, aws cloud, c clone) {
			c.change(t, "../plan.json", `"run.workers"`, `"run.harmless"`)
			c.refusesPlan(t, aws, wasEdited)
		},
		"has another target": func(t *testing.T, aws cloud, c clone) {
			c.change(t, "../plan.json", `"workers": 4`, `"workers": 2`)
			c.refusesPlan(t, aws, "this plan is not one for release")
		},
	} {
		there := aws.copy(t)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start.copy(t).at(there)
			test(t, there, c)
		})
	}
	if diff := cmp.Diff(before, aws.jobs(t)); diff != "" {
		t.Errorf("planning changed the job:\n%s", diff)
	}
}

const wasEdited = "the plan for traffic in prod is not as it was made: somebody edited it"

// refusesPlan proves that the saved plan is refused, and that nothing changes.
func (c clone) refusesPlan(t *testing.T, aws cloud, texts ...string) {
	t.Helper()
	before := aws.jobs(t)
	c.says(t, 4, words("deploy --plan ../plan.json"), append(texts, "\n  -> ")...)
	if diff := cmp.Diff(before, aws.jobs(t)); diff != "" {
		t.Errorf("a refused plan changed the job:\n%s", diff)
	}
}

// A job that was drawn in Glue Studio keeps its graph, whatever is deployed.
func TestVisualJobOnGlue(t *testing.T) {
	t.Parallel()
	aws := newCloud(t)
	c := newGlueApp(t, aws)
	var job map[string]any
	text, err := os.ReadFile("testdata/glue_visual_job.json")
	if err != nil {
		t.Fatal(err)
	}
	parse(t, string(text), &job)
	awstest.Send(t, http.MethodPut, aws.URL+"/acme-artifacts/studio.py", "print('drawn')\n")
	aws.glue(t, "CreateJob", job)
	was := aws.jobs(t)["job/Busy roads"].(map[string]any)
	c.write(t, "drawn/platform.yaml", c.read(t, "platform.yaml"))
	c.must(t, "adopt", "Busy roads", "prod", "-o", "drawn")
	if diff := cmp.Diff(was, aws.jobs(t)["job/Busy roads"]); diff != "" {
		t.Errorf("adopting changed the job:\n%s", diff)
	}
	c.commit(t, "adopt")
	c.must(t, "ship", "prod", "--app", "drawn")
	c.change(t, "drawn/studio.py", "drawn", "drawn and corrected")
	c.commit(t, "correct")
	c.must(t, "ship", "prod", "--app", "drawn")
	now := aws.jobs(t)["job/Busy roads"].(map[string]any)
	if diff := cmp.Diff(job["CodeGenConfigurationNodes"], now["CodeGenConfigurationNodes"]); diff != "" {
		t.Errorf("the graph changed:\n%s", diff)
	}
	changed := slices.DeleteFunc(slices.Sorted(maps.Keys(now)), func(field string) bool { return cmp.Equal(was[field], now[field]) })
	if diff := cmp.Diff([]string{"Command", "DefaultArguments"}, changed); diff != "" {
		t.Errorf("other fields changed (-want +got):\n%s", diff)
	}
	c.must(t, "rollback", "prod", "--app", "drawn")
	if diff := cmp.Diff(job["CodeGenConfigurationNodes"], aws.jobs(t)["job/Busy roads"].(map[string]any)["CodeGenConfigurationNodes"]); diff != "" {
		t.Errorf("the rollback changed the graph:\n%s", diff)
	}
	if nodes := aws.cli(t, "glue", "get-job", "--job-name", "Busy roads", "--query", "keys(Job.CodeGenConfigurationNodes)", "--output", "text"); !regexp.MustCompile(`node-1\s+node-2|node-2\s+node-1`).MatchString(nodes) {
		t.Errorf("the AWS CLI shows the nodes %s", nodes)
	}
}
