package local_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/drivertest"
	"github.com/slipway-cd/slipway/driver/local"
)

func TestDriverKeepsTheContract(t *testing.T) {
	drivertest.Run(t, func(t *testing.T) drivertest.Kit {
		t.Helper()
		t.Parallel()
		cfg, blobs := config(t), blobs{}
		return drivertest.Kit{
			Driver: local.New(cfg),
			Reopen: func() driver.Driver { return local.New(cfg) },
			Target: func(b drivertest.Behaviour) slipway.Target { return target(blobs, "kit", scripts[b]) },
			Blobs:  blobs,
			Script: func(h slipway.Handle) ([]byte, error) { return os.ReadFile(deployedScript(cfg, h)) },
			Meddle: func(h slipway.Handle) error {
				return os.WriteFile(deployedScript(cfg, h), []byte("print('mine')"), 0o600)
			},
		}
	})
}

func deployedScript(cfg local.Config, h slipway.Handle) string {
	return filepath.Join(cfg.Root, "jobs", h.App, "current", "job.py")
}

const prints = "print('first line')\nprint('second line')\nprint('\\u00fcmlaut line')\n"

var scripts = map[drivertest.Behaviour]string{
	drivertest.Succeeds: prints,
	drivertest.Fails:    prints[:len(prints)-1] + "; raise SystemExit(2)\n",
	drivertest.Endless:  prints + "import time\nwhile True: time.sleep(1)\n",
}

// blobs is an artifact repository in memory.
type blobs map[string][]byte

func (b blobs) Open(_ context.Context, key string) (io.ReadCloser, error) {
	data, ok := b[key]
	if !ok {
		return nil, slipway.Errorf(slipway.NotFound, "no object %s", key)
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

func (b blobs) URL(key string) string { return "file:///nowhere/" + key }

func (b blobs) add(app, name string, kind slipway.ArtifactKind, data string) slipway.Artifact {
	digest := slipway.DigestOf([]byte(data))
	a := slipway.Artifact{
		Name: name, Kind: kind, Digest: digest, Size: int64(len(data)),
		Key: slipway.ArtifactKey(app, name, digest, "0123456789abcdef"),
	}
	b[a.Key] = []byte(data)
	return a
}

// target is a Python shell job with one script.
func target(b blobs, app, script string) slipway.Target {
	return slipway.Target{
		App: app, Environment: "local", Version: "v1", Commit: "0123456789abcdef", Shape: "glue-job",
		Run:       map[string]any{"type": "pythonshell"},
		Artifacts: []slipway.Artifact{b.add(app, "job.py", slipway.KindScript, script)},
	}
}

// zipOf is a zip with one file in it.
func zipOf(t *testing.T, name, text string) string {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	w, err := z.Create(name)
	if err == nil {
		_, err = w.Write([]byte(text))
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
