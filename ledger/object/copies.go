package object

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/slipway-cd/slipway/ledger"
)

const (
	blockSize = 64       // entries in a block
	maxBlock  = 16 << 20 // bytes of a block
	maxTail   = 1 << 19  // bytes of entries in a lease
)

// blockKey is where the copies of the 64 entries from first on lie, a line each.
func blockKey(s ledger.Subject, first int64) string {
	return fmt.Sprintf("%s%010d-%010d.jsonl", folderOf(s), first, first+blockSize-1)
}

// parseBlock is the reverse of blockKey.
func parseBlock(s ledger.Subject, key string) (first int64, ok bool) {
	if _, err := fmt.Sscanf(key, folderOf(s)+"%d-", &first); err != nil {
		return 0, false
	}
	return first, first%blockSize == 1 && blockKey(s, first) == key
}

// getBlock reads a block; nil if it cannot be read, for it is only an aid.
func (c *chain) getBlock(ctx context.Context, first int64) []ledger.Entry {
	data, err := c.open(ctx, blockKey(c.subject, first), maxBlock)
	if err != nil {
		return nil
	}
	var lines []string
	for line := range bytes.Lines(data) {
		lines = append(lines, string(bytes.TrimSuffix(line, []byte("\n"))))
	}
	return decodeAll(lines)
}

// decodeAll reads copies; none if one of them cannot be read.
func decodeAll(lines []string) []ledger.Entry {
	entries := make([]ledger.Entry, 0, len(lines))
	for _, line := range lines {
		e, err := ledger.Decode([]byte(line))
		if err != nil {
			return nil
		}
		entries = append(entries, e)
	}
	return entries
}

// copyBlocks puts copies of all full blocks that have none. What fails is done by the
// next one who appends.
func (c *chain) copyBlocks(ctx context.Context) {
	var missing []int64
	for first := int64(1); first+blockSize-1 <= int64(len(c.entries)); first += blockSize {
		if !c.blocks[first] {
			missing = append(missing, first)
		}
	}
	done := make([]bool, len(missing))
	each(len(missing), func(i int) {
		first := missing[i]
		var data bytes.Buffer
		for _, line := range encodeAll(c.entries[first-1:first-1+blockSize], maxBlock) {
			data.WriteString(line + "\n")
		}
		_, err := c.repo.Put(ctx, blockKey(c.subject, first), bytes.NewReader(data.Bytes()))
		done[i] = err == nil
	})
	for i, first := range missing {
		if done[i] {
			c.blocks[first] = true
		}
	}
}

// encodeAll writes the last entries, as many as have room.
func encodeAll(entries []ledger.Entry, room int) []string {
	var lines []string
	for _, e := range slices.Backward(entries) {
		line, err := ledger.Encode(e)
		if room -= len(line); err != nil || room < 0 {
			break
		}
		lines = append(lines, string(line))
	}
	slices.Reverse(lines)
	return lines
}

// newest are copies of the entries behind the last full block; or old, where those are
// not known, or somebody is at them: a lease must not wait for the ledger.
func (c *chain) newest(old []string) []string {
	if !c.mu.TryLock() {
		return old
	}
	defer c.mu.Unlock()
	if !c.fresh {
		return old
	}
	full := len(c.entries) / blockSize * blockSize
	return encodeAll(c.entries[full:], maxTail)
}

// tailOf are the copies in the lease, which is read by the way.
func (l *Ledger) tailOf(ctx context.Context, s ledger.Subject) []ledger.Entry {
	f, err := l.readLease(ctx, s)
	if err != nil {
		return nil
	}
	return decodeAll(f.record.Tail)
}
