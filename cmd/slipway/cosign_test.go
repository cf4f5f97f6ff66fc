package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestCosign has cosign verify what Slipway attested. It takes minutes to build, so
// the test is skipped where nobody has built it: scripts/tool.sh cosign version.
// What it shares with Slipway, the envelope's library, verifies in package evidence.
func TestCosign(t *testing.T) {
	if testing.Short() {
		t.Skip("cosign is left out of short tests")
	}
	cosign := builtCosign(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/cosign", UpdateScripts: updating(), RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			bin := filepath.Join(e.WorkDir, "bin")
			if err := os.Mkdir(bin, 0o755); err != nil {
				return err
			}
			if err := os.Symlink(cosign, filepath.Join(bin, "cosign")); err != nil {
				return err
			}
			e.Setenv("PATH", bin+string(os.PathListSeparator)+e.Getenv("PATH"))
			return setup(e)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"ok": cmdOK, "exits": cmdExits, "commit": cmdCommit},
	})
}

// builtCosign is the cosign of tools/cosign/go.mod, which scripts/tool.sh has built.
func builtCosign(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../tools/cosign/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`github\.com/sigstore/cosign/v2 (v\S+)`).FindSubmatch(text)
	if m == nil {
		t.Fatal("tools/cosign/go.mod has no version of cosign")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(cache, "slipway-tools", "cosign-"+string(m[1])+"-"+runtime.Version())
	if _, err := exec.LookPath(file); err != nil {
		t.Skipf("there is no %s: scripts/tool.sh cosign version builds it", file)
	}
	return file
}
