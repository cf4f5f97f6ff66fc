package cli

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/git"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/notebook"
	"github.com/slipway-cd/slipway/pipeline"
)

type initCommand struct {
	Folder  string   `arg:"" optional:"" default:"." help:"The app's folder. Default: this one."`
	GitHub  bool     `name:"github" xor:"host" help:"Write .github/workflows/slipway.yml too, for all apps of the repository."`
	GitLab  bool     `name:"gitlab" xor:"host" help:"Write .gitlab-ci.yml too, for all apps of the repository."`
	Env     []string `placeholder:"ENV" help:"With --github or --gitlab: the environments to ship to. Default: the end of the road in platform.yaml."`
	Action  string   `placeholder:"OWNER/NAME@REF" help:"With --github: the action that installs slipway. Default: this version of slipway-cd/slipway."`
	Release string   `placeholder:"VERSION" help:"With --gitlab: the release of slipway to install. Default: this one."`
	Stdout  bool     `help:"Print the file instead of writing it."`
	Force   bool     `help:"Write over a file that is there."`
}

// Help implements kong.HelpProvider.
func (initCommand) Help() string {
	return `It looks at notebooks and their Glue magics, scripts, requirements, tests and the git remote. What it writes works as
it stands, with a comment for each thing you may want to change.

With --github it writes the workflow for GitHub Actions: a pull request is checked and gets the plan as a comment, and what is merged
is shipped. A manifest that is there stays as it is. With --gitlab it writes the same road for GitLab's pipelines.

Example: slipway init

` + exitHelp
}

// Run implements the command.
func (c *initCommand) Run(s *session) error {
	dir := s.path(c.Folder)
	repo, err := git.Open(s.ctx, dir, s.env.Environ)
	if err != nil {
		return err
	}
	defer func() { _ = repo.Close() }() // it only ends a process that reads
	if !c.GitHub && !c.GitLab {
		return c.manifest(s, repo, dir)
	}
	has, err := hasApps(s, repo, dir)
	if err != nil {
		return err
	}
	if !has && c.Stdout {
		return slipway.Errorf(slipway.NotFound, "there is no app in %s yet, and a workflow is made for apps", repo.Root()).WithFix("first: slipway init")
	}
	if !has {
		if err := c.manifest(s, repo, dir); err != nil {
			return err
		}
	}
	if c.GitLab {
		return c.gitLab(s, repo)
	}
	return c.gitHub(s, repo)
}

// hasApps reports whether there are apps already, for the workflow: in the folder,
// above or below it, or anywhere if the folder has nothing that an app could be.
func hasApps(s *session, repo *git.Repository, dir string) (bool, error) {
	files, err := repo.Manifests(s.ctx)
	if err != nil || len(files) == 0 {
		return false, err
	}
	here := mustRel(repo, dir)
	if slices.ContainsFunc(files, func(file string) bool {
		folder := path.Dir(file)
		return folder == "." || here == "." || folder == here ||
			strings.HasPrefix(folder, here+"/") || strings.HasPrefix(here, folder+"/")
	}) {
		return true, nil
	}
	_, err = look(dir)
	return err != nil, nil
}

// manifest writes the manifest of an app.
func (c *initCommand) manifest(s *session, repo *git.Repository, dir string) error {
	file := filepath.Join(dir, manifest.FileName)
	if _, err := os.Stat(file); err == nil && !c.Force && !c.Stdout {
		return slipway.Errorf(slipway.Conflict, "%s is there already", file).WithFix("edit it, or write over it with --force")
	}
	facts, err := look(dir)
	if err != nil {
		return err
	}
	facts.App = filepath.Base(dir)
	if src, _, err := repo.Source(s.ctx, mustRel(repo, dir), true); err == nil {
		facts.Remote = src.Remote
	}
	menu, err := shapes()
	if err != nil {
		return err
	}
	text := manifest.Scaffold(facts, menu)
	if c.Stdout {
		_, err := s.env.Stdout.Write(text)
		return err
	}
	if err := writeFile(file, text); err != nil {
		return err
	}
	fmt.Fprintln(s.env.Stdout, file)
	if !c.GitHub && !c.GitLab {
		s.talk.say("commit it, then: slipway ship")
	}
	return nil
}

func mustRel(repo *git.Repository, dir string) string {
	rel, err := repo.Rel(dir)
	if err != nil {
		return "."
	}
	return rel
}

