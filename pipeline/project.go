package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/git"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/shape"
)

// StateFolder is the folder in the repository's root that holds what Slipway
// keeps on this machine.
const StateFolder = ".slipway"

// Where says which app a command is about.
type Where struct {
	Dir      string // where the person stands
	App      string // the app's folder or name; empty: the app in Dir
	Platform string // the platform file, from --platform or SLIPWAY_PLATFORM; empty: look for it
	// PlatformText is what is in the platform file, for who has read it already; nil: it
	// is read.
	PlatformText []byte
	State        string   // the state folder; empty: .slipway in the repository's root
	Environ      []string // the process's environment
	Shapes       shape.Menu
}

// A Project is an app in a git repository on this machine, with its manifest
// and the platform it belongs to.
type Project struct {
	Git      *git.Repository
	Root     string // the repository's folder
	Folder   string // the app's folder in it: slashes, "." for the root
	State    string // the state folder
	Manifest *manifest.Manifest
	Platform *manifest.Platform // nil: there is no platform file

	environ     []string
	shapes      shape.Menu
	platformDir string        // paths in the platform file start here
	platformGit *git.Location // where the platform file is from, at its commit; nil: it lies on this machine
}

// OpenProject finds the app, reads its manifest and its platform file. Every
// complaint about the two files is in the error.
func OpenProject(ctx context.Context, w Where) (*Project, error) {
	dir, name := w.Dir, w.App
	if name != "" && isFolder(filepath.Join(w.Dir, name)) {
		dir, name = filepath.Join(w.Dir, name), ""
	}
	return openProject(ctx, w, dir, func(p *Project) (err error) {
		if p.Folder, err = p.find(ctx, dir, name); err != nil {
			return err
		}
		return p.read(w)
	})
}

// OpenDraft is OpenProject for an app in dir whose manifest is not written yet:
// text is what it may be.
func OpenDraft(ctx context.Context, w Where, dir string, text []byte) (*Project, error) {
	return openProject(ctx, w, dir, func(p *Project) (err error) {
		rel, err := p.Git.Rel(dir)
		if err != nil {
			return err
		}
		p.Folder = filepath.ToSlash(rel)
		p.Manifest, err = manifest.Load(shown(w.Dir, filepath.Join(dir, manifest.FileName)), text, w.Shapes)
		return err
	})
}

// OpenPlatform is a project without an app, for what needs to know the environments
// alone. w.Platform is the platform file; empty: there is none.
func OpenPlatform(w Where) (*Project, error) {
	p := &Project{Root: w.Dir, Folder: ".", State: w.State, environ: w.Environ, shapes: w.Shapes}
	if w.Platform == "" {
		return p, nil
	}
	return p, p.loadPlatform(absolute(w.Dir, w.Platform), w)
}

// openProject opens the git repository around dir, the manifest and the platform
// file.
func openProject(ctx context.Context, w Where, dir string, read func(*Project) error) (*Project, error) {
	repo, err := git.Open(ctx, dir, w.Environ)
	if err != nil {
		return nil, err
	}
	p := &Project{Git: repo, Root: repo.Root(), State: cmp.Or(w.State, filepath.Join(repo.Root(), StateFolder)), environ: w.Environ, shapes: w.Shapes}
	if err = read(p); err == nil {
		err = p.readPlatform(ctx, w)
	}
	if err != nil {
		return nil, errors.Join(err, repo.Close())
	}
	return p, nil
}

// Close ends what reads the git repository.
func (p *Project) Close() error { return p.Git.Close() }

// Dir is the app's folder on this machine.
func (p *Project) Dir() string { return filepath.Join(p.Root, filepath.FromSlash(p.Folder)) }

func isFolder(dir string) bool {
	info, err := os.Stat(dir)
	return err == nil && info.IsDir()
}

// find returns the app's folder: that of the manifest in dir or above it, or of
// the app with the name anywhere in the repository.
func (p *Project) find(ctx context.Context, dir, name string) (string, error) {
	if name != "" {
		return p.named(ctx, name)
	}
	rel, err := p.Git.Rel(dir)
	if err != nil {
		return "", err
	}
	for folder := filepath.ToSlash(rel); ; folder = path.Dir(folder) {
		if _, err := os.Stat(filepath.Join(p.Root, filepath.FromSlash(folder), manifest.FileName)); err == nil {
			return folder, nil
		}
		if folder == "." {
			break
		}
	}
	return "", p.missing(ctx, dir)
}

// missing says that there is no manifest, and where there are some.
func (p *Project) missing(ctx context.Context, dir string) error {
	err := slipway.Errorf(slipway.NotFound, "there is no %s in %s or above it", manifest.FileName, dir)
	files, lerr := p.Git.Manifests(ctx)
	if lerr != nil || len(files) == 0 {
		return err.WithFix("slipway init writes one that works")
	}
	var folders []string
	for _, f := range files {
		folders = append(folders, path.Dir(f))
	}
	return err.WithFix("this repository has apps in: %s; name one with --app", strings.Join(folders, ", "))
}

func (p *Project) named(ctx context.Context, name string) (string, error) {
	found, err := p.apps(ctx)
	if err != nil {
		return "", err
	}
	var apps []string
	for _, a := range found {
		switch a.name {
		case "":
			apps = append(apps, a.folder+" (its manifest has errors)")
		case name:
			return a.folder, nil
		default:
			apps = append(apps, a.name)
		}
	}
	e := slipway.Errorf(slipway.NotFound, "there is no app %q in %s, and no folder of that name", name, p.Root)
	if len(apps) > 0 {
		return "", e.WithFix("the apps here are: %s", strings.Join(apps, ", "))
	}
	return "", e.WithFix("slipway init writes a manifest")
}

