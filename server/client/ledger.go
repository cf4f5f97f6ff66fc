package client

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/server"
)

// A Ledger is the server's ledger, for those who read it and for those who sign: it
// takes entries that name what a person has signed, and no others.
type Ledger struct{ Client *Client }

var _ pipeline.Ledger = Ledger{}

// Append implements ledger.Ledger.
func (l Ledger) Append(ctx context.Context, d ledger.Draft) (e ledger.Entry, err error) {
	body, err := json.Marshal(d.Body)
	if err != nil {
		return e, err
	}
	in := server.EntryRequest{After: d.After, ID: d.ID, Kind: d.Kind, Body: json.RawMessage(body)}
	if len(d.Statements) > 0 {
		in.Statement = d.Statements[0]
	}
	return e, l.Client.post(ctx, place(d.App, d.Environment)+"/entries", "", in, &e)
}

// Entries implements ledger.Ledger.
func (l Ledger) Entries(ctx context.Context, s ledger.Subject, after int64) ([]ledger.Entry, error) {
	var page server.List[ledger.Entry]
	err := l.Client.get(ctx, place(s.App, s.Environment)+"/history", url.Values{"after": {strconv.FormatInt(after, 10)}}, &page)
	return page.Items, err
}

// Subjects implements ledger.Ledger.
func (l Ledger) Subjects(ctx context.Context) ([]ledger.Subject, error) {
	apps, err := l.Client.Apps(ctx, "")
	if err != nil {
		return nil, err
	}
	var all []ledger.Subject
	for _, a := range apps {
		o, err := l.Client.App(ctx, a.Name)
		if err != nil {
			return nil, err
		}
		for _, e := range o.Environments {
			all = append(all, ledger.Subject{App: a.Name, Environment: e.Environment})
		}
	}
	return all, nil
}

// Acquire implements ledger.Leaser: who deploys there is the server's affair.
func (l Ledger) Acquire(_ context.Context, s ledger.Subject, _ ledger.Holder, _ time.Duration) (ledger.Lease, error) {
	return ledger.Lease{}, slipway.Errorf(slipway.Blocked, "%s is deployed by the server %s", s, l.Client.URL)
}

// Release implements ledger.Leaser.
func (Ledger) Release(context.Context, ledger.Lease) error { return nil }
