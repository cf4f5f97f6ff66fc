package shape_test

import (
	"bytes"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway/schema"
	"github.com/slipway-cd/slipway/shape"
)

const head = `slipway: v1
shape: box
version: 1
description: A box.
runtimes: [local, glue]
build: {exactly_one: [script]}
parameters:
  kind: {type: text, enum: [big, small], default: small, help: How big.}
  count: {type: int, min: 1, default: 2, when: {kind: big}, help: How many.}
  wait: {type: duration, min: 1m, help: How long.}
`

func TestBuiltin(t *testing.T) {
	menu, err := shape.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"glue-job", "python-job", "scheduled-job", "web-service", "worker", "custom"}, menu.Names()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	for _, s := range menu.All() {
		if s.RunsOn("local") == s.RunsOn("ecs") || s.RunsOn("moon") || s.Parameter("name") == nil || s.Parameter("nothing") != nil {
			t.Errorf("%s: runtimes %v", s.Name, s.Runtimes)
		}
		for _, p := range s.Parameters {
			if p.Help == "" || !strings.HasSuffix(p.Help, ".") {
				t.Errorf("%s.%s: help %q is not a sentence", s.Name, p.Name, p.Help)
			}
		}
	}
	if menu.Lookup("nothing") != nil {
		t.Error("a shape that nobody made")
	}
}

func TestParse(t *testing.T) {
	s, err := shape.Parse("shape.yaml", []byte(head+"rails: [{name: r}]\ncost: {run: run.count * 2.0}\ntests: []\n"))
	if err != nil {
		t.Fatal(err)
	}
	if s.Parameter("count").Default != "2" || s.Parameter("kind").Default != "small" {
		t.Errorf("defaults %q, %q", s.Parameter("count").Default, s.Parameter("kind").Default)
	}
	if got := *s.Parameter("wait").Type.Min; got != 60 {
		t.Errorf("least duration %v s, want 60", got)
	}
	if s.Rails == nil || s.Cost.Run != "run.count * 2.0" || s.Cost.Currency != "USD" || s.Tests == nil {
		t.Error("rails, cost or tests are not kept")
	}
	var b bytes.Buffer
	if err := schema.Help(&b, s.RunType()); err != nil || !strings.HasPrefix(b.String(), "kind\n    How big.\n    Takes one of big, small.\n    Default: small\n") {
		t.Errorf("help %v:\n%s", err, b.String())
	}
}

