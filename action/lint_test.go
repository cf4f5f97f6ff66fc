package action_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/rhysd/actionlint"
)

// metadata is what action.yml says.
type metadata struct {
	Inputs yaml.MapSlice `yaml:"inputs"`
	Runs   struct {
		Steps []step `yaml:"steps"`
	} `yaml:"runs"`
}

// A step is one of action.yml.
type step struct {
	ID  string            `yaml:"id"`
	Run string            `yaml:"run"`
	Env map[string]string `yaml:"env"`
}

func stepOf(t *testing.T, id string) step {
	t.Helper()
	for _, s := range action(t).Runs.Steps {
		if s.ID == id {
			return s
		}
	}
	t.Fatalf("action.yml has no step %s", id)
	return step{}
}

func action(t *testing.T) metadata {
	t.Helper()
	data, err := os.ReadFile("../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	var a metadata
	if err := yaml.Unmarshal(data, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// TestNothingIsWrittenIntoScripts keeps what others choose out of the text that a
// shell reads: it comes by variables.
func TestNothingIsWrittenIntoScripts(t *testing.T) {
	if n := len(action(t).Runs.Steps); n != 2 {
		t.Errorf("%d steps", n)
	}
	for _, s := range action(t).Runs.Steps {
		if strings.Contains(s.Run, "${{") {
			t.Errorf("step %s writes an expression into its script:\n%s", s.ID, s.Run)
		}
	}
}

// shellcheck is the program, if it is here; CI has it.
func shellcheck(t *testing.T) string {
	t.Helper()
	file, err := exec.LookPath("shellcheck")
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal("shellcheck must be here in CI: make lint installs it")
	}
	return file
}

// lint returns what actionlint says of a workflow in a repository, whose own action
// it reads too.
func lint(t *testing.T, repository, file string, text []byte) []*actionlint.Error {
	t.Helper()
	l, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{Shellcheck: shellcheck(t)})
	if err != nil {
		t.Fatal(err)
	}
	p, err := actionlint.NewProject(repository)
	if err != nil {
		t.Fatal(err)
	}
	found, err := l.Lint(file, text, p)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// pinned is an action of somebody else's, at a commit, with the version for people.
var pinned = regexp.MustCompile(`^\s*(- )?uses: (\./|[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)\n$`)

func TestWorkflowsOfThisRepository(t *testing.T) {
	files, err := filepath.Glob("../.github/workflows/*.yml")
	if err != nil || len(files) != 2 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range lint(t, "..", file, text) {
			t.Error(e)
		}
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, "uses:") && !pinned.MatchString(line) {
				t.Errorf("%s: not pinned to a commit, with the version behind it: %s", file, line)
			}
		}
	}
}

// TestLintReadsTheAction makes sure that a workflow of this repository that uses
// the action wrongly, or a wrong action.yml, would be found.
func TestLintReadsTheAction(t *testing.T) {
	const head = "on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: ./\n"
	data, err := os.ReadFile("../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for name, c := range map[string]struct{ action, workflow, want string }{
		"as they are":           {text, head + "        with: {args: version}\n", ""},
		"an input that is none": {text, head + "        with: {arg: version}\n", `input "arg" is not defined in action "slipway"`},
		"a colour that is none": {strings.Replace(text, "color: blue", "color: sea", 1), head, `incorrect color "sea"`},
		"a runner that is none": {strings.Replace(text, "using: composite", "using: bash", 1), head, `invalid runner name "bash"`},
		"a key that is none":    {strings.Replace(text, "default: \"\"", "value: \"\"", 1), head, `unexpected key "value"`},
	} {
		dir := t.TempDir()
		save(t, filepath.Join(dir, ".git", "HEAD"), "", 0o644)
		save(t, filepath.Join(dir, ".github", "workflows", "a.yml"), c.workflow, 0o644)
		save(t, filepath.Join(dir, "action.yml"), c.action, 0o644)
		var got bytes.Buffer
		for _, e := range lint(t, dir, filepath.Join(dir, ".github", "workflows", "a.yml"), []byte(c.workflow)) {
			got.WriteString(e.Message + "\n")
		}
		if c.want == "" && got.Len() > 0 || !strings.Contains(got.String(), c.want) {
			t.Errorf("%s: actionlint says %q, not %q", name, got.String(), c.want)
		}
	}
}

// TestPageHasTheInputs keeps the manual's table as action.yml has it.
func TestPageHasTheInputs(t *testing.T) {
	page, err := os.ReadFile("../docs/github.md")
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	table.WriteString("| input | is |\n| --- | --- |\n")
	for _, input := range action(t).Inputs {
		about, ok := input.Value.(map[string]any)
		if !ok {
			t.Fatalf("input %v: %T", input.Key, input.Value)
		}
		fmt.Fprintf(&table, "| `%v` | %v |\n", input.Key, about["description"])
	}
	if want := table.String(); strings.Count(want, "\n") < 5 || !strings.Contains(string(page), "\n"+want+"\n") {
		t.Errorf("docs/github.md does not have\n%s", want)
	}
}
