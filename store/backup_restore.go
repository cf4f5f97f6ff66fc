package store

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/slipway-cd/slipway"
)

// Restore makes a data folder from a backup, where there is none or an empty one. It
// verifies every byte, the database, and the ledger against the head that the backup
// names, and against another that was kept outside unless that is empty, before the
// folder is there under its name. Nobody stays signed in.
//
// Where the site has a PostgreSQL database, which is empty, what is in the database comes
// there, in one transaction. A data folder that is there already then stays as it is:
// Contents.Folder says whether it was made.
func Restore(ctx context.Context, r io.Reader, to Site, head string) (Contents, error) {
	data := filepath.Clean(to.Data)
	taken := vacant(data)
	if taken != nil && to.Database == "" {
		return Contents{}, taken
	}
	var db *Store
	if to.Database != "" {
		var err error
		if db, err = openEmpty(ctx, to.Database); err != nil {
			return Contents{}, err
		}
		defer db.Close()
	}
	if err := os.MkdirAll(filepath.Dir(data), 0o755); err != nil { //nolint:gosec // as people make folders
		return Contents{}, err
	}
	beside, err := os.MkdirTemp(filepath.Dir(data), "."+filepath.Base(data)+"-*")
	if err != nil {
		return Contents{}, slipway.Errorf(slipway.Unavailable, "cannot write beside %s: %w", data, err).WithFix("give this user permission to write there")
	}
	defer os.RemoveAll(beside)
	c, err := unpack(ctx, r, beside)
	if err != nil {
		return c, err
	}
	if err := c.settle(ctx, beside, head); err != nil {
		return c, err
	}
	if db != nil {
		return c, c.pourInto(ctx, db, beside, data, taken == nil)
	}
	return c, c.name(beside, data)
}

// name gives the restored folder its name.
func (c *Contents) name(beside, data string) error {
	if err := vacant(data); err != nil { // somebody may have come between
		return err
	}
	if err := os.Remove(data); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	c.Folder = true
	return os.Rename(beside, data)
}

// pourInto moves what is in the restored file to an empty PostgreSQL database, which is
// the last that happens, and gives what else is in the folder its name.
func (c *Contents) pourInto(ctx context.Context, to *Store, beside, data string, folder bool) error {
	file := filepath.Join(beside, filepath.FromSlash(c.Database))
	aside := filepath.Join(filepath.Dir(beside), filepath.Base(beside)+".db")
	if err := os.Rename(file, aside); err != nil {
		return err
	}
	defer os.Remove(aside)
	from, err := OpenReadOnly(ctx, aside)
	if err != nil {
		return err
	}
	defer from.Close()
	if err := from.isWhole(ctx); err != nil {
		return err
	}
	if folder {
		if err := c.name(beside, data); err != nil {
			return err
		}
	}
	m := Moved{Rows: map[string]int64{}}
	err = from.Snapshot(ctx, func(x Snapshot) error {
		return to.receive(ctx, x.tx, &m, map[string]string{settingKey: c.Public})
	})
	if err == nil {
		c.Report = m.Report
	}
	return err
}

// vacant says whether a folder may be made there.
func vacant(data string) error {
	entries, err := os.ReadDir(data)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return slipway.Errorf(slipway.Unavailable, "cannot read %s: %w", data, err)
	case len(entries) > 0:
		return slipway.Errorf(slipway.Conflict, "there is something in %s, and nothing was restored", data).
			WithFix("name a folder that is not there yet; or stop the server, and move this one away")
	}
	return nil
}

// damaged is the error for a backup that is not as it was written.
func damaged(why string, args ...any) error {
	return slipway.Errorf(slipway.Invalid, "the backup is damaged: "+why, args...).WithFix("nothing was restored; use another backup")
}

