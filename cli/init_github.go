package cli

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/aymanbagabas/go-udiff"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/git"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/pipeline"
)

const (
	workflowFile = ".github/workflows/slipway.yml"
	ownAction    = "slipway-cd/slipway"
)

// gitHub writes the workflow of the repository, for all of its apps.
func (c *initCommand) gitHub(s *session, repo *git.Repository) error {
	w, err := c.workflow(s, repo, "GitHub")
	if err != nil {
		return err
	}
	if w.Slipway, err = c.action(s); err != nil {
		return err
	}
	text, err := w.render()
	if err != nil {
		return err
	}
	written, err := c.write(s, repo, workflowFile, text, w)
	if err != nil || !written {
		return err
	}
	s.talk.say("commit it; docs/github.md says what GitHub and the cloud have to know: the environments %s", strings.Join(w.places(), ", "))
	return nil
}

// write writes the file of a workflow, unless it is there and differs.
func (c *initCommand) write(s *session, repo *git.Repository, name string, text []byte, w workflow) (written bool, err error) {
	if c.Stdout {
		_, err := s.env.Stdout.Write(text)
		return false, err
	}
	file := filepath.Join(repo.Root(), filepath.FromSlash(name))
	there, err := os.ReadFile(file)
	switch {
	case err == nil && bytes.Equal(there, text):
		s.talk.say("%s is there already, and as it would be written", file)
		return false, nil
	case err == nil && !c.Force:
		fmt.Fprint(s.env.Stdout, udiff.Unified(name, "as it would be written", string(there), string(text)))
		return false, slipway.Errorf(slipway.Conflict, "%s is there already, and differs", file).WithFix("take over by hand what you want of it, or write over it with --force")
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return false, slipway.Errorf(slipway.Unavailable, "cannot read %s: %w", file, reason(err))
	}
	if err := writeFile(file, text); err != nil {
		return false, err
	}
	fmt.Fprintln(s.env.Stdout, file)
	for _, name := range slices.Sorted(maps.Keys(w.lost)) {
		s.talk.say("  %s", s.talk.paint(yellow, "the releases of "+name+" lie in a folder, "+w.lost[name]+": a runner of "+w.host+"'s own does not have it the next time"))
	}
	return true, nil
}

