package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/ulikunitz/xz"
)

// A deb is a Debian package.
type deb struct {
	name, version, arch string
	sum                 string // SHA-256, in hex
	control             []byte // its fields, as dpkg keeps them
	data                []byte // a tar, unpacked
}

// unpackAll reads the packages that the lock has for an architecture, in the order of
// their names. In the folder each is named by its checksum.
func unpackAll(lock, arch, dir string) ([]deb, error) {
	text, err := os.ReadFile(lock)
	if err != nil {
		return nil, err
	}
	var all []deb
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) != 4 || fields[0] != arch {
			continue
		}
		d, err := unpack(filepath.Join(dir, fields[3]+".deb"))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", fields[1], err)
		}
		if d.name != fields[1] || d.version != fields[2] {
			return nil, fmt.Errorf("%s is %s %s", fields[1], d.name, d.version)
		}
		all = append(all, d)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no packages for it", lock)
	}
	slices.SortFunc(all, func(a, b deb) int { return strings.Compare(a.name, b.name) })
	return all, nil
}

// unpack reads a package: an ar file with two tars (deb(5)). Its name is its checksum.
func unpack(file string) (deb, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return deb{}, err
	}
	sum := sha256.Sum256(raw)
	d := deb{sum: hex.EncodeToString(sum[:])}
	if d.sum+".deb" != filepath.Base(file) {
		return deb{}, fmt.Errorf("its SHA-256 is %s", d.sum)
	}
	rest, ok := bytes.CutPrefix(raw, []byte("!<arch>\n"))
	for ok && len(rest) >= 60 {
		name := strings.TrimRight(string(rest[:16]), " /")
		size, err := strconv.Atoi(strings.TrimSpace(string(rest[48:58])))
		if err != nil || size < 0 || size > len(rest)-60 {
			return deb{}, fmt.Errorf("the member %s is cut short", name)
		}
		member := rest[60 : 60+size]
		rest = rest[min(len(rest), 60+size+size%2):]
		switch {
		case strings.HasPrefix(name, "control.tar"):
			if err = d.fields(name, member); err != nil {
				return deb{}, err
			}
		case strings.HasPrefix(name, "data.tar"):
			if d.data, err = plain(name, member); err != nil {
				return deb{}, err
			}
		}
	}
	if d.name == "" || d.data == nil {
		return deb{}, errors.New("it is no Debian package")
	}
	return d, nil
}

// plain decompresses a member.
func plain(name string, member []byte) ([]byte, error) {
	var r io.Reader = bytes.NewReader(member)
	var err error
	switch filepath.Ext(name) {
	case ".xz":
		r, err = xz.NewReader(r)
	case ".gz":
		r, err = gzip.NewReader(r)
	case ".tar":
	default:
		err = fmt.Errorf("%s is of a compression that is not known here", name)
	}
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// fields reads the control file.
func (d *deb) fields(name string, member []byte) error {
	data, err := plain(name, member)
	if err != nil {
		return err
	}
	for r := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := r.Next()
		if err != nil {
			return fmt.Errorf("there is no control file: %w", err)
		}
		if filepath.Clean(h.Name) != "control" {
			continue
		}
		if d.control, err = io.ReadAll(r); err != nil {
			return err
		}
		break
	}
	for line := range strings.Lines(string(d.control)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "Package":
			d.name = value
		case "Version":
			d.version = value
		case "Architecture":
			d.arch = value
		}
	}
	return nil
}
