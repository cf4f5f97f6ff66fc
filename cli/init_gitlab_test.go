package cli

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

func pipelineOfTwo(t *testing.T) []byte {
	t.Helper()
	w := workflow{
		host: "GitLab", Pythons: []string{"3.x", "3.11"},
		Apps: []shipped{
			{Name: "count", Path: "jobs/count", Environments: []string{"prod-eu", "prod-us"}, Python: "3.11"},
			{Name: "sum", Path: "jobs/sum (new)", Environments: []string{"prod-eu"}, Python: "3.x"},
		},
		roles: map[string]roles{"prod-eu": {Ship: "arn:aws:iam::123456789012:role/deployer", Plan: "arn:aws:iam::123456789012:role/planner"}},
	}
	text, err := w.renderPipeline("v1.4.0")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The pipeline is one by GitLab's own JSON Schema of such files.
func TestPipelineIsGitLabs(t *testing.T) {
	packed, err := os.Open("testdata/gitlab-ci.schema.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("gitlab-ci.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("gitlab-ci.json")
	if err != nil {
		t.Fatal(err)
	}
	check := func(text []byte) error {
		// !reference is GitLab's own; to the schema it is the list that follows.
		data, err := yaml.YAMLToJSON(bytes.ReplaceAll(text, []byte("!reference "), nil))
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(value)
	}
	text := pipelineOfTwo(t)
	if err := check(text); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	if err := check(bytes.ReplaceAll(text, []byte("resource_group:"), []byte("resource_groups:"))); err == nil {
		t.Error("the schema takes what is no key of GitLab's")
	}
}

type job struct {
	Script       []string
	BeforeScript []any `yaml:"before_script"`
	Variables    map[string]string
	Environment  string
	Group        string `yaml:"resource_group"`
}

func jobs(t *testing.T, text []byte) map[string]job {
	t.Helper()
	var all map[string]any
	if err := yaml.Unmarshal(bytes.ReplaceAll(text, []byte("!reference "), nil), &all); err != nil {
		t.Fatal(err)
	}
	found := map[string]job{}
	for name, value := range all {
		data, err := yaml.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		var j job
		if yaml.Unmarshal(data, &j) == nil {
			found[name] = j
		}
	}
	return found
}

func TestPipelineJobs(t *testing.T) {
	all := jobs(t, pipelineOfTwo(t))
	got := map[string]map[string]string{}
	for name, j := range all {
		if strings.HasPrefix(name, "check ") || strings.HasPrefix(name, "plan ") || strings.HasPrefix(name, "ship ") {
			got[name] = j.Variables
		}
	}
	const deployer, planner = "arn:aws:iam::123456789012:role/deployer", "arn:aws:iam::123456789012:role/planner"
	want := map[string]map[string]string{
		"check count":           {"FOLDER": "jobs/count", "PYTHON": "3.11"},
		"check sum":             {"FOLDER": "jobs/sum (new)", "PYTHON": "3"},
		"plan prod-eu":          {"ENVIRONMENT": "prod-eu", "PYTHON": "3.11", "ROLE": planner, "FOLDERS": "jobs/count\njobs/sum (new)\n"},
		"plan prod-us":          {"ENVIRONMENT": "prod-us", "PYTHON": "3.11", "ROLE": "", "FOLDERS": "jobs/count\n"},
		"ship count to prod-eu": {"FOLDER": "jobs/count", "ENVIRONMENT": "prod-eu", "ROLE": deployer, "PYTHON": "3.11"},
		"ship count to prod-us": {"FOLDER": "jobs/count", "ENVIRONMENT": "prod-us", "ROLE": "", "PYTHON": "3.11"},
		"ship sum to prod-eu":   {"FOLDER": "jobs/sum (new)", "ENVIRONMENT": "prod-eu", "ROLE": deployer, "PYTHON": "3"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	if ship := all["ship sum to prod-eu"]; ship.Environment != "prod-eu" || ship.Group != "slipway-prod-eu-sum" {
		t.Errorf("ship is %+v", ship)
	}
}

// runScript runs a script of the pipeline as a runner does, with tools of the test's own.
func runScript(t *testing.T, script string, tools map[string]string, environ ...string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range tools {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/bash\n"+text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-eo", "pipefail", "-c", script)
	cmd.Dir = dir
	cmd.Env = append([]string{"PATH=" + dir + ":" + os.Getenv("PATH"), "TMPDIR=" + dir, "HOME=" + dir}, environ...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Slipway is put in place only where its checksum is right.
func TestPipelineInstalls(t *testing.T) {
	script := fmt.Sprint(jobs(t, pipelineOfTwo(t))[".slipway"].BeforeScript[0])
	const sum = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" // of hello
	tools := map[string]string{
		"uname": "echo aarch64", "install": `echo "install $*" | sed "s#$TMPDIR/[^ /]*/##"`,
		"curl": `for last; do :; done; while [ "$1" != --output ]; do shift; done
echo "fetch $last"
case $last in */checksums.txt) printf '# slipway v1.4.0\n%s  slipway_v1.4.0_linux_arm64\n' "$LISTED" ;; *) printf hello ;; esac >"$2"`,
	}
	for _, tt := range []struct{ name, listed, given, want string }{
		{"as the list says", sum, "", "fetch https://r/v1.4.0/slipway_v1.4.0_linux_arm64\nfetch https://r/v1.4.0/checksums.txt\ninstall -m 755 slipway_v1.4.0_linux_arm64 /usr/local/bin/slipway\n"},
		{"as is asked for", "", sum, "fetch https://r/v1.4.0/slipway_v1.4.0_linux_arm64\ninstall -m 755 slipway_v1.4.0_linux_arm64 /usr/local/bin/slipway\n"},
		{"another", strings.Repeat("0", 64), "", ""},
		{"unlisted", "", "", ""},
	} {
		out, err := runScript(t, script, tools, "LISTED="+tt.listed, "SLIPWAY_SHA256="+tt.given, "SLIPWAY_VERSION=v1.4.0", "SLIPWAY_RELEASES=https://r")
		if tt.want == "" && (err == nil || strings.Contains(out, "install")) || tt.want != "" && (err != nil || out != tt.want) {
			t.Errorf("%s: %v, %s", tt.name, err, out)
		}
	}
}

// Each plan is in the file that the merge request's page leads to, and one that
// cannot be made fails the job after the others.
func TestPipelinePlans(t *testing.T) {
	plan := jobs(t, pipelineOfTwo(t))["plan prod-eu"]
	out, err := runScript(t, plan.Script[0], map[string]string{"slipway": `case $* in *count*) exit 1 ;; esac; echo "$*"`},
		"ENVIRONMENT=prod-eu", "FOLDERS="+plan.Variables["FOLDERS"])
	want := "### `jobs/count` to `prod-eu`\n\nNo plan could be made: the log says why.\n\nplan --source --markdown --app=jobs/sum (new) prod-eu\n\n"
	if err == nil || out != want {
		t.Errorf("%v, %s", err, out)
	}
}

// The token is in a file that AWS's tools find, and in no variable that steps see.
func TestPipelineSignsIn(t *testing.T) {
	cloud := jobs(t, pipelineOfTwo(t))[".cloud"]
	script := fmt.Sprint(cloud.BeforeScript[1]) + `
echo "$(cat "$AWS_WEB_IDENTITY_TOKEN_FILE") $(stat -c %a "$AWS_WEB_IDENTITY_TOKEN_FILE") $AWS_ROLE_ARN $AWS_ROLE_SESSION_NAME ${SLIPWAY_ID_TOKEN-none}"`
	out, err := runScript(t, script, nil, "SLIPWAY_ID_TOKEN=secret", "ROLE=arn:x", "CI_JOB_ID=7")
	if want := "secret 600 arn:x slipway-gitlab-7 none\n"; err != nil || out != want {
		t.Errorf("%v, %s, want %s", err, out, want)
	}
}
