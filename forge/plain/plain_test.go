package plain_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
	"github.com/slipway-cd/slipway/forge/forgetest"
	"github.com/slipway-cd/slipway/forge/plain"
)

func noon() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

func TestPlain(t *testing.T) {
	forgetest.Run(t, func(t *testing.T) forgetest.Setup {
		w := newWorld(t)
		return forgetest.Setup{
			World: w, Repository: "acme/traffic", Missing: "acme/absent",
			Forge: func(t testing.TB, _ http.RoundTripper, _ bool) forge.Forge {
				t.Helper()
				return open(t, plain.Config{URL: w.folder})
			},
			Webhook: func(t testing.TB, id, secret string) (http.Header, []byte) {
				t.Helper()
				body := []byte(`{"type": "push", "repository": "acme/traffic"}`)
				return plain.Sign(id, noon(), secret, body), body
			},
		}
	})
}

func open(t testing.TB, c plain.Config) *plain.Forge {
	t.Helper()
	c.Environ, c.Clock = environ(), noon
	if c.Secret == "" {
		c.Secret = "secret"
	}
	f, err := plain.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func environ() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.DevNull, "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_CONFIG_SYSTEM=" + os.DevNull}
}

// A world is a folder with the bare repository acme/traffic.git, and a clone of it.
type world struct {
	t      testing.TB
	folder string
	bare   string
	clone  string
}

func newWorld(t testing.TB) world {
	t.Helper()
	w := world{t: t, folder: t.TempDir(), clone: t.TempDir()}
	w.bare = filepath.Join(w.folder, "acme", "traffic.git")
	w.git("init", "--quiet", "--bare", "--initial-branch=main", w.bare)
	w.git("init", "--quiet", "--initial-branch=main")
	w.git("remote", "add", "origin", w.bare)
	w.Push(t, "main", map[string]string{"README.md": "hello\n"})
	return w
}

func (w world) git(args ...string) string {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), "git", append([]string{"-c", "user.name=Bob", "-c", "user.email=bob@example.com"}, args...)...)
	cmd.Dir, cmd.Env = w.clone, environ()
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("git %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func (w world) Push(_ testing.TB, branch string, files map[string]string) string {
	w.git("checkout", "--quiet", "-B", branch)
	for path, content := range files {
		if err := os.WriteFile(filepath.Join(w.clone, path), []byte(content), 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
	w.git("add", "--all")
	w.git("commit", "--quiet", "--allow-empty", "-m", "change")
	w.git("push", "--quiet", "origin", branch)
	return w.git("rev-parse", "HEAD")
}

func (w world) Drop(_ testing.TB, branch string) { w.git("push", "--quiet", "origin", ":"+branch) }

func (w world) Tag(_ testing.TB, name, commit string, annotated bool) {
	if annotated {
		w.git("tag", "-a", "-m", name, name, commit)
	} else {
		w.git("tag", name, commit)
	}
	w.git("push", "--quiet", "origin", "refs/tags/"+name)
}

// The bare repositories in a folder are found, and nothing else.
func TestRepositoriesInAFolder(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"weather.git", "a/b/deep", "a/b/c/too-deep.git", ".hidden/x.git"} {
		w.git("init", "--quiet", "--bare", filepath.Join(w.folder, path))
	}
	w.git("init", "--quiet", filepath.Join(w.folder, "with-files"))
	list, err := open(t, plain.Config{URL: w.folder}).Repositories(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, r := range list {
		got[r.Name] = strings.TrimPrefix(r.URL, "file://"+w.folder) + " " + r.DefaultBranch
	}
	want := map[string]string{"acme/traffic": "/acme/traffic.git main", "weather": "/weather.git ", "a/b/deep": "/a/b/deep "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Repositories (-want +got):\n%s", diff)
	}
}

// One repository that cannot be reached does not hide the others.
func TestRepositoriesThatAreNamed(t *testing.T) {
	w := newWorld(t)
	f := open(t, plain.Config{URL: "file://" + w.folder, Repositories: []string{"acme/traffic.git", "acme/gone.git"}})
	list, err := f.Repositories(t.Context())
	if err != nil || len(list) != 2 || list[0].DefaultBranch != "main" || list[1].Name != "acme/gone" || list[1].DefaultBranch != "" {
		t.Errorf("Repositories is %+v, %v", list, err)
	}
	if _, err := f.Refs(t.Context(), "acme/gone", ""); slipway.KindOf(err) != slipway.NotFound {
		t.Errorf("Refs of the one that is gone: %v", err)
	}
}

func TestRemotesByURL(t *testing.T) {
	for base, want := range map[string]string{
		"https://git.example.com/":          "https://git.example.com/acme/traffic.git Authorization: Basic eC1hY2Nlc3MtdG9rZW46dG9rZW4=",
		"ssh://git@git.example.com/srv/git": "ssh://git@git.example.com/srv/git/acme/traffic.git Authorization: Basic eC1hY2Nlc3MtdG9rZW46dG9rZW4=",
		"git@git.example.com:srv":           "git@git.example.com:srv/acme/traffic.git Authorization: Basic eC1hY2Nlc3MtdG9rZW46dG9rZW4=",
	} {
		f := open(t, plain.Config{URL: base, Repositories: []string{"acme/traffic.git"}, Token: "token"})
		got, err := f.Remote(t.Context(), "acme/traffic")
		if err != nil || got.URL+" "+got.Header != want {
			t.Errorf("%s: %+v, %v", base, got, err)
		}
	}
}

func TestNewErrors(t *testing.T) {
	for _, tt := range []struct {
		config       plain.Config
		message, fix string
	}{
		{plain.Config{URL: "repositories"}, `"repositories" is not where repositories can be`, "give a folder from the root on, an https:// or ssh:// URL, or user@host:path"},
		{plain.Config{URL: "https://git.example.com"}, "git cannot say which repositories are below https://git.example.com", "name them, such as acme/traffic.git"},
		{plain.Config{URL: "/srv/git", Repositories: []string{"../x"}}, `"../x" is no repository below /srv/git`, "write its path there, such as acme/traffic.git"},
	} {
		_, err := plain.New(tt.config)
		if slipway.KindOf(err) != slipway.Invalid || err.Error() != tt.message || slipway.FixOf(err) != tt.fix {
			t.Errorf("got %v (%s), want %s (%s)", err, slipway.FixOf(err), tt.message, tt.fix)
		}
	}
	gone := filepath.Join(t.TempDir(), "gone")
	_, err := open(t, plain.Config{URL: gone}).Repositories(t.Context())
	if slipway.KindOf(err) != slipway.NotFound || !strings.HasPrefix(err.Error(), "the folder "+gone+" with the repositories cannot be read: ") {
		t.Errorf("of a folder that is gone: %v", err)
	}
}
