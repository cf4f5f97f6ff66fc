// Package release fixes what was built: the artifacts, the resolved manifest and
// the check results under their digests in an artifact repository, and a record
// of them all under the release's version. Nothing in a release ever changes.
// Start at Stage.Run.
package release

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/repository"
)

// A Stage makes releases in one environment.
type Stage struct {
	Environment slipway.Environment
	Repository  repository.Repository
	Ledger      ledger.Ledger
	Clock       func() time.Time
	// Attest writes the signed statements about a release whose record has this
	// digest, and returns their digests: from what it was built, and how its checks
	// answered. The same release gives the same statements. nil: there are none.
	Attest func(ctx context.Context, r slipway.Release, record slipway.Digest) ([]slipway.Digest, error)
}

// Input is a release to be.
type Input struct {
	App       string
	Team      string
	Version   string // empty: the source's own
	Source    slipway.Source
	Artifacts []slipway.Artifact
	Open      func(slipway.Artifact) (io.ReadSeekCloser, error) // the bytes of Artifacts
	Manifest  []byte                                            // resolved for each environment, JSON
	Checks    []slipway.CheckResult
	By        string
}

// Output is a release that is there for good.
type Output struct {
	Release slipway.Release `json:"release"`
	Made    bool            `json:"made"` // false: the same release was there already
}

// Run makes the release and lets it into the environment. If the same bytes were
// released under the version before, that release is the result, so Run may be
// called again after a crash, and by others at the same time. Other bytes under
// the version are an error of kind Conflict, and nothing changes.
func (s Stage) Run(ctx context.Context, in Input) (Output, error) {
	if in.Version == "" {
		in.Version = in.Source.Version()
	}
	if err := slipway.CheckVersion(in.Version); err != nil {
		return Output{}, err
	}
	r, err := s.describe(in)
	if err != nil {
		return Output{}, err
	}
	r, record, err := s.find(ctx, in, r)
	var statements []slipway.Digest
	if slipway.KindOf(err) == slipway.NotFound {
		r, record, statements, err = s.fix(ctx, in, r)
	}
	if err != nil {
		return Output{}, err
	}
	made, err := s.admit(ctx, r, record, statements, in.By)
	return Output{Release: r, Made: made}, err
}

// find returns the release that is there already; otherwise the error is of kind
// NotFound. A record that no entry of the ledger names is not looked for: it shows
// when the new one cannot be written.
func (s Stage) find(ctx context.Context, in Input, wanted slipway.Release) (slipway.Release, slipway.Digest, error) {
	h, err := ledger.RecallHistory(ctx, s.Ledger, ledger.Subject{App: in.App, Environment: s.Environment.Name})
	if err != nil {
		return wanted, "", err
	}
	if _, ok := h.Admitted(in.Version); !ok {
		return wanted, "", slipway.Errorf(slipway.NotFound, "there is no release %s of %s", in.Version, in.App)
	}
	found, record, err := repository.FindRelease(ctx, s.Repository, in.App, in.Version)
	if err != nil {
		return wanted, "", err
	}
	found, err = same(found, wanted)
	return found, record, err
}

// describe makes the release's record.
func (s Stage) describe(in Input) (slipway.Release, error) {
	checks, err := json.Marshal(in.Checks)
	if err != nil {
		return slipway.Release{}, err
	}
	r := slipway.Release{
		App: in.App, Version: in.Version, Team: in.Team, Source: in.Source, Artifacts: in.Artifacts,
		Manifest: artifact(in, "manifest.json", slipway.KindManifest, in.Manifest),
		Checks:   artifact(in, "checks.json", slipway.KindChecks, checks),
		Created:  s.Clock().UTC(), By: in.By,
	}
	return r, nil
}

func artifact(in Input, name string, kind slipway.ArtifactKind, data []byte) slipway.Artifact {
	d := slipway.DigestOf(data)
	return slipway.Artifact{
		Name: name, Kind: kind, Digest: d, Size: int64(len(data)),
		Key: slipway.ArtifactKey(in.App, name, d, in.Source.Commit),
	}
}