// unpack writes the files of a backup into a folder, and compares them with its
// contents.
func unpack(ctx context.Context, r io.Reader, dir string) (Contents, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return Contents{}, slipway.Errorf(slipway.Invalid, "that is not a backup: %w", err).WithFix("name a file that slipway backup wrote")
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Contents{}, err
	}
	defer root.Close()
	var c Contents
	found := map[string]KeptFile{}
	t := tar.NewReader(z)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		switch {
		case err != nil:
			return c, damaged("%w", err)
		case ctx.Err() != nil:
			return c, ctx.Err()
		case c.Format != "":
			return c, damaged("something stands behind its contents")
		case h.Name == contentsName:
			if err := c.read(t); err != nil {
				return c, err
			}
			continue
		}
		f, err := unpackFile(root, h, t)
		if err != nil {
			return c, err
		}
		if _, twice := found[f.Name]; twice {
			return c, damaged("%s is in it twice", f.Name)
		}
		found[f.Name] = f
	}
	if _, err := io.Copy(io.Discard, z); err != nil { // to the checksum at the end
		return c, damaged("%w", err)
	}
	return c, c.compare(found)
}

func (c *Contents) read(r io.Reader) error {
	d := json.NewDecoder(r)
	if err := d.Decode(c); err != nil {
		return damaged("its contents cannot be read: %w", err)
	}
	if c.Format != backupFormat {
		return slipway.Errorf(slipway.Invalid, "the backup has the format %q, which this Slipway does not know", c.Format).WithFix("use a newer Slipway")
	}
	return nil
}

// compare says whether the files that were found are those of the contents.
func (c *Contents) compare(found map[string]KeptFile) error {
	if c.Format == "" {
		return damaged("it was cut short")
	}
	for _, f := range c.Files {
		switch got, ok := found[f.Name]; {
		case !ok:
			return damaged("%s is missing", f.Name)
		case got != f:
			return damaged("%s was changed", f.Name)
		}
		delete(found, f.Name)
	}
	for name := range found {
		return damaged("%s does not belong to it", name)
	}
	return nil
}

// unpackFile writes one file, below root and nowhere else.
func unpackFile(root *os.Root, h *tar.Header, r io.Reader) (KeptFile, error) {
	if h.Typeflag != tar.TypeReg || !fs.ValidPath(h.Name) || h.Name == "." || strings.ContainsAny(h.Name, "\\:") {
		return KeptFile{}, damaged("%q is not the name of a file", h.Name)
	}
	if err := root.MkdirAll(path.Dir(h.Name), 0o700); err != nil {
		return KeptFile{}, err
	}
	f, err := root.OpenFile(h.Name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fs.FileMode(h.Mode)&0o755|0o600) //nolint:gosec // it is masked
	if errors.Is(err, fs.ErrExist) {
		return KeptFile{}, damaged("%s is in it twice", h.Name)
	}
	if err != nil {
		return KeptFile{}, err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, sum), r)
	if err != nil {
		_ = f.Close()
		if isWriting(err) {
			return KeptFile{}, fmt.Errorf("restore %s: %w", h.Name, err)
		}
		return KeptFile{}, damaged("%s: %w", h.Name, err)
	}
	kept := KeptFile{Name: h.Name, Size: n, Digest: slipway.Digest("sha256:" + hex.EncodeToString(sum.Sum(nil)))}
	return kept, errors.Join(f.Sync(), f.Close())
}

// isWriting reports whether a copy failed where it was written to.
func isWriting(err error) bool {
	_, ok := errors.AsType[*fs.PathError](err)
	return ok
}

// settle brings the restored database up to date, ends what only held for its time,
// and verifies its ledger.
func (c *Contents) settle(ctx context.Context, dir, head string) error {
	file := filepath.Join(dir, filepath.FromSlash(c.Database))
	s, err := Open(ctx, file, nil)
	if err != nil {
		return err
	}
	err = s.Change(ctx, func(t *Tx) error {
		for _, table := range []string{"session", "pending"} {
			if _, err := t.tx.ExecContext(ctx, "DELETE FROM "+table); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = s.settleID(ctx, filepath.Dir(file))
	}
	for _, outside := range []string{c.Head, head} {
		if err == nil {
			err = c.inspect(ctx, s, filepath.Dir(file), outside)
		}
	}
	return errors.Join(err, s.Close())
}

// settleID writes the id under which artifact repositories know those who shared a
// database into the folder of the one server that a backup of it comes to.
func (s *Store) settleID(ctx context.Context, dir string) error {
	var id string
	err := s.reader.QueryRowContext(ctx, "SELECT value FROM setting WHERE name = ?", ServerID).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return explain("read", s.file, err)
	}
	return os.WriteFile(filepath.Join(dir, ServerID), []byte(id+"\n"), 0o600)
}
