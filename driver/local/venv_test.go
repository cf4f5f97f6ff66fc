package local_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/local"
)

// offline is an environment in which pip finds what is in dir and nothing else.
func offline(dir string) []string {
	return append(os.Environ(), "PIP_NO_INDEX=1", "PIP_FIND_LINKS="+dir, "PIP_CONFIG_FILE=/dev/null")
}

// wheels is a folder with two packages: "tinylib" in version 1.2, whose answer is
// 42, and "tinytest" in version 1.2, which has a tool that prints it.
func wheels(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	wheel(t, dir, "tinylib", "answer = 42\n", "")
	wheel(t, dir, "tinytest", "def main():\n    import tinylib\n    print('the answer is', tinylib.answer)\n", "[console_scripts]\ntinytest = tinytest:main\n")
	return dir
}

// wheel makes a package of one module, in version 1.2.
func wheel(t *testing.T, dir, name, module, entries string) {
	t.Helper()
	info := name + "-1.2.dist-info/"
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, text := range map[string]string{
		name + ".py":              module,
		info + "METADATA":         "Metadata-Version: 2.1\nName: " + name + "\nVersion: 1.2\n",
		info + "WHEEL":            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		info + "entry_points.txt": entries,
		info + "RECORD":           name + ".py,,\n" + info + "METADATA,,\n" + info + "WHEEL,,\n" + info + "entry_points.txt,,\n" + info + "RECORD,,\n",
	} {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(z.Close(), os.WriteFile(filepath.Join(dir, name+"-1.2-py3-none-any.whl"), out.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// withModules is a Python shell job with packages of its own. The test is skipped
// where no Python can make virtual environments, but never when CI is set.
func withModules(t *testing.T, b blobs, modules ...string) slipway.Target {
	t.Helper()
	want := target(b, "app", "import tinylib\nprint('the answer is', tinylib.answer)")
	want.Run["additional_python_modules"] = modules
	if _, err := local.New(config(t)).Plan(t.Context(), driver.PlanRequest{Target: want}); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("virtual environments must be testable in CI: %v", err)
		}
		t.Skipf("no virtual environments here: %v", err)
	}
	return want
}

// TestVirtualEnvironmentIsBuiltOnce has several at once want it.
func TestVirtualEnvironmentIsBuiltOnce(t *testing.T) {
	cfg, b := config(t), blobs{}
	cfg.Environ = offline(wheels(t))
	want := withModules(t, b, "tinylib==1.2")
	lines := &progress{}
	cfg.Progress = lines.add
	d := local.New(cfg)
	var all sync.WaitGroup
	for _, app := range []string{"one", "two", "app"} {
		all.Go(func() {
			mine := want
			mine.App = app
			p, err := d.Plan(t.Context(), driver.PlanRequest{Target: mine})
			if err == nil {
				_, err = d.Apply(t.Context(), p, b)
			}
			if err != nil {
				t.Errorf("%s: %v\n%s", app, err, slipway.FixOf(err))
			}
		})
	}
	all.Wait()
	text := lines.text()
	if n := strings.Count(text, "building a virtual environment on Python 3."); n != 1 {
		t.Errorf("it was built %d times:\n%s", n, text)
	}
	if !strings.Contains(text, "Successfully installed tinylib-1.2") {
		t.Errorf("the progress does not tell what pip says:\n%s", text)
	}
	run, log := ended(t, d, slipway.Handle{App: "two"}, driver.RunRequest{ID: "r"})
	if run.State != slipway.RunSucceeded || log != "the answer is 42\n" {
		t.Errorf("run %+v, log %q", run, log)
	}
}

type progress struct {
	mu    sync.Mutex
	lines []string
}

func (p *progress) add(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = append(p.lines, line)
}

func (p *progress) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines, "\n")
}

