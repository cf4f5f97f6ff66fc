package manifest

import (
	"fmt"
	"reflect"
	"strings"

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

// value makes one value of the settings that the shape has parameters for.
func (f Found) value(s *shape.Shape) *schema.Value {
	var all *schema.Value
	for _, setting := range f {
		first, rest, _ := strings.Cut(setting.Name, ".")
		if s.Parameter(first) == nil {
			continue
		}
		v := schema.FromPlain(setting.Value, setting.From)
		if rest != "" {
			v = schema.NewObject(setting.From, []schema.Member{{Key: rest, Value: v}})
		}
		all = schema.Merge(all, schema.NewObject(setting.From, []schema.Member{{Key: first, Value: v}}))
	}
	return all
}

// Differences says where the manifest and the source set a parameter to
// different values for an environment, a sentence each, with both places. The
// manifest's value is the one that holds.
func (m *Manifest) Differences(found Found, env string) []string {
	var all []string
	written := m.written(env)
	for _, setting := range found {
		v := written.Get(strings.SplitN(setting.Name, ".", 2)...)
		if v == nil || reflect.DeepEqual(v.Plain(), setting.Value) {
			continue
		}
		all = append(all, fmt.Sprintf("run.%s is %v at %s:%d:%d, which holds, and %v at %s",
			setting.Name, v.YAML(), v.From, v.Pos.Line, v.Pos.Col, setting.Value, setting.From))
	}
	return all
}
