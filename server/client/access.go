package client

import (
	"context"
	"net/url"
	"strconv"

	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/server"
)

// Tokens lists the caller's tokens, and everybody's for owners of the platform; with
// ended also those that have ended.
func (c *Client) Tokens(ctx context.Context, ended bool) ([]access.Token, error) {
	return listAll[access.Token](ctx, c, "/tokens", url.Values{"all": {strconv.FormatBool(ended)}})
}

// CreateToken makes a token.
func (c *Client) CreateToken(ctx context.Context, in server.TokenRequest) (t server.NewToken, err error) {
	return t, c.post(ctx, "/tokens", "", in, &t)
}

// RevokeToken ends a token.
func (c *Client) RevokeToken(ctx context.Context, id string) (t access.Token, err error) {
	return t, c.post(ctx, "/tokens/"+url.PathEscape(id)+"/revoke", "", nil, &t)
}

// Delegations lists what was handed over; with past also what holds no more.
func (c *Client) Delegations(ctx context.Context, past bool) ([]access.Handed, error) {
	return listAll[access.Handed](ctx, c, "/delegations", url.Values{"past": {strconv.FormatBool(past)}})
}

// Delegate hands something over. Asked again under the same key, it is the same
// request.
func (c *Client) Delegate(ctx context.Context, key string, in server.DelegationRequest) (h access.Handed, err error) {
	return h, c.post(ctx, "/delegations", key, in, &h)
}

// Undelegate takes back what was handed over.
func (c *Client) Undelegate(ctx context.Context, id string) (h access.Handed, err error) {
	return h, c.post(ctx, "/delegations/"+url.PathEscape(id)+"/revoke", "", nil, &h)
}

// LedgerHead reads the newest signed head of the ledger.
func (c *Client) LedgerHead(ctx context.Context) (h server.LedgerHead, err error) {
	return h, c.get(ctx, "/ledger/head", nil, &h)
}

// ProveInclusion reads the proof that an entry is below the newest signed head.
func (c *Client) ProveInclusion(ctx context.Context, app, env string, number int64) (p server.InclusionProof, err error) {
	return p, c.get(ctx, "/ledger/inclusion", url.Values{"app": {app}, "environment": {env}, "number": {strconv.FormatInt(number, 10)}}, &p)
}

// ProveConsistency reads the proof that the newest signed head goes on from an
// earlier one of a size.
func (c *Client) ProveConsistency(ctx context.Context, from int64) (p server.ConsistencyProof, err error) {
	return p, c.get(ctx, "/ledger/consistency", url.Values{"from": {strconv.FormatInt(from, 10)}}, &p)
}

// Refusals lists who was not let through, the newest first.
func (c *Client) Refusals(ctx context.Context, limit int) ([]access.Refusal, error) {
	var page server.List[access.Refusal]
	err := c.get(ctx, "/refusals", url.Values{"limit": {strconv.Itoa(limit)}}, &page)
	return page.Items, err
}

// listAll reads page after page.
func listAll[T any](ctx context.Context, c *Client, path string, q url.Values) ([]T, error) {
	all := []T{}
	q.Set("limit", "1000")
	for {
		var page server.List[T]
		if err := c.get(ctx, path, q, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if page.Next == "" {
			return all, nil
		}
		q.Set("after", page.Next)
	}
}
