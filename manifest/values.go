package manifest

import (
	"fmt"
	"io"
	"strings"

	"github.com/slipway-cd/slipway/schema"
)

// Leaf is one resolved value and where it comes from.
type Leaf struct {
	Path   string `json:"path"`  // run.arguments.source
	Text   string `json:"value"` // as it could be written in the file
	Origin Origin `json:"origin"`
}

// Origin is the place that set a value, or the words for it where the place is
// no line of a file: "default of shape glue-job 1".
type Origin struct {
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	Col  int    `json:"col,omitempty"`
	Note string `json:"note,omitempty"`
}

// String is file:line:col, or the words.
func (o Origin) String() string {
	if o.Line == 0 {
		return o.Note
	}
	return fmt.Sprintf("%s:%d:%d", o.File, o.Line, o.Col)
}

func originOf(v *schema.Value) Origin {
	if v.Pos.Line == 0 {
		return Origin{Note: v.From}
	}
	return Origin{File: v.From, Line: v.Pos.Line, Col: v.Pos.Col}
}

// Values returns every value in reading order: the app's own keys as they stand
// in the file, then run in the order of the shape. Lists are one value; maps
// have one for each key.
func (r *Resolved) Values() []Leaf {
	var leaves []Leaf
	for _, key := range []string{"app", "team", "shape", "build", "checks"} {
		leaves = walk(leaves, key, r.tree.Get(key))
	}
	return walk(leaves, "run", r.Run)
}

func walk(leaves []Leaf, path string, v *schema.Value) []Leaf {
	switch {
	case !v.Given():
		return leaves
	case (v.Kind == schema.Map || v.Kind == schema.Object) && len(v.Members()) > 0:
		for _, m := range v.Members() {
			leaves = walk(leaves, schema.Join(path, m.Key), m.Value)
		}
		return leaves
	default:
		return append(leaves, Leaf{Path: path, Text: v.YAML(), Origin: originOf(v)})
	}
}

// WriteValues writes the values in lines of a path, a value and its origin:
//
//	run.workers: 10   # slipway.yaml:27:20
func WriteValues(w io.Writer, leaves []Leaf) error {
	const widest = 60
	width := 0
	for _, l := range leaves {
		if n := len([]rune(l.Path + l.Text)); n <= widest {
			width = max(width, n)
		}
	}
	var b strings.Builder
	for _, l := range leaves {
		pad := strings.Repeat(" ", max(0, width-len([]rune(l.Path+l.Text))))
		fmt.Fprintf(&b, "%s: %s%s   # %s\n", l.Path, l.Text, pad, l.Origin)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write values: %w", err)
	}
	return nil
}
