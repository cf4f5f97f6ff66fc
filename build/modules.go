package build

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
)

// modules reads what build.include names. The result is by the name in the zip:
// relative to the script's folder for what lies below it, so that an import finds
// the module as it does beside the script, and to the app's folder otherwise.
func modules(s sources, plan Plan) (map[string][]byte, error) {
	packed := map[string][]byte{}
	from := map[string]string{}
	for _, include := range plan.Include {
		names := slices.DeleteFunc(s.match(include), leftBehind)
		if len(names) == 0 && len(s.match(include)) > 0 {
			return nil, slipway.Errorf(slipway.Invalid, "build.include: %s holds no module, only what Python leaves behind", include).
				WithFix("name the folder of your modules")
		}
		if len(names) == 0 {
			return nil, s.errMissing("build.include", include)
		}
		for _, name := range names {
			as := moduleName(name, path.Dir(plan.main()))
			if other, ok := from[as]; ok && other != name {
				return nil, slipway.Errorf(slipway.Invalid, "build.include: %s and %s would both be %s in the zip", other, name, as).
					WithFix("rename one of them")
			}
			data, err := s.require("build.include", name)
			if err != nil {
				return nil, err
			}
			packed[as], from[as] = data, name
		}
	}
	return packed, nil
}

func moduleName(name, scripts string) string {
	return strings.TrimPrefix(name, scripts+"/")
}

// leftBehind reports whether a file is what Python or Jupyter leaves behind.
func leftBehind(name string) bool {
	dirs := strings.Split(path.Dir(name), "/")
	return path.Ext(name) == ".pyc" || slices.Contains(dirs, "__pycache__") || slices.Contains(dirs, ".ipynb_checkpoints")
}

// pack makes a zip whose bytes depend on the files' names and bytes alone: in
// order, of one time, and stored, since a newer compressor gives other bytes.
// Folders have entries of their own; without them Python does not find a package
// that has no __init__.py.
func pack(files map[string][]byte) ([]byte, error) {
	all := maps.Clone(files)
	for name := range files {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			all[dir+"/"] = nil
		}
	}
	packed := time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC) // the first day that a zip knows
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		h := &zip.FileHeader{Name: name, Method: zip.Store, Modified: packed}
		h.SetMode(0o644)
		if strings.HasSuffix(name, "/") {
			h.SetMode(fs.ModeDir | 0o755)
		}
		f, err := w.CreateHeader(h)
		if err != nil {
			return nil, err
		}
		if _, err := f.Write(all[name]); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}