// same takes the release that is there for the one to be.
func same(found, wanted slipway.Release) (slipway.Release, error) {
	what := "with other bytes"
	switch {
	case found.SameBytes(wanted) && found.Source.Commit == wanted.Source.Commit:
		return found, nil
	case found.SameBytes(wanted):
		what = "from another commit" // whoever asks for a version asks for its source
	}
	return found, slipway.Errorf(slipway.Conflict, "release %s of %s exists %s: it was made from commit %s by %s",
		found.Version, found.App, what, short(found.Source.Commit), found.By).
		WithFix("a release never changes; tag this commit with another version, or name one: slipway ship --release VERSION")
}

func short(commit string) string { return commit[:min(12, len(commit))] }

// fix writes the bytes first, with the statements about them, and the record that
// names them last, so whoever sees the record sees all of it.
func (s Stage) fix(ctx context.Context, in Input, r slipway.Release) (slipway.Release, slipway.Digest, []slipway.Digest, error) {
	checks, err := json.Marshal(in.Checks)
	if err != nil {
		return r, "", nil, err
	}
	record, err := json.Marshal(r)
	if err != nil {
		return r, "", nil, err
	}
	var statements []slipway.Digest
	puts := []func() error{
		func() error { return s.write(ctx, r.Manifest.Key, in.Manifest) },
		func() error { return s.write(ctx, r.Checks.Key, checks) },
	}
	if s.Attest != nil {
		puts = append(puts, func() (err error) {
			statements, err = s.Attest(ctx, r, slipway.DigestOf(record))
			return err
		})
	}
	for _, a := range in.Artifacts {
		puts = append(puts, func() error {
			if err := s.put(ctx, in, a); err != nil {
				return fmt.Errorf("release %s: %w", a.Name, err)
			}
			return nil
		})
	}
	err = repository.Each(puts, func(put func() error) error { return put() })
	if err == nil {
		err = s.write(ctx, slipway.ReleaseKey(r.App, r.Version), record)
	}
	if err != nil {
		r, record, err := s.lost(ctx, r, err)
		return r, record, nil, err
	}
	return r, slipway.DigestOf(record), statements, nil
}

func (s Stage) write(ctx context.Context, key string, data []byte) error {
	_, err := s.Repository.Put(ctx, key, bytes.NewReader(data))
	return err
}

// lost looks again when something could not be written: somebody else may have
// made the same release meanwhile.
func (s Stage) lost(ctx context.Context, r slipway.Release, err error) (slipway.Release, slipway.Digest, error) {
	if slipway.KindOf(err) != slipway.Conflict {
		return r, "", err
	}
	found, record, ferr := repository.FindRelease(ctx, s.Repository, r.App, r.Version)
	switch {
	case slipway.KindOf(ferr) == slipway.NotFound:
		return r, "", err
	case ferr != nil:
		return r, "", ferr
	}
	r, err = same(found, r)
	return r, record, err
}

// put fixes an artifact's bytes. They are looked at first: wrong ones would keep
// the key from the right ones for good.
func (s Stage) put(ctx context.Context, in Input, a slipway.Artifact) error {
	f, err := in.Open(a)
	if err != nil {
		return err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return err
	}
	if got := slipway.Digest("sha256:" + hex.EncodeToString(hash.Sum(nil))); got != a.Digest {
		return slipway.Errorf(slipway.Conflict, "the bytes of %s are not those that were built: %s is not %s", a.Name, got, a.Digest).
			WithFix("build again; the build cache was changed or damaged")
	}
	_, err = s.Repository.Put(ctx, a.Key, f)
	return err
}

// admit writes the ledger's entry, which makes the release one of the
// environment's.
func (s Stage) admit(ctx context.Context, r slipway.Release, record slipway.Digest, statements []slipway.Digest, by string) (bool, error) {
	a := ledger.Admission{Version: r.Version, Commit: r.Source.Commit, Record: record, Time: s.Clock().UTC(), By: by}
	return ledger.AdmitIf(ctx, s.Ledger, ledger.Subject{App: r.App, Environment: s.Environment.Name}, ledger.ReleaseCreated, a, func(ledger.History) ([]slipway.Digest, error) {
		if s.Attest == nil || statements != nil {
			return statements, nil
		}
		var err error
		statements, err = s.Attest(ctx, r, record)
		return statements, err
	})
}
