package manifest_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/shape"
)

const boxOne = `slipway: v1
shape: box
version: 1
description: A box.
runtimes: [local]
build: {exactly_one: [script]}
parameters:
  workers: {type: int, help: How many.}
  kind: {type: text, enum: [Standard, G.1X], help: Which.}
  old: {type: int, help: What was.}
  tags: {type: map, help: Tags.}
`

const boxThree = `slipway: v1
shape: box
version: 3
description: A box.
runtimes: [local]
build: {exactly_one: [script]}
parameters:
  instances: {type: int, help: How many.}
  size: {type: text, enum: [small, large], help: Which.}
upgrades:
  - {from: 1, notes: workers are capacity, rename: {workers: capacity, kind: size}, values: {size: {Standard: small, G.1X: large}}}
  - {from: 2, notes: capacity is instances, rename: {capacity: instances}, remove: [old, tags]}
`

func boxes(t *testing.T) shape.Menu {
	t.Helper()
	one, err := shape.Parse("box/v1/shape.yaml", []byte(boxOne))
	if err != nil {
		t.Fatal(err)
	}
	three, err := shape.Parse("box/shape.yaml", []byte(boxThree))
	if err != nil {
		t.Fatal(err)
	}
	return shape.NewMenu(one, three)
}

// What is written stays, but for what the shape changed.
func TestUpgrade(t *testing.T) {
	text := `slipway: v1
app: a
shape: "box@1" # the old one
build: {script: a.py}
run:
  workers: 3   # as many as there are
  kind: 'Standard'
  old: 1
  tags:
    workers: x
environments:
  local: {run: {workers: 1, old: 2, kind: G.1X}}
`
	menu := boxes(t)
	m, err := manifest.Load("slipway.yaml", []byte(text), menu)
	if err != nil {
		t.Fatal(err)
	}
	up := m.Upgrade([]byte(text), menu)
	want := strings.NewReplacer(`"box@1"`, `"box@3"`, "  workers: 3 ", "  instances: 3 ", "kind: 'Standard'", "size: 'small'", "  old: 1\n", "", "{workers: 1", "{instances: 1", "kind: G.1X", "size: large").Replace(text)
	if diff := cmp.Diff(want, string(up.Data)); diff != "" {
		t.Errorf("the file (-want +got):\n%s", diff)
	}
	up.Data = nil
	if diff := cmp.Diff(manifest.Upgraded{
		From: 1, To: 3, Notes: []string{"version 2: workers are capacity", "version 3: capacity is instances"},
		Done: []string{
			"run.workers is called instances", "run.kind is called size", "run.kind is small", "run.old is taken out",
			"environments.local.run.workers is called instances", "environments.local.run.kind is called size", "environments.local.run.kind is large",
			"shape is box@3",
		},
		Left: []string{"line 9: run.tags is no more, take it out", "line 12: environments.local.run.old is no more, take it out"},
	}, up, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("what is said (-want +got):\n%s", diff)
	}
}

func TestUpgradeOfWhatIsNew(t *testing.T) {
	text := "slipway: v1\napp: a\nshape: box\nbuild: {script: a.py}\nrun: {instances: 2}\n"
	menu := boxes(t)
	m, err := manifest.Load("slipway.yaml", []byte(text), menu)
	if err != nil {
		t.Fatal(err)
	}
	if up := m.Upgrade([]byte(text), menu); up.Changed([]byte(text)) || up.From != 3 || len(up.Done)+len(up.Left)+len(up.Notes) != 0 {
		t.Errorf("got %+v", up)
	}
	_, err = manifest.Load("slipway.yaml", []byte(strings.Replace(text, "box", "box@2", 1)), menu)
	if err == nil || !strings.Contains(err.Error(), "expected one of box, box@1, box@3") {
		t.Errorf("got %v", err)
	}
}

// What upgrades says to be done is what a newer version takes.
func TestUpgradedLoads(t *testing.T) {
	text := "slipway: v1\napp: a\nshape: box@1\nbuild: {script: a.py}\nrun:\n  workers: 3\n  kind: G.1X\n"
	menu := boxes(t)
	m, err := manifest.Load("slipway.yaml", []byte(text), menu)
	if err != nil {
		t.Fatal(err)
	}
	up := m.Upgrade([]byte(text), menu)
	got, err := manifest.Load("slipway.yaml", up.Data, menu)
	if err != nil || got.Shape.Version != 3 {
		t.Errorf("%v\n%s", err, up.Data)
	}
}
