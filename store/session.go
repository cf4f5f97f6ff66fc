package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
)

// AddSession keeps a session.
func (s *Store) AddSession(ctx context.Context, x access.Session) error {
	return s.Change(ctx, func(t *Tx) error {
		_, err := t.tx.ExecContext(ctx, "INSERT INTO session (hash, person, teams, made, used) VALUES (?, ?, ?, ?, ?)",
			x.Hash, x.Person, strings.Join(x.Teams, " "), millis(x.Made), millis(x.Used))
		return err
	})
}

// Session finds the session that a cookie's text is. What it finds may have ended;
// see access.Session.Good. If there is none the error is of kind Denied.
func (s *Store) Session(ctx context.Context, secret string) (access.Session, error) {
	var x access.Session
	var teams string
	var made, used int64
	err := s.reader.QueryRowContext(ctx, "SELECT hash, person, teams, made, used FROM session WHERE hash = ?", access.HashSecret(secret)).
		Scan(&x.Hash, &x.Person, &teams, &made, &used)
	if errors.Is(err, sql.ErrNoRows) {
		return x, slipway.Errorf(slipway.Denied, "your session has ended").WithFix("sign in again")
	}
	x.Teams, x.Made, x.Used = strings.Fields(teams), fromMillis(made), fromMillis(used)
	return x, explain("read", s.file, err)
}

// TouchSession notes that a session was used, at most once a minute.
func (s *Store) TouchSession(ctx context.Context, x access.Session, now time.Time) error {
	now = now.Truncate(time.Minute)
	if !x.Used.Before(now) {
		return nil
	}
	return s.Change(ctx, func(t *Tx) error {
		_, err := t.tx.ExecContext(ctx, "UPDATE session SET used = CASE WHEN used < ?1 THEN ?1 ELSE used END WHERE hash = ?2", millis(now), x.Hash)
		return err
	})
}

// EndSession ends the session that a cookie's text is, and all that have run out.
func (s *Store) EndSession(ctx context.Context, secret string, l access.Limits, now time.Time) error {
	return s.Change(ctx, func(t *Tx) error {
		_, err := t.tx.ExecContext(ctx, "DELETE FROM session WHERE hash = ? OR made < ? OR used < ?",
			access.HashSecret(secret), millis(now.Add(-l.Session)), millis(now.Add(-l.Idle)))
		return err
	})
}

// SessionsEnded is the kind of the ledger's entry by which all sessions were ended.
const SessionsEnded = "access.sessions"

// EndSessions ends the sessions of all, and the sign-ins that are under way.
func (s *Store) EndSessions(ctx context.Context, by string, now time.Time) (n int64, err error) {
	err = s.Change(ctx, func(t *Tx) error {
		r, err := t.tx.ExecContext(ctx, "DELETE FROM session")
		if err != nil {
			return err
		}
		if n, err = r.RowsAffected(); err != nil {
			return err
		}
		if _, err := t.tx.ExecContext(ctx, "DELETE FROM pending"); err != nil {
			return err
		}
		return t.note(ctx, SessionsEnded, "sessions/"+now.UTC().Format(time.RFC3339Nano), by, now, map[string]int64{"ended": n})
	})
	return n, err
}

// CountSessions counts the sessions that there are; some of them may have run out.
func (s *Store) CountSessions(ctx context.Context) (n int64, err error) {
	err = s.reader.QueryRowContext(ctx, "SELECT count(*) FROM session").Scan(&n)
	return n, explain("read", s.file, err)
}

// maxPending bounds the sign-ins that are under way: anybody may begin one.
const maxPending = 10_000

// Begin keeps what a random text stands for, until it is taken or has ended.
func (s *Store) Begin(ctx context.Context, kind, secret string, body any, now, ends time.Time) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return s.Change(ctx, func(t *Tx) error {
		if _, err := t.tx.ExecContext(ctx, "DELETE FROM pending WHERE ends <= ?", millis(now)); err != nil {
			return err
		}
		var n int
		if err := t.tx.QueryRowContext(ctx, "SELECT count(*) FROM pending").Scan(&n); err != nil {
			return err
		}
		if n >= maxPending {
			return slipway.Errorf(slipway.Busy, "too many sign-ins are under way").WithFix("try again in some minutes")
		}
		_, err := t.tx.ExecContext(ctx, "INSERT INTO pending (kind, hash, body, ends) VALUES (?, ?, ?, ?)", kind, access.HashSecret(secret), string(data), millis(ends))
		return err
	})
}

// Take returns what a text stands for, once. It reports false for one that was
// taken, has ended, or never was.
func (s *Store) Take(ctx context.Context, kind, secret string, now time.Time, body any) (bool, error) {
	var data string
	err := s.Change(ctx, func(t *Tx) error {
		return t.tx.QueryRowContext(ctx, "DELETE FROM pending WHERE kind = ? AND hash = ? AND ends > ? RETURNING body",
			kind, access.HashSecret(secret), millis(now)).Scan(&data)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, json.Unmarshal([]byte(data), body)
}
