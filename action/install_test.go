// Package action_test tests the GitHub Action of this repository as a runner would
// run it: the script that installs slipway, the metadata, and the repository's own
// workflows.
package action_test

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// binary is what the server of the tests has for slipway.
const binary = "#!/bin/sh\necho slipway \"$@\"\n"

func sum(text string) string {
	digest := sha256.Sum256([]byte(text))
	return hex.EncodeToString(digest[:])
}

// releases serves files at paths.
func releases(t *testing.T, files map[string]string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(text)) // the script tells of what it does not get
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// A runner is what GitHub gives a step.
type runner struct{ temp, action string }

// newRunner has the action with a list of checksums.
func newRunner(t *testing.T, checksums string) runner {
	t.Helper()
	r := runner{temp: t.TempDir(), action: t.TempDir()}
	script, err := os.ReadFile("install.sh")
	if err != nil {
		t.Fatal(err)
	}
	save(t, filepath.Join(r.action, "action", "install.sh"), string(script), 0o755)
	save(t, filepath.Join(r.action, "action", "checksums.txt"), checksums, 0o644)
	return r
}

func save(t *testing.T, file, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // as a runner's folders are
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// bash runs a script as GitHub runs "shell: bash", with further variables.
func (r runner) bash(t *testing.T, script string, env map[string]string) (string, error) {
	t.Helper()
	file := filepath.Join(r.temp, "step.sh")
	save(t, file, script, 0o644)
	cmd := exec.CommandContext(t.Context(), "bash", "--noprofile", "--norc", "-eo", "pipefail", file)
	cmd.Dir = t.TempDir()
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + r.temp, "RUNNER_OS=Linux", "RUNNER_ARCH=X64", "RUNNER_TEMP=" + r.temp,
		"GITHUB_ACTION_PATH=" + r.action, "GITHUB_PATH=" + r.temp + "/path", "GITHUB_OUTPUT=" + r.temp + "/output",
	}
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (r runner) read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(r.temp, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// ofOwn is the list that the action of v1.4.0 carries.
func ofOwn(sum string) string {
	return "# slipway v1.4.0 go1.26.8\n" + sum + "  slipway_v1.4.0_linux_amd64\n" + sum + "  slipway_v1.4.0_darwin_arm64\n"
}

func TestInstall(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		own  string
		env  map[string]string
		want string
	}{
		"the action's own release":          {ofOwn(sum(binary)), nil, "v1.4.0"},
		"its own by name":                   {ofOwn(sum(binary)), map[string]string{"VERSION": "v1.4.0"}, "v1.4.0"},
		"on a Mac":                          {ofOwn(sum(binary)), map[string]string{"RUNNER_OS": "macOS", "RUNNER_ARCH": "ARM64"}, "v1.4.0"},
		"another, by its list":              {ofOwn(sum(binary)), map[string]string{"VERSION": "v1.3.0"}, "v1.3.0"},
		"another, by a checksum":            {ofOwn(sum(binary)), map[string]string{"VERSION": "v1.2.0", "CHECKSUM": sum(binary)}, "v1.2.0"},
		"one, by an action without its own": {"# none\n", map[string]string{"VERSION": "v1.3.0-rc.1"}, "v1.3.0-rc.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRunner(t, c.own)
			env := map[string]string{"RELEASES": releases(t, map[string]string{
				"/v1.4.0/slipway_v1.4.0_linux_amd64":           binary,
				"/v1.4.0/slipway_v1.4.0_darwin_arm64":          binary,
				"/v1.3.0/slipway_v1.3.0_linux_amd64":           binary,
				"/v1.3.0/checksums.txt":                        sum(binary) + "  slipway_v1.3.0_linux_amd64\n",
				"/v1.3.0-rc.1/slipway_v1.3.0-rc.1_linux_amd64": binary,
				"/v1.3.0-rc.1/checksums.txt":                   sum(binary) + "  slipway_v1.3.0-rc.1_linux_amd64\n",
				"/v1.2.0/slipway_v1.2.0_linux_amd64":           binary,
			})}
			maps.Copy(env, c.env)
			if out, err := r.bash(t, stepOf(t, "install").Run, env); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			folder := strings.TrimSpace(r.read(t, "path"))
			if folder != filepath.Join(r.temp, "slipway-"+c.want) {
				t.Errorf("on the PATH is %s", folder)
			}
			if got, want := r.read(t, "output"), "version="+c.want+"\npath="+folder+"/slipway\n"; got != want {
				t.Errorf("output %q, not %q", got, want)
			}
			out, err := exec.CommandContext(t.Context(), folder+"/slipway", "version").Output() //nolint:gosec // the file that was installed
			if string(out) != "slipway version\n" || err != nil {
				t.Errorf("it says %q, %v", out, err)
			}
		})
	}
}

