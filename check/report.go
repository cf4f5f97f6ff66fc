package check

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
)

// reportsPrefix in front of a report's path means the reports folder alone.
const reportsPrefix = "$REPORTS/"

// reportLimit is the most bytes a report may have.
const reportLimit = 64 << 20

// folders are the two places where a check's reports may lie. No path and no
// link leads out of them.
type folders struct {
	reports, dir *os.Root
	reportsPath  string
}

// openFolders empties the check's reports folder and opens both places.
func openFolders(dir, reports, check string) (*folders, error) {
	all, err := os.OpenRoot(reports)
	if err != nil {
		return nil, fmt.Errorf("cannot open the reports folder: %w", err)
	}
	defer all.Close() // nothing was written through it
	if err := all.RemoveAll(check); err != nil {
		return nil, fmt.Errorf("cannot empty the reports folder: %w", err)
	}
	if err := all.Mkdir(check, 0o755); err != nil {
		return nil, fmt.Errorf("cannot make the reports folder: %w; make room or give write permission there", err)
	}
	f := &folders{reportsPath: filepath.Join(reports, check)}
	if f.reports, err = all.OpenRoot(check); err != nil {
		return nil, fmt.Errorf("cannot open the reports folder: %w", err)
	}
	if f.dir, err = os.OpenRoot(dir); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open the working copy: %w", err), f.reports.Close())
	}
	return f, nil
}

func (f *folders) close() {
	_ = f.reports.Close() // read only
	_ = f.dir.Close()
}

// A reportFile is one file that a report's path or pattern matches.
type reportFile struct {
	root *os.Root
	name string
	info fs.FileInfo
}

// match lists what pattern matches below root. That nothing is there is no
// error.
func match(root *os.Root, pattern string) ([]reportFile, error) {
	names := []string{path.Clean(filepath.ToSlash(pattern))}
	if strings.ContainsAny(pattern, `*?[\`) {
		var err error
		if names, err = fs.Glob(root.FS(), names[0]); err != nil {
			return nil, fmt.Errorf("look for %s: %w", pattern, err)
		}
	}
	var files []reportFile
	for _, name := range names {
		info, err := root.Stat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		case err != nil:
			return nil, fmt.Errorf("report %s cannot be read: %w", name, err)
		default:
			files = append(files, reportFile{root, name, info})
		}
	}
	return files, nil
}

// snapshot notes the reports that lie in the working copy before the command
// runs: what it does not write again says nothing about this commit.
func (f *folders) snapshot(spec Spec) map[string]fs.FileInfo {
	before := map[string]fs.FileInfo{}
	for _, pattern := range []string{spec.JUnit, spec.Coverage, spec.SARIF} {
		if pattern == "" || strings.HasPrefix(pattern, reportsPrefix) {
			continue
		}
		files, err := match(f.dir, pattern)
		if err != nil {
			continue // locate meets it again, and says so
		}
		for _, file := range files {
			before[file.name] = file.info
		}
	}
	return before
}

// locate finds the files of a report that the command wrote; what says which
// format is expected.
func (f *folders) locate(pattern, what string, before map[string]fs.FileInfo) ([]reportFile, error) {
	inReports, only := strings.CutPrefix(pattern, reportsPrefix)
	files, err := match(f.reports, inReports)
	if err != nil || len(files) > 0 {
		return files, err
	}
	if only {
		return nil, f.missing(inReports, what, "in the reports folder")
	}
	files, err = match(f.dir, pattern)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, f.missing(inReports, what, "in the reports folder or the working copy")
	}
	if files = fresh(files, before); len(files) == 0 {
		return nil, fmt.Errorf("report %s was there before the command ran, and the command did not write it: "+
			"have it write $REPORTS/%s, or remove the old one from the repository", pattern, path.Base(pattern))
	}
	return files, nil
}

// missing says that a report is not there, and what is there instead.
func (f *folders) missing(pattern, what, where string) error {
	msg := fmt.Sprintf("report %s is missing: %s was expected %s; have the command write it to $REPORTS/%s",
		pattern, what, where, pattern)
	var names []string
	entries, _ := fs.ReadDir(f.reports.FS(), ".") // a folder that cannot be listed has nothing to suggest
	for _, e := range entries[:min(len(entries), 5)] {
		names = append(names, e.Name())
	}
	if len(names) > 0 {
		msg += " (there is " + strings.Join(names, ", ") + ")"
	}
	return errors.New(msg)
}

// fresh leaves out the files that are as they were before the command ran.
func fresh(files []reportFile, before map[string]fs.FileInfo) []reportFile {
	var written []reportFile
	for _, f := range files {
		old, ok := before[f.name]
		same := ok && os.SameFile(old, f.info) && old.ModTime().Equal(f.info.ModTime()) && old.Size() == f.info.Size()
		if !same {
			written = append(written, f)
		}
	}
	return written
}

// read returns the bytes of a report, which is a file with something in it and
// not more than reportLimit.
func (r reportFile) read() ([]byte, error) {
	switch {
	case !r.info.Mode().IsRegular():
		return nil, fmt.Errorf("report %s is not a file", r.name)
	case r.info.Size() == 0:
		return nil, fmt.Errorf("report %s is empty: the tool that writes it did not finish; look at the check's output", r.name)
	case r.info.Size() > reportLimit:
		return nil, fmt.Errorf("report %s has %d MiB, and at most %d MiB are read: leave captured output out of it, or split the check",
			r.name, r.info.Size()>>20, reportLimit>>20)
	}
	file, err := r.root.Open(r.name)
	if err != nil {
		return nil, fmt.Errorf("report %s cannot be read: %w", r.name, err)
	}
	defer file.Close() // read only
	data, err := io.ReadAll(io.LimitReader(file, reportLimit))
	if err != nil {
		return nil, fmt.Errorf("report %s cannot be read: %w", r.name, err)
	}
	return data, nil
}

// most failures and findings that a result lists; the counts are always whole.
const mostListed = 1000

// clip shortens text that a report may have made very long.
func clip(s string) string {
	const limit = 4000
	s = plain(s)
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + " ..."
}
