package local_test

import (
	"bytes"
	"context"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/local"
)

// patience is how long anything may take that is waited for.
const patience = time.Minute

// ended runs a job to its end and returns the run and its log.
func ended(t *testing.T, d *local.Driver, h slipway.Handle, r driver.RunRequest) (slipway.Run, string) {
	t.Helper()
	if _, err := d.Start(t.Context(), h, r); err != nil {
		t.Fatalf("Start: %v", err)
	}
	log := followed(t, d, h, r.ID)
	run, err := d.Run(t.Context(), h, r.ID)
	if err != nil {
		t.Fatalf("Run: %v", err)
	}
	return run, log
}

// awaitState waits until a run is in a state.
func awaitState(t *testing.T, d *local.Driver, h slipway.Handle, id string, want slipway.RunState) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		run, err := d.Run(t.Context(), h, id)
		if err != nil || run.State == want {
			if err != nil {
				t.Fatal(err)
			}
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("run %s is %s (%s), not %s", id, run.State, run.Message, want)
		}
	}
}

// awaitLine reads a run's log until a line begins with prefix, and returns the
// rest of it.
func awaitLine(t *testing.T, d *local.Driver, h slipway.Handle, id, prefix string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	w := &lineWaiter{prefix: prefix, found: cancel}
	_ = d.Logs(ctx, h, id, true, w) // it ends because we end it
	if w.line == "" {
		t.Fatalf("the log has no line %q:\n%s", prefix, w.all.String())
	}
	return w.line
}

type lineWaiter struct {
	prefix, line string
	all          bytes.Buffer
	found        func()
}

func (w *lineWaiter) Write(p []byte) (int, error) {
	n, err := w.all.Write(p)
	for line := range strings.Lines(w.all.String()) {
		if rest, ok := strings.CutPrefix(line, w.prefix); ok && strings.HasSuffix(line, "\n") {
			w.line = strings.TrimSpace(rest)
			w.found()
		}
	}
	return n, err
}

