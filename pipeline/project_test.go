package pipeline

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
)

func app(name string) string {
	return "slipway: v1\napp: " + name + "\nshape: python-job\nbuild: {script: a.py}\n"
}

// many is a repository with three apps, one of them with a manifest at fault.
func many(t *testing.T) *world {
	t.Helper()
	return newWorld(t, map[string]string{
		"etl/slipway.yaml": app("etl-app"), "etl/lib/x.py": "", "web/slipway.yaml": app("web-app"),
		"bad/slipway.yaml": "slipway: v1\nap: x\n", "docs/a.md": "",
	})
}

func TestFindTheApp(t *testing.T) {
	w := many(t)
	for _, tt := range []struct{ name, dir, app, want string }{
		{"in its folder", "etl", "", "etl"},
		{"above where one stands", "etl/lib", "", "etl"},
		{"by its folder", "", "web", "web"},
		{"by its folder with a slash", "etl", "../web/", "web"},
		{"by its name", "docs", "web-app", "web"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := w.open(t, Where{Dir: filepath.Join(w.root, tt.dir), App: tt.app})
			if err != nil {
				t.Fatal(err)
			}
			if p.Folder != tt.want || p.Dir() != filepath.Join(w.root, tt.want) || p.State != filepath.Join(w.root, ".slipway") || p.Platform != nil {
				t.Errorf("the project is %+v", p)
			}
		})
	}
}

func TestNoApp(t *testing.T) {
	w := many(t)
	docs := filepath.Join(w.root, "docs")
	_, err := w.open(t, Where{Dir: docs})
	wantError(t, err, slipway.NotFound, "there is no slipway.yaml in "+docs+" or above it", "this repository has apps in: bad, etl, web; name one with --app")
	_, err = w.open(t, Where{App: "nothing"})
	wantError(t, err, slipway.NotFound, `there is no app "nothing" in `+w.root+", and no folder of that name", "the apps here are: bad (its manifest has errors), etl-app, web-app")
	_, err = w.open(t, Where{App: "bad"})
	wantError(t, err, slipway.Invalid, "bad/slipway.yaml:2:1", "")
	empty := newWorld(t, map[string]string{"a": ""})
	_, err = empty.open(t, Where{})
	wantError(t, err, slipway.NotFound, "there is no slipway.yaml in "+empty.root+" or above it", "slipway init writes one that works")
	_, err = empty.open(t, Where{App: "x"})
	wantError(t, err, slipway.NotFound, `there is no app "x" in `, "slipway init writes a manifest")
	nowhere := t.TempDir()
	_, err = w.open(t, Where{Dir: nowhere})
	wantError(t, err, slipway.Invalid, nowhere, "git init")
}

// platform is a platform file whose one environment beside local has the name.
func platform(name string) string {
	return "slipway: v1\nenvironments:\n  " + name + ": {runtime: local, repository: artifacts}\n"
}

func TestFindThePlatform(t *testing.T) {
	other := newWorld(t, map[string]string{"deep/platform.yaml": platform("from-git")})
	for _, tt := range []struct {
		name, flag, line string
		files            map[string]string
		want, dir        string // the environment, and where relative paths start
	}{
		{"none", "", "", nil, "", ""},
		{"beside the manifest", "", "", map[string]string{"etl/platform.yaml": platform("beside"), "platform.yaml": platform("above")}, "beside", "etl"},
		{"above the manifest", "", "", map[string]string{"platform.yaml": platform("above")}, "above", "."},
		{"named by the manifest", "", "platform: ../ops/p.yaml\n", map[string]string{"ops/p.yaml": platform("named"), "platform.yaml": platform("above")}, "named", "ops"},
		{"in another git repository", "", "platform: {git: \"file://" + other.root + "\", ref: main, path: deep/platform.yaml}\n", nil, "from-git", "."},
		{"from the flag", "ops/p.yaml", "platform: nowhere.yaml\n", map[string]string{"ops/p.yaml": platform("flag"), "platform.yaml": platform("above")}, "flag", "ops"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, map[string]string{"etl/slipway.yaml": app("etl-app") + tt.line})
			w.write(t, tt.files)
			p, err := w.open(t, Where{App: "etl", Platform: tt.flag})
			if err != nil {
				t.Fatal(err)
			}
			want := []string{"local"}
			if tt.want != "" {
				want = append(want, tt.want)
			}
			if diff := cmp.Diff(want, p.Platform.EnvironmentNames()); diff != "" {
				t.Errorf("environments (-want +got):\n%s", diff)
			}
			if tt.want == "" {
				return
			}
			e, err := p.Environment(tt.want)
			if err != nil || e.Repository != filepath.Join(w.root, tt.dir, "artifacts") {
				t.Errorf("the repository is %s, %v", e.Repository, err)
			}
		})
	}
}

