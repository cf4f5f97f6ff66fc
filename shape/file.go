package shape

import "github.com/slipway-cd/slipway/schema"

// FileType describes a shape.yaml.
func FileType() *schema.Type {
	return &schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "slipway", Required: true, Type: &schema.Type{Kind: schema.String, Enum: []string{"v1"}}, Help: "The version of this file's format."},
		{Name: "shape", Required: true, Type: nameType(), Help: "The shape's name, which is also its folder's."},
		{Name: "version", Required: true, Type: &schema.Type{Kind: schema.Int, Min: new(1.0)}, Help: "Counts up when parameters change their meaning."},
		{Name: "description", Required: true, Type: textType(), Help: "What it is, in one sentence."},
		{Name: "runtimes", Required: true, Type: &schema.Type{Kind: schema.List, Elem: textType(), Min: new(1.0)}, Help: "The runtimes that can run it."},
		{Name: "build", Required: true, Type: buildType(), Help: "Which keys of a manifest's build it takes."},
		{Name: "parameters", Required: true, Type: &schema.Type{Kind: schema.Map, Key: parameterName(), Elem: parameterType()}, Help: "The fields of run."},
		{Name: "defaults", Type: listOf(defaultsType()), Help: "Defaults that depend on other parameters; later ones win."},
		{Name: "conditions", Type: listOf(conditionType()), Help: "What must hold between parameters."},
		{Name: "rails", Type: &schema.Type{Kind: schema.Any}, Help: "Guard rails that come with the shape, as in a file of rails."},
		{Name: "cost", Type: costType(), Help: "What a run costs, where a runtime has no prices of its own."},
		{Name: "upgrades", Type: listOf(upgradeType()), Help: "What changes in a manifest from the version before to this one."},
		{Name: "tests", Type: listOf(testType()), Help: "Tests of the shape: its defaults, conditions, rails and cost."},
	}}
}

func textType() *schema.Type { return &schema.Type{Kind: schema.String, Min: new(1.0)} }

func textsType() *schema.Type { return listOf(textType()) }

func listOf(t *schema.Type) *schema.Type { return &schema.Type{Kind: schema.List, Elem: t} }

// freeType is keys and values that nothing is known about yet.
func freeType() *schema.Type {
	return &schema.Type{Kind: schema.Map, Elem: &schema.Type{Kind: schema.Any}, What: "keys and values"}
}

func nameType() *schema.Type {
	return &schema.Type{
		Kind: schema.String, Pattern: `^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`,
		PatternHelp: "a name of lower-case letters, digits and hyphens",
	}
}

func parameterName() *schema.Type {
	return &schema.Type{
		Kind: schema.String, Pattern: `^[a-z][a-z0-9_]*$`,
		PatternHelp: "a name of lower-case letters, digits and _",
	}
}

func costType() *schema.Type {
	return &schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "run", Required: true, Type: textType(), Help: "An expression over the parameters, a number.", Example: "run.workers * 0.44"},
		{Name: "currency", Type: &schema.Type{Kind: schema.String, Pattern: "^[A-Z]{3}$", PatternHelp: "a currency such as USD"}, Default: "USD", Help: "The currency."},
	}}
}

func upgradeType() *schema.Type {
	texts := func() *schema.Type { return &schema.Type{Kind: schema.Map, Elem: textType()} }
	return &schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "from", Required: true, Type: &schema.Type{Kind: schema.Int, Min: new(1.0)}, Help: "The version before."},
		{Name: "notes", Required: true, Type: textType(), Help: "What people have to know, and to do themselves."},
		{Name: "rename", Type: texts(), Help: "New names of parameters, by their old names."},
		{Name: "values", Type: &schema.Type{Kind: schema.Map, Elem: texts()}, Help: "New values of parameters, by their old ones."},
		{Name: "remove", Type: textsType(), Help: "Parameters that there are no more."},
	}}
}

func testType() *schema.Type {
	return &schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "name", Required: true, Type: textType(), Help: "What the test shows."},
		{Name: "environment", Type: textType(), Default: "prod", Help: "Where the app goes."},
		{Name: "runtime", Type: textType(), Help: "The runtime there. Default: the first of the shape's."},
		{Name: "run", Type: &schema.Type{Kind: schema.Any}, Help: "What the manifest says."},
		{Name: "has", Type: freeType(), Help: "Parameters that the app then has, and their values."},
		{Name: "fails", Type: textsType(), Help: "What is wrong with it, a part of each complaint. Default: nothing."},
		{Name: "hits", Type: textsType(), Help: "The shape's own rails that it hits, all of them. Default: none."},
		{Name: "cost", Type: &schema.Type{Kind: schema.Number}, Help: "What a run costs."},
	}}
}

