package git

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
)

// workingFiles lists the files below a folder as they are now: tracked and
// untracked, ignored ones not. Paths are relative to the folder.
func (r *Repository) workingFiles(ctx context.Context, folder string) ([]entry, error) {
	out, err := r.git.run(ctx, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate", "--", folder)
	if err != nil {
		return nil, err
	}
	var files []entry
	for name := range strings.SplitSeq(string(out), "\x00") {
		if name == "" || ownState(name) {
			continue
		}
		e, err := r.workingFile(name)
		if err != nil {
			return nil, err
		}
		if e.mode == 0 {
			continue // deleted
		}
		if folder != "." {
			e.path = strings.TrimPrefix(name, folder+"/")
		}
		files = append(files, e)
	}
	slices.SortFunc(files, func(a, b entry) int { return strings.Compare(a.path, b.path) })
	return files, nil
}

func (r *Repository) workingFile(name string) (entry, error) {
	file := filepath.Join(r.root, filepath.FromSlash(name))
	info, err := os.Lstat(file)
	if missing(err) {
		return entry{}, nil
	}
	if err != nil {
		return entry{}, err
	}
	if info.IsDir() {
		return entry{path: path.Clean(name), mode: modeSubmodule}, nil
	}
	data, err := readWorking(file, info.Mode())
	if err != nil {
		return entry{}, err
	}
	return entry{path: name, mode: modeOf(info.Mode()), digest: slipway.DigestOf(data)}, nil
}

// readWorking reads a file, or where a symbolic link leads.
func readWorking(file string, mode fs.FileMode) ([]byte, error) {
	switch {
	case mode&fs.ModeSymlink != 0:
		to, err := os.Readlink(file)
		return []byte(filepath.ToSlash(to)), err
	case mode.IsRegular():
		return os.ReadFile(file)
	}
	return nil, slipway.Errorf(slipway.Invalid, "%s is neither a file nor a link", file).
		WithFix("name it in .gitignore")
}

func modeOf(mode fs.FileMode) mode {
	switch {
	case mode&fs.ModeSymlink != 0:
		return modeLink
	case mode&0o100 != 0:
		return modeExecutable
	}
	return modeFile
}

// treeDigest names the content of working files.
func treeDigest(files []entry) string {
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%o %s %s\x00", f.mode, f.digest, f.path)
	}
	return hex.EncodeToString(h.Sum(nil))
}