func TestInstallRefuses(t *testing.T) {
	t.Parallel()
	other := sum("other bytes")
	for name, c := range map[string]struct {
		own  string
		env  map[string]string
		want string
	}{
		"other bytes than its own": {
			ofOwn(other), nil,
			"RELEASES/v1.4.0/slipway_v1.4.0_linux_amd64 is not what was released: its SHA-256 is " + sum(binary) + ", not " + other + ". Do not use it, and tell whoever keeps that place.",
		},
		"other bytes than the release says": {
			ofOwn(sum(binary)),
			map[string]string{"VERSION": "v1.3.0"},
			"RELEASES/v1.3.0/slipway_v1.3.0_linux_amd64 is not what was released: its SHA-256 is " + sum(binary) + ", not " + other + ". Do not use it, and tell whoever keeps that place.",
		},
		"other bytes than a checksum": {
			ofOwn(sum(binary)),
			map[string]string{"VERSION": "v1.3.0", "CHECKSUM": sum("a")},
			"RELEASES/v1.3.0/slipway_v1.3.0_linux_amd64 is not what was released: its SHA-256 is " + sum(binary) + ", not " + sum("a") + ". Do not use it, and tell whoever keeps that place.",
		},
		"a file that its own list lacks": {
			ofOwn(sum(binary)),
			map[string]string{"RUNNER_ARCH": "ARM64"},
			"there is no checksum for slipway_v1.4.0_linux_arm64: nothing says which bytes are right.",
		},
		"a checksum that is none": {
			ofOwn(sum(binary)),
			map[string]string{"VERSION": "v1.3.0", "CHECKSUM": "*"},
			"there is no checksum for slipway_v1.3.0_linux_amd64: nothing says which bytes are right.",
		},
		"a release that is not there": {
			ofOwn(sum(binary)),
			map[string]string{"VERSION": "v9.0.0"},
			"RELEASES/v9.0.0/checksums.txt cannot be fetched: is there such a release, and may this runner reach it?",
		},
		"a version that is a path": {
			ofOwn(sum(binary)),
			map[string]string{"VERSION": "v1.4.0/../x"},
			"v1.4.0/../x is no version of slipway: it looks like v1.4.0.",
		},
		"no version": {
			"# none\n", nil,
			"this commit of the action is no release: name the one to install with the input version, or use a release of the action.",
		},
		"a system": {
			ofOwn(sum(binary)),
			map[string]string{"RUNNER_OS": "Windows"},
			"there is no slipway for Windows: take a runner with Linux or macOS.",
		},
		"a processor": {
			ofOwn(sum(binary)),
			map[string]string{"RUNNER_ARCH": "ARM"},
			"there is no slipway for ARM: take a runner with X64 or ARM64.",
		},
		"a place without TLS": {
			ofOwn(sum(binary)),
			map[string]string{"RELEASES": "http://mirror.invalid"},
			"http://mirror.invalid/v1.4.0/slipway_v1.4.0_linux_amd64 cannot be fetched: is there such a release, and may this runner reach it?",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRunner(t, c.own)
			place := releases(t, map[string]string{
				"/v1.4.0/slipway_v1.4.0_linux_amd64": binary,
				"/v1.3.0/slipway_v1.3.0_linux_amd64": binary,
				"/v1.3.0/checksums.txt":              other + "  slipway_v1.3.0_linux_amd64\n",
			})
			env := map[string]string{"RELEASES": place}
			maps.Copy(env, c.env)
			out, err := r.bash(t, stepOf(t, "install").Run, env)
			if err == nil {
				t.Fatalf("it installed\n%s", out)
			}
			got := out[strings.LastIndex(strings.TrimSpace(out), "\n")+1:]
			if want := "::error title=slipway was not installed::" + strings.ReplaceAll(c.want, "RELEASES", place) + "\n"; got != want {
				t.Errorf("it says\n%s\nnot\n%s", got, want)
			}
			left, err := filepath.Glob(r.temp + "/*")
			if err != nil || len(left) != 1 || filepath.Base(left[0]) != "step.sh" {
				t.Errorf("left behind: %q, %v", left, err)
			}
		})
	}
}

// TestCall calls slipway with words that a shell would make something of.
func TestCall(t *testing.T) {
	r := newRunner(t, "")
	step := stepOf(t, "call")
	show := filepath.Join(r.temp, "show")
	save(t, show, "#!/bin/sh\nprintf '<%s>' \"$@\"\n", 0o755)
	for args, want := range map[string]string{
		"ship prod":                                    "<ship><prod>",
		"  run\n  --argument a=b   prod \n":            "<run><--argument><a=b><prod>",
		"$(touch x) `id` ; * ~ \"a b\" $HOME \\n && x": "<$(touch><x)><`id`><;><*><~><\"a><b\"><$HOME><\\n><&&><x>",
	} {
		out, err := r.bash(t, step.Run, map[string]string{"ARGS": args, "SLIPWAY": show})
		if err != nil || out != want {
			t.Errorf("%q: %s, %v, not %s", args, out, err, want)
		}
	}
	save(t, show, "#!/bin/sh\nexit 3\n", 0o755)
	if _, err := r.bash(t, step.Run, map[string]string{"ARGS": "ship", "SLIPWAY": show}); err == nil || err.Error() != "exit status 3" {
		t.Errorf("slipway ended with 3, the step with %v", err)
	}
}
