package pipeline

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/dossier"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/promote"
	"github.com/slipway-cd/slipway/repository"
)

// VerifyPolicy is what a platform file asks of a dossier. Whoever stood in for
// somebody did so when it was done, and not when it is verified.
func VerifyPolicy(p *manifest.Platform) dossier.Policy {
	all := dossier.Policy{Policy: p.Policy(), Environments: map[string]dossier.Environment{}, Who: p.WhoeverAt}
	for _, name := range p.EnvironmentNames() {
		e, _ := p.Environment(name)
		all.Environments[name] = dossier.Environment{Follows: e.Follows, Rules: func(r slipway.Release, at time.Time) promote.Rules {
			return signing(p, e, r, at)
		}}
	}
	return all
}

// WriteDossier writes the dossier of an app's release up to an environment; with no
// environment, up to the one farthest down the road that has it.
func (f *Flow) WriteDossier(ctx context.Context, w io.Writer, app, version, env, by string) (dossier.Header, error) {
	road, err := f.travelled(ctx, app, version, env)
	if err != nil {
		return dossier.Header{}, err
	}
	c := dossier.Content{Header: dossier.Header{
		App: app, Version: version, By: by, Time: f.Clock().UTC().Truncate(time.Microsecond),
	}}
	if c.Keys, err = dossier.KeysOf(f.Policy()); err != nil {
		return c.Header, err
	}
	for _, e := range road {
		if err := f.gather(ctx, &c, e.Name); err != nil {
			return c.Header, err
		}
	}
	if f.Signer == nil {
		return c.Header, slipway.Errorf(slipway.Invalid, "there is no key here to seal a dossier with").
			WithFix("start the server with --signing-key, or write the dossier where a key is: leave --server out")
	}
	seals, err := f.attestor(ctx, evidence.ActDossier, "")
	if err != nil {
		return c.Header, err
	}
	return c.Header, dossier.Write(ctx, w, c, seals)
}

// proven says whether it is proved from what a release was made, and by a machine
// that the platform names. Where it names none, nothing has to be.
func (f *Flow) proven(ctx context.Context, version, env string) error {
	if len(f.Policy().Signers) == 0 {
		return nil
	}
	road, err := f.Project.Road(env)
	if err != nil {
		return err
	}
	c := dossier.Content{Header: dossier.Header{App: f.Project.Manifest.App, Version: version}}
	if err := f.gather(ctx, &c, road[0].Name); err != nil {
		return err
	}
	r := dossier.Prove(c, VerifyPolicy(f.Project.Platform))
	if len(r.Faults) == 0 {
		return nil
	}
	return slipway.Errorf(slipway.Blocked, "it is not proved what %s was made from: %s", version, r.Faults[0]).
		WithFix("release it again under another version, with a key of the platform's signers")
}

// travelled is the road of a release up to an environment.
func (f *Flow) travelled(ctx context.Context, app, version, env string) ([]manifest.Environment, error) {
	names := []string{env}
	if env == "" {
		names = f.Project.Platform.EnvironmentNames()
	}
	var longest []manifest.Environment
	for _, name := range names {
		road, err := f.Project.Road(name)
		if err != nil {
			if env != "" {
				return nil, err
			}
			continue // an environment without a repository has no releases
		}
		h, err := f.History(ctx, app, name)
		if err != nil && env == "" && slipway.KindOf(err) == slipway.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		if _, err := f.chosen(h, version); err != nil && env != "" {
			return nil, err
		}
		if _, ok := h.Admitted(version); ok && len(road) > len(longest) {
			longest = road
		}
	}
	if longest == nil {
		return nil, slipway.Errorf(slipway.NotFound, "no environment has a release %s of %s", version, app).
			WithFix("slipway releases ENV lists those that are there")
	}
	return longest, nil
}

// gather puts what an environment has of the release into the dossier.
func (f *Flow) gather(ctx context.Context, c *dossier.Content, env string) error {
	p, err := f.Place(ctx, env)
	if err != nil {
		return err
	}
	chain, err := p.Ledger.Entries(ctx, ledger.Subject{App: c.App, Environment: env}, 0)
	if err != nil {
		return err
	}
	c.Environments, c.Chains = append(c.Environments, env), append(c.Chains, chain)
	r, _, err := repository.FindRelease(ctx, p.Repository, c.App, c.Version)
	if err != nil {
		return err
	}
	for _, file := range []struct{ name, key string }{
		{dossier.RecordFile, slipway.ReleaseKey(c.App, c.Version)}, {r.Manifest.Name, r.Manifest.Key}, {r.Checks.Name, r.Checks.Key},
	} {
		data, _, err := p.Repository.Read(ctx, file.key)
		if err != nil {
			return err
		}
		c.Files = append(c.Files, dossier.File{Environment: env, Name: file.name, Digest: slipway.DigestOf(data), Data: data})
	}
	return f.statements(ctx, c, p, dossier.Named(chain, c.Version))
}

// statements reads statements, each once.
func (f *Flow) statements(ctx context.Context, c *dossier.Content, p *Place, named []slipway.Digest) error {
	found := make([][]byte, len(named))
	err := repository.Each(indexes(len(named)), func(i int) error {
		key := slipway.StatementKey(c.App, named[i])
		data, _, err := p.Repository.Read(ctx, key)
		if err == nil && slipway.DigestOf(data) != named[i] {
			err = slipway.Errorf(slipway.Conflict, "its bytes were changed")
		}
		if err != nil {
			return slipway.Errorf(slipway.Conflict, "a statement that the ledger of %s names cannot be had: %w", p.Environment.Name, err).
				WithFix("bring %s back from a backup of %s", key, p.Repository.URL())
		}
		found[i] = data
		return nil
	})
	for _, data := range found {
		if !slices.ContainsFunc(c.Statements, func(s []byte) bool { return string(s) == string(data) }) {
			c.Statements = append(c.Statements, data)
		}
	}
	return err
}

// indexes are those of n things.
func indexes(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}
