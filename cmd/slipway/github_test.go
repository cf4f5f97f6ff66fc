package main

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/rhysd/actionlint"
)

// aWorkflow is a workflow of GitHub Actions, as far as these tests look at it.
type aWorkflow struct {
	Permissions map[string]string `yaml:"permissions"`
	Jobs        map[string]aJob   `yaml:"jobs"`
}

type aJob struct {
	If          string            `yaml:"if"`
	Permissions map[string]string `yaml:"permissions"`
	Environment any               `yaml:"environment"`
	Strategy    struct {
		Matrix struct {
			Include []map[string]string `yaml:"include"`
		} `yaml:"matrix"`
	} `yaml:"strategy"`
	Concurrency any     `yaml:"concurrency"`
	Steps       []aStep `yaml:"steps"`
}

type aStep struct {
	Name string            `yaml:"name"`
	Uses string            `yaml:"uses"`
	With map[string]string `yaml:"with"`
	Run  string            `yaml:"run"`
	Env  map[string]string `yaml:"env"`
}

// A gitHub is a repository on GitHub with its runners: it runs the steps of a
// workflow as GitHub runs them, and keeps the comments of one pull request.
type gitHub struct {
	t        *testing.T
	r        *reader // whose clone it is
	workflow aWorkflow
	server   *httptest.Server
	comments []comment
	requests []string
}

type comment struct {
	ID   int               `json:"id"`
	Body string            `json:"body"`
	User map[string]string `json:"user"`
}

const (
	anAction    = "slipway-cd/slipway@0123456789abcdef0123456789abcdef01234567"
	sameRepo    = "github.event_name == 'pull_request' && github.event.pull_request.head.repo.full_name == github.repository"
	otherRepo   = "github.event_name == 'pull_request' && github.event.pull_request.head.repo.full_name != github.repository"
	anyPull     = "github.event_name == 'pull_request'"
	defaultPush = "github.event_name == 'push' && github.ref_name == github.event.repository.default_branch"
)

// newGitHub is a repository of two apps, and a platform on this machine in the
// place of the cloud.
func newGitHub(t *testing.T) *gitHub {
	t.Helper()
	g := &gitHub{t: t, r: newReader(t, &page{names: map[string]string{}})}
	g.server = httptest.NewServer(http.HandlerFunc(g.serve))
	t.Cleanup(g.server.Close)
	work := g.r.home + "/work"
	for name, text := range map[string]string{
		"platform.yaml": "slipway: v1\nenvironments:\n  staging: {runtime: local, root: ../srv/staging, repository: ../srv/artifacts/staging}\n" +
			"  prod: {runtime: local, root: ../srv/prod, repository: ../srv/artifacts/prod, follows: staging}\n",
		"roads/slipway.yaml":               "slipway: v1\napp: roads\nshape: python-job\nbuild: {script: roads.py}\nchecks: {unit: {run: \"test -f roads.py\"}}\n",
		"roads/roads.py":                   "print('all roads are free')\n",
		"jobs/count (of one)/slipway.yaml": "slipway: v1\napp: count\nshape: python-job\nbuild: {script: count.py}\nrun: {timeout: 5m}\n",
		"jobs/count (of one)/count.py":     "print(1)\n",
	} {
		writeText(t, filepath.Join(work, name), text)
	}
	g.must("git init -q && slipway init --github --action " + anAction + " && git add . && git commit -q -m first")
	data, err := os.ReadFile(work + "/.github/workflows/slipway.yml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(data, &g.workflow); err != nil {
		t.Fatal(err)
	}
	writeText(t, g.r.root+"/bin/gh", fakeGH)
	if err := os.Chmod(g.r.root+"/bin/gh", 0o755); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	return g
}

// fakeGH is gh api, as the workflow calls it; what it selects is selected by the
// server of the test.
const fakeGH = `#!/usr/bin/env python3
import argparse, json, os, sys, urllib.request
p = argparse.ArgumentParser()
p.add_argument("api"); p.add_argument("path")
p.add_argument("--paginate", action="store_true"); p.add_argument("--silent", action="store_true")
p.add_argument("--method", default="GET"); p.add_argument("--field"); p.add_argument("--jq")
a = p.parse_args()
data = None
if a.field:
    name, _, file = a.field.partition("=@")
    data = json.dumps({name: open(file).read()}).encode()
request = urllib.request.Request(os.environ["API"] + "/" + a.path, data, {"Authorization": os.environ["GH_TOKEN"]}, method=a.method)
answer = json.load(urllib.request.urlopen(request))
if a.jq:
    want = '.[] | select(.user.login == "github-actions[bot]" and (.body | startswith("<!-- slipway: plan -->"))) | .id'
    assert a.jq == want, a.jq
    for c in answer:
        if c["user"]["login"] == "github-actions[bot]" and c["body"].startswith("<!-- slipway: plan -->"):
            print(c["id"])
`

