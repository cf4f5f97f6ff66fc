package sandbox

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
)

// A mount is a folder that a step sees where it is outside.
type mount struct{ option, path string }

// mounts are the folders that a step may write to, and those that it may read and
// would not see, or could write to: what it names, its working folder, its tools,
// and how names are resolved. gone are the folders that are not what they are
// outside.
func mounts(step Step, gone []string) []mount {
	writable, readOnly := all(step.Writable), all(step.ReadOnly)
	var list []mount
	for _, dir := range writable {
		list = append(list, mount{"--bind", dir})
	}
	for _, dir := range readOnly {
		if within(dir, gone) || within(dir, writable) {
			list = append(list, mount{"--ro-bind", dir})
		}
	}
	implied := append(tools(step.Env), step.Dir)
	if step.Network {
		implied = append(implied, "/etc/resolv.conf")
	}
	for _, dir := range all(implied) {
		if within(dir, gone) && !within(dir, writable) && !slices.Contains(writable, dir) {
			list = append(list, mount{"--ro-bind", dir})
		}
	}
	slices.SortFunc(list, func(a, b mount) int { return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.option, b.option)) })
	return slices.CompactFunc(list, func(a, b mount) bool { return a.path == b.path })
}

// all returns the paths that are there, without links.
func all(paths []string) []string {
	var there []string
	for _, path := range paths {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			there = append(there, real)
		}
	}
	return there
}

// resolved is a path without links, as far as it is there.
func resolved(path string) string {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return path
	}
	return real
}

// within reports whether a path lies below one of the folders.
func within(path string, folders []string) bool {
	return slices.ContainsFunc(folders, func(upper string) bool { return upper != path && below(path, upper) })
}

// tools are the folders of the programs and modules that an environment names.
func tools(env []string) []string {
	var dirs []string
	for _, dir := range filepath.SplitList(value(env, "PATH")) {
		dirs = append(dirs, installation(dir))
		for _, name := range []string{"python3", "python", "java", "node", "go"} {
			if file, err := filepath.EvalSymlinks(filepath.Join(dir, name)); err == nil {
				dirs = append(dirs, installation(filepath.Dir(file)))
			}
		}
	}
	for _, key := range []string{"PYTHONPATH", "JAVA_HOME", "GOROOT", "VIRTUAL_ENV"} {
		dirs = append(dirs, filepath.SplitList(value(env, key))...)
	}
	return slices.DeleteFunc(dirs, func(dir string) bool { return !filepath.IsAbs(dir) })
}

// installation is the folder that a bin folder belongs to, where it has what
// programs there need beside it; else the folder itself.
func installation(dir string) string {
	above := filepath.Dir(dir)
	if filepath.Base(dir) != "bin" || filepath.Base(above) == ".local" {
		return dir
	}
	for _, beside := range []string{"pyvenv.cfg", "lib", "libexec"} {
		if _, err := os.Stat(filepath.Join(above, beside)); err == nil {
			return above
		}
	}
	return dir
}

// below reports whether a path is a folder or lies in it.
func below(name, dir string) bool {
	rel, err := filepath.Rel(dir, name)
	return err == nil && filepath.IsLocal(rel)
}
