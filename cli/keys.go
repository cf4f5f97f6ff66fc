package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/slipway-cd/slipway/identity"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/store"
)

type keysCommand struct {
	List   keysListCommand   `cmd:"" default:"withargs" help:"List the keys and secrets of a server."`
	Rotate keysRotateCommand `cmd:"" help:"Replace a key of a server by a new one."`
}

type keysListCommand struct {
	inLedger
}

// Help implements kong.HelpProvider.
func (keysListCommand) Help() string {
	return `Lists what a server, or a state folder, has of keys and secrets, what each is for, and how it stands. No key itself is
ever shown. The secrets are those that the platform file refers to.

Example: slipway keys --data /var/lib/slipway --platform platform.yaml

` + exitHelp
}

// A heldKey is a key or a secret, and how it stands.
type heldKey struct {
	Name  string `json:"name"`
	Key   string `json:"key,omitempty"` // its fingerprint, or its public half
	State string `json:"state"`
}

// Run implements the command.
func (c *keysListCommand) Run(s *session) error {
	file, dir, err := c.place(s)
	if err != nil {
		return err
	}
	st, err := store.OpenReadOnly(s.ctx, file)
	if err != nil {
		return err
	}
	defer st.Close()
	p, err := s.nearPlatform()
	if err != nil {
		return err
	}
	var all []heldKey
	for _, of := range []func(*store.Store, string, *manifest.Platform) ([]heldKey, error){s.ledgerKeys, s.signingKeys, s.heldInData, s.secretsOf} {
		some, err := of(st, dir, p)
		if err != nil {
			return err
		}
		all = append(all, some...)
	}
	if s.globals.JSON {
		return printJSON(s.env.Stdout, all)
	}
	var rows [][]string
	for _, k := range all {
		rows = append(rows, []string{k.Name, or(k.Key), k.State})
	}
	return table(s.env.Stdout, "NAME\tKEY\tSTATE", rows)
}

// nearPlatform is the platform file that is named or near; nil: there is none.
func (s *session) nearPlatform() (*manifest.Platform, error) {
	if s.globals.Platform == "" {
		s.globals.Platform = nearestPlatform(s.env.Dir)
	}
	if s.globals.Platform == "" {
		return nil, nil
	}
	return s.platformFile()
}

// ledgerKeys are the keys that sign the ledger's heads.
func (s *session) ledgerKeys(st *store.Store, dir string, _ *manifest.Platform) ([]heldKey, error) {
	keys, err := st.Keys(s.ctx, dir)
	if err != nil {
		return nil, err
	}
	old, err := st.OldKey(s.ctx)
	if err != nil {
		return nil, err
	}
	servers, err := st.SigningServers(s.ctx)
	if err != nil {
		return nil, err
	}
	all := []heldKey{}
	for _, k := range keys {
		h := heldKey{Name: "ledger", Key: shortKey(k.Public), State: "signs the heads of the ledger"}
		switch {
		case k.Ended:
			h.State = "was replaced; it signed heads of up to " + plural(k.Size, "entry", "entries")
		case k.Public == old:
			h.State = "is being replaced" + without(servers, keys.Newest())
		}
		all = append(all, h)
	}
	if len(all) == 0 {
		all = append(all, heldKey{Name: "ledger", State: "is made when the first head is signed"})
	}
	return all, nil
}

// without says which servers have not got a key.
func without(servers []store.SigningServer, public string) string {
	var names []string
	for _, x := range servers {
		if x.Public != public {
			names = append(names, x.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return ": " + strings.Join(names, ", ") + " has not got the new one"
}

// shortKey is the name and the hash of a key that signs heads.
func shortKey(public string) string {
	parts := strings.SplitN(public, "+", 3)
	return strings.Join(parts[:min(2, len(parts))], "+")
}

// signingKeys are those that this machine attests with.
func (s *session) signingKeys(_ *store.Store, dir string, p *manifest.Platform) ([]heldKey, error) {
	name := "signing"
	switch key := s.globals.SigningKey; {
	case strings.Contains(key, "://"):
		return []heldKey{{Name: name, Key: key, State: "attests; it is rotated by the service that keeps it"}}, nil
	case key != "":
		return []heldKey{{Name: name, State: "attests; it is what --signing-key or " + signingKeyVariable + " says"}}, nil
	}
	var all []heldKey
	for file, state := range map[string]string{identity.MachineKeyFile: "attests", identity.NextMachineKeyFile: "is to attest next"} {
		k, err := identity.PublicMachine(filepath.Join(dir, file))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if p != nil && len(p.Signers) > 0 {
			if _, _, named := p.Policy().Machine(k.ID()); !named {
				state += "; the platform file does not name it among its signers"
			}
		}
		all = append(all, heldKey{Name: name, Key: k.ID(), State: state})
	}
	slices.SortFunc(all, func(a, b heldKey) int { return strings.Compare(a.State, b.State) })
	if len(all) == 0 {
		all = append(all, heldKey{Name: name, State: "is made when something is attested for the first time"})
	}
	return all, nil
}

// heldInData is what else a server has in its database.
func (s *session) heldInData(st *store.Store, _ string, _ *manifest.Platform) ([]heldKey, error) {
	var all []heldKey
	tokens, err := st.Tokens(s.ctx, "")
	if err != nil {
		return nil, err
	}
	good, next := 0, time.Time{}
	for _, t := range tokens {
		if t.Good(s.env.Clock()) != nil {
			continue
		}
		good++
		if next.IsZero() || t.Expires.Before(next) {
			next = t.Expires
		}
	}
	if good > 0 {
		all = append(all, heldKey{Name: "tokens", State: fmt.Sprintf("%s good, the next ends %s; slipway token list", isAre(good), when(next))})
	}
	n, err := st.CountSessions(s.ctx)
	if err == nil && n > 0 {
		all = append(all, heldKey{Name: "sessions", State: plural(n, "session", "sessions") + " of people who signed in"})
	}
	return all, err
}

func isAre(n int) string {
	if n == 1 {
		return "1 is"
	}
	return fmt.Sprintf("%d are", n)
}

// secretsOf are the secrets that the platform file has the server use.
func (s *session) secretsOf(_ *store.Store, _ string, p *manifest.Platform) ([]heldKey, error) {
	if p == nil {
		return nil, nil
	}
	var all []heldKey
	add := func(name, what string) {
		if name == "" {
			return
		}
		state := what
		if _, err := s.env.Secrets(s.ctx, name); err != nil {
			state += "; it is not there: " + err.Error()
		}
		all = append(all, heldKey{Name: "secret", Key: name, State: state})
	}
	for _, f := range p.Server.Forges {
		add(f.Key.Name, "the key of the app at "+f.Name)
		add(f.Token.Name, "the token at "+f.Name)
		add(f.WebhookSecret.Name, "what webhooks of "+f.Name+" are signed with")
	}
	add(p.Server.Database.Password.Name, "the password of the database")
	if p.Server.Mail != nil {
		add(p.Server.Mail.Password.Name, "the password of the mail server")
	}
	return all, nil
}
