package server

import (
	"context"
	"encoding/json"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/promote"
	"github.com/slipway-cd/slipway/store"
)

// PromoteRequest asks to bring a release to an environment.
type PromoteRequest struct {
	Version string `json:"version,omitempty" maxLength:"128" doc:"The release. Default: the newest in the environment before."`
}

// promotion is the input of a job that promotes.
type promotion struct {
	App         string `json:"app"`
	Environment string `json:"environment"`
	PromoteRequest
	// Signed says that nobody asked for it: it is done if the manifest asks for it and
	// all who have to have signed.
	Signed bool `json:"signed,omitempty"`
}

// signed has a release promoted if that was the last sign-off it needed, and its
// manifest asks for it.
func (s *Server) signed(ctx context.Context, tx *store.Tx, e ledger.Entry) error {
	if e.Kind != ledger.ReleaseSigned {
		return nil
	}
	var word ledger.SignOff
	if err := json.Unmarshal(e.Body, &word); err != nil || word.Answer != slipway.Yes {
		return nil //nolint:nilerr // it opens nothing
	}
	in := promotion{App: e.App, Environment: e.Environment, PromoteRequest: PromoteRequest{Version: word.Version}, Signed: true}
	_, _, err := s.enqueue(ctx, tx, store.Job{
		Key: "signed/" + string(e.Hash), Kind: jobPromote, Subject: subjectOf(e.App), Input: toJSON(in), Made: s.Clock(), By: e.By,
	})
	return err
}

// promote brings a release to an environment.
func (s *Server) promote(ctx context.Context, j store.Job) (done, error) {
	in, err := input[promotion](j)
	if err != nil {
		return done{}, err
	}
	return s.ofApp(ctx, j, in.App, func(f *pipeline.Flow) (any, error) {
		if in.Signed {
			out, err := f.PromoteSigned(ctx, promote.Input{App: in.App, Version: in.Version, By: j.By}, in.Environment)
			if until, early := pipeline.NotBefore(err); early {
				return nil, tooEarly{until, err}
			}
			return out, err
		}
		return f.Promote(ctx, promote.Input{App: in.App, Version: in.Version, By: j.By}, in.Environment)
	})
}

// tooEarly is the cause that lets a job wait until a time, and be done then: nobody asked
// for it who could ask again.
type tooEarly struct {
	until time.Time
	error
}

// Unwrap gives what is too early.
func (e tooEarly) Unwrap() error { return e.error }
