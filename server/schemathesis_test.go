package server

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/merge"
	"github.com/slipway-cd/slipway/operate"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/server/signin"
	"github.com/slipway-cd/slipway/store"
)

// schemathesisConfig says what there is, so that most requests meet something; and
// that nothing is followed for ever.
const schemathesisConfig = `
headers = { Authorization = "Bearer letmein" }
request-timeout = 10.0
continue-on-failure = true

[dictionaries]
apps = { values = ["hello"] }
environments = { values = ["staging", "prod"] }
runs = { values = ["one"] }
versions = { values = ["VERSION"] }
jobs = { values = [1, 2, 3] }

[parameters]
"path.app" = { dictionary = "apps", probability = 0.8 }
"path.environment" = { dictionary = "environments", probability = 0.8 }
"path.run" = { dictionary = "runs", probability = 0.5 }
"path.version" = { dictionary = "versions", probability = 0.5 }
"path.job" = { dictionary = "jobs", probability = 0.8 }
"query.follow" = false
"query.wait" = false

# What a plan, a scope or a person's name is worth cannot be said in a schema, nor that a plan is for a release or for
# a commit, nor which runtime has prices; and 1.0, which is an integer to JSON Schema, is none to Go.
[[operations]]
include-operation-id = ["deploy", "rollback", "plan", "get-cost", "create-token", "delegate", "ask-probes", "append-entry"]
checks.positive_data_acceptance.enabled = false
`

// letmein is a door that knows whoever has the token, and manages access.
type letmein struct {
	guarded
	Manager
}

// TestSchemathesis: whatever a request is like, the answer is one that the
// description tells of.
func TestSchemathesis(t *testing.T) {
	program, err := exec.Command("../scripts/schemathesis.sh").Output()
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("CI runs all tests, and schemathesis cannot be had: ", err)
		}
		t.Skip("SKIPPED: no schemathesis to test with: scripts/schemathesis.sh installs it")
	}
	w := hubWorld(t)
	w.opens = func(st *store.Store, url string) Doorkeeper {
		return letmein{guarded{token: "letmein"}, signin.New(signin.Config{Store: st, URL: url, Clock: time.Now, Rules: func() (access.Rules, error) {
			return access.Rules{
				People: map[string]access.Person{"mara": {}, "bo": {}}, Deployers: map[string][]string{"staging": {"mara"}, "prod": {"mara"}},
				Owners: []string{"mara"}, Limits: access.DefaultLimits(),
			}, nil
		}})}
	}
	s, _ := w.talks(t)
	head := w.propose(t, "mara", map[string]string{"hello.py": "print('better')\n"})
	jobs := untilJobs(t, s, jobShip, 1)
	stands(t, s, "the checks to pass", func(st merge.State) bool { return st.Head == head && len(st.Waits) == 1 })
	var shipped pipeline.Shipped
	if err := json.Unmarshal(jobs[0].Outcome, &shipped); err != nil || jobs[0].State != store.JobDone {
		t.Fatalf("%s %s: %v", jobs[0].State, jobs[0].Outcome, err)
	}
	err = s.operating(t.Context(), "staging", func(o operate.Stage) error {
		_, err := o.Start(t.Context(), "hello", driver.RunRequest{ID: "one", Trigger: "manual", By: "mara"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	h := w.client(t, s)
	dir := t.TempDir()
	config := filepath.Join(dir, "schemathesis.toml")
	if err := os.WriteFile(config, []byte(strings.ReplaceAll(schemathesisConfig, "VERSION", shipped.Release.Version)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), strings.TrimSpace(string(program)), "--config-file", config, "--no-color", "run", h.URL+Root+"/openapi.json",
		"--generation-deterministic", "--max-examples", "8", "--workers", "1", "--phases", "examples,coverage,fuzzing", "--suppress-health-check", "all", "--warnings", "off")
	cmd.Dir, cmd.Env = dir, w.environ
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}
