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
	var w filter
	w.and("id > ?", f.After)
	w.is("subject", f.Subject)
	if f.Job > 0 {
		w.and("job = ? AND job > 0", f.Job)
	}
	return list(ctx, s, scanEvent, "SELECT id, time, kind, subject, job, body FROM event"+w.where()+" ORDER BY id LIMIT ?", append(w.args, limit)...)
}

func scanEvent(row cells) (Event, error) {
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
	err = s.reader.QueryRowContext(ctx, "SELECT coalesce((SELECT min(id) FROM event), 0), coalesce((SELECT max(id) FROM event), 0)").Scan(&oldest, &newest)
	return oldest, newest, explain("read", s.file, err)
}
