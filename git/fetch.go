package git

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/slipway-cd/slipway"
)

// A Location is a file in another repository.
type Location struct {
	URL  string // https://, ssh://, file:// or user@host:path
	Ref  string // a branch, a tag or a full commit; empty: the default branch
	Path string // slashes
}

// String returns the location as people write it, without credentials.
func (l Location) String() string {
	s := withoutCredentials(l.URL)
	if l.Ref != "" {
		s += "@" + l.Ref
	}
	if l.Path == "" {
		return s
	}
	return s + ":" + l.Path
}

// check refuses whatever git might take for an option, another place, or a
// program to run.
func (l Location) check() error {
	if err := checkURL(l.URL); err != nil {
		return err
	}
	if l.Ref != "" {
		if err := checkRef(l.Ref); err != nil {
			return err
		}
	}
	if !filepath.IsLocal(l.Path) || strings.ContainsAny(l.Path, "\n\x00") {
		return slipway.Errorf(slipway.Invalid, "%q is not a path in a repository", l.Path)
	}
	return nil
}

// A Fetched is a file of another repository at the commit that its ref stood for.
type Fetched struct {
	Commit string
	Data   []byte
}

// FetchFile reads one file of another repository. It asks the remote what the
// ref stands for now and fetches that commit alone, unless the folder cache holds
// the file already. A full commit that is in the cache needs no network.
func FetchFile(ctx context.Context, cache string, environ []string, at Location) (Fetched, error) {
	if err := at.check(); err != nil {
		return Fetched{}, err
	}
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return Fetched{}, err
	}
	git, err := newCommand(cache, environ)
	if err != nil {
		return Fetched{}, err
	}
	commit, err := resolve(ctx, git, at)
	if err != nil {
		return Fetched{}, err
	}
	file := filepath.Join(cache, cacheName(at.URL, commit, at.Path))
	if data, err := os.ReadFile(file); err == nil {
		return Fetched{Commit: commit, Data: data}, nil
	}
	data, err := fetch(ctx, git, at, commit)
	if err != nil {
		return Fetched{}, err
	}
	return Fetched{Commit: commit, Data: data}, keepFile(file, data)
}

func cacheName(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}

var fullCommit = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

// resolve asks the remote which commit the ref stands for.
func resolve(ctx context.Context, git command, at Location) (string, error) {
	if fullCommit.MatchString(at.Ref) {
		return at.Ref, nil
	}
	ref := at.Ref
	if ref == "" {
		ref = "HEAD"
	}
	// The peeled form of an annotated tag, "<tag>^{}", is the commit.
	out, err := git.run(ctx, "ls-remote", "--quiet", "--end-of-options", at.URL, ref, ref+"^{}")
	if err != nil {
		return "", unreachable(at, err)
	}
	found := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if id, name, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok && fullCommit.MatchString(id) {
			found[name] = id
		}
	}
	for _, name := range []string{"refs/heads/" + ref, "refs/tags/" + ref + "^{}", "refs/tags/" + ref, ref} {
		if id, ok := found[name]; ok {
			return id, nil
		}
	}
	return "", slipway.Errorf(slipway.NotFound, "%s has no branch or tag %s", withoutCredentials(at.URL), ref)
}

func unreachable(at Location, err error) error {
	if kind := slipway.KindOf(err); kind != slipway.Internal {
		return err
	}
	text := strings.ReplaceAll(err.Error(), at.URL, withoutCredentials(at.URL))
	return slipway.Errorf(slipway.Unavailable, "cannot fetch %s: %s", at, text).
		WithFix("check the URL and that this machine may read it: git ls-remote %s", withoutCredentials(at.URL))
}

// fetch gets the one commit into a repository that is gone afterwards.
func fetch(ctx context.Context, git command, at Location, commit string) ([]byte, error) {
	tmp, err := os.MkdirTemp(git.dir, ".fetch-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	git.dir = tmp
	if _, err := git.run(ctx, "init", "--quiet", "--bare", "--template=", "."); err != nil {
		return nil, err
	}
	if _, err := git.run(ctx, "fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--no-auto-gc", "--end-of-options", at.URL, commit); err != nil {
		return nil, unreachable(at, err)
	}
	o, err := startObjects(ctx, git)
	if err != nil {
		return nil, err
	}
	defer func() { _ = o.close() }()
	obj, err := o.read(commit + ":" + path.Clean(at.Path))
	if errors.Is(err, errMissing) || err == nil && obj.kind != "blob" {
		return nil, slipway.Errorf(slipway.NotFound, "there is no file %s in %s at commit %.12s", at.Path, withoutCredentials(at.URL), commit)
	}
	return obj.data, err
}

// keepFile writes a file under its final name only when it is whole.
func keepFile(file string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(file), ".file-")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err != nil {
		return fmt.Errorf("keep %s: %w", file, err)
	}
	if err := os.Rename(tmp.Name(), file); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
