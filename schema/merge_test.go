package schema_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/slipway-cd/slipway/schema"
)

// layerType has maps within a map, lists and texts, all of which null removes.
func layerType() *schema.Type {
	text := &schema.Type{Kind: schema.String}
	return object(
		field("a", text), field("b", &schema.Type{Kind: schema.List, Elem: text}),
		field("c", &schema.Type{Kind: schema.Map, Elem: &schema.Type{Kind: schema.Map, Elem: text}}),
	).Overlay()
}

func readLayer(t interface{ Fatal(args ...any) }, text string) *schema.Value {
	v, problems := schema.Open("layer", []byte(text)).Read(layerType())
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return v
}

// drawLayer draws a layer as JSON, which is YAML.
func drawLayer(t *rapid.T, label string) map[string]any {
	layer := map[string]any{}
	text := func(name string) any {
		if rapid.IntRange(0, 3).Draw(t, label+name+"?") == 0 {
			return nil
		}
		return rapid.SampledFrom([]string{"x", "y", "z"}).Draw(t, label+name)
	}
	if rapid.Bool().Draw(t, label+"has a") {
		layer["a"] = text("a")
	}
	if rapid.Bool().Draw(t, label+"has b") {
		layer["b"] = []any{rapid.SampledFrom([]string{"1x", "2x"}).Draw(t, label+"b")}
	}
	if rapid.Bool().Draw(t, label+"has c") {
		c := map[string]any{}
		for i := range rapid.IntRange(0, 2).Draw(t, label+"c") {
			inner := map[string]any{}
			for j := range rapid.IntRange(0, 2).Draw(t, fmt.Sprint(label, "c", i)) {
				inner[fmt.Sprint("k", j)] = text(fmt.Sprint("c", i, j))
			}
			c[fmt.Sprint("m", i)] = inner
		}
		layer["c"] = c
	}
	return layer
}

// mergePlain says again, over plain data, what Merge promises.
func mergePlain(base, over map[string]any) map[string]any {
	out := map[string]any{}
	maps.Copy(out, base)
	for k, v := range over {
		b, bOK := out[k].(map[string]any)
		o, oOK := v.(map[string]any)
		switch {
		case v == nil:
			delete(out, k)
		case bOK && oOK:
			out[k] = mergePlain(b, o)
		case oOK:
			out[k] = mergePlain(nil, o)
		default:
			out[k] = v
		}
	}
	return out
}

func TestMergeProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var values []*schema.Value
		var plain []map[string]any
		for _, label := range []string{"one ", "two ", "three "} {
			layer := drawLayer(t, label)
			data, err := json.Marshal(layer)
			if err != nil {
				t.Fatal(err)
			}
			plain, values = append(plain, layer), append(values, readLayer(t, string(data)))
		}
		a, b, c := values[0], values[1], values[2]
		want := mergePlain(mergePlain(mergePlain(nil, plain[0]), plain[1]), plain[2])
		left := schema.Clean(schema.Merge(schema.Merge(a, b), c)).Plain()
		if diff := cmp.Diff(any(want), left); diff != "" {
			t.Fatalf("merge (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(left, schema.Clean(schema.Merge(a, schema.Merge(b, c))).Plain()); diff != "" {
			t.Fatalf("the order of merging counts (-left +right):\n%s", diff)
		}
		if diff := cmp.Diff(a.Plain(), schema.Merge(a, a).Plain()); diff != "" {
			t.Fatalf("a layer over itself changes it:\n%s", diff)
		}
		if schema.Merge(a, nil) != a || schema.Merge(nil, a) != a {
			t.Fatal("no layer changes it")
		}
	})
}

func TestMergeKeepsPlaces(t *testing.T) {
	base := readLayer(t, "a: x\nc:\n  m: {k: one, l: two}\n")
	over := readLayer(t, strings.Repeat("\n", 9)+"c: {m: {l: three}, n: {}}\n")
	got := schema.Merge(base, over)
	for path, line := range map[string]int{"a": 1, "c.m.k": 3, "c.m.l": 10, "c.n": 10} {
		if at := got.Get(strings.Split(path, ".")...).Pos.Line; at != line {
			t.Errorf("%s comes from line %d, want %d", path, at, line)
		}
	}
	if base.Get("c", "m", "l").Text() != "two" {
		t.Error("the base is changed")
	}
}
