package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/cli"
	"github.com/slipway-cd/slipway/forge"
	"github.com/slipway-cd/slipway/forge/gitea"
	"github.com/slipway-cd/slipway/forge/github"
	"github.com/slipway-cd/slipway/forge/gitlab"
	"github.com/slipway-cd/slipway/forge/plain"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/schema"
	"github.com/slipway-cd/slipway/telemetry"
)

// forges opens the forges of a platform file, with their secrets.
func forges(env cli.Env) func(context.Context, manifest.Forge, forge.Meter) (forge.Forge, error) {
	return func(ctx context.Context, f manifest.Forge, meter forge.Meter) (forge.Forge, error) {
		reveal := func(ref schema.SecretRef) (string, error) {
			if ref.Name == "" {
				return "", nil
			}
			return env.Secrets(ctx, ref.Name)
		}
		webhooks, err := reveal(f.WebhookSecret)
		if err != nil {
			return nil, fmt.Errorf("the secret of its webhooks: %w", err)
		}
		token, err := reveal(f.Token)
		if err != nil {
			return nil, fmt.Errorf("its token: %w", err)
		}
		switch f.Kind {
		case "github":
			key, err := reveal(f.Key)
			if err != nil {
				return nil, fmt.Errorf("its key: %w", err)
			}
			c := github.Config{URL: f.URL, Token: token, Secret: webhooks, Repositories: f.Repositories, Meter: meter, Clock: env.Clock, Log: env.Log, Transport: telemetry.Transport(http.DefaultTransport)}
			if f.App != "" {
				c.App = &github.App{ID: f.App, Key: []byte(key)}
			}
			return github.New(c)
		case "gitea":
			return gitea.New(gitea.Config{URL: f.URL, Token: token, Meter: meter, Secret: webhooks, Repositories: f.Repositories, Clock: env.Clock, Log: env.Log, Transport: telemetry.Transport(http.DefaultTransport)})
		case "gitlab":
			return gitlab.New(gitlab.Config{URL: f.URL, Token: token, Meter: meter, Secret: webhooks, Repositories: f.Repositories, Clock: env.Clock, Log: env.Log, Transport: telemetry.Transport(http.DefaultTransport)})
		case "git":
			if err := folderThere(f); err != nil {
				return nil, err
			}
			return plain.New(plain.Config{URL: f.URL, Repositories: f.Repositories, Token: token, Secret: webhooks, Environ: env.Environ, Clock: env.Clock})
		}
		return nil, slipway.Errorf(slipway.Unavailable, "this program has no forge of kind %s", f.Kind)
	}
}

// folderThere looks whether the folder is there in which a forge has its repositories,
// if it is one on this machine.
func folderThere(f manifest.Forge) error {
	if !filepath.IsAbs(f.URL) {
		return nil
	}
	if _, err := os.ReadDir(f.URL); err != nil {
		return slipway.Errorf(slipway.NotFound, "cannot read the folder with its repositories: %w", err).
			WithFix("make the folder, or correct server.forges.%s.url in the platform file", f.Name)
	}
	return nil
}
