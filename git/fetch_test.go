package git_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/git"
)

func TestFetchFile(t *testing.T) {
	dir := repo(t, map[string]string{"platform.yaml": "one\n", "a/b.yaml": "below\n"})
	first := run(t, dir, "rev-parse", "HEAD")
	run(t, dir, "tag", "-a", "v1", "-m", "annotated")
	write(t, dir, map[string]string{"platform.yaml": "two\n"})
	second := commit(t, dir)
	run(t, dir, "branch", "feature/x")
	cache, url := filepath.Join(t.TempDir(), "cache"), "file://"+dir
	for _, tt := range []struct{ ref, path, commit, want string }{
		{"", "platform.yaml", second, "two\n"},
		{"main", "platform.yaml", second, "two\n"},
		{"feature/x", "./platform.yaml", second, "two\n"},
		{"v1", "platform.yaml", first, "one\n"},
		{first, "a/b.yaml", first, "below\n"},
	} {
		got, err := git.FetchFile(t.Context(), cache, environ(t), git.Location{URL: url, Ref: tt.ref, Path: tt.path})
		if err != nil || got.Commit != tt.commit || string(got.Data) != tt.want {
			t.Errorf("%q: %s %q, %v", tt.ref, got.Commit, got.Data, err)
		}
	}
	// A branch that moves is seen; a commit in the cache needs no remote.
	write(t, dir, map[string]string{"platform.yaml": "three\n"})
	commit(t, dir)
	got, err := git.FetchFile(t.Context(), cache, environ(t), git.Location{URL: url, Ref: "main", Path: "platform.yaml"})
	if err != nil || string(got.Data) != "three\n" {
		t.Errorf("moved branch: %q, %v", got.Data, err)
	}
	if err := os.Rename(dir, dir+"-gone"); err != nil {
		t.Fatal(err)
	}
	got, err = git.FetchFile(t.Context(), cache, environ(t), git.Location{URL: url, Ref: first, Path: "a/b.yaml"})
	if err != nil || string(got.Data) != "below\n" {
		t.Errorf("from the cache: %q, %v", got.Data, err)
	}
	for _, name := range list(t, cache) {
		if strings.HasPrefix(name, ".") {
			t.Errorf("left behind: %s", name)
		}
	}
}

func TestFetchFileErrors(t *testing.T) {
	dir := repo(t, map[string]string{"platform.yaml": "one\n", "a/b.yaml": ""})
	commit := run(t, dir, "rev-parse", "HEAD")
	url, gone := "file://"+dir, "file://"+filepath.Join(t.TempDir(), "gone")
	const urlFix = "use an https://, ssh:// or file:// URL, or user@host:path"
	const refFix = "name one such as main, v1.2.0 or a full commit"
	tests := map[string]struct {
		at           git.Location
		kind         slipway.Kind
		message, fix string
	}{
		"a program":      {git.Location{URL: "ext::sh -c id", Path: "x"}, slipway.Invalid, `"ext::sh -c id" cannot be fetched from`, urlFix},
		"another helper": {git.Location{URL: "ext::id", Path: "x"}, slipway.Invalid, `"ext::id" cannot be fetched from`, urlFix},
		"an option":      {git.Location{URL: "--upload-pack=id", Path: "x"}, slipway.Invalid, `"--upload-pack=id" cannot be fetched from`, urlFix},
		"option as host": {git.Location{URL: "ssh://-oProxyCommand=id/x", Path: "x"}, slipway.Invalid, `"ssh://-oProxyCommand=id/x" cannot be fetched from`, urlFix},
		"option as path": {git.Location{URL: "git@host:-x", Path: "x"}, slipway.Invalid, `"git@host:-x" cannot be fetched from`, urlFix},
		"plain http":     {git.Location{URL: "http://u:p@example.com/x", Path: "x"}, slipway.Invalid, `"http://example.com/x" cannot be fetched from`, urlFix},
		"ref option":     {git.Location{URL: url, Ref: "-x", Path: "x"}, slipway.Invalid, `"-x" cannot be a branch, tag or commit`, refFix},
		"ref range":      {git.Location{URL: url, Ref: "a..b", Path: "x"}, slipway.Invalid, `"a..b" cannot be a branch, tag or commit`, refFix},
		"ref pattern":    {git.Location{URL: url, Ref: "ma*", Path: "x"}, slipway.Invalid, `"ma*" cannot be a branch, tag or commit`, refFix},
		"path":           {git.Location{URL: url, Path: "../x"}, slipway.Invalid, `"../x" is not a path in a repository`, ""},
		"no such ref":    {git.Location{URL: url, Ref: "nope", Path: "x"}, slipway.NotFound, url + " has no branch or tag nope", ""},
		"no such file":   {git.Location{URL: url, Path: "x"}, slipway.NotFound, "there is no file x in " + url + " at commit " + commit[:12], ""},
		"a folder":       {git.Location{URL: url, Path: "a"}, slipway.NotFound, "there is no file a in " + url + " at commit " + commit[:12], ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := git.FetchFile(t.Context(), t.TempDir(), environ(t), tt.at)
			check(t, err, tt.kind, tt.message, tt.fix)
		})
	}
	_, err := git.FetchFile(t.Context(), t.TempDir(), environ(t), git.Location{URL: gone, Path: "x"})
	if slipway.KindOf(err) != slipway.Unavailable || !strings.HasPrefix(err.Error(), "cannot fetch "+gone+":x: git ls-remote: ") ||
		slipway.FixOf(err) != "check the URL and that this machine may read it: git ls-remote "+gone {
		t.Errorf("unreachable: %s: %v (%s)", slipway.KindOf(err), err, slipway.FixOf(err))
	}
}
