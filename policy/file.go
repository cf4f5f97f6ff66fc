package policy

import (
	"encoding/json"
	"fmt"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/schema"
)

// RailsType describes `rails` in a platform.yaml: rails, and files of them.
func RailsType() *schema.Type {
	return listOf(&schema.Type{Kind: schema.Union, What: "the path of a file of rails, or a rail written here", Of: []*schema.Type{{Kind: schema.Path}, railType()}})
}

// CasesType describes `rails_test` in a platform.yaml: cases, and files of them.
func CasesType() *schema.Type {
	return listOf(&schema.Type{Kind: schema.Union, What: "the path of a file with rails_test, or a case written here", Of: []*schema.Type{{Kind: schema.Path}, caseType()}})
}

// FileType describes a file of rails.
func FileType() *schema.Type {
	return &schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "slipway", Required: true, Type: &schema.Type{Kind: schema.String, Enum: []string{"v1"}}, Help: "The version of this file's format."},
		{Name: "rails", Type: listOf(railType()), Help: "Guard rails."},
		{Name: "rails_test", Type: listOf(caseType()), Help: "What the rails say in some cases."},
	}}
}

// JSONSchema returns the JSON Schema (2020-12) of a file of rails.
func JSONSchema() ([]byte, error) {
	root := schema.JSONSchema(FileType())
	root["$schema"], root["title"], root["description"] = schema.Draft, "rails.yaml", "Guard rails of the platform team, and their tests."
	data, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write JSON Schema: %w", err)
	}
	return append(data, '\n'), nil
}

func listOf(t *schema.Type) *schema.Type { return &schema.Type{Kind: schema.List, Elem: t} }

func textType() *schema.Type { return &schema.Type{Kind: schema.String, Min: new(1.0)} }

func nameType(what string) *schema.Type {
	return &schema.Type{Kind: schema.String, Pattern: `^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`, PatternHelp: what + ": lower-case letters, digits and hyphens"}
}

func railType() *schema.Type {
	effects := []string{string(slipway.RailInforms), string(slipway.RailSignOff), string(slipway.RailException), string(slipway.RailBlocks)}
	return &schema.Type{Kind: schema.Object, What: "a rail", Fields: []schema.Field{
		{Name: "name", Required: true, Type: nameType("a rail's name"), Help: "What people call it."},
		{Name: "when", Required: true, Type: textType(), Help: "A CEL expression over the facts. The rail is hit where it is true.", Example: "run.workers > 20", Also: []string{"if", "condition", "expression"}},
		{Name: "effect", Required: true, Type: &schema.Type{Kind: schema.String, Enum: effects}, Help: "What it does when it is hit: it informs, asks for a sign-off or an exception, or blocks.", Also: []string{"action", "severity"}},
		{Name: "message", Required: true, Type: textType(), Help: "What people are told; {expression} stands for its value.", Example: "{run.workers} workers are more than 20"},
		{Name: "fix", Type: textType(), Help: "What to do about it. It may hold expressions too."},
		{Name: "environments", Type: listOf(nameType("an environment's name")), Help: "The environments that it is for. Default: all.", Also: []string{"environment", "env"}},
		{Name: "shapes", Type: listOf(nameType("a shape's name")), Help: "The shapes that it is for. Default: all.", Also: []string{"shape"}},
		{Name: "by", Type: listOf(nameType("a role's, person's or team's name")), Help: "Who signs, by role, or grants the exception.", Also: []string{"role", "roles", "who"}},
		{Name: "rollback", Type: &schema.Type{Kind: schema.Bool}, Default: "false", Help: "Whether a rail that blocks keeps people from rolling back too."},
	}}
}

func caseType() *schema.Type {
	number := &schema.Type{Kind: schema.Number}
	text := &schema.Type{Kind: schema.String}
	change := &schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "field", Required: true, Type: textType(), Help: "The field, as the plan names it."},
		{Name: "action", Required: true, Type: &schema.Type{Kind: schema.String, Enum: []string{"add", "update", "delete"}}, Help: "What the change does."},
		{Name: "from", Type: &schema.Type{Kind: schema.Any}, Help: "The value now."},
		{Name: "to", Type: &schema.Type{Kind: schema.Any}, Help: "The value then."},
		{Name: "note", Type: textType(), Help: "What the plan says of it."},
	}}
	month := &schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "runs", Type: number}, {Name: "worst", Type: number}, {Name: "expected", Type: number},
	}}
	return &schema.Type{Kind: schema.Object, What: "a case", Fields: []schema.Field{
		{Name: "name", Required: true, Type: textType(), Help: "What the case shows."},
		{Name: "shape", Required: true, Type: nameType("a shape's name"), Help: "The app's shape."},
		{Name: "environment", Required: true, Type: nameType("an environment's name"), Help: "Where it goes."},
		{Name: "app", Type: text, Help: "The app."},
		{Name: "team", Type: text, Help: "The team that owns it."},
		{Name: "run", Type: &schema.Type{Kind: schema.Any}, Help: "The parameters that differ from the shape's defaults."},
		{Name: "changes", Type: listOf(change), Help: "What the plan changes."},
		{Name: "rollback", Type: &schema.Type{Kind: schema.Bool}, Help: "Whether it is a rollback."},
		{Name: "cost", Type: &schema.Type{Kind: schema.Object, Fields: []schema.Field{
			{Name: "worst", Type: number},
			{Name: "expected", Type: number},
			{Name: "month", Type: month},
			{Name: "currency", Type: textType()},
		}}, Help: "What runs cost. Default: nothing is known."},
		{Name: "people", Type: &schema.Type{Kind: schema.Object, Fields: []schema.Field{
			{Name: "deployer", Type: textType()}, {Name: "author", Type: textType()}, {Name: "releaser", Type: textType()}, {Name: "team", Type: listOf(textType())},
		}}, Help: "Who has to do with it. Default: nobody is known."},
		{Name: "others", Type: &schema.Type{Kind: schema.Object, Fields: []schema.Field{
			{Name: "environment", Type: spendingType()}, {Name: "team", Type: spendingType()},
		}}, Help: "What other apps cost. Default: there are none."},
		{Name: "release", Type: &schema.Type{Kind: schema.Object, Fields: []schema.Field{
			{Name: "version", Type: textType()}, {Name: "commit", Type: textType()}, {Name: "created", Type: momentType()},
		}}, Help: "The release. Default: made a week before."},
		{Name: "time", Type: momentType(), Help: "When it is deployed. Default: noon (UTC) on a Wednesday in June.", Example: `"2026-12-24T18:00:00Z"`},
		{Name: "hits", Type: listOf(nameType("a rail's name")), Help: "The rails that are hit, all of them. Default: none."},
		{Name: "errors", Type: listOf(nameType("a rail's name")), Help: "The rails that cannot be judged here, which counts as hit. Default: none."},
	}}
}

func spendingType() *schema.Type {
	return &schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "month", Required: true, Type: &schema.Type{Kind: schema.Number}}, {Name: "apps", Type: listOf(textType())}, {Name: "unknown", Type: listOf(textType())},
	}}
}

func momentType() *schema.Type {
	return &schema.Type{
		Kind: schema.String, Pattern: `^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})$`,
		PatternHelp: `a time such as "2026-12-24T18:00:00Z"`,
	}
}
