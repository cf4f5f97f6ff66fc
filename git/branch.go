package git

import (
	"bytes"
	"context"
	"strings"
)

// DefaultBranch guesses the branch that others build on: what the remote origin
// says its own is, else main or master if there is one of them, else the branch
// that is checked out. It is empty only in a repository on no branch at all.
func (r *Repository) DefaultBranch(ctx context.Context) (string, error) {
	out, err := r.git.run(ctx, "for-each-ref", "--format=%(refname)\t%(symref)", "refs/remotes/origin/HEAD", "refs/heads/main", "refs/heads/master")
	if err != nil {
		return "", err
	}
	first := ""
	for line := range strings.Lines(string(out)) {
		name, target, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if branch, ok := strings.CutPrefix(target, "refs/remotes/origin/"); ok {
			return branch, nil
		}
		if branch, ok := strings.CutPrefix(name, "refs/heads/"); ok && first == "" {
			first = branch
		}
	}
	if first != "" {
		return first, nil
	}
	out, err = r.git.run(ctx, "branch", "--show-current") // it may have no commit yet
	return string(bytes.TrimSpace(out)), err
}
