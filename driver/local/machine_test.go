package local_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/local"
)

// A bench is a machine made of empty files: what is on it is all there is.
type bench struct {
	t       *testing.T
	dir     string
	environ []string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return &bench{t: t, dir: dir, environ: []string{"PATH=" + filepath.Join(dir, "bin")}}
}

func (b *bench) file(name, text string, mode os.FileMode) {
	b.t.Helper()
	name = filepath.Join(b.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		b.t.Fatal(err)
	}
}

// python puts a Python there, in a folder such as "usr" or "pyenv/versions/3.9.18".
func (b *bench) python(prefix, version string, ensurepip bool) {
	b.t.Helper()
	b.file(prefix+"/bin/python"+version, "", 0o755)
	b.file(prefix+"/lib/python"+version+"/os.py", "", 0o644)
	if ensurepip {
		b.file(prefix+"/lib/python"+version+"/ensurepip/__init__.py", "", 0o644)
	}
}

func (b *bench) java(prefix, version string) {
	b.t.Helper()
	b.file(prefix+"/bin/java", "", 0o755)
	b.file(prefix+"/release", "IMPLEMENTOR=\"Us\"\nJAVA_VERSION=\""+version+"\"\n", 0o644)
}

func (b *bench) env(name, folder string) {
	b.environ = append(b.environ, name+"="+filepath.Join(b.dir, folder))
}

func (b *bench) plan(run map[string]any) (slipway.Plan, error) {
	cfg := config(b.t)
	cfg.Environ, cfg.SearchDirs = b.environ, []string{filepath.Join(b.dir, "usr/bin")}
	want := target(blobs{}, "traffic", "")
	want.Run = run
	return local.New(cfg).Plan(b.t.Context(), driver.PlanRequest{Target: want})
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	cases := map[string]struct {
		machine      func(*bench)
		run          map[string]any
		message, fix string
	}{
		"no Python at all": {
			func(*bench) {},
			map[string]any{"glue_version": "5.0"},
			"Glue 5.0 needs Python 3.11, which this machine does not have (it has none)",
			"install it (Debian and Ubuntu: apt-get install python3.11 python3.11-venv; elsewhere: pyenv install 3.11)",
		},
		"other Pythons, no Java": {
			func(b *bench) { b.python("usr", "3.12", true); b.python("usr", "3.10", true) },
			map[string]any{"glue_version": "5.0"},
			"Glue 5.0 needs Python 3.11, which this machine does not have (it has 3.10, 3.12)",
			"install it (Debian and Ubuntu: apt-get install python3.11 python3.11-venv; elsewhere: pyenv install 3.11)",
		},
		"the Python of another Glue version": {
			func(b *bench) { b.python("usr", "3.13", true); b.java("jdk", "17.0.15"); b.env("JAVA_HOME", "jdk") },
			map[string]any{"glue_version": "5.0"},
			"Glue 5.0 needs Python 3.11, which this machine does not have (it has 3.13)",
			"install it (Debian and Ubuntu: apt-get install python3.11 python3.11-venv; elsewhere: pyenv install 3.11); " +
				"Glue 6.0 would run here as this machine is (run.glue_version)",
		},
		"a Python without venv": {
			func(b *bench) { b.python("usr", "3.11", false) },
			map[string]any{"glue_version": "5.0"},
			"BENCH/usr/bin/python3.11 cannot make virtual environments: its module ensurepip is missing",
			"install it (Debian and Ubuntu: apt-get install python3.11-venv)",
		},
		"no Java": {
			func(b *bench) { b.python("usr", "3.11", true) },
			map[string]any{"glue_version": "5.0"},
			"Glue 5.0 is Spark 3.5.4, which needs Java 8 or 11 or 17, and there is no Java on this machine",
			"install it (Debian and Ubuntu: apt-get install openjdk-17-jre-headless), or set JAVA_HOME",
		},
		"a Java too new": {
			func(b *bench) {
				b.python("usr", "3.11", true)
				b.python("usr", "3.13", true)
				b.java("jdk", "21.0.4")
				b.env("JAVA_HOME", "jdk")
			},
			map[string]any{"glue_version": "5.1"},
			"Glue 5.1 is Spark 3.5.6, which needs Java 8 or 11 or 17; BENCH/jdk/bin/java is Java 21",
			"install Java 17 (Debian and Ubuntu: apt-get install openjdk-17-jre-headless) and set JAVA_HOME to it; " +
				"Glue 6.0 would run here as this machine is (run.glue_version)",
		},
		"a Java too new for an old Spark": {
			func(b *bench) { b.python("usr", "3.7", true); b.java("jdk", "17.0.1"); b.env("JAVA_HOME", "jdk") },
			map[string]any{"glue_version": "3.0"},
			"Glue 3.0 is Spark 3.1.1, which needs Java 8 or 11; BENCH/jdk/bin/java is Java 17",
			"install Java 11 (Debian and Ubuntu: apt-get install openjdk-11-jre-headless) and set JAVA_HOME to it",
		},
		"no Python for a shell job": {
			func(b *bench) { b.python("usr", "3.5", true) },
			map[string]any{"type": "pythonshell"},
			"this machine has no Python 3.6 or newer",
			"install it (Debian and Ubuntu: apt-get install python3 python3-venv), or put it on PATH",
		},
		"another Python than the shell job insists on": {
			func(b *bench) { b.python("usr", "3.11", true) },
			map[string]any{"type": "pythonshell", "python_version": "3.9"},
			"traffic needs Python 3.9, which this machine does not have (it has 3.11)",
			"install it (Debian and Ubuntu: apt-get install python3.9 python3.9-venv; elsewhere: pyenv install 3.9); " +
				"without run.python_version it runs on Python 3.11 here, and the plan says so",
		},
		"a shell job with packages, a Python without venv": {
			func(b *bench) { b.python("usr", "3.11", false) },
			map[string]any{"type": "pythonshell", "additional_python_modules": []string{"pandas"}},
			"BENCH/usr/bin/python3.11 cannot make virtual environments: its module ensurepip is missing",
			"install it (Debian and Ubuntu: apt-get install python3.11-venv)",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			c.machine(b)
			_, err := b.plan(c.run)
			wantError(t, err, slipway.Unavailable, inBench(b, c.message), c.fix)
		})
	}
}

