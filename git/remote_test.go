package git_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/git"
)

func TestList(t *testing.T) {
	dir := repo(t, map[string]string{"a.txt": "one\n"})
	first := run(t, dir, "rev-parse", "HEAD")
	run(t, dir, "tag", "-a", "v1", "-m", "annotated")
	run(t, dir, "tag", "light")
	write(t, dir, map[string]string{"a.txt": "two\n"})
	second := commit(t, dir)
	run(t, dir, "branch", "feature/x", first)
	run(t, dir, "update-ref", "refs/pull/1/head", first)
	got, err := git.List(t.Context(), environ(t), "file://"+dir, "Authorization: Bearer secret")
	want := git.Listed{Default: "main", Branches: map[string]string{"main": second, "feature/x": first}, Tags: map[string]string{"v1": first, "light": first}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("List, %v (-want +got):\n%s", err, diff)
	}
	empty := filepath.Join(t.TempDir(), "empty.git")
	run(t, t.TempDir(), "init", "--quiet", "--bare", empty)
	got, err = git.List(t.Context(), environ(t), "file://"+empty, "")
	if diff := cmp.Diff(git.Listed{Branches: map[string]string{}, Tags: map[string]string{}}, got); diff != "" || err != nil {
		t.Errorf("of an empty one, %v (-want +got):\n%s", err, diff)
	}
}

func TestListErrors(t *testing.T) {
	gone := "file://" + filepath.Join(t.TempDir(), "gone")
	_, err := git.List(t.Context(), environ(t), gone, "")
	if slipway.KindOf(err) != slipway.NotFound || err.Error() != "there is no git repository at "+gone || slipway.FixOf(err) != "check the URL: git ls-remote "+gone {
		t.Errorf("got %v (%s; %s)", err, slipway.KindOf(err), slipway.FixOf(err))
	}
	_, err = git.List(t.Context(), environ(t), "https://name:secret@127.0.0.1:1/x.git", "")
	if slipway.KindOf(err) != slipway.Unavailable || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v (%s)", err, slipway.KindOf(err))
	}
	_, err = git.List(t.Context(), environ(t), "--upload-pack=touch /tmp/x", "")
	if slipway.KindOf(err) != slipway.Invalid {
		t.Errorf("got %v (%s)", err, slipway.KindOf(err))
	}
}
