package main

import (
	"bytes"
	"database/sql" //nolint:depguard // a script tampers with what package store keeps
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be slipway, supervisors of runs included.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"slipway": func() { start("mara@laptop") }})
}

// TestScript runs testdata/script: what a person who types commands sees. A
// script shows one command, <verb>_<what>.txtar. UPDATE=1 rewrites what is
// expected.
//
// Beside testscript's own commands there are:
//
//	ok COMMAND...            runs it, it must exit with 0
//	exits CODE COMMAND...    runs it, it must exit with CODE
//	interrupted PATTERN CODE COMMAND...
//	                         sends Ctrl-C once stderr matches, it must exit with CODE
//	awaits FILE              goes on when there is the file
//	commit MESSAGE           commits everything; each commit is a minute after the one before
//	sql FILE STATEMENT       changes a database
//	json FILE PATH WANT      the value at PATH (a.0.b, -1 is the last) matches WANT
//
// The first three show stdout and stderr with all that differs from run to run
// replaced, as stable.replace says.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", UpdateScripts: os.Getenv("UPDATE") != "", RequireUniqueNames: true, RequireExplicitExec: true,
		Setup: setup, Condition: condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"ok": cmdOK, "exits": cmdExits, "interrupted": cmdInterrupted, "awaits": cmdAwaits, "commit": cmdCommit, "sql": cmdSQL, "json": cmdJSON,
		},
	})
}

// setup gives a script a home of its own and a git that is the same everywhere.
func setup(e *testscript.Env) error {
	for _, kv := range [][2]string{
		{"HOME", e.WorkDir + "/home"},
		{"XDG_CACHE_HOME", e.WorkDir + "/home/cache"},
		{"TZ", "UTC"},
		{"LC_ALL", "C.UTF-8"},
		{"PYTHONDONTWRITEBYTECODE", "1"},
		{"GIT_CONFIG_GLOBAL", e.WorkDir + "/home/gitconfig"},
		{"GIT_CONFIG_NOSYSTEM", "1"},
		{"GIT_CEILING_DIRECTORIES", e.WorkDir},
		{"GIT_AUTHOR_DATE", "2026-01-02T03:04:05Z"},
		{"GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z"},
		{"GIT_AUTHOR_NAME", "Mara"},
		{"GIT_AUTHOR_EMAIL", "mara@example.com"},
		{"GIT_COMMITTER_NAME", "Mara"},
		{"GIT_COMMITTER_EMAIL", "mara@example.com"},
		{"GORACE", os.Getenv("GORACE")},
	} {
		e.Setenv(kv[0], kv[1])
	}
	if err := os.MkdirAll(e.WorkDir+"/home", 0o755); err != nil {
		return err
	}
	return os.WriteFile(e.WorkDir+"/home/gitconfig", []byte("[init]\n\tdefaultBranch = main\n[advice]\n\tdetachedHead = false\n"), 0o644)
}

// condition answers [mount]: a file system can be mounted, in a namespace.
func condition(cond string) (bool, error) {
	if cond != "mount" {
		return false, fmt.Errorf("unknown condition %q", cond)
	}
	return mayMount(), nil
}

// mayMount is asked once for all scripts.
var mayMount = sync.OnceValue(func() bool {
	return exec.Command("unshare", "-m", "mount", "-t", "tmpfs", "none", os.TempDir()).Run() == nil
})

func cmdOK(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: ok COMMAND...")
	}
	cmdExits(ts, false, append([]string{"0"}, args...))
}

func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	got := codeOf(ts, ts.Exec(args[1], args[2:]...))
	show(ts, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit code is %d, not %s", got, args[0])
	}
}

// codeOf returns the exit code that Exec's error tells of.
func codeOf(ts *testscript.TestScript, err error) int {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	ts.Check(err)
	return 0
}

