package schema_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway/schema"
)

func TestWithin(t *testing.T) {
	object := &schema.Type{Kind: schema.Object, Fields: []schema.Field{{Name: "a", Type: &schema.Type{Kind: schema.String}}}}
	for name, c := range map[string]struct {
		text string
		from int
		want schema.Pos
	}{
		"plain":              {"a: one two", 4, schema.Pos{Line: 1, Col: 8, Len: 3}},
		"in double quotes":   {`a: "\"one\" two"`, 6, schema.Pos{Line: 1, Col: 13, Len: 3}},
		"in single quotes":   {`a: 'it''s two'`, 5, schema.Pos{Line: 1, Col: 11, Len: 3}},
		"on the next line":   {"a: one\n  two", 4, schema.Pos{Line: 2, Col: 3, Len: 3}},
		"in a literal block": {"a: |\n  one\n  two\n", 4, schema.Pos{Line: 3, Col: 3, Len: 3}},
		"in a folded block":  {"a: >-\n  one\n\n  two\n", 4, schema.Pos{Line: 4, Col: 3, Len: 3}},
		"behind wide signs":  {"a: öü→ two", 4, schema.Pos{Line: 1, Col: 8, Len: 3}},
		"past its end":       {"a: one two", 7, schema.Pos{Line: 1, Col: 10, Len: 1}},
		"far past its end":   {"a: one two", 70, schema.Pos{Line: 1, Col: 10, Len: 1}},
		"written otherwise":  {`a: "\u006fne two"`, 4, schema.Pos{Line: 1, Col: 4, Len: 9}},
	} {
		t.Run(name, func(t *testing.T) {
			doc := schema.Open("x.yaml", []byte(c.text))
			v, problems := doc.Read(object)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			if diff := cmp.Diff(c.want, doc.Within(v.Get("a"), c.from, 3)); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
		})
	}
}
