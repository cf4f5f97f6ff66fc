package build

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/sandbox"
)

// A runner runs a plan's steps in one copy of the repository.
type runner struct {
	box     *sandbox.Sandbox
	copy    string // the copy
	dir     string // the app's folder in it
	environ []string
	secrets []string
	cache   *sandbox.Cache // of package managers; may be nil
	output  io.Writer
}

// run runs the steps in order and returns their outputs, by path.
func (r runner) run(ctx context.Context, steps []Step) (map[string][]byte, error) {
	outputs := map[string][]byte{}
	for _, s := range steps {
		if err := r.step(ctx, s); err != nil {
			return nil, err
		}
		made, err := r.collect(s)
		if err != nil {
			return nil, err
		}
		maps.Copy(outputs, made)
	}
	return outputs, nil
}

// step runs one command. Nothing that it started outlives it.
func (r runner) step(ctx context.Context, s Step) error {
	last := &tail{}
	res, err := r.box.Run(ctx, r.cache.Mount(sandbox.Step{
		Argv: s.argv(), Dir: r.dir, Env: environ(r.environ, s.Env, r.dir), Output: io.MultiWriter(last, r.output),
		Limits: sandbox.Limits{Time: s.Timeout}, Mask: r.secrets, Network: s.Network, Writable: []string{r.copy},
	}))
	if err != nil {
		return fmt.Errorf("build step %s: %w", s.Name, err)
	}
	return judge(s, res, last)
}

// judge says what the end of a step means.
func judge(s Step, res sandbox.Result, last *tail) error {
	const clean = "it runs in a clean copy of the commit: what is not committed is not there"
	switch {
	case res.Limit == sandbox.Time:
		return slipway.Errorf(slipway.Failed, "build step %s exceeded its time limit of %s%s", s.Name, s.Timeout, last).
			WithFix("give it more time with timeout, or find out what it waits for")
	case res.Limit != "":
		return slipway.Errorf(slipway.Failed, "build step %s %s, and was ended%s", s.Name, res.Reason, last).
			WithFix("have it use less, or ask the platform team for more")
	case res.Signal != 0:
		return slipway.Errorf(slipway.Failed, "build step %s failed: signal: %s%s", s.Name, res.Signal, last).WithFix(clean)
	case res.Code != 0 && res.Isolated && !s.Network && sandbox.LacksNetwork(last.String()):
		return slipway.Errorf(slipway.Failed, "build step %s failed: exit status %d%s", s.Name, res.Code, last).
			WithFix("it ran without a network; if it needs one, say network: true")
	case res.Code != 0:
		return slipway.Errorf(slipway.Failed, "build step %s failed: exit status %d%s", s.Name, res.Code, last).WithFix(clean)
	}
	return nil
}

// environ puts a step's own variables behind the others, so that they win, and
// leaves out what would lead git to a repository that is not the copy.
func environ(base []string, own map[string]string, dir string) []string {
	env := slices.DeleteFunc(slices.Clone(base), func(kv string) bool {
		key, _, _ := strings.Cut(kv, "=")
		return slices.Contains([]string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "PWD"}, key)
	})
	env = append(env, "PWD="+dir)
	for _, key := range slices.Sorted(maps.Keys(own)) {
		env = append(env, key+"="+own[key])
	}
	return env
}

// collect reads what a step promised to make. It never follows a link out of the
// copy.
func (r runner) collect(s Step) (map[string][]byte, error) {
	root, err := os.OpenRoot(r.dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	made := map[string][]byte{}
	found := make([]bool, len(s.Outputs))
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		for i, pattern := range s.Outputs {
			if !matches(pattern, name) {
				continue
			}
			found[i] = true
			if made[name], err = root.ReadFile(filepath.FromSlash(name)); err != nil {
				return fmt.Errorf("build step %s: read its output %s: %w", s.Name, name, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var missing []string
	for i, pattern := range s.Outputs {
		if !found[i] {
			missing = append(missing, pattern)
		}
	}
	if len(missing) > 0 {
		return nil, slipway.Errorf(slipway.Failed, "build step %s ended well but did not make %s", s.Name, strings.Join(missing, ", ")).
			WithFix("correct its outputs: they are relative to the folder of slipway.yaml")
	}
	return made, nil
}

// A tail keeps the last lines of what is written to it.
type tail struct{ text []byte }

// What an error quotes of a command's output.
const (
	tailLines = 10
	tailBytes = 4 << 10
)

// Write keeps the end of p.
func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	if len(t.text) > 2*tailBytes {
		t.text = slices.Clone(t.text[len(t.text)-tailBytes:])
	}
	return len(p), nil
}

// String returns the lines, each behind a line feed.
func (t *tail) String() string {
	text := strings.ToValidUTF8(strings.TrimRight(string(t.text), "\n"), "\uFFFD")
	if text == "" {
		return ""
	}
	lines := strings.Split(text, "\n")
	lines = lines[max(0, len(lines)-tailLines):]
	return ":\n" + strings.Join(lines, "\n")
}
