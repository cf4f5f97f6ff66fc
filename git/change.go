package git

import (
	"context"
	"strings"

	"github.com/slipway-cd/slipway"
)

// MergeBase returns the newest commit that a commit has in common with a branch, as
// origin has it or, if origin does not, as it is here; empty if there is none.
func (r *Repository) MergeBase(ctx context.Context, commit, branch string) (string, error) {
	for _, ref := range []string{"refs/remotes/origin/" + branch, "refs/heads/" + branch} {
		if _, err := r.git.run(ctx, "rev-parse", "--verify", "--quiet", ref+"^{commit}"); err != nil {
			continue
		}
		out, err := r.git.run(ctx, "merge-base", commit, ref)
		if err != nil && strings.TrimSpace(string(out)) == "" {
			return "", nil // their histories have nothing in common
		}
		return strings.TrimSpace(string(out)), err
	}
	return "", nil
}

// Diff is what a source changes against a commit, in git's own words: without
// context, renames followed, paths relative to the source's folder.
func (r *Repository) Diff(ctx context.Context, base string, src slipway.Source) ([]byte, error) {
	if !fullCommit.MatchString(base) {
		return nil, slipway.Errorf(slipway.Invalid, "%q is not a commit", base)
	}
	args := []string{
		"diff", "--patch", "--unified=0", "--find-renames", "--no-ext-diff", "--no-textconv", "--no-color", "--submodule=short",
		"--src-prefix=a/", "--dst-prefix=b/",
	}
	if src.Path != "." {
		args = append(args, "--relative="+src.Path+"/")
	}
	args = append(args, base)
	if !src.Dirty {
		args = append(args, src.Commit)
	}
	return r.git.run(ctx, append(args, "--")...)
}
