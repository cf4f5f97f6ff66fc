package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestSystemdTakesTheUnit(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("there is no systemd-analyze")
	}
	for _, name := range []string{"slipway.service", "slipway-worker.service"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			takesTheUnit(t, analyze, name)
		})
	}
}

// takesTheUnit verifies a unit, and how exposed it is.
func takesTheUnit(t *testing.T, analyze, name string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("systemd", name))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	const installed = "/usr/local/bin/slipway "
	if !strings.Contains(string(text), installed) {
		t.Fatalf("the unit starts no %s", installed)
	}
	here := strings.ReplaceAll(string(text), installed, "/bin/true ") // there is none of ours here
	verify := func(file string) (string, error) {
		out, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", "--recursive-errors=no", file).CombinedOutput()
		return string(out), err
	}
	if out, err := verify(write(name, here)); err != nil || strings.Contains(out, name+":") {
		t.Errorf("it says: %v\n%s", err, out)
	}
	if out, _ := verify(write("wrong.service", strings.Replace(here, "ProtectHome=yes", "ProtectHome=perhaps", 1))); !strings.Contains(out, "wrong.service:") {
		t.Errorf("it says nothing of a unit that is wrong: %s", out)
	}
	// As exposed as the namespaces of builds make it, and no more.
	if out, err := exec.CommandContext(t.Context(), analyze, "security", "--offline=true", "--threshold=35", filepath.Join(dir, name)).CombinedOutput(); err != nil {
		t.Errorf("it is too exposed: %v\n%s", err, out)
	}
}
