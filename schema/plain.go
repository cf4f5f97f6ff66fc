package schema

import (
	"maps"
	"slices"
	"strconv"
)

// FromPlain makes a value of what encoding/json decodes. Text stays text:
// Duration and Size read it when they are asked.
func FromPlain(plain any, from string) *Value {
	v := &Value{From: from}
	switch p := plain.(type) {
	case nil:
		return nil
	case bool:
		v.Kind, v.truth, v.text = Bool, p, strconv.FormatBool(p)
	case float64:
		v.Kind, v.number, v.text = Number, p, plainNumber(p)
	case string:
		v.Kind, v.text = String, p
	case []any:
		v.Kind = List
		for _, item := range p {
			v.items = append(v.items, FromPlain(item, from))
		}
	case map[string]any:
		return mapFromPlain(p, from)
	}
	return v
}

func mapFromPlain(p map[string]any, from string) *Value {
	if name, ok := p["secret"].(string); ok && len(p) == 1 {
		return &Value{Kind: Secret, From: from, text: name}
	}
	v := &Value{Kind: Map, From: from}
	for _, key := range slices.Sorted(maps.Keys(p)) {
		v.members = append(v.members, Member{Key: key, Value: FromPlain(p[key], from)})
	}
	return v
}
