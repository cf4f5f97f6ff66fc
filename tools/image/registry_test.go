package main

import (
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

func TestARegistryGivesBackTheSame(t *testing.T) {
	dir, want := os.Getenv("IMAGE_LAYOUT"), os.Getenv("IMAGE_DIGEST")
	if dir == "" {
		t.Skip("IMAGE_LAYOUT names no layout; the tests of packaging/ do")
	}
	h := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer h.Close()
	ref, err := name.ParseReference(strings.TrimPrefix(h.URL, "http://") + "/slipway:test")
	if err != nil {
		t.Fatal(err)
	}
	at, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	outer, err := at.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	index, err := at.ImageIndex(outer.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(ref, index); err != nil {
		t.Fatal(err)
	}
	back, err := remote.Index(ref)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := back.Digest(); err != nil || got.String() != want {
		t.Errorf("it gives back %s, not %s: %v", got, want, err)
	}
	if err := validate.Index(back); err != nil {
		t.Error(err)
	}
}

func TestAPackageThatIsAnotherIsRefused(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	const sum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	lock := write("lock", "# Debian\namd64 git 1 "+sum+"\n")
	write(sum+".deb", "no package")
	for arch, want := range map[string]string{
		"amd64": "git: its SHA-256 is ",
		"arm64": lock + " has no packages for it",
	} {
		if _, err := unpackAll(lock, arch, dir); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("for %s: %v", arch, err)
		}
	}
	write(sum+".deb", "") // the SHA-256 of nothing
	if _, err := unpackAll(lock, "amd64", dir); err == nil || err.Error() != "git: it is no Debian package" {
		t.Errorf("nothing is taken for a package: %v", err)
	}
}