// show makes the two streams those of the command.
func show(ts *testscript.TestScript, stdout, stderr string) {
	s := stableIn(ts.Getenv("WORK"))
	io.WriteString(ts.Stdout(), s.replace(stdout)) //nolint:errcheck // into memory
	io.WriteString(ts.Stderr(), s.replace(stderr)) //nolint:errcheck // into memory
}

func cmdInterrupted(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: interrupted PATTERN CODE COMMAND...")
	}
	path, err := exec.LookPath(args[2])
	ts.Check(err)
	pattern := regexp.MustCompile(args[0])
	var stdout bytes.Buffer
	stderr := &watched{pattern: pattern, seen: make(chan struct{})}
	c := exec.Command(path, args[3:]...)
	c.Dir, c.Env, c.Stdout, c.Stderr = ts.MkAbs("."), environOf(ts), &stdout, stderr
	ts.Check(c.Start())
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	select {
	case <-stderr.seen:
		ts.Check(c.Process.Signal(os.Interrupt))
		err = <-ended
	case err = <-ended:
		ts.Logf("it ended by itself:\n%s", stderr.text())
	case <-time.After(10 * time.Minute):
		_ = c.Process.Kill()
		ts.Fatalf("it never said %s:\n%s", pattern, stderr.text())
	}
	got := codeOf(ts, err)
	show(ts, stdout.String(), stderr.text())
	if strconv.Itoa(got) != args[1] {
		ts.Fatalf("exit code is %d, not %s:\n%s", got, args[1], stderr.text())
	}
}

// environOf is the environment that a script has set.
func environOf(ts *testscript.TestScript) []string {
	ts.Check(ts.Exec("env", "-0"))
	return strings.Split(strings.TrimSuffix(ts.ReadFile("stdout"), "\x00"), "\x00")
}

// watched is output that tells when it matches.
type watched struct {
	pattern *regexp.Regexp
	seen    chan struct{}

	mu   sync.Mutex
	buf  bytes.Buffer
	told bool
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf.Write(p)
	if !w.told && w.pattern.Match(w.buf.Bytes()) {
		w.told = true
		close(w.seen)
	}
	return len(p), nil
}

func (w *watched) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}

func cmdAwaits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: awaits FILE")
	}
	file := ts.MkAbs(args[0])
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for range 60 * 200 {
		if _, err := os.Stat(file); err == nil {
			return
		}
		<-ticker.C
	}
	ts.Fatalf("there is still no %s", args[0])
}

func cmdCommit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: commit MESSAGE")
	}
	count := 0
	if ts.Exec("git", "rev-list", "--count", "HEAD") == nil {
		n, err := strconv.Atoi(strings.TrimSpace(ts.ReadFile("stdout")))
		ts.Check(err)
		count = n
	}
	date := time.Date(2026, 1, 2, 3, 4+count, 5, 0, time.UTC).Format(time.RFC3339)
	ts.Setenv("GIT_AUTHOR_DATE", date)
	ts.Setenv("GIT_COMMITTER_DATE", date)
	ts.Check(ts.Exec("git", "add", "-A"))
	ts.Check(ts.Exec("git", "commit", "-q", "--allow-empty", "-m", args[0]))
}

func cmdSQL(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: sql FILE STATEMENT")
	}
	db, err := sql.Open("sqlite", ts.MkAbs(args[0])) // the driver comes with package store
	ts.Check(err)
	r, err := db.Exec(args[1])
	ts.Check(errors.Join(err, db.Close()))
	if n, err := r.RowsAffected(); n == 0 || err != nil {
		ts.Fatalf("it changed nothing: %v", err)
	}
}

func cmdJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: [!] json FILE PATH WANT")
	}
	got, err := lookUp(ts.ReadFile(args[0]), args[1])
	if err != nil {
		ts.Fatalf("%s: %v", args[0], err)
	}
	want := regexp.MustCompile(`^(?:` + args[2] + `)$`)
	if want.MatchString(got) == neg {
		ts.Fatalf("%s in %s is %s", args[1], args[0], got)
	}
}