func inBench(b *bench, text string) string {
	return strings.ReplaceAll(text, "BENCH", b.dir)
}

func TestWhatIsThereIsFound(t *testing.T) {
	const shellWarning = "Glue runs Python shell jobs on Python 3.9; here this one runs on Python 3.11 (set run.python_version to insist)"
	cases := map[string]struct {
		machine  func(*bench)
		run      map[string]any
		warnings []string
	}{
		"Python of pyenv, Java on PATH": {
			func(b *bench) {
				b.python("pyenv/versions/3.11.7", "3.11", true)
				b.env("PYENV_ROOT", "pyenv")
				b.java("", "17.0.15")
			},
			map[string]any{"glue_version": "5.0"},
			nil,
		},
		"Python of pyenv at home, Java 8": {
			func(b *bench) {
				b.python("home/.pyenv/versions/3.10.13", "3.10", true)
				b.env("HOME", "home")
				b.java("jdk", "1.8.0_402")
				b.env("JAVA_HOME", "jdk")
			},
			map[string]any{"glue_version": "4.0"},
			nil,
		},
		"a Python with venv goes before one without": {
			func(b *bench) {
				b.python("", "3.11", false)
				b.python("usr", "3.11", true)
				b.java("", "17.0.15")
			},
			map[string]any{"glue_version": "5.1"},
			nil,
		},
		"any Python for a shell job, and it is said": {
			func(b *bench) { b.python("usr", "3.11", false) }, map[string]any{"type": "pythonshell"}, []string{shellWarning},
		},
		"Glue's own Python for a shell job": {
			func(b *bench) { b.python("usr", "3.9", false) }, map[string]any{"type": "pythonshell"}, nil,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			c.machine(b)
			p, err := b.plan(c.run)
			if diff := cmp.Diff(c.warnings, p.Warnings); err != nil || diff != "" {
				t.Errorf("error %v %s, warnings (-want +got):\n%s", err, slipway.FixOf(err), diff)
			}
		})
	}
}

