package glue

import (
	"context"
	"time"
)

// A Pause waits for d, or until ctx is done, which is then the error.
type Pause func(ctx context.Context, d time.Duration) error

// Wait is the Pause of a real clock.
func Wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
