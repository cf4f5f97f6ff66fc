package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
)

// Source names the code of the app whose folder in the repository is folder
// (slashes, "." for the root) at the current commit. Uncommitted changes of
// tracked files below it are an error of kind Invalid, unless dirty is set: then
// the source is the working files, untracked ones included and ignored ones not,
// and it is marked Dirty if they really differ from the commit.
//
// The second result lists what is untracked, for a warning: without dirty it is
// not part of the source.
func (r *Repository) Source(ctx context.Context, folder string, dirty bool) (slipway.Source, []string, error) {
	folder = path.Clean(folder)
	if !filepath.IsLocal(folder) {
		return slipway.Source{}, nil, slipway.Errorf(slipway.Invalid, "%s is outside of the repository in %s", folder, r.root)
	}
	st, err := r.status(ctx, folder)
	if err != nil {
		return slipway.Source{}, nil, err
	}
	if len(st.changed) > 0 && !dirty {
		return slipway.Source{}, nil, errUncommitted(folder, st.changed)
	}
	src := slipway.Source{Root: r.root, Path: folder, Commit: st.commit, Branch: st.branch}
	src.Dirty = dirty && len(st.changed)+len(st.untracked) > 0
	steps := []func(context.Context, *slipway.Source) error{r.commitTime, r.tree, r.tag, r.remote}
	for _, step := range steps {
		if err := step(ctx, &src); err != nil {
			return slipway.Source{}, nil, err
		}
	}
	return src, st.untracked, nil
}

func (r *Repository) commitTime(ctx context.Context, src *slipway.Source) error {
	obj, err := r.object(ctx, src.Commit)
	if err != nil {
		return err
	}
	src.Time, err = commitTime(obj.data)
	if err != nil {
		return fmt.Errorf("commit %s: %w", src.Commit, err)
	}
	src.Author = commitAuthor(obj.data)
	return nil
}

// commitTime reads "committer <name> <mail> <seconds> <zone>" of a commit.
func commitTime(commit []byte) (time.Time, error) {
	for line := range bytes.Lines(commit) {
		if len(line) == 1 {
			break // the message begins
		}
		f := strings.Fields(string(line))
		if len(f) < 3 || f[0] != "committer" {
			continue
		}
		sec, err := strconv.ParseInt(f[len(f)-2], 10, 64)
		if err != nil {
			return time.Time{}, fmt.Errorf("read its time: %w", err)
		}
		return time.Unix(sec, 0).UTC(), nil
	}
	return time.Time{}, errors.New("it has no committer")
}

// commitAuthor reads the mail of "author <name> <mail> <seconds> <zone>"; empty if
// there is none.
func commitAuthor(commit []byte) string {
	for line := range bytes.Lines(commit) {
		if len(line) == 1 {
			break // the message begins
		}
		if who, ok := bytes.CutPrefix(line, []byte("author ")); ok {
			_, mail, _ := bytes.Cut(who, []byte("<"))
			mail, _, _ = bytes.Cut(mail, []byte(">"))
			return strings.ToValidUTF8(string(mail), "")
		}
	}
	return ""
}

// tree names the folder's content: git's own name of it, or of dirty files a
// digest.
func (r *Repository) tree(ctx context.Context, src *slipway.Source) error {
	if src.Dirty {
		files, err := r.workingFiles(ctx, src.Path)
		src.Tree = treeDigest(files)
		return err
	}
	name := src.Commit + ":"
	if src.Path != "." {
		name += src.Path
	}
	obj, err := r.object(ctx, name)
	switch {
	case errors.Is(err, errMissing):
		return slipway.Errorf(slipway.Invalid, "the folder %s is not committed", src.Path).
			WithFix("git add %s && git commit -m \"add %s\"; or take the files as they are now with --dirty", src.Path, path.Base(src.Path))
	case err == nil && obj.kind != "tree":
		return slipway.Errorf(slipway.Invalid, "%s is not a folder", src.Path)
	}
	src.Tree = obj.id
	return err
}

// versionTag is what a tag looks like that names a version. Others, such as
// "latest", say nothing about the order of releases.
var versionTag = regexp.MustCompile(`^v?[0-9]+(\.[0-9]+)*([-+][0-9A-Za-z.+-]+)?$`)

// tag finds the highest version among the tags of the commit.
func (r *Repository) tag(ctx context.Context, src *slipway.Source) error {
	out, err := r.git.run(ctx, "-c", "versionsort.suffix=-", "for-each-ref", "--sort=-version:refname",
		"--points-at="+src.Commit, "--format=%(refname:lstrip=2)", "refs/tags")
	for tag := range strings.FieldsSeq(string(out)) {
		if versionTag.MatchString(tag) && slipway.CheckVersion(tag) == nil {
			src.Tag = tag
			break
		}
	}
	return err
}

// remote finds where others find the repository: origin, or else its first
// remote.
func (r *Repository) remote(ctx context.Context, src *slipway.Source) error {
	out, err := r.git.run(ctx, "config", "-z", "--local", "--get-regexp", `^remote\..*\.url$`)
	if err != nil && len(out) == 0 {
		return ctx.Err() // git exits with 1 where nothing matches
	}
	for record := range strings.SplitSeq(string(out), "\x00") {
		key, url, ok := strings.Cut(record, "\n")
		if ok && (src.Remote == "" || key == "remote.origin.url") {
			src.Remote = withoutCredentials(url)
		}
	}
	return nil
}
