package repositorytest

import (
	"strings"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/repository"
)

// Call does one thing with a repository, by the name of its method, to the object
// a/k where it takes one. Version is what a swap is to replace.
func Call(t *testing.T, r repository.Repository, method, version string) (err error) {
	t.Helper()
	switch method {
	case "Put":
		_, err = r.Put(t.Context(), "a/k", strings.NewReader("x"))
	case "Swap":
		_, err = r.Swap(t.Context(), "a/k", version, []byte("x"))
	case "Read":
		_, _, err = r.Read(t.Context(), "a/k")
	case "Open":
		_, err = r.Open(t.Context(), "a/k")
	case "Stat":
		_, err = r.Stat(t.Context(), "a/k")
	case "List":
		for _, err = range r.List(t.Context(), "", "") {
			break
		}
	default:
		t.Fatalf("a repository has no method %s", method)
	}
	return err
}

// WantUnavailable fails the test unless err says that a store cannot be used: its text
// begins with want, and so does the way out with fix.
func WantUnavailable(t *testing.T, err error, want, fix string) {
	t.Helper()
	WantError(t, err, slipway.Unavailable, want, fix)
}

// WantError fails the test unless err is of the kind, its text begins with want, and
// the way out with fix.
func WantError(t *testing.T, err error, kind slipway.Kind, want, fix string) {
	t.Helper()
	if err == nil || slipway.KindOf(err) != kind || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got an error of kind %s: %v\nwant kind %s: %s", slipway.KindOf(err), err, kind, want)
	}
	if !strings.HasPrefix(slipway.FixOf(err), fix) {
		t.Errorf("got the fix %q, want %q", slipway.FixOf(err), fix)
	}
}

// Apart fails the test where repositories that share a store see what is in each other.
func Apart(t *testing.T, all ...repository.Repository) {
	t.Helper()
	for _, r := range all {
		if _, err := r.Put(t.Context(), "x", strings.NewReader(r.URL())); err != nil {
			t.Fatal(err)
		}
		for o, err := range r.List(t.Context(), "", "") {
			if err != nil || o.Key != "x" {
				t.Errorf("%s lists %q, %v", r.URL(), o.Key, err)
			}
		}
	}
}

// Foreign looks at the object a/b that somebody else wrote, with the text "theirs":
// it is described, and not replaced.
func Foreign(t *testing.T, r repository.Repository) {
	t.Helper()
	o, err := r.Stat(t.Context(), "a/b")
	if err != nil || o.Digest != slipway.DigestOf([]byte("theirs")) {
		t.Errorf("Stat gives %+v, %v", o, err)
	}
	if _, err = r.Put(t.Context(), "a/b", strings.NewReader("ours")); slipway.KindOf(err) != slipway.Conflict {
		t.Errorf("Put gives %v, want a conflict", err)
	}
}
