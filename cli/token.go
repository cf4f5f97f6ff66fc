package cli

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/schema"
	"github.com/slipway-cd/slipway/server"
	"github.com/slipway-cd/slipway/store"
)

type tokenCommand struct {
	Create tokenCreateCommand `cmd:"" help:"Make a token, and print it once."`
	List   tokenListCommand   `cmd:"" help:"List tokens."`
	Revoke tokenRevokeCommand `cmd:"" help:"Revoke a token."`
}

// inData is a command that works in the data folder itself, as the one who may read
// and write it.
type inData struct {
	inDatabase

	Data string `placeholder:"DIR" default:"slipway-data" env:"SLIPWAY_DATA" help:"The server's data folder, on this machine. Default: slipway-data."`
}

// open opens the database, which the server may be using meanwhile.
func (d inData) open(s *session) (*store.Store, error) {
	if at, err := d.where(s); err != nil || at != "" {
		if err != nil {
			return nil, err
		}
		return store.Open(s.ctx, at, nil)
	}
	file, found := store.FileIn(s.path(d.Data))
	if _, err := os.Stat(s.path(d.Data)); err != nil && !found {
		return nil, slipway.Errorf(slipway.NotFound, "there is no data folder %s", d.Data).WithFix("name the server's with --data; slipway serve makes it")
	}
	return store.Open(s.ctx, file, nil)
}

// tokens lists the tokens of the server that is named, or of the data folder; of one
// owner, if one is given. The newest are first.
func (d inData) tokens(s *session, owner string) ([]access.Token, error) {
	at, err := s.remote()
	if err != nil {
		return nil, err
	}
	if at == nil {
		st, err := d.open(s)
		if err != nil {
			return nil, err
		}
		all, err := st.Tokens(s.ctx, owner)
		return all, errors.Join(err, st.Close())
	}
	all, err := at.Tokens(s.ctx, true)
	all = slices.DeleteFunc(all, func(t access.Token) bool { return owner != "" && t.Owner != owner })
	slices.SortStableFunc(all, func(a, b access.Token) int { return b.Created.Compare(a.Created) })
	return all, err
}

type tokenCreateCommand struct {
	inData
	Name    string   `arg:"" help:"What the token is called."`
	Owner   string   `placeholder:"PERSON" help:"The person for whom it stands, by the short name in platform.yaml. Default: you, as the server knows you."`
	Scope   []string `required:"" sep:"," placeholder:"SCOPE" help:"What it is good for: ACTION, ACTION:APP, ACTION@ENVIRONMENT or ACTION:APP@ENVIRONMENT; all for everything that the person may. More of them with commas."`
	Expires string   `default:"30d" placeholder:"TIME" help:"How long it is good for. Default: 30d."`
}

// Help implements kong.HelpProvider.
func (tokenCreateCommand) Help() string {
	return `Makes a token at the server that --server names or, without one, in the data folder of a server on this machine, such as
the first one of all. What is kept is its hash: it cannot be shown again. A token is never good for more than its owner may at the
time it is used.

Example: slipway token create ci --owner ana --scope deploy:traffic@staging --platform platform.yaml

` + exitHelp
}

// Run implements the command.
func (c *tokenCreateCommand) Run(s *session) error {
	life, err := schema.ParseDuration(c.Expires)
	if err != nil {
		return slipway.Errorf(slipway.Invalid, "--expires: %w", err).WithFix("such as 30d or 12h")
	}
	at, err := s.remote()
	if err != nil {
		return err
	}
	if at == nil {
		return c.here(s, life)
	}
	made, err := at.CreateToken(s.ctx, server.TokenRequest{Name: c.Name, Owner: c.Owner, Scopes: c.Scope, Expires: s.env.Clock().UTC().Truncate(time.Second).Add(life)})
	if err != nil {
		return err
	}
	return s.showNewToken(madeToken{Token: made.Token, Secret: made.Secret})
}

// here makes the token in a data folder.
func (c *tokenCreateCommand) here(s *session, life time.Duration) error {
	if c.Owner == "" {
		return slipway.Errorf(slipway.Invalid, "a token stands for a person").WithFix("say for whom with --owner, by the short name in platform.yaml")
	}
	p, err := c.policy(s)
	if err != nil {
		return err
	}
	scopes, err := access.ParseScopes(c.Scope)
	if err != nil {
		return err
	}
	t, secret, err := p.Issue(access.Identity{Person: c.Owner}, access.Token{Name: c.Name, Owner: c.Owner, Scopes: scopes, Expires: p.Now.Add(life)})
	if err != nil {
		return err
	}
	t.By = s.env.User
	if err := os.MkdirAll(s.path(c.Data), 0o700); err != nil { // the first token may be made before the server's first start
		return cannotWrite(c.Data, err)
	}
	st, err := c.open(s)
	if err != nil {
		return err
	}
	err = st.Change(s.ctx, func(tx *store.Tx) error { return tx.AddToken(s.ctx, t) })
	if err := errors.Join(err, st.Close()); err != nil {
		return err
	}
	return s.showNewToken(madeToken{Token: t, Secret: secret})
}