// TestVirtualEnvironmentOfAKilledBuildIsRedone kills a build in two places.
func TestVirtualEnvironmentOfAKilledBuildIsRedone(t *testing.T) {
	cfg, b := config(t), blobs{}
	cfg.Environ = offline(wheels(t))
	want := withModules(t, b, "tinylib==1.2")
	d := local.New(cfg)
	p, err := d.Plan(t.Context(), driver.PlanRequest{Target: want})
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{"Looking in links", "Successfully installed"} {
		e := newErrand(cfg)
		e.Plan, e.Blobs, e.DieAt = p, b, at
		if out, status := e.send(t, "apply-plan"); status.Signal() != syscall.SIGKILL {
			t.Fatalf("the build was not killed at %q: %s", at, out)
		}
		if s, err := d.Observe(t.Context(), slipway.Handle{App: "app"}, want); err != nil || s.State != slipway.JobAbsent {
			t.Errorf("after a killed build: %+v, %v", s, err)
		}
	}
	h, err := d.Apply(t.Context(), p, b)
	if err != nil {
		t.Fatal(err)
	}
	if run, log := ended(t, d, h, driver.RunRequest{ID: "r"}); run.State != slipway.RunSucceeded {
		t.Errorf("run %+v, log %q", run, log)
	}
}

// TestVirtualEnvironmentIsBuiltAgainForARun empties the cache under a job.
func TestVirtualEnvironmentIsBuiltAgainForARun(t *testing.T) {
	cfg, b := config(t), blobs{}
	cfg.Environ = offline(wheels(t))
	want := withModules(t, b, "tinylib")
	d := local.New(cfg)
	h := mustDeploy(t, d, b, want)
	if err := os.RemoveAll(cfg.Cache); err != nil {
		t.Fatal(err)
	}
	run, log := ended(t, d, h, driver.RunRequest{ID: "r"})
	if run.State != slipway.RunSucceeded || !strings.HasPrefix(log, "slipway: building a virtual environment") ||
		!strings.HasSuffix(log, "\nthe answer is 42\n") {
		t.Errorf("run %+v, log %q", run, log)
	}
}

func TestPackageThatCannotBeInstalled(t *testing.T) {
	cfg, b := config(t), blobs{}
	cfg.Environ = offline(wheels(t))
	want := withModules(t, b, "tinylib==1.2", "no-such-package==9.9")
	d := local.New(cfg)
	p, err := d.Plan(t.Context(), driver.PlanRequest{Target: want})
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Apply(t.Context(), p, b)
	if err == nil || slipway.KindOf(err) != slipway.Unavailable {
		t.Fatalf("error %v", err)
	}
	message := regexp.MustCompile(`^pip cannot install no-such-package==9.9: exit status 1\n(  .*\n)*  ERROR: No matching distribution found for no-such-package==9.9$`)
	if !message.MatchString(err.Error()) {
		t.Errorf("message %q", err)
	}
	fix := regexp.MustCompile(`^check its name and version in run.additional_python_modules, and that it exists for Python 3\.\d+$`)
	if !fix.MatchString(slipway.FixOf(err)) {
		t.Errorf("fix %q", slipway.FixOf(err))
	}
	if s, err := d.Observe(t.Context(), slipway.Handle{App: "app"}, want); err != nil || s.State != slipway.JobAbsent {
		t.Errorf("after it failed: %+v, %v", s, err)
	}
}

func TestPackageIndexThatCannotBeReached(t *testing.T) {
	cfg, b := config(t), blobs{}
	cfg.Environ = append(os.Environ(), "PIP_CONFIG_FILE=/dev/null", "PIP_FIND_LINKS=", "PIP_INDEX_URL=http://127.0.0.1:1/simple", "PIP_RETRIES=1", "PIP_TIMEOUT=1",
		"http_proxy=", "https_proxy=", "HTTP_PROXY=", "HTTPS_PROXY=")
	want := withModules(t, b, "tinylib")
	d := local.New(cfg)
	p, err := d.Plan(t.Context(), driver.PlanRequest{Target: want})
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Apply(t.Context(), p, b)
	const fix = "the package index cannot be reached: check the network, or point PIP_INDEX_URL or PIP_FIND_LINKS to a place that has the package"
	if err == nil || slipway.KindOf(err) != slipway.Unavailable || slipway.FixOf(err) != fix || !strings.HasPrefix(err.Error(), "pip cannot install tinylib: exit status 1\n") {
		t.Errorf("error %v\nfix %q", err, slipway.FixOf(err))
	}
}
