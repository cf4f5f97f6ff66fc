package glue_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	awsglue "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/glue"
	"github.com/slipway-cd/slipway/driver/glue/gluetest"
	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/repository/folder"
)

// bucketURL is where the artifact repository of the tests says it is.
const bucketURL = "s3://releases/prod"

// A bucketFolder is a folder that stands for a bucket.
type bucketFolder struct{ repository.Repository }

func (bucketFolder) URL() string { return bucketURL }

// blobsOf is a repository as a deployment sees it.
type blobsOf struct{ repository.Repository }

func (b blobsOf) URL(key string) string { return b.Repository.URL() + "/" + key }

// A deployWorld is a Glue with nothing in it, and an artifact repository.
type deployWorld struct {
	*gluetest.Fake
	t      *testing.T
	store  repository.Repository
	mu     sync.Mutex
	waited time.Duration
}

func newDeployWorld(t *testing.T) *deployWorld {
	t.Helper()
	store, err := folder.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return &deployWorld{Fake: gluetest.New(t), t: t, store: bucketFolder{store}}
}

func (w *deployWorld) driver() *glue.Driver {
	return glue.New(glue.Config{
		AWS:         w.Config(),
		Environment: slipway.Environment{Name: "prod", Runtime: "glue", Account: gluetest.Account, Region: gluetest.Region},
		Notes:       w.store, Clock: w.Now, Pause: w.pause,
	})
}

func (w *deployWorld) pause(ctx context.Context, d time.Duration) error {
	w.mu.Lock()
	w.waited += d
	w.mu.Unlock()
	w.Advance(d)
	return context.Cause(ctx)
}

func (w *deployWorld) console() *awsglue.Client { return awsglue.NewFromConfig(w.Console()) }

// artifact puts bytes into the repository.
func (w *deployWorld) artifact(app, name string, kind slipway.ArtifactKind, data string) slipway.Artifact {
	w.t.Helper()
	digest := slipway.DigestOf([]byte(data))
	a := slipway.Artifact{Name: name, Kind: kind, Digest: digest, Size: int64(len(data)), Key: slipway.ArtifactKey(app, name, digest, "0123456789abcdef")}
	if _, err := w.store.Put(w.t.Context(), a.Key, strings.NewReader(data)); err != nil {
		w.t.Fatal(err)
	}
	return a
}

// target is a Spark job in production, with more or other parameters.
func (w *deployWorld) target(version string, run map[string]any) slipway.Target {
	w.t.Helper()
	all := map[string]any{
		"type": "glueetl", "role": "etl", "glue_version": "5.0", "worker_type": "G.1X", "workers": 2.0, "timeout": "60m",
		"max_retries": 0.0, "max_concurrent_runs": 1.0, "queuing": false, "execution_class": "STANDARD", "bookmark": "disable",
		"arguments": map[string]any{"source": "s3://raw"},
	}
	maps.Copy(all, run)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	return slipway.Target{
		App: "traffic", Environment: "prod", Version: version, Commit: "0123456789abcdef", Shape: "glue-job", Run: all,
		Artifacts: []slipway.Artifact{w.artifact("traffic", "traffic.py", slipway.KindScript, "print('"+version+"')")},
	}
}

func (w *deployWorld) plan(r driver.PlanRequest) slipway.Plan {
	w.t.Helper()
	p, err := w.driver().Plan(w.t.Context(), r)
	if err != nil {
		w.t.Fatalf("Plan: %v", err)
	}
	return p
}

func (w *deployWorld) apply(p slipway.Plan) slipway.Handle {
	w.t.Helper()
	h, err := w.driver().Apply(w.t.Context(), p, blobsOf{w.store})
	if err != nil {
		w.t.Fatalf("Apply: %v", err)
	}
	return h
}

// deploy plans and applies; the plan after it must be empty.
func (w *deployWorld) deploy(r driver.PlanRequest) slipway.Handle {
	w.t.Helper()
	h := w.apply(w.plan(r))
	if p := w.plan(driver.PlanRequest{Target: r.Target, Live: h, Drift: r.Drift}); !p.Empty() {
		w.t.Errorf("the plan after a deployment has changes: %+v", p.Changes)
	}
	return h
}