// A foundApp is an app by its manifest in the repository.
type foundApp struct {
	folder string // slashes, "." for the root
	name   string // empty: the manifest has errors
}

// apps are the apps of the repository, without those that are committed and
// deleted in the working tree.
func (p *Project) apps(ctx context.Context) ([]foundApp, error) {
	files, err := p.Git.Manifests(ctx)
	if err != nil {
		return nil, err
	}
	var all []foundApp
	for _, file := range files {
		data, err := os.ReadFile(filepath.Join(p.Root, filepath.FromSlash(file)))
		if err != nil {
			continue
		}
		a := foundApp{folder: path.Dir(file)}
		if m, err := manifest.Load(file, data, p.shapes); err == nil {
			a.name = m.App
		}
		all = append(all, a)
	}
	return all, nil
}

// read reads the manifest.
func (p *Project) read(w Where) error {
	file := filepath.Join(p.Dir(), manifest.FileName)
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	p.Manifest, err = manifest.Load(shown(w.Dir, file), data, w.Shapes)
	return err
}

// shown is a file's name as a person who stands in dir would write it.
func shown(dir, file string) string {
	if rel, err := filepath.Rel(dir, file); err == nil && !strings.HasPrefix(rel, "..") {
		return rel
	}
	return file
}

// readPlatform looks for the platform file in the order that the manual gives:
// the flag or variable, the manifest's platform, beside or above the manifest.
func (p *Project) readPlatform(ctx context.Context, w Where) error {
	ref := p.Manifest.Platform
	if w.Platform == "" && ref.Git != "" {
		return p.fetchPlatform(ctx, ref)
	}
	var file string
	must := true
	switch {
	case w.Platform != "":
		file = absolute(w.Dir, w.Platform)
	case ref.Path != "":
		file = absolute(p.Dir(), ref.Path)
	default:
		file, must = p.nearestPlatform(), false
	}
	if file == "" {
		return nil
	}
	err := p.loadPlatform(file, w)
	if errors.Is(err, fs.ErrNotExist) && must {
		return slipway.Errorf(slipway.NotFound, "there is no platform file %s", file).
			WithFix("--platform, SLIPWAY_PLATFORM and the manifest's platform: name it, in this order")
	}
	return err
}

// loadPlatform reads the platform file.
func (p *Project) loadPlatform(file string, w Where) (err error) {
	data := w.PlatformText
	if data == nil {
		if data, err = os.ReadFile(file); err != nil {
			return err
		}
	}
	p.platformDir = filepath.Dir(file)
	p.Platform, err = manifest.LoadPlatform(shown(w.Dir, file), data)
	return err
}

func absolute(dir, file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(dir, file)
}

func (p *Project) nearestPlatform() string {
	for dir := p.Dir(); ; dir = filepath.Dir(dir) {
		file := filepath.Join(dir, manifest.PlatformFileName)
		if _, err := os.Stat(file); err == nil {
			return file
		}
		if dir == p.Root || dir == filepath.Dir(dir) {
			return ""
		}
	}
}

func (p *Project) fetchPlatform(ctx context.Context, ref manifest.PlatformRef) error {
	at := git.Location{URL: ref.Git, Ref: ref.Ref, Path: ref.Path}
	got, err := git.FetchFile(ctx, filepath.Join(p.State, "cache", "platform"), p.environ, at)
	if err != nil {
		return err
	}
	p.platformDir, p.platformGit = p.Root, &git.Location{URL: ref.Git, Ref: got.Commit, Path: ref.Path}
	p.Platform, err = manifest.LoadPlatform(fmt.Sprint(at), got.Data)
	return err
}

// Environment returns an environment with its paths made absolute.
func (p *Project) Environment(name string) (manifest.Environment, error) {
	if p.Manifest != nil {
		if _, err := p.Manifest.Resolve(name, p.Platform); slipway.KindOf(err) == slipway.NotFound && err != nil {
			return manifest.Environment{}, err
		}
	}
	e, ok := p.Platform.Environment(name)
	if !ok && p.Manifest == nil {
		return manifest.Environment{}, slipway.Errorf(slipway.NotFound, "there is no environment %s", name)
	}
	base := p.platformDir
	if e.IsLocal() && e.Repository == "" {
		e.Repository = filepath.Join(p.State, "repository")
	}
	if e.Repository != "" && !strings.Contains(e.Repository, "://") {
		e.Repository = absolute(base, e.Repository)
	}
	switch {
	case e.Runtime != "local":
	case e.Root == "":
		e.Root = filepath.Join(p.State, "runtime", name)
	default:
		e.Root = absolute(base, e.Root)
	}
	return e, nil
}

// Prices is the platform's file of prices on this machine; empty if there is none.
func (p *Project) Prices() string {
	if p.Platform == nil || p.Platform.Prices == "" {
		return ""
	}
	return absolute(p.platformDir, p.Platform.Prices)
}

// Road returns the environments that a release travels to reach the named one:
// the one where releases are made first, the named one last.
func (p *Project) Road(name string) ([]manifest.Environment, error) {
	var road []manifest.Environment
	for name != "" {
		e, err := p.Environment(name)
		if err != nil {
			return nil, err
		}
		if e.Repository == "" {
			return nil, slipway.Errorf(slipway.Invalid, "environment %s has no repository: there is no place for its releases", name).
				WithFix("set environments.%s.repository in %s", name, p.Platform.File)
		}
		road = append([]manifest.Environment{e}, road...)
		name = e.Follows
	}
	return road, nil
}