// serve answers calls about the comments.
func (g *gitHub) serve(w http.ResponseWriter, r *http.Request) {
	g.requests = append(g.requests, r.Method+" "+r.URL.String()+" "+r.Header.Get("Authorization"))
	var c comment
	if data, err := io.ReadAll(r.Body); err != nil || len(data) > 0 && json.Unmarshal(data, &c) != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	var answer any = g.comments
	switch r.Method {
	case http.MethodPost:
		c.ID, c.User = 100+len(g.comments), map[string]string{"login": "github-actions[bot]"}
		g.comments, answer = append(g.comments, c), c
	case http.MethodPatch:
		id := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		i := slices.IndexFunc(g.comments, func(c comment) bool { return strconv.Itoa(c.ID) == id })
		g.comments[i].Body, answer = c.Body, g.comments[i]
	}
	_ = json.NewEncoder(w).Encode(answer) // the script tells of what it does not get
}

// must types a command where the repository is, and it must succeed.
func (g *gitHub) must(command string) string {
	g.t.Helper()
	out, code := g.shell("set -e\n"+command, nil)
	if code != 0 {
		g.t.Fatalf("%s: exit code %d\n%s", command, code, out)
	}
	return out
}

func (g *gitHub) shell(script string, env []string) (string, int) {
	g.t.Helper()
	file := g.r.root + "/step.sh"
	writeText(g.t, file, script)
	cmd := exec.CommandContext(g.t.Context(), "bash", "--noprofile", "--norc", "-eo", "pipefail", file) //nolint:gosec // as "shell: bash" does
	cmd.Dir = g.r.home + "/work"
	cmd.Env = append(g.r.environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		g.t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// expression finds what GitHub replaces.
var expression = regexp.MustCompile(`\$\{\{ (.+?) \}\}`)

// job runs the scripts of a job on a runner that has nothing from before but the
// clone, and returns the outputs of its last step, and what it showed.
func (g *gitHub) job(name string, contexts map[string]string) (outputs map[string]string, shown string, code int) {
	g.t.Helper()
	job, ok := g.workflow.Jobs[name]
	if !ok {
		g.t.Fatalf("there is no job %s", name)
	}
	temp := g.t.TempDir()
	g.must("git clean -qfdX && git status --porcelain && rm -rf .slipway")
	for _, step := range job.Steps {
		if step.Run == "" {
			continue
		}
		if strings.Contains(step.Run, "${{") {
			g.t.Errorf("step %s writes an expression into its script", step.Name)
		}
		env := []string{
			"PATH=" + g.r.root + "/bin:" + os.Getenv("PATH"), "API=" + g.server.URL, "CI=true", "GITHUB_ACTIONS=true", "RUNNER_TEMP=" + temp,
			"GITHUB_OUTPUT=" + temp + "/output", "GITHUB_STEP_SUMMARY=" + temp + "/summary", "GITHUB_RUN_ID=7",
			"GITHUB_SERVER_URL=https://github.com", "GITHUB_REPOSITORY=acme/traffic",
		}
		for name, text := range step.Env {
			env = append(env, name+"="+expression.ReplaceAllStringFunc(text, func(found string) string {
				value, ok := contexts[expression.FindStringSubmatch(found)[1]]
				if !ok {
					g.t.Fatalf("nothing is known of %s", found)
				}
				return value
			}))
		}
		if shown, code = g.shell(step.Run, env); code != 0 {
			break
		}
	}
	return outputsIn(g.t, temp+"/output"), shown, code
}

// outputsIn reads what a step has written to GITHUB_OUTPUT.
func outputsIn(t *testing.T, file string) map[string]string {
	t.Helper()
	outputs := map[string]string{}
	data, err := os.ReadFile(file)
	if err != nil {
		return outputs
	}
	name, end, value := "", "", ""
	for line := range strings.Lines(string(data)) {
		switch {
		case name == "":
			name, end, _ = strings.Cut(strings.TrimSpace(line), "<<")
		case strings.TrimSpace(line) == end:
			outputs[name], name, value = value, "", ""
		default:
			value += line
		}
	}
	if name != "" {
		t.Errorf("the output %s does not end", name)
	}
	return outputs
}

// matrix is one of a job's combinations, as a context.
func matrix(include map[string]string) map[string]string {
	contexts := map[string]string{}
	for name, value := range include {
		contexts["matrix."+name] = value
	}
	return contexts
}

// pullRequest is what the jobs for a pull request do, and the plan's exit code.
func (g *gitHub) pullRequest() int {
	g.t.Helper()
	for _, include := range g.workflow.Jobs["check"].Strategy.Matrix.Include {
		if _, shown, code := g.job("check", matrix(include)); code != 0 {
			g.t.Logf("check %s: %s", include["app"], shown)
		}
	}
	outputs, shown, planned := g.job("plan-prod", nil)
	g.t.Logf("plan-prod: %s", shown)
	_, shown, code := g.job("comment", map[string]string{
		"github.token": "the-token", "github.event.pull_request.number": "12", "github.event.pull_request.head.sha": "c0ffee",
		"needs.plan-prod.outputs.markdown || 'No plan could be made for prod: the log says why.'": outputs["markdown"],
	})
	if code != 0 {
		g.t.Errorf("comment: exit code %d\n%s", code, shown)
	}
	return planned
}

// push is what the job for a push does.
func (g *gitHub) push() {
	g.t.Helper()
	for _, include := range g.workflow.Jobs["ship"].Strategy.Matrix.Include {
		if _, shown, code := g.job("ship", matrix(include)); code != 0 {
			g.t.Errorf("ship %s: exit code %d\n%s", include["app"], code, shown)
		}
	}
}

// TestWorkflowOnGitHub takes a change from a pull request to production by the
// scripts of the workflow that slipway init --github writes.
func TestWorkflowOnGitHub(t *testing.T) {
	t.Parallel()
	g := newGitHub(t)
	g.comments = []comment{
		{1, "<!-- slipway: plan -->\nnot ours", map[string]string{"login": "mallory"}},
		{2, "another workflow's", map[string]string{"login": "github-actions[bot]"}},
	}
	others := slices.Clone(g.comments)

	if code := g.pullRequest(); code != 0 || len(g.comments) != 3 {
		t.Fatalf("plan ended with %d; comments %v", code, g.comments)
	}
	first := g.comments[2].Body
	for _, want := range []string{
		"<!-- slipway: plan -->\n### `count` to `prod`\n\n12 changes, to `0.0.0-", "### `roads` to `prod`\n",
		"| add | `run.timeout` |  | `5m` |\n", "</details>\n\nFor commit c0ffee: [the run](https://github.com/acme/traffic/actions/runs/7)\n",
	} {
		if !strings.Contains(first, want) {
			t.Errorf("the comment has no %q:\n%s", want, first)
		}
	}

	g.push()
	for _, app := range []string{"roads", "count"} {
		if status := g.must("slipway status --app " + app + " prod"); !strings.Contains(status, "live") {
			t.Errorf("after the push:\n%s", status)
		}
	}

	// A pull request that changes one of them, then a commit more, keeps one comment.
	g.must("sed -i.old 's/5m/7m/' 'jobs/count (of one)/slipway.yaml' && rm 'jobs/count (of one)/slipway.yaml.old' && git commit -q -a -m second")
	g.pullRequest()
	if code := g.pullRequest(); code != 0 || len(g.comments) != 3 {
		t.Fatalf("plan ended with %d; comments %v", code, g.comments)
	}
	if body := g.comments[2].Body; !strings.Contains(body, "| update | `run.timeout` | `5m` | `7m` |\n") {
		t.Errorf("the comment is\n%s", body)
	}

	// One whose plan cannot be made says so, beside the other's plan.
	g.must("echo 'no: key' >>roads/slipway.yaml && git commit -q -a -m third")
	if code := g.pullRequest(); code != 1 || len(g.comments) != 3 {
		t.Fatalf("plan ended with %d; comments %v", code, g.comments)
	}
	if body := g.comments[2].Body; !strings.Contains(body, "### `roads` to `prod`\n\nNo plan could be made: the log says why.\n") || !strings.Contains(body, "`7m`") {
		t.Errorf("the comment is\n%s", body)
	}
	if d := cmp.Diff(others, g.comments[:2]); d != "" {
		t.Errorf("comments of others (-want +got):\n%s", d)
	}
	want := []string{"GET /repos/acme/traffic/issues/12/comments?per_page=100 the-token", "POST /repos/acme/traffic/issues/12/comments the-token"}
	if d := cmp.Diff(want, g.requests[:2]); d != "" {
		t.Errorf("requests (-want +got):\n%s", d)
	}
	if got := g.requests[3]; got != "PATCH /repos/acme/traffic/issues/comments/102 the-token" {
		t.Errorf("request %s", got)
	}
}

func TestWorkflowKeepsWhatIsTooLongOutOfTheComment(t *testing.T) {
	t.Parallel()
	g := newGitHub(t)
	writeText(t, g.r.root+"/bin/slipway", "#!/bin/sh\nhead -c 31000 /dev/zero | tr '\\0' x\n")
	if err := os.Chmod(g.r.root+"/bin/slipway", 0o755); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	outputs, shown, code := g.job("plan-prod", nil)
	if want := "The plan for `prod` is too long for a comment: the summary of the run shows it.\n"; code != 0 || outputs["markdown"] != want {
		t.Errorf("exit code %d, output %.200q, not %q\n%s", code, outputs["markdown"], want, shown)
	}
}

func TestWorkflowTellsForksWhyThereIsNoPlan(t *testing.T) {
	t.Parallel()
	g := newGitHub(t)
	_, shown, code := g.job("fork", nil)
	want := "::notice title=No plan for a fork::There is no plan, since GitHub gives the workflow of a fork no token to sign in to the cloud with. " +
		"Checks run as always; for a plan, somebody who may push here takes the commits to a branch of this repository.\n"
	if code != 0 || shown != want {
		t.Errorf("exit code %d, %s", code, shown)
	}
}

// TestWorkflowGrantsLittle lists who may do what, and when.
func TestWorkflowGrantsLittle(t *testing.T) {
	t.Parallel()
	g := newGitHub(t)
	type grant struct {
		If          string
		Permissions map[string]string
		Environment any
		Concurrency any
	}
	read, cloud := map[string]string{"contents": "read"}, map[string]string{"contents": "read", "id-token": "write"}
	want := map[string]grant{
		"check":     {anyPull, read, nil, nil},
		"plan-prod": {sameRepo, cloud, map[string]any{"name": "prod-plan", "deployment": false}, nil},
		"comment":   {"${{ !cancelled() && " + sameRepo + " }}", map[string]string{"pull-requests": "write"}, nil, nil},
		"fork":      {otherRepo, nil, nil, nil},
		"ship": {defaultPush, cloud, "${{ matrix.environment }}", map[string]any{
			"group": "slipway-${{ matrix.environment }}-${{ matrix.app }}", "cancel-in-progress": false,
		}},
	}
	got := map[string]grant{}
	for name, j := range g.workflow.Jobs {
		got[name] = grant{j.If, j.Permissions, j.Environment, j.Concurrency}
		for _, s := range j.Steps {
			if strings.HasPrefix(s.Uses, "actions/checkout@") && (s.With["fetch-depth"] != "0" || s.With["persist-credentials"] != "false") {
				t.Errorf("job %s checks out with %v", name, s.With)
			}
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("grants (-want +got):\n%s", d)
	}
	if len(g.workflow.Permissions) != 0 || g.workflow.Permissions == nil {
		t.Errorf("jobs that ask for nothing get %v", g.workflow.Permissions)
	}
	if uses := slices.Sorted(maps.Keys(g.workflow.Jobs)); len(uses) != 5 {
		t.Errorf("jobs %q", uses)
	}
}

// TestWorkflowIsClean has actionlint, and shellcheck if it is here, read workflows
// for one app and for many.
func TestWorkflowIsClean(t *testing.T) {
	t.Parallel()
	g := newGitHub(t)
	shellcheck, err := exec.LookPath("shellcheck")
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal("shellcheck must be here in CI: scripts/setup.sh test installs it")
	}
	l, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{Shellcheck: shellcheck})
	if err != nil {
		t.Fatal(err)
	}
	pinned := regexp.MustCompile(`uses: [\w.-]+/[\w.-]+@[0-9a-f]{40}( # v\d+\.\d+\.\d+)?\n`)
	for _, env := range []string{"prod", "staging,prod"} {
		text := g.must("slipway init --github --stdout --env " + env + " --action " + anAction)
		found, err := l.Lint("slipway.yml", []byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range found {
			t.Errorf("for %s: %v", env, e)
		}
		if all, good := strings.Count(text, "uses: "), len(pinned.FindAllString(text, -1)); all != good || all == 0 {
			t.Errorf("for %s: %d of %d actions are pinned", env, good, all)
		}
	}
}

// TestWorkflowPinsTags has a tag of the action stand for the commit that GitHub
// has it at.
func TestWorkflowPinsTags(t *testing.T) {
	t.Parallel()
	g := newGitHub(t)
	g.must(`mkdir ../action && cd ../action && git init -q && touch action.yml && git add . && git commit -q -m one && git tag -a v1.2.3 -m v1.2.3
		git config --global url.file://$PWD.insteadOf https://github.com/slipway-cd/slipway`)
	commit := strings.TrimSpace(g.must("git -C ../action rev-parse HEAD"))
	text := g.must("slipway init --github --stdout --action slipway-cd/slipway@v1.2.3")
	if want := "- uses: slipway-cd/slipway@" + commit + " # v1.2.3\n"; strings.Count(text, want) != 3 {
		t.Errorf("%q is not there three times:\n%s", want, text)
	}
	out, code := g.shell("slipway init --github --stdout --action slipway-cd/slipway@v9.9.9", nil)
	if want := "slipway: find the commit of the action: https://github.com/slipway-cd/slipway has no branch or tag v9.9.9\n"; code != 2 || out != want {
		t.Errorf("exit code %d: %s", code, out)
	}
}
