// Package repositorytest holds artifact repositories to their contract. A new
// kind of repository passes Run; what uses repositories is tested with a Faulty
// one around any of them.
package repositorytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/repository"
)

// A Repo is one empty repository and the way to open it once more, as another
// process would.
type Repo struct {
	repository.Repository
	Reopen func(t *testing.T) repository.Repository
}

// Run holds the repositories that open makes, each of them empty, to the
// contract.
func Run(t *testing.T, open func(t *testing.T) Repo) {
	tests := []struct {
		name string
		test func(t *testing.T, r Repo)
	}{
		{"what was put is there, described, listed and readable", put},
		{"what is not there is not found", absent},
		{"the same bytes may be put again", putTwice},
		{"other bytes are refused and nothing changes", putOther},
		{"a reader that fails leaves nothing behind", putFailing},
		{"of many writers at once one wins", putAtOnce},
		{"many writers of the same bytes all succeed", putSameAtOnce},
		{"an empty object is an object", putEmpty},
		{"a big object passes whole", putBig},
		{"keys are checked", keys},
		{"a list is in the order of the keys' bytes", listOrder},
		{"a list begins with a prefix and behind a key", listFrom},
		{"a long list is whole", listLong},
		{"a list may be left early", listLeft},
		{"swap replaces what has not moved", swap},
		{"swap refuses what has moved", swapMoved},
		{"of many swappers at once one wins each time", swapAtOnce},
		{"a context that ended is obeyed", ended},
		{"another process sees all of it", reopen},
		{"copy brings the same bytes", copySame},
		{"copy refuses a source with other bytes", copyOther},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, open(t)) })
	}
}

func put(t *testing.T, r Repo) {
	data := []byte("print('hello')\n")
	got, err := r.Put(t.Context(), "traffic/1a2b3c4d/traffic_0123.py", bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	want := repository.Object{Key: "traffic/1a2b3c4d/traffic_0123.py", Size: int64(len(data)), Digest: slipway.DigestOf(data)}
	if diff := cmp.Diff(want, got, putTime()); diff != "" {
		t.Errorf("Put (-want +got):\n%s", diff)
	}
	stat, err := r.Stat(t.Context(), want.Key)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, stat, putTime()); diff != "" || stat.Modified.IsZero() {
		t.Errorf("Stat says %s (-Put +Stat):\n%s", stat.Modified, diff)
	}
	if got := read(t, r, want.Key); !bytes.Equal(got, data) {
		t.Errorf("Open gives %q, want %q", got, data)
	}
	if diff := cmp.Diff([]string{want.Key}, list(t, r, "", "")); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
	if !strings.Contains(r.URL(), "://") || strings.HasSuffix(r.URL(), "/") {
		t.Errorf("URL is %q, want scheme://... without a slash at its end", r.URL())
	}
}

func absent(t *testing.T, r Repo) {
	_, err := r.Open(t.Context(), "a/b")
	wantKind(t, "Open", err, slipway.NotFound)
	_, err = r.Stat(t.Context(), "a/b")
	wantKind(t, "Stat", err, slipway.NotFound)
	_, _, err = r.Read(t.Context(), "a/b")
	wantKind(t, "Read", err, slipway.NotFound)
	if got := list(t, r, "", ""); len(got) != 0 {
		t.Errorf("List gives %q, want nothing", got)
	}
	mustPut(t, r, "a/b/c", "x")
	_, err = r.Open(t.Context(), "a/b")
	wantKind(t, "Open of what is but a prefix", err, slipway.NotFound)
	_, err = r.Stat(t.Context(), "a/b")
	wantKind(t, "Stat of what is but a prefix", err, slipway.NotFound)
}

func putTwice(t *testing.T, r Repo) {
	mustPut(t, r, "a/b", "same")
	before, err := r.Stat(t.Context(), "a/b")
	if err != nil {
		t.Fatal(err)
	}
	got := mustPut(t, r, "a/b", "same")
	if diff := cmp.Diff(before, got, putTime()); diff != "" {
		t.Errorf("the second Put describes something else (-first +second):\n%s", diff)
	}
}

