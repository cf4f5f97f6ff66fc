package store

import (
	"context"
	"encoding/json"
	"time"
)

// An Event is something that those who watch want to know at once.
type Event struct {
	ID      int64           `json:"id"`
	Time    time.Time       `json:"time"`
	Kind    string          `json:"kind"`
	Subject string          `json:"subject"`
	Job     int64           `json:"job,omitempty"`
	Body    json.RawMessage `json:"body,omitempty"`
}

// Tell adds an event to the stream, as part of the transaction.
func (t *Tx) Tell(ctx context.Context, e Event) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t.events, t.news = append(t.events, e), true
	return nil
}

// EventFilter says which events are meant; what is empty leaves all.
type EventFilter struct {
	After   int64 // an id
	Subject string
	Job     int64
}

// Events lists events, the oldest first.
func (s *Store) Events(ctx context.Context, f EventFilter, limit int) ([]Event, error) {
	return list(ctx, s, scanEvent, `SELECT id, time, kind, subject, job, body FROM event
		WHERE id > ?1 AND (?2 = '' OR subject = ?2) AND (CAST(?3 AS BIGINT) = 0 OR job = ?3) ORDER BY id LIMIT ?4`,
		f.After, f.Subject, f.Job, limit)
}

func scanEvent(row interface{ Scan(...any) error }) (Event, error) {
	var e Event
	var at int64
	var body string
	err := row.Scan(&e.ID, &at, &e.Kind, &e.Subject, &e.Job, &body)
	e.Time, e.Body = fromMillis(at), json.RawMessage(body)
	return e, err
}

// EventSpan is the id of the oldest event that is kept, and of the newest; both 0
// if there are none.
func (s *Store) EventSpan(ctx context.Context) (oldest, newest int64, err error) {
	err = s.reader.QueryRowContext(ctx, "SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM event").Scan(&oldest, &newest)
	return oldest, newest, explain("read", s.file, err)
}

// Tidy deletes what nobody asks for any more: all events but the newest, and jobs
// and deliveries from before a time.
func (s *Store) Tidy(ctx context.Context, events int64, before time.Time) error {
	return s.Change(ctx, func(t *Tx) error {
		for _, c := range []struct {
			query string
			arg   int64
		}{
			{"DELETE FROM event WHERE id <= (SELECT max(id) FROM event) - ?", events},
			{"DELETE FROM job WHERE ended > 0 AND ended < ?", millis(before)},
			{"DELETE FROM watched_run WHERE ended < ?", millis(before)},
			{"DELETE FROM delivery WHERE time < ?", millis(before)},
			{"DELETE FROM comment WHERE heard < ?", millis(before.Add(-commentLife))},
		} {
			if _, err := t.tx.ExecContext(ctx, c.query, c.arg); err != nil {
				return err
			}
		}
		return nil
	})
}
