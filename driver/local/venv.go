package local

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/sandbox"
)

// heartbeat is how long a build is silent before it says that it goes on.
const heartbeat = 5 * time.Second

// completeFile is in a virtual environment that is whole.
const completeFile = "complete"

// interpreter returns the Python that runs a job: the machine's own where it
// needs no packages, else that of a virtual environment, which is built if need
// be.
func (d *Driver) interpreter(ctx context.Context, t tools, progress func(string)) (string, error) {
	if len(t.requirements) == 0 {
		return t.python.path, nil
	}
	return d.ready(ctx, newVenv(d.cfg.Cache, t), progress)
}

// ready builds a virtual environment unless it is there, and returns its Python.
func (d *Driver) ready(ctx context.Context, v venv, progress func(string)) (string, error) {
	if v.complete() {
		return v.python(), nil
	}
	if err := makeFolder(filepath.Dir(v.dir)); err != nil {
		return "", err
	}
	lock, err := v.lock(ctx, progress)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if v.complete() {
		return v.python(), nil
	}
	d.cfg.Log.InfoContext(ctx, "build virtual environment", "folder", v.dir)
	return v.python(), v.build(ctx, d.chatter(v, d.cfg.Environ, progress), progress)
}

// A venv is a virtual environment in the cache.
type venv struct {
	dir          string
	base         python
	requirements []string
	below        string // the environment whose packages this one sees too; empty: none
	named        string // where people name the requirements
}

func newVenv(cache string, t tools) venv {
	sorted := slices.Sorted(slices.Values(t.requirements))
	data, err := json.Marshal([]any{t.python.path, t.python.version, sorted})
	if err != nil {
		panic(err) // strings only
	}
	key := slipway.DigestOf(data).Hex()[:keyLen]
	// The tools in an environment name its folder, and must find it whichever way
	// the cache is seen by the next one.
	if real, err := filepath.EvalSymlinks(cache); err == nil {
		cache = real
	}
	return venv{dir: filepath.Join(cache, "venvs", key), base: t.python, requirements: sorted, named: "run.additional_python_modules"}
}

func (v venv) python() string { return filepath.Join(v.dir, "bin", "python") }

// complete reports whether the environment was built to the end and its Python
// is still there.
func (v venv) complete() bool {
	_, err := os.Stat(v.python())
	return err == nil && exists(filepath.Join(v.dir, completeFile))
}

func (v venv) lock(ctx context.Context, progress func(string)) (*os.File, error) {
	name := v.dir + ".lock"
	lock, err := tryLock(name)
	if lock != nil || err != nil {
		return lock, err
	}
	progress("waiting for another command that builds the same virtual environment")
	return takeLock(ctx, name)
}

// chatter runs the commands that make an environment, or add to it.
func (d *Driver) chatter(v venv, env []string, progress func(string)) chatter {
	return chatter{box: d.cfg.Sandbox, env: cleanEnv(env), writes: v.dir, reads: []string{d.cfg.Cache}, progress: progress}
}

// build makes the environment from nothing. What a killed build left is removed.
func (v venv) build(ctx context.Context, c chatter, progress func(string)) error {
	if err := os.RemoveAll(v.dir); err != nil {
		return err
	}
	progress(fmt.Sprintf("building a virtual environment on Python %s with %s (once; kept in %s)",
		v.base.version, strings.Join(v.requirements, ", "), v.dir))
	if err := c.run(ctx, v.base.path, "-m", "venv", v.dir); err != nil {
		return v.venvError(ctx, err, c.last)
	}
	if err := v.seeBelow(); err != nil {
		return err
	}
	pip := []string{"-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--progress-bar", "off", "--"}
	if err := c.run(ctx, v.python(), append(pip, v.requirements...)...); err != nil {
		return v.pipError(ctx, err, c.last)
	}
	syscall.Sync() // some thousand files, made durable at once
	return writeJSON(filepath.Join(v.dir, completeFile), v.requirements)
}

func (v venv) venvError(ctx context.Context, err error, last []string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return slipway.Errorf(slipway.Unavailable, "%s could not make a virtual environment in %s: %w\n%s", v.base.path, v.dir, err, indent(last)).
		WithFix("see to what it says; on Debian and Ubuntu the package python%s-venv is needed", v.base.version)
}

