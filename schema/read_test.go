package schema_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway/schema"
)

func object(fields ...schema.Field) *schema.Type {
	return &schema.Type{Kind: schema.Object, Fields: fields}
}

func field(name string, t *schema.Type) schema.Field { return schema.Field{Name: name, Type: t} }

// everything has a field of each kind.
func everything() *schema.Type {
	text := &schema.Type{Kind: schema.String}
	return object(
		field("text", &schema.Type{Kind: schema.String, Max: new(20.0)}), field("int", &schema.Type{Kind: schema.Int}),
		field("number", &schema.Type{Kind: schema.Number}), field("bool", &schema.Type{Kind: schema.Bool}),
		field("duration", &schema.Type{Kind: schema.Duration}), field("size", &schema.Type{Kind: schema.Size, Max: new(1e12)}),
		field("cron", &schema.Type{Kind: schema.Cron}), field("zone", &schema.Type{Kind: schema.Timezone}), field("date", &schema.Type{Kind: schema.Date}),
		field("path", &schema.Type{Kind: schema.Path}), field("folder", &schema.Type{Kind: schema.Folder}),
		field("url", &schema.Type{Kind: schema.URL}), field("secret", &schema.Type{Kind: schema.Secret}),
		field("either", &schema.Type{Kind: schema.String, SecretToo: true}),
		field("list", &schema.Type{Kind: schema.List, Elem: text, Max: new(2.0)}),
		field("map", &schema.Type{Kind: schema.Map, Elem: text, Max: new(2.0)}),
		field("union", &schema.Type{Kind: schema.Union, Of: []*schema.Type{{Kind: schema.Int}, {Kind: schema.List, Elem: text}}}),
		field("any", &schema.Type{Kind: schema.Any}),
	)
}

func TestReadTypedValues(t *testing.T) {
	const text = `text: "5.0"
int: -3
number: 1e3
bool: True
duration: 2h30m
size: 1.5GB
cron: "*/5 0 1 jan mon"
date: 2027-01-31
path: lib/a.py
folder: ../x
url: s3://bucket/key
secret: {secret: redshift/password}
either: {secret: a}
list: [a, 'b c']
map: {"true": x}
union: [1a]
any: {deep: [1, {x: yes, y: true, z: null}, 0x10]}
zone: Asia/Kolkata
`
	v, problems := schema.Open("f.yaml", []byte(text)).Read(everything())
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"text": "5.0", "int": -3.0, "number": 1000.0, "bool": true, "duration": "2h30m", "size": "1500MB",
		"cron": "*/5 0 1 jan mon", "zone": "Asia/Kolkata", "date": "2027-01-31", "path": "lib/a.py", "folder": "../x", "url": "s3://bucket/key",
		"secret": map[string]any{"secret": "redshift/password"}, "either": map[string]any{"secret": "a"},
		"list": []any{"a", "b c"}, "map": map[string]any{"true": "x"}, "union": []any{"1a"}, "any": map[string]any{"deep": []any{1.0, map[string]any{"x": "yes", "y": true}, 16.0}},
	}
	if diff := cmp.Diff(want, v.Plain()); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	if got := v.Get("duration").Duration(); got != 150*time.Minute {
		t.Errorf("duration %s", got)
	}
	if got := v.Get("size").Size(); got != 1_500_000_000 {
		t.Errorf("size %d", got)
	}
	if ref, ok := v.Get("either").Secret(); !ok || ref.Name != "a" || v.Get("either").Text() != "" {
		t.Errorf("secret %v %v", ref, ok)
	}
	if got := v.Get("list").Items()[1].Pos; got != (schema.Pos{Line: 14, Col: 11, Len: 5}) {
		t.Errorf("place of a list's value: %+v", got)
	}
	if got := v.KeyPos("map"); got != (schema.Pos{Line: 15, Col: 1, Len: 3}) {
		t.Errorf("place of a key: %+v", got)
	}
}

func TestAnyIsReadLater(t *testing.T) {
	doc := schema.Open("f.yaml", []byte("any: {size: 3, color: red}\n"))
	v, problems := doc.Read(everything())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	_, problems = v.Get("any").As(object(field("size", &schema.Type{Kind: schema.Int}), field("colour", &schema.Type{Kind: schema.String})), "any")
	want := `f.yaml:1:16: unknown key "color" in any
  1 | any: {size: 3, color: red}
                     ^^^^^
  did you mean "colour"?`
	if diff := cmp.Diff(want, problems.Error()); diff != "" {
		t.Errorf("complaint (-want +got):\n%s", diff)
	}
}

// complaint is the text about one value of everything, without its head.
func complaint(text string) string {
	_, problems := schema.Open("f", []byte(text)).Read(everything())
	return problems.Error()
}

