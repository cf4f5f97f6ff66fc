package shape

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway/schema"
)

//go:embed builtin
var builtin embed.FS

// Builtin returns the menu that ships with the product.
func Builtin() (Menu, error) { return Load(builtin, "builtin") }

// Load reads <dir>/<name>/shape.yaml of every folder in dir, and older versions of
// it in <dir>/<name>/v<version>/shape.yaml.
func Load(fsys fs.FS, dir string) (Menu, error) {
	files, err := fs.Glob(fsys, path.Join(dir, "*", "shape.yaml"))
	if err != nil {
		return Menu{}, fmt.Errorf("find shapes in %s: %w", dir, err)
	}
	older, err := fs.Glob(fsys, path.Join(dir, "*", "v*", "shape.yaml"))
	if err != nil {
		return Menu{}, fmt.Errorf("find shapes in %s: %w", dir, err)
	}
	files = append(files, older...)
	var shapes []*Shape
	for _, file := range files {
		data, err := fs.ReadFile(fsys, file)
		if err != nil {
			return Menu{}, fmt.Errorf("read shape: %w", err)
		}
		s, err := Parse(file, data)
		if err != nil {
			return Menu{}, err
		}
		shapes = append(shapes, s)
	}
	return NewMenu(shapes...), nil
}

// Parse reads one shape.yaml. Its error is schema.Problems.
func Parse(file string, data []byte) (*Shape, error) {
	l := &loader{doc: schema.Open(file, data)}
	l.value, l.problems = l.doc.Read(FileType())
	if len(l.problems) > 0 {
		return nil, l.problems.Err()
	}
	s := l.shape()
	return s, l.problems.Err()
}

// loader turns a shape file's values into a Shape, and checks what a type
// cannot say.
type loader struct {
	doc      *schema.Doc
	value    *schema.Value
	problems schema.Problems
}

func (l *loader) complain(pos schema.Pos, path, message string, known ...string) {
	p := l.doc.Problem(pos, path, message)
	if len(known) > 0 {
		p.Expected = "one of " + strings.Join(known, ", ")
	}
	l.problems = append(l.problems, p)
}

func (l *loader) shape() *Shape {
	v := l.value
	s := &Shape{
		Name:        v.Get("shape").Text(),
		Version:     v.Get("version").Int(),
		Description: v.Get("description").Text(),
		Runtimes:    v.Get("runtimes").Texts(),
		Build:       Build{ExactlyOne: v.Get("build", "exactly_one").Texts(), Takes: v.Get("build", "takes").Texts()},
		Rails:       v.Get("rails"), Tests: v.Get("tests"), Doc: l.doc,
		Cost: Cost{Run: v.Get("cost", "run").Text(), Currency: "USD"},
	}
	if cost := v.Get("cost"); cost.Given() {
		s.Cost.Pos = cost.Get("run").Pos
		if c := cost.Get("currency"); c.Given() {
			s.Cost.Currency = c.Text()
		}
	}
	for _, m := range v.Get("parameters").Members() {
		if m.Key == "environment" || m.Key == "runtime" {
			l.complain(m.Pos, "parameters."+m.Key, fmt.Sprintf("a parameter cannot be called %s, which questions ask for", m.Key))
		}
		s.Parameters = append(s.Parameters, l.parameter(s, m))
	}
	for _, item := range v.Get("defaults").Items() {
		s.Defaults = append(s.Defaults, Defaults{When: l.when(s, item.Get("when"), "defaults"), Set: l.set(s, item.Get("set"))})
	}
	for _, item := range v.Get("conditions").Items() {
		s.Conditions = append(s.Conditions, l.condition(s, item))
	}
	for i, item := range v.Get("upgrades").Items() {
		s.Upgrades = append(s.Upgrades, l.upgrade(s, item, fmt.Sprintf("upgrades[%d]", i)))
	}
	return s
}

// upgrade reads what changes from a version to the next.
func (l *loader) upgrade(s *Shape, v *schema.Value, at string) Upgrade {
	u := Upgrade{
		From: v.Get("from").Int(), Notes: v.Get("notes").Text(), Rename: v.Get("rename").TextMap(),
		Values: map[string]map[string]string{}, Remove: v.Get("remove").Texts(),
	}
	if u.From >= s.Version {
		l.complain(v.Get("from").Pos, at+".from", fmt.Sprintf("%s is from version %d, and this is version %d", at, u.From, s.Version))
	}
	for _, m := range v.Get("values").Members() {
		u.Values[m.Key] = m.Value.TextMap()
	}
	return u
}

func (l *loader) parameter(s *Shape, m schema.Member) Parameter {
	at, v := "parameters."+m.Key, m.Value
	t := l.typeOf(v, at)
	p := Parameter{Field: schema.Field{
		Name: m.Key, Type: t, Help: v.Get("help").Text(), Example: v.Get("example").Text(), Also: v.Get("also").Texts(),
	}, Runtimes: v.Get("runtimes").Texts(), When: l.when(s, v.Get("when"), at)}
	if v.Get("required").Bool() {
		p.RequiredOn = s.Runtimes
	}
	p.RequiredOn = append(p.RequiredOn, v.Get("required").Texts()...)
	l.known(v.Get("required"), at+".required", s.Runtimes)
	l.known(v.Get("runtimes"), at+".runtimes", s.Runtimes)
	if d := v.Get("default"); d != nil {
		value, problems := d.As(t, at+".default")
		l.problems = append(l.problems, problems...)
		p.DefaultValue = value
		if value != nil {
			p.Default = strings.Trim(value.YAML(), `"`)
		}
	}
	return p
}