var (
	pipMissing = regexp.MustCompile(`(?m)^ERROR: (?:No matching distribution found for|Could not find a version that satisfies the requirement) ([^ \n]+)`)
	pipOffline = regexp.MustCompile(`NewConnectionError|Name or service not known|Temporary failure in name resolution|Network is unreachable|ConnectTimeout|ProxyError|SSLError`)
)

// pipError says which package could not be installed, what pip said last, and
// the way out.
func (v venv) pipError(ctx context.Context, err error, last []string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	text := strings.Join(last, "\n")
	what := strings.Join(v.requirements, ", ")
	if m := pipMissing.FindStringSubmatch(text); m != nil {
		what = m[1]
	}
	e := slipway.Errorf(slipway.Unavailable, "pip cannot install %s: %w\n%s", what, err, indent(last))
	switch {
	case strings.Contains(text, "No space left on device"):
		return e.WithFix("make room on the disk that holds %s, or choose another folder for the cache", v.dir)
	case pipOffline.MatchString(text):
		return e.WithFix("the package index cannot be reached: check the network, or point PIP_INDEX_URL or PIP_FIND_LINKS to a place that has the package")
	case strings.HasPrefix(what, "pyspark"):
		return e.WithFix("point PIP_INDEX_URL or PIP_FIND_LINKS to a place that has the package for Python %s", v.base.version)
	}
	return e.WithFix("check its name and version in %s, and that it exists for Python %s", v.named, v.base.version)
}

func indent(lines []string) string { return "  " + strings.Join(lines, "\n  ") }

// A chatter runs commands and passes on what they say. What they run is what people
// ask to be installed, so they run in the sandbox, with a network.
type chatter struct {
	box      *sandbox.Sandbox
	env      []string
	writes   string   // the folder that they may write to
	reads    []string // and what they may read though it is hidden from others
	progress func(string)
	last     []string // the last lines
}

// run runs a command to its end. It ends, with all that it started, when ctx is
// done or this process dies.
func (c *chatter) run(ctx context.Context, name string, args ...string) error {
	if err := os.MkdirAll(c.writes, 0o755); err != nil {
		return err
	}
	r, w := io.Pipe()
	lines, ended := make(chan string), make(chan error, 1)
	go readLines(r, lines)
	go func() {
		res, err := c.box.Run(ctx, sandbox.Step{
			Argv: append([]string{name}, args...), Env: c.box.Environ(c.env), Output: w,
			Network: true, Writable: []string{c.writes}, ReadOnly: c.reads,
		})
		ended <- failure(res, err)
		_ = w.Close() // which never fails
	}()
	c.pass(lines)
	return <-ended
}

// failure is why a command did not do what it should.
func failure(res sandbox.Result, err error) error {
	switch {
	case err != nil:
		return err
	case res.Limit != "":
		return fmt.Errorf("it %s, and was ended", res.Reason)
	case res.Signal != 0:
		return fmt.Errorf("signal: %s", res.Signal)
	case res.Code != 0:
		return fmt.Errorf("exit status %d", res.Code)
	}
	return nil
}

// readLines sends the lines of r and closes the channel.
func readLines(r io.Reader, to chan<- string) {
	defer close(to)
	scan := bufio.NewScanner(r)
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		to <- scan.Text()
	}
	_, _ = io.Copy(io.Discard, r) // a line too long ends the scanner, not the command
}

// pass hands lines on, and says that it goes on where none come.
func (c *chatter) pass(lines <-chan string) {
	const keep = 8
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	c.last = nil
	silent := time.Duration(0)
	for {
		select {
		case line, ok := <-lines:
			if !ok {
				return
			}
			if line = strings.TrimSpace(line); line == "" {
				continue
			}
			c.last = append(c.last, line)
			c.last = c.last[max(0, len(c.last)-keep):]
			silent = 0
			c.progress(line)
		case <-ticker.C:
			silent += heartbeat
			c.progress(fmt.Sprintf("still at it (%s)", silent))
		}
	}
}

// cleanEnv is an environment without what would lead a Python elsewhere.
func cleanEnv(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.Contains([]string{"PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"}, name)
	})
}
