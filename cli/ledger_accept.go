package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/tree"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/store"
)

type ledgerAcceptCommand struct {
	inLedger
	Why string `required:"" placeholder:"TEXT" help:"Why the ledger went back, such as which loss it was restored after. It is kept in the ledger."`
}

// Help implements kong.HelpProvider.
func (ledgerAcceptCommand) Help() string {
	return `Has servers go on with a ledger that went back: one whose database was restored to an earlier moment. Until then they do
not start, since they would do again what was done since. Look with slipway fsck first, and stop all servers. That it went back becomes
an entry. The jobs that were open at that moment end, and are named; what was pushed since counts as known, and is not shipped by
itself; everybody has to sign in again.

Example: slipway ledger accept --data /var/lib/slipway --database postgres://slipway@db/slipway --why "disk lost, restored to 12:00"

` + exitHelp
}

// Run implements the command.
func (c *ledgerAcceptCommand) Run(s *session) (err error) {
	file, keys, err := c.place(s)
	if err != nil {
		return err
	}
	unlock, err := pipeline.Hold(s.ctx, keys, ledger.Holder{Who: s.env.User, Process: s.env.Process, Doing: "ledger accept"}, s.env.Clock)
	if slipway.KindOf(err) == slipway.Busy {
		return &slipway.Error{Kind: slipway.Busy, Message: err.Error(), Fix: "stop the server first"}
	}
	if err != nil {
		return err
	}
	defer unlock()
	st, err := store.Open(s.ctx, file, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	alive, err := st.Alive(s.ctx, longestBeat)
	if err != nil {
		return err
	}
	if len(alive) > 0 {
		return slipway.Errorf(slipway.Busy, "%s works over %s", alive[0].Name, store.NameOf(file)).WithFix("stop all servers first")
	}
	lost, err := c.lost(s, st, keys)
	if err != nil {
		return err
	}
	ended, err := st.Accept(s.ctx, store.Acceptance{By: s.env.User, Why: c.Why, Time: s.env.Clock().UTC(), Lost: lost})
	if err != nil {
		return err
	}
	if s.globals.JSON {
		return printJSON(s.env.Stdout, map[string]any{"lost": lost, "ended": ended})
	}
	s.printAccepted(ended)
	return nil
}

// longestBeat is how long it takes a server to say again that it lives: a sixth of its
// --lost.
const longestBeat = 5 * time.Second

// lost is the head in the data folder that is given up; empty: the ledger goes on from
// it, or there is none.
func (c *ledgerAcceptCommand) lost(s *session, st *store.Store, keys string) (string, error) {
	seen, err := tree.ReadSighting(keys)
	if err != nil {
		return "", err
	}
	public, err := st.PublicKey(s.ctx, keys)
	if err != nil {
		return "", err
	}
	_, err = st.Recall(s.ctx, seen, public)
	switch {
	case errors.Is(err, store.ErrBack):
		s.talk.say("%s: that head is given up", strings.TrimPrefix(err.Error(), store.ErrBack.Error()+": "))
		return seen.Head, nil
	case err != nil:
		return "", fmt.Errorf("%s: %w", filepath.Join(keys, tree.SeenFile), err)
	}
	return "", nil
}

// printAccepted tells what is not done again.
func (s *session) printAccepted(ended []store.Job) {
	w := s.env.Stdout
	fmt.Fprintln(w, "servers go on from here")
	first := true
	for _, j := range ended {
		if strings.HasPrefix(j.Kind, "look-") { // they are made again
			continue
		}
		if first {
			fmt.Fprintln(w, "these jobs were open, and have ended: ask again for what was not done since")
			first = false
		}
		fmt.Fprintf(w, "  %s %s, asked for by %s on %s\n", j.Kind, j.Subject, j.By, when(j.Made))
	}
}
