package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/repository"
)

// What provenance says of this program.
const (
	builderID = "https://github.com/slipway-cd/slipway"
	buildType = builderID + "/build/v1"
)

// attest signs a claim with this machine's key and puts the statement into an
// environment's repository, under its digest. Where the platform names who may
// attest, anybody else's key is an error of kind Blocked.
func attest[C evidence.Claim](ctx context.Context, f *Flow, p *Place, act evidence.Act, app string, claim C, about []evidence.Subject) (slipway.Digest, error) {
	by, err := f.attestor(ctx, act, p.Environment.Name)
	if err != nil {
		return "", err
	}
	data, err := evidence.Attest(ctx, by, claim, about)
	if err != nil {
		return "", err
	}
	d := slipway.DigestOf(data)
	if _, err := p.Repository.Put(ctx, slipway.StatementKey(app, d), bytes.NewReader(data)); err != nil {
		return "", fmt.Errorf("keep the statement that attests this: %w", err)
	}
	return d, nil
}

// attestor is this machine's key, if it may attest an act in an environment now.
// Where the platform names no signers, any key may, and nobody who verifies is
// told to believe it.
func (f *Flow) attestor(ctx context.Context, act evidence.Act, env string) (evidence.Signer, error) { //nolint:ireturn // it may be in a file or elsewhere
	by, err := f.Signer(ctx)
	if err != nil {
		return nil, err
	}
	policy := f.Policy()
	if len(policy.Signers) == 0 {
		return by, nil
	}
	if _, err := policy.May(by.Key().ID(), act, env, f.Clock()); err != nil {
		return nil, slipway.Errorf(slipway.Blocked, "this machine's key attests nothing here: %w", err).
			WithFix("have the platform team add it under signers.NAME.keys: %s; or name another key with --signing-key", by.Key())
	}
	return by, nil
}

// attestRelease attests from what a release was built, what its checks came to,
// and what it consists of.
func (f *Flow) attestRelease(p *Place, resolved []byte, checks []slipway.CheckResult) func(context.Context, slipway.Release, slipway.Digest) ([]slipway.Digest, error) {
	if f.Signer == nil {
		return nil
	}
	return func(ctx context.Context, r slipway.Release, record slipway.Digest) ([]slipway.Digest, error) {
		built, err := f.provenance(r, record)
		if err != nil {
			return nil, err
		}
		wanted, err := requirements(resolved)
		if err != nil {
			return nil, err
		}
		bom, err := evidence.SBOM(r, record, wanted)
		if err != nil {
			return nil, err
		}
		about := evidence.Subjects(r)
		configuration := []slipway.Resource{resource(r.Manifest), resource(r.Checks)}
		tested := slipway.ResultOf(checks, configuration)
		put := []func() (slipway.Digest, error){
			func() (slipway.Digest, error) {
				return attest(ctx, f, p, evidence.ActRelease, r.App, built, about)
			},
			func() (slipway.Digest, error) {
				return attest(ctx, f, p, evidence.ActRelease, r.App, tested, about)
			},
			func() (slipway.Digest, error) { return attest(ctx, f, p, evidence.ActRelease, r.App, bom, about) },
		}
		for _, scan := range slipway.ScansOf(checks, configuration) {
			put = append(put, func() (slipway.Digest, error) { return attest(ctx, f, p, evidence.ActRelease, r.App, scan, about) })
		}
		review, err := f.reviewed(ctx)
		if err != nil {
			return nil, err
		}
		if review != nil {
			put = append(put, func() (slipway.Digest, error) { return attest(ctx, f, p, evidence.ActRelease, r.App, *review, about) })
		}
		all := make([]slipway.Digest, len(put))
		err = repository.Each(indexes(len(put)), func(i int) (err error) {
			all[i], err = put[i]()
			return err
		})
		return all, err
	}
}

// reviewed is what is known of the review of the source; nil: nothing.
func (f *Flow) reviewed(ctx context.Context) (*slipway.ChangeReview, error) {
	if f.Reviewed == nil {
		return nil, nil
	}
	review, err := f.Reviewed(ctx)
	if err != nil {
		return nil, fmt.Errorf("find out who reviewed the change: %w", err)
	}
	return review, nil
}

func resource(a slipway.Artifact) slipway.Resource {
	return slipway.Resource{Name: a.Name, Digest: map[string]string{"sha256": a.Digest.Hex()}}
}