// places are the environments that the workflow names on GitHub.
func (w workflow) places() []string {
	var names []string
	for _, a := range w.Apps {
		for _, e := range a.Environments {
			names = append(names, e, e+"-plan")
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// workflow gathers what the workflow is made of.
func (c *initCommand) workflow(s *session, repo *git.Repository, host string) (workflow, error) {
	w := workflow{host: host, lost: map[string]string{}, roles: map[string]roles{}}
	files, err := repo.Manifests(s.ctx)
	if err != nil {
		return w, err
	}
	slices.Sort(files)
	for _, f := range files {
		app, err := c.shipped(s, &w, repo, path.Dir(f))
		if err != nil {
			return w, err
		}
		w.Apps = append(w.Apps, app)
		if !slices.Contains(w.Pythons, app.Python) {
			w.Pythons = append(w.Pythons, app.Python)
		}
	}
	slices.SortFunc(w.Pythons, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
	if w.Branch, err = repo.DefaultBranch(s.ctx); err != nil {
		return w, err
	}
	w.Branch = cmp.Or(w.Branch, "main")
	return w, nil
}

// shipped is the app in a folder, with the Python that it needs.
func (c *initCommand) shipped(s *session, w *workflow, repo *git.Repository, folder string) (shipped, error) {
	a := shipped{Path: folder}
	if strings.Contains(folder, "${{") || strings.TrimSpace(folder) != folder || strings.ContainsFunc(folder, unicode.IsControl) {
		return a, slipway.Errorf(slipway.Invalid, "a workflow cannot name the folder %q", folder).WithFix("rename it")
	}
	menu, err := shapes()
	if err != nil {
		return a, err
	}
	p, err := pipeline.OpenProject(s.ctx, pipeline.Where{
		Dir: filepath.Join(repo.Root(), filepath.FromSlash(folder)), Platform: s.platform(), Environ: s.env.Environ, Shapes: menu,
	})
	if err != nil {
		return a, err
	}
	defer func() { _ = p.Close() }() // it only ends a process that reads
	a.Name = p.Manifest.App
	if a.Environments, err = c.ends(w, p); err != nil {
		return a, err
	}
	local, err := p.Manifest.Resolve(slipway.LocalEnvironment, p.Platform)
	if err != nil {
		return a, err
	}
	a.Python = pythonOf(local.RunMap())
	return a, nil
}

// platform is the platform file, from where the person stands.
func (s *session) platform() string {
	if s.globals.Platform == "" {
		return ""
	}
	return s.path(s.globals.Platform)
}

// ends returns the environments that the app is shipped to: those that are asked
// for, else the end of the road.
func (c *initCommand) ends(w *workflow, p *pipeline.Project) ([]string, error) {
	ends := c.Env
	if len(ends) == 0 {
		var err error
		if ends, err = w.lastOf(p.Platform); err != nil {
			return nil, err
		}
	}
	for _, name := range ends {
		road, err := p.Road(name)
		if err != nil {
			return nil, err
		}
		for _, e := range road {
			if e.IsLocal() && name == e.Name {
				return nil, slipway.Errorf(slipway.Invalid, "the environment local is one machine's own, and a runner of %s is gone after its work", w.host).
					WithFix("name one with a repository that others reach")
			}
			if !strings.Contains(e.Repository, "://") {
				w.lost[e.Name] = e.Repository
			}
			w.roles[e.Name] = roles{Ship: e.Role, Plan: cmp.Or(e.PlanRole, e.Role)}
		}
	}
	return ends, nil
}

// lastOf returns the environment at the end of the platform's road, which none
// follows.
func (w *workflow) lastOf(p *manifest.Platform) ([]string, error) {
	followed := map[string]bool{slipway.LocalEnvironment: true}
	names := p.EnvironmentNames()
	for _, name := range names {
		e, _ := p.Environment(name)
		followed[e.Follows] = true
	}
	ends := slices.DeleteFunc(names, func(name string) bool { return followed[name] })
	switch len(ends) {
	case 0:
		return nil, slipway.Errorf(slipway.NotFound, "there is no environment but local, and a runner of %s is gone after its work", w.host).
			WithFix("describe an environment with a repository that others reach, in %s", manifest.PlatformFileName)
	case 1:
		return ends, nil
	}
	return nil, slipway.Errorf(slipway.Invalid, "the road has several ends: %s", strings.Join(ends, ", ")).
		WithFix("say which the workflow ships to, such as: slipway init --%s --env %s", strings.ToLower(w.host), strings.Join(ends, ","))
}

// pythonOf returns the Python of the runner that an app needs for its checks.
func pythonOf(run map[string]any) string {
	if run["type"] == "pythonshell" {
		return "3.9"
	}
	version, _ := run["glue_version"].(string)
	switch version {
	case "3.0":
		return "3.7"
	case "4.0":
		return "3.10"
	case "5.0", "5.1":
		return "3.11"
	case "6.0":
		return "3.13"
	}
	if version, ok := run["python_version"].(string); ok && version != "3" {
		return version
	}
	return "3.x"
}

var (
	actionRef   = regexp.MustCompile(`^([A-Za-z0-9-]+/[A-Za-z0-9_.-]+)@([A-Za-z0-9_./-]+)$`)
	fullCommit  = regexp.MustCompile(`^[0-9a-f]{40}$`)
	releaseName = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+(-[a-z]+\.[0-9]+)?$`)
)

// action returns the action that installs slipway, pinned to a commit: the one
// that is asked for, else this program's own.
func (c *initCommand) action(s *session) (string, error) {
	ref := c.Action
	if ref == "" {
		if !releaseName.MatchString(s.env.Version) {
			return "", slipway.Errorf(slipway.Invalid, "this slipway is %s, and no release: there is no action that installs it", s.env.Version).
				WithFix("name the action of a release, by its tag or commit: --action %s@v1.2.3", ownAction)
		}
		ref = ownAction + "@" + s.env.Version
	}
	parts := actionRef.FindStringSubmatch(ref)
	if parts == nil {
		return "", slipway.Errorf(slipway.Invalid, "%q is no action", ref).WithFix("name it as OWNER/NAME@TAG or OWNER/NAME@COMMIT")
	}
	if fullCommit.MatchString(parts[2]) {
		return ref, nil
	}
	at := git.Location{URL: "https://github.com/" + parts[1], Ref: parts[2], Path: "action.yml"}
	got, err := git.FetchFile(s.ctx, filepath.Join(s.env.Cache, "actions"), s.env.Environ, at)
	if err != nil {
		return "", fmt.Errorf("find the commit of the action: %w", err)
	}
	return parts[1] + "@" + got.Commit + " # " + parts[2], nil
}
