package main

import (
	"context"
	"net/url"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/awsauth"
	"github.com/slipway-cd/slipway/azureauth"
	"github.com/slipway-cd/slipway/cli"
	"github.com/slipway-cd/slipway/gcpauth"
	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/repository/azure"
	"github.com/slipway-cd/slipway/repository/bucket"
	"github.com/slipway-cd/slipway/repository/folder"
	"github.com/slipway-cd/slipway/repository/gcs"
)

// places open artifact repositories. Those at one cloud share their credentials, which
// are looked for when they are first needed.
type places struct {
	gcs   gcs.Config
	azure azure.Config
}

func newPlaces(env cli.Env) places {
	vars := variables(env.Environ)
	return places{
		gcs: gcs.Config{Token: gcpauth.New(gcpauth.Storage).Token, Emulator: vars["STORAGE_EMULATOR_HOST"]},
		azure: azure.Config{
			Account: vars["AZURE_STORAGE_ACCOUNT"], Key: vars["AZURE_STORAGE_KEY"], SAS: vars["AZURE_STORAGE_SAS_TOKEN"],
			Token: azureauth.New(azureauth.Config{Scope: azureauth.Storage, Clock: env.Clock}).Token, Clock: env.Clock,
		},
	}
}

// open opens the artifact repository at a URL, or in a folder.
func (p places) open(ctx context.Context, e slipway.Environment, who awsauth.Options) (repository.Repository, error) {
	at := e.Repository
	if !strings.Contains(at, "://") {
		return folder.Open(at)
	}
	u, err := url.Parse(at)
	if err != nil {
		return nil, slipway.Errorf(slipway.Invalid, "the artifact repository's URL: %w", err)
	}
	switch u.Scheme {
	case "file":
		return folder.Open(u.Path)
	case "s3":
		return bucket.Open(ctx, at, who.OpenFor)
	case gcs.Scheme:
		return gcs.Open(at, p.gcs)
	case azure.Scheme:
		return azure.Open(at, p.azure)
	}
	return nil, slipway.Errorf(slipway.Invalid, "there is no kind of artifact repository for %s", at).
		WithFix("use a folder's path, or a URL that begins with s3://, gs:// or azblob://")
}
