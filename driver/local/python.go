package local

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A machine is where Python and Java are looked for.
type machine struct {
	env  map[string]string
	dirs []string // besides PATH and pyenv's; nil: the usual ones
}

// A python is an interpreter.
type python struct {
	path    string // with no symbolic link in it, so not that of a virtual environment
	version string // such as 3.11
}

var (
	pythonFile    = regexp.MustCompile(`^python3(\.\d+)?$`)
	pythonVersion = regexp.MustCompile(`^python(3\.\d+)$`)
)

// findPython returns an interpreter of exactly this version, 3.11 or 3.11.7. If
// it is for a virtual environment, one that can make it goes before others.
func (m machine) findPython(version string, venv bool) (python, bool) {
	return m.choose(venv, func(p python) bool {
		return p.version == version || strings.HasPrefix(version, p.version+".") && strings.Contains(p.path, version)
	})
}

// anyPython returns an interpreter of version 3.6 or newer: the one that PATH
// finds first, where there is one.
func (m machine) anyPython(venv bool) (python, bool) {
	return m.choose(venv, func(p python) bool { return p.minor() >= 6 })
}

func (m machine) choose(venv bool, good func(python) bool) (python, bool) {
	found := slices.DeleteFunc(m.pythons(), func(p python) bool { return !good(p) })
	if venv {
		slices.SortStableFunc(found, func(a, b python) int { return cmp.Compare(rankVenv(a), rankVenv(b)) })
	}
	if len(found) == 0 {
		return python{}, false
	}
	return found[0], true
}

func rankVenv(p python) int {
	if p.makesVenvs() {
		return 0
	}
	return 1
}

// versions lists the versions of Python 3 that are here, oldest first.
func (m machine) versions() []string {
	found := m.pythons()
	slices.SortFunc(found, func(a, b python) int { return cmp.Compare(a.minor(), b.minor()) })
	var out []string
	for _, p := range found {
		out = append(out, p.version)
	}
	return slices.Compact(out)
}

// pythons lists the interpreters in the order in which they are preferred.
func (m machine) pythons() []python {
	var found []python
	for _, dir := range m.pythonDirs() {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // a folder on PATH need not be there
		}
		for _, e := range entries {
			if !pythonFile.MatchString(e.Name()) {
				continue
			}
			if p, ok := identify(filepath.Join(dir, e.Name())); ok && !slices.Contains(found, p) {
				found = append(found, p)
			}
		}
	}
	return found
}

// pythonDirs are PATH, pyenv's versions (newest first), and the usual places.
// pyenv's shims are left out: which Python they start depends on the folder.
func (m machine) pythonDirs() []string {
	var dirs []string
	for _, dir := range filepath.SplitList(m.env["PATH"]) {
		if filepath.IsAbs(dir) && filepath.Base(dir) != "shims" {
			dirs = append(dirs, dir)
		}
	}
	dirs = append(dirs, m.pyenvDirs()...)
	if m.dirs != nil {
		return append(dirs, m.dirs...)
	}
	opt, _ := filepath.Glob("/opt/*/bin")
	below, _ := filepath.Glob("/opt/*/*/bin")
	return slices.Concat(dirs, []string{"/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"}, opt, below)
}

func (m machine) pyenvDirs() []string {
	root := m.env["PYENV_ROOT"]
	if root == "" && m.env["HOME"] != "" {
		root = filepath.Join(m.env["HOME"], ".pyenv")
	}
	if root == "" {
		return nil
	}
	dirs, _ := filepath.Glob(filepath.Join(root, "versions", "3.*", "bin"))
	slices.SortFunc(dirs, func(a, b string) int { return compareVersions(inPyenv(b), inPyenv(a)) })
	return dirs
}

func inPyenv(dir string) string { return filepath.Base(filepath.Dir(dir)) }

// compareVersions compares 3.9.18 and 3.10.13 as people do.
func compareVersions(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), func(x, y string) int {
		m, errM := strconv.Atoi(x)
		n, errN := strconv.Atoi(y)
		if errM != nil || errN != nil {
			return cmp.Compare(x, y)
		}
		return cmp.Compare(m, n)
	})
}

// identify tells an interpreter's version, by its name where the name says it.
func identify(path string) (python, bool) {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return python{}, false
	}
	info, err := os.Stat(target)
	if err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
		return python{}, false
	}
	if m := pythonVersion.FindStringSubmatch(filepath.Base(target)); m != nil {
		return python{target, m[1]}, true
	}
	out, err := exec.Command(target, "-I", "-S", "-c", "import sys; print('python%d.%d' % sys.version_info[:2])").Output()
	m := pythonVersion.FindStringSubmatch(strings.TrimSpace(string(out)))
	if err != nil || m == nil {
		return python{}, false
	}
	return python{target, m[1]}, true
}

func (p python) minor() int {
	n, err := strconv.Atoi(strings.TrimPrefix(p.version, "3."))
	if err != nil {
		return 0
	}
	return n
}

// makesVenvs reports whether the interpreter can make a virtual environment with
// pip in it. Some distributions take the module for it out.
func (p python) makesVenvs() bool {
	lib := filepath.Join(filepath.Dir(filepath.Dir(p.path)), "lib", "python"+p.version)
	return !exists(lib) || exists(filepath.Join(lib, "ensurepip"))
}
