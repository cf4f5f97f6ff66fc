package cli

import (
	"bytes"
	_ "embed" // the workflow is a file of its own
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/template"
)

// The actions that the workflow uses, at commits, which nobody can move as a tag
// can be moved.
const (
	checkoutAction = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"
	pythonAction   = "actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97 # v7.0.0"
)

//go:embed init_workflow.yml
var workflowText string

// A workflow is what the workflow of a repository on GitHub is made of.
type workflow struct {
	Branch  string    // what is merged to it is shipped
	Slipway string    // the action that installs slipway: owner/name@commit # version
	Apps    []shipped // in the order of their folders
	Pythons []string  // that the apps need, the newest last, which is the default

	host  string            // GitHub or GitLab
	lost  map[string]string // environments whose repository is a folder, and which
	roles map[string]roles  // of the environments in the cloud
}

// roles are those with which an environment is shipped to, and planned for.
type roles struct{ Ship, Plan string }

// A shipped app is one with the environments that it is shipped to.
type shipped struct {
	Name         string
	Path         string // its folder in the repository, slashes
	Environments []string
	Python       string // that its checks need
}

// Folder is the path as a scalar of YAML.
func (a shipped) Folder() string { return yamlText(a.Path) }

// render writes the workflow.
func (w workflow) render() ([]byte, error) {
	t, err := template.New("workflow").Delims("«", "»").Parse(workflowText)
	if err != nil {
		return nil, err
	}
	type ship struct{ Name, Folder, Environment string }
	type plan struct {
		Environment string
		Apps        []shipped
	}
	data := struct {
		Checkout, SetupPython, Slipway, Branch string
		Pythons                                []string
		Apps                                   []shipped
		Plans                                  []plan
		Ships                                  []ship
		Limit                                  int // of one environment's plans, in bytes
	}{Checkout: checkoutAction, SetupPython: pythonAction, Slipway: w.Slipway, Branch: yamlText(branchPattern(w.Branch)), Pythons: w.Pythons, Apps: w.Apps}
	for _, a := range w.Apps {
		for _, e := range a.Environments {
			data.Ships = append(data.Ships, ship{a.Name, a.Folder(), e})
			i := slices.IndexFunc(data.Plans, func(p plan) bool { return p.Environment == e })
			if i < 0 {
				i, data.Plans = len(data.Plans), append(data.Plans, plan{Environment: e})
			}
			data.Plans[i].Apps = append(data.Plans[i].Apps, a)
		}
	}
	data.Limit = 60_000 / max(1, len(data.Plans))
	var text bytes.Buffer
	if err := t.Execute(&text, data); err != nil {
		return nil, fmt.Errorf("write the workflow: %w", err)
	}
	return text.Bytes(), nil
}

// branchPattern is the pattern that matches the branch alone.
func branchPattern(branch string) string {
	return regexp.MustCompile(`[\\?+*\[\]!]`).ReplaceAllString(branch, `\$0`)
}

// yamlText is a text as a scalar of YAML, quoted where it might be anything else.
func yamlText(text string) string {
	plain := regexp.MustCompile(`^[A-Za-z][A-Za-z0-9/_.-]*$`)
	if plain.MatchString(text) && !slices.Contains([]string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}, strings.ToLower(text)) {
		return text
	}
	quoted, err := json.Marshal(text) // a string of JSON is one of YAML
	if err != nil {
		return `""` // strings can always be marshalled
	}
	return string(quoted)
}
