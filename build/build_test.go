package build_test

import (
	"archive/zip"
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/build"
)

// tree is a committed folder in memory, with what else lies on the machine.
type tree struct {
	files       map[string]string
	uncommitted []string
}

func (t tree) List(prefix string) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(t.files)) {
		if prefix == "." || name == prefix || strings.HasPrefix(name, prefix+"/") {
			names = append(names, name)
		}
	}
	return names
}

func (t tree) Read(name string) ([]byte, error) {
	data, ok := t.files[name]
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	return []byte(data), nil
}

func (t tree) Uncommitted(name string) bool {
	return slices.Contains(t.uncommitted, strings.TrimSuffix(name, "/"))
}

// checkout copies the tree as the folder "app" of a repository.
func (t tree) checkout(_ context.Context, dir string) error {
	for name, text := range t.files {
		file := filepath.Join(dir, "app", filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o755)); err != nil {
			return err
		}
	}
	return nil
}

var job = tree{files: map[string]string{
	"job.py":                      "import lib.clean\n",
	"slipway.yaml":                "slipway: v1\n",
	"lib/clean.py":                "X = 1\n",
	"lib/deep/er/more.py":         "Y = 2\n",
	"lib/__pycache__/x.pyc":       "left",
	"lib/.ipynb_checkpoints/x.py": "left",
	"helper.py":                   "Z = 3\n",
}}

const commit = "0123456789012345678901234567890123456789"

func input(t tree, plan build.Plan) build.Input {
	return build.Input{
		App:    "traffic-etl",
		Source: slipway.Source{Path: "app", Commit: commit},
		Plan:   plan, Files: t, Checkout: t.checkout,
		Environ: []string{"PATH=" + os.Getenv("PATH")}, Output: io.Discard,
	}
}

func stage(t testing.TB) *build.Stage {
	t.Helper()
	return build.New(filepath.Join(t.TempDir(), "builds"), t.TempDir())
}

func run(t testing.TB, s *build.Stage, in build.Input) build.Result {
	t.Helper()
	r, err := s.Run(t.Context(), in)
	if err != nil {
		t.Fatalf("%v\n%s", err, slipway.FixOf(err))
	}
	return r
}

// read returns a result's artifacts, proving each digest.
func read(t testing.TB, r build.Result) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, a := range r.Artifacts {
		data, err := os.ReadFile(r.Path(a))
		if err != nil {
			t.Fatal(err)
		}
		if slipway.DigestOf(data) != a.Digest || a.Size != int64(len(data)) || a.Key != slipway.ArtifactKey("traffic-etl", a.Name, a.Digest, commit) {
			t.Errorf("artifact %+v is not what lies there", a)
		}
		all[string(a.Kind)+" "+a.Name] = string(data)
	}
	return all
}

func TestScriptAndModules(t *testing.T) {
	in := input(job, build.Plan{Script: "job.py", Include: []string{"lib/", "*.py"}})
	s := stage(t)
	first := run(t, s, in)
	got := read(t, first)
	if got["script job.py"] != "import lib.clean\n" || len(got) != 2 || first.Artifacts[0].Kind != slipway.KindScript || first.Reused {
		t.Errorf("result %+v, %q", first, got)
	}
	want := []string{"helper.py", "job.py", "lib/", "lib/clean.py", "lib/deep/", "lib/deep/er/", "lib/deep/er/more.py"}
	if diff := cmp.Diff(want, names(t, got["modules traffic-etl-modules.zip"])); diff != "" {
		t.Errorf("zip (-want +got):\n%s", diff)
	}
	again := run(t, s, in)
	if !again.Reused {
		t.Error("built again")
	}
	again.Reused = false
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("reused (-first +again):\n%s", diff)
	}
}

