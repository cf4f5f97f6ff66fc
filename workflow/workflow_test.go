package workflow_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/store"
	"github.com/slipway-cd/slipway/store/pgtest"
	"github.com/slipway-cd/slipway/workflow"
	"github.com/slipway-cd/slipway/workflow/workflowtest"
)

// child is the variable that makes the test program a process to be killed.
const child = "SLIPWAY_TEST_WORKFLOW"

func TestMain(m *testing.M) {
	if at, ok := os.LookupEnv(child); ok {
		if err := die(at); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

var executors atomic.Int64

// open opens an engine, and what closes it.
func open(ctx context.Context, file string, register func(*workflow.Engine)) (*workflow.Engine, func() error, error) {
	var e *workflow.Engine
	st, err := store.Open(ctx, file, func(st *store.Store) (err error) {
		e, err = workflow.Open(ctx, st, workflow.Config{
			Executor: fmt.Sprintf("test-%d-%d", os.Getpid(), executors.Add(1)), Log: slog.New(slog.DiscardHandler),
		})
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	register(e)
	return e, func() error {
		if err := e.Close(); err != nil {
			return err
		}
		return st.Close()
	}, e.Launch()
}

func TestEngine(t *testing.T) {
	for name, place := range places() {
		t.Run(name, func(t *testing.T) { testEngine(t, place) })
	}
}

// places are where an engine may have its records.
func places() map[string]func(t *testing.T) string {
	return map[string]func(t *testing.T) string{
		"SQLite":     func(t *testing.T) string { t.Helper(); return filepath.Join(t.TempDir(), "slipway.db") },
		"PostgreSQL": func(t *testing.T) string { t.Helper(); return pgtest.New(t) },
	}
}

func testEngine(t *testing.T, place func(t *testing.T) string) {
	t.Helper()
	workflowtest.Run(t, func(t *testing.T) workflowtest.Kit {
		file := place(t)
		end := func() error { return nil }
		endLast := func() {
			if err := end(); err != nil {
				t.Error(err)
			}
		}
		t.Cleanup(func() { endLast() })
		return workflowtest.Kit{Open: func(t *testing.T, register func(*workflow.Engine)) *workflow.Engine {
			endLast()
			var e *workflow.Engine
			var err error
			if e, end, err = open(context.WithoutCancel(t.Context()), file, register); err != nil {
				t.Fatal(err)
			}
			return e
		}}
	})
}

// A killer is a workflow that adds a line to a file in each of its steps, and
// whose process is killed at one place.
type killer struct {
	File string `json:"file"` // of the database
	Log  string `json:"log"`  // where the steps leave their lines
	At   string `json:"at"`   // where the process dies, such as "b after"
}

func (k killer) reached(at string) {
	if at == k.At {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // the signal may come a moment later
	}
}

func (k killer) line(text string) error {
	f, err := os.OpenFile(k.Log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.WriteString(f, text+"\n")
	return err
}

func (k killer) run(steps *workflow.Steps, in string) (string, error) {
	out := []string{in}
	for _, name := range []string{"a", "b", "c"} {
		k.reached(name + " begin")
		v, err := workflow.Do(steps, name, func(context.Context) (string, error) {
			k.reached(name + " before")
			if err := k.line(name); err != nil {
				return "", err
			}
			k.reached(name + " after")
			return name, nil
		})
		if err != nil {
			return "", err
		}
		out = append(out, v)
		k.reached(name + " recorded")
	}
	return strings.Join(out, ""), nil
}

func (k killer) work(ctx context.Context, in string) (out string, err error) {
	var w *workflow.Workflow[string, string]
	e, end, err := open(ctx, k.File, func(e *workflow.Engine) { w = workflow.Register(e, "kill", k.run) })
	if err != nil {
		return "", err
	}
	out, err = w.Run(ctx, e, "s", in, nil)
	if err != nil {
		return "", err
	}
	return out, end()
}

func die(at string) error {
	var k killer
	if err := json.Unmarshal([]byte(at), &k); err != nil {
		return err
	}
	_, err := k.work(context.Background(), "killed:")
	return err
}

func TestKilled(t *testing.T) {
	t.Parallel()
	for at, want := range map[string]string{
		"a begin": "abc", "a before": "abc", "a after": "aabc", "a recorded": "abc", "b begin": "abc", "b before": "abc",
		"b after": "abbc", "b recorded": "abc", "c after": "abcc", "c recorded": "abc",
	} {
		for name, place := range places() {
			t.Run(name+" "+at, func(t *testing.T) {
				t.Parallel()
				k := killer{File: place(t), Log: filepath.Join(t.TempDir(), "log"), At: at}
				kill(t, k)
				k.At = ""
				got, err := k.work(t.Context(), "second:")
				if err != nil || got != "killed:abc" {
					t.Errorf("it ends with %q, %v", got, err)
				}
				k.wantLog(t, want)
			})
		}
	}
}

func (k killer) wantLog(t *testing.T, want string) {
	t.Helper()
	data, err := os.ReadFile(k.Log)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, strings.ReplaceAll(string(data), "\n", "")); diff != "" {
		t.Errorf("the steps that acted (-want +got):\n%s", diff)
	}
}

// kill has a process work until it is killed.
func kill(t *testing.T, k killer) {
	t.Helper()
	data, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), child+"="+string(data))
	out, err := cmd.CombinedOutput()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		t.Fatalf("the process was not killed: %v\n%s", err, out)
	}
}

// A workflow may be killed any number of times.
func TestKilledAgainAndAgain(t *testing.T) {
	dir := t.TempDir()
	k := killer{File: filepath.Join(dir, "slipway.db"), Log: filepath.Join(dir, "log")}
	for _, k.At = range []string{"a after", "a after", "b after", "c before", "c after"} {
		kill(t, k)
	}
	k.At = ""
	if got, err := k.work(t.Context(), "second:"); err != nil || got != "killed:abc" {
		t.Errorf("it ends with %q, %v", got, err)
	}
	k.wantLog(t, "aaabbcc")
}

// TestSharedByTwo has two processes work over one database at once: each goes on with
// what it is asked for itself, also where another one began it.
func TestSharedByTwo(t *testing.T) {
	url := pgtest.New(t)
	type process struct {
		e    *workflow.Engine
		flow *workflow.Workflow[int, string]
		name string
	}
	var both [2]process
	for i := range both {
		p := &both[i]
		p.name = fmt.Sprint("p", i)
		e, end, err := open(context.WithoutCancel(t.Context()), url, func(e *workflow.Engine) {
			p.flow = workflow.Register(e, "share", func(steps *workflow.Steps, _ int) (string, error) {
				first, err := workflow.Do(steps, "first", func(context.Context) (string, error) { return p.name, nil })
				if err != nil {
					return "", err
				}
				second, err := workflow.Do(steps, "second", func(ctx context.Context) (string, error) {
					if stop, ok := steps.Context().Value(stopKey{}).(context.CancelFunc); ok {
						stop()
						<-ctx.Done()
					}
					return p.name, ctx.Err()
				})
				return first + second, err
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		p.e = e
		defer func() {
			if err := end(); err != nil {
				t.Error(err)
			}
		}()
	}
	for n := range 6 {
		began, goesOn := both[n%2], both[(n+1)%2]
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := began.flow.Run(context.WithValue(ctx, stopKey{}, cancel), began.e, fmt.Sprint("s", n), n, nil); err == nil {
			t.Fatal("it was not cut short")
		}
		got, err := goesOn.flow.Run(t.Context(), goesOn.e, fmt.Sprint("s", n), n, nil)
		if want := began.name + goesOn.name; err != nil || got != want {
			t.Errorf("round %d: the steps were done by %s, %v; want %s", n, got, err, want)
		}
	}
	if err := both[0].e.Forget("nobody"); err != nil {
		t.Error(err)
	}
}

// TestForgotten: a process that another one took for lost goes on with what was cut short
// once it listens again, also where the engine began that and lost sight of it.
func TestForgotten(t *testing.T) {
	url := pgtest.New(t)
	var flow *workflow.Workflow[int, string]
	e, end, err := open(context.WithoutCancel(t.Context()), url, func(e *workflow.Engine) {
		flow = workflow.Register(e, "forget", func(steps *workflow.Steps, _ int) (string, error) {
			return workflow.Do(steps, "only", func(ctx context.Context) (string, error) {
				if stop, ok := steps.Context().Value(stopKey{}).(context.CancelFunc); ok {
					stop()
					<-ctx.Done()
				}
				return "done", ctx.Err()
			})
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := end(); err != nil {
			t.Error(err)
		}
	}()
	type result struct {
		text string
		err  error
	}
	if err := e.Forget(e.Executor()); err != nil {
		t.Fatal(err)
	}
	for round := 0; ; round++ {
		subject := fmt.Sprint("round ", round)
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := flow.Run(context.WithValue(ctx, stopKey{}, cancel), e, subject, 1, nil); err == nil {
			t.Fatal("it was not cut short")
		}
		ended := make(chan result, 1)
		go func() {
			text, err := flow.Run(t.Context(), e, subject, 1, nil)
			ended <- result{text, err}
		}()
		lost := false
		for !lost && len(ended) == 0 {
			pgtest.Execute(t, url, "UPDATE dbos.workflow_status SET status = 'PENDING', owner_xid = 'nobody' WHERE status = 'ENQUEUED'")
			lost = pgtest.Count(t, url, "SELECT count(*) FROM dbos.workflow_status WHERE owner_xid = 'nobody'") > 0
		}
		if lost {
			if err := e.Listen(); err != nil {
				t.Fatal(err)
			}
		}
		if r := <-ended; r.err != nil || r.text != "done" {
			t.Errorf("lost sight of: %t, it ends with %q, %v", lost, r.text, r.err)
		}
		if lost {
			return
		}
	}
}

type stopKey struct{}

// TestCutWhenItBegins: an engine that loses the database while it begins says that it is
// the database, so that it is begun again.
func TestCutWhenItBegins(t *testing.T) {
	way, url := pgtest.Through(t, pgtest.New(t))
	for _, word := range []string{"information_schema.schemata", "migrat"} {
		way.CutAt(word, true, nil)
		hits := way.Hits()
		_, end, err := open(t.Context(), url, func(*workflow.Engine) {})
		if way.Hits() == hits {
			t.Fatalf("nobody said %s", word)
		}
		if want := "the workflow engine: "; slipway.KindOf(err) != slipway.Unavailable || !strings.Contains(err.Error(), want) {
			t.Errorf("cut at %s it says %v", word, err)
		}
		if end != nil {
			if err := end(); err != nil {
				t.Error(err)
			}
		}
	}
}
