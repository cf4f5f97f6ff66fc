package repositorytest

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/repository"
)

func copySame(t *testing.T, r Repo) {
	source := page{data: "same bytes"}
	want := slipway.DigestOf([]byte("same bytes"))
	for range 2 {
		got, err := repository.Copy(t.Context(), source, r, "app/1/x.py", want)
		if err != nil {
			t.Fatal(err)
		}
		if got.Digest != want || got.Size != 10 || got.Key != "app/1/x.py" {
			t.Errorf("Copy gives %+v", got)
		}
	}
	if got := read(t, r, "app/1/x.py"); string(got) != "same bytes" {
		t.Errorf("the copy is %q", got)
	}
}

func copyOther(t *testing.T, r Repo) {
	source := page{data: "changed behind our back"}
	_, err := repository.Copy(t.Context(), source, r, "app/1/x.py", slipway.DigestOf([]byte("released")))
	wantKind(t, "Copy", err, slipway.Conflict)
	if err != nil && !strings.Contains(err.Error(), "the source page://source/app/1/x.py has other bytes than were released: sha256:") {
		t.Errorf("error is %q, want it to say that the source is to blame", err)
	}
	if got := list(t, r, "", ""); len(got) != 0 {
		t.Errorf("the target holds %q", got)
	}
}

// A page is a repository of which one object can be opened and nothing else.
type page struct {
	repository.Repository
	data string
}

func (page) URL() string { return "page://source" }

func (p page) Open(context.Context, string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(p.data)), nil
}
