package server

import (
	"context"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/server/comment"
	"github.com/slipway-cd/slipway/store"
)

// signHere says something to a release for whoever wrote the comment.
func (s *Server) signHere(ctx context.Context, r order) (answer, error) {
	says := map[string]slipway.Answer{comment.SignOff: slipway.Yes, comment.Reject: slipway.No, comment.Withdraw: slipway.Withdrawn}
	return s.speakHere(ctx, r, jobSign, speaking{Version: r.Version, Role: r.Role, Answer: says[r.Name]})
}

// grantHere opens or closes a guard rail for whoever wrote the comment.
func (s *Server) grantHere(ctx context.Context, r order) (answer, error) {
	return s.speakHere(ctx, r, jobGrant, speaking{Rail: r.Rail, Limit: r.Limit, Revoke: r.Name == comment.Revoke})
}

func (s *Server) speakHere(ctx context.Context, r order, kind string, in speaking) (answer, error) {
	do := access.SignOff
	if kind == jobGrant {
		do = access.Grant
	}
	if err := s.stranger(ctx, r, do); err != nil {
		return answer{}, err
	}
	a, err := s.appOf(ctx, r, access.Read)
	if err != nil {
		return answer{}, err
	}
	in.Who, in.App, in.Environment, in.Text, in.Until = caller(ctx), a.Name, r.Environment, r.Text, r.Until
	j, err := s.speech(ctx, r.place(a), r.key(), kind, in)
	return jobAnswerOf(j), err
}

// speech makes the job that says something for the caller.
func (s *Server) speech(ctx context.Context, p PlacePath, key Idempotent, kind string, in speaking) (*Job, error) {
	in.Who = caller(ctx)
	return s.change(ctx, p, key, kind, access.Read, in, func(a store.App) (any, error) {
		in.App, in.Environment = a.Name, p.Environment
		return in, nil
	})
}

// promoteHere brings a release to the next environment.
func (s *Server) promoteHere(ctx context.Context, r order) (answer, error) {
	a, err := s.appOf(ctx, r, access.Deploy)
	if err != nil {
		return answer{}, err
	}
	in := PromoteRequest{Version: r.Version}
	j, err := s.change(ctx, r.place(a), r.key(), jobPromote, access.Deploy, in, func(a store.App) (any, error) {
		return promotion{App: a.Name, Environment: r.Environment, PromoteRequest: in}, nil
	})
	return jobAnswerOf(j), err
}
