package lint

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway/notebook"
)

// workers holds a list of modules for each Glue version.
//
//go:embed glue/*.txt
var workers embed.FS

// glueModules returns the modules of each version.
func glueModules() (map[string]map[string]bool, error) {
	files, err := workers.ReadDir("glue")
	if err != nil {
		return nil, fmt.Errorf("read the modules of Glue's workers: %w", err)
	}
	all := map[string]map[string]bool{}
	for _, file := range files {
		data, err := workers.ReadFile("glue/" + file.Name())
		if err != nil {
			return nil, fmt.Errorf("read the modules of Glue's workers: %w", err)
		}
		modules := map[string]bool{}
		for text := range strings.Lines(string(data)) {
			if !strings.HasPrefix(text, "#") {
				for name := range strings.FieldsSeq(text) {
					modules[name] = true
				}
			}
		}
		all[strings.TrimSuffix(file.Name(), ".txt")] = modules
	}
	return all, nil
}

//nolint:gochecknoglobals // immutable
var (
	glueVersion = pattern(`^%glue_version\s+["']?([0-9.]+)`)
	moreModules = pattern(`additional[-_]python[-_]modules["']?\s*[:=]?\s*["'\[]*([^"'}\]\n]+)`)
	moreFiles   = pattern(`extra[-_]py[-_]files["']?\s*[:=]?\s*["'\[]*([^"'}\]\n]+)`)
)

// imports reports modules that a worker of the Glue version does not have.
func (r *run) imports() {
	version := r.options.GlueVersion
	if version == "" {
		version = r.magicVersion()
	}
	modules, known := r.modules[version]
	if !known {
		return
	}
	more, all := r.moreModules()
	if all {
		return
	}
	for _, c := range r.cells {
		if c.opaque || c.dropped || c.seesToImports() {
			continue
		}
		for _, l := range c.logical {
			for _, t := range imported(l.tokens) {
				// Names with _ in front are Python's own, on every version.
				if name := t.Text; !modules[name] && !more[normal(name)] && !more[normal(packageOf(name))] && !strings.HasPrefix(name, "_") {
					r.report(Module, c, t.Line+1, t.Column, "a worker of Glue %s is not known to have the module %s; "+
						"name its package in run.additional_python_modules (%s), or its file in build.include", version, name, packageOf(name))
				}
			}
		}
	}
}

// seesToImports reports whether a cell's code may go on without a module: it asks
// whether there is one, or tries.
func (c *cell) seesToImports() bool {
	return slices.ContainsFunc(c.tokens, func(t notebook.Token) bool {
		return slices.Contains([]string{"ImportError", "ModuleNotFoundError", "find_spec", "TYPE_CHECKING"}, t.Text)
	}) || slices.ContainsFunc(c.logical, func(l line) bool {
		return is(l.tokens, 0, "except") && (is(l.tokens, 1, ":") || is(l.tokens, 1, "Exception") || is(l.tokens, 1, "BaseException"))
	})
}

func (r *run) magicVersion() string {
	version := ""
	for _, c := range r.cells {
		for _, text := range c.lines {
			if m := glueVersion().FindStringSubmatch(text); m != nil && c.Type == notebook.Code && !c.dropped {
				version = m[1]
			}
		}
	}
	return version
}

// moreModules returns what is there besides the worker's own; all says that an
// archive may hold anything.
func (r *run) moreModules() (more map[string]bool, all bool) {
	more = map[string]bool{}
	for _, name := range r.options.Modules {
		more[normal(name)] = true
	}
	for _, c := range r.cells {
		if len(c.magics) == 0 {
			continue
		}
		for _, text := range c.lines {
			if m := moreModules().FindStringSubmatch(text); m != nil {
				for spec := range strings.SplitSeq(m[1], ",") {
					more[normal(spec)] = true
				}
			}
			if m := moreFiles().FindStringSubmatch(text); m != nil {
				for file := range strings.SplitSeq(m[1], ",") {
					more[normal(path.Base(strings.TrimSpace(file)))] = true
					all = all || path.Ext(strings.TrimSpace(file)) != ".py"
				}
			}
		}
	}
	return more, all
}

// normal is a package's name without version, extras and place, in the spelling
// in which two names of it are equal.
func normal(spec string) string {
	spec = strings.TrimSpace(spec)
	if strings.Contains(spec, "/") {
		spec, _, _ = strings.Cut(path.Base(spec), "-")
	}
	if i := strings.IndexAny(spec, "=<>~![;@ "); i >= 0 {
		spec = spec[:i]
	}
	spec = strings.TrimSuffix(spec, ".py")
	return strings.NewReplacer("-", "_", ".", "_").Replace(strings.ToLower(spec))
}

// packageOf returns the package that a module comes in, where the two have
// different names.
func packageOf(module string) string {
	for _, pair := range [][2]string{
		{"bs4", "beautifulsoup4"},
		{"cv2", "opencv-python-headless"},
		{"dateutil", "python-dateutil"},
		{"docx", "python-docx"},
		{"dotenv", "python-dotenv"},
		{"jwt", "pyjwt"},
		{"MySQLdb", "mysqlclient"},
		{"OpenSSL", "pyopenssl"},
		{"PIL", "pillow"},
		{"psycopg2", "psycopg2-binary"},
		{"pymysql", "PyMySQL"},
		{"skimage", "scikit-image"},
		{"sklearn", "scikit-learn"},
		{"snowflake", "snowflake-connector-python"},
		{"yaml", "pyyaml"},
		{"Crypto", "pycryptodome"},
		{"delta", "delta-spark"},
	} {
		if pair[0] == module {
			return pair[1]
		}
	}
	return module
}

// imported returns the first words of the modules that a logical line imports.
func imported(t []notebook.Token) []notebook.Token {
	switch {
	case is(t, 0, "from") && len(t) > 1 && t[1].Kind == notebook.TokenName:
		return t[1:2]
	case !is(t, 0, "import"):
		return nil
	}
	var all []notebook.Token
	for i := 1; i < len(t); i++ {
		if t[i].Kind == notebook.TokenName && (i == 1 || is(t, i-1, ",")) {
			all = append(all, t[i])
		}
	}
	return all
}
