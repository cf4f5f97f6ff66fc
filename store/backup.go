package store

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/tree"
)

// FileName is the name of the database in its folder.
const FileName = "slipway.db"

// FileIn returns the database of a data folder: below state where a server works,
// and in the folder itself where a command does. If there is none yet it is the
// server's, and found is false.
func FileIn(data string) (file string, found bool) {
	inState := filepath.Join(data, "state", FileName)
	for _, file := range []string{inState, filepath.Join(data, FileName)} {
		if _, err := os.Stat(file); err == nil || wasMoved(file) != nil {
			return file, true
		}
	}
	return inState, false
}

// notKept are the folders of a data folder that are made again when they are not
// there: mirrors of repositories, working copies, caches.
func notKept() []string { return []string{"git", "work", "cache"} }

// Contents is what a backup says of itself. It is the last file of the archive, so
// that one that was cut short has none.
type Contents struct {
	Format   string      `json:"format"`
	Made     time.Time   `json:"made"`
	Program  string      `json:"program"`  // version of the Slipway that made it
	Database string      `json:"database"` // the name of its file
	Head     string      `json:"head"`     // signed head of the ledger's tree; empty: it has none
	Public   string      `json:"public"`   // the key of the head
	Chains   int         `json:"chains"`
	Entries  int64       `json:"entries"`
	Files    []KeptFile  `json:"files"`
	Report   tree.Report `json:"-"` // of the ledger in it
	Folder   bool        `json:"-"` // Restore made the data folder
}

// A KeptFile is a file in a backup.
type KeptFile struct {
	Name   string         `json:"name"`
	Size   int64          `json:"size"`
	Digest slipway.Digest `json:"digest"`
}

// Holds reports whether a file of the state folder is in the backup.
func (c *Contents) Holds(name string) bool {
	name = path.Join(path.Dir(c.Database), name)
	return slices.ContainsFunc(c.Files, func(f KeptFile) bool { return f.Name == name })
}

const (
	backupFormat = "slipway-backup-1"
	contentsName = "backup.json"
)

// BackUp writes a backup of a server to w, while it and others write: a copy of the
// database as it is at one moment, and after it all files of the data folder but those
// that are made again. What the ledger names was written before its entry, so that it is
// in the backup too. Of a PostgreSQL database the copy is a file as SQLite has it, which
// can be restored to either. A ledger that does not verify is an error of kind Conflict.
func BackUp(ctx context.Context, of Site, w io.Writer, now time.Time, program string) (Contents, error) {
	c := Contents{Format: backupFormat, Made: now.UTC(), Program: program, Database: inBackup}
	tmp, err := os.MkdirTemp("", "slipway-backup-*")
	if err != nil {
		return c, err
	}
	defer os.RemoveAll(tmp)
	copied := filepath.Join(tmp, FileName)
	if of.Database != "" {
		err = dump(ctx, of.Database, copied)
	} else {
		err = c.copy(ctx, of.Data, copied)
	}
	if err != nil {
		return c, err
	}
	s, err := OpenReadOnly(ctx, copied)
	if err != nil {
		return c, err
	}
	if err := errors.Join(c.inspect(ctx, s, filepath.Join(of.Data, filepath.Dir(c.Database)), ""), s.Close()); err != nil {
		return c, err
	}
	return c, c.archive(ctx, of.Data, copied, w)
}

// copy copies the database of a data folder, and notes where it lies there.
func (c *Contents) copy(ctx context.Context, data, to string) error {
	file, found := FileIn(data)
	if !found {
		return slipway.Errorf(slipway.NotFound, "there is no database in %s", data).WithFix("name the server's data folder with --data")
	}
	name, err := filepath.Rel(data, file)
	if err != nil {
		return err
	}
	c.Database = filepath.ToSlash(name)
	return copyDatabase(ctx, file, to)
}

