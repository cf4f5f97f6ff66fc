package manifest

import (
	"regexp"
	"slices"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/schema"
	"github.com/slipway-cd/slipway/shape"
)

// The defaults of commands that name no time limit.
const (
	defaultCheckTimeout = 15 * time.Minute
	defaultStepTimeout  = 30 * time.Minute
)

// FileType describes a slipway.yaml of a shape. Without a shape, build and run
// are anything; names are the shapes that may be named.
func FileType(s *shape.Shape, names []string) *schema.Type {
	return &schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "slipway", Required: true, Type: &schema.Type{Kind: schema.String, Enum: []string{"v1"}}, Help: "The version of this file's format."},
		{Name: "app", Required: true, Type: nameType("an app's name"), Help: "The app's name, unique on the platform.", Example: "traffic-etl", Also: []string{"name"}},
		{Name: "team", Type: nameType("a team's name"), Help: "The team that owns the app.", Example: "data-platform", Also: []string{"owner"}},
		{Name: "shape", Required: true, Type: &schema.Type{Kind: schema.String, Enum: names}, Help: "The kind of application; `slipway shapes` shows the menu.", Also: []string{"kind"}},
		{Name: "platform", Type: platformRefType(), Help: "Where the platform file is, if it is not beside or above this file.", Example: "platform/platform.yaml"},
		{Name: "build", Required: true, Type: buildType(s), Help: "How the source becomes artifacts."},
		{Name: "checks", Type: mapOf("a check's name", checkType()), Help: "Questions about the app that commands of your own answer.", Also: []string{"tests"}},
		{Name: "review", Type: listOf(ReviewType()), Help: "Who has to approve a change before it is merged. All rules have to be met.", Also: []string{"reviews", "approval"}},
		{Name: "merge", Type: appMergeType(), Help: "What else a merge waits for."},
		{Name: "run", Type: runType(s), Help: "How the app runs; the shape says what may stand here."},
		{Name: "environments", Type: mapOf("an environment's name", environmentType(s)), Help: "What is different in an environment.", Also: []string{"envs"}},
		{Name: "deliver", Type: deliverType(), Help: "What the server does with pushes and tags."},
		{Name: "ask", Type: listOf(askType()), Help: "Requests to cross guard rails; grants live in the ledger."},
	}}
}

func runType(s *shape.Shape) *schema.Type {
	if s == nil {
		return &schema.Type{Kind: schema.Any}
	}
	t := s.RunType()
	t.Nullable, t.MayBeEmpty = false, true
	return t
}

func environmentType(s *shape.Shape) *schema.Type {
	return &schema.Type{Kind: schema.Object, MayBeEmpty: true, Fields: []schema.Field{
		{Name: "run", Type: runType(s), Help: "Values of run that hold here: maps merge key by key, other values replace, null removes."},
	}}
}

func buildType(s *shape.Shape) *schema.Type {
	if s == nil {
		return &schema.Type{Kind: schema.Any}
	}
	t := &schema.Type{Kind: schema.Object}
	for _, f := range buildFields() {
		if slices.Contains(s.Build.ExactlyOne, f.Name) || slices.Contains(s.Build.Takes, f.Name) {
			t.Fields = append(t.Fields, f)
		}
	}
	t.Fields = append(t.Fields, schema.Field{Name: "runs_on", Type: runsOnType(), Help: "The labels that a server or worker must have to build and check the app.", Example: "[gpu]"})
	if len(s.Build.ExactlyOne) > 0 {
		t.OneOf = [][]string{s.Build.ExactlyOne}
	}
	return t
}

func buildFields() []schema.Field {
	return []schema.Field{
		{Name: "notebook", Type: &schema.Type{Kind: schema.Path}, Help: "The Jupyter notebook that is the source; the script is made from it.", Example: "traffic.ipynb"},
		{Name: "script", Type: &schema.Type{Kind: schema.Path}, Help: "The Python script that is the source.", Example: "job.py"},
		{Name: "include", Type: listOf(&schema.Type{Kind: schema.Path}), Help: "Files and folders of helper modules that the script imports.", Example: "[lib/]"},
		{Name: "steps", Type: listOf(stepType()), Help: "Build steps of your own, in order."},
	}
}

