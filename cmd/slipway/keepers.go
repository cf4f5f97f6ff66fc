package main

import (
	"context"
	"time"

	"github.com/slipway-cd/slipway/awsauth"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/identity/awskms"
)

// keepers open keys that a service keeps, by the scheme of their address.
func keepers(environ []string) map[string]func(context.Context, string) (evidence.Signer, error) {
	return map[string]func(context.Context, string) (evidence.Signer, error){
		"awskms": func(ctx context.Context, address string) (evidence.Signer, error) {
			at, err := awskms.Parse(address)
			if err != nil {
				return nil, err
			}
			settings, err := awsauth.Open(ctx, awsauth.Options{Environment: "the signing key", Region: at.Region, Environ: environ, Clock: time.Now})
			if err != nil {
				return nil, err
			}
			return awskms.Dial(ctx, settings, at.ID)
		},
	}
}
