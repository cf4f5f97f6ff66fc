package local_test

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/slipway-cd/slipway/driver/local"
)

// TestMain lets the test binary be a supervisor and a starter as well.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "supervise-run" {
		os.Exit(supervise(os.Args[2:]))
	}
	goleak.VerifyTestMain(m)
}

func supervise(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	cfg := local.Config{Clock: time.Now, Environ: os.Environ(), Log: log, Secrets: secrets}
	if err := local.Supervise(ctx, cfg, args); err != nil {
		log.Error("supervise", "error", err)
		return 1
	}
	return 0
}

func secrets(_ context.Context, ref string) (string, error) {
	if ref == "redshift/password" {
		return secretValue, nil
	}
	return "", os.ErrNotExist
}

const secretValue = "s3cr3t-of-redshift"

// config is that of a runtime in fresh folders.
func config(t *testing.T) local.Config {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	return local.Config{
		Root: filepath.Join(dir, "root"), Cache: filepath.Join(dir, "cache"),
		Supervisor: []string{self, "supervise-run"}, Secrets: secrets,
		Clock: time.Now, Environ: os.Environ(), Grace: 2 * time.Second,
	}
}