func TestTargetsThatCannotRunHere(t *testing.T) {
	cases := map[string]struct {
		change       func(*slipway.Target)
		message, fix string
	}{
		"another shape": {
			func(t *slipway.Target) { t.Shape = "web-service" },
			`the shape "web-service" does not run on this machine`, "the shapes that do: glue-job, python-job",
		},
		"another type": {
			func(t *slipway.Target) { t.Run["type"] = "glueray" },
			`run.type: "glueray" is not a type of job that runs on this machine (glueetl, gluestreaming, pythonshell)`, "",
		},
		"an old Glue": {
			func(t *slipway.Target) { t.Run = map[string]any{"glue_version": "2.0"} },
			"run.glue_version: Glue 2.0 does not run on this machine", "the versions that do, given their Python and Java: 3.0, 4.0, 5.0, 5.1, 6.0",
		},
		"a number where text is wanted": {
			func(t *slipway.Target) { t.Run["glue_version"] = 5.1 },
			"run.glue_version: 5.1 is not text; put it in quotes", "",
		},
		"a timeout that is none": {
			func(t *slipway.Target) { t.Run["timeout"] = "an hour" },
			`run.timeout: "an hour" is not a duration such as 90s, 60m or 2h`, "",
		},
		"half a retry": {
			func(t *slipway.Target) { t.Run["max_retries"] = 0.5 },
			"run.max_retries: 0.5 is not a whole number", "",
		},
		"no run at all at once": {
			func(t *slipway.Target) { t.Run["max_concurrent_runs"] = 0 },
			"run.max_concurrent_runs: 0 lets no run start", "write 1 or more",
		},
		"queuing that is neither": {
			func(t *slipway.Target) { t.Run["queuing"] = "yes" },
			`run.queuing: "yes" is not true or false`, "",
		},
		"arguments that are a list": {
			func(t *slipway.Target) { t.Run["arguments"] = []string{"a"} },
			`run.arguments: ["a"] is not a mapping`, "",
		},
		"an argument that is a list": {
			func(t *slipway.Target) { t.Run["arguments"] = map[string]any{"a": []string{"b"}} },
			`run.arguments.a: ["b"] is not a value; write text, or {secret: name}`, "",
		},
		"an argument that is another mapping": {
			func(t *slipway.Target) { t.Run["env"] = map[string]any{"A": map[string]any{"vault": "x"}} },
			`run.env.A: {"vault":"x"} is not a value; write text, or {secret: name}`, "",
		},
		"modules that are no list": {
			func(t *slipway.Target) { t.Run["additional_python_modules"] = "pandas" },
			`run.additional_python_modules: "pandas" is not a list`, "",
		},
		"an option to pip": {
			func(t *slipway.Target) { t.Run["additional_python_modules"] = []string{"--pre"} },
			`run.additional_python_modules: "--pre" is no requirement`, "write each as for pip, such as pandas==2.2.3",
		},
		"modules that lie in a bucket": {
			func(t *slipway.Target) { t.Run["extra_py_files"] = []string{"s3://b/lib.zip"} },
			"run.extra_py_files: s3://b/lib.zip cannot be read on this machine",
			"name a file of the app under environments.local.run.extra_py_files, or put the modules under build.include",
		},
		"jars that lie in a bucket": {
			func(t *slipway.Target) { t.Run["extra_jars"] = []string{"s3://b/redshift.jar"} },
			"run.extra_jars: s3://b/redshift.jar cannot be read on this machine",
			"name a file of the app under environments.local.run.extra_jars, or write [] there",
		},
		"a schedule that is none": {
			func(t *slipway.Target) { t.Run["schedule"] = "daily at three" },
			`run.schedule: "daily at three" is no cron expression`, `write five fields (minute hour day month weekday), such as "0 3 * * *"`,
		},
		"a zone that is none": {
			func(t *slipway.Target) { t.Run["schedule"], t.Run["timezone"] = "0 3 * * *", "Mars/Olympus" },
			`run.timezone: "Mars/Olympus" is no time zone that this machine knows`, "write a name such as Europe/Berlin, or leave it out for UTC",
		},
		"a bookmark that is none": {
			func(t *slipway.Target) { t.Run["bookmark"] = "sometimes" },
			`run.bookmark: "sometimes" is not enable, disable or pause`, "",
		},
		"no script": {
			func(t *slipway.Target) { t.Artifacts = nil },
			"the release of traffic holds no script to run", "name a notebook or a script under build in slipway.yaml",
		},
		"an artifact that leads out": {
			func(t *slipway.Target) { t.Artifacts[0].Name = "../../job.py" },
			`"../../job.py" cannot be the name of an artifact`, "",
		},
		"an app that leads out": {
			func(t *slipway.Target) { t.App = "../../etc" },
			`"../../etc" cannot be the name of an app`,
			"use letters, digits, dots, hyphens and underscores, at most 128, beginning with a letter or digit",
		},
		"what JSON cannot hold": {
			func(t *slipway.Target) { t.Run["workers"] = func() {} },
			"run: json: unsupported type: func()", "",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			want := target(blobs{}, "traffic", "")
			c.change(&want)
			_, err := local.New(config(t)).Plan(t.Context(), driver.PlanRequest{Target: want})
			wantError(t, err, slipway.Invalid, c.message, c.fix)
		})
	}
}
