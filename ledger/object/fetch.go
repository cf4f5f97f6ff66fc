package object

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
)

const (
	batch    = 512     // entries in memory that are not yet known to be a chain
	fetchers = 16      // objects read at once, for repositories that are far away
	maxEntry = 4 << 20 // bytes
)

// fetch reads the entries from first to last: in blocks, from the copies in tail, and
// one by one. A copy stands for an entry only where that is there, with its size.
func (c *chain) fetch(ctx context.Context, first, last int64, there map[int64]int64, tail []ledger.Entry) ([]ledger.Entry, error) {
	entries := make([]ledger.Entry, last-first+1)
	var blocks []int64
	for b := range c.blocks {
		if b >= first && b+blockSize-1 <= last {
			blocks = append(blocks, b)
		}
	}
	copies := make([][]ledger.Entry, len(blocks))
	each(len(blocks), func(i int) { copies[i] = c.getBlock(ctx, blocks[i]) })
	for _, e := range slices.Concat(append(copies, tail)...) {
		if e.Number < first || e.Number > last {
			continue
		}
		if data, err := ledger.Encode(e); err == nil && int64(len(data)) == there[e.Number] {
			entries[e.Number-first] = e
		}
	}
	errs := make([]error, len(entries))
	each(len(entries), func(i int) {
		if entries[i].Number == 0 {
			entries[i], errs[i] = c.get(ctx, first+int64(i))
		}
	})
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// each does fn for all numbers below n, some at once.
func each(n int, fn func(i int)) {
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(fetchers, n) {
		wg.Go(func() {
			for i := range next {
				fn(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

// get reads one entry.
func (c *chain) get(ctx context.Context, number int64) (ledger.Entry, error) {
	data, err := c.open(ctx, keyOf(c.subject, number), maxEntry)
	if slipway.KindOf(err) == slipway.NotFound {
		return ledger.Entry{}, ledger.Broken(c.subject, number, "it is missing")
	}
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

// open reads an object to its end, or one byte more than limit.
func (c *chain) open(ctx context.Context, key string, limit int64) ([]byte, error) {
	body, err := c.repo.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(io.LimitReader(body, limit+1))
}
