package manifest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/slipway-cd/slipway/schema"
	"github.com/slipway-cd/slipway/shape"
)

// Facts are what `slipway init` found in a repository. All of them may be
// missing or odd; Scaffold writes down what fits and remarks on the rest.
type Facts struct {
	App  string // a name for the app, such as the folder's
	Team string
	// Shape is the shape to use; if empty, glue-job where there is a notebook or
	// a Glue magic, and python-job otherwise.
	Shape string
	// Notebooks, Scripts and Include are paths relative to the manifest's folder,
	// the likeliest first; Include are helper modules.
	Notebooks, Scripts, Include []string
	// Settings are what the notebook's magics say.
	Settings Found
	// Arguments are names that the source asks getResolvedOptions for.
	Arguments []string
	// Requirements are the lines of a requirements.txt.
	Requirements []string
	// Tests is the folder of the tests, if there is one.
	Tests string
	// Unittest says that the tests need nothing but Python's own unittest.
	Unittest bool
	// Remote is the URL of the git remote.
	Remote string
}

// Scaffold writes a commented manifest from the facts. Load reads it without a
// complaint.
func Scaffold(facts Facts, shapes shape.Menu) []byte {
	s := facts.shape(shapes)
	w := &scaffold{facts: facts, shape: s}
	w.head()
	w.build()
	w.checks()
	w.run()
	w.environments()
	return []byte(w.text.String())
}

func (f Facts) shape(shapes shape.Menu) *shape.Shape {
	name := f.Shape
	if name == "" && len(f.Notebooks) == 0 && len(f.Settings) == 0 {
		name = "python-job"
	}
	if s := shapes.Lookup(name); s != nil {
		return s
	}
	return shapes.Lookup("glue-job")
}

// NameFrom makes a name that an app may have from any text: the name of a
// folder, a notebook or a repository.
func NameFrom(text string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		default:
			return '-'
		}
	}, strings.ToLower(text))
	for strings.Contains(name, "--") {
		name = strings.ReplaceAll(name, "--", "-")
	}
	name = strings.TrimLeft(name, "-0123456789")
	name = strings.TrimRight(name[:min(len(name), 63)], "-")
	if name == "" {
		return "app"
	}
	return name
}

type scaffold struct {
	facts Facts
	shape *shape.Shape
	text  strings.Builder
}

// line writes a line with a comment beside it; either may be empty.
func (w *scaffold) line(text, comment string) {
	const column = 36
	if comment != "" {
		comment = "# " + strings.Map(printable, comment)
		if text != "" {
			comment = strings.Repeat(" ", max(2, column-len([]rune(text)))) + comment
		}
	}
	w.text.WriteString(text + comment + "\n")
}

func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return ' '
}

func (w *scaffold) head() {
	w.line("", "What Slipway needs to know about this app. `slipway shapes "+w.shape.Name+"` explains")
	w.line("", "every key of run, and `slipway schema` makes an editor complete them.")
	if w.facts.Remote != "" {
		w.line("", "Source: "+withoutPassword(w.facts.Remote))
	}
	w.line("slipway: v1", "")
	w.line("app: "+schema.QuoteYAML(NameFrom(w.facts.App)), "")
	if w.facts.Team != "" {
		w.line("team: "+schema.QuoteYAML(NameFrom(w.facts.Team)), "")
	} else {
		w.line("# team: my-team", "the team that owns the app")
	}
	w.line("shape: "+w.shape.Name, "`slipway shapes` shows the menu")
}

// withoutPassword leaves out what stands before the @ of a remote's URL.
func withoutPassword(remote string) string {
	scheme, rest, found := strings.Cut(remote, "://")
	if _, host, at := strings.Cut(rest, "@"); found && at {
		return scheme + "://" + host
	}
	return remote
}

