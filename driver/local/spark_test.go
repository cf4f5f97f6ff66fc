package local_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/local"
)

const sparkScript = `
import sys
from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from helpers import heaviest

args = getResolvedOptions(sys.argv, ["JOB_NAME", "target"])
glue = GlueContext(SparkContext.getOrCreate())
job = Job(glue)
job.init(args["JOB_NAME"], args)
roads = glue.create_dynamic_frame.from_catalog(database="traffic", table_name="roads").toDF()
heaviest(roads).write.mode("overwrite").json(args["target"])
print("spark", glue.spark_session.version, "wrote", args["target"])
job.commit()
`

// helpersZip is a zip of helpers.py.
func helpersZip(t *testing.T) string {
	t.Helper()
	return zipOf(t, "helpers.py", `
def heaviest(df):
    return df.withColumn("vehicles", df.vehicles.cast("int")).orderBy("vehicles", ascending=False).limit(1)
`)
}

// TestGlueJobRunsOnSpark is the whole way of a Glue job: the virtual environment
// is built, the catalog table is a file, helper modules are in a zip, and the
// output is read back.
func TestGlueJobRunsOnSpark(t *testing.T) {
	cfg := config(t)
	cfg.WorkDir = t.TempDir()
	cfg.Cache = sparkCache(t)
	cfg.Progress = func(line string) { t.Log(line) }
	if err := os.WriteFile(filepath.Join(cfg.WorkDir, "roads.csv"), []byte("road,vehicles\nring,7\nmain,12\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := blobs{}
	want := target(b, "roads", sparkScript)
	want.Artifacts = append(want.Artifacts, b.add("roads", "lib.zip", slipway.KindModules, helpersZip(t)))
	want.Run = map[string]any{
		"type": "glueetl", "glue_version": "5.0", "timeout": "10m", "workers": 2,
		"tables": map[string]any{"traffic.roads": "roads.csv"}, "arguments": map[string]any{"target": "out"},
	}
	d := local.New(cfg)
	h := mustDeploy(t, d, b, want)
	begun := time.Now()
	if _, err := d.Start(t.Context(), h, driver.RunRequest{ID: "spark"}); err != nil {
		t.Fatal(err)
	}
	log := followed(t, d, h, "spark")
	run, err := d.Run(t.Context(), h, "spark")
	if err != nil || run.State != slipway.RunSucceeded {
		t.Fatalf("run %+v, error %v\n%s", run, err, log)
	}
	t.Logf("the run took %s", time.Since(begun))
	if !strings.Contains(log, "spark 3.5.4 wrote out\n") {
		t.Errorf("the log does not tell of Spark 3.5.4:\n%s", log)
	}
	parts, err := filepath.Glob(filepath.Join(cfg.WorkDir, "out", "part-*.json"))
	if err != nil || len(parts) == 0 {
		t.Fatalf("no output in %s: %v", cfg.WorkDir, err)
	}
	var out strings.Builder
	for _, p := range parts {
		data, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(data)
	}
	if got := out.String(); got != `{"road":"main","vehicles":12}`+"\n" {
		t.Errorf("output %q", got)
	}
}

// sparkCache is a cache that outlives the test, because PySpark is 300 MB. Where
// this machine cannot run Spark the test is skipped, but never when CI is set.
func sparkCache(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: Spark is left out")
	}
	cache := os.Getenv("SLIPWAY_TEST_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			t.Skipf("no cache folder: %v", err)
		}
		cache = filepath.Join(user, "slipway-test")
	}
	cfg := config(t)
	probe := target(blobs{}, "probe", "")
	probe.Run = map[string]any{"glue_version": "5.0"}
	if _, err := local.New(cfg).Plan(context.Background(), driver.PlanRequest{Target: probe}); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("Spark must be testable in CI: %v\n%s", err, slipway.FixOf(err))
		}
		t.Skipf("Spark cannot run here: %v\n%s", err, slipway.FixOf(err))
	}
	return cache
}

func mustDeploy(t *testing.T, d *local.Driver, b blobs, want slipway.Target) slipway.Handle {
	t.Helper()
	p, err := d.Plan(t.Context(), driver.PlanRequest{Target: want})
	if err != nil {
		t.Fatalf("Plan: %v\n%s", err, slipway.FixOf(err))
	}
	h, err := d.Apply(t.Context(), p, b)
	if err != nil {
		t.Fatalf("Apply: %v\n%s", err, slipway.FixOf(err))
	}
	return h
}

// followed is the log of a run, read until the run has ended.
func followed(t *testing.T, d *local.Driver, h slipway.Handle, id string) string {
	t.Helper()
	var out bytes.Buffer
	if err := d.Logs(t.Context(), h, id, true, &out); err != nil {
		t.Fatalf("Logs: %v", err)
	}
	return out.String()
}