// provenance says from what a release was built. It is made of the release alone,
// and of the manifest that it was made from.
func (f *Flow) provenance(r slipway.Release, record slipway.Digest) (slipway.Provenance, error) {
	plan, err := json.Marshal(buildPlan(f.Project.Manifest.Build))
	if err != nil {
		return slipway.Provenance{}, err
	}
	p := slipway.Provenance{
		BuildDefinition: slipway.BuildDefinition{
			BuildType:            buildType,
			ExternalParameters:   slipway.BuildParameters{App: r.App, Version: r.Version, Path: r.Source.Path, Build: plan},
			ResolvedDependencies: sources(r.Source),
		},
		RunDetails: slipway.BuildRun{
			Builder:    slipway.Builder{ID: builderID},
			Metadata:   slipway.BuildMetadata{InvocationID: r.App + "/" + r.Version + "/" + record.Short(), FinishedOn: r.Created},
			Byproducts: []slipway.Resource{{Name: "release", Digest: map[string]string{"sha256": record.Hex()}, Annotations: map[string]string{"by": r.By}}},
		},
	}
	if f.Version != "" {
		p.RunDetails.Builder.Version = map[string]string{"slipway": f.Version}
	}
	return p, nil
}

// sources are the commit and the app's folder in it. Uncommitted changes have no
// name in git, only the digest that Slipway gives them.
func sources(s slipway.Source) []slipway.Resource {
	at := gitURI(s.Remote)
	if s.Dirty {
		return []slipway.Resource{{
			Name: "source", URI: at, Digest: map[string]string{"slipwayTree": s.Tree},
			Annotations: map[string]string{"dirty": "true", "base": s.Commit, "path": s.Path},
		}}
	}
	commit := slipway.Resource{Name: "source", URI: at, Digest: map[string]string{"gitCommit": s.Commit}}
	if s.Author != "" {
		commit.Annotations = map[string]string{"author": s.Author}
	}
	return []slipway.Resource{commit, {Name: s.Path, URI: at, Digest: map[string]string{"gitTree": s.Tree}}}
}

// gitURI writes where a repository is as SLSA does.
func gitURI(remote string) string {
	host, path, scp := strings.Cut(remote, ":")
	switch {
	case remote == "":
		return ""
	case strings.Contains(remote, "://"):
		return "git+" + remote
	case scp && !strings.Contains(host, "/"):
		return "git+ssh://" + host + "/" + strings.TrimPrefix(path, "/")
	}
	return "git+file://" + remote
}

// requirements are the Python packages that a release asks for, in whichever
// environment.
func requirements(resolved []byte) ([]string, error) {
	var doc releasedManifest
	if err := json.Unmarshal(resolved, &doc); err != nil {
		return nil, fmt.Errorf("read the resolved manifest: %w", err)
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(doc.Environments)) {
		modules, _ := doc.Environments[name].Run["additional_python_modules"].([]any)
		for _, m := range modules {
			if text, ok := m.(string); ok {
				all = append(all, text)
			}
		}
	}
	return all, nil
}

// attestPromotion attests what comes to an environment.
func (f *Flow) attestPromotion(p *Place) func(context.Context, slipway.Promotion, slipway.Release) ([]slipway.Digest, error) {
	if f.Signer == nil {
		return nil
	}
	return func(ctx context.Context, said slipway.Promotion, r slipway.Release) ([]slipway.Digest, error) {
		if err := f.proven(ctx, r.Version, said.From); err != nil {
			return nil, err
		}
		said.Time = said.Time.Truncate(time.Microsecond)
		d, err := attest(ctx, f, p, evidence.ActPromote, r.App, said, evidence.Subjects(r))
		return []slipway.Digest{d}, err
	}
}

// attestDeployment attests what is deployed to an environment.
func (f *Flow) attestDeployment(p *Place) func(context.Context, slipway.DeploymentReport, slipway.Target) ([]slipway.Digest, error) {
	if f.Signer == nil {
		return nil
	}
	return func(ctx context.Context, report slipway.DeploymentReport, t slipway.Target) ([]slipway.Digest, error) {
		d, err := attest(ctx, f, p, evidence.ActDeploy, t.App, report, deployedSubjects(t.Artifacts, report.Record))
		return []slipway.Digest{d}, err
	}
}

// attestRemoval attests that a job is taken away.
func (f *Flow) attestRemoval(p *Place) func(context.Context, slipway.Removal, slipway.Target) ([]slipway.Digest, error) {
	if f.Signer == nil {
		return nil
	}
	return func(ctx context.Context, gone slipway.Removal, t slipway.Target) ([]slipway.Digest, error) {
		d, err := attest(ctx, f, p, evidence.ActDeploy, t.App, gone, deployedSubjects(t.Artifacts, gone.Record))
		return []slipway.Digest{d}, err
	}
}

// deployedSubjects are the bytes that run, and the record of the release that they
// are of.
func deployedSubjects(artifacts []slipway.Artifact, record slipway.Digest) []evidence.Subject {
	var about []evidence.Subject
	for _, a := range artifacts {
		about = append(about, evidence.SubjectOf(a.Name, a.Digest))
	}
	if record.Valid() {
		about = append(about, evidence.SubjectOf("release", record))
	}
	return about
}
