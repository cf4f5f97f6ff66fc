package packaging

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

const imageVersion = "v0.0.0-test.1"

// TestTheImage makes the image of this machine's architecture, runs what is in it, and
// takes it to a registry and back.
func TestTheImage(t *testing.T) {
	if testing.Short() {
		t.Skip("the image is left out of short tests")
	}
	if _, err := exec.LookPath("apt-get"); err != nil && os.Getenv("CI") == "" {
		t.Skip("there is no apt-get, which fetches what is in the image")
	}
	dist := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", filepath.Join(dist, "slipway_"+imageVersion+"_linux_"+runtime.GOARCH), "-ldflags", "-X main.release="+imageVersion, "../cmd/slipway") //nolint:gosec // our own program
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	first := madeImage(t, dist)
	if again := madeImage(t, dist); again != first {
		t.Errorf("made again it is %s, not %s", again, first)
	}
	layout, root := t.TempDir(), t.TempDir()
	untar(t, filepath.Join(dist, "slipway_"+imageVersion+"_image.tar"), layout, false)
	config := unpacked(t, layout, root)
	if config.User != "10001:10001" || config.Labels["org.opencontainers.image.version"] != imageVersion || config.Cmd[0] != "serve" {
		t.Errorf("the image's settings are %+v", config)
	}
	t.Run("what is in it runs", func(t *testing.T) { runs(t, root, config) })
	t.Run("its bill names what is in it", func(t *testing.T) { billed(t, dist) })
	t.Run("a registry gives back the same", func(t *testing.T) {
		cmd := exec.CommandContext(t.Context(), "go", "-C", "../tools/image", "test", "-count=1", ".")
		cmd.Env = append(os.Environ(), "IMAGE_LAYOUT="+layout, "IMAGE_DIGEST="+first)
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "ok") {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

// madeImage makes the image, and returns its digest.
func madeImage(t *testing.T, dist string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "../scripts/image.sh", imageVersion)
	cmd.Env = append(os.Environ(), "DIST="+dist, "ARCHITECTURES="+runtime.GOARCH)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	fields := strings.Fields(string(out))
	if err != nil || len(fields) != 2 {
		t.Fatalf("%v\n%s%s", err, out, said.String())
	}
	return fields[1]
}

// settings are those of an image that matter here.
type settings struct {
	User            string
	Env, Entrypoint []string
	Cmd             []string
	Labels          map[string]string
}

// unpacked lays the layers of the one image in a layout over each other.
func unpacked(t *testing.T, layout, root string) settings {
	t.Helper()
	type ref struct{ Digest string }
	blob := func(digest string, into any) {
		data, err := os.ReadFile(filepath.Join(layout, "blobs", strings.ReplaceAll(digest, ":", "/")))
		if err == nil {
			err = json.Unmarshal(data, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var index struct{ Manifests []ref }
	data, err := os.ReadFile(filepath.Join(layout, "index.json"))
	if err == nil {
		err = json.Unmarshal(data, &index)
	}
	if err != nil {
		t.Fatal(err)
	}
	blob(index.Manifests[0].Digest, &index)
	var manifest struct {
		Config ref
		Layers []ref
	}
	blob(index.Manifests[0].Digest, &manifest)
	for _, l := range manifest.Layers {
		untar(t, filepath.Join(layout, "blobs", strings.ReplaceAll(l.Digest, ":", "/")), root, true)
	}
	var config struct{ Config settings }
	blob(manifest.Config.Digest, &config)
	return config.Config
}

// untar unpacks a tar into a folder.
func untar(t *testing.T, file, dir string, packed bool) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if packed {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err == nil {
			err = root.MkdirAll(filepath.Dir(filepath.Clean(h.Name)), 0o755)
		}
		if err == nil {
			err = laid(root, h, tr)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// laid makes what a header of a tar says.
func laid(root *os.Root, h *tar.Header, r io.Reader) error {
	name := filepath.Clean(h.Name)
	switch h.Typeflag {
	case tar.TypeDir:
		if err := root.MkdirAll(name, 0o755); err != nil {
			return err
		}
		return nil
	case tar.TypeSymlink:
		return root.Symlink(h.Linkname, name)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	return root.WriteFile(name, data, h.FileInfo().Mode().Perm())
}

// runs starts programs in the image, by bubblewrap in its stead for a container runtime.
func runs(t *testing.T, root string, config settings) {
	box := []string{"--bind", root, "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--unshare-all", "--clearenv"}
	for _, kv := range config.Env {
		name, value, _ := strings.Cut(kv, "=")
		box = append(box, "--setenv", name, value)
	}
	if out, err := exec.CommandContext(t.Context(), "bwrap", append(slices.Clone(box), "/bin/true")...).CombinedOutput(); err != nil {
		if os.Getenv("CI") == "" {
			t.Skipf("bubblewrap does not work here: %s", out)
		}
		t.Fatalf("%v\n%s", err, out)
	}
	for _, tt := range []struct {
		command []string
		want    string
	}{
		{append(slices.Clone(config.Entrypoint), "version"), imageVersion},
		{append(slices.Clone(config.Entrypoint), config.Cmd...), "cannot read the platform file: open /etc/slipway/platform.yaml"},
		{[]string{"git", "--version"}, "git version 2."},
		{[]string{"git", "init", "-q", "/tmp/x"}, ""},
		{[]string{"git", "-c", "protocol.version=2", "ls-remote", "https://127.0.0.1:1/x"}, "Failed to connect"}, // it speaks https
		{[]string{"python3", "-c", "import ssl, venv, ensurepip; print(len(ssl.create_default_context(cafile='/etc/ssl/certs/ca-certificates.crt').get_ca_certs()) > 100)"}, "True"},
		{[]string{"sh", "-c", "echo one two | awk '{ print $2 }' | grep -c two"}, "1"},
		{[]string{"bwrap", "--version"}, "bubblewrap"},
	} {
		out, err := exec.CommandContext(t.Context(), "bwrap", append(slices.Clone(box), tt.command...)...).CombinedOutput() //nolint:gosec // our own image
		_, failed := errors.AsType[*exec.ExitError](err)
		if err != nil && !failed || !strings.Contains(string(out), tt.want) {
			t.Errorf("%q: %v\n%s", tt.command, err, out)
		}
	}
}

// billed looks at the bill of materials.
func billed(t *testing.T, dist string) {
	data, err := os.ReadFile(filepath.Join(dist, "slipway_"+imageVersion+"_image_"+runtime.GOARCH+".cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	var bill struct {
		BOMFormat, SpecVersion string
		Components             []struct{ Name, Version, PURL string }
	}
	if err := json.Unmarshal(data, &bill); err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, c := range bill.Components {
		for _, want := range []string{"pkg:deb/debian/git@1:2.39", "pkg:deb/debian/ca-certificates@", "pkg:golang/modernc.org/sqlite@", "pkg:golang/stdlib@1.", "pkg:golang/github.com/slipway-cd/slipway@" + imageVersion} {
			if strings.HasPrefix(c.PURL, want) {
				found = append(found, want)
			}
		}
	}
	if bill.BOMFormat != "CycloneDX" || bill.SpecVersion != "1.6" || len(found) != 5 {
		t.Errorf("the bill is %s %s, and has only %q", bill.BOMFormat, bill.SpecVersion, found)
	}
}
