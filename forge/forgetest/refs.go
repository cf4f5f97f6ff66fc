package forgetest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
)

func refTests() []test {
	return []test{
		{"the repository is listed", repositories},
		{"branches and tags are those of the repository", refs},
		{"what has not changed is not read again", refsUnchanged},
		{"a push, a new branch, a tag and a dropped branch are seen", refsChanged},
		{"a mark of nobody's is as none", refsStrangeMark},
		{"a repository that is not there is not found", refsMissing},
		{"a name that cannot be one is refused", refsInvalid},
		{"a remote has its secret apart", remote},
	}
}

func repositories(t *testing.T, s Setup) {
	list, err := s.open(t).Repositories(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		if r.Name == s.Repository {
			if r.DefaultBranch != "main" || r.URL == "" {
				t.Errorf("it is listed as %+v", r)
			}
			return
		}
	}
	t.Errorf("%s is not in %+v", s.Repository, list)
}

func refs(t *testing.T, s Setup) {
	first := s.World.Push(t, "main", map[string]string{"a.txt": "one\n"})
	second := s.World.Push(t, "feature/x", map[string]string{"a.txt": "two\n"})
	s.World.Tag(t, "v1.0.0", first, true)
	s.World.Tag(t, "v1.0.0-light", first, false)
	s.World.Tag(t, "v2/rc+1", second, true)
	got, err := s.open(t).Refs(t.Context(), s.Repository, "")
	if err != nil {
		t.Fatal(err)
	}
	want := forge.Refs{
		Mark: got.Mark, Branches: map[string]string{"main": first, "feature/x": second},
		Tags: map[string]string{"v1.0.0": first, "v1.0.0-light": first, "v2/rc+1": second},
	}
	if diff := cmp.Diff(want, got); diff != "" || got.Mark == "" {
		t.Errorf("Refs with mark %q (-want +got):\n%s", got.Mark, diff)
	}
}

// reread reads refs that are to be other than those of a mark.
func reread(t *testing.T, f forge.Forge, s Setup, mark string) forge.Refs {
	t.Helper()
	got, err := f.Refs(t.Context(), s.Repository, mark)
	if err != nil {
		t.Fatal(err)
	}
	if got.Unchanged || got.Mark == mark {
		t.Fatalf("Refs is %+v after a change, with the mark %q", got, mark)
	}
	return got
}

func refsUnchanged(t *testing.T, s Setup) {
	f := s.open(t)
	got := reread(t, f, s, "")
	for range 2 {
		again, err := f.Refs(t.Context(), s.Repository, got.Mark)
		if diff := cmp.Diff(forge.Refs{Mark: got.Mark, Unchanged: true}, again); diff != "" || err != nil {
			t.Errorf("Refs again, %v (-want +got):\n%s", err, diff)
		}
	}
	// Another process has nothing but the mark.
	again, err := s.open(t).Refs(t.Context(), s.Repository, got.Mark)
	if err != nil || !again.Unchanged {
		t.Errorf("another process sees %+v, %v", again, err)
	}
}

func refsChanged(t *testing.T, s Setup) {
	f := s.open(t)
	got := reread(t, f, s, "")
	commit := s.World.Push(t, "main", map[string]string{"a.txt": "changed\n"})
	if got = reread(t, f, s, got.Mark); got.Branches["main"] != commit {
		t.Errorf("after a push main is %q, want %q", got.Branches["main"], commit)
	}
	commit = s.World.Push(t, "new", map[string]string{"b.txt": "b\n"})
	if got = reread(t, f, s, got.Mark); got.Branches["new"] != commit || got.Branches["main"] == "" {
		t.Errorf("with a new branch they are %v", got.Branches)
	}
	s.World.Tag(t, "v3", commit, true)
	if got = reread(t, f, s, got.Mark); got.Tags["v3"] != commit || got.Branches["new"] != commit {
		t.Errorf("with a tag they are %+v", got)
	}
	s.World.Drop(t, "new")
	if got = reread(t, f, s, got.Mark); got.Branches["new"] != "" || got.Tags["v3"] != commit {
		t.Errorf("without the branch they are %+v", got)
	}
}

func refsStrangeMark(t *testing.T, s Setup) {
	got, err := s.open(t).Refs(t.Context(), s.Repository, "a mark of an older version")
	if err != nil || got.Unchanged || got.Branches["main"] == "" {
		t.Errorf("Refs is %+v, %v", got, err)
	}
}

func refsMissing(t *testing.T, s Setup) {
	f := s.open(t)
	_, err := f.Refs(t.Context(), s.Missing, "")
	wantKind(t, "Refs", err, slipway.NotFound, s.Missing)
}

func refsInvalid(t *testing.T, s Setup) {
	f := s.open(t)
	for _, name := range []string{"", "../../user", "acme/traffic/../../user", "acme/traffic?x=1", "-x/--upload-pack=x"} {
		if got, err := f.Refs(t.Context(), name, ""); err == nil {
			t.Errorf("Refs of %q is %+v", name, got)
		}
		if got, err := f.Remote(t.Context(), name); err == nil {
			t.Errorf("Remote of %q is %+v", name, got)
		}
	}
}

func remote(t *testing.T, s Setup) {
	got, err := s.open(t).Remote(t.Context(), s.Repository)
	if err != nil || got.URL == "" {
		t.Fatalf("Remote is %+v, %v", got, err)
	}
	if at := cmp.Diff("", userOf(got.URL)); at != "" {
		t.Errorf("the URL %s has credentials in it", got.URL)
	}
}
