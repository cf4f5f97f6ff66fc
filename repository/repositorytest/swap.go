package repositorytest

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/repository"
)

func swap(t *testing.T, r Repo) {
	version := ""
	for _, data := range []string{"one", "two", "", "three"} {
		next, err := r.Swap(t.Context(), "a/lease.json", version, []byte(data))
		if err != nil {
			t.Fatalf("Swap to %q: %v", data, err)
		}
		got, read, err := r.Read(t.Context(), "a/lease.json")
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != data || read != next {
			t.Errorf("Read gives %q at %q, want %q at %q", got, read, data, next)
		}
		if next == "" || next == version {
			t.Errorf("the version went from %q to %q", version, next)
		}
		version = next
	}
}

func swapMoved(t *testing.T, r Repo) {
	_, err := r.Swap(t.Context(), "a/b", "some version", []byte("x"))
	wantKind(t, "Swap of what is not there", err, slipway.Conflict)
	first, err := r.Swap(t.Context(), "a/b", "", []byte("one"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Swap(t.Context(), "a/b", "", []byte("x"))
	wantKind(t, "Swap as if nothing were there", err, slipway.Conflict)
	if _, err = r.Swap(t.Context(), "a/b", first, []byte("two")); err != nil {
		t.Fatal(err)
	}
	_, err = r.Swap(t.Context(), "a/b", first, []byte("x"))
	wantKind(t, "Swap with an old version", err, slipway.Conflict)
	if got := read(t, r, "a/b"); string(got) != "two" {
		t.Errorf("the object has become %q", got)
	}
}

// swapAtOnce counts up from many writers: every success is one more, so none
// may be lost.
func swapAtOnce(t *testing.T, r Repo) {
	const writers, each = 6, 5
	handles := []repository.Repository{r, r.Reopen(t)}
	for i, err := range atOnce(writers, func(i int) error {
		for done := 0; done < each; {
			ok, err := countUp(t, handles[i%2])
			if err != nil {
				return err
			}
			if ok {
				done++
			}
		}
		return nil
	}) {
		if err != nil {
			t.Errorf("writer %d: %v", i, err)
		}
	}
	if got, want := string(read(t, r, "count")), strconv.Itoa(writers*each); got != want {
		t.Errorf("counted to %s, want %s", got, want)
	}
}

func countUp(t *testing.T, r repository.Repository) (bool, error) {
	data, version, err := r.Read(t.Context(), "count")
	if err != nil && slipway.KindOf(err) != slipway.NotFound {
		return false, fmt.Errorf("read: %w", err)
	}
	n := 0
	if version != "" {
		if n, err = strconv.Atoi(string(data)); err != nil {
			return false, fmt.Errorf("half an object is visible: %w", err)
		}
	}
	_, err = r.Swap(t.Context(), "count", version, strconv.AppendInt(nil, int64(n+1), 10))
	if slipway.KindOf(err) == slipway.Conflict {
		return false, nil
	}
	return err == nil, err
}