func names(t *testing.T, data string) []string {
	t.Helper()
	r, err := zip.NewReader(strings.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range r.File {
		all = append(all, f.Name)
	}
	return all
}

func TestModulesAreImportedAsBesideTheScript(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("there is no python3 here")
	}
	files := tree{files: map[string]string{
		"jobs/job.py":         "print('job')\n",
		"jobs/near/a.py":      "A = 'near'\n",
		"lib/b.py":            "B = 'no __init__'\n",
		"lib/pkg/__init__.py": "",
		"lib/pkg/c.py":        "C = 'package'\n",
	}}
	r := run(t, stage(t), input(files, build.Plan{Script: "jobs/job.py", Include: []string{"jobs/near", "lib"}}))
	cmd := exec.CommandContext(t.Context(), python, "-c", "import near.a, lib.b\nfrom lib.pkg.c import C\nprint(near.a.A, lib.b.B, C)")
	cmd.Env = []string{"PYTHONPATH=" + r.Path(r.Artifacts[1])}
	out, err := cmd.CombinedOutput()
	if err != nil || string(out) != "near no __init__ package\n" {
		t.Errorf("%v: %s", err, out)
	}
}

// Golden digest: the same input has had these bytes on every machine so far.
func TestSameInputSameBytes(t *testing.T) {
	in := input(job, build.Plan{Script: "job.py", Include: []string{"lib"}})
	a, b := run(t, stage(t), in), run(t, stage(t), in)
	if diff := cmp.Diff(a.Artifacts, b.Artifacts); diff != "" {
		t.Errorf("two builds differ:\n%s", diff)
	}
	const golden = "sha256:178f8ad912485c0efc3ef1bca3f24b29649a0d424291312b6dfc8eaf404da6ac"
	if got := a.Artifacts[1].Digest; got != golden {
		t.Errorf("the zip is %s, not %s", got, golden)
	}
}

func TestOtherInputIsBuiltAgain(t *testing.T) {
	s := stage(t)
	plan := build.Plan{Script: "job.py", Include: []string{"lib"}}
	run(t, s, input(job, plan))
	changed := tree{files: maps.Clone(job.files)}
	changed.files["lib/clean.py"] = "X = 2\n"
	other := input(job, plan)
	other.App = "other"
	elsewhere := tree{files: maps.Clone(job.files)}
	elsewhere.files["README.md"] = "not part of the build"
	nextCommit := input(elsewhere, plan)
	nextCommit.Source.Commit = strings.Repeat("9", 40)
	for name, tt := range map[string]struct {
		in     build.Input
		reused bool
	}{
		"a module changed":                 {input(changed, plan), false},
		"another plan":                     {input(job, build.Plan{Script: "job.py"}), false},
		"another app":                      {other, false},
		"another commit of the same files": {nextCommit, true},
	} {
		r := run(t, s, tt.in)
		if r.Reused != tt.reused {
			t.Errorf("%s: reused %v", name, r.Reused)
		}
		if !strings.Contains(r.Artifacts[0].Key, tt.in.Source.Commit) {
			t.Errorf("%s: key %s", name, r.Artifacts[0].Key)
		}
	}
}