func putOther(t *testing.T, r Repo) {
	mustPut(t, r, "a/b", "first bytes")
	for _, other := range []string{"", "first", "first bytes and more", "First bytes"} {
		_, err := r.Put(t.Context(), "a/b", strings.NewReader(other))
		wantKind(t, fmt.Sprintf("Put of %q", other), err, slipway.Conflict)
		if err != nil && !strings.Contains(err.Error(), "a/b is there already with other bytes") {
			t.Errorf("error is %q, want it to name the object and say what is wrong", err)
		}
	}
	if got := read(t, r, "a/b"); string(got) != "first bytes" {
		t.Errorf("the object has become %q", got)
	}
}

func putFailing(t *testing.T, r Repo) {
	broken := errors.New("the stick was pulled out")
	data := io.MultiReader(strings.NewReader(strings.Repeat("x", 100_000)), iotest.ErrReader(broken))
	_, err := r.Put(t.Context(), "a/b", seekOnce{data})
	if !errors.Is(err, broken) {
		t.Errorf("Put gives %v, want the reader's error", err)
	}
	if got := list(t, r, "", ""); len(got) != 0 {
		t.Errorf("List gives %q after a Put that failed", got)
	}
	mustPut(t, r, "a/b", "now")
}

// A seekOnce is at its beginning already.
type seekOnce struct{ io.Reader }

func (seekOnce) Seek(int64, int) (int64, error) { return 0, nil }

func putAtOnce(t *testing.T, r Repo) {
	const writers = 12
	for round := range 5 {
		key := fmt.Sprintf("round/%d", round)
		handles := []repository.Repository{r, r.Reopen(t)}
		won := atOnce(writers, func(i int) error {
			_, err := handles[i%2].Put(t.Context(), key, strings.NewReader(fmt.Sprintf("by writer %d", i)))
			return err
		})
		winner := -1
		for i, err := range won {
			switch {
			case err == nil && winner >= 0:
				t.Errorf("writers %d and %d both won", winner, i)
			case err == nil:
				winner = i
			default:
				wantKind(t, fmt.Sprintf("writer %d", i), err, slipway.Conflict)
			}
		}
		if got, want := string(read(t, r, key)), fmt.Sprintf("by writer %d", winner); got != want {
			t.Errorf("the object is %q, want %q", got, want)
		}
	}
}

func putSameAtOnce(t *testing.T, r Repo) {
	for i, err := range atOnce(12, func(int) error {
		_, err := r.Put(t.Context(), "a/b", strings.NewReader("the same"))
		return err
	}) {
		if err != nil {
			t.Errorf("writer %d: %v", i, err)
		}
	}
}

func putEmpty(t *testing.T, r Repo) {
	got := mustPut(t, r, "a/empty", "")
	if got.Size != 0 || got.Digest != slipway.DigestOf(nil) {
		t.Errorf("Put gives %+v", got)
	}
	if got := read(t, r, "a/empty"); len(got) != 0 {
		t.Errorf("Open gives %q", got)
	}
	mustPut(t, r, "a/empty", "")
	_, err := r.Put(t.Context(), "a/empty", strings.NewReader("x"))
	wantKind(t, "Put over it", err, slipway.Conflict)
}

