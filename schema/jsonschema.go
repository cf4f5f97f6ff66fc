package schema

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
)

// Draft is the dialect of the JSON Schemas that this package writes.
const Draft = "https://json-schema.org/draft/2020-12/schema"

// JSONSchema returns the JSON Schema of a type, as a tree that encoding/json
// writes.
func JSONSchema(t *Type) map[string]any {
	out := jsonSchema(t)
	var also []any
	if t.SecretToo {
		also = append(also, jsonSchema(&Type{Kind: Secret}))
	}
	if t.Nullable || t.MayBeEmpty {
		also = append(also, map[string]any{"type": "null"})
	}
	if len(also) == 0 || t.Kind == Any {
		return out
	}
	return map[string]any{"anyOf": append([]any{out}, also...)}
}

func jsonSchema(t *Type) map[string]any {
	out := map[string]any{}
	switch t.Kind {
	case Any:
	case Int:
		out["type"] = "integer"
		bound(out, t, "minimum", "maximum")
		enum(out, t)
	case Number:
		out["type"] = "number"
		bound(out, t, "minimum", "maximum")
		enum(out, t)
	case Bool:
		out["type"] = "boolean"
	case List:
		out["type"] = "array"
		out["items"] = JSONSchema(t.Elem)
		bound(out, t, "minItems", "maxItems")
	case Map:
		jsonMap(out, t)
	case Object:
		jsonObject(out, t)
	case Union:
		of := make([]any, len(t.Of))
		for i, each := range t.Of {
			of[i] = JSONSchema(each)
		}
		out["anyOf"] = of
	case Secret:
		return jsonSchema(secretObject())
	default:
		jsonText(out, t)
	}
	return out
}

func jsonMap(out map[string]any, t *Type) {
	out["type"] = "object"
	out["additionalProperties"] = JSONSchema(t.Elem)
	if t.Key != nil {
		out["propertyNames"] = jsonSchema(t.Key)
	}
	bound(out, t, "minProperties", "maxProperties")
}

func jsonObject(out map[string]any, t *Type) {
	properties := map[string]any{}
	var required []string
	for _, f := range t.Fields {
		properties[f.Name] = jsonField(f)
		if f.Required {
			required = append(required, f.Name)
		}
	}
	out["type"], out["properties"], out["additionalProperties"] = "object", properties, false
	if len(required) > 0 {
		out["required"] = required
	}
	if len(t.OneOf) > 0 {
		out["allOf"] = oneOf(t.OneOf)
	}
}

func oneOf(groups [][]string) []any {
	var all []any
	for _, group := range groups {
		var one []any
		for _, key := range group {
			one = append(one, map[string]any{"required": []string{key}})
		}
		all = append(all, map[string]any{"oneOf": one})
	}
	return all
}

// jsonField adds to a field's schema what an editor shows.
func jsonField(f Field) map[string]any {
	out := maps.Clone(JSONSchema(f.Type))
	if f.Help != "" {
		out["description"] = f.Help
	}
	if f.Default != "" {
		out["default"] = plainDefault(f)
	}
	if f.Example != "" {
		out["examples"] = []any{f.Example}
	}
	return out
}

// plainDefault returns the default as JSON, where its text can be read so.
func plainDefault(f Field) any {
	switch f.Type.Kind {
	case Int, Number, Bool, List, Map, Object:
		var v any
		if json.Unmarshal([]byte(f.Default), &v) == nil {
			return v
		}
	default:
	}
	return f.Default
}

func jsonText(out map[string]any, t *Type) {
	out["type"] = "string"
	patterns := map[Kind]string{
		Duration: durationPattern, Size: sizePattern, Cron: cronPattern, Schedule: schedulePattern, Timezone: timezonePattern, Date: datePattern,
		Path: pathPattern, URL: urlPattern, String: t.Pattern,
	}
	if p := patterns[t.Kind]; p != "" {
		out["pattern"] = p
	}
	switch t.Kind {
	case Duration, Folder:
		out["minLength"] = 1
	case String:
		bound(out, t, "minLength", "maxLength")
		enum(out, t)
	default:
	}
	if words := t.Expects(); !slices.Contains([]Kind{String, Folder}, t.Kind) {
		out["description"] = words
	}
}

func bound(out map[string]any, t *Type, low, high string) {
	if t.Min != nil {
		out[low] = *t.Min
	}
	if t.Max != nil {
		out[high] = *t.Max
	}
}

func enum(out map[string]any, t *Type) {
	if len(t.Enum) == 0 {
		return
	}
	all := make([]any, len(t.Enum))
	for i, e := range t.Enum {
		all[i] = e
		if n, err := strconv.ParseFloat(e, 64); err == nil && t.Kind != String {
			all[i] = n
		}
	}
	out["enum"] = all
}