func TestParseComplaints(t *testing.T) {
	for name, c := range map[string]struct{ tail, want string }{
		"a default of the wrong type": {
			"  n: {type: int, default: many, help: N.}\n",
			"s:11:27: parameters.n.default is the text \"many\"\n  11 |   n: {type: int, default: many, help: N.}\n                                 ^^^^\n  expected a whole number",
		},
		"an unknown type": {
			"  n: {type: string, help: N.}\n",
			"s:11:13: parameters.n.type is the text \"string\", which is not allowed here\n  11 |   n: {type: string, help: N.}\n                   ^^^^^^\n  expected one of text, int, number, bool, duration, size, cron, schedule, timezone, date, path, url, secret, list, map",
		},
		"a question about nothing": {
			"  n: {type: int, when: {sort: x}, help: N.}\n",
			"s:11:25: parameters.n.when asks about \"sort\", which is not a parameter declared above\n  11 |   n: {type: int, when: {sort: x}, help: N.}\n                               ^^^^\n  expected one of kind, count, wait",
		},
		"a question with an impossible answer": {
			"  n: {type: int, when: {kind: [big, huge]}, help: N.}\n",
			"s:11:31: parameters.n.when: kind is never \"huge\"\n  11 |   n: {type: int, when: {kind: [big, huge]}, help: N.}\n                                     ^\n  expected one of big, small",
		},
		"a runtime that the shape does not have": {
			"  n: {type: int, required: [ecs], runtimes: [moon], help: N.}\n",
			"s:11:29: parameters.n.required names \"ecs\", which the shape does not have\n  11 |   n: {type: int, required: [ecs], runtimes: [moon], help: N.}\n                                   ^^^\n  expected one of local, glue\n" +
				"s:11:46: parameters.n.runtimes names \"moon\", which the shape does not have\n  11 |   n: {type: int, required: [ecs], runtimes: [moon], help: N.}\n                                                    ^^^^\n  expected one of local, glue",
		},
		"a wrong pattern": {
			"  n: {type: text, pattern: '(', help: N.}\n",
			"s:11:28: parameters.n.pattern is not a regular expression: error parsing regexp: missing closing ): `(`\n  11 |   n: {type: text, pattern: '(', help: N.}\n                                  ^^^",
		},
		"a reserved name": {
			"  runtime: {type: text, help: N.}\n",
			"s:11:3: a parameter cannot be called runtime, which questions ask for\n  11 |   runtime: {type: text, help: N.}\n         ^^^^^^^",
		},
		"defaults and conditions of nothing": {
			"defaults: [{when: {environment: local}, set: {x: 1, count: 0}}]\nconditions: [{when: {kind: big}, require: [y], allow: {z: [a], kind: huge}}]\n",
			"s:11:47: defaults.set names \"x\", which is not a parameter\n  11 | defaults: [{when: {environment: local}, set: {x: 1, count: 0}}]\n                                                     ^\n  expected one of kind, count, wait\n" +
				"s:11:60: defaults.set.count is 0\n  11 | defaults: [{when: {environment: local}, set: {x: 1, count: 0}}]\n                                                                  ^\n  expected a whole number, at least 1\n" +
				"s:12:44: conditions.require names \"y\", which the shape does not have\n  12 | conditions: [{when: {kind: big}, require: [y], allow: {z: [a], kind: huge}}]\n                                                  ^\n  expected one of kind, count, wait\n" +
				"s:12:56: conditions.allow names \"z\", which is not a parameter\n  12 | conditions: [{when: {kind: big}, require: [y], allow: {z: [a], kind: huge}}]\n                                                              ^\n  expected one of kind, count, wait\n" +
				"s:12:70: conditions.allow: kind is never \"huge\"\n  12 | conditions: [{when: {kind: big}, require: [y], allow: {z: [a], kind: huge}}]\n                                                                            ^^^^\n  expected one of big, small",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := shape.Parse("s", []byte(head+c.tail))
			if err == nil {
				t.Fatal("parses without a complaint")
			}
			if diff := cmp.Diff(c.want, err.Error()); diff != "" {
				t.Errorf("complaint (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLoad(t *testing.T) {
	menu, err := shape.Load(fstest.MapFS{"menu/box/shape.yaml": {Data: []byte(head)}, "menu/readme": {}}, "menu")
	if err != nil || menu.Lookup("box") == nil {
		t.Errorf("menu %v, %v", menu.Names(), err)
	}
	_, err = shape.Load(fstest.MapFS{"menu/box/shape.yaml": {}}, "menu")
	if err == nil || err.Error() != "menu/box/shape.yaml:1:1: the file is empty" {
		t.Errorf("an empty shape: %v", err)
	}
}

func TestVersions(t *testing.T) {
	two := strings.Replace(head, "version: 1", "version: 2", 1)
	menu, err := shape.Load(fstest.MapFS{"menu/box/shape.yaml": {Data: []byte(two)}, "menu/box/v1/shape.yaml": {Data: []byte(head)}}, "menu")
	if err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string]int{"box": 2, "box@1": 1, "box@2": 2, "box@3": 0, "box@": 0, "sack": 0, "box@01": 0} {
		got := 0
		if s := menu.Lookup(ref); s != nil {
			got = s.Version
		}
		if got != want {
			t.Errorf("%s is version %d, want %d", ref, got, want)
		}
	}
	if diff := cmp.Diff([]string{"box", "box@1", "box@2"}, menu.Refs()); diff != "" {
		t.Errorf("refs (-want +got):\n%s", diff)
	}
	if n := len(menu.With(menu).Every()); n != 2 || len(menu.All()) != 1 {
		t.Errorf("there are %d versions", n)
	}
	_, err = shape.Parse("s", []byte(head+"upgrades: [{from: 1, notes: none}]\n"))
	if err == nil || !strings.HasPrefix(err.Error(), "s:11:19: upgrades[0] is from version 1, and this is version 1") {
		t.Errorf("got %v", err)
	}
}

func TestResolve(t *testing.T) {
	s, err := shape.Parse("s", []byte(head+`defaults:
  - {when: {runtime: glue}, set: {wait: 5m}}
  - {when: {environment: prod}, set: {wait: 9m}}
conditions:
  - {when: {kind: big}, require: [wait], because: big boxes are slow}
`))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		run   string
		place shape.Place
		want  map[string]any
		broke string
	}{
		"defaults":                  {"{}", shape.Place{}, map[string]any{"kind": "small"}, ""},
		"defaults by another":       {"kind: big\nwait: 2m", shape.Place{}, map[string]any{"kind": "big", "count": 2.0, "wait": "2m"}, ""},
		"defaults by the runtime":   {"{}", shape.Place{Runtime: "glue"}, map[string]any{"kind": "small", "wait": "5m"}, ""},
		"the later default wins":    {"{}", shape.Place{Runtime: "glue", Environment: "prod"}, map[string]any{"kind": "small", "wait": "9m"}, ""},
		"null takes a default away": {"kind: null", shape.Place{}, map[string]any{}, ""},
		"something is required":     {"kind: big", shape.Place{}, map[string]any{"kind": "big", "count": 2.0}, "run has no wait, which kind big needs: big boxes are slow"},
		"something does not exist":  {"count: 3", shape.Place{}, map[string]any{"kind": "small", "count": 3.0}, "run.count is not for kind small"},
	} {
		t.Run(name, func(t *testing.T) {
			run, problems := schema.Open("m", []byte(c.run)).Read(s.RunType())
			if err := problems.Err(); err != nil {
				t.Fatal(err)
			}
			got, broken := s.Resolve(run, c.place)
			if diff := cmp.Diff(any(c.want), got.Plain()); diff != "" {
				t.Errorf("run (-want +got):\n%s", diff)
			}
			var messages []string
			for _, b := range broken {
				messages = append(messages, b.Message)
			}
			if text := strings.Join(messages, "\n"); text != c.broke {
				t.Errorf("broken: %q, want %q", text, c.broke)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(head))
	f.Add([]byte(head + "conditions: [{when: {kind: big}, allow: {count: [1, 2]}}]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := shape.Parse("s", data)
		if err != nil {
			return
		}
		run, _ := schema.Open("m", []byte("{}")).Read(s.RunType())
		s.Resolve(run, shape.Place{Environment: "local", Runtime: "local"})
		schema.JSONSchema(s.RunType())
	})
}

func BenchmarkBuiltin(b *testing.B) {
	for b.Loop() {
		if _, err := shape.Builtin(); err != nil {
			b.Fatal(err)
		}
	}
}