func stepType() *schema.Type {
	return &schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "name", Required: true, Type: nameType("a step's name"), Help: "The step's name."},
		{Name: "run", Required: true, Type: commandType(), Help: "The command: text for the shell, or a list that is executed as it stands."},
		{Name: "inputs", Type: listOf(&schema.Type{Kind: schema.Path}), Help: "The files that the step reads, as globs; all of the tree if none are given."},
		{Name: "outputs", Type: listOf(&schema.Type{Kind: schema.Path}), Help: "The files that the step makes."},
		{Name: "env", Type: envType(), Help: "Environment variables."},
		{Name: "timeout", Type: timeoutType(), Default: schema.FormatDuration(defaultStepTimeout), Help: "How long the step may take."},
		{Name: "network", Type: networkType(), Default: "false", Help: "Whether the step needs the network. Where steps are isolated they have none otherwise."},
	}}
}

func askType() *schema.Type {
	return &schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "rail", Required: true, Type: nameType("a guard rail's name"), Help: "The guard rail to cross."},
		{Name: "why", Required: true, Type: textType(), Help: "Why it is needed.", Also: []string{"reason"}},
		{Name: "until", Required: true, Type: &schema.Type{Kind: schema.Date}, Help: "The last day."},
	}}
}

func platformRefType() *schema.Type {
	return &schema.Type{Kind: schema.Union, Of: []*schema.Type{
		{Kind: schema.Folder, What: "the path of a platform.yaml"},
		{Kind: schema.Object, What: "{git: URL, ref: branch or tag, path: platform.yaml}", Fields: []schema.Field{
			{Name: "git", Required: true, Type: gitURLType(), Help: "The repository's URL.", Also: []string{"url"}},
			{Name: "ref", Required: true, Type: textType(), Help: "A branch, tag or commit.", Also: []string{"branch", "tag"}},
			{Name: "path", Type: &schema.Type{Kind: schema.Path}, Default: PlatformFileName, Help: "The file in the repository."},
		}},
	}}
}

func gitURLType() *schema.Type {
	return &schema.Type{
		Kind: schema.String, Pattern: `^([a-z][a-z0-9+.-]*://[^\s]+|[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:[^\s]+)$`,
		PatternHelp: "a git URL such as https://git.example.com/platform.git or git@git.example.com:team/platform.git",
	}
}

// commandType is text for the shell, or a list of arguments.
func commandType() *schema.Type {
	return &schema.Type{Kind: schema.Union, What: `a command: text for the shell, or a list such as [pytest, -q]`, Of: []*schema.Type{
		textType(),
		{Kind: schema.List, Elem: &schema.Type{Kind: schema.String}, Min: new(1.0)},
	}}
}

func envType() *schema.Type {
	return &schema.Type{
		Kind: schema.Map, Elem: &schema.Type{Kind: schema.String},
		Key: &schema.Type{Kind: schema.String, Pattern: `^[A-Za-z_][A-Za-z0-9_]*$`, PatternHelp: "the name of an environment variable: letters, digits and _"},
	}
}

func timeoutType() *schema.Type {
	return &schema.Type{Kind: schema.Duration, Min: new(1.0), Max: new(24 * 3600.0)}
}

func textType() *schema.Type { return &schema.Type{Kind: schema.String, Min: new(1.0)} }

func listOf(t *schema.Type) *schema.Type { return &schema.Type{Kind: schema.List, Elem: t} }

func mapOf(name string, t *schema.Type) *schema.Type {
	return &schema.Type{Kind: schema.Map, Key: nameType(name), Elem: t, What: "names, each with keys and values", MayBeEmpty: true}
}

// runsOnType describes labels of servers and workers; see [CheckLabel].
func runsOnType() *schema.Type { return listOf(nameType("a label")) }

// CheckLabel says whether a server or worker may have a label.
func CheckLabel(label string) error {
	t := nameType("a label")
	if !regexp.MustCompile(t.Pattern).MatchString(label) {
		return slipway.Errorf(slipway.Invalid, "%q is not %s", label, t.PatternHelp)
	}
	return nil
}

// nameType is the form of all names that people give to things: what a host
// name may be, so that they can stand in keys, addresses and labels.
func nameType(what string) *schema.Type {
	return &schema.Type{
		Kind: schema.String, Pattern: `^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`,
		PatternHelp: what + ": lower-case letters, digits and hyphens, at most 63, with a letter first",
	}
}
