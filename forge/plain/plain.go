// Package plain is a place with git repositories and nothing else as a forge: a
// folder, or what git reaches by SSH or HTTPS. It has no pull requests.
//
// Start with [New]. A hook in a bare repository, which [Install] puts there, tells the
// server of pushes by way of [Tell]; without one they are found by asking.
package plain

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
	"github.com/slipway-cd/slipway/git"
)

// A Config says where the repositories are.
type Config struct {
	URL          string   // what they are below: a folder, an https:// or ssh:// URL, or user@host:path
	Repositories []string // below it, such as acme/traffic.git, which is called acme/traffic; empty: all bare ones in the folder
	Token        string   // for https://; empty: what git finds by itself
	Secret       string   // of the hook; empty: none is believed
	Environ      []string // how git finds its configuration and its keys
	Clock        func() time.Time
}

// A Forge is a place with git repositories. Its methods may be called at the same
// time.
type Forge struct {
	config Config
	folder string // empty: not on this machine
	header string
}

var (
	_ forge.Forge    = (*Forge)(nil)
	_ forge.Listener = (*Forge)(nil)
)

// repositoryName is one or more parts, none of which begins with a dot or a dash.
var repositoryName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$`)

// New checks the configuration.
func New(config Config) (*Forge, error) {
	f := &Forge{config: config}
	folder, isURL := folderOf(config.URL)
	switch {
	case folder != "" && !filepath.IsAbs(folder):
		return nil, slipway.Errorf(slipway.Invalid, "%q is not where repositories can be", config.URL).
			WithFix("give a folder from the root on, an https:// or ssh:// URL, or user@host:path")
	case isURL && len(config.Repositories) == 0:
		return nil, slipway.Errorf(slipway.Invalid, "git cannot say which repositories are below %s", config.URL).
			WithFix("name them, such as acme/traffic.git")
	}
	for _, name := range config.Repositories {
		if !repositoryName.MatchString(name) {
			return nil, slipway.Errorf(slipway.Invalid, "%q is no repository below %s", name, config.URL).WithFix("write its path there, such as acme/traffic.git")
		}
	}
	f.folder = folder
	if config.Token != "" {
		f.header = "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("x-access-token:"+config.Token))
	}
	return f, nil
}

// folderOf tells a folder from a URL.
func folderOf(address string) (folder string, isURL bool) {
	if u, err := url.Parse(address); err == nil && u.Scheme == "file" {
		return filepath.FromSlash(u.Path), false
	}
	colon, slash := strings.Index(address, ":"), strings.Index(address, "/")
	if colon > 1 && (slash < 0 || colon < slash) { // a scheme, or a host; one letter is a drive
		return "", true
	}
	return address, false
}

// urlOf is the address of a repository that this forge has.
func (f *Forge) urlOf(repository string) (string, error) {
	if !repositoryName.MatchString(repository) {
		return "", slipway.Errorf(slipway.Invalid, "%q is no repository below %s", repository, f.config.URL).WithFix("write its path there, such as acme/traffic")
	}
	paths, err := f.paths()
	if err != nil {
		return "", err
	}
	for _, path := range paths {
		if nameOf(path) != repository {
			continue
		}
		if f.folder != "" {
			return (&url.URL{Scheme: "file", Path: filepath.ToSlash(filepath.Join(f.folder, path))}).String(), nil
		}
		return strings.TrimSuffix(f.config.URL, "/") + "/" + path, nil
	}
	return "", slipway.Errorf(slipway.NotFound, "there is no repository %s below %s", repository, f.config.URL).
		WithFix("check the name; those that there are: %s", strings.Join(names(paths), ", "))
}

func names(paths []string) []string {
	list := make([]string, 0, len(paths))
	for _, path := range paths {
		list = append(list, nameOf(path))
	}
	return list
}

func nameOf(path string) string { return strings.TrimSuffix(path, ".git") }

// paths are where the repositories lie, below the URL.
func (f *Forge) paths() ([]string, error) {
	if len(f.config.Repositories) > 0 {
		return f.config.Repositories, nil
	}
	return f.bare()
}

// deepest is how many folders deep a repository may lie.
const deepest = 3

// bare finds the bare repositories in the folder.
func (f *Forge) bare() ([]string, error) {
	var found []string
	err := filepath.WalkDir(f.folder, func(file string, entry fs.DirEntry, err error) error {
		rel, relErr := filepath.Rel(f.folder, file)
		switch {
		case err != nil && rel == ".":
			return slipway.Errorf(slipway.NotFound, "the folder %s with the repositories cannot be read: %w", f.folder, err).
				WithFix("make it, or say where they are")
		case err != nil || relErr != nil:
			return nil //nolint:nilerr // a folder that is not for us has no repository for us
		case !entry.IsDir() || rel == ".":
			return nil
		case isBare(file):
			if path := filepath.ToSlash(rel); repositoryName.MatchString(path) {
				found = append(found, path)
			}
			return fs.SkipDir
		case strings.Count(filepath.ToSlash(rel), "/")+1 >= deepest:
			return fs.SkipDir
		}
		return nil
	})
	slices.Sort(found)
	return found, err
}

// isBare says whether a folder is a bare repository, by what git looks for.
func isBare(dir string) bool {
	for _, name := range []string{"HEAD", "objects", "refs"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

// Repositories lists those that are named, or found. One that cannot be reached now is
// listed without its default branch.
func (f *Forge) Repositories(ctx context.Context) ([]forge.Repository, error) {
	paths, err := f.paths()
	if err != nil {
		return nil, err
	}
	list := make([]forge.Repository, 0, len(paths))
	for _, path := range paths {
		address, err := f.urlOf(nameOf(path))
		if err != nil {
			return nil, err
		}
		r := forge.Repository{Name: nameOf(path), URL: address, Private: true}
		if got, err := git.List(ctx, f.config.Environ, address, f.header); err == nil {
			r.DefaultBranch = got.Default
		} else if ctx.Err() != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

// Refs asks git for branches and tags, which is quick. Whether they have changed is
// found by their digest.
func (f *Forge) Refs(ctx context.Context, repository, seen string) (forge.Refs, error) {
	address, err := f.urlOf(repository)
	if err != nil {
		return forge.Refs{}, err
	}
	got, err := git.List(ctx, f.config.Environ, address, f.header)
	if err != nil {
		return forge.Refs{}, err
	}
	data, err := json.Marshal(got)
	if err != nil {
		return forge.Refs{}, err
	}
	sum := sha256.Sum256(data)
	mark := hex.EncodeToString(sum[:16])
	if mark == seen {
		return forge.Refs{Mark: mark, Unchanged: true}, nil
	}
	return forge.Refs{Mark: mark, Branches: got.Branches, Tags: got.Tags}, nil
}

// Remote is the repository's address.
func (f *Forge) Remote(_ context.Context, repository string) (forge.Remote, error) {
	address, err := f.urlOf(repository)
	return forge.Remote{URL: address, Header: f.header}, err
}
