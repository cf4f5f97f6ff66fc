// Command image makes the container image of a release, without Docker: an OCI layout in
// a tar file, of the Debian packages in packaging/image/packages.lock and the binaries in
// dist/, the same bytes everywhere. scripts/image.sh calls it.
package main

import (
	"archive/tar"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// epoch is the time of everything in the image.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

// A release is what an image is made of.
type release struct {
	version string
	dist    string // folder with the binaries, and for what is made
	lock    string // file with the packages of Debian
}

func run(args []string) error {
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	var r release
	flags.StringVar(&r.version, "version", "", "the release, such as v1.4.0")
	flags.StringVar(&r.dist, "dist", "dist", "the folder with its binaries")
	flags.StringVar(&r.lock, "lock", "packaging/image/packages.lock", "the packages, with their checksums")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if r.version == "" || flags.NArg() == 0 {
		return errors.New("usage: image -version v1.4.0 [-dist DIR] ARCHITECTURE=FOLDER-OF-PACKAGES...")
	}
	index := v1.ImageIndex(mutate.IndexMediaType(empty.Index, types.OCIImageIndex))
	for _, platform := range flags.Args() {
		arch, debs, _ := strings.Cut(platform, "=")
		img, err := r.image(arch, debs)
		if err != nil {
			return fmt.Errorf("%s: %w", arch, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{
			Platform: &v1.Platform{OS: "linux", Architecture: arch},
		}})
	}
	index, _ = mutate.Annotations(index, r.labels()).(v1.ImageIndex)
	return r.save(index)
}

// labels say what the image is, as OCI names it.
func (r release) labels() map[string]string {
	return map[string]string{
		"org.opencontainers.image.title":         "slipway",
		"org.opencontainers.image.description":   "The server and the command line of Slipway",
		"org.opencontainers.image.version":       r.version,
		"org.opencontainers.image.source":        "https://github.com/slipway-cd/slipway",
		"org.opencontainers.image.documentation": "https://github.com/slipway-cd/slipway/blob/" + r.version + "/docs/install.md",
		"org.opencontainers.image.licenses":      "Apache-2.0",
		"org.opencontainers.image.base.name":     "debian:bookworm",
	}
}

// image makes the image of one architecture: a layer of Debian's packages, which is the
// same for releases with the same lock, and one of the program.
func (r release) image(arch, debs string) (v1.Image, error) {
	packages, err := unpackAll(r.lock, arch, debs)
	if err != nil {
		return nil, err
	}
	system := tree{}
	for _, p := range packages {
		if err := system.add(p); err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
	}
	system.settle()
	binary := filepath.Join(r.dist, "slipway_"+r.version+"_linux_"+arch)
	program, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	app := tree{}
	app.file("usr/local/bin/slipway", 0o755, program)
	img, err := mutate.AppendLayers(mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON), layer(system), layer(app))
	if err != nil {
		return nil, err
	}
	if err := r.bill(arch, binary, packages); err != nil {
		return nil, err
	}
	img, err = mutate.ConfigFile(img, r.config(img, arch))
	if err != nil {
		return nil, err
	}
	img, _ = mutate.Annotations(img, r.labels()).(v1.Image)
	return img, nil
}

func (r release) config(img v1.Image, arch string) *v1.ConfigFile {
	had, err := img.ConfigFile()
	if err != nil {
		panic(err) // it was made here
	}
	c := had.DeepCopy()
	c.OS, c.Architecture, c.Created = "linux", arch, v1.Time{Time: epoch}
	for i := range c.History {
		c.History[i] = v1.History{Created: v1.Time{Time: epoch}, CreatedBy: "scripts/image.sh"}
	}
	c.Config = v1.Config{
		User: "10001:10001", WorkingDir: "/var/lib/slipway", Labels: r.labels(),
		Entrypoint: []string{"/usr/bin/tini", "--", "/usr/local/bin/slipway"}, Cmd: []string{"serve"},
		Env: []string{
			"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/var/lib/slipway", "LANG=C.UTF-8", "SLIPWAY_LISTEN=:8420",
			"SLIPWAY_DATA=/var/lib/slipway/data", "SLIPWAY_PLATFORM=/etc/slipway/platform.yaml",
		},
		ExposedPorts: map[string]struct{}{"8420/tcp": {}}, Volumes: map[string]struct{}{"/var/lib/slipway": {}},
	}
	return c
}

// save writes the image as an OCI layout in a tar file.
func (r release) save(index v1.ImageIndex) error {
	work, err := os.MkdirTemp(r.dist, "layout")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	at, err := layout.Write(work, empty.Index)
	if err != nil {
		return err
	}
	if err := at.AppendIndex(index, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": r.version})); err != nil {
		return err
	}
	name := filepath.Join(r.dist, "slipway_"+r.version+"_image.tar")
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := errors.Join(archive(f, work), f.Close()); err != nil {
		return err
	}
	digest, err := index.Digest()
	if err == nil {
		fmt.Println(name, digest)
	}
	return err
}

// archive writes a folder's files, in the order of their names.
func archive(f *os.File, dir string) error {
	var names []string
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, file)
		}
		return err
	})
	if err != nil {
		return err
	}
	slices.Sort(names)
	w := tar.NewWriter(f)
	for _, file := range names {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		if err := w.WriteHeader(&tar.Header{Name: filepath.ToSlash(name), Mode: 0o644, Size: int64(len(data)), ModTime: epoch, Format: tar.FormatPAX}); err != nil {
			return err
		}
		if _, err := w.Write(data); err != nil {
			return err
		}
	}
	return w.Close()
}
