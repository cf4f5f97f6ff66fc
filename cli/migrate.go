package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/store"
)

type migrateCommand struct {
	From string `required:"" placeholder:"DIR" help:"The data folder of the server, which is stopped."`
	To   string `required:"" placeholder:"URL" help:"The empty PostgreSQL database, as postgres://USER@HOST/DATABASE."`
}

// Help implements kong.HelpProvider.
func (migrateCommand) Help() string {
	return `Moves what a server keeps in its own file to a PostgreSQL database, which other servers may share: all of it in one
transaction, which ends only when every table has arrived whole and the ledger verifies there. Then the file is set aside, and the
data folder serves on with --database. Nothing is lost if it is killed or fails: call it again.

Example: slipway migrate --from /var/lib/slipway --to postgres://slipway@db/slipway

` + exitHelp
}

// Run implements the command.
func (c *migrateCommand) Run(s *session) error {
	data := s.path(c.From)
	file, found := store.FileIn(data)
	if !found {
		return slipway.Errorf(slipway.NotFound, "there is no database in %s", c.From).WithFix("name the server's data folder with --from")
	}
	folder := filepath.Dir(file)
	id, err := os.ReadFile(filepath.Join(folder, store.ServerID))
	if errors.Is(err, fs.ErrNotExist) {
		return slipway.Errorf(slipway.NotFound, "no server worked in %s yet", c.From).WithFix("begin anew: slipway serve --database")
	}
	if err != nil {
		return slipway.Errorf(slipway.Unavailable, "cannot read %s: %w", c.From, err)
	}
	to, err := inDatabase{Database: c.To}.where(s)
	if err != nil {
		return err
	}
	unlock, err := pipeline.Hold(s.ctx, folder, ledger.Holder{Who: s.env.User, Process: s.env.Process, Doing: "migrate"}, s.env.Clock)
	if slipway.KindOf(err) == slipway.Busy {
		err = &slipway.Error{Kind: slipway.Busy, Message: err.Error(), Fix: "stop the server first"}
	}
	if err != nil {
		return err
	}
	defer unlock()
	m, err := store.Move(s.ctx, file, to, folder, strings.TrimSpace(string(id)))
	if err != nil {
		return err
	}
	if s.globals.JSON {
		return printJSON(s.env.Stdout, m)
	}
	return s.printMoved(m, c.From)
}

func (s *session) printMoved(m store.Moved, from string) error {
	w := s.env.Stdout
	if m.Again {
		fmt.Fprintf(w, "%s was moved to %s before\n", from, m.To)
		return nil
	}
	for _, table := range slices.Sorted(maps.Keys(m.Rows)) {
		fmt.Fprintf(w, "%8d  %s\n", m.Rows[table], table)
	}
	fmt.Fprintf(w, "moved to %s: %s in %s, verified\n", m.To, plural(m.Report.Entries, "entry", "entries"), plural(int64(m.Report.Chains), "chain", "chains"))
	s.talk.say("start the server with --database %s; another one needs a data folder of its own with %s in its folder state", m.To, "ledger.key")
	return nil
}