func TestPlatformErrors(t *testing.T) {
	const fix = "--platform, SLIPWAY_PLATFORM and the manifest's platform: name it, in this order"
	w := newWorld(t, map[string]string{"etl/slipway.yaml": app("etl-app") + "platform: ../p.yaml\n", "bad.yaml": "slipway: v1\nenvironment: {}\n"})
	_, err := w.open(t, Where{App: "etl"})
	wantError(t, err, slipway.NotFound, "there is no platform file "+filepath.Join(w.root, "p.yaml"), fix)
	_, err = w.open(t, Where{App: "etl", Platform: "q.yaml"})
	wantError(t, err, slipway.NotFound, "there is no platform file "+filepath.Join(w.root, "q.yaml"), fix)
	_, err = w.open(t, Where{App: "etl", Platform: "bad.yaml"})
	wantError(t, err, slipway.Invalid, "bad.yaml:2:1", "")
	gone := newWorld(t, map[string]string{"slipway.yaml": app("x") + "platform: {git: \"file:///nowhere/at/all\", ref: main, path: p.yaml}\n"})
	_, err = gone.open(t, Where{})
	if err == nil || !strings.Contains(err.Error(), "file:///nowhere/at/all") {
		t.Errorf("a platform that cannot be fetched gives %v", err)
	}
}

func TestEnvironment(t *testing.T) {
	w := hello(t)
	p := w.project(t)
	got := map[string][]string{}
	for _, name := range []string{"local", "staging", "prod"} {
		e, err := p.Environment(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{e.Repository, e.Root} {
			got[name] = append(got[name], strings.TrimPrefix(path, w.root+"/.slipway/"))
		}
	}
	want := map[string][]string{
		"local": {"repository", "runtime/local"}, "staging": {"staging-artifacts", "runtime/staging"}, "prod": {"prod-artifacts", "prod-root"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("repositories and roots (-want +got):\n%s", diff)
	}
	_, err := p.Environment("stagin")
	wantError(t, err, slipway.NotFound, `unknown environment "stagin"`, `did you mean "staging"?`)
}

func TestPricesAreThoseOfThePlatform(t *testing.T) {
	w := newWorld(t, map[string]string{"etl/slipway.yaml": app("etl-app"), "platform.yaml": platformText})
	p, err := w.open(t, Where{App: "etl"})
	if err != nil || p.Prices() != "" {
		t.Errorf("without a file: %q, %v", p.Prices(), err)
	}
	w.write(t, map[string]string{"ops/p.yaml": platform("prod") + "prices: prices/glue.yaml\n"})
	p, err = w.open(t, Where{App: "etl", Platform: "ops/p.yaml"})
	if want := filepath.Join(w.root, "ops/prices/glue.yaml"); err != nil || p.Prices() != want {
		t.Errorf("%q, %v; want %s", p.Prices(), err, want)
	}
}

func TestRoad(t *testing.T) {
	w := newWorld(t, map[string]string{"slipway.yaml": app("x"), "platform.yaml": platformText + "  bare: {runtime: glue, follows: prod}\n"})
	p := w.project(t)
	for env, want := range map[string][]string{"local": {"local"}, "prod": {"local", "staging", "prod"}} {
		road, err := p.Road(env)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range road {
			got = append(got, e.Name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the road to %s (-want +got):\n%s", env, diff)
		}
	}
	_, err := p.Road("nowhere")
	wantError(t, err, slipway.NotFound, `unknown environment "nowhere"`, "platform.yaml has: local, staging, prod, bare")
	_, err = p.Road("bare")
	wantError(t, err, slipway.Invalid, "environment bare has no repository: there is no place for its releases", "set environments.bare.repository in platform.yaml")
}
