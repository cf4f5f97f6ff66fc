package repository

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/slipway-cd/slipway"
)

// FindRelease reads the record of a release and its digest. An unknown release
// is an error of kind NotFound.
func FindRelease(ctx context.Context, r Repository, app, version string) (slipway.Release, slipway.Digest, error) {
	var release slipway.Release
	data, _, err := r.Read(ctx, slipway.ReleaseKey(app, version))
	if err != nil {
		return release, "", err
	}
	if err := json.Unmarshal(data, &release); err != nil {
		return release, "", fmt.Errorf("read release %s of %s: %w", version, app, err)
	}
	return release, slipway.DigestOf(data), nil
}
