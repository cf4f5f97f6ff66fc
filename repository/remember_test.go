package repository_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/repository/folder"
	"github.com/slipway-cd/slipway/repository/repositorytest"
)

func TestRememberingRepositoryIsARepository(t *testing.T) {
	repositorytest.Run(t, func(t *testing.T) repositorytest.Repo {
		dir := t.TempDir()
		open := func(t *testing.T) repository.Repository {
			r, err := folder.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			return repository.Remember(r, time.Now)
		}
		return repositorytest.Repo{Repository: open(t), Reopen: open}
	})
}

// TestWhatWasPutIsNotFetched reads what was put, and what was put long ago.
func TestWhatWasPutIsNotFetched(t *testing.T) {
	inner, err := folder.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	now, asked := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), []string(nil)
	r := repository.Remember(&repositorytest.Faulty{Repository: inner, Before: func(method, _ string) error {
		asked = append(asked, method)
		return nil
	}}, func() time.Time { return now })
	if _, err := r.Put(t.Context(), "a/b", strings.NewReader("bytes")); err != nil {
		t.Fatal(err)
	}
	look := func(want ...string) {
		t.Helper()
		asked = nil
		data, _, err := r.Read(t.Context(), "a/b")
		if err != nil || string(data) != "bytes" {
			t.Errorf("Read gives %q, %v", data, err)
		}
		o, err := r.Stat(t.Context(), "a/b")
		if err != nil || o.Digest != slipway.DigestOf([]byte("bytes")) || o.Size != 5 || o.Modified.IsZero() {
			t.Errorf("Stat gives %+v, %v", o, err)
		}
		body, err := r.Open(t.Context(), "a/b")
		if err != nil {
			t.Fatal(err)
		}
		defer body.Close()
		if data, err := io.ReadAll(body); err != nil || string(data) != "bytes" {
			t.Errorf("Open gives %q, %v", data, err)
		}
		if diff := cmp.Diff(want, asked); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
	}
	look()
	now = now.Add(61 * time.Second)
	look("Read", "Stat", "Open")
	if _, err := r.Put(t.Context(), "a/b", strings.NewReader("others")); slipway.KindOf(err) != slipway.Conflict {
		t.Errorf("other bytes: %v", err)
	}
	look("Read", "Stat", "Open")
}
