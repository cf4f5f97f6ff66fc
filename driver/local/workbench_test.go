package local_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver/local"
)

// TestChecksSeeThePackagesOfTheJobAndTheirOwn runs a tool of the one that uses a
// package of the other.
func TestChecksSeeThePackagesOfTheJobAndTheirOwn(t *testing.T) {
	cfg, b := config(t), blobs{}
	cfg.Environ = offline(wheels(t))
	want := withModules(t, b, "tinylib==1.2")
	env, err := local.New(cfg).Environ(t.Context(), want, []string{"tinytest==1.2"})
	if err != nil {
		t.Fatal(err, slipway.FixOf(err))
	}
	cmd := exec.Command("sh", "-c", "tinytest && python3 -c 'import awsglue.utils'")
	cmd.Env = append(cfg.Environ, env...)
	out, err := cmd.CombinedOutput()
	if err != nil || string(out) != "the answer is 42\n" {
		t.Errorf("the check's tool printed %q, %v", out, err)
	}
}

// TestChecksFindTheirToolsWhereverTheCacheIsSeen makes the environment through a
// link that is gone when the tool is used.
func TestChecksFindTheirToolsWhereverTheCacheIsSeen(t *testing.T) {
	cfg, b := config(t), blobs{}
	cfg.Environ = offline(wheels(t))
	want := withModules(t, b, "tinylib==1.2")
	seen := cfg
	seen.Cache = filepath.Join(t.TempDir(), "link")
	if err := os.MkdirAll(cfg.Cache, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(cfg.Cache, seen.Cache); err != nil {
		t.Fatal(err)
	}
	if _, err := local.New(seen).Environ(t.Context(), want, []string{"tinytest==1.2"}); err != nil {
		t.Fatal(err, slipway.FixOf(err))
	}
	if err := os.Remove(seen.Cache); err != nil {
		t.Fatal(err)
	}
	env, err := local.New(cfg).Environ(t.Context(), want, []string{"tinytest==1.2"})
	if err != nil {
		t.Fatal(err, slipway.FixOf(err))
	}
	cmd := exec.Command("sh", "-c", "tinytest")
	cmd.Env = append(cfg.Environ, env...)
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "the answer is 42\n" {
		t.Errorf("the check's tool printed %q, %v", out, err)
	}
}

// TestJobsDoNotSeeThePackagesOfChecks uses the job's own environment after that
// of a check was made.
func TestJobsDoNotSeeThePackagesOfChecks(t *testing.T) {
	cfg, b := config(t), blobs{}
	cfg.Environ = offline(wheels(t))
	want := withModules(t, b, "tinylib==1.2")
	d := local.New(cfg)
	for _, requirements := range [][]string{{"tinytest==1.2"}, nil} {
		env, err := d.Environ(t.Context(), want, requirements)
		if err != nil {
			t.Fatal(err, slipway.FixOf(err))
		}
		cmd := exec.Command("python3", "-c", "import tinylib, tinytest")
		cmd.Env = append(cfg.Environ, env...)
		cmd.Path = lookPath(t, "python3", env)
		out, err := cmd.CombinedOutput()
		if seen := err == nil; seen != (requirements != nil) {
			t.Errorf("with the requirements %v: %v\n%s", requirements, err, out)
		}
	}
}

// lookPath finds a program on the PATH of an environment.
func lookPath(t *testing.T, name string, env []string) string {
	t.Helper()
	for _, kv := range env {
		if path, ok := strings.CutPrefix(kv, "PATH="); ok {
			dir, _, _ := strings.Cut(path, ":")
			return dir + "/" + name
		}
	}
	t.Fatal("there is no PATH")
	return ""
}

func TestRequirementThatCannotBeInstalled(t *testing.T) {
	cfg, b := config(t), blobs{}
	cfg.Environ = offline(wheels(t))
	want := withModules(t, b, "tinylib==1.2")
	_, err := local.New(cfg).Environ(t.Context(), want, []string{"tinytest==9"})
	if slipway.KindOf(err) != slipway.Unavailable || !strings.HasPrefix(err.Error(), "pip cannot install tinytest==9: ") {
		t.Errorf("got %v", err)
	}
	if fix := slipway.FixOf(err); !strings.HasPrefix(fix, "check its name and version in the check's requirements, ") {
		t.Errorf("the fix is %q", fix)
	}
}
