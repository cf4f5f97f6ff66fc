package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/ledger"
)

const tokenColumns = "id, name, owner, teams, scopes, hash, created, expires, writer, used, ended"

// AddToken keeps a token, and says so in the ledger. Of the good tokens of an owner
// no two have one name.
func (t *Tx) AddToken(ctx context.Context, k access.Token) error {
	var name string
	err := t.tx.QueryRowContext(ctx, "SELECT name FROM token WHERE owner = ? AND name = ? AND ended = 0 AND expires > ?", k.Owner, k.Name, millis(k.Created)).Scan(&name)
	if err == nil {
		return slipway.Errorf(slipway.Conflict, "%s has a token %s already", k.Owner, k.Name).WithFix("choose another name, or revoke it first")
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	_, err = t.tx.ExecContext(ctx, "UPDATE token SET ended = expires WHERE owner = ? AND name = ? AND ended = 0", k.Owner, k.Name) // one that ran out
	if err != nil {
		return err
	}
	_, err = t.tx.ExecContext(ctx, "INSERT INTO token ("+tokenColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0)",
		k.ID, k.Name, k.Owner, strings.Join(k.Teams, " "), joinScopes(k.Scopes), k.Hash, millis(k.Created), millis(k.Expires), k.By)
	if err != nil {
		return err
	}
	return t.note(ctx, access.TokenMade, k.ID, k.By, k.Created, access.TokenNote{ID: k.ID, Name: k.Name, Owner: k.Owner, Scopes: k.Scopes})
}

// EndToken revokes a token, and says so in the ledger; one that was revoked before it
// leaves as it is.
func (t *Tx) EndToken(ctx context.Context, id, by string, now time.Time) error {
	k, err := scanToken(t.tx.QueryRowContext(ctx, "SELECT "+tokenColumns+" FROM token WHERE id = ?", id))
	if errors.Is(err, sql.ErrNoRows) {
		return slipway.Errorf(slipway.NotFound, "there is no token %s", id).WithFix("slipway token list")
	}
	if err != nil || !k.Ended.IsZero() {
		return err
	}
	if _, err := t.tx.ExecContext(ctx, "UPDATE token SET ended = ? WHERE id = ?", millis(now), id); err != nil {
		return err
	}
	return t.note(ctx, access.TokenEnd, id+"/end", by, now, access.TokenNote{ID: k.ID, Name: k.Name, Owner: k.Owner})
}

// Tokens lists the tokens of an owner, or all if owner is empty; the newest first.
func (s *Store) Tokens(ctx context.Context, owner string) ([]access.Token, error) {
	return list(ctx, s, scanToken, "SELECT "+tokenColumns+" FROM token WHERE ?1 = '' OR owner = ?1 ORDER BY created DESC, id", owner)
}

// Token finds the token that a text is. What it finds may have ended; see
// access.Token.Good. If there is none the error is of kind Denied.
func (s *Store) Token(ctx context.Context, secret string) (access.Token, error) {
	if err := access.CheckSecret(secret); err != nil {
		return access.Token{}, err
	}
	k, err := scanToken(s.reader.QueryRowContext(ctx, "SELECT "+tokenColumns+" FROM token WHERE hash = ?", access.HashSecret(secret)))
	if errors.Is(err, sql.ErrNoRows) || err == nil && !k.Is(secret) {
		return access.Token{}, slipway.Errorf(slipway.Denied, "nobody has that token here").WithFix("is it for another server? Get another: slipway login, or slipway token create")
	}
	return k, explain("read", s.file, err)
}

// Used notes that a token was used, at most once a minute.
func (s *Store) Used(ctx context.Context, k access.Token, now time.Time) error {
	now = now.Truncate(time.Minute)
	if !k.Used.Before(now) {
		return nil
	}
	return s.Change(ctx, func(t *Tx) error {
		_, err := t.tx.ExecContext(ctx, "UPDATE token SET used = CASE WHEN used < ?1 THEN ?1 ELSE used END WHERE id = ?2", millis(now), k.ID)
		return err
	})
}

func scanToken(row cells) (access.Token, error) {
	var k access.Token
	var teams, scopes string
	var created, expires, used, ended int64
	if err := row.Scan(&k.ID, &k.Name, &k.Owner, &teams, &scopes, &k.Hash, &created, &expires, &k.By, &used, &ended); err != nil {
		return access.Token{}, err
	}
	if teams != "" {
		k.Teams = strings.Fields(teams)
	}
	k.Created, k.Expires, k.Used, k.Ended = fromMillis(created), fromMillis(expires), fromMillis(used), fromMillis(ended)
	var err error
	k.Scopes, err = splitScopes(scopes)
	return k, err
}

func joinScopes(all []access.Scope) string {
	texts := make([]string, len(all))
	for i, s := range all {
		texts[i] = s.String()
	}
	return strings.Join(texts, " ")
}

func splitScopes(text string) ([]access.Scope, error) {
	all, err := access.ParseScopes(strings.Fields(text))
	if err != nil {
		return nil, fmt.Errorf("scopes in the database: %w", err)
	}
	return all, nil
}

// accessChain is the chain in which it stands who was let in and who was not.
func accessChain() ledger.Subject {
	return ledger.Subject{App: access.ChainApp, Environment: access.ChainEnvironment}
}

// note appends to the chain of access, behind whatever is there.
func (t *Tx) note(ctx context.Context, kind, id, by string, at time.Time, body any) error {
	_, err := t.AppendLast(ctx, ledger.Draft{Subject: accessChain(), ID: id, Kind: kind, Time: at, By: by, Body: body})
	return err
}

// AppendLast is Append behind the last entry there is, which nobody else moves while
// the transaction lasts.
func (t *Tx) AppendLast(ctx context.Context, d ledger.Draft) (ledger.Entry, error) {
	err := t.tx.QueryRowContext(ctx, "SELECT coalesce(max(number), 0) FROM ledger WHERE app = ? AND environment = ?", d.App, d.Environment).Scan(&d.After)
	if err != nil {
		return ledger.Entry{}, err
	}
	return t.Append(ctx, d)
}
