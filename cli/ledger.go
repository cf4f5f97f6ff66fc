package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger/tree"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/store"
)

type ledgerCommand struct {
	Verify ledgerVerifyCommand `cmd:"" help:"Verify every entry of the ledger, and the tree over all of them."`
	Head   ledgerHeadCommand   `cmd:"" help:"Sign the ledger as it is now, and print its head, to be kept elsewhere."`
	Accept ledgerAcceptCommand `cmd:"" help:"Have servers go on with a ledger that was restored to an earlier moment."`
}

// inLedger is a command about the ledger in a data folder.
type inLedger struct {
	inDatabase

	Data string `placeholder:"DIR" env:"SLIPWAY_DATA" help:"The server's data folder, or a state folder. Default: the .slipway in this folder or above it."`
}

// place finds the database, and the folder of its keys.
func (c inLedger) place(s *session) (file, keys string, err error) {
	at, err := c.where(s)
	if err != nil {
		return "", "", err
	}
	if at != "" {
		return at, filepath.Join(s.path(cmp.Or(c.Data, dataFolder)), "state"), nil
	}
	file, err = c.file(s)
	return file, filepath.Dir(file), err
}

// dataFolder is the data folder where none is named.
const dataFolder = "slipway-data"

// file finds the database in a data folder.
func (c inLedger) file(s *session) (string, error) {
	if c.Data != "" {
		file, found := store.FileIn(s.path(c.Data))
		if !found {
			return "", slipway.Errorf(slipway.NotFound, "there is no ledger in %s", c.Data).WithFix("name the server's data folder with --data")
		}
		return file, nil
	}
	for dir := s.env.Dir; ; dir = filepath.Dir(dir) {
		if file, found := store.FileIn(filepath.Join(dir, pipeline.StateFolder)); found {
			return file, nil
		}
		if dir == filepath.Dir(dir) {
			return "", slipway.Errorf(slipway.NotFound, "there is no ledger here or above").WithFix("name the server's data folder with --data")
		}
	}
}

type ledgerVerifyCommand struct {
	inLedger
	Head string `placeholder:"FILE" help:"A head that slipway ledger head printed before: nothing of what it was made of may be missing or changed."`
	Key  string `placeholder:"FILE" help:"The public key of the ledger. Default: ledger.pub beside the database."`
}

// Help implements kong.HelpProvider.
func (ledgerVerifyCommand) Help() string {
	return `Reads the whole ledger of a database, while a server writes to it or not: the hash of every entry and what it follows,
its place in the Merkle tree over all chains, every hash of the tree, and every signed head. Who can write to the database and has
the server's key can make all of it anew; only a head that was kept elsewhere (--head) shows that.

Example: slipway ledger verify --data /var/lib/slipway --head head.txt

Exit codes: 0 everything is as it was written; 1 something is not, and is named; others as for slipway ship.`
}

// Run implements the command.
func (c *ledgerVerifyCommand) Run(s *session) error {
	file, keys, err := c.place(s)
	if err != nil {
		return err
	}
	against, err := c.against(s, keys)
	if err != nil {
		return err
	}
	st, err := store.OpenReadOnly(s.ctx, file)
	if err != nil {
		return err
	}
	defer st.Close()
	var r tree.Report
	err = st.Snapshot(s.ctx, func(x store.Snapshot) (err error) {
		r, err = tree.Verify(s.ctx, x, against)
		return err
	})
	if err != nil {
		return err
	}
	if s.globals.JSON {
		err = printJSON(s.env.Stdout, r)
	} else {
		s.printTree(r)
	}
	if err == nil && len(r.Problems) > 0 {
		err = slipway.Errorf(slipway.Failed, "the ledger is not as it was written: %s", counted(len(r.Problems), "problem")).
			WithFix("bring it back from a backup, and find out who could write there")
	}
	return err
}

// against reads what the ledger is held against.
func (c *ledgerVerifyCommand) against(s *session, keys string) (tree.Against, error) {
	var a tree.Against
	key := filepath.Join(keys, tree.PublicFile)
	if c.Key != "" {
		key = s.path(c.Key)
	}
	text, err := os.ReadFile(key)
	if err != nil && (c.Key != "" || !errors.Is(err, fs.ErrNotExist)) {
		return a, slipway.Errorf(slipway.NotFound, "cannot read the public key: %w", err)
	}
	a.Public = strings.TrimSpace(string(text))
	if c.Head == "" {
		return a, nil
	}
	text, err = os.ReadFile(s.path(c.Head))
	if err != nil {
		return a, slipway.Errorf(slipway.NotFound, "cannot read the head: %w", err)
	}
	a.Head = string(text)
	return a, nil
}

func (s *session) printTree(r tree.Report) {
	w := s.env.Stdout
	for _, p := range r.Problems {
		fmt.Fprintln(w, s.talk.paint(red, "wrong ")+p.String())
	}
	fmt.Fprintf(w, "%s in %s", plural(r.Entries, "entry", "entries"), plural(int64(r.Chains), "chain", "chains"))
	if r.Head.Size > 0 {
		fmt.Fprintf(w, ", %d of them in the tree with the head %s", r.Head.Size, r.Head.Hash)
	}
	if r.Waiting > 0 && r.Head.Size > 0 {
		fmt.Fprintf(w, ", %d wait for their place in it", r.Waiting)
	}
	fmt.Fprintln(w)
	if len(r.Problems) > 0 {
		return
	}
	if r.Before != nil {
		fmt.Fprintf(w, "it goes on from the head of size %d that was kept elsewhere\n", r.Before.Size)
	}
	fmt.Fprintln(w, s.talk.paint(green, "everything is as it was written"))
}

func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

type ledgerHeadCommand struct {
	inLedger
}

// Help implements kong.HelpProvider.
func (ledgerHeadCommand) Help() string {
	return `Puts the entries that wait into the tree, as a server does by itself, and prints the newest signed head: a few lines
that say how many entries there are and one hash over all of them. Keep it where who can write to the database cannot: mail it, commit
it, print it.

Example: slipway ledger head --data /var/lib/slipway > head.txt

` + exitHelp
}

// Run implements the command.
func (c *ledgerHeadCommand) Run(s *session) error {
	file, keys, err := c.place(s)
	if err != nil {
		return err
	}
	st, err := store.Open(s.ctx, file, nil)
	if err != nil {
		return err
	}
	signer, err := st.Signer(s.ctx, keys)
	if err != nil {
		return errors.Join(err, st.Close())
	}
	_, err = tree.Sequencer{Keeper: st, Signer: signer}.All(s.ctx)
	var head tree.SignedHead
	if err == nil {
		head, err = st.SignedHead(s.ctx)
	}
	if err := errors.Join(err, st.Close()); err != nil {
		return err
	}
	if head.Note == "" {
		return slipway.Errorf(slipway.NotFound, "there is nothing in the ledger yet")
	}
	if s.globals.JSON {
		return printJSON(s.env.Stdout, map[string]any{"size": head.Size, "note": head.Note, "key": signer.Public})
	}
	_, err = fmt.Fprint(s.env.Stdout, head.Note)
	return err
}
