package glue_test

import (
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/drivertest"
)

func TestDriverKeepsTheContract(t *testing.T) {
	drivertest.Run(t, func(t *testing.T) drivertest.Kit {
		t.Helper()
		t.Parallel()
		w := newDeployWorld(t)
		w.play()
		return drivertest.Kit{
			Driver: w.driver(),
			Reopen: func() driver.Driver { return w.driver() },
			Target: func(b drivertest.Behaviour) slipway.Target {
				return slipway.Target{
					App: "kit", Environment: "prod", Version: "v1", Commit: "0123456789abcdef", Shape: "glue-job",
					Run:       map[string]any{"type": "pythonshell", "role": "etl"},
					Artifacts: []slipway.Artifact{w.artifact("kit", "job.py", slipway.KindScript, drivertest.FakeScript(b))},
				}
			},
			Blobs: blobsOf{w.store},
			Script: func(h slipway.Handle) ([]byte, error) {
				return w.read(w.Job(h.Name)["Command"].(map[string]any)["ScriptLocation"].(string))
			},
			Meddle: func(h slipway.Handle) error {
				w.Edit(h.Name, func(job map[string]any) {
					job["Command"].(map[string]any)["ScriptLocation"] = "s3://elsewhere/mine.py"
				})
				return nil
			},
		}
	})
}
