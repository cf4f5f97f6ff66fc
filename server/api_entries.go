package server

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/store"
)

// An EntryRequest asks to append an entry that names a statement which a person has
// signed. What it says counts for what the statement says, which is verified anew
// whenever it is asked: the entry only tells where it lies.
type EntryRequest struct {
	After     int64          `json:"after" minimum:"0" doc:"The number of the last entry that the caller knows; 0: none."`
	ID        string         `json:"id" minLength:"1" maxLength:"200" doc:"A name of the caller's own. Sent again under it, the entry is the one that is there."`
	Kind      string         `json:"kind" enum:"release.signed,rail.granted,release.held"`
	Body      any            `json:"body" doc:"As the kind of entry has it."`
	Statement slipway.Digest `json:"statement,omitempty" maxLength:"100" doc:"The statement, where the kind keeps it apart from the body."`
}

// signedKinds are the kinds of entries that name a statement which a person signed.
//
//nolint:gochecknoglobals // immutable table
var signedKinds = []string{ledger.ReleaseSigned, ledger.RailGranted, ledger.ReleaseHeld}

func (s *Server) entryRoutes(api huma.API) {
	type entry struct {
		PlacePath
		Body EntryRequest
	}
	handle(api, route{"append-entry", http.MethodPost, "/apps/{app}/environments/{environment}/entries", "Append an entry that names what a person has signed", "changes", 201}, func(ctx context.Context, in *entry) (*Body[ledger.Entry], error) {
		if _, err := s.app(ctx, in.App, access.Read, in.Environment); err != nil {
			return nil, err
		}
		if _, err := s.history(ctx, in.App, in.Environment); err != nil {
			return nil, err
		}
		if !slices.Contains(signedKinds, in.Body.Kind) {
			return nil, slipway.Errorf(slipway.Denied, "an entry of the kind %s is the server's own", in.Body.Kind)
		}
		body, err := json.Marshal(in.Body.Body)
		if err != nil {
			return nil, err
		}
		d := ledger.Draft{
			Subject: ledger.Subject{App: in.App, Environment: in.Environment}, After: in.Body.After, ID: in.Body.ID, Kind: in.Body.Kind,
			Time: s.Clock().UTC(), By: caller(ctx).String(), Body: json.RawMessage(body),
		}
		if in.Body.Statement != "" {
			d.Statements = []slipway.Digest{in.Body.Statement}
		}
		var e ledger.Entry
		err = s.store.Change(ctx, func(tx *store.Tx) error {
			if e, err = tx.Append(ctx, d); err != nil {
				return err
			}
			return s.unblocked(ctx, tx, in.App, in.Environment, e)
		})
		s.news.Ring()
		return &Body[ledger.Entry]{Body: e}, err
	})
}

// unblocked has the last ship that a closed gate stopped tried again: what was
// signed may have opened it.
func (s *Server) unblocked(ctx context.Context, tx *store.Tx, app, env string, e ledger.Entry) error {
	if err := tx.Tell(ctx, store.Event{Time: s.Clock(), Kind: "ledger." + e.Kind, Subject: subjectOf(app), Body: toJSON(map[string]any{"environment": env, "number": e.Number, "by": e.By})}); err != nil {
		return err
	}
	if err := s.signed(ctx, tx, e); err != nil {
		return err
	}
	j, ok, err := tx.LastJob(ctx, subjectOf(app), jobShip)
	if err != nil || !ok || j.State != store.JobFailed {
		return err
	}
	var o Outcome
	if err := json.Unmarshal(j.Outcome, &o); err != nil || o.Kind != slipway.Blocked {
		return nil //nolint:nilerr // it ended otherwise
	}
	first, _, _ := strings.Cut(j.Key, "/after/")
	_, _, err = s.enqueue(ctx, tx, store.Job{Key: first + "/after/" + string(e.Hash), Kind: jobShip, Subject: j.Subject, Input: j.Input, Made: s.Clock(), By: j.By})
	return err
}
