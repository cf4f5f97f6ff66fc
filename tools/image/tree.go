package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// An entry is a file, a folder or a link.
type entry struct {
	header tar.Header
	data   []byte
}

// A tree is a file system, by path.
type tree map[string]entry

func (t tree) file(name string, mode int64, data []byte) {
	t.put(name, entry{header: tar.Header{Typeflag: tar.TypeReg, Mode: mode, Size: int64(len(data))}, data: data})
}

func (t tree) link(name, to string) {
	t.put(name, entry{header: tar.Header{Typeflag: tar.TypeSymlink, Mode: 0o777, Linkname: to}})
}

func (t tree) folder(name string, mode int64) {
	t.put(name, entry{header: tar.Header{Typeflag: tar.TypeDir, Mode: mode}})
}

// put adds an entry, and the folders above it that are not there yet.
func (t tree) put(name string, e entry) {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if _, ok := t[dir]; !ok {
			t[dir] = entry{header: tar.Header{Typeflag: tar.TypeDir, Mode: 0o755}}
		}
	}
	t[name] = e
}

// merged are the folders that Debian has below usr, with links in their place.
var merged = []string{"bin", "lib", "lib32", "lib64", "libx32", "sbin"}

// place is where a file of a package goes; empty: nowhere.
func place(name string) string {
	name = path.Clean(strings.TrimPrefix(name, "./"))
	if name == "." || slices.Contains(merged, name) {
		return ""
	}
	if top, _, _ := strings.Cut(name, "/"); slices.Contains(merged, top) {
		name = "usr/" + name
	}
	for _, needless := range []string{"usr/share/man/", "usr/share/info/", "usr/share/locale/", "usr/share/lintian/", "usr/share/bash-completion/"} {
		if strings.HasPrefix(name, needless) {
			return ""
		}
	}
	if strings.HasPrefix(name, "usr/share/doc/") && path.Base(name) != "copyright" && strings.Count(name, "/") > 3 {
		return ""
	}
	return name
}

// add unpacks a package. Its scripts are not run: settle does what is needed of them.
func (t tree) add(d deb) error {
	for r := tar.NewReader(bytes.NewReader(d.data)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		name := place(h.Name)
		if name == "" {
			continue
		}
		switch h.Typeflag {
		case tar.TypeDir:
			if _, ok := t[name]; !ok {
				t.folder(name, h.Mode&0o1777)
			}
		case tar.TypeSymlink:
			t.link(name, h.Linkname)
		case tar.TypeReg:
			data, err := io.ReadAll(r)
			if err != nil {
				return err
			}
			t.file(name, h.Mode&0o777, data) // nobody becomes somebody else in there: no set-uid
		case tar.TypeLink:
			to, ok := t[place(h.Linkname)]
			if !ok {
				return fmt.Errorf("%s is a link to %s, which is not there", h.Name, h.Linkname)
			}
			t.file(name, to.header.Mode, to.data)
		default:
			return fmt.Errorf("%s is of type %c", h.Name, h.Typeflag)
		}
	}
	t.file("var/lib/dpkg/status.d/"+d.name, 0o644, d.control) // where scanners look
	return nil
}

// settle does what the packages' scripts would: links, people, certificates.
func (t tree) settle() {
	for _, name := range merged {
		if _, ok := t["usr/"+name]; ok {
			t.link(name, "usr/"+name)
		}
	}
	t.link("usr/bin/sh", "dash")
	t.link("usr/bin/awk", "mawk")
	t.file("etc/passwd", 0o644, []byte("root:x:0:0:root:/root:/usr/sbin/nologin\nslipway:x:10001:10001:Slipway:/var/lib/slipway:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"))
	t.file("etc/group", 0o644, []byte("root:x:0:\nslipway:x:10001:\nnogroup:x:65534:\n"))
	t.file("etc/nsswitch.conf", 0o644, []byte("passwd: files\ngroup: files\nhosts: files dns\n"))
	var roots []byte
	for _, name := range slices.Sorted(maps.Keys(t)) {
		if strings.HasPrefix(name, "usr/share/ca-certificates/") && strings.HasSuffix(name, ".crt") {
			roots = append(append(roots, bytes.TrimSpace(t[name].data)...), '\n')
		}
	}
	t.file("etc/ssl/certs/ca-certificates.crt", 0o644, roots)
	for _, name := range []string{"proc", "sys", "dev", "run", "etc/slipway"} {
		t.folder(name, 0o755)
	}
	for _, name := range []string{"tmp", "var/tmp"} {
		t.folder(name, 0o1777)
	}
	home := entry{header: tar.Header{Typeflag: tar.TypeDir, Mode: 0o700, Uid: 10001, Gid: 10001}}
	t.put("var/lib/slipway", home)
}

// layer makes a layer of a tree: its entries in the order of their names, all of one
// time, so that the same tree is the same bytes.
func layer(t tree) v1.Layer {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(t)) {
		e := t[name]
		h := e.header
		h.Name, h.ModTime, h.Format = name, epoch, tar.FormatPAX
		if h.Typeflag == tar.TypeDir {
			h.Name += "/"
		}
		if err := w.WriteHeader(&h); err != nil {
			panic(err) // into memory, and the header is ours
		}
		if _, err := w.Write(e.data); err != nil {
			panic(err) // as above
		}
	}
	if err := w.Close(); err != nil {
		panic(err) // as above
	}
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil },
		tarball.WithMediaType(types.OCILayer))
	if err != nil {
		panic(err) // as above
	}
	return l
}