// look gathers what the manifest can be made of.
func look(dir string) (manifest.Facts, error) {
	var f manifest.Facts
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if rel != "." && (strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"node_modules", "venv", "__pycache__"}, d.Name())) {
				return fs.SkipDir
			}
			if strings.Count(rel, "/") >= 3 {
				return fs.SkipDir
			}
			return nil
		}
		lookAt(&f, file, rel)
		return nil
	})
	if err != nil {
		return f, err
	}
	if len(f.Notebooks)+len(f.Scripts) == 0 {
		return f, slipway.Errorf(slipway.NotFound, "there is no notebook and no Python script in %s", dir).
			WithFix("run slipway init in the folder of the job")
	}
	slices.SortStableFunc(f.Notebooks, shallowFirst)
	slices.SortStableFunc(f.Scripts, shallowFirst)
	if len(f.Notebooks) == 0 {
		lookInsideScript(&f, filepath.Join(dir, f.Scripts[0]))
	}
	return f, nil
}

// lookInsideScript takes in what a script says about its job.
func lookInsideScript(f *manifest.Facts, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		return
	}
	spark := bytes.Contains(bytes.ToLower(data), []byte("spark")) || bytes.Contains(data, []byte("GlueContext"))
	if !spark && !bytes.Contains(data, []byte("awsglue")) {
		return
	}
	f.Shape = "glue-job"
	if !spark {
		f.Settings = append(f.Settings, manifest.Setting{Name: "type", Value: "pythonshell", From: f.Scripts[0]})
	}
}

func shallowFirst(a, b string) int { return strings.Count(a, "/") - strings.Count(b, "/") }

// lookAt takes in one file.
func lookAt(f *manifest.Facts, file, rel string) {
	name := path.Base(rel)
	folder := path.Dir(rel)
	switch {
	case strings.HasSuffix(name, ".ipynb"):
		f.Notebooks = append(f.Notebooks, rel)
		if data, err := os.ReadFile(file); err == nil && len(f.Notebooks) == 1 {
			lookInside(f, rel, data)
		}
	case name == "requirements.txt" && folder == ".":
		f.Requirements = requirements(file)
	case strings.HasPrefix(name, "test_") || strings.HasSuffix(name, "_test.py") || name == "conftest.py":
		if f.Tests == "" {
			f.Tests, f.Unittest = folder, true
		}
		f.Unittest = f.Unittest && usesUnittest(file)
	case strings.HasSuffix(name, ".py") && folder == "." && name != "setup.py":
		f.Scripts = append(f.Scripts, rel)
		if data, err := os.ReadFile(file); err == nil {
			f.Arguments = append(f.Arguments, resolvedOptions(string(data))...)
		}
	case strings.HasSuffix(name, ".py") && (folder == "lib" || name == "__init__.py") && !slices.Contains(f.Include, folder+"/"):
		f.Include = append(f.Include, folder+"/")
	}
}

// usesUnittest reports whether a file of tests asks for nothing but unittest.
func usesUnittest(file string) bool {
	data, err := os.ReadFile(file)
	return err == nil && strings.HasPrefix(filepath.Base(file), "test_") &&
		bytes.Contains(data, []byte("unittest.TestCase")) && !bytes.Contains(data, []byte("pytest"))
}

// lookInside takes in what a notebook says about its job.
func lookInside(f *manifest.Facts, rel string, data []byte) {
	nb, err := notebook.Read(data)
	if err != nil {
		return // slipway build says what is wrong with it
	}
	if !nb.LooksLikeGlue() && !bytes.Contains(data, []byte("spark")) {
		f.Shape = "python-job" // nothing in it asks for Glue or Spark
	}
	for _, cell := range nb.Cells {
		f.Arguments = append(f.Arguments, resolvedOptions(cell.Source)...)
	}
	// What cannot be part of a job is told by slipway build; here it is only in
	// the way of the settings.
	actions := map[string]notebook.Action{}
	for _, r := range notebook.Rules() {
		actions[r.Magic] = notebook.Remove
	}
	script, err := nb.Glue(notebook.GlueOptions{Actions: actions})
	if err != nil {
		return
	}
	for _, set := range notebook.Last(script.Settings) {
		f.Settings = append(f.Settings, pipeline.FoundIn(rel, set))
	}
}

var (
	optionsCall = regexp.MustCompile(`getResolvedOptions\(\s*[\w.]+\s*,\s*\[([^\]]*)\]`)
	quoted      = regexp.MustCompile(`["'](\w+)["']`)
)

// resolvedOptions finds the arguments that a source asks for.
func resolvedOptions(source string) []string {
	var names []string
	for _, call := range optionsCall.FindAllStringSubmatch(source, -1) {
		for _, name := range quoted.FindAllStringSubmatch(call[1], -1) {
			if name[1] != "JOB_NAME" {
				names = append(names, name[1])
			}
		}
	}
	return names
}

func requirements(file string) []string {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var lines []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}
