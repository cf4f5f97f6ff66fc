package manifest_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/slipway-cd/slipway/manifest"
)

// beyondSchema are the complaints that a JSON Schema cannot make: about the text
// before it is data, about days and times, and about how one value goes with
// another.
var beyondSchema = map[string][]string{
	"slipway": {
		"a number in an odd notation", "a wrong duration", "a wrong schedule", "a key without a value",
		"thresholds without a report", "two steps of one name", "a key given twice", "a tab",
		"a list that is not closed", "a brace that is not closed", "a quote that is not closed",
		"a colon in a value", "a sign that means something", "a key indented wrongly",
		"an anchor and an alias", "a merge key", "a tag", "two documents",
	},
	"platform": {
		"an environment without a runtime", "local on another runtime", "a root without a local runtime",
		"follows an unknown environment", "a circle", "a plan with the role that deploys", "unknown people, roles and teams", "sign-offs where releases are made",
		"keys that cannot sign",
	},
}

// validator compiles a schema with a validator that is none of ours.
func validator(t testing.TB, data []byte, err error) func(document []byte) error {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	tree, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("slipway.json", tree); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("slipway.json")
	if err != nil {
		t.Fatal(err)
	}
	return func(document []byte) error {
		var v any
		if err := yaml.Unmarshal(bytes.TrimPrefix(document, []byte("\ufeff")), &v); err != nil {
			return err
		}
		data, err := json.Marshal(v)
		if err != nil {
			return err
		}
		instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			return err
		}
		return compiled.Validate(instance)
	}
}

func validators(t testing.TB) map[string]func([]byte) error {
	t.Helper()
	app, err := manifest.JSONSchema(builtin(t))
	validate := validator(t, app, err)
	platform, err := manifest.PlatformJSONSchema()
	return map[string]func([]byte) error{"slipway": validate, "platform": validator(t, platform, err)}
}

func TestJSONSchemaRefusesWhatLoadRefuses(t *testing.T) {
	for file, validate := range validators(t) {
		for _, c := range readComplaints(t, "testdata/"+file+".txtar") {
			t.Run(file+"/"+c.name, func(t *testing.T) {
				err := validate([]byte(c.in))
				if err == nil && !slices.Contains(beyondSchema[file], c.name) {
					t.Error("the JSON Schema takes what Load refuses")
				}
			})
		}
	}
}

func TestJSONSchemaTakesWhatLoads(t *testing.T) {
	menu := builtin(t)
	validate := validators(t)
	for name, text := range manifests(t) {
		t.Run("slipway/"+name, func(t *testing.T) {
			if _, err := manifest.Load("slipway.yaml", []byte(text), menu); err != nil {
				t.Fatalf("does not load:\n%v", err)
			}
			if err := validate["slipway"]([]byte(text)); err != nil {
				t.Errorf("the JSON Schema refuses it: %v", err)
			}
		})
	}
	for name, text := range platforms() {
		t.Run("platform/"+name, func(t *testing.T) {
			if _, err := manifest.LoadPlatform("platform.yaml", []byte(text)); err != nil {
				t.Fatalf("does not load:\n%v", err)
			}
			if err := validate["platform"]([]byte(text)); err != nil {
				t.Errorf("the JSON Schema refuses it: %v", err)
			}
		})
	}
}