func (s *session) showNewToken(t madeToken) error {
	if s.globals.JSON {
		return printJSON(s.env.Stdout, t)
	}
	s.talk.say("%s of %s is good for %s until %s; it is shown this once", t.Name, t.Owner, access.JoinScopes(t.Scopes), when(t.Expires))
	_, err := fmt.Fprintln(s.env.Stdout, t.Secret)
	return err
}

// A madeToken is a token with its text, which is shown once.
type madeToken struct {
	access.Token
	Secret string `json:"token"`
}

// policy is that of the platform file.
func (c *tokenCreateCommand) policy(s *session) (access.Policy, error) {
	name := s.globals.Platform
	if name == "" {
		name = nearestPlatform(s.env.Dir)
	}
	if name == "" {
		return access.Policy{}, slipway.Errorf(slipway.Invalid, "there is no %s here or above, so nobody is known", manifest.PlatformFileName).
			WithFix("name the server's with --platform")
	}
	text, err := s.readFile(name)
	if err != nil {
		return access.Policy{}, err
	}
	p, err := manifest.LoadPlatform(name, text)
	if err != nil {
		return access.Policy{}, err
	}
	return access.Policy{Rules: p.Access(), Now: s.env.Clock().UTC().Truncate(time.Second)}, nil
}

type tokenListCommand struct {
	inData
	Owner string `placeholder:"PERSON" help:"Those of one person."`
	All   bool   `help:"Also those that have ended."`
}

// Help implements kong.HelpProvider.
func (tokenListCommand) Help() string {
	return "It shows when each was last used, to the minute. The tokens themselves are nowhere. At a server you see your own, and as an owner of the platform those of all.\n\nExample: slipway token list --owner ana\n\n" + exitHelp
}

// Run implements the command.
func (c *tokenListCommand) Run(s *session) error {
	tokens, err := c.tokens(s, c.Owner)
	if err != nil {
		return err
	}
	shown := []access.Token{}
	for _, t := range tokens {
		if c.All || t.Good(s.env.Clock()) == nil {
			shown = append(shown, t)
		}
	}
	if s.globals.JSON {
		return printJSON(s.env.Stdout, shown)
	}
	if len(shown) == 0 {
		s.talk.say("there are no tokens")
	}
	var rows [][]string
	for _, t := range shown {
		state := when(t.Expires)
		if !t.Ended.IsZero() {
			state = "revoked"
		}
		rows = append(rows, []string{t.ID, t.Name, t.Owner, access.JoinScopes(t.Scopes), state, when(t.Used)})
	}
	return table(s.env.Stdout, "ID\tNAME\tOWNER\tGOOD FOR\tUNTIL\tLAST USED", rows)
}

type tokenRevokeCommand struct {
	inData
	Token string `arg:"" help:"The token's name, or its id."`
	Owner string `placeholder:"PERSON" help:"Whose token it is, where several people have one of that name."`
}

// Help implements kong.HelpProvider.
func (tokenRevokeCommand) Help() string {
	return "From then on nobody gets in with it.\n\nExample: slipway token revoke ci --owner ana\n\n" + exitHelp
}

// Run implements the command.
func (c *tokenRevokeCommand) Run(s *session) error {
	t, err := c.find(s)
	if err != nil {
		return err
	}
	if err := c.end(s, t); err != nil {
		return err
	}
	s.talk.say("%s of %s is revoked", t.Name, t.Owner)
	return nil
}

// end ends a token, at the server or in the data folder.
func (c *tokenRevokeCommand) end(s *session, t access.Token) error {
	at, err := s.remote()
	if err != nil {
		return err
	}
	if at != nil {
		_, err := at.RevokeToken(s.ctx, t.ID)
		return err
	}
	st, err := c.open(s)
	if err != nil {
		return err
	}
	err = st.Change(s.ctx, func(tx *store.Tx) error { return tx.EndToken(s.ctx, t.ID, s.env.User, s.env.Clock()) })
	return errors.Join(err, st.Close())
}

// find looks for the one token that is meant.
func (c *tokenRevokeCommand) find(s *session) (access.Token, error) {
	all, err := c.tokens(s, c.Owner)
	if err != nil {
		return access.Token{}, err
	}
	all = slices.DeleteFunc(all, func(t access.Token) bool { return !t.Ended.IsZero() || t.ID != c.Token && t.Name != c.Token })
	switch len(all) {
	case 0:
		return access.Token{}, slipway.Errorf(slipway.NotFound, "there is no token %s that could be revoked", c.Token).WithFix("slipway token list")
	case 1:
		return all[0], nil
	}
	return access.Token{}, slipway.Errorf(slipway.Invalid, "%s have a token %s", plural(int64(len(all)), "person", "people"), c.Token).WithFix("say whose with --owner")
}
