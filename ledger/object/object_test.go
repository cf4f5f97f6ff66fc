package object_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/ledgertest"
	"github.com/slipway-cd/slipway/ledger/object"
	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/repository/folder"
)

func TestLedger(t *testing.T) {
	ledgertest.Run(t, func(t *testing.T) ledgertest.Kit {
		dir := t.TempDir()
		clock := newClock()
		open := func(t *testing.T) *object.Ledger { return object.New(&stamped{openFolder(t, dir), clock}, clock.now) }
		l := open(t)
		return ledgertest.Kit{
			Ledger: l, Leaser: l,
			Reopen: func(t *testing.T) (ledger.Ledger, ledger.Leaser) { l := open(t); return l, l },
			Replace: func(t *testing.T, e ledger.Entry) {
				data, err := ledger.Encode(e)
				if err != nil {
					t.Fatal(err)
				}
				remove(t, dir, keyOf(e.Subject, e.Number))
				if _, err := openFolder(t, dir).Put(t.Context(), keyOf(e.Subject, e.Number), bytes.NewReader(data)); err != nil {
					t.Fatal(err)
				}
			},
			Remove:  func(t *testing.T, s ledger.Subject, number int64) { remove(t, dir, keyOf(s, number)) },
			Advance: clock.advance,
		}
	})
}

func keyOf(s ledger.Subject, number int64) string {
	name := []byte("0000000000.json")
	for i := 9; number > 0; i, number = i-1, number/10 {
		name[i] = '0' + byte(number%10)
	}
	return s.App + "/" + s.Environment + "/ledger/" + string(name)
}

func remove(t *testing.T, dir, key string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, filepath.FromSlash(key))); err != nil {
		t.Fatal(err)
	}
}

func openFolder(t testing.TB, dir string) *folder.Repository {
	t.Helper()
	r, err := folder.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A clock is moved by hand. It remembers when which object was swapped.
type clock struct {
	mu      sync.Mutex
	at      time.Time
	written map[string]time.Time
}

func newClock() *clock {
	return &clock{at: time.Date(2026, 11, 22, 12, 3, 10, 0, time.UTC), written: map[string]time.Time{}}
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// A stamped repository has its times from a clock.
type stamped struct {
	repository.Repository
	clock *clock
}

func (s *stamped) Swap(ctx context.Context, key, match string, data []byte) (string, error) {
	s.clock.mu.Lock()
	defer s.clock.mu.Unlock()
	version, err := s.Repository.Swap(ctx, key, match, data)
	if err == nil {
		s.clock.written[key] = s.clock.at
	}
	return version, err
}

func (s *stamped) Stat(ctx context.Context, key string) (repository.Object, error) {
	s.clock.mu.Lock()
	defer s.clock.mu.Unlock()
	o, err := s.Repository.Stat(ctx, key)
	o.Modified = s.clock.written[key]
	return o, err
}
