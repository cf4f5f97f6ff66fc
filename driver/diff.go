package driver

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
)

// Fingerprint names a target: two targets have the same one exactly if Diff
// finds no change between them.
func Fingerprint(t slipway.Target) string {
	data, err := json.Marshal(fields(t))
	if err != nil {
		panic(err) // fields come out of JSON
	}
	return slipway.DigestOf(data).Hex()[:20]
}

// Diff says what leads from one target to another, field by field: the release
// first, then the files, then run. From the zero target everything is added.
//
// Fields are named as the manifest names them: "run.arguments.source". A file is
// its name and digest ("script", "modules", "file.<name>"); where it lies in the
// artifact repository makes no difference. A reference to a secret is one value;
// an empty mapping and null are none.
func Diff(from, to slipway.Target) []slipway.Change {
	old, now := fields(from), fields(to)
	names := slices.Collect(maps.Keys(now))
	for name := range old {
		if _, ok := now[name]; !ok {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b)) })
	changes := []slipway.Change{}
	for _, name := range names {
		before, had := old[name]
		after, has := now[name]
		switch {
		case !had:
			changes = append(changes, slipway.Change{Field: name, Action: slipway.Add, To: after})
		case !has:
			changes = append(changes, slipway.Change{Field: name, Action: slipway.Delete, From: before})
		case !same(before, after):
			changes = append(changes, slipway.Change{Field: name, Action: slipway.Update, From: before, To: after})
		}
	}
	return changes
}

// FileField is the name of the field that an artifact is in Diff; empty for an
// artifact that no run needs.
func FileField(a slipway.Artifact) string {
	switch a.Kind {
	case slipway.KindScript, slipway.KindModules:
		return string(a.Kind)
	case slipway.KindFile:
		return "file." + a.Name
	case slipway.KindManifest, slipway.KindChecks:
		return ""
	}
	return ""
}

// fields spreads a target out into its fields.
func fields(t slipway.Target) map[string]any {
	out := map[string]any{}
	for name, text := range map[string]string{
		"environment": t.Environment, "version": t.Version, "commit": t.Commit, "shape": t.Shape,
	} {
		if text != "" {
			out[name] = text
		}
	}
	for _, a := range t.Artifacts {
		if name := FileField(a); name != "" {
			out[name] = strings.TrimSpace(a.Name + " " + string(a.Digest)) // a foreign file has no digest
		}
	}
	spread(out, "run", Normal(t.Run))
	return out
}

// spread puts the leaves of v into out, under their paths.
func spread(out map[string]any, path string, v any) {
	m, ok := v.(map[string]any)
	if _, secret := m["secret"]; v != nil && (!ok || secret && len(m) == 1) {
		out[path] = v
		return
	}
	for key, value := range m {
		spread(out, path+"."+key, value)
	}
}

// Normal gives v the types that JSON decoding gives, so that a target that was
// stored and one that was just made compare equal. What JSON cannot hold is
// told by its error, which no other value equals.
func Normal(v any) any {
	data, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	var out any
	if err := json.Unmarshal(data, &out); err != nil {
		return err.Error()
	}
	return out
}

func rank(field string) int {
	order := []string{"environment", "version", "commit", "shape", "script", "modules"}
	if i := slices.Index(order, field); i >= 0 {
		return i
	}
	return len(order)
}

func same(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