// edit changes the job in the console.
func (w *deployWorld) edit(change func(job map[string]any)) {
	w.t.Helper()
	if !w.Edit("traffic", change) {
		w.t.Fatal("there is no job to edit")
	}
}

// fields are a plan's changes, "action field", with a star where somebody else made
// it necessary.
func fields(list []slipway.Change) []string {
	out := []string{}
	for _, c := range list {
		text := string(c.Action) + " " + c.Field
		if c.Note != "" {
			text += " *"
		}
		out = append(out, text)
	}
	return out
}

func wantFields(t *testing.T, list []slipway.Change, want ...string) {
	t.Helper()
	if want == nil {
		want = []string{}
	}
	if diff := cmp.Diff(want, fields(list)); diff != "" {
		t.Errorf("changes (-want +got):\n%s\n%+v", diff, list)
	}
}

// everything is the job with its tags and its trigger, but for what only Glue says.
func (w *deployWorld) everything(name string) map[string]any {
	w.t.Helper()
	data, err := json.Marshal(map[string]any{
		"job": w.Job(name), "tags": w.Tags(gluetest.JobARN(name)), "trigger": w.Trigger(name + "-schedule"),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(data, &out); err != nil {
		w.t.Fatal(err)
	}
	if job, ok := out["job"].(map[string]any); ok {
		delete(job, "LastModifiedOn")
		delete(job, "CreatedOn")
	}
	return out
}

func (w *deployWorld) read(where string) ([]byte, error) {
	r, err := w.store.Open(w.t.Context(), strings.TrimPrefix(where, bucketURL+"/"))
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(r)
	if err := r.Close(); err != nil {
		return nil, err
	}
	return data, err
}

// play makes runs behave as their scripts say.
func (w *deployWorld) play() {
	w.Meanwhile(func(c gluetest.Call) {
		switch c.Op {
		case "StartJobRun":
			w.begin(c.Input["JobName"].(string))
		case "BatchStopJobRun":
			for _, id := range c.Input["JobRunIds"].([]any) {
				w.Finish(id.(string), types.JobRunStateStopped, "")
			}
		}
	})
}

func (w *deployWorld) begin(job string) {
	runs := w.Runs(job)
	if len(runs) == 0 {
		return
	}
	id := runs[len(runs)-1]
	if state, _ := w.Run(id)["JobRunState"].(string); state != "STARTING" {
		return
	}
	where, _ := w.Job(job)["Command"].(map[string]any)["ScriptLocation"].(string)
	script, err := w.read(where)
	if err != nil {
		w.t.Error(err)
	}
	w.Start(id)
	for line := range strings.Lines(string(script)) {
		if text, ok := strings.CutPrefix(line, "# fake: print "); ok {
			w.Print(id, gluetest.Output, strings.TrimSuffix(text, "\n"))
		}
	}
	switch {
	case bytes.Contains(script, []byte("# fake: succeeds")):
		w.Finish(id, types.JobRunStateSucceeded, "")
	case bytes.Contains(script, []byte("# fake: fails")):
		w.Finish(id, types.JobRunStateFailed, "ValueError: told to fail")
	}
}

// warnings are a plan's, but for what the fake cannot be asked.
func warnings(p slipway.Plan) []string {
	var out []string
	for _, text := range p.Warnings {
		if !strings.HasPrefix(text, "could not check") {
			out = append(out, text)
		}
	}
	return out
}

func connection(name string) *awsglue.CreateConnectionInput {
	return &awsglue.CreateConnectionInput{ConnectionInput: &types.ConnectionInput{
		Name: &name, ConnectionType: types.ConnectionTypeJdbc, ConnectionProperties: map[string]string{"PASSWORD": "hunter22"},
	}}
}

func sortedCopy(list []string) []string { return slices.Sorted(slices.Values(list)) }

func asFloat(v any) float64 {
	switch n := v.(type) {
	case float64:
		return n
	case int:
		return float64(n)
	case json.Number:
		f, _ := n.Float64()
		return f
	}
	return -1
}