func TestHowARunEnds(t *testing.T) {
	t.Parallel()
	code := func(n int) *int { return &n }
	cases := map[string]struct {
		script string
		run    map[string]any
		want   slipway.Run
		log    string // a line of it
	}{
		"a script that ends": {
			"print('done')", nil, slipway.Run{State: slipway.RunSucceeded, ExitCode: code(0)}, "done\n",
		},
		"sys.exit(0) is a success": {
			"import sys; print('bye'); sys.exit(0)", nil, slipway.Run{State: slipway.RunSucceeded, ExitCode: code(0)}, "bye\n",
		},
		"an exception": {
			"raise ValueError('no roads')", nil,
			slipway.Run{State: slipway.RunFailed, ExitCode: code(1), Message: "ValueError: no roads"},
			"ValueError: no roads\n",
		},
		"sys.exit(3)": {
			"import sys; sys.exit(3)", nil, slipway.Run{State: slipway.RunFailed, ExitCode: code(1), Message: "SystemExit: 3"}, "",
		},
		"an exit behind Python's back": {
			"import os; os._exit(7)", nil, slipway.Run{State: slipway.RunFailed, ExitCode: code(7), Message: "exit code 7"}, "",
		},
		"a syntax error": {
			"def f(:\n", nil, slipway.Run{State: slipway.RunFailed, ExitCode: code(1), Message: "SyntaxError: invalid syntax (job.py, line 1)"}, "",
		},
		"killed for memory": {
			"import os; os.kill(os.getpid(), 9)", nil,
			slipway.Run{State: slipway.RunFailed, Message: "killed by signal 9 (killed); the machine may have run out of memory"},
			"",
		},
		"killed otherwise": {
			"import os; os.kill(os.getpid(), 11)", nil,
			slipway.Run{State: slipway.RunFailed, Message: "killed by signal 11 (segmentation fault)"},
			"",
		},
		"too slow": {
			"import time; print('on it'); time.sleep(60)",
			map[string]any{"timeout": "1s", "max_retries": 3},
			slipway.Run{State: slipway.RunTimeout, Message: "exceeded its time limit of 1s"},
			"on it\n",
		},
		"too slow, and deaf": {
			"import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf')\nwhile True: time.sleep(60)",
			map[string]any{"timeout": 1},
			slipway.Run{State: slipway.RunTimeout, Message: "exceeded its time limit of 1s"},
			"deaf\n",
		},
		"a secret that is not there": {
			"print('never')",
			map[string]any{"arguments": map[string]any{"password": map[string]any{"secret": "no/such"}}},
			slipway.Run{State: slipway.RunErrored, Message: "argument password: secret no/such: no such secret"},
			"",
		},
		"helper modules that are not there": {
			"print('never')",
			map[string]any{"extra_py_files": []any{"lib/none.py"}},
			slipway.Run{State: slipway.RunErrored, Message: "run.extra_py_files: there is no file WORK/lib/none.py"},
			"",
		},
		"retries that do not help": {
			"raise OSError('still down')",
			map[string]any{"max_retries": 2},
			slipway.Run{State: slipway.RunFailed, ExitCode: code(1), Attempt: 2, Message: "OSError: still down"},
			"slipway: attempt 2 of 3 failed: OSError: still down\n",
		},
		"a retry that helps": {
			"import os\nif not os.path.exists('again'):\n    open('again', 'w').close(); raise OSError('down')\nprint('up')",
			map[string]any{"max_retries": 1},
			slipway.Run{State: slipway.RunSucceeded, ExitCode: code(0), Attempt: 1},
			"up\n",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, b := config(t), blobs{}
			cfg.WorkDir = t.TempDir()
			want := target(b, "app", c.script)
			maps.Copy(want.Run, c.run)
			d := local.New(cfg)
			run, log := ended(t, d, mustDeploy(t, d, b, want), driver.RunRequest{ID: "r"})
			got := slipway.Run{State: run.State, ExitCode: run.ExitCode, Attempt: run.Attempt, Message: strings.ReplaceAll(run.Message, cfg.WorkDir, "WORK")}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("run (-want +got):\n%s\nlog:\n%s", diff, log)
			}
			if !strings.Contains(log, c.log) {
				t.Errorf("log %q does not contain %q", log, c.log)
			}
		})
	}
}

