package tree_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/tree"
)

func entry(t testing.TB, s ledger.Subject, prev ledger.Entry) ledger.Entry {
	t.Helper()
	e, err := ledger.Seal(prev, ledger.Draft{
		Subject: s, After: prev.Number, ID: fmt.Sprint("id-", prev.Number), Kind: "deployment.started",
		Time: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), By: "ana", Body: prev.Number,
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func chain(t testing.TB, app string, n int) []ledger.Entry {
	t.Helper()
	var all []ledger.Entry
	var last ledger.Entry
	for range n {
		last = entry(t, ledger.Subject{App: app, Environment: "prod"}, last)
		all = append(all, last)
	}
	return all
}

// A memory stores hashes.
type memory []tlog.Hash

func (m memory) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for at, i := range indexes {
		if i >= int64(len(m)) {
			return nil, fmt.Errorf("no hash %d", i)
		}
		out[at] = m[i]
	}
	return out, nil
}

func grown(t testing.TB, entries []ledger.Entry) (memory, tree.Head) {
	t.Helper()
	hashes, root, err := tree.Grow(0, entries, memory(nil))
	if err != nil {
		t.Fatal(err)
	}
	return hashes, tree.Head{Size: int64(len(entries)), Hash: root}
}

// TestGrow adds entries in batches of any sizes, and compares with tlog's own way of
// adding one record after the other.
func TestGrow(t *testing.T) {
	entries := chain(t, "traffic", 70)
	rapid.Check(t, func(rt *rapid.T) {
		var stored, want memory
		var size int64
		for size < int64(len(entries)) {
			n := min(rapid.Int64Range(1, 40).Draw(rt, "batch"), int64(len(entries))-size)
			hashes, root, err := tree.Grow(size, entries[size:size+n], stored)
			if err != nil {
				rt.Fatal(err)
			}
			stored, size = append(stored, hashes...), size+n
			for i := size - n; i < size; i++ {
				more, err := tlog.StoredHashes(i, tree.Record(entries[i].Subject, entries[i].Number, entries[i].Hash), want)
				if err != nil {
					rt.Fatal(err)
				}
				want = append(want, more...)
			}
			if reference, err := tlog.TreeHash(size, want); err != nil || reference != root || fmt.Sprint(stored) != fmt.Sprint(want) {
				rt.Fatalf("size %d: root %s, want %s, %v", size, root, reference, err)
			}
		}
	})
}

func TestGrowWithoutWhatIsStored(t *testing.T) {
	_, _, err := tree.Grow(3, chain(t, "traffic", 1), memory(nil))
	if err == nil || !strings.Contains(err.Error(), "grow the tree: no hash") {
		t.Errorf("got %v", err)
	}
}

func TestInclusion(t *testing.T) {
	entries := chain(t, "traffic", 20)
	stored, head := grown(t, entries)
	for i, e := range entries {
		p, err := tree.ProveInclusion(tree.Leaf{Subject: e.Subject, Number: e.Number, Index: int64(i)}, head.Size, stored)
		if err != nil || p.Check(e, head) != nil {
			t.Fatalf("entry %d: %v, %v", e.Number, err, p.Check(e, head))
		}
		changed := e
		changed.By = "eve"
		wantConflict(t, p.Check(changed, head), fmt.Sprintf("entry %d of traffic in prod is not proven to be in the ledger's tree of size 20", e.Number))
		changed.Hash, _ = ledger.Hash(changed)
		wantConflict(t, p.Check(changed, head), "is not proven to be in the ledger's tree")
		wantConflict(t, p.Check(entries[(i+1)%20], head), "is not proven to be in the ledger's tree")
		wantConflict(t, p.Check(e, tree.Head{Size: 20, Hash: tlog.RecordHash(nil)}), "is not proven to be in the ledger's tree")
		wantConflict(t, p.Check(e, tree.Head{Size: 19, Hash: head.Hash}), "is not proven to be in the ledger's tree")
		p.Leaf.Index = -1
		wantConflict(t, p.Check(e, head), "is not proven to be in the ledger's tree")
	}
	_, err := tree.ProveInclusion(tree.Leaf{Subject: entries[0].Subject, Number: 1, Index: -1}, 20, stored)
	if slipway.KindOf(err) != slipway.NotFound || err.Error() != "entry 1 of traffic in prod is not in the tree of size 20" {
		t.Errorf("got %v", err)
	}
}

func TestConsistency(t *testing.T) {
	entries := chain(t, "traffic", 20)
	stored, now := grown(t, entries)
	other, _ := grown(t, chain(t, "shop", 20))
	for size := int64(1); size <= 20; size++ {
		root, err := tlog.TreeHash(size, stored)
		if err != nil {
			t.Fatal(err)
		}
		before := tree.Head{Size: size, Hash: root}
		p, err := tree.ProveConsistency(size, 20, stored)
		if err != nil || p.Check(before, now) != nil {
			t.Fatalf("from %d: %v, %v", size, err, p.Check(before, now))
		}
		if before.Hash, err = tlog.TreeHash(size, other); err != nil {
			t.Fatal(err)
		}
		wantConflict(t, p.Check(before, now), fmt.Sprintf("the ledger of size 20 is not proven to go on from that of size %d", size))
	}
	for _, from := range []int64{0, -1, 21} {
		_, err := tree.ProveConsistency(from, 20, stored)
		if slipway.KindOf(err) != slipway.Invalid || err.Error() != fmt.Sprintf("there is no way from a tree of size %d to one of size 20", from) {
			t.Errorf("from %d: %v", from, err)
		}
	}
	wantConflict(t, tree.Consistency{From: 20, To: 20}.Check(now, tree.Head{Size: 19}), "is not proven to go on")
}

func wantConflict(t *testing.T, err error, text string) {
	t.Helper()
	if slipway.KindOf(err) != slipway.Conflict || !strings.Contains(err.Error(), text) {
		t.Errorf("got %v, want %s", err, text)
	}
}

func signer(t testing.TB) *tree.Signer {
	t.Helper()
	s, err := tree.OpenSigner(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestHeads(t *testing.T) {
	s := signer(t)
	want := tree.Head{Size: 7, Hash: tlog.RecordHash([]byte("x"))}
	signed, err := s.Sign(want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := tree.OpenHead(signed, s.Public); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	for name, c := range map[string]struct{ signed, public, want string }{
		"another size":  {strings.Replace(signed, "\n7\n", "\n8\n", 1), s.Public, "the head is not signed by slipway+"},
		"another key":   {signed, signer(t).Public, "the head is not signed by slipway+"},
		"no signature":  {want.Hash.String(), s.Public, "the head is not signed by slipway+"},
		"no public key": {signed, "ledger", "that is not a ledger's public key: malformed verifier id"},
	} {
		_, err := tree.OpenHead(c.signed, c.public)
		if slipway.KindOf(err) != slipway.Invalid || !strings.HasPrefix(err.Error(), c.want) || slipway.FixOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSignerIsMadeOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	var wg sync.WaitGroup
	public := make([]string, 8)
	for i := range public {
		wg.Go(func() {
			s, err := tree.OpenSigner(dir)
			if err != nil {
				t.Error(err)
				return
			}
			public[i] = s.Public
		})
	}
	wg.Wait()
	for _, p := range public {
		if p == "" || p != public[0] {
			t.Fatalf("keys %q", public)
		}
	}
	info, err := os.Stat(filepath.Join(dir, tree.KeyFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if data, err := os.ReadFile(filepath.Join(dir, tree.PublicFile)); err != nil || string(data) != public[0]+"\n" {
		t.Errorf("public %q, %v", data, err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 2 {
		t.Errorf("left behind: %v, %v", files, err)
	}
	if err := os.WriteFile(filepath.Join(dir, tree.KeyFile), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = tree.OpenSigner(dir)
	if slipway.KindOf(err) != slipway.Unavailable || !strings.HasSuffix(err.Error(), "ledger.key holds no key: malformed verifier id") || slipway.FixOf(err) != "restore it from a backup" {
		t.Errorf("got %v", err)
	}
}

// Who makes the key may be killed before the public one is written, or in the middle of
// it, and before the private one has but its one name. The next one puts that right.
func TestSignerMadeByAKilledProcess(t *testing.T) {
	dir := t.TempDir()
	made, err := tree.OpenSigner(dir)
	if err != nil {
		t.Fatal(err)
	}
	public := filepath.Join(dir, tree.PublicFile)
	for name, kill := range map[string]func() error{
		"before":           func() error { return os.Remove(public) },
		"in the middle":    func() error { return os.WriteFile(public, []byte(made.Public[:7]), 0o600) },
		"with two names":   func() error { return os.Link(filepath.Join(dir, tree.KeyFile), filepath.Join(dir, ".ledger-1")) },
		"with half a file": func() error { return os.WriteFile(filepath.Join(dir, ".ledger-2"), []byte("PRIV"), 0o600) },
	} {
		if err := kill(); err != nil {
			t.Fatal(err)
		}
		s, err := tree.OpenSigner(dir)
		if err != nil || s.Public != made.Public {
			t.Fatalf("%s: the key is another: %v", name, err)
		}
		if data, err := os.ReadFile(public); err != nil || string(data) != made.Public+"\n" {
			t.Errorf("%s: public %q, %v", name, data, err)
		}
		if files, err := os.ReadDir(dir); err != nil || len(files) != 2 {
			t.Errorf("%s: left behind: %v, %v", name, files, err)
		}
	}
}

func FuzzOpenHead(f *testing.F) {
	s := signer(f)
	signed, err := s.Sign(tree.Head{Size: 7, Hash: tlog.RecordHash([]byte("x"))})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	f.Add("slipway.dev/ledger\n-1\nAA==\n")
	f.Fuzz(func(t *testing.T, text string) {
		if h, err := tree.OpenHead(text, s.Public); err == nil && h.Size != 7 {
			t.Errorf("%q is a head of %d", text, h.Size)
		}
	})
}

// A slow keeper has entries that wait, and fails when it is told to.
type slow struct {
	mu      sync.Mutex
	waiting int
	fault   error
	called  chan int
}

func (k *slow) Sequence(_ context.Context, limit int, _ tree.Head, sign func(tree.Head) (string, error)) (tree.Head, int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := min(limit, k.waiting)
	if k.called != nil {
		defer func() { k.called <- n }()
	}
	if k.fault != nil {
		return tree.Head{}, 0, k.fault
	}
	k.waiting -= n
	_, err := sign(tree.Head{Size: int64(n)})
	return tree.Head{}, n, err
}

func TestSequencerAll(t *testing.T) {
	k := &slow{waiting: 2500}
	n, err := tree.Sequencer{Keeper: k, Signer: signer(t)}.All(t.Context())
	if n != 2500 || err != nil || k.waiting != 0 {
		t.Errorf("%d, %v; %d wait", n, err, k.waiting)
	}
}

func TestSequencerRun(t *testing.T) {
	k := &slow{waiting: 1, called: make(chan int)}
	ring := make(chan struct{})
	told := make(chan error, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tree.Sequencer{Keeper: k, Signer: signer(t)}.Run(t.Context(), ring, func(err error) { told <- err })
	}()
	if n := <-k.called; n != 1 {
		t.Errorf("at first %d", n)
	}
	fault := errors.New("the disk is full")
	k.mu.Lock()
	k.waiting, k.fault = 3, fault
	k.mu.Unlock()
	ring <- struct{}{}
	<-k.called
	if err := <-told; !errors.Is(err, fault) {
		t.Errorf("told %v", err)
	}
	k.mu.Lock()
	k.fault = nil
	k.mu.Unlock()
	ring <- struct{}{}
	if n := <-k.called; n != 3 {
		t.Errorf("after the fault %d", n)
	}
	close(ring)
	<-done
}
