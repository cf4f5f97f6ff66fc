package git

import (
	"context"
	"path/filepath"
)

// Commit commits all files in dir, which becomes a repository if it is none,
// under the name of author, and returns the commit. It is for folders that
// Slipway itself has made.
func Commit(ctx context.Context, dir string, environ []string, author, message string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	git, err := newCommand(dir, environ)
	if err != nil {
		return "", err
	}
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch=main"},
		{"add", "--all"},
		{"-c", "user.name=" + author, "-c", "user.email=" + author + "@localhost", "commit", "--quiet", "--no-verify", "--no-gpg-sign", "--message=" + message},
	} {
		if _, err := git.run(ctx, args...); err != nil {
			return "", err
		}
	}
	out, err := git.run(ctx, "rev-parse", "HEAD")
	return string(out[:min(40, len(out))]), err
}
