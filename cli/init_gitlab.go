package cli

import (
	"bytes"
	_ "embed" // the pipeline is a file of its own
	"fmt"
	"slices"
	"strings"
	"text/template"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/git"
)

const pipelineFile = ".gitlab-ci.yml"

//go:embed init_gitlab.yml
var pipelineText string

// gitLab writes the pipeline of the repository, for all of its apps.
func (c *initCommand) gitLab(s *session, repo *git.Repository) error {
	release := c.Release
	if release == "" {
		release = s.env.Version
	}
	if !releaseName.MatchString(release) {
		return slipway.Errorf(slipway.Invalid, "%s is no release of slipway that a pipeline could install", release).WithFix("name one: --release v1.2.3")
	}
	w, err := c.workflow(s, repo, "GitLab")
	if err != nil {
		return err
	}
	for _, a := range w.Apps {
		if strings.Contains(a.Path, "$") {
			return slipway.Errorf(slipway.Invalid, "a pipeline cannot name the folder %q", a.Path).WithFix("rename it")
		}
	}
	text, err := w.renderPipeline(release)
	if err != nil {
		return err
	}
	written, err := c.write(s, repo, pipelineFile, text, w)
	if err != nil || !written {
		return err
	}
	s.talk.say("commit it; docs/gitlab.md says what GitLab and the cloud have to know")
	return nil
}

// Image is the tag of the image with the Python that an app needs.
func (a shipped) Image() string { return strings.TrimSuffix(a.Python, ".x") }

// renderPipeline writes the pipeline for GitLab.
func (w workflow) renderPipeline(release string) ([]byte, error) {
	t, err := template.New("pipeline").Delims("«", "»").Parse(pipelineText)
	if err != nil {
		return nil, err
	}
	type ship struct{ Name, Folder, Environment, Role, Image string }
	type plan struct {
		Environment, Role string
		Apps              []shipped
	}
	data := struct {
		Release string
		Image   string // of the newest Python
		Apps    []shipped
		Plans   []plan
		Ships   []ship
	}{Release: release, Image: shipped{Python: w.Pythons[len(w.Pythons)-1]}.Image(), Apps: w.Apps}
	for _, a := range w.Apps {
		for _, e := range a.Environments {
			data.Ships = append(data.Ships, ship{a.Name, a.Folder(), e, yamlText(w.roles[e].Ship), a.Image()})
			i := slices.IndexFunc(data.Plans, func(p plan) bool { return p.Environment == e })
			if i < 0 {
				i, data.Plans = len(data.Plans), append(data.Plans, plan{Environment: e, Role: yamlText(w.roles[e].Plan)})
			}
			data.Plans[i].Apps = append(data.Plans[i].Apps, a)
		}
	}
	var text bytes.Buffer
	if err := t.Execute(&text, data); err != nil {
		return nil, fmt.Errorf("write the pipeline: %w", err)
	}
	return text.Bytes(), nil
}
