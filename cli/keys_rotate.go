package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/identity"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/tree"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/store"
)

type keysRotateCommand struct {
	inLedger
	Key    string `arg:"" enum:"ledger,signing,sessions" help:"What is replaced: ledger, signing or sessions."`
	AtOnce bool   `help:"Of ledger: end the old key now, though not every server has the new one. For a key that somebody else has."`
}

// Help implements kong.HelpProvider.
func (keysRotateCommand) Help() string {
	return `Replaces a key by a new one, while servers work. Interrupted, it goes on where it was when it is called again.

  ledger    signs the heads of the ledger. From now on the new key signs, and what the old one signed stays good. Both steps
            are entries of the ledger. Servers that share a database sign with the old one until each has the new one: copy
            ledger.key to their folders, or put it into the secret ledger/key. Then the old one ends by itself.
  signing   attests what this machine does. The first call makes the new key and says what to write into the platform file;
            the second one has it attest, once the platform file names it.
  sessions  ends the sessions of all who signed in with a browser.

Secrets at forges, of mail and of the database are replaced where they are kept; a server reads them when it starts. Tokens
are made anew with slipway token create, and ended with slipway token revoke.

Example: slipway keys rotate ledger --data /var/lib/slipway

` + exitHelp
}

// Run implements the command.
func (c *keysRotateCommand) Run(s *session) error {
	if c.AtOnce && c.Key != "ledger" {
		return slipway.Errorf(slipway.Invalid, "--at-once is of keys rotate ledger")
	}
	file, dir, err := c.place(s)
	if err != nil {
		return err
	}
	if c.Key == "signing" {
		return s.rotateSigning(dir)
	}
	st, err := store.Open(s.ctx, file, nil)
	if err != nil {
		return err
	}
	if c.Key == "sessions" {
		err = s.endSessions(st)
	} else {
		err = c.ledger(s, st, dir)
	}
	return errors.Join(err, st.Close())
}

// endSessions has everybody sign in again.
func (s *session) endSessions(st *store.Store) error {
	n, err := st.EndSessions(s.ctx, s.env.User, s.env.Clock().UTC())
	if err == nil {
		s.talk.say("%s ended: everybody signs in again", plural(n, "session", "sessions"))
	}
	return err
}

// ledger replaces the key of the ledger.
func (c *keysRotateCommand) ledger(s *session, st *store.Store, dir string) error {
	signer, err := st.Signer(s.ctx, dir) // which takes up what a killed process was at
	if err != nil {
		return err
	}
	old, err := st.OldKey(s.ctx)
	if err != nil {
		return err
	}
	switch old {
	case "":
		if signer, err = s.passKey(st, dir, signer); err != nil {
			return err
		}
	case signer.Public:
		return slipway.Errorf(slipway.Conflict, "the key in %s is being replaced by another one", filepath.Join(dir, tree.KeyFile)).
			WithFix("copy %s from the data folder in which that was begun", tree.KeyFile)
	}
	if c.AtOnce || s.alone(st, dir) {
		if err := st.EndKey(s.ctx, signer, s.env.User, s.env.Clock().UTC()); err != nil {
			return err
		}
	}
	if old, err = st.OldKey(s.ctx); err != nil {
		return err
	}
	if s.globals.JSON {
		return printJSON(s.env.Stdout, map[string]any{"key": signer.Public, "ended": old == ""})
	}
	fmt.Fprintf(s.env.Stdout, "%s signs the heads of the ledger\n", shortKey(signer.Public))
	servers, err := st.SigningServers(s.ctx)
	if old != "" && len(servers) > 1 {
		s.talk.say("copy %s to the folders of the other servers, or put it into the secret ledger/key: the old key ends when all have it", filepath.Join(dir, tree.KeyFile))
	} else if old != "" {
		s.talk.say("the old key ends when the server has looked, within seconds")
	}
	return err
}

// passKey makes the next key, has the ledger know it, and puts it into its place. A
// process that is killed in between leaves what the next one goes on with.
func (s *session) passKey(st *store.Store, dir string, old *tree.Signer) (*tree.Signer, error) {
	next, err := tree.NextSigner(dir)
	if err != nil {
		return nil, err
	}
	if err := st.PassKey(s.ctx, old, next, s.env.User, s.env.Clock().UTC().Truncate(time.Microsecond)); err != nil {
		return nil, err
	}
	return st.Signer(s.ctx, dir)
}

// alone reports whether no server works over a database in a file.
func (s *session) alone(st *store.Store, dir string) bool {
	if st.Shared() {
		return false
	}
	unlock, err := pipeline.Hold(s.ctx, dir, ledger.Holder{Who: s.env.User, Process: s.env.Process, Doing: "keys rotate"}, s.env.Clock)
	if err == nil {
		unlock()
	}
	return err == nil
}

// rotateSigning makes the next key that this machine attests with, or has it attest.
func (s *session) rotateSigning(dir string) error {
	if s.globals.SigningKey != "" {
		return slipway.Errorf(slipway.Invalid, "the key that this machine attests with is what --signing-key or %s says", signingKeyVariable).
			WithFix("make another one there, name it among the signers of the platform file, and then say it there")
	}
	k, made, err := identity.NextMachine(dir)
	if err != nil {
		return err
	}
	p, err := s.nearPlatform()
	if err != nil {
		return err
	}
	from := s.env.Clock().UTC().Format(time.DateOnly)
	line := fmt.Sprintf(`{key: "%s", from: %s}`, k, from)
	if p != nil && len(p.Signers) > 0 {
		_, dated, named := p.Policy().Machine(k.ID())
		switch {
		case !named && made:
			s.talk.say("the new key is made; name it in the platform file beside the old one, among the keys of its signer, and call this again")
			_, err := fmt.Fprintln(s.env.Stdout, line)
			return err
		case !named:
			return slipway.Errorf(slipway.Blocked, "the platform file does not name the new key among its signers yet").WithFix("add it to the keys of the one who has the old one: %s", line)
		case dated.From.After(s.env.Clock()):
			return slipway.Errorf(slipway.Blocked, "the platform file has the new key sign only from %s", when(dated.From)).WithFix("call it again then")
		}
	}
	if err := identity.TakeNextMachine(dir); err != nil {
		return err
	}
	s.talk.say("this machine attests with %s from now on; what the old key signed stays good", k.ID())
	return nil
}
