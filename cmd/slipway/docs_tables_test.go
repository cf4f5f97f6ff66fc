package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-cd/slipway/driver/glue/price"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/notebook"
	"github.com/slipway-cd/slipway/schema"
	"github.com/slipway-cd/slipway/shape"
)

// generatedPart finds a part of a page that is made from the code: it stands
// between <!-- generated: NAME --> and <!-- end -->.
var generatedPart = regexp.MustCompile(`(?s)<!-- generated: ([a-z.\- ]+) -->\n(.*?)<!-- end -->`)

// TestGeneratedParts keeps tables in the pages as the code has them. UPDATE=1
// rewrites them.
func TestGeneratedParts(t *testing.T) {
	found := map[string]bool{}
	for _, file := range docsPages(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := generatedPart.ReplaceAllStringFunc(string(data), func(part string) string {
			m := generatedPart.FindStringSubmatch(part)
			found[m[1]] = true
			fresh := generate(t, m[1])
			if fresh != m[2] && !updating() {
				t.Errorf("%s: %q is not what the code says; UPDATE=1 rewrites it. It should be\n%s", file, m[1], fresh)
			}
			return "<!-- generated: " + m[1] + " -->\n" + fresh + "<!-- end -->"
		})
		if !updating() || text == string(data) {
			continue
		}
		if err := os.WriteFile(filepath.Clean(file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"keys of slipway.yaml", "run of glue-job", "run of python-job", "keys of platform.yaml", "keys of a review rule", "keys of prices", "settings", "magics", "glue versions"} {
		if !found[name] {
			t.Errorf("no page has the generated part %q", name)
		}
	}
}

func generate(t *testing.T, name string) string {
	t.Helper()
	switch name {
	case "keys of slipway.yaml":
		return keysTable(manifest.FileType(builtinShape(t, "glue-job"), []string{"glue-job", "python-job"}), "run", "environments", "review", "merge.external.NAME.if")
	case "run of glue-job", "run of python-job":
		return runTable(builtinShape(t, strings.TrimPrefix(name, "run of ")))
	case "keys of platform.yaml":
		return keysTable(manifest.PlatformType(), "merge.review", "merge.checks.NAME.if", "merge.external.NAME.if")
	case "keys of a review rule":
		return keysTable(manifest.ReviewType(), "any", "all")
	case "keys of prices":
		return keysTable(price.Type())
	case "settings":
		return settingsTable(t)
	case "magics":
		return magicsTable()
	case "glue versions":
		return glueTable(t)
	}
	t.Fatalf("nothing generates %q", name)
	return ""
}

func builtinShape(t *testing.T, name string) *shape.Shape {
	t.Helper()
	menu, err := shape.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return menu.Lookup(name)
}

// keysTable lists the keys of a file with those below them; what is below the
// keys that are left is told elsewhere.
func keysTable(file *schema.Type, left ...string) string {
	var b strings.Builder
	b.WriteString("| key | value | meaning |\n| --- | --- | --- |\n")
	keyRows(&b, "", file, left)
	return b.String()
}

func keyRows(b *strings.Builder, path string, t *schema.Type, left []string) {
	for _, f := range t.Fields {
		key := strings.TrimPrefix(path+"."+f.Name, ".")
		row(b, "`"+key+"`"+must(f.Required), valueOf(f.Type), meaning(f))
		if slices.Contains(left, key) {
			continue
		}
		keyRowsBelow(b, key, f.Type, left)
	}
}

// keyRowsBelow lists the keys that a value has.
func keyRowsBelow(b *strings.Builder, key string, t *schema.Type, left []string) {
	switch t.Kind {
	case schema.Object:
		keyRows(b, key, t, left)
	case schema.Map:
		keyRowsBelow(b, key+".NAME", t.Elem, left)
	case schema.List:
		keyRowsBelow(b, key+"[]", t.Elem, left)
	case schema.Union:
		for _, one := range t.Of {
			keyRowsBelow(b, key, one, left)
		}
	default:
	}
}

func must(required bool) string {
	if required {
		return " (required)"
	}
	return ""
}

func row(b *strings.Builder, cells ...string) {
	for i, c := range cells {
		cells[i] = strings.ReplaceAll(strings.ReplaceAll(c, "\n", " "), "|", "\\|")
	}
	b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

func valueOf(t *schema.Type) string {
	switch t.Kind {
	case schema.Object:
		return "keys"
	case schema.Map:
		if t.What != "" {
			return t.What
		}
	default:
	}
	return t.Expects()
}

func meaning(f schema.Field) string {
	text := f.Help
	if f.Default != "" {
		text += " Default: `" + f.Default + "`."
	}
	if f.Example != "" {
		text += " Example: `" + f.Example + "`."
	}
	return text
}

// runTable lists the parameters of a shape.
func runTable(s *shape.Shape) string {
	var b strings.Builder
	b.WriteString("| key | value | default | meaning |\n| --- | --- | --- | --- |\n")
	for _, p := range s.Parameters {
		text := p.Help
		if p.Example != "" {
			text += " Example: `" + p.Example + "`."
		}
		row(&b, "`"+p.Name+"`", p.Type.Expects(), strings.Join(defaultsOf(s, p), "; "), text+conditionsOf(s, p))
	}
	return b.String()
}

// defaultsOf lists what a parameter is where nobody sets it.
func defaultsOf(s *shape.Shape, p shape.Parameter) []string {
	var all []string
	if p.DefaultValue.Given() {
		all = append(all, "`"+p.DefaultValue.YAML()+"`")
	}
	for _, d := range s.Defaults {
		if v := d.Set.Get(p.Name); v.Given() {
			all = append(all, "`"+v.YAML()+"` with "+asked(d.When))
		}
	}
	return all
}

// conditionsOf says where a parameter may stand.
func conditionsOf(s *shape.Shape, p shape.Parameter) string {
	var text strings.Builder
	if len(p.When) > 0 {
		text.WriteString(" Only with " + asked(p.When) + ".")
	}
	if len(p.RequiredOn) > 0 {
		text.WriteString(" Required on the runtime " + strings.Join(p.RequiredOn, ", ") + ".")
	}
	if len(p.Runtimes) > 0 {
		text.WriteString(" Looked at by the runtime " + strings.Join(p.Runtimes, ", ") + " alone.")
	}
	for _, c := range s.Conditions {
		for _, allowed := range c.Allow {
			if allowed.Name == p.Name {
				fmt.Fprintf(&text, " With %s: %s.", asked(c.When), strings.Join(allowed.Is, ", "))
			}
		}
	}
	return text.String()
}

func asked(w shape.When) string {
	var all []string
	for _, q := range w {
		all = append(all, "`"+q.Name+": "+strings.Join(q.Is, "` or `")+"`")
	}
	return strings.Join(all, " and ")
}

// magicsThatSet are the magics that become parameters of the job, each as
// somebody would write it.
var magicsThatSet = []string{
	"%etl", "%streaming", "%session_type streaming", "%glue_version 5.0", "%worker_type G.2X", "%number_of_workers 4", "%max_capacity 1", "%timeout 60",
	"%max_retries 1", "%max_concurrent_runs 2", "%iam_role GlueRole", "%security_config main", "%connections redshift,kafka",
	"%additional_python_modules pyarrow==17.0.0", "%extra_py_files s3://libs/common.zip", "%extra_jars s3://libs/driver.jar",
	"%spark_conf spark.sql.shuffle.partitions=8", "%execution_class FLEX",
	"%%tags\n{\"cost\": \"roads\"}", "%%configure\n{\"--enable-metrics\": \"true\"}",
}

// settingsTable shows what the magics set, as the notebook package reads them.
func settingsTable(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("| in the notebook | becomes |\n| --- | --- |\n")
	for _, magic := range magicsThatSet {
		nb := &notebook.Notebook{Cells: []notebook.Cell{{Type: notebook.Code, Source: magic}, {Type: notebook.Code, Source: "pass"}}}
		script, err := nb.Glue(notebook.GlueOptions{})
		if err != nil || len(script.Settings) != 1 {
			t.Fatalf("%s: %v, %v", magic, script, err)
		}
		set := script.Settings[0]
		row(&b, "`"+strings.ReplaceAll(magic, "\n", " ")+"`", fmt.Sprintf("`%s: %s`", parameterOf(set.Name), written(set.Value)))
	}
	return b.String()
}

func parameterOf(setting string) string {
	if arg, ok := strings.CutPrefix(setting, "argument --"); ok {
		return "run.arguments." + arg
	}
	return "run." + setting
}

// written is a setting's value as slipway.yaml has it.
func written(v any) string {
	switch v := v.(type) {
	case []string:
		return "[" + strings.Join(v, ", ") + "]"
	case map[string]string:
		var all []string
		for key, text := range v {
			all = append(all, key+": "+text)
		}
		slices.Sort(all)
		return "{" + strings.Join(all, ", ") + "}"
	}
	if text, ok := v.(string); ok {
		return schema.QuoteYAML(text)
	}
	return fmt.Sprint(v)
}

// TestMagicsThatSetAreComplete holds the list against the notebook's own table.
func TestMagicsThatSetAreComplete(t *testing.T) {
	t.Parallel()
	listed := strings.Join(magicsThatSet, "\n")
	for _, m := range rowsOf(t, "../../notebook/setting.go", `(?m)^\t\{"([a-z_]+)", "`) {
		if !strings.Contains(listed, "%"+m[1]) {
			t.Errorf("the pages do not say what %%%s becomes", m[1])
		}
	}
}

// rowsOf finds the rows of a table in the code that only its package sees.
func rowsOf(t *testing.T, file, pattern string) [][]string {
	t.Helper()
	code, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(pattern).FindAllStringSubmatch(string(code), -1)
	if len(rows) == 0 {
		t.Fatalf("%s has no rows like %s", file, pattern)
	}
	return rows
}

// glueTable lists what the versions of Glue stand for on this machine.
func glueTable(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("| Glue version | Spark | Python | Java |\n| --- | --- | --- | --- |\n")
	for _, m := range rowsOf(t, "../../driver/local/glue.go", `(?m)^\t\{"([\d.]+)", "([\d.]+)", "([\d.]+)", \[\]int\{([\d, ]+)\}\},$`) {
		javas := m[4]
		if last := strings.LastIndex(javas, ", "); last >= 0 {
			javas = javas[:last] + " or " + javas[last+2:]
		}
		row(&b, "`\""+m[1]+"\"`", m[2], m[3], javas)
	}
	return b.String()
}

// magicsTable lists what happens to the magics that are no settings.
func magicsTable() string {
	said := map[notebook.Action]string{notebook.Remove: "is left out", notebook.Warn: "is left out, with a warning", notebook.Refuse: "ends the build"}
	var b strings.Builder
	b.WriteString("| magic | what happens | because it |\n| --- | --- | --- |\n")
	for _, r := range notebook.Rules() {
		row(&b, "`"+r.Magic+"`"+whichMagic(r.Magic), said[r.Action], r.Reason)
	}
	return b.String()
}

func whichMagic(magic string) string {
	switch magic {
	case "!":
		return " before any command"
	case "%", "%%":
		return " with any other name"
	}
	return ""
}
