package local_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/local"
)

// TestMain lets the test binary be other processes as well.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "supervise-run":
			os.Exit(supervise(os.Args[2:]))
		case "start-run":
			os.Exit(startRun(readErrand()))
		case "apply-plan":
			os.Exit(applyPlan(readErrand()))
		}
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

// secrets knows one secret. Looking up "kill/me" kills the process, which is
// then a supervisor that has not started the job yet.
func secrets(_ context.Context, ref string) (string, error) {
	switch ref {
	case "redshift/password":
		return secretValue, nil
	case "kill/me":
		killSelf()
	}
	return "", errors.New("no such secret")
}

func killSelf() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

const secretValue = "s3cr3t-of-redshift"

// config is that of a runtime in fresh folders.
func config(t testing.TB) local.Config {
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

// An errand is what another process of the test binary is to do.
type errand struct {
	Root, Cache string
	WorkDir     string
	Supervisor  []string
	Environ     []string
	Handle      slipway.Handle
	Run         string
	Trigger     string // of the run
	Plan        slipway.Plan
	Blobs       blobs
	DieAt       string // a word in a line of progress
}

func newErrand(cfg local.Config) errand {
	return errand{Root: cfg.Root, Cache: cfg.Cache, Supervisor: cfg.Supervisor, Environ: cfg.Environ}
}

func (e errand) driver() *local.Driver {
	return local.New(local.Config{
		Root: e.Root, Cache: e.Cache, WorkDir: e.WorkDir, Supervisor: e.Supervisor, Environ: e.Environ, Clock: time.Now,
		Progress: func(line string) {
			if e.DieAt != "" && strings.Contains(line, e.DieAt) {
				killSelf()
			}
		},
	})
}

func readErrand() (e errand) {
	if err := json.NewDecoder(os.Stdin).Decode(&e); err != nil {
		panic(err)
	}
	return e
}

// command is another process that does e.
func (e errand) command(t *testing.T, verb string) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], verb)
	cmd.Stdin = bytes.NewReader(text)
	return cmd
}

// send has another process do e and returns how it ended.
func (e errand) send(t *testing.T, verb string) (output string, status syscall.WaitStatus) {
	t.Helper()
	cmd := e.command(t, verb)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	status, _ = cmd.ProcessState.Sys().(syscall.WaitStatus)
	return string(out), status
}

// startRun starts a run and is killed.
func startRun(e errand) int {
	if _, err := e.driver().Start(context.Background(), e.Handle, driver.RunRequest{ID: e.Run, Trigger: e.Trigger}); err != nil {
		fmt.Fprint(os.Stderr, err)
		return 1
	}
	killSelf()
	return 0
}

func applyPlan(e errand) int {
	if _, err := e.driver().Apply(context.Background(), e.Plan, e.Blobs); err != nil {
		fmt.Fprint(os.Stderr, err)
		return 1
	}
	return 0
}
