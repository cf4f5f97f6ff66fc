package main

import (
	"context"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/awsauth"
	"github.com/slipway-cd/slipway/awssetup"
)

// account opens the AWS account of an environment, to set it up.
func account(environ []string) func(context.Context, slipway.Environment) (*awssetup.Account, error) {
	return func(ctx context.Context, e slipway.Environment) (*awssetup.Account, error) {
		return awssetup.Open(ctx, awsauth.Options{
			Environment: e.Name, Account: e.Account, Region: e.Region, Environ: environ, Clock: time.Now,
		}, wait)
	}
}

// wait waits for d, or until ctx is done, which is then the error.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