func putBig(t *testing.T, r Repo) {
	data := make([]byte, 17<<20+3)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(data)
	got, err := r.Put(t.Context(), "a/big", bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if got.Digest != slipway.DigestOf(data) || got.Size != int64(len(data)) {
		t.Errorf("Put gives %+v", got)
	}
	if !bytes.Equal(read(t, r, "a/big"), data) {
		t.Error("Open gives other bytes")
	}
	if _, err := r.Put(t.Context(), "a/big", bytes.NewReader(data)); err != nil {
		t.Errorf("second Put: %v", err)
	}
	data[len(data)-1]++
	_, err = r.Put(t.Context(), "a/big", bytes.NewReader(data))
	wantKind(t, "Put with the last byte changed", err, slipway.Conflict)
}

func keys(t *testing.T, r Repo) {
	for _, key := range []string{"", "/a", "a/", "a//b", "../a", "a/../b", "./a", ".tmp/a", "a b", "a\\b", "a\x00b", "é"} {
		_, err := r.Put(t.Context(), key, strings.NewReader("x"))
		wantKind(t, fmt.Sprintf("Put %q", key), err, slipway.Invalid)
		_, err = r.Open(t.Context(), key)
		wantKind(t, fmt.Sprintf("Open %q", key), err, slipway.Invalid)
		_, err = r.Stat(t.Context(), key)
		wantKind(t, fmt.Sprintf("Stat %q", key), err, slipway.Invalid)
		_, err = r.Swap(t.Context(), key, "", nil)
		wantKind(t, fmt.Sprintf("Swap %q", key), err, slipway.Invalid)
		_, _, err = r.Read(t.Context(), key)
		wantKind(t, fmt.Sprintf("Read %q", key), err, slipway.Invalid)
	}
	mustPut(t, r, "A-Z/a+b=c@d/0.9_x..y", "x")
}

func ended(t *testing.T, r Repo) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := r.Put(ctx, "a/b", strings.NewReader("x"))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Put gives %v, want context.Canceled", err)
	}
	for _, err = range r.List(ctx, "", "") {
		break
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("List gives %v, want context.Canceled", err)
	}
}

func reopen(t *testing.T, r Repo) {
	want := mustPut(t, r, "a/b", "kept")
	version, err := r.Swap(t.Context(), "a/lease", "", []byte("mine"))
	if err != nil {
		t.Fatal(err)
	}
	other := r.Reopen(t)
	got, err := other.Stat(t.Context(), "a/b")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, putTime()); diff != "" {
		t.Errorf("Stat (-want +got):\n%s", diff)
	}
	if _, err := other.Swap(t.Context(), "a/lease", version, []byte("yours")); err != nil {
		t.Errorf("Swap with the version the first handle got: %v", err)
	}
	if diff := cmp.Diff([]string{"a/b", "a/lease"}, list(t, other, "", "")); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
}

// putTime lets Put say no time.
func putTime() cmp.Option {
	return cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "Modified" },
		cmp.FilterValues(func(a, b time.Time) bool { return a.IsZero() || b.IsZero() }, cmp.Ignore()))
}

// atOnce calls f from n goroutines that start together.
func atOnce(n int, f func(i int) error) []error {
	errs := make([]error, n)
	begin := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-begin
			errs[i] = f(i)
		})
	}
	close(begin)
	wg.Wait()
	return errs
}

func mustPut(t *testing.T, r repository.Repository, key, data string) repository.Object {
	t.Helper()
	o, err := r.Put(t.Context(), key, strings.NewReader(data))
	if err != nil {
		t.Fatalf("Put %s: %v", key, err)
	}
	return o
}

func read(t *testing.T, r repository.Repository, key string) []byte {
	t.Helper()
	body, err := r.Open(t.Context(), key)
	if err != nil {
		t.Fatalf("Open %s: %v", key, err)
	}
	defer body.Close()
	data, err := io.ReadAll(body)
	if err != nil {
		t.Fatalf("read %s: %v", key, err)
	}
	return data
}

func list(t *testing.T, r repository.Repository, prefix, after string) []string {
	t.Helper()
	var keys []string
	for o, err := range r.List(t.Context(), prefix, after) {
		if err != nil {
			t.Fatalf("List %q after %q: %v", prefix, after, err)
		}
		if o.Modified.IsZero() {
			t.Errorf("List says no time for %s", o.Key)
		}
		keys = append(keys, o.Key)
	}
	return slices.Clip(keys)
}

func wantKind(t *testing.T, what string, err error, want slipway.Kind) {
	t.Helper()
	if err == nil {
		t.Errorf("%s succeeds, want an error of kind %s", what, want)
	} else if got := slipway.KindOf(err); got != want {
		t.Errorf("%s gives an error of kind %s, want %s: %v", what, got, want, err)
	}
}
