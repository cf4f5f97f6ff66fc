package cli

import (
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/server"
	"github.com/slipway-cd/slipway/server/client"
	"github.com/slipway-cd/slipway/store"
)

// spoken has the server that is named sign for a person who has no key at hand. Where
// none is named, or a key is, noKey says what is wrong.
func (s *session) spoken(key string, noKey error, ask func(at *client.Client, id string) (store.Job, error)) (server.Spoken, error) {
	at, err := s.remote()
	if err != nil {
		return server.Spoken{}, err
	}
	if at == nil || key != "" {
		return server.Spoken{}, noKey
	}
	id, err := s.runID()
	if err != nil {
		return server.Spoken{}, err
	}
	j, err := ask(at, id)
	if err != nil {
		return server.Spoken{}, err
	}
	return await[server.Spoken](s, at, j)
}

// signRemote has the server sign for a release.
func (c *signOffCommand) signRemote(s *session, r pipeline.Review, answer slipway.Answer, until time.Time, noKey error) (server.Spoken, error) {
	in := server.SignOffRequest{Version: r.Release.Version, Role: c.As, Answer: answer, Comment: c.Comment}
	if !until.IsZero() {
		in.Until = &until
	}
	return s.spoken(c.Key, noKey, func(at *client.Client, id string) (store.Job, error) {
		return at.SignOff(s.ctx, id, r.Release.App, r.Standing.Environment, in)
	})
}

// grantRemote has the server open a guard rail, or close it.
func (c *grantCommand) grantRemote(s *session, f *pipeline.Flow, g pipeline.Granting, noKey error) ([]pipeline.Granted, error) {
	app := f.Project.Manifest.App
	out, err := s.spoken(c.Key, noKey, func(at *client.Client, id string) (store.Job, error) {
		if c.Revoke {
			return at.Revoke(s.ctx, id, app, g.Environment, g.Rail, server.RevokeRequest{Why: g.Why})
		}
		return at.Grant(s.ctx, id, app, g.Environment, server.GrantRequest{Rail: g.Rail, Why: g.Why, Until: g.Until, Limit: g.Limit})
	})
	return out.Granted, err
}
