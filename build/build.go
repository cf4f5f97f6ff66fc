package build

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/sandbox"
)

// builder counts the changes of the built-in steps that give other bytes for the
// same input. It is part of every key of the cache.
const builder = 1

// A Stage builds apps. It may be used at the same time by any number of
// processes.
type Stage struct {
	cache cache
	temp  string
}

// New returns a stage that keeps what it built in the folder cache, and makes
// its copies of repositories in the folder temp, which lies outside of any
// repository so that no tool finds one around the copy.
func New(cacheDir, temp string) *Stage {
	return &Stage{cache: cache{dir: cacheDir}, temp: temp}
}

// An Input is what a build starts from.
type Input struct {
	App    string
	Source slipway.Source
	Plan   Plan
	Files  Files // of the source
	// Checkout puts a clean copy of the whole repository into a folder. Only
	// steps of the team's own need it.
	Checkout func(ctx context.Context, dir string) error
	Environ  []string  // of those steps
	Output   io.Writer // of those steps

	// Sandbox runs those steps; nil: they run without isolation. Secrets are hidden
	// in what they print. Cache is what package managers keep; nil: nothing.
	Sandbox *sandbox.Sandbox
	Secrets []string
	Cache   *sandbox.Cache
}

// A Result is what was built. It is plain data; the bytes lie in Dir.
type Result struct {
	Artifacts  []slipway.Artifact `json:"artifacts"` // the script first
	Dir        string             `json:"dir"`       // holds each artifact under its name; nobody writes there
	Settings   []Setting          `json:"settings,omitempty"`
	Parameters []Parameter        `json:"parameters,omitempty"`
	Tests      string             `json:"tests,omitempty"` // file in Dir with the notebook's test cells; no artifact
	Warnings   []string           `json:"warnings,omitempty"`
	Reused     bool               `json:"reused,omitempty"` // built earlier from the same input
}

// Path returns where an artifact's bytes lie.
func (r Result) Path(a slipway.Artifact) string { return filepath.Join(r.Dir, a.Name) }

// Run builds, or finds what was built earlier from the same input. It may be
// called again after a crash at any point.
func (s *Stage) Run(ctx context.Context, in Input) (Result, error) {
	if err := in.Plan.check(); err != nil {
		return Result{}, err
	}
	if err := os.MkdirAll(s.cache.dir, 0o755); err != nil {
		return Result{}, errWrite("keep the build", s.cache.dir, err)
	}
	b := &build{Input: in, stage: s, sources: sources{Files: in.Files, dirty: in.Source.Dirty}}
	defer b.close()
	key, err := b.key(ctx)
	if err != nil {
		return Result{}, err
	}
	if r, err := s.cache.get(key); err == nil {
		return b.result(key, r, true), nil
	}
	files, err := b.make(ctx)
	if err != nil {
		return Result{}, err
	}
	r, err := s.cache.put(key, b.record, files)
	if err != nil {
		return Result{}, errWrite("keep the build", s.cache.dir, err)
	}
	return b.result(key, r, false), nil
}

// A build is one call of Run.
type build struct {
	Input
	stage   *Stage
	sources sources
	copy    *workspace // nil until a step needs it
	record  record
	files   map[string][]byte // artifacts by name
	origin  map[string]string // where they come from
}

// key names everything that goes into the build.
func (b *build) key(ctx context.Context) (string, error) {
	var ingredients struct {
		Builder int
		App     string
		Plan    Plan
		Files   map[string]slipway.Digest
		Rest    string // of the repository, where a step may read all of it
	}
	ingredients.Builder, ingredients.App, ingredients.Plan = builder, b.App, b.Plan
	var err error
	if ingredients.Files, err = b.inputs(); err != nil {
		return "", err
	}
	if ingredients.Rest, err = b.rest(ctx); err != nil {
		return "", err
	}
	text, err := json.Marshal(ingredients)
	if err != nil {
		return "", err
	}
	return slipway.DigestOf(text).Hex(), nil
}

// inputs digests the files that the plan names, as far as they are there: a step
// may make the others.
func (b *build) inputs() (map[string]slipway.Digest, error) {
	named := slices.Clone(b.Plan.Include)
	if b.Plan.main() != "" {
		named = append(named, b.Plan.main())
	}
	for _, s := range b.Plan.Steps {
		named = append(named, s.Inputs...)
	}
	digests := map[string]slipway.Digest{}
	for _, pattern := range named {
		for _, name := range b.sources.match(pattern) {
			data, err := b.sources.read(name)
			if err != nil {
				return nil, fmt.Errorf("build: %w", err)
			}
			digests[name] = slipway.DigestOf(data)
		}
	}
	return digests, nil
}