func TestErrors(t *testing.T) {
	with := func(files map[string]string, uncommitted ...string) tree {
		all := maps.Clone(job.files)
		maps.Copy(all, files)
		return tree{all, uncommitted}
	}
	const path = "use a path below the folder of slipway.yaml, with slashes"
	const correct = "correct the path in slipway.yaml, or add the file and commit it"
	tests := map[string]struct {
		tree         tree
		plan         build.Plan
		kind         slipway.Kind
		message, fix string
	}{
		"nothing": {job, build.Plan{}, slipway.Invalid, "there is nothing to build", "name a notebook or a script in build, or a step with outputs"},
		"both": {
			job,
			build.Plan{Script: "a.py", Notebook: "a.ipynb"},
			slipway.Invalid,
			"build has both a notebook, a.ipynb, and a script, a.py", "keep the one that the job runs; helper modules belong in build.include",
		},
		"script that is a notebook": {job, build.Plan{Script: "a.ipynb"}, slipway.Invalid, "build.script is a.ipynb, which does not end in .py", "for a notebook say build.notebook: a.ipynb"},
		"notebook that is a script": {job, build.Plan{Notebook: "a.py"}, slipway.Invalid, "build.notebook is a.py, which does not end in .ipynb", "for a Python file say build.script: a.py"},
		"no script":                 {job, build.Plan{Script: "gone.py"}, slipway.NotFound, "build.script: there is no gone.py in the app's folder", correct},
		"no notebook":               {job, build.Plan{Notebook: "gone.ipynb"}, slipway.NotFound, "build.notebook: there is no gone.ipynb in the app's folder", correct},
		"script not committed": {
			with(nil, "new.py"),
			build.Plan{Script: "new.py"},
			slipway.NotFound, "build.script: new.py is on this machine but not committed",
			`git add new.py && git commit -m "add new.py"; or take the files as they are now with --dirty`,
		},
		"empty script":        {with(map[string]string{"e.py": " \n"}), build.Plan{Script: "e.py"}, slipway.Invalid, "e.py is empty", ""},
		"not UTF-8":           {with(map[string]string{"e.py": "# ok\nx = '\xe4'\n"}), build.Plan{Script: "e.py"}, slipway.Invalid, "e.py: line 2 is not UTF-8", "save the file as UTF-8"},
		"syntax":              {with(map[string]string{"e.py": "x = 1\ny = (2\n"}), build.Plan{Script: "e.py"}, slipway.Invalid, "e.py: line 2: '(' is never closed", ""},
		"binary":              {with(map[string]string{"e.py": "a\n\nb\x00"}), build.Plan{Script: "e.py"}, slipway.Invalid, "e.py: line 3 holds a NUL byte, so it is no Python", ""},
		"include that leaves": {job, build.Plan{Script: "job.py", Include: []string{"../lib"}}, slipway.Invalid, `build.include: "../lib" leaves the app's folder`, path},
		"absolute include":    {job, build.Plan{Script: "job.py", Include: []string{"/lib"}}, slipway.Invalid, `build.include: "/lib" leaves the app's folder`, path},
		"include pattern":     {job, build.Plan{Script: "job.py", Include: []string{"l[ib"}}, slipway.Invalid, `build.include: "l[ib" is not a pattern: a bracket is left open`, ""},
		"no include":          {job, build.Plan{Script: "job.py", Include: []string{"libs/"}}, slipway.NotFound, "build.include: there is no libs/ in the app's folder", correct},
		"include not committed": {
			with(nil, "libs"),
			build.Plan{Script: "job.py", Include: []string{"libs/"}},
			slipway.NotFound, "build.include: libs/ is on this machine but not committed",
			`git add libs/ && git commit -m "add libs"; or take the files as they are now with --dirty`,
		},
		"nothing matches": {job, build.Plan{Script: "job.py", Include: []string{"lib/*.pyx"}}, slipway.NotFound, "build.include: no file matches lib/*.pyx", "only committed files count; see them with git ls-files"},
		"empty include": {
			job,
			build.Plan{Script: "job.py", Include: []string{"lib/__pycache__"}},
			slipway.Invalid,
			"build.include: lib/__pycache__ holds no module, only what Python leaves behind", "name the folder of your modules",
		},
		"two of a name": {
			with(map[string]string{"jobs/job.py": "x", "jobs/lib/clean.py": "x"}),
			build.Plan{Script: "jobs/job.py", Include: []string{"jobs/lib", "lib"}},
			slipway.Invalid,
			"build.include: jobs/lib/clean.py and lib/clean.py would both be lib/clean.py in the zip", "rename one of them",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := stage(t).Run(t.Context(), input(tt.tree, tt.plan))
			check(t, err, tt.kind, tt.message, tt.fix)
		})
	}
}

// check compares an error with what a person should read.
func check(t *testing.T, err error, kind slipway.Kind, message, fix string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", message)
	}
	if slipway.KindOf(err) != kind || err.Error() != message || slipway.FixOf(err) != fix {
		t.Errorf("got  %s: %s\nfix  %s\nwant %s: %s\nfix  %s", slipway.KindOf(err), err, slipway.FixOf(err), kind, message, fix)
	}
}

func TestIgnoredFileOfADirtyTree(t *testing.T) {
	in := input(tree{files: job.files, uncommitted: []string{"secret.py"}}, build.Plan{Script: "secret.py"})
	in.Source.Dirty = true
	_, err := stage(t).Run(t.Context(), in)
	check(t, err, slipway.NotFound, "build.script: secret.py is left out by .gitignore", "take it out of .gitignore")
}