func TestComplaints(t *testing.T) {
	long := strings.Repeat("x", 200)
	for name, c := range map[string]struct{ in, want string }{
		"size":           {"size: 20 GB", "f:1:7: size is the text \"20 GB\", which does not fit\n  1 | size: 20 GB\n            ^^^^^\n  expected a size such as 20GB or 512MiB, at most 1TB"},
		"size too large": {"size: 2TB", "f:1:7: size is the text \"2TB\", which does not fit\n  1 | size: 2TB\n            ^^^\n  expected a size such as 20GB or 512MiB, at most 1TB"},
		"zone":           {"zone: Mars/Olympus", "f:1:7: zone is the text \"Mars/Olympus\", which is no time zone\n  1 | zone: Mars/Olympus\n            ^^^^^^^^^^^^\n  expected a time zone by its IANA name, such as Europe/Berlin"},
		"zone of here":   {"zone: Local", "f:1:7: zone is the text \"Local\", which is no time zone\n  1 | zone: Local\n            ^^^^^\n  expected a time zone by its IANA name, such as Europe/Berlin"},
		"url":            {"url: example.com", "f:1:6: url is the text \"example.com\", which is not a URL\n  1 | url: example.com\n           ^^^^^^^^^^^\n  expected a URL such as https://example.com/path or s3://bucket/folder"},
		"folder":         {"folder: ''", "f:1:9: folder is the text \"\", which names no folder\n  1 | folder: ''\n              ^^\n  expected the path of a folder"},
		"secret":         {"secret: hunter2", "f:1:9: secret is the text \"hunter2\"\n  1 | secret: hunter2\n              ^^^^^^^\n  expected a secret reference such as {secret: redshift/password}"},
		"union":          {"union: {}", "f:1:8: union is keys and values\n  1 | union: {}\n             ^\n  expected a whole number, or a list, each item text"},
		"long text":      {"text: 123456789a123456789b1", "f:1:7: text is the text \"123456789a123456789b1\", which has 21 characters\n  1 | text: 123456789a123456789b1\n            ^^^^^^^^^^^^^^^^^^^^^\n  expected text of at most 20 characters"},
		"long list":      {"list: [a, b, c]", "f:1:7: list has 3 entries\n  1 | list: [a, b, c]\n            ^\n  expected at most 2"},
		"long map":       {"map: {a: b, b: c, c: d}", "f:1:6: map has 3 entries\n  1 | map: {a: b, b: c, c: d}\n           ^\n  expected at most 2"},
		"null":           {"int: ~", "f:1:6: int is null\n  1 | int: ~\n           ^\n  expected a whole number"},
		"not a number":   {"number: .nan", "f:1:9: number is the number .nan\n  1 | number: .nan\n              ^^^^\n  expected a number"},
		"a huge number":  {"int: 99999999999999999999", "f:1:6: int is the number 99999999999999999999\n  1 | int: 99999999999999999999\n           ^^^^^^^^^^^^^^^^^^^^\n  expected a whole number"},
		"far to the right": {
			`{text: a, url: "` + long + `"}`,
			"f:1:16: url is the text \"" + long[:60] + "...\", which is not a URL\n  1 | {text: a, url: \"" + long[:104] + "\n                     " + strings.Repeat("^", 105) + "\n  expected a URL such as https://example.com/path or s3://bucket/folder",
		},
		"a window on a long line": {
			`{text: "` + long + `", b: c}`,
			"f:1:8: text is the text \"" + long[:60] + "...\", which has 200 characters\n  1 | {text: \"" + long[:112] + "\n             " + strings.Repeat("^", 113) + "\n  expected text of at most 20 characters\n" +
				"f:1:212: unknown key \"b\"\n  1 | " + long[:112] + "\", b: c}\n      " + strings.Repeat(" ", 115) + "^\n  expected one of text, int, number, bool, duration, size, cron, zone, date, path, folder, url, secret, either, list, map, union, any",
		},
		"bytes that are not text": {"text: \xff", "f:1:7: this is not UTF-8 text\n  1 | text: \uFFFD\n            ^"},
		"a control character":     {"text: a\nint: \x00", "f:2:6: the control character U+0000 does not belong in a text file\n  2 | int:  \n           ^"},
		"too deep":                {"any: " + strings.Repeat("[", 60), "f:1:56: nested more than 50 levels deep\n  1 | any: " + strings.Repeat("[", 60) + "\n      " + strings.Repeat(" ", 55) + "^"},
		"too deep without brackets": {
			strings.Repeat("- ", 60),
			"f:1:101: nested more than 50 levels deep\n  1 | " + strings.Repeat("- ", 60) + "\n      " + strings.Repeat(" ", 100) + "^",
		},
		"a key that is a list":   {"? [a]\n: b", "f:2:1: not valid YAML: found an invalid key for this map\n  2 | : b\n      ^"},
		"a key after a question": {"? int\n: 3", "f:1:1: keys written with ? are not read here\n  1 | ? int\n      ^\n  expected a key and a colon"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, complaint(c.in)); diff != "" {
				t.Errorf("complaint (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTooLarge(t *testing.T) {
	text := "text: a\n#" + strings.Repeat("x", schema.MaxBytes)
	want := "f:1:1: the file is larger than 1MiB\n  1 | text: a\n      ^"
	if diff := cmp.Diff(want, complaint(text)); diff != "" {
		t.Errorf("complaint (-want +got):\n%s", diff)
	}
}

func TestErrPutsProblemsInOrder(t *testing.T) {
	ps := schema.Problems{{File: "b", Line: 1, Col: 1}, {File: "a", Line: 2, Col: 1}, {File: "a", Line: 1, Col: 9}, {File: "a", Line: 1, Col: 2}}
	want := "a:1:2: \na:1:9: \na:2:1: \nb:1:1: "
	if got := ps.Err().Error(); got != want {
		t.Errorf("order:\n%s\nwant:\n%s", got, want)
	}
	if err := (schema.Problems{}).Err(); err != nil {
		t.Errorf("no problems: %v", err)
	}
}

func TestHelp(t *testing.T) {
	var b bytes.Buffer
	err := schema.Help(&b, object(
		schema.Field{Name: "workers", Required: true, Type: &schema.Type{Kind: schema.Int, Min: new(1.0)}, Help: "How many.", Default: "2", Example: "10"},
		field("tags", &schema.Type{Kind: schema.Map, Elem: &schema.Type{Kind: schema.String}}),
	))
	want := "workers (required)\n    How many.\n    Takes a whole number, at least 1.\n    Default: 2\n    Example: 10\n\ntags\n    Takes keys and values, each value text.\n"
	if diff := cmp.Diff(want, b.String()); diff != "" || err != nil {
		t.Errorf("help (-want +got):\n%s\n%v", diff, err)
	}
}
