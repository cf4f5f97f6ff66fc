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

// ReadPlain reads what encoding/json decodes as a type, as strictly as a file is
// read. from says where it comes from; its problems name no place.
func ReadPlain(plain any, t *Type, from, path string) (*Value, Problems) {
	r := &reader{doc: &Doc{File: from}}
	v := r.value(plainNode(plain), t, path)
	for i := range r.problems {
		r.problems[i].Line, r.problems[i].Col, r.problems[i].Len = 0, 0, 0
	}
	return WithOrigin(v, from), r.problems
}

func plainNode(plain any) *node {
	n := &node{plain: true}
	switch p := plain.(type) {
	case bool:
		n.text = strconv.FormatBool(p)
	case float64:
		n.text = plainNumber(p)
	case string:
		n.text, n.plain = p, false
	case []any:
		n.shape = listNode
		for _, item := range p {
			n.items = append(n.items, plainNode(item))
		}
	case map[string]any:
		n.shape = mapNode
		for _, key := range slices.Sorted(maps.Keys(p)) {
			n.pairs = append(n.pairs, pair{key: &node{text: key}, value: plainNode(p[key])})
		}
	}
	return n
}