func buildType() *schema.Type {
	key := func() *schema.Type {
		return listOf(&schema.Type{Kind: schema.String, Enum: []string{"notebook", "script", "include", "steps"}})
	}
	return &schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "exactly_one", Type: key(), Help: "Exactly one of these is given."},
		{Name: "takes", Type: key(), Help: "These may be given besides."},
	}}
}

// scalarFields are the keys that say what a value looks like.
func scalarFields() []schema.Field {
	kinds := []string{"text", "int", "number", "bool", "duration", "size", "cron", "schedule", "timezone", "date", "path", "url", "secret", "list", "map"}
	number := &schema.Type{Kind: schema.Union, Of: []*schema.Type{{Kind: schema.Number}, {Kind: schema.Duration}, {Kind: schema.Size}}}
	value := &schema.Type{Kind: schema.Union, Of: []*schema.Type{textType(), {Kind: schema.Number}}}
	return []schema.Field{
		{Name: "type", Required: true, Type: &schema.Type{Kind: schema.String, Enum: kinds}, Help: "What sort of value it is."},
		{Name: "enum", Type: listOf(value), Help: "The allowed values."},
		{Name: "pattern", Type: textType(), Help: "A regular expression that text must match."},
		{Name: "pattern_help", Type: textType(), Help: "What the pattern asks for, in words."},
		{Name: "min", Type: number, Help: "The least value; of text and lists, the least length."},
		{Name: "max", Type: number, Help: "The greatest value; of text and lists, the greatest length."},
		{Name: "secret", Type: &schema.Type{Kind: schema.Bool}, Help: "Whether a secret reference may stand in its place."},
	}
}

func parameterType() *schema.Type {
	elem := &schema.Type{Kind: schema.Object, Fields: scalarFields()}
	always := &schema.Type{Kind: schema.Bool}
	return &schema.Type{Kind: schema.Object, Fields: append(scalarFields(),
		schema.Field{Name: "of", Type: elem, Help: "The type of a list's or map's values."},
		schema.Field{Name: "key", Type: elem, Help: "The type of a map's keys."},
		schema.Field{Name: "default", Type: &schema.Type{Kind: schema.Any}, Help: "The value where none is set."},
		schema.Field{Name: "required", Type: &schema.Type{Kind: schema.Union, Of: []*schema.Type{always, textsType()}}, Help: "true, or the runtimes that need it."},
		schema.Field{Name: "runtimes", Type: textsType(), Help: "The runtimes that look at it."},
		schema.Field{Name: "when", Type: whenType(), Help: "For which other parameters it exists."},
		schema.Field{Name: "help", Required: true, Type: textType(), Help: "What it means."},
		schema.Field{Name: "example", Type: textType(), Help: "An example, as it is written."},
		schema.Field{Name: "also", Type: textsType(), Help: "Other names that people know it by."},
	)}
}

func whenType() *schema.Type {
	value := &schema.Type{Kind: schema.Union, Of: []*schema.Type{textType(), {Kind: schema.Number}, {Kind: schema.Bool}}}
	return &schema.Type{
		Kind: schema.Map, Key: parameterName(), What: "parameters and their values, such as {type: [glueetl]}",
		Elem: &schema.Type{Kind: schema.Union, Of: []*schema.Type{textType(), {Kind: schema.Bool}, {Kind: schema.Number}, listOf(value)}},
	}
}

func defaultsType() *schema.Type {
	return &schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "when", Required: true, Type: whenType()},
		{Name: "set", Required: true, Type: freeType()},
	}}
}

func conditionType() *schema.Type {
	return &schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "when", Required: true, Type: whenType()},
		{Name: "require", Type: textsType(), Help: "Parameters that must be set."},
		{Name: "allow", Type: whenType(), Help: "The values that a parameter may have."},
		{Name: "because", Type: textType(), Help: "Why, in words that end the complaint."},
	}}
}