func TestArgumentsReachTheScript(t *testing.T) {
	cfg, b := config(t), blobs{}
	cfg.WorkDir = t.TempDir()
	if err := os.WriteFile(filepath.Join(cfg.WorkDir, "near.py"), []byte("name = 'near'"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := target(b, "app", "import os, sys, far, near\nprint(sys.argv[1:], far.name, near.name, os.environ['LEVEL'], os.getcwd())")
	want.Artifacts = append(want.Artifacts, b.add("app", "lib.zip", slipway.KindModules, zipOf(t, "far.py", "name = 'far'")))
	want.Shape = "python-job"
	want.Run = map[string]any{
		"arguments":                 map[string]any{"--a": "job", "b": "job", "c": 3, "d": true},
		"non_overridable_arguments": map[string]any{"a": "fixed"},
		"env":                       map[string]any{"LEVEL": "high"},
		"extra_py_files":            []any{"near.py"},
	}
	d := local.New(cfg)
	h := mustDeploy(t, d, b, want)
	_, log := ended(t, d, h, driver.RunRequest{ID: "r", Arguments: map[string]string{"b": "run", "--e": "run"}})
	want1 := "['--a', 'fixed', '--b', 'run', '--c', '3', '--d', 'true', '--e', 'run'] far near high " + cfg.WorkDir + "\n"
	if diff := cmp.Diff(want1, log); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	_, err := d.Start(t.Context(), h, driver.RunRequest{ID: "x", Arguments: map[string]string{"a": "mine"}})
	wantError(t, err, slipway.Invalid, "the argument a cannot be overridden", "it is one of run.non_overridable_arguments")
}

func TestGlueArgumentsAreAdded(t *testing.T) {
	cfg, b := config(t), blobs{}
	want := target(b, "app", "import sys; print(sys.argv[1:])")
	want.Run["name"], want.Run["bookmark"], want.Run["extra_jars"] = "Traffic ETL", "enable", []string{"a.jar", "b.jar"}
	d := local.New(cfg)
	h := mustDeploy(t, d, b, want)
	_, log := ended(t, d, h, driver.RunRequest{ID: "r-1"})
	const line = "['--JOB_NAME', 'Traffic ETL', '--JOB_RUN_ID', 'r-1', '--extra-jars', 'a.jar,b.jar', '--job-bookmark-option', 'job-bookmark-enable']\n"
	if diff := cmp.Diff(line, log); diff != "" || h.Name != "Traffic ETL" {
		t.Errorf("handle %v, log (-want +got):\n%s", h, diff)
	}
}

func TestSecretsStayHidden(t *testing.T) {
	cfg, b := config(t), blobs{}
	want := target(b, "app", `
import os, sys, time
secret = sys.argv[sys.argv.index("--password") + 1]
print("argument", secret, "environment", os.environ["TOKEN"] == secret)
print("on the command line:", secret in open("/proc/self/cmdline").read())
for piece in (secret[:5], secret[5:], "|"):
    sys.stdout.write(piece); sys.stdout.flush(); time.sleep(0.05)
raise ValueError("wrong password " + secret)
`)
	ref := map[string]any{"secret": "redshift/password"}
	want.Run = map[string]any{"arguments": map[string]any{"password": ref}, "env": map[string]any{"TOKEN": ref}}
	want.Shape = "python-job"
	d := local.New(cfg)
	h := mustDeploy(t, d, b, want)
	run, log := ended(t, d, h, driver.RunRequest{ID: "r"})
	if run.Message != "ValueError: wrong password ***" {
		t.Errorf("message %q", run.Message)
	}
	if head := "argument *** environment True\non the command line: False\n***|"; !strings.HasPrefix(log, head) {
		t.Errorf("log %q does not begin with %q", log, head)
	}
	holds := filesWith(t, cfg.Root, secretValue)
	if diff := cmp.Diff([]string(nil), holds); diff != "" {
		t.Errorf("files with the secret in them:\n%s", diff)
	}
	_, err := d.Start(t.Context(), h, driver.RunRequest{ID: "x", Arguments: map[string]string{"password": "plain"}})
	wantError(t, err, slipway.Invalid, "the argument password is the secret redshift/password and cannot be given in the open",
		"change the secret, or refer to another one in run.arguments")
}

// TestArgumentsOfARunThatSoundLikeSecretsStayHidden gives a run a password in the open:
// the script gets it, also when it is tried again, and it is kept nowhere.
func TestArgumentsOfARunThatSoundLikeSecretsStayHidden(t *testing.T) {
	cfg, b := config(t), blobs{}
	want := target(b, "app", `
import sys
args = dict(zip(sys.argv[1::2], sys.argv[2::2]))
print(args["--db_password"][::-1], args["--db_password"], args["--token"], args["--source"])
raise ValueError("wrong password " + args["--db_password"])
`)
	want.Shape = "python-job"
	want.Run = map[string]any{"max_retries": 1}
	d := local.New(cfg)
	h := mustDeploy(t, d, b, want)
	run, log := ended(t, d, h, driver.RunRequest{ID: "r", Arguments: map[string]string{"db_password": "hunter22", "token": "x", "source": "raw"}})
	if d := cmp.Diff(map[string]string{"db_password": "***", "token": "***", "source": "raw"}, run.Arguments); d != "" {
		t.Errorf("arguments (-want +got):\n%s", d)
	}
	if run.Message != "ValueError: wrong password ***" {
		t.Errorf("message %q", run.Message)
	}
	if n := strings.Count(log, "22retnuh *** x raw\n"); n != 2 {
		t.Errorf("%d attempts in the log %q", n, log)
	}
	if holds := filesWith(t, cfg.Root, "hunter22"); holds != nil {
		t.Errorf("files with the secret in them: %q", holds)
	}
}

// filesWith lists the files below dir that hold text.
func filesWith(t *testing.T, dir, text string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(name)
		if bytes.Contains(data, []byte(text)) {
			found = append(found, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestARunWaitsWhereTheJobQueues(t *testing.T) {
	cfg, b := config(t), blobs{}
	want := target(b, "app", "import os, time\nwhile not os.path.exists('go'): time.sleep(0.01)")
	cfg.WorkDir = t.TempDir()
	want.Run["queuing"] = true
	d := local.New(cfg)
	h := mustDeploy(t, d, b, want)
	for _, id := range []string{"first", "second", "third"} {
		if _, err := d.Start(t.Context(), h, driver.RunRequest{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	awaitState(t, d, h, "first", slipway.RunRunning)
	for _, id := range []string{"second", "third"} {
		if run, err := d.Run(t.Context(), h, id); err != nil || run.State != slipway.RunWaiting {
			t.Errorf("run %s is %s, error %v", id, run.State, err)
		}
	}
	if err := d.Stop(t.Context(), h, "third"); err != nil {
		t.Fatal(err)
	}
	awaitState(t, d, h, "third", slipway.RunStopped)
	if err := os.WriteFile(filepath.Join(cfg.WorkDir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	awaitState(t, d, h, "second", slipway.RunSucceeded)
	awaitState(t, d, h, "first", slipway.RunSucceeded)
}

func TestTooManyRuns(t *testing.T) {
	cfg, b := config(t), blobs{}
	want := target(b, "app", "import time\ntime.sleep(600)")
	want.Run["max_concurrent_runs"] = 2
	d := local.New(cfg)
	h := mustDeploy(t, d, b, want)
	for _, id := range []string{"a", "b"} {
		if _, err := d.Start(t.Context(), h, driver.RunRequest{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	want.Run["max_concurrent_runs"] = 1
	mustDeploy(t, d, b, want)
	if err := d.Stop(t.Context(), h, "a"); err != nil {
		t.Fatal(err)
	}
	_, err := d.Start(t.Context(), h, driver.RunRequest{ID: "c"})
	wantError(t, err, slipway.Busy, "concurrent runs exceeded for app: 1 run under way, and max_concurrent_runs is 1",
		"wait for it to end or stop it; or raise run.max_concurrent_runs, or let runs wait with run.queuing: true")
	if err := d.Stop(t.Context(), h, "b"); err != nil {
		t.Fatal(err)
	}
}

// TestSupervisorKilled kills the supervisor while the job runs: the job must die
// with it, and the run must say what happened.
func TestSupervisorKilled(t *testing.T) {
	cfg, b := config(t), blobs{}
	want := target(b, "app", "import os, time\nprint('processes', os.getppid(), os.getpid())\ntime.sleep(600)")
	want.Run["max_retries"] = 3
	d := local.New(cfg)
	h := mustDeploy(t, d, b, want)
	if _, err := d.Start(t.Context(), h, driver.RunRequest{ID: "r"}); err != nil {
		t.Fatal(err)
	}
	pids := strings.Fields(awaitLine(t, d, h, "r", "processes "))
	supervisor, err := strconv.Atoi(pids[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(supervisor, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	followed(t, d, h, "r")
	run, err := d.Run(t.Context(), h, "r")
	if err != nil || run.State != slipway.RunErrored || run.Message != "the supervisor was killed while the job ran, and the job with it" {
		t.Errorf("run %+v, error %v", run, err)
	}
	awaitGone(t, pids[1])
	again, err := d.Start(t.Context(), h, driver.RunRequest{ID: "r"})
	if diff := cmp.Diff(run, again); diff != "" || err != nil {
		t.Errorf("started again: %v\n%s", err, diff)
	}
	if _, err := d.Start(t.Context(), h, driver.RunRequest{ID: "next"}); err != nil {
		t.Errorf("the killed run is in the way of the next one: %v", err)
	}
	if err := d.Stop(t.Context(), h, "next"); err != nil {
		t.Error(err)
	}
}

// awaitGone waits until a process is there no more, or is dead and unclaimed.
func awaitGone(t *testing.T, pid string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("process %s is still there", pid)
		}
	}
}

// TestSupervisorKilledBeforeTheJob kills it after it said that it begins.
func TestSupervisorKilledBeforeTheJob(t *testing.T) {
	cfg, b := config(t), blobs{}
	cfg.WorkDir = t.TempDir()
	want := target(b, "app", "open('ran', 'w').close()")
	want.Run["arguments"] = map[string]any{"a": map[string]any{"secret": "kill/me"}}
	d := local.New(cfg)
	h := mustDeploy(t, d, b, want)
	run, _ := ended(t, d, h, driver.RunRequest{ID: "r"})
	if run.State != slipway.RunErrored || run.Message != "the supervisor was killed before the job started" {
		t.Errorf("run %+v", run)
	}
	if again, _ := ended(t, d, h, driver.RunRequest{ID: "r"}); !cmp.Equal(run, again) {
		t.Errorf("started again it is %+v", again)
	}
	if _, err := os.Stat(filepath.Join(cfg.WorkDir, "ran")); err == nil {
		t.Error("the job ran")
	}
}

// TestStarterKilled kills the command that started a run: the run goes on.
func TestStarterKilled(t *testing.T) {
	cfg, b := config(t), blobs{}
	d := local.New(cfg)
	h := mustDeploy(t, d, b, target(b, "app", "import time; time.sleep(0.3); print('still here')"))
	e := newErrand(cfg)
	e.Handle, e.Run = h, "r"
	if out, status := e.send(t, "start-run"); status.Signal() != syscall.SIGKILL {
		t.Fatalf("the starter was not killed: %s", out)
	}
	run, log := ended(t, d, h, driver.RunRequest{ID: "r"})
	if run.State != slipway.RunSucceeded || log != "still here\n" {
		t.Errorf("run %+v, log %q", run, log)
	}
}

// TestStarterKilledBeforeTheSupervisor kills the starter when the run's folder is
// there and its supervisor is not: the same start again takes it up.
func TestStarterKilledBeforeTheSupervisor(t *testing.T) {
	cfg, b := config(t), blobs{}
	d := local.New(cfg)
	h := mustDeploy(t, d, b, target(b, "app", "print('at last')"))
	e := newErrand(cfg)
	e.Handle, e.Supervisor = h, []string{"sh", "-c", "kill -9 $PPID"}
	for _, id := range []string{"r", "given-up"} {
		e.Run = id
		if out, status := e.send(t, "start-run"); status.Signal() != syscall.SIGKILL {
			t.Fatalf("the starter was not killed: %s", out)
		}
		awaitUnbegun(t, d, h, id)
		if log := followed(t, d, h, id); log != "" {
			t.Errorf("log %q", log)
		}
	}
	if err := d.Stop(t.Context(), h, "given-up"); err != nil {
		t.Fatal(err)
	}
	if run, _ := ended(t, d, h, driver.RunRequest{ID: "given-up"}); run.State != slipway.RunStopped {
		t.Errorf("stopped before it began, it is %+v", run)
	}
	if run, log := ended(t, d, h, driver.RunRequest{ID: "r"}); run.State != slipway.RunSucceeded || log != "at last\n" {
		t.Errorf("taken up, it is %+v, log %q", run, log)
	}
}

// TestReplacedBeforeItBegan kills what started the run of a deployment before its
// supervisor is there. Once another deployment has taken its place, nobody starts it any
// more, and it has ended. A run that a person asked for may still begin.
func TestReplacedBeforeItBegan(t *testing.T) {
	cfg, b := config(t), blobs{}
	d := local.New(cfg)
	h := mustDeploy(t, d, b, target(b, "app", "print('first')"))
	e := newErrand(cfg)
	e.Handle, e.Supervisor = h, []string{"sh", "-c", "kill -9 $PPID"}
	for id, trigger := range map[string]string{"deployment-1": driver.Deployed, "by-hand": "manual"} {
		e.Run, e.Trigger = id, trigger
		if out, status := e.send(t, "start-run"); status.Signal() != syscall.SIGKILL {
			t.Fatalf("the starter was not killed: %s", out)
		}
		awaitUnbegun(t, d, h, id)
	}
	mustDeploy(t, d, b, target(b, "app", "print('second')"))
	run, err := d.Run(t.Context(), h, "deployment-1")
	const message = "never begun: the command that started it was killed, and another deployment has taken the place of its own"
	if err != nil || run.State != slipway.RunStopped || run.Message != message || run.Ended.IsZero() {
		t.Errorf("run %+v, error %v", run, err)
	}
	if again, log := ended(t, d, h, driver.RunRequest{ID: "deployment-1", Trigger: driver.Deployed}); !cmp.Equal(run, again) || log != "" {
		t.Errorf("started again it is %+v, log %q", again, log)
	}
	if run, log := ended(t, d, h, driver.RunRequest{ID: "by-hand"}); run.State != slipway.RunSucceeded || log != "first\n" {
		t.Errorf("taken up, it is %+v, log %q", run, log)
	}
}

// awaitUnbegun waits until the shell that stands for the supervisor is gone too.
func awaitUnbegun(t *testing.T, d *local.Driver, h slipway.Handle, id string) {
	t.Helper()
	const message = "the command that started it was killed before it began; start it again, or stop it"
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for ctx.Err() == nil {
		run, err := d.Run(ctx, h, id)
		if err != nil || run.State != slipway.RunStarting {
			t.Fatalf("run %+v, error %v", run, err)
		}
		if run.Message == message {
			return
		}
	}
	t.Fatal("the run never said that it was not begun")
}

func TestSupervisorThatCannotBeStarted(t *testing.T) {
	cfg, b := config(t), blobs{}
	sound := local.New(cfg)
	h := mustDeploy(t, sound, b, target(b, "app", "print('fine')"))
	cfg.Supervisor = []string{"sh", "-c", "echo out of order >&2; exit 1"}
	_, err := local.New(cfg).Start(t.Context(), h, driver.RunRequest{ID: "r"})
	wantError(t, err, slipway.Internal, "the supervisor ended before it began: EOF\n  out of order", "")
	cfg.Supervisor = nil
	_, err = local.New(cfg).Start(t.Context(), h, driver.RunRequest{ID: "r"})
	wantError(t, err, slipway.Internal, "this program does not know how to start a supervisor", "")
	if run, log := ended(t, sound, h, driver.RunRequest{ID: "r"}); run.State != slipway.RunSucceeded || log != "fine\n" {
		t.Errorf("run %+v, log %q", run, log)
	}
	err = local.Supervise(t.Context(), cfg, []string{"by hand"})
	wantError(t, err, slipway.Invalid, "a supervisor is started by slipway itself, not by hand", "")
}

func wantError(t *testing.T, err error, kind slipway.Kind, message, fix string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", message)
	}
	type told struct {
		Kind         slipway.Kind
		Message, Fix string
	}
	if diff := cmp.Diff(told{kind, message, fix}, told{slipway.KindOf(err), err.Error(), slipway.FixOf(err)}); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

// TestNothingOfARunOutlivesIt has the script leave a process behind.
func TestNothingOfARunOutlivesIt(t *testing.T) {
	cfg, b := config(t), blobs{}
	d := local.New(cfg)
	h := mustDeploy(t, d, b, target(b, "app",
		"import subprocess\np = subprocess.Popen(['sleep', '600'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\nprint('left', p.pid)"))
	run, log := ended(t, d, h, driver.RunRequest{ID: "r"})
	if run.State != slipway.RunSucceeded {
		t.Fatalf("run %+v", run)
	}
	awaitGone(t, strings.TrimSpace(strings.TrimPrefix(log, "left ")))
	if _, err := os.Stat(filepath.Join(cfg.Root, "jobs", "app", "runs", "r", "work")); err == nil {
		t.Error("the folder for temporary files is still there")
	}
}
