package object

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
)

const (
	batch    = 512     // entries in memory that are not yet known to be a chain
	fetchers = 16      // objects read at once, for repositories that are far away
	maxEntry = 4 << 20 // bytes
)

// fetch reads the entries from first to last.
func (c *chain) fetch(ctx context.Context, first, last int64) ([]ledger.Entry, error) {
	entries := make([]ledger.Entry, last-first+1)
	errs := make([]error, len(entries))
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(fetchers, len(entries)) {
		wg.Go(func() {
			for i := range next {
				entries[i], errs[i] = c.get(ctx, first+int64(i))
			}
		})
	}
	for i := range entries {
		next <- i
	}
	close(next)
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// get reads one entry.
func (c *chain) get(ctx context.Context, number int64) (ledger.Entry, error) {
	body, err := c.repo.Open(ctx, keyOf(c.subject, number))
	if slipway.KindOf(err) == slipway.NotFound {
		return ledger.Entry{}, ledger.Broken(c.subject, number, "it is missing")
	}
	if err != nil {
		return ledger.Entry{}, fmt.Errorf("read the ledger of %s: %w", c.subject, err)
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, maxEntry+1))
	if err != nil {
		return ledger.Entry{}, fmt.Errorf("read the ledger of %s: %w", c.subject, err)
	}
	if len(data) > maxEntry {
		return ledger.Entry{}, ledger.Broken(c.subject, number, "it is longer than %d bytes", maxEntry)
	}
	entry, err := ledger.Decode(data)
	if err != nil {
		return ledger.Entry{}, ledger.Broken(c.subject, number, "it was changed: %v", err)
	}
	return entry, nil
}
