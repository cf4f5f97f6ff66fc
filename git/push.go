package git

import (
	"context"
	"os"

	"github.com/slipway-cd/slipway"
)

// InitBare makes a bare repository in a folder, with main as its branch.
func InitBare(ctx context.Context, dir string, environ []string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	git, err := newCommand(dir, environ)
	if err != nil {
		return err
	}
	_, err = git.run(ctx, "init", "--quiet", "--bare", "--initial-branch=main", ".")
	return err
}

// Push brings the commit that is checked out in a folder to a branch of another
// repository.
func Push(ctx context.Context, dir string, environ []string, url, branch string) error {
	if err := checkURL(url); err != nil {
		return err
	}
	if err := checkRef(branch); err != nil {
		return err
	}
	git, err := newCommand(dir, environ)
	if err != nil {
		return err
	}
	if _, err := git.run(ctx, "push", "--quiet", "--end-of-options", url, "HEAD:refs/heads/"+branch); err != nil {
		return slipway.Errorf(slipway.Unavailable, "cannot push to %s: %w", withoutCredentials(url), err)
	}
	return nil
}
