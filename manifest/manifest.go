package manifest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/schema"
	"github.com/slipway-cd/slipway/shape"
)

// FileName is the name of an app's manifest.
const FileName = "slipway.yaml"

// Manifest is what a slipway.yaml says. Load makes it.
type Manifest struct {
	File  string
	App   string
	Team  string // empty if none is named
	Shape *shape.Shape
	// Platform says where the platform file is; the zero value says nothing.
	Platform PlatformRef
	Build    Build
	Checks   map[string]Check
	Merge    Merge // what stands under review and merge
	// Environments are the names under environments, in the order of the file.
	Environments []string
	Ask          []Ask
	Deliver      Deliver

	doc  *schema.Doc
	tree *schema.Value
}

// PlatformRef names a platform file: a path beside the manifest, or a file in a
// git repository at a ref.
type PlatformRef struct {
	Path string
	Git  string // URL of the repository; Path is then the file in it
	Ref  string
}

// IsZero reports whether the manifest names no platform file.
func (p PlatformRef) IsZero() bool { return p == PlatformRef{} }

// Build says how the source becomes artifacts. One of Notebook and Script is
// set.
type Build struct {
	Notebook string   `json:"notebook,omitempty"`
	Script   string   `json:"script,omitempty"`
	Include  []string `json:"include,omitempty"`
	Steps    []Step   `json:"steps,omitempty"`
	RunsOn   []string `json:"runs_on,omitempty"` // labels of the servers and workers that build and check it
}

// Step is a build step of the team's own.
type Step struct {
	Name    string            `json:"name"`
	Run     Command           `json:"run"`
	Inputs  []string          `json:"inputs,omitempty"`  // globs; empty: every file of the tree
	Outputs []string          `json:"outputs,omitempty"` // paths that the step makes
	Env     map[string]string `json:"env,omitempty"`
	Timeout time.Duration     `json:"timeout_ns"` // 30m if none is given
	Network bool              `json:"network,omitempty"`
}

// Command is what a team wants to be run: Shell, the team's own shell text, or
// Args, a list that is executed as it stands. Exactly one is set.
type Command struct {
	Shell string   `json:"shell,omitempty"`
	Args  []string `json:"args,omitempty"`
}

// Ask is a request to cross a guard rail until a day.
type Ask struct {
	Rail  string    `json:"rail"`
	Why   string    `json:"why"`
	Until time.Time `json:"until"`
}

// Load reads a slipway.yaml. Its error is of kind slipway.Invalid and wraps
// schema.Problems, which holds every complaint.
func Load(file string, data []byte, shapes shape.Menu) (*Manifest, error) {
	doc := schema.Open(file, data)
	name, pos := doc.Text("shape")
	s := shapes.Lookup(name)
	tree, problems := doc.Read(FileType(s, known(name, s, shapes)))
	m := &Manifest{File: file, Shape: s, doc: doc, tree: tree}
	problems = append(problems, m.check()...)
	if s == nil && len(problems) == 0 { // the menu is empty, or the type would have said so
		problems = append(problems, doc.Problem(pos, "shape", fmt.Sprintf("unknown shape %q", name)))
	}
	if len(problems) > 0 {
		return nil, invalid(problems)
	}
	m.decode()
	return m, nil
}

// known are the names that a shape may have, and the one it has if that is a version.
func known(ref string, s *shape.Shape, shapes shape.Menu) []string {
	names := shapes.Names()
	switch {
	case s != nil && !slices.Contains(names, ref):
		names = append(names, ref)
	case strings.Contains(ref, "@"):
		names = shapes.Refs()
	}
	return names
}

// Complain makes an error, of kind slipway.Invalid, about the value under some
// keys, such as "build", "notebook": what the file says is well formed, but the
// caller has found that it cannot be. Where the value is not written, the error
// is about the nearest key above it.
func (m *Manifest) Complain(message string, keys ...string) error {
	at, path := m.tree, ""
	for _, key := range keys {
		path = schema.Join(path, key)
		if next := at.Get(key); next != nil {
			at = next
		}
	}
	return invalid(schema.Problems{m.doc.Problem(at.Pos, path, message)})
}

// invalid makes problems an error of the kind that a person can mend.
func invalid(problems schema.Problems) error {
	err := problems.Err()
	if err == nil {
		return nil
	}
	return &slipway.Error{Kind: slipway.Invalid, Message: err.Error(), Err: err}
}

// Problems returns the complaints in an error of this package, or nil.
func Problems(err error) schema.Problems {
	var problems schema.Problems
	errors.As(err, &problems)
	return problems
}
