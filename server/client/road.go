package client

import (
	"context"
	"net/url"
	"strconv"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/server"
	"github.com/slipway-cd/slipway/store"
)

// Plan asks the server what a deployment would change.
func (c *Client) Plan(ctx context.Context, key, app, env string, in server.PlanRequest) (store.Job, error) {
	return c.change(ctx, key, place(app, env)+"/plans", in)
}

// MakeRelease asks the server to build and check a commit, and to fix it as a release.
func (c *Client) MakeRelease(ctx context.Context, key, app, env string, in server.ReleaseRequest) (store.Job, error) {
	return c.change(ctx, key, place(app, env)+"/releases", in)
}

// Promote asks the server to bring a release to an environment.
func (c *Client) Promote(ctx context.Context, key, app, env string, in server.PromoteRequest) (store.Job, error) {
	return c.change(ctx, key, place(app, env)+"/promotions", in)
}

// Remove asks the server to take the job away from an environment.
func (c *Client) Remove(ctx context.Context, key, app, env string, in server.RemoveRequest) (store.Job, error) {
	return c.change(ctx, key, place(app, env)+"/removals", in)
}

// Releases lists the releases that an environment has, the newest first.
func (c *Client) Releases(ctx context.Context, app, env string) ([]ledger.Admission, error) {
	var page server.List[ledger.Admission]
	err := c.get(ctx, place(app, env)+"/releases", nil, &page)
	return page.Items, err
}

// ReleaseFacts shows a release, with what is known of it. With no version it is the
// newest.
func (c *Client) ReleaseFacts(ctx context.Context, app, env, version string) (r server.ReleaseFacts, err error) {
	if version == "" {
		all, err := c.Releases(ctx, app, env)
		if err != nil {
			return r, err
		}
		if len(all) == 0 {
			return r, slipway.Errorf(slipway.NotFound, "there is no release of %s in %s yet", app, env).WithFix("slipway ship %s makes one and takes it there", env)
		}
		version = all[0].Version
	}
	return r, c.get(ctx, place(app, env)+"/releases/"+url.PathEscape(version)+"/facts", nil, &r)
}

// Artifact fetches a file of a release. That it is what was released is proved at both
// ends.
func (c *Client) Artifact(ctx context.Context, app, env, version string, a slipway.Artifact) ([]byte, error) {
	data, err := c.file(ctx, place(app, env)+"/releases/"+url.PathEscape(version)+"/artifacts/"+url.PathEscape(string(a.Digest)), nil)
	if err != nil {
		return nil, err
	}
	if d := slipway.DigestOf(data); d != a.Digest {
		return nil, slipway.Errorf(slipway.Unavailable, "%s did not come whole: it has %s, and %s was released", a.Name, d, a.Digest).WithFix("try it again")
	}
	return data, nil
}

// Dossier fetches the dossier of a release up to an environment; with none, up to the
// farthest that has it.
func (c *Client) Dossier(ctx context.Context, app, version, env string) ([]byte, error) {
	q := url.Values{}
	if env != "" {
		q.Set("environment", env)
	}
	return c.file(ctx, "/apps/"+url.PathEscape(app)+"/releases/"+url.PathEscape(version)+"/dossier", q)
}

// Cost says what runs cost, and will cost, with the last ones.
func (c *Client) Cost(ctx context.Context, app, env string, last int) (out slipway.Cost, err error) {
	return out, c.get(ctx, place(app, env)+"/cost", url.Values{"last": {strconv.Itoa(last)}}, &out)
}

// Running holds what really runs against what was approved.
func (c *Client) Running(ctx context.Context, app, env string) (out pipeline.Running, err error) {
	return out, c.get(ctx, place(app, env)+"/running", nil, &out)
}

// PromoteSet asks the server to bring releases of several apps to an environment, all or
// none.
func (c *Client) PromoteSet(ctx context.Context, key, env string, in server.SetRequest) (store.Job, error) {
	return c.change(ctx, key, "/environments/"+url.PathEscape(env)+"/promotions", in)
}
