package action_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// TestReleaseIsTheSameEverywhere builds a release in two places, with settings that
// must make no difference.
func TestReleaseIsTheSameEverywhere(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: it builds the program twice")
	}
	platform := runtime.GOOS + "/" + runtime.GOARCH
	name := "slipway_v1.4.0_" + runtime.GOOS + "_" + runtime.GOARCH
	var lists, binaries []string
	for _, settings := range [][]string{nil, {"GOFLAGS=-buildvcs=true -ldflags=-compressdwarf=false", "CGO_ENABLED=1", "GOAMD64=v3", "USER=other", "TZ=Asia/Tokyo"}} {
		dir := copyOfTheSource(t)
		out, err := release(t, dir, append(settings, "PLATFORMS="+platform), "v1.4.0")
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		lists, binaries = append(lists, read(t, dir, "dist/checksums.txt")), append(binaries, read(t, dir, "dist/"+name))
		if said, err := exec.CommandContext(t.Context(), filepath.Join(dir, "dist", name), "version").Output(); string(said) != "slipway v1.4.0\n" || err != nil { //nolint:gosec // what was built
			t.Errorf("it says %q, %v", said, err)
		}
		if strings.Contains(binaries[0], dir) {
			t.Errorf("the binary has the folder's name in it")
		}
	}
	if binaries[0] != binaries[1] {
		t.Errorf("the binaries differ, of %d and %d bytes", len(binaries[0]), len(binaries[1]))
	}
	if want := "# slipway v1.4.0 " + runtime.Version() + "\n" + sum(binaries[0]) + "  " + name + "\n"; lists[0] != want || lists[1] != want {
		t.Errorf("the lists are\n%s\n%s\nnot\n%s", lists[0], lists[1], want)
	}
}

// TestReleaseKeepsItsList builds with a go that writes its settings, for the rest
// of the script is what is tested here.
func TestReleaseKeepsItsList(t *testing.T) {
	dir := t.TempDir()
	save(t, dir+"/scripts/release.sh", read(t, "..", "scripts/release.sh"), 0o755)
	save(t, dir+"/action/checksums.txt", "# none\n", 0o644)
	save(t, dir+"/bin/go", `#!/bin/sh
[ "$1" = build ] || { echo go1.26.8; exit; }
for file; do case $last in -o) break ;; esac; last=$file; done
echo "$GOOS $GOARCH $CGO_ENABLED $GOTOOLCHAIN $CONTENT" >"$file"
`, 0o755)
	path := "PATH=" + dir + "/bin:" + os.Getenv("PATH")

	if out, err := release(t, dir, []string{path}, "v1.4.0"); err != nil || !strings.Contains(out, "wrote action/checksums.txt: commit it, tag that commit v1.4.0, and push the tag\n") {
		t.Fatalf("%v\n%s", err, out)
	}
	list := read(t, dir, "action/checksums.txt")
	if !strings.HasPrefix(list, "# slipway v1.4.0 go1.26.8\n") || strings.Count(list, "\n") != 5 ||
		!strings.Contains(list, sum("darwin arm64 0 go1.26.8 \n")+"  slipway_v1.4.0_darwin_arm64\n") {
		t.Errorf("the list is\n%s", list)
	}

	// For the tag it is built again, by the Go that the list names.
	save(t, dir+"/bin/go", strings.ReplaceAll(read(t, dir, "bin/go"), "go1.26.8", "go1.99"), 0o755)
	if out, err := release(t, dir, []string{path}, "v1.4.0"); err != nil {
		t.Errorf("the same bytes: %v\n%s", err, out)
	}
	out, err := release(t, dir, []string{path, "CONTENT=other"}, "v1.4.0")
	if err == nil || !strings.HasSuffix(out, "these are not the bytes that action/checksums.txt says v1.4.0 has\n") {
		t.Errorf("other bytes: %v\n%s", err, out)
	}
	if now := read(t, dir, "action/checksums.txt"); now != list {
		t.Errorf("it has changed the list:\n%s", now)
	}
	for _, version := range []string{"", "1.4.0", "v1.4", "v1.4.0 x", "v1.4.0/../.."} {
		out, err := release(t, dir, []string{path}, version)
		if err == nil || err.Error() != "exit status 2" || out != "usage: scripts/release.sh VERSION, such as v1.4.0 or v1.4.0-rc.1\n" {
			t.Errorf("version %q: %v\n%s", version, err, out)
		}
	}
}

func release(t *testing.T, dir string, env []string, version string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), dir+"/scripts/release.sh", version) //nolint:gosec // our own script
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// copyOfTheSource copies what the program is built from.
func copyOfTheSource(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	err := filepath.WalkDir("..", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel("..", file)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains([]string{".git", ".cache", ".slipway", "bin", "dist", "tools"}, rel) || d.Name() == "testdata" {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() || strings.HasSuffix(rel, "_test.go") {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		save(t, filepath.Join(dir, rel), string(data), info.Mode())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
