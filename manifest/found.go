package manifest

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/schema"
	"github.com/slipway-cd/slipway/shape"
)

// Found is what the source itself says about its run: a notebook's Glue magics.
// Of two settings of one parameter the later one counts.
type Found []Setting

// Setting is one parameter of run, as the source has it.
type Setting struct {
	Name  string `json:"name"`  // the parameter, with dots: worker_type, arguments.source
	Value any    `json:"value"` // as encoding/json decodes it
	From  string `json:"from"`  // where it stands: traffic.ipynb, cell 1 line 2
}

// value makes one value of the settings that the shape has parameters for. A
// setting that the parameter cannot have is an error that names both, but for
// one that the manifest overrules.
func (f Found) value(s *shape.Shape, written *schema.Value) (*schema.Value, error) {
	var all *schema.Value
	var wrong []string
	for _, setting := range f {
		p := s.Parameter(setting.parameter())
		if p == nil {
			continue
		}
		v, problems := setting.read(p)
		if len(problems) > 0 && written.Has(p.Name) {
			continue
		}
		for _, problem := range problems {
			wrong = append(wrong, fmt.Sprintf("%s: %s\n  expected %s", setting.From, problem.Message, problem.Expected))
		}
		all = schema.Merge(all, schema.NewObject(setting.From, []schema.Member{{Key: p.Name, Value: v}}))
	}
	if len(wrong) > 0 {
		return nil, slipway.Errorf(slipway.Invalid, "%s", strings.Join(wrong, "\n")).
			WithFix("correct the source, or set the parameter under run in the manifest, which then holds")
	}
	return all, nil
}

func (s Setting) parameter() string {
	first, _, _ := strings.Cut(s.Name, ".")
	return first
}

// read reads the setting as its parameter; arguments.source is a map of one.
func (s Setting) read(p *shape.Parameter) (*schema.Value, schema.Problems) {
	value := s.Value
	if _, key, ok := strings.Cut(s.Name, "."); ok {
		value = map[string]any{key: value}
	}
	return schema.ReadPlain(value, p.Type, s.From, "run."+p.Name)
}

// Differences says where the manifest and the source set a parameter to
// different values for an environment, a sentence each, with both places. The
// manifest's value is the one that holds.
func (m *Manifest) Differences(found Found, env string) []string {
	var all []string
	written := m.written(env)
	for _, setting := range found {
		v := written.Get(strings.SplitN(setting.Name, ".", 2)...)
		if !v.Given() || reflect.DeepEqual(v.Plain(), setting.plain(m.Shape)) {
			continue
		}
		all = append(all, fmt.Sprintf("run.%s is %v at %s:%d:%d, which holds, and %v at %s",
			setting.Name, v.YAML(), v.From, v.Pos.Line, v.Pos.Col, setting.Value, setting.From))
	}
	return all
}

// plain is the setting's value in the form of the manifest's: a timeout of 60m
// is 1h.
func (s Setting) plain(of *shape.Shape) any {
	p := of.Parameter(s.parameter())
	if p == nil {
		return s.Value
	}
	v, problems := s.read(p)
	if len(problems) > 0 {
		return s.Value
	}
	if _, key, ok := strings.Cut(s.Name, "."); ok {
		v = v.Get(key)
	}
	return v.Plain()
}