func (w *scaffold) build() {
	w.line("", "")
	w.line("build:", "")
	key, file, others := w.source()
	comment := ""
	if key == "notebook" {
		comment = "the script is made from it"
	}
	w.line("  "+key+": "+schema.QuoteYAML(file), comment)
	for _, other := range others {
		w.line("  # "+strings.Map(printable, other), "found as well; one manifest is one app")
	}
	if include := w.fitting(w.facts.Include, &schema.Type{Kind: schema.Path}); len(include) > 0 {
		w.line("  include: "+list(include), "helper modules that the job imports")
	} else {
		w.line("  # include: [lib/]", "helper modules that the job imports")
	}
}

// source picks the notebook or script that is the app's source.
func (w *scaffold) source() (key, file string, others []string) {
	path := &schema.Type{Kind: schema.Path}
	notebooks, scripts := w.fitting(w.facts.Notebooks, path), w.fitting(w.facts.Scripts, path)
	switch {
	case len(notebooks) > 0:
		key, file = "notebook", notebooks[0]
	case len(scripts) > 0:
		key, file = "script", scripts[0]
	default:
		return "script", "job.py", nil
	}
	for _, n := range notebooks {
		others = append(others, "notebook: "+schema.QuoteYAML(n))
	}
	for _, s := range scripts {
		others = append(others, "script: "+schema.QuoteYAML(s))
	}
	const most = 6
	others = others[1:]
	return key, file, others[:min(len(others), most)]
}

// fitting keeps the texts that a type takes.
func (w *scaffold) fitting(texts []string, t *schema.Type) []string {
	var fit []string
	for _, text := range texts {
		if reads(schema.QuoteYAML(text), t) {
			fit = append(fit, text)
		}
	}
	return fit
}

// reads reports whether a value, as it is written, is of the type.
func reads(written string, t *schema.Type) bool {
	holder := &schema.Type{Kind: schema.Object, Fields: []schema.Field{{Name: "v", Type: t, Required: true}}}
	_, problems := schema.Open("", []byte("v: "+written+"\n")).Read(holder)
	return len(problems) == 0
}

func list(texts []string) string {
	all := make([]string, len(texts))
	for i, text := range texts {
		all[i] = schema.QuoteYAML(text)
	}
	return "[" + strings.Join(all, ", ") + "]"
}

func (w *scaffold) checks() {
	w.line("", "")
	command := `"python3 -m pytest -q --junitxml=$REPORTS/unit.xml"`
	if w.facts.Tests == "" {
		w.line("# checks:", "questions that your own commands answer before a release")
		w.line("#   unit: {run: "+command+", junit: unit.xml, requirements: [pytest]}", "")
		return
	}
	w.line("checks:", "questions that your own commands answer before a release")
	switch {
	case !w.facts.Unittest:
		w.line("  unit: {run: "+command+", junit: unit.xml, requirements: [pytest]}", "")
	case w.facts.Tests == ".":
		w.line("  unit: {run: [python3, -m, unittest, -q]}", "")
	default:
		w.line("  unit: {run: [python3, -m, unittest, discover, -q, -s, "+schema.QuoteYAML(w.facts.Tests)+"]}", "")
	}
}

// run writes the parameters that the facts speak of, in the shape's order, and
// remarks on settings that do not fit.
func (w *scaffold) run() {
	w.line("", "")
	settings, remarks := w.settings()
	if w.shape.Parameter("role") != nil && settings["role"] == "" {
		remarks = append(remarks, "role: <name> is needed before this goes to AWS Glue")
	}
	off := ""
	if len(settings) == 0 {
		off = "# "
	}
	w.line(off+"run:", "")
	for _, p := range w.shape.Parameters {
		if settings[p.Name] != "" {
			w.line("  "+p.Name+": "+settings[p.Name], "")
		}
	}
	for _, remark := range remarks {
		w.line(comment(off)+strings.Map(printable, remark), "")
	}
	if w.shape.Parameter("schedule") != nil {
		w.line(comment(off)+`schedule: "0 3 * * *"`, "minute hour day month weekday")
	}
}

// comment begins a comment below a key that is there, or one that is commented
// out itself: taking the marks away leaves what is indented rightly.
func comment(off string) string {
	if off == "" {
		return "  # "
	}
	return off + "  "
}

