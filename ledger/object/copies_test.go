package object_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/object"
	"github.com/slipway-cd/slipway/repository/repositorytest"
)

// calls counts the calls to a repository.
type calls struct {
	repositorytest.Faulty
	mu    sync.Mutex
	count map[string]int
}

func counted(t *testing.T, dir string) *calls {
	t.Helper()
	c := &calls{count: map[string]int{}}
	c.Repository = openFolder(t, dir)
	c.Before = func(method, _ string) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.count[method]++
		return nil
	}
	return c
}

// blockFile is the first block of 64.
func blockFile(dir string) string {
	return filepath.Join(dir, "traffic-etl", "staging", "ledger", "0000000001-0000000064.jsonl")
}

func readAll(t *testing.T, l *object.Ledger, want int) []ledger.Entry {
	t.Helper()
	entries, err := l.Entries(t.Context(), staging, 0)
	if err != nil || len(entries) != want {
		t.Fatalf("%d entries, %v; want %d", len(entries), err, want)
	}
	return entries
}

// TestLongChainIsReadInFewPieces counts what reading 200 entries takes: three blocks,
// and the rest one by one, or from the lease where somebody has deployed.
func TestLongChainIsReadInFewPieces(t *testing.T) {
	dir := t.TempDir()
	fill(t, object.New(openFolder(t, dir), at), 200)
	repo := counted(t, dir)
	l := object.New(repo, at)
	entries := readAll(t, l, 200)
	if diff := cmp.Diff(map[string]int{"List": 1, "Read": 1, "Open": 3 + 8}, repo.count); diff != "" {
		t.Errorf("without a lease (-want +got):\n%s", diff)
	}
	lease, err := l.Acquire(t.Context(), staging, ledger.Holder{ID: "ann", Who: "ann"}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	e, err := l.Append(t.Context(), draft(200, "last"))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Release(t.Context(), lease); err != nil {
		t.Fatal(err)
	}
	repo = counted(t, dir)
	if diff := cmp.Diff(append(entries, e), readAll(t, object.New(repo, at), 201)); diff != "" {
		t.Errorf("the same entries (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"List": 1, "Read": 1, "Open": 3}, repo.count); diff != "" {
		t.Errorf("with a lease (-want +got):\n%s", diff)
	}
}

// TestDeployingAsksLittle counts what a deployment asks of the repository.
func TestDeployingAsksLittle(t *testing.T) {
	dir := t.TempDir()
	deploy := func(l *object.Ledger, n int64) {
		t.Helper()
		readAll(t, l, int(n))
		lease, err := l.Acquire(t.Context(), staging, ledger.Holder{ID: "ann", Who: "ann"}, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		for i := range int64(2) {
			if _, err := l.Recall(t.Context(), staging); err != nil {
				t.Fatal(err)
			}
			if _, err := l.Append(t.Context(), draft(n+i, strconv.FormatInt(n+i, 10))); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Release(t.Context(), lease); err != nil {
			t.Fatal(err)
		}
	}
	deploy(object.New(openFolder(t, dir), at), 0)
	repo := counted(t, dir)
	deploy(object.New(repo, at), 2)
	if diff := cmp.Diff(map[string]int{"List": 1, "Read": 1, "Put": 2, "Swap": 2}, repo.count); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestCopiesAreOnlyAnAid spoils them, and reads all the same; what is wrong with the
// entries themselves is told as ever.
func TestCopiesAreOnlyAnAid(t *testing.T) {
	forged := func(t *testing.T, dir string) {
		var data bytes.Buffer
		var last ledger.Entry
		for i := range int64(64) {
			d := draft(i, fmt.Sprintf("id-%d", i))
			d.By = "eve@laptop"
			e, err := ledger.Seal(last, d)
			if err != nil {
				t.Fatal(err)
			}
			line, err := ledger.Encode(e)
			if err != nil {
				t.Fatal(err)
			}
			data.Write(append(line, '\n'))
			last = e
		}
		if err := os.WriteFile(blockFile(dir), data.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, spoil := range map[string]func(t *testing.T, dir string){
		"missing": func(t *testing.T, dir string) {
			if err := os.Remove(blockFile(dir)); err != nil {
				t.Fatal(err)
			}
		},
		"cut off": func(t *testing.T, dir string) {
			if err := os.Truncate(blockFile(dir), 1000); err != nil {
				t.Fatal(err)
			}
		},
		"empty": func(t *testing.T, dir string) {
			if err := os.Truncate(blockFile(dir), 0); err != nil {
				t.Fatal(err)
			}
		},
		"another chain": forged,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			fill(t, object.New(openFolder(t, dir), at), 70)
			if err := os.Chmod(blockFile(dir), 0o600); err != nil {
				t.Fatal(err)
			}
			spoil(t, dir)
			for _, e := range readAll(t, object.New(openFolder(t, dir), at), 70) {
				if e.By != "ann@laptop" {
					t.Fatalf("entry %d is by %s", e.Number, e.By)
				}
			}
		})
	}
	for name, spoil := range map[string]func(t *testing.T, dir string){
		"gone": func(t *testing.T, dir string) { remove(t, dir, repositorytest.EntryKey(staging, 7)) },
		"of another length": func(t *testing.T, dir string) {
			remove(t, dir, repositorytest.EntryKey(staging, 7))
			if _, err := openFolder(t, dir).Put(t.Context(), repositorytest.EntryKey(staging, 7), strings.NewReader("{}")); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run("an entry "+name, func(t *testing.T) {
			dir := t.TempDir()
			fill(t, object.New(openFolder(t, dir), at), 70)
			spoil(t, dir)
			_, err := object.New(openFolder(t, dir), at).Entries(t.Context(), staging, 0)
			if slipway.KindOf(err) != slipway.Conflict || !strings.Contains(err.Error(), "is broken at entry 7") {
				t.Errorf("it is %v", err)
			}
		})
	}
}

// TestBlockThatCouldNotBeWrittenComesLater loses the write of a block, and appends on.
func TestBlockThatCouldNotBeWrittenComesLater(t *testing.T) {
	dir := t.TempDir()
	lost := slipway.Errorf(slipway.Unavailable, "connection reset")
	repo := &repositorytest.Faulty{Repository: openFolder(t, dir), Before: func(method, key string) error {
		if method == "Put" && strings.HasSuffix(key, ".jsonl") {
			return lost
		}
		return nil
	}}
	fill(t, object.New(repo, at), 66)
	if _, err := os.Stat(blockFile(dir)); !os.IsNotExist(err) {
		t.Fatalf("there is a block: %v", err)
	}
	if _, err := object.New(openFolder(t, dir), at).Append(t.Context(), draft(66, "next")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(blockFile(dir)); err != nil {
		t.Error(err)
	}
	readAll(t, object.New(openFolder(t, dir), at), 67)
}

// TestWhatWasSeenOfALeaseMayBeOld takes a lease that another had meanwhile.
func TestWhatWasSeenOfALeaseMayBeOld(t *testing.T) {
	dir := t.TempDir()
	ann, bob := object.New(openFolder(t, dir), time.Now), object.New(openFolder(t, dir), time.Now)
	readAll(t, ann, 0)
	lease, err := bob.Acquire(t.Context(), staging, ledger.Holder{ID: "bob", Who: "bob"}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ann.Acquire(t.Context(), staging, ledger.Holder{ID: "ann", Who: "ann"}, time.Minute); slipway.KindOf(err) != slipway.Busy {
		t.Fatalf("a lease that bob has: %v", err)
	}
	if err := bob.Release(t.Context(), lease); err != nil {
		t.Fatal(err)
	}
	if _, err := ann.Acquire(t.Context(), staging, ledger.Holder{ID: "ann", Who: "ann"}, time.Minute); err != nil {
		t.Fatal(err)
	}
}