// lookUp returns the value at a path in a JSON text: a string as it is, anything
// else as JSON. A text of several values is an array of them.
func lookUp(text, path string) (string, error) {
	var all []any
	d := json.NewDecoder(strings.NewReader(text))
	for {
		var v any
		err := d.Decode(&v)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", err
		}
		all = append(all, v)
	}
	var v any = all
	if len(all) == 1 {
		v = all[0]
	}
	for key := range strings.SplitSeq(path, ".") {
		if key == "" {
			continue
		}
		var err error
		if v, err = step(v, key); err != nil {
			return "", fmt.Errorf("%s: %w", path, err)
		}
	}
	if s, ok := v.(string); ok {
		return s, nil
	}
	data, err := json.Marshal(v)
	return string(data), err
}

func step(v any, key string) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		if next, ok := v[key]; ok {
			return next, nil
		}
	case []any:
		i, err := strconv.Atoi(key)
		if err != nil {
			return nil, err
		}
		if i < 0 {
			i += len(v)
		}
		if i >= 0 && i < len(v) {
			return v[i], nil
		}
	}
	return nil, fmt.Errorf("there is no %s in %v", key, v)
}

func TestLookUp(t *testing.T) {
	text := `{"a": [1, {"b": "c"}]} {"d": null}`
	for path, want := range map[string]string{"0.a.1.b": "c", "0.a.0": "1", "-1.d": "null", "1": `{"d":null}`} {
		if got, err := lookUp(text, path); got != want || err != nil {
			t.Errorf("%s: %q, %v, not %q", path, got, err, want)
		}
	}
	for _, path := range []string{"0.x", "2", "0.a.2", "0.a.b"} {
		if got, err := lookUp(text, path); err == nil {
			t.Errorf("%s: %q, not an error", path, got)
		}
	}
}

// stable knows how what differs from run to run is shown.
type stable struct{ literal *strings.Replacer }

func stableIn(work string) stable {
	pairs := []string{filepath.Clean(work), "$WORK"}
	if real, err := filepath.EvalSymlinks(work); err == nil && real != work {
		pairs = append([]string{real, "$WORK"}, pairs...)
	}
	return stable{strings.NewReplacer(pairs...)}
}

// replace keeps what tells one thing from another: the time in a version stays,
// the hash of the commit goes.
func (s stable) replace(text string) string {
	text = s.literal.Replace(text)
	for _, r := range unstable {
		text = r.pattern.ReplaceAllString(text, r.with)
	}
	return text
}

// unstable is what differs from run to run, and what is shown instead.
var unstable = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`sha256:[0-9a-f]{64}`), "sha256:DIGEST"},
	{regexp.MustCompile(`/([0-9a-f]{64}|[0-9a-f]{8})/`), "/DIGEST/"},
	{regexp.MustCompile(`/[0-9a-f]{64}\.json`), "/DIGEST.json"},
	{regexp.MustCompile(`([^0-9a-f])[0-9a-f]{40}\b`), "${1}COMMIT"},
	{regexp.MustCompile(`\b[0-9a-f]{12}\b`), "COMMITCOMMIT"},
	{regexp.MustCompile(`\b\d{8}t\d{6}-[0-9a-f]{8}\b`), "RUNRUNRUNRUNRUNRUNRUNRUN"},
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b`), "YYYY-MM-DD hh:mm:ss"},
	{regexp.MustCompile(`\b(\d+ min \d+ s|\d+\.\d s|\d+ ms)\b`), "TOOK"},
	{regexp.MustCompile(`\bTOOK   +`), "TOOK  "},
	{regexp.MustCompile(`\bprocess \d+`), "process PID"},
	{regexp.MustCompile(`Python 3\.\d+(\.\d+)?`), "Python 3.X"},
}
