package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"
)

// commentLife is how long a comment is kept at least: longer than one may be old to be
// heard at all.
const commentLife = 7 * 24 * time.Hour

// A Comment is one on a pull request that asks for something, as it was when it was
// heard, and what came of it.
type Comment struct {
	Forge      string
	Repository string
	ID         string
	Number     int
	Login      string
	Body       string
	Head       string // that the pull request had when it was written; empty: not known
	Made       time.Time
	Heard      time.Time
	Answers    json.RawMessage // one of each command that was obeyed
	Shown      string          // digest of the answer that the forge was made to show
}

const commentColumns = "forge, repository, id, number, login, body, head, made, heard, answers, shown"

func scanComment(row cells) (Comment, error) {
	var c Comment
	var made, heard int64
	var answers string
	err := row.Scan(&c.Forge, &c.Repository, &c.ID, &c.Number, &c.Login, &c.Body, &c.Head, &made, &heard, &answers, &c.Shown)
	c.Made, c.Heard, c.Answers = fromMillis(made), fromMillis(heard), json.RawMessage(answers)
	return c, err
}

// HearComment keeps a comment. It reports whether it is new: what was heard once is
// not heard again, whatever it says by now.
func (t *Tx) HearComment(ctx context.Context, c Comment) (bool, error) {
	r, err := t.tx.ExecContext(ctx, "INSERT INTO comment ("+commentColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
		c.Forge, c.Repository, c.ID, c.Number, c.Login, c.Body, c.Head, millis(c.Made), millis(c.Heard), string(c.Answers), c.Shown)
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n > 0, err
}

const commentQuery = "SELECT " + commentColumns + " FROM comment WHERE forge = ? AND repository = ? AND id = ?"

func oneComment(row cells) (Comment, bool, error) {
	c, err := scanComment(row)
	if errors.Is(err, sql.ErrNoRows) {
		return c, false, nil
	}
	return c, err == nil, err
}

// Comment reads a comment that was heard.
func (s *Store) Comment(ctx context.Context, forge, repository, id string) (Comment, bool, error) {
	c, ok, err := oneComment(s.reader.QueryRowContext(ctx, commentQuery, forge, repository, id))
	return c, ok, explain("read", s.file, err)
}

// Comment reads a comment that was heard, within the transaction.
func (t *Tx) Comment(ctx context.Context, forge, repository, id string) (Comment, bool, error) {
	return oneComment(t.tx.QueryRowContext(ctx, commentQuery, forge, repository, id))
}

// PutAnswers keeps what came of a comment so far, and what the forge was made to
// show of it.
func (t *Tx) PutAnswers(ctx context.Context, c Comment) error {
	_, err := t.tx.ExecContext(ctx, "UPDATE comment SET answers = ?, shown = ? WHERE forge = ? AND repository = ? AND id = ?",
		string(c.Answers), c.Shown, c.Forge, c.Repository, c.ID)
	return err
}
