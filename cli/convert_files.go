package cli

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/slipway-cd/slipway"
)

// A convertJob is one notebook to convert.
type convertJob struct {
	name   string // the notebook, - is stdin
	target string // the script to write; empty: print it
	named  bool   // the person chose the target's name
}

func (j convertJob) read(s *session) ([]byte, error) {
	if j.name != "-" {
		return s.readFile(j.name)
	}
	data, err := io.ReadAll(s.env.Stdin)
	if err != nil {
		return nil, slipway.Errorf(slipway.Unavailable, "cannot read stdin: %w", err)
	}
	return data, nil
}

// jobs finds the notebooks that the words name, each once, and where their
// scripts go.
func (c *convertCommand) jobs(s *session) ([]convertJob, error) {
	var jobs []convertJob
	seen := map[string]bool{}
	for _, word := range c.Notebooks {
		found, err := s.notebooks(word)
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			if full := filepath.Clean(s.path(f.name)); f.name == "-" || !seen[full] {
				seen[full] = true
				jobs = append(jobs, convertJob{name: f.name, target: c.target(f)})
			}
		}
	}
	if c.Output != "" {
		if len(jobs) > 1 {
			return nil, slipway.Errorf(slipway.Invalid, "--output names one script, and there are %d notebooks", len(jobs)).WithFix("use --output-dir")
		}
		jobs[0].target, jobs[0].named = c.Output, true
	}
	if c.Stdout || c.Output == "-" {
		for i := range jobs {
			jobs[i].target = ""
		}
	}
	return jobs, clash(jobs)
}

// clash says that two notebooks would become the same script.
func clash(jobs []convertJob) error {
	taken := map[string]string{}
	for _, j := range jobs {
		if other, ok := taken[j.target]; ok && j.target != "" {
			return slipway.Errorf(slipway.Invalid, "%s and %s would both become %s", other, j.name, j.target).
				WithFix("convert them one by one, or name the folder that they lie in, whose folders are kept")
		}
		taken[j.target] = j.name
	}
	return nil
}

// A foundNotebook is a notebook and its place below the folder that was named.
type foundNotebook struct{ name, below string }

// target is where the script of a notebook goes.
func (c *convertCommand) target(f foundNotebook) string {
	switch {
	case f.name == "-" && c.OutputDir == "":
		return ""
	case f.name == "-":
		f.below = "notebook"
	case c.OutputDir == "":
		return strings.TrimSuffix(f.name, filepath.Ext(f.name)) + ".py"
	}
	return filepath.Join(c.OutputDir, strings.TrimSuffix(f.below, filepath.Ext(f.below))+".py")
}

// notebooks finds what a word of the command line names.
func (s *session) notebooks(word string) ([]foundNotebook, error) {
	if word == "-" {
		return []foundNotebook{{"-", ""}}, nil
	}
	if _, err := os.Stat(s.path(word)); err != nil {
		if _, err := os.Stat(s.path(word + ".ipynb")); err == nil { // as nbconvert does
			word += ".ipynb"
		}
	}
	files, err := s.notebookFiles([]string{word})
	if err != nil {
		return nil, err
	}
	root := word
	if at := strings.IndexAny(word, "*?["); at >= 0 {
		root = word[:strings.LastIndexByte(word[:at], '/')+1]
	}
	found := make([]foundNotebook, len(files))
	for i, file := range files {
		below, err := filepath.Rel(filepath.Clean(root), filepath.Clean(file))
		if err != nil || below == "." {
			below = filepath.Base(file)
		}
		found[i] = foundNotebook{file, below}
	}
	return found, nil
}

// replaceFile writes a file wholly or not at all. It does not wait for the disk:
// what is made from a notebook can be made again.
func replaceFile(file string, data []byte) error {
	dir := filepath.Dir(file)
	f, err := os.CreateTemp(dir, "."+filepath.Base(file)+"-")
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(dir, 0o755); err == nil {
			f, err = os.CreateTemp(dir, "."+filepath.Base(file)+"-")
		}
	}
	if err != nil {
		return cannotWrite(file, err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return cannotWrite(file, err)
	}
	return nil
}

// tagList is a list of tags: a,b or, as nbconvert takes it, {"a","b"}.
type tagList []string

// Decode implements kong.MapperValue.
func (l *tagList) Decode(ctx *kong.DecodeContext) error {
	var text string
	if err := ctx.Scan.PopValueInto("tags", &text); err != nil {
		return err
	}
	list, ok := pythonStrings(text)
	if !ok {
		list = strings.Split(text, ",")
	}
	*l = append(*l, list...)
	return nil
}

// patternList is a list of patterns, one at a time or, as nbconvert takes it,
// ['a', 'b'].
type patternList []string

// Decode implements kong.MapperValue.
func (l *patternList) Decode(ctx *kong.DecodeContext) error {
	var text string
	if err := ctx.Scan.PopValueInto("pattern", &text); err != nil {
		return err
	}
	list, ok := pythonStrings(text)
	if !ok {
		list = []string{text}
	}
	*l = append(*l, list...)
	return nil
}

const pythonString = `(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')`

// pythonStringList is a list, set or tuple of strings as Python writes it.
var (
	pythonStringList = regexp.MustCompile(`^[\[{(]\s*` + pythonString + `(?:\s*,\s*` + pythonString + `)*\s*,?\s*[\]})]$`)
	pythonStringOne  = regexp.MustCompile(pythonString)
)

// pythonStrings reads a list of strings as Python writes it.
func pythonStrings(text string) ([]string, bool) {
	if !pythonStringList.MatchString(text) {
		return nil, false
	}
	list := pythonStringOne.FindAllString(text, -1)
	for i, one := range list {
		list[i] = strings.NewReplacer(`\\`, `\`, `\'`, `'`, `\"`, `"`).Replace(one[1 : len(one)-1])
	}
	return slices.Clip(list), true
}