// known complains about names in a list that are not among the choices.
func (l *loader) known(list *schema.Value, at string, choices []string) {
	for _, item := range list.Items() {
		if !slices.Contains(choices, item.Text()) {
			l.complain(item.Pos, at, fmt.Sprintf("%s names %q, which the shape does not have", at, item.Text()), choices...)
		}
	}
}

// typeOf makes the type that a parameter's keys describe.
func (l *loader) typeOf(v *schema.Value, at string) *schema.Type {
	kinds := map[string]schema.Kind{
		"text": schema.String, "int": schema.Int, "number": schema.Number, "bool": schema.Bool,
		"duration": schema.Duration, "size": schema.Size, "cron": schema.Cron, "schedule": schema.Schedule, "timezone": schema.Timezone, "date": schema.Date,
		"path": schema.Path, "url": schema.URL, "secret": schema.Secret, "list": schema.List, "map": schema.Map,
	}
	t := &schema.Type{
		Kind: kinds[v.Get("type").Text()], Enum: v.Get("enum").Texts(),
		Pattern: v.Get("pattern").Text(), PatternHelp: v.Get("pattern_help").Text(),
		Min: limit(v.Get("min")), Max: limit(v.Get("max")), SecretToo: v.Get("secret").Bool(),
	}
	if _, err := regexp.Compile(t.Pattern); err != nil {
		l.complain(v.Get("pattern").Pos, at+".pattern", fmt.Sprintf("%s.pattern is not a regular expression: %v", at, err))
		t.Pattern = ""
	}
	if t.Kind != schema.List && t.Kind != schema.Map {
		return t
	}
	if of := v.Get("of"); of != nil {
		t.Elem = l.typeOf(of, at+".of")
	} else {
		t.Elem = &schema.Type{Kind: schema.String}
	}
	if key := v.Get("key"); key != nil {
		t.Key = l.typeOf(key, at+".key")
	}
	return t
}

func limit(v *schema.Value) *float64 {
	switch {
	case v == nil:
		return nil
	case v.Kind == schema.Duration:
		return new(v.Duration().Seconds())
	case v.Kind == schema.Size:
		return new(float64(v.Size()))
	default:
		return new(v.Float())
	}
}

// when reads a question. It may ask about parameters that were declared before,
// and about the place an app goes to.
func (l *loader) when(s *Shape, v *schema.Value, at string) When {
	var w When
	for _, m := range v.Members() {
		if s.Parameter(m.Key) == nil && m.Key != "environment" && m.Key != "runtime" {
			l.complain(m.Pos, at+".when", fmt.Sprintf("%s.when asks about %q, which is not a parameter declared above", at, m.Key), s.parameterNames()...)
			continue
		}
		w = append(w, question(m))
		l.values(s, m, at+".when")
	}
	return w
}

// question reads a name and a value, or a list of values.
func question(m schema.Member) Question {
	if m.Value.Kind == schema.List {
		return Question{Name: m.Key, Is: m.Value.Texts()}
	}
	return Question{Name: m.Key, Is: []string{m.Value.Text()}}
}

// values complains about values that the parameter cannot have.
func (l *loader) values(s *Shape, m schema.Member, at string) {
	p := s.Parameter(m.Key)
	if p == nil || len(p.Type.Enum) == 0 {
		return
	}
	for _, value := range question(m).Is {
		if !slices.Contains(p.Type.Enum, value) {
			l.complain(m.Value.Pos, at, fmt.Sprintf("%s: %s is never %q", at, m.Key, value), p.Type.Enum...)
		}
	}
}

func (l *loader) set(s *Shape, v *schema.Value) *schema.Value {
	var members []schema.Member
	for _, m := range v.Members() {
		p := s.Parameter(m.Key)
		if p == nil {
			l.complain(m.Pos, "defaults.set", fmt.Sprintf("defaults.set names %q, which is not a parameter", m.Key), s.parameterNames()...)
			continue
		}
		value, problems := m.Value.As(p.Type, "defaults.set."+m.Key)
		l.problems = append(l.problems, problems...)
		members = append(members, schema.Member{Key: m.Key, Value: value})
	}
	return schema.NewObject(v.From, members)
}

func (l *loader) condition(s *Shape, v *schema.Value) Condition {
	c := Condition{When: l.when(s, v.Get("when"), "conditions"), Require: v.Get("require").Texts(), Because: v.Get("because").Text()}
	l.known(v.Get("require"), "conditions.require", s.parameterNames())
	for _, m := range v.Get("allow").Members() {
		if s.Parameter(m.Key) == nil {
			l.complain(m.Pos, "conditions.allow", fmt.Sprintf("conditions.allow names %q, which is not a parameter", m.Key), s.parameterNames()...)
			continue
		}
		c.Allow = append(c.Allow, question(m))
		l.values(s, m, "conditions.allow")
	}
	return c
}

func (s *Shape) parameterNames() []string {
	names := make([]string, len(s.Parameters))
	for i, p := range s.Parameters {
		names[i] = p.Name
	}
	return names
}
