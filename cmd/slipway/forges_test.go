package main

import (
	"context"
	"log/slog"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/cli"
	"github.com/slipway-cd/slipway/forge"
	"github.com/slipway-cd/slipway/forge/gitlab/gitlabtest"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/schema"
)

// A server opens the GitLab of its platform file, with the secrets that it names.
func TestForgesOpensGitLab(t *testing.T) {
	s := gitlabtest.Start(t)
	secrets := map[string]string{"gitlab/token": gitlabtest.Token, "gitlab/webhook": "secret"}
	open := forges(cli.Env{
		Clock: s.Now, Log: slog.New(slog.DiscardHandler),
		Secrets: func(_ context.Context, name string) (string, error) { return secrets[name], nil },
	})
	entry := manifest.Forge{
		Name: "lab", Kind: "gitlab", URL: s.URL, Repositories: []string{"acme/*"},
		Token: schema.SecretRef{Name: "gitlab/token"}, WebhookSecret: schema.SecretRef{Name: "gitlab/webhook"},
	}
	f, err := open(t.Context(), entry, &forge.Memory{})
	if err != nil {
		t.Fatal(err)
	}
	list, err := f.Repositories(t.Context())
	if err != nil || len(list) != 1 || list[0].Name != "acme/traffic" {
		t.Errorf("its repositories are %+v, %v", list, err)
	}
	if _, ok := f.(forge.Requests); !ok {
		t.Error("it has no merge requests")
	}
	entry.Token = schema.SecretRef{}
	if _, err := open(t.Context(), entry, &forge.Memory{}); slipway.KindOf(err) != slipway.Invalid {
		t.Errorf("without a token: %v", err)
	}
}
