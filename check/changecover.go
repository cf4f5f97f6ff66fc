package check

import (
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
)

// ofChange counts the lines that a change adds and a report knows, and lists those
// that no test ran.
func (r *coverReport) ofChange(c *Change, dir string, there fs.FS) (slipway.Coverage, []slipway.Lines) {
	var sum slipway.Coverage
	var missed []slipway.Lines
	files := r.located(dir, there)
	for _, name := range c.Names() {
		lines := files.linesOf(name)
		var numbers []int
		for n := range lines {
			if c.adds(name, n) {
				numbers = append(numbers, n)
			}
		}
		slices.Sort(numbers)
		for _, n := range numbers {
			sum.Total++
			if lines[n] {
				sum.Covered++
			} else {
				missed = withLine(missed, name, n)
			}
		}
	}
	return sum, missed[:min(len(missed), mostListed)]
}

// withLine adds a line to a list, where it may go on what is there.
func withLine(list []slipway.Lines, file string, n int) []slipway.Lines {
	if last := len(list) - 1; last >= 0 && list[last].File == file && list[last].To == n-1 {
		list[last].To = n
		return list
	}
	return append(list, slipway.Lines{File: file, From: n, To: n})
}

// located are the lines of a report, by where their files are.
type located struct {
	here      hitLines // files of the app's folder
	elsewhere hitLines // files that are named as another machine or a compiler does
}

// located finds the files that a report names.
func (r *coverReport) located(dir string, there fs.FS) located {
	l := located{here: hitLines{}, elsewhere: hitLines{}}
	for file, lines := range r.lines {
		to, name := l.elsewhere, path.Clean(filepath.ToSlash(file))
		for _, root := range append([]string{""}, r.roots...) {
			if local, ok := localName(root, file, dir); ok && isFile(there, local) {
				to, name = l.here, local
				break
			}
		}
		for n, was := range lines {
			to.hit(name, n, was)
		}
	}
	return l
}

// localName is a file's name relative to dir, if it lies there.
func localName(root, file, dir string) (string, bool) {
	name := filepath.FromSlash(file)
	if !filepath.IsAbs(name) {
		name = filepath.Join(filepath.FromSlash(root), name)
	}
	if filepath.IsAbs(name) {
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return "", false
		}
		name = rel
	}
	return filepath.ToSlash(filepath.Clean(name)), filepath.IsLocal(name)
}

func isFile(there fs.FS, name string) bool {
	info, err := fs.Stat(there, name)
	return err == nil && info.Mode().IsRegular()
}

// linesOf returns the lines of a file of the app's folder. Where the report does
// not name it so, it is the one whose name ends like it, or has its end: a path of
// another machine, an import path, a package.
func (l located) linesOf(name string) map[int]bool {
	if lines, ok := l.here[name]; ok {
		return lines
	}
	best, found := 0, map[int]bool{}
	for other, lines := range l.elsewhere {
		common := min(len(name), len(other))
		if name != other && !strings.HasSuffix(name, "/"+other) && !strings.HasSuffix(other, "/"+name) || common < best {
			continue
		}
		if common > best {
			best, found = common, map[int]bool{}
		}
		for n, was := range lines {
			found[n] = found[n] || was
		}
	}
	return found
}