// settings are values of run, as they are written.
func (w *scaffold) settings() (settings map[string]string, remarks []string) {
	settings = map[string]string{}
	arguments := map[string]string{}
	for _, name := range w.argumentNames() {
		arguments[name] = `""`
	}
	asked := len(arguments) > 0
	for _, set := range w.facts.Settings {
		written := schema.FromPlain(set.Value, set.From).YAML()
		if name, ok := strings.CutPrefix(set.Name, "arguments."); ok && reads(written, &schema.Type{Kind: schema.String}) {
			arguments[name] = written
			continue
		}
		if p := w.shape.Parameter(set.Name); p == nil || !reads(written, p.Type) {
			remarks = append(remarks, fmt.Sprintf("%s %s, which %s says, has no place here", set.Name, written, set.From))
			continue
		}
		settings[set.Name] = written
	}
	w.addModules(settings)
	if len(arguments) > 0 {
		pairs := make([]string, 0, len(arguments))
		for _, name := range slices.Sorted(maps.Keys(arguments)) {
			pairs = append(pairs, schema.QuoteYAML(name)+": "+arguments[name])
		}
		settings["arguments"] = "{" + strings.Join(pairs, ", ") + "}"
	}
	if asked {
		remarks = append(remarks, "the source asks for these arguments: give them their values")
	}
	return w.agreeing(settings, remarks)
}

// agreeing leaves out settings that do not go together.
func (w *scaffold) agreeing(settings map[string]string, remarks []string) (agreed map[string]string, remarked []string) {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&b, "%s: %s\n", name, settings[name])
	}
	run, _ := schema.Open("", []byte(b.String())).Read(w.shape.RunType())
	_, broken := w.shape.Resolve(run, shape.Place{Environment: "local", Runtime: "local"})
	for _, violation := range broken {
		if written := settings[violation.Parameter]; written != "" {
			remarks = append(remarks, fmt.Sprintf("%s: %s, which the notebook says: %s", violation.Parameter, written, violation.Message))
			delete(settings, violation.Parameter)
		}
	}
	return settings, remarks
}

// addModules adds the packages that a run needs to those the notebook names.
func (w *scaffold) addModules(settings map[string]string) {
	if settings["additional_python_modules"] != "" || w.shape.Parameter("additional_python_modules") == nil {
		return
	}
	var modules []string
	for _, line := range w.facts.Requirements {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "-") && !forDevelopment(line) {
			modules = append(modules, line)
		}
	}
	if modules = w.fitting(modules, &schema.Type{Kind: schema.String}); len(modules) > 0 {
		settings["additional_python_modules"] = list(modules)
	}
}

// forDevelopment reports whether a requirement is a tool of the developer, or a
// part of the runtime.
func forDevelopment(requirement string) bool {
	end := strings.IndexFunc(requirement, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '_' && r != '.'
	})
	if end < 0 {
		end = len(requirement)
	}
	name := strings.ReplaceAll(strings.ToLower(requirement[:end]), "_", "-")
	tools := []string{"pyspark", "notebook", "ipykernel", "ipython", "nbconvert", "nbformat", "black", "ruff", "flake8", "isort", "mypy", "pylint", "tox", "pre-commit", "coverage"}
	return slices.Contains(tools, name) || strings.HasPrefix(name, "pytest") || strings.HasPrefix(name, "jupyter") || strings.HasPrefix(name, "aws-glue")
}

// argumentNames are the arguments that a person gives: Glue itself gives
// JOB_NAME.
func (w *scaffold) argumentNames() []string {
	p := w.shape.Parameter("arguments")
	if p == nil {
		return nil
	}
	var names []string
	for _, name := range w.facts.Arguments {
		if name != "JOB_NAME" && !slices.Contains(names, name) && reads("{"+schema.QuoteYAML(name)+`: ""}`, p.Type) {
			names = append(names, name)
		}
	}
	return names
}

func (w *scaffold) environments() {
	w.line("", "")
	w.line("environments:", "what is different there: maps merge, other values replace, null removes")
	w.line("  local: {}", "this machine; for example {run: {arguments: {source: data/in.csv}}}")
	w.line("  # prod: {run: {schedule: null}}", "")
}