// copyDatabase copies a database as it is at one moment.
func copyDatabase(ctx context.Context, file, to string) error {
	s, err := OpenReadOnly(ctx, file)
	if err != nil {
		return err
	}
	defer s.Close()
	if _, err := s.reader.ExecContext(ctx, "VACUUM INTO ?", to); err != nil {
		return explain("copy", file, err)
	}
	return nil
}

// inspect verifies the ledger in a copy of the database, and notes its head.
// It is held against a head that was kept outside, unless that is empty.
func (c *Contents) inspect(ctx context.Context, s *Store, keys, outside string) error {
	if err := s.whole(ctx); err != nil {
		return err
	}
	var err error
	if c.Public, err = s.PublicKey(ctx, keys); err != nil {
		return err
	}
	err = s.Snapshot(ctx, func(x Snapshot) (err error) {
		c.Report, err = tree.Verify(ctx, x, tree.Against{Public: c.Public, Head: outside})
		return err
	})
	if err != nil {
		return err
	}
	c.Head, c.Chains, c.Entries = c.Report.Signed, c.Report.Chains, c.Report.Entries
	return c.Report.Err()
}

// whole asks SQLite whether the file is whole.
func (s *Store) whole(ctx context.Context) error {
	var said string
	err := s.reader.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&said)
	if err == nil && said != "ok" {
		err = errors.New("malformed: " + said)
	}
	return explain("read", s.file, err)
}

// archive writes the database, the other files, and the contents.
func (c *Contents) archive(ctx context.Context, data, database string, w io.Writer) error {
	z := gzip.NewWriter(w)
	a := &archiver{tar: tar.NewWriter(z), made: c.Made}
	if err := a.add(c.Database, database); err != nil {
		return err
	}
	err := filepath.WalkDir(data, func(file string, d fs.DirEntry, err error) error {
		name, _ := filepath.Rel(data, file) // it lies below
		name = filepath.ToSlash(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // it was there a moment ago
		case err != nil:
			return slipway.Errorf(slipway.Unavailable, "cannot read %s: %w", file, err).WithFix("give this user permission to read it")
		case ctx.Err() != nil:
			return ctx.Err()
		case d.IsDir() && slices.Contains(notKept(), name):
			return fs.SkipDir
		case !d.Type().IsRegular(), strings.HasPrefix(name, c.Database), slices.Contains([]string{"lock", tree.SeenFile, ledger.HeadObject}, path.Base(name)):
			return nil
		}
		return a.add(name, file)
	})
	if err != nil {
		return err
	}
	c.Files = a.files
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	if err := a.write(contentsName, int64(len(text)), 0o600, strings.NewReader(string(text))); err != nil {
		return err
	}
	return errors.Join(a.tar.Close(), z.Close())
}

// An archiver writes files one after the other.
type archiver struct {
	tar   *tar.Writer
	made  time.Time
	files []KeptFile
}

// add writes a file as long as it is now: a log that grows is cut there. One that is
// gone by now is left out.
func (a *archiver) add(name, file string) error {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return slipway.Errorf(slipway.Unavailable, "cannot read %s: %w", file, err).WithFix("give this user permission to read it")
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	sum := sha256.New()
	if err := a.write(name, info.Size(), int64(info.Mode().Perm()), io.TeeReader(io.LimitReader(f, info.Size()), sum)); err != nil {
		return fmt.Errorf("back up %s: %w", name, err)
	}
	a.files = append(a.files, KeptFile{Name: name, Size: info.Size(), Digest: slipway.Digest("sha256:" + hex.EncodeToString(sum.Sum(nil)))})
	return nil
}

func (a *archiver) write(name string, size, mode int64, r io.Reader) error {
	h := &tar.Header{Name: name, Size: size, Mode: mode, ModTime: a.made, Typeflag: tar.TypeReg, Format: tar.FormatPAX}
	if err := a.tar.WriteHeader(h); err != nil {
		return err
	}
	n, err := io.Copy(a.tar, r)
	if err == nil && n < size {
		return fmt.Errorf("it became shorter meanwhile, %d bytes of %d", n, size)
	}
	return err
}
