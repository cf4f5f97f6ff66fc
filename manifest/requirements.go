package manifest

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/slipway-cd/slipway"
)

// ReadRequirements returns the Python packages that the check needs, from the
// files of the app's folder if it names a file of them. Comments and blank lines
// are left out; options of pip are refused, as a list of packages has no place
// for them.
func (c Check) ReadRequirements(files fs.FS) ([]string, error) {
	if c.RequirementsFile == "" {
		return c.Requirements, nil
	}
	data, err := fs.ReadFile(files, path.Clean(c.RequirementsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, slipway.Errorf(slipway.NotFound, "check %s needs the packages of %s, which is not there", c.Name, c.RequirementsFile).
			WithFix("commit the file, or correct checks.%s.requirements", c.Name)
	}
	if err != nil {
		return nil, err
	}
	var all []string
	for line := range strings.Lines(string(data)) {
		line, _, _ = strings.Cut(line, " #")
		line = strings.TrimSpace(line)
		switch {
		case line == "", strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "-"):
			return nil, slipway.Errorf(slipway.Invalid, "%s holds an option of pip, %q; a check's requirements are packages alone", c.RequirementsFile, line)
		default:
			all = append(all, line)
		}
	}
	return all, nil
}
