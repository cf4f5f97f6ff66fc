package client

import (
	"context"
	"net/url"

	"github.com/slipway-cd/slipway/server"
	"github.com/slipway-cd/slipway/store"
)

// SignOff asks the server to sign for a release on behalf of the caller.
func (c *Client) SignOff(ctx context.Context, key, app, env string, in server.SignOffRequest) (store.Job, error) {
	return c.change(ctx, key, place(app, env)+"/sign-offs", in)
}

// Grant asks the server to open a guard rail on behalf of the caller.
func (c *Client) Grant(ctx context.Context, key, app, env string, in server.GrantRequest) (store.Job, error) {
	return c.change(ctx, key, place(app, env)+"/grants", in)
}

// Revoke asks the server to take back what opens a guard rail, on behalf of the caller.
func (c *Client) Revoke(ctx context.Context, key, app, env, rail string, in server.RevokeRequest) (store.Job, error) {
	return c.change(ctx, key, place(app, env)+"/grants/"+url.PathEscape(rail)+"/revoke", in)
}
