package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger/tree"
	"github.com/slipway-cd/slipway/schema"
	"github.com/slipway-cd/slipway/store"
)

type backupCommand struct {
	inData
	Out string `short:"o" required:"" placeholder:"FILE" help:"The file to write."`
}

// Help implements kong.HelpProvider.
func (backupCommand) Help() string {
	return `Writes a data folder to one file, while the server goes on: the database as it is at one moment, and all files that it
names. The ledger is verified first. The file holds the key that signs the ledger and the hashes of tokens: keep it as such.

With --database it is the PostgreSQL database that servers share, and the data folder of one of them. The file is the same, and
can be restored to a data folder alone or to a PostgreSQL database.

Example: slipway backup --data /var/lib/slipway -o slipway-backup.tar.gz
Example: slipway backup --data /var/lib/slipway --database postgres://slipway@db/slipway -o slipway-backup.tar.gz

` + exitHelp
}

// Run implements the command.
func (c *backupCommand) Run(s *session) error {
	out, data := s.path(c.Out), s.path(c.Data)
	if _, err := os.Stat(out); err == nil {
		return slipway.Errorf(slipway.Invalid, "%s is there already", c.Out).WithFix("name another file, or remove it")
	}
	if rel, err := filepath.Rel(data, out); err == nil && filepath.IsLocal(rel) {
		return slipway.Errorf(slipway.Invalid, "%s lies in the folder that is backed up", c.Out).WithFix("write it somewhere else, best on another disk")
	}
	at, err := c.where(s)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(out), "."+filepath.Base(out)+"-*") // for its owner alone
	if err != nil {
		return slipway.Errorf(slipway.Unavailable, "cannot write %s: %w", c.Out, err).WithFix("name a file in a folder that this user may write")
	}
	defer os.Remove(f.Name())
	contents, err := store.BackUp(s.ctx, store.Site{Data: data, Database: at}, f, s.env.Clock(), s.env.Version)
	if err == nil {
		err = f.Sync()
	}
	size, _ := f.Seek(0, 1)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), out); err != nil {
		return err
	}
	if s.globals.JSON {
		return printJSON(s.env.Stdout, contents)
	}
	if !contents.Holds(tree.KeyFile) && contents.Head != "" {
		s.talk.say("%s is not in it: it is not in %s, and has to be kept somewhere else", tree.KeyFile, data)
	}
	_, err = fmt.Fprintf(s.env.Stdout, "%s: %s, %s%s\n", c.Out, schema.FormatSize(size), counted(len(contents.Files), "file"), inBackup(contents))
	return err
}

// inBackup says what ledger is in a backup.
func inBackup(c store.Contents) string {
	text := fmt.Sprintf("; %s of the ledger in %s, verified", plural(c.Entries, "entry", "entries"), plural(int64(c.Chains), "chain", "chains"))
	if c.Report.Head.Size > 0 {
		text += fmt.Sprintf(", head of %d", c.Report.Head.Size)
	}
	return text
}

type restoreCommand struct {
	inData
	File string `arg:"" name:"file" help:"The backup."`
	Head string `placeholder:"FILE" help:"A head that slipway ledger head printed: the ledger in the backup has to go on from it."`
}

// Help implements kong.HelpProvider.
func (restoreCommand) Help() string {
	return `Makes a data folder from a backup, where there is none. Every file, the database and the ledger are verified before the
folder is there under its name; if anything is wrong, nothing is left behind. Everybody has to sign in again.

With --database what was in the database comes to a PostgreSQL database, which has to be empty, in one transaction. A data folder that
is there already stays as it is.

Example: slipway restore slipway-backup.tar.gz --data /var/lib/slipway
Example: slipway restore slipway-backup.tar.gz --data /var/lib/slipway --database postgres://slipway@db/slipway

` + exitHelp
}

// Run implements the command.
func (c *restoreCommand) Run(s *session) error {
	f, err := os.Open(s.path(c.File))
	if errors.Is(err, fs.ErrNotExist) {
		return slipway.Errorf(slipway.NotFound, "there is no file %s", c.File)
	}
	if err != nil {
		return slipway.Errorf(slipway.Unavailable, "cannot read %s: %w", c.File, err)
	}
	defer f.Close()
	var head []byte
	if c.Head != "" {
		if head, err = os.ReadFile(s.path(c.Head)); err != nil {
			return slipway.Errorf(slipway.NotFound, "cannot read the head: %w", err)
		}
	}
	at, err := c.where(s)
	if err != nil {
		return err
	}
	contents, err := store.Restore(s.ctx, f, store.Site{Data: s.path(c.Data), Database: at}, string(head))
	if err != nil {
		return err
	}
	if s.globals.JSON {
		return printJSON(s.env.Stdout, contents)
	}
	what := strings.TrimSuffix(c.Data, "/")
	if at != "" {
		what = store.NameOf(at)
		if !contents.Folder {
			s.talk.say("%s is there, and stays as it is: the database alone was restored", c.Data)
		}
	}
	_, err = fmt.Fprintf(s.env.Stdout, "%s is as it was on %s%s\n", what, when(contents.Made), inBackup(contents))
	return err
}
