package manifest

import (
	"encoding/json"
	"fmt"
	"maps"

	"github.com/slipway-cd/slipway/schema"
	"github.com/slipway-cd/slipway/shape"
)

// JSONSchema returns the JSON Schema (2020-12) of slipway.yaml: what build, run
// and environments may hold follows from the shape.
func JSONSchema(shapes shape.Menu) ([]byte, error) {
	root := schema.JSONSchema(FileType(nil, shapes.Refs()))
	var branches []any
	for _, s := range shapes.Every() {
		own := properties(schema.JSONSchema(FileType(s, shapes.Refs())))
		is := []string{s.Ref()}
		if shapes.Lookup(s.Name) == s {
			is = append(is, s.Name)
		}
		branches = append(branches, map[string]any{
			"if": map[string]any{
				"properties": map[string]any{"shape": map[string]any{"enum": is}},
				"required":   []string{"shape"},
			},
			"then": map[string]any{"properties": map[string]any{
				"build": own["build"], "run": own["run"], "environments": own["environments"],
			}},
		})
	}
	for _, key := range []string{"build", "run", "environments"} {
		properties(root)[key] = map[string]any{}
	}
	root["allOf"] = branches
	return document("slipway.yaml", "The manifest of one app.", root)
}

// ShapeJSONSchema returns the JSON Schema (2020-12) of the run of a shape's apps, for
// forms.
func ShapeJSONSchema(s *shape.Shape) ([]byte, error) {
	return document("run of "+s.Ref(), s.Description, schema.JSONSchema(s.RunType()))
}

// properties are the schemas of an object's keys.
func properties(object map[string]any) map[string]any {
	keys, ok := object["properties"].(map[string]any)
	if !ok {
		return map[string]any{}
	}
	return keys
}

// PlatformJSONSchema returns the JSON Schema (2020-12) of platform.yaml.
func PlatformJSONSchema() ([]byte, error) {
	return document("platform.yaml", "The platform team's file.", schema.JSONSchema(PlatformType()))
}

func document(title, description string, root map[string]any) ([]byte, error) {
	root = maps.Clone(root)
	root["$schema"], root["title"], root["description"] = schema.Draft, title, description
	data, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write JSON Schema: %w", err)
	}
	return append(data, '\n'), nil
}
