package check

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-cd/slipway"
)

// A Change is what a commit changes against another one, the base. Paths have
// slashes and are relative to the app's folder.
type Change struct {
	Base  string             `json:"base"` // the commit that it is compared with
	Files map[string]Changed `json:"files"`
}

// Changed is what a change does to a file.
type Changed struct {
	From    string          `json:"from,omitempty"` // its path at the base, where that is another
	Added   []slipway.Lines `json:"added,omitempty"`
	Removed bool            `json:"removed,omitempty"` // the file is gone
}

// Names lists the files that the change touches, under their old names too.
func (c *Change) Names() []string {
	names := map[string]bool{}
	for name, f := range c.Files {
		names[name] = true
		if f.From != "" {
			names[f.From] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// adds reports whether a line of a file is one that the change adds.
func (c *Change) adds(file string, line int) bool {
	return c.addsAny(file, line, line)
}

// addsAny reports whether one of some lines of a file is one that the change adds.
func (c *Change) addsAny(file string, from, to int) bool {
	return slices.ContainsFunc(c.Files[file].Added, func(l slipway.Lines) bool { return l.From <= to && from <= l.To })
}

// before is what a file was called at the base.
func (c *Change) before(file string) string {
	if c != nil && c.Files[file].From != "" {
		return c.Files[file].From
	}
	return file
}

// ParseDiff reads what git diff --unified=0 --find-renames prints, with paths that
// begin with a/ and b/.
func ParseDiff(base string, diff io.Reader) (Change, error) {
	p := diffParser{change: Change{Base: base, Files: map[string]Changed{}}}
	lines := bufio.NewReader(diff)
	for n := 1; ; n++ {
		line, err := lines.ReadString('\n')
		if line != "" {
			if wrong := p.line(strings.TrimSuffix(line, "\n")); wrong != nil {
				return Change{}, fmt.Errorf("line %d of the diff: %w", n, wrong)
			}
		}
		if errors.Is(err, io.EOF) {
			p.end()
			return p.change, nil
		}
		if err != nil {
			return Change{}, fmt.Errorf("read the diff: %w", err)
		}
	}
}

type diffParser struct {
	change    Change
	open      bool // a file is open
	name, was string
	file      Changed
	body      int // lines of a hunk that are still to come
}

// line reads one line.
func (p *diffParser) line(text string) error {
	if p.body > 0 && text != "" && strings.ContainsRune("+-", rune(text[0])) {
		p.body--
		return nil
	}
	word, rest, _ := strings.Cut(text, " ")
	var err error
	switch {
	case strings.HasPrefix(text, "diff --git "):
		p.end()
		p.open, p.name, p.was, p.file, p.body = true, "", "", Changed{}, 0
		p.name, p.was = bothNames(strings.TrimPrefix(text, "diff --git "))
	case !p.open:
		return nil
	case strings.HasPrefix(text, "rename from "):
		p.was, err = diffPath(strings.TrimPrefix(text, "rename from "))
	case strings.HasPrefix(text, "rename to "):
		p.name, err = diffPath(strings.TrimPrefix(text, "rename to "))
	case strings.HasPrefix(text, "deleted file "):
		p.file.Removed = true
	case word == "---":
		err = p.side(&p.was, "a/", rest)
	case word == "+++":
		err = p.side(&p.name, "b/", rest)
	case word == "@@":
		err = p.hunk(rest)
	}
	return err
}

// side reads the name behind --- or +++.
func (p *diffParser) side(to *string, prefix, text string) error {
	name, err := diffPath(strings.TrimSuffix(text, "\t"))
	if err == nil && name != "/dev/null" {
		*to = strings.TrimPrefix(name, prefix)
	}
	return err
}

// bothNames reads "a/x b/x". Where a name has blanks, the lines that follow tell
// it, unless the file is the same under both names.
func bothNames(text string) (name, was string) {
	half := len(text) / 2
	if len(text)%2 == 1 && text[half] == ' ' {
		a, errA := diffPath(text[:half])
		b, errB := diffPath(text[half+1:])
		if errA == nil && errB == nil && strings.TrimPrefix(a, "a/") == strings.TrimPrefix(b, "b/") {
			return strings.TrimPrefix(b, "b/"), strings.TrimPrefix(a, "a/")
		}
	}
	return "", ""
}

// diffPath reads a path, which git quotes as C does where it has odd characters.
func diffPath(text string) (string, error) {
	if !strings.HasPrefix(text, `"`) {
		return text, nil
	}
	path, err := strconv.Unquote(text)
	if err != nil {
		return "", fmt.Errorf("%s is not a path as git quotes it", text)
	}
	return path, nil
}

// hunk reads "-12,3 +14,2 @@ ...".
func (p *diffParser) hunk(text string) error {
	parts := strings.SplitN(text, " ", 3)
	if len(parts) < 3 {
		return fmt.Errorf("%q is no place of a change", text)
	}
	_, removed, err := span(parts[0], "-")
	if err != nil {
		return err
	}
	from, added, err := span(parts[1], "+")
	if err != nil {
		return err
	}
	p.body = removed + added
	if added > 0 {
		p.file.Added = append(p.file.Added, slipway.Lines{From: from, To: from + added - 1})
	}
	return nil
}

// span reads "+14,2", or "+14" for one line.
func span(text, sign string) (from, count int, err error) {
	first, rest, several := strings.Cut(strings.TrimPrefix(text, sign), ",")
	from, err = strconv.Atoi(first)
	count = 1
	if several && err == nil {
		count, err = strconv.Atoi(rest)
	}
	const most = 1 << 30
	if err != nil || !strings.HasPrefix(text, sign) || from < 0 || count < 0 || from > most || count > most {
		return 0, 0, fmt.Errorf("%q is no place of a change", text)
	}
	return from, count, nil
}

// end puts the open file into the change.
func (p *diffParser) end() {
	if !p.open || p.name == "" && p.was == "" {
		return
	}
	name := p.name
	if p.file.Removed || name == "" {
		name = p.was
	}
	if p.was != "" && p.was != name {
		p.file.From = path.Clean(p.was)
	}
	name = path.Clean(name)
	for i := range p.file.Added {
		p.file.Added[i].File = name
	}
	p.change.Files[name] = p.file
	p.open = false
}