// rest names the repository as a whole where a step does not say what it reads:
// by its commit, or of working files by the digest of a copy.
func (b *build) rest(ctx context.Context) (string, error) {
	all := slices.ContainsFunc(b.Plan.Steps, func(s Step) bool { return len(s.Inputs) == 0 })
	switch {
	case !all:
		return "", nil
	case !b.Source.Dirty:
		return b.Source.Commit, nil
	}
	if _, err := b.checkout(ctx); err != nil {
		return "", err
	}
	return digestDir(b.copy.dir)
}

// make builds everything and returns the artifacts' bytes by name.
func (b *build) make(ctx context.Context) (map[string][]byte, error) {
	b.files, b.origin = map[string][]byte{}, map[string]string{}
	if err := b.steps(ctx); err != nil {
		return nil, err
	}
	if err := b.script(); err != nil {
		return nil, err
	}
	if err := b.modules(); err != nil {
		return nil, err
	}
	return b.files, b.others()
}

func (b *build) steps(ctx context.Context) error {
	if len(b.Plan.Steps) == 0 {
		return nil
	}
	dir, err := b.checkout(ctx)
	if err != nil {
		return err
	}
	r := runner{
		box: b.Sandbox, copy: b.copy.dir, dir: dir, environ: b.Environ, output: b.Output, secrets: b.Secrets, cache: b.Cache,
	}
	if r.box == nil {
		r.box = sandbox.New(sandbox.Config{})
	}
	if r.output == nil {
		r.output = io.Discard
	}
	b.sources.outputs, err = r.run(ctx, b.Plan.Steps)
	return err
}

// checkout makes the copy unless it is there, and returns the app's folder in it.
func (b *build) checkout(ctx context.Context) (string, error) {
	if b.copy == nil {
		held, err := b.stage.cache.lock()
		if err != nil {
			return "", errWrite("lock the builds", b.stage.cache.dir, err)
		}
		b.copy, err = newWorkspace(b.stage.temp, b.stage.copyPrefix())
		held.release()
		if err != nil {
			return "", errWrite("copy the repository", b.stage.temp, err)
		}
		if err := b.Checkout(ctx, b.copy.dir); err != nil {
			return "", errWrite("copy the repository", b.stage.temp, err)
		}
	}
	return filepath.Join(b.copy.dir, filepath.FromSlash(b.Source.Path)), nil
}

// copyPrefix tells the copies of this cache from those of others, whose lock it
// does not hold.
func (s *Stage) copyPrefix() string {
	abs, err := filepath.Abs(s.cache.dir)
	if err != nil {
		abs = s.cache.dir
	}
	return "slipway-build-" + slipway.DigestOf([]byte(abs)).Short() + "-"
}

func (b *build) close() {
	if b.copy != nil {
		b.copy.close()
	}
}

// modules packs the helper modules.
func (b *build) modules() error {
	if len(b.Plan.Include) == 0 {
		return nil
	}
	files, err := modules(b.sources, b.Plan)
	if err != nil {
		return err
	}
	zip, err := pack(files)
	if err != nil {
		return err
	}
	return b.add(slipway.KindModules, b.App+"-modules.zip", "build.include", zip)
}

// others makes artifacts of the outputs that went into nothing else.
func (b *build) others() error {
	for _, name := range slices.Sorted(maps.Keys(b.sources.outputs)) {
		used := name == path.Clean(b.Plan.main()) ||
			slices.ContainsFunc(b.Plan.Include, func(p string) bool { return matches(p, name) })
		if used {
			continue
		}
		if err := b.add(slipway.KindFile, path.Base(name), name, b.sources.outputs[name]); err != nil {
			return err
		}
	}
	return nil
}

func (b *build) add(kind slipway.ArtifactKind, name, origin string, data []byte) error {
	if other, ok := b.origin[name]; ok {
		return slipway.Errorf(slipway.Invalid, "two artifacts would be called %s: that of %s and that of %s", name, other, origin).
			WithFix("rename one of them")
	}
	b.files[name], b.origin[name] = data, origin
	b.record.Artifacts = append(b.record.Artifacts, slipway.Artifact{
		Name: name, Kind: kind, Digest: slipway.DigestOf(data), Size: int64(len(data)),
	})
	return nil
}

// result gives the artifacts the keys that they have at this commit.
func (b *build) result(key string, r record, reused bool) Result {
	res := Result{
		Dir:      filepath.Join(b.stage.cache.path(key), "files"),
		Settings: r.Settings, Parameters: r.Parameters, Tests: r.Tests, Warnings: r.Warnings, Reused: reused,
	}
	for _, a := range r.Artifacts {
		a.Key = slipway.ArtifactKey(b.App, a.Name, a.Digest, b.Source.Commit)
		res.Artifacts = append(res.Artifacts, a)
	}
	return res
}
