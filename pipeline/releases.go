package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/repository"
)

// FindRelease reads a release that an environment has; with no version, the
// newest.
func (f *Flow) FindRelease(ctx context.Context, app, version, env string) (slipway.Release, error) {
	h, err := f.History(ctx, app, env)
	if err != nil {
		return slipway.Release{}, err
	}
	if version, err = f.chosen(h, version); err != nil {
		return slipway.Release{}, err
	}
	p, err := f.Place(ctx, env)
	if err != nil {
		return slipway.Release{}, err
	}
	r, _, err := repository.FindRelease(ctx, p.Repository, app, version)
	return r, err
}

// CheckResults reads what a release's checks answered.
func (f *Flow) CheckResults(ctx context.Context, r slipway.Release, env string) ([]slipway.CheckResult, error) {
	p, err := f.Place(ctx, env)
	if err != nil {
		return nil, err
	}
	data, _, err := p.Repository.Read(ctx, r.Checks.Key)
	if err != nil {
		return nil, err
	}
	results := []slipway.CheckResult{}
	if err := json.Unmarshal(data, &results); err != nil {
		return nil, slipway.Errorf(slipway.Conflict, "the check results of release %s cannot be read: %w", r.Version, err)
	}
	return results, nil
}

// Fetch reads an artifact of a release that an environment has, and proves that
// it is what was released.
func (f *Flow) Fetch(ctx context.Context, env string, a slipway.Artifact) ([]byte, error) {
	p, err := f.Place(ctx, env)
	if err != nil {
		return nil, err
	}
	body, err := p.Repository.Open(ctx, a.Key)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(body)
	if err := errors.Join(err, body.Close()); err != nil {
		return nil, err
	}
	if d := slipway.DigestOf(data); d != a.Digest {
		return nil, slipway.Errorf(slipway.Conflict, "%s in %s is not what was released: %s, not %s", a.Name, env, d, a.Digest).
			WithFix("somebody changed it behind Slipway's back; bring %s back from a backup, and find out who could write there", a.Key)
	}
	return data, nil
}
