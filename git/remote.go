package git

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/slipway-cd/slipway"
)

// Listed is what a remote repository has, by short names.
type Listed struct {
	Default  string            // its branch HEAD; empty: there is none
	Branches map[string]string // the commit of each
	Tags     map[string]string // the commit of each, of an annotated tag too
}

// List asks a remote repository for its branches and tags, and fetches nothing.
// header is as for Mirror.Fetch. If there is no such repository the error is of kind
// NotFound, and if it is not for us, Denied.
func List(ctx context.Context, environ []string, url, header string) (Listed, error) {
	if err := checkURL(url); err != nil {
		return Listed{}, err
	}
	git, err := newCommand(os.TempDir(), environ)
	if err != nil {
		return Listed{}, err
	}
	out, err := git.runEnv(ctx, git.withHeader(header), "ls-remote", "--symref", "--end-of-options", url, "HEAD", "refs/heads/*", "refs/tags/*")
	if err != nil {
		return Listed{}, listError(url, err)
	}
	return readList(string(out)), nil
}

// readList reads what ls-remote prints. The peeled form of an annotated tag,
// "<tag>^{}", comes behind it and is the commit.
func readList(out string) Listed {
	l := Listed{Branches: map[string]string{}, Tags: map[string]string{}}
	for line := range strings.Lines(out) {
		id, ref, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if target, ok := strings.CutPrefix(id, "ref: refs/heads/"); ok && ref == "HEAD" {
			l.Default = target
		} else if name, ok := strings.CutPrefix(ref, "refs/heads/"); ok && fullCommit.MatchString(id) {
			l.Branches[name] = id
		} else if name, ok := strings.CutPrefix(ref, "refs/tags/"); ok && fullCommit.MatchString(id) {
			l.Tags[strings.TrimSuffix(name, "^{}")] = id
		}
	}
	return l
}

// listError tells what git says from what it means.
func listError(url string, err error) error {
	if slipway.KindOf(err) != slipway.Internal {
		return err
	}
	shown, said := withoutCredentials(url), err.Error()
	contains := func(texts ...string) bool {
		for _, text := range texts {
			if strings.Contains(said, text) {
				return true
			}
		}
		return false
	}
	switch {
	case contains("does not appear to be a git repository", "repository not found", "Repository not found", "' not found"):
		return slipway.Errorf(slipway.NotFound, "there is no git repository at %s", shown).
			WithFix("check the URL: git ls-remote %s", shown)
	case contains("could not read Username", "Authentication failed", "Permission denied", "Host key verification failed", "error: 403", "error: 401"):
		return slipway.Errorf(slipway.Denied, "%s does not let us in: %s", shown, strings.ReplaceAll(said, url, shown)).
			WithFix("give the user that Slipway runs as a key or a token for it; try it as that user: git ls-remote %s", shown)
	}
	return unreachable(Location{URL: url}, err)
}

// withHeader hands a header to git in its environment, where no process list shows
// it.
func (c command) withHeader(header string) []string {
	if header == "" {
		return nil
	}
	n, _ := strconv.Atoi(lookup(c.env, "GIT_CONFIG_COUNT"))
	return []string{
		fmt.Sprintf("GIT_CONFIG_KEY_%d=http.extraHeader", n), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", n, header),
		fmt.Sprintf("GIT_CONFIG_COUNT=%d", n+1),
	}
}
