package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
)

// A JobState says how far a job is.
type JobState string

// The states of a job.
const (
	JobWaiting   JobState = "waiting"
	JobRunning   JobState = "running"
	JobDone      JobState = "done"
	JobFailed    JobState = "failed"
	JobReplaced  JobState = "replaced"  // a newer one took its place before it began
	JobCancelled JobState = "cancelled" // somebody stopped it
)

// Ended reports whether nothing comes after.
func (s JobState) Ended() bool { return s != JobWaiting && s != JobRunning }

// A Job is a piece of work. It is made in the transaction that made the decision,
// under a key, so that it is made once; one job at a time runs on a subject.
type Job struct {
	ID      int64           `json:"id"`
	Key     string          `json:"key"`
	Kind    string          `json:"kind"`
	Subject string          `json:"subject"`
	Input   json.RawMessage `json:"input"`
	State   JobState        `json:"state"`
	Attempt int             `json:"attempt"`      // how often it was begun
	Due     time.Time       `json:"due,omitzero"` // it does not begin before
	Made    time.Time       `json:"made"`
	Began   time.Time       `json:"began,omitzero"`
	Ended   time.Time       `json:"ended,omitzero"`
	By      string          `json:"by"`
	Stop    string          `json:"stop,omitempty"` // why it is to stop; empty: it is not
	Outcome json.RawMessage `json:"outcome,omitempty"`
	Process string          `json:"-"` // that does it, or did it last
}

const jobColumns = "id, key, kind, subject, input, state, attempt, due, made, began, ended, writer, stop, outcome, process"

func scanJob(row interface{ Scan(...any) error }) (Job, error) {
	var j Job
	var due, made, began, ended int64
	var input, outcome string
	err := row.Scan(&j.ID, &j.Key, &j.Kind, &j.Subject, &input, &j.State, &j.Attempt, &due, &made, &began, &ended, &j.By, &j.Stop, &outcome, &j.Process)
	j.Input, j.Outcome = json.RawMessage(input), json.RawMessage(outcome)
	j.Due, j.Made, j.Began, j.Ended = fromMillis(due), fromMillis(made), fromMillis(began), fromMillis(ended)
	return j, err
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// Enqueue makes a job, unless there is one with its key: then that one is returned,
// and made is false. Of j only Key, Kind, Subject, Input, Due, Made and By count.
func (t *Tx) Enqueue(ctx context.Context, j Job) (job Job, made bool, err error) {
	t.news = true
	row := t.tx.QueryRowContext(ctx, `INSERT INTO job (key, kind, subject, input, state, attempt, due, made, began, ended, writer, stop, outcome)
		VALUES (?, ?, ?, ?, 'waiting', 0, ?, ?, 0, 0, ?, '', '') ON CONFLICT (key) DO NOTHING RETURNING `+jobColumns,
		j.Key, j.Kind, j.Subject, string(j.Input), max(millis(j.Due), millis(j.Made)), millis(j.Made), j.By)
	job, err = scanJob(row)
	if !errors.Is(err, sql.ErrNoRows) {
		return job, err == nil, err
	}
	job, err = scanJob(t.tx.QueryRowContext(ctx, "SELECT "+jobColumns+" FROM job WHERE key = ?", j.Key))
	return job, false, err
}

// RequestKey is the key of a job that somebody asked for under a name of their own:
// the name and a digest of what they asked for.
func RequestKey(name string, request []byte) string {
	return name + "#" + string(slipway.DigestOf(request))
}

// RequestedJob returns the job that was asked for under a name, whatever it was.
func (t *Tx) RequestedJob(ctx context.Context, name string) (Job, bool, error) {
	j, err := scanJob(t.tx.QueryRowContext(ctx, "SELECT "+jobColumns+" FROM job WHERE key > ?1 || '#' AND key < ?1 || '$' LIMIT 1", name))
	if errors.Is(err, sql.ErrNoRows) {
		return j, false, nil
	}
	return j, err == nil, err
}

// Waiting returns the job of a kind that waits on a subject, if there is one. It does
// not begin before the end of the transaction, so that it sees what that one writes.
func (t *Tx) Waiting(ctx context.Context, subject, kind string) (Job, bool, error) {
	j, err := scanJob(t.tx.QueryRowContext(ctx,
		"SELECT "+jobColumns+" FROM job WHERE subject = ? AND kind = ? AND state = 'waiting' ORDER BY id DESC LIMIT 1"+t.tx.words.forUpdate(), subject, kind))
	if errors.Is(err, sql.ErrNoRows) {
		return j, false, nil
	}
	return j, err == nil, err
}

// LastJob is the newest job of a kind on a subject.
func (t *Tx) LastJob(ctx context.Context, subject, kind string) (Job, bool, error) {
	j, err := scanJob(t.tx.QueryRowContext(ctx, "SELECT "+jobColumns+" FROM job WHERE subject = ? AND kind = ? ORDER BY id DESC LIMIT 1", subject, kind))
	if errors.Is(err, sql.ErrNoRows) {
		return j, false, nil
	}
	return j, err == nil, err
}

// Runs reports whether a job runs on a subject.
func (t *Tx) Runs(ctx context.Context, subject string) (bool, error) {
	var runs bool
	err := t.tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM job WHERE subject = ? AND state = 'running')", subject).Scan(&runs)
	return runs, err
}

// Replace ends the jobs of a kind that wait on a subject, but for the one with the
// id keep: it does what they were to do. Those that run are asked to stop.
func (t *Tx) Replace(ctx context.Context, subject, kind string, keep int64, why string, now time.Time) error {
	t.news = true
	_, err := t.tx.ExecContext(ctx, `UPDATE job SET state = 'replaced', ended = ?, stop = ?
		WHERE subject = ? AND kind = ? AND state = 'waiting' AND id != ?`, millis(now), why, subject, kind, keep)
	if err != nil {
		return err
	}
	_, err = t.tx.ExecContext(ctx, "UPDATE job SET stop = ? WHERE subject = ? AND kind = ? AND state = 'running' AND stop = '' AND id != ?",
		why, subject, kind, keep)
	return err
}

// StopJob asks a job to stop: one that waits ends at once, one that runs is told.
// It reports whether it was still open.
func (t *Tx) StopJob(ctx context.Context, id int64, why string, now time.Time) (bool, error) {
	t.news = true
	r, err := t.tx.ExecContext(ctx, `UPDATE job SET stop = ?,
		ended = CASE state WHEN 'waiting' THEN ? ELSE ended END,
		state = CASE state WHEN 'waiting' THEN 'cancelled' ELSE state END
		WHERE id = ? AND state IN ('waiting', 'running')`, why, millis(now), id)
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n > 0, err
}

// KeepInput keeps the input of a job with what was decided since it was made.
func (t *Tx) KeepInput(ctx context.Context, id int64, input json.RawMessage) error {
	_, err := t.tx.ExecContext(ctx, "UPDATE job SET input = ? WHERE id = ?", string(input), id)
	return err
}

// Ours proves that a job that this process claimed is still its own, and keeps it so
// to the end of the transaction. A process that was taken for lost, and another one took
// its jobs over, gets an error of kind Conflict, and changes nothing.
func (t *Tx) Ours(ctx context.Context, j Job) error {
	var attempt int
	err := t.tx.QueryRowContext(ctx, "SELECT attempt FROM job WHERE id = ? AND state = 'running' AND process = ?"+t.tx.words.forUpdate(), j.ID, j.Process).Scan(&attempt)
	if errors.Is(err, sql.ErrNoRows) || err == nil && attempt != j.Attempt {
		return slipway.Errorf(slipway.Conflict, "the job %s is not done here any more: this process was taken for lost", j.Key)
	}
	return err
}

// EndJob ends a job that runs.
func (t *Tx) EndJob(ctx context.Context, id int64, state JobState, outcome json.RawMessage, now time.Time) error {
	_, err := t.tx.ExecContext(ctx, "UPDATE job SET state = ?, outcome = ?, ended = ? WHERE id = ? AND state = 'running'",
		string(state), string(outcome), millis(now), id)
	return err
}

// DropJob forgets a job.
func (t *Tx) DropJob(ctx context.Context, id int64) error {
	_, err := t.tx.ExecContext(ctx, "DELETE FROM job WHERE id = ?", id)
	return err
}

// PutOff lets a job that runs wait again, until due.
func (t *Tx) PutOff(ctx context.Context, id int64, due time.Time, outcome json.RawMessage) error {
	t.news = true
	_, err := t.tx.ExecContext(ctx, "UPDATE job SET state = 'waiting', due = ?, outcome = ? WHERE id = ? AND state = 'running'",
		millis(due), string(outcome), id)
	return err
}

// Claim begins the job of the kinds that has been due for longest and on whose subject
// none runs. If soon is true it does not wait for the disk: see [Store.ChangeSoon]. ok is
// false if there is none.
func (s *Store) Claim(ctx context.Context, kinds []string, now time.Time, soon bool) (j Job, ok bool, err error) {
	if len(kinds) == 0 {
		return j, false, nil
	}
	args := make([]any, 0, len(kinds)+3)
	for _, k := range kinds {
		args = append(args, k)
	}
	args = append(args, millis(now))
	open := "kind IN (" + marks(len(kinds)) + ") AND state = 'waiting' AND due <= ?"
	// A look costs no lock; most find nothing.
	var found int64
	err = s.reader.QueryRowContext(ctx, "SELECT id FROM job WHERE "+open+" LIMIT 1", args...).Scan(&found)
	if errors.Is(err, sql.ErrNoRows) {
		return j, false, nil
	}
	if err != nil {
		return j, false, explain("read", s.file, err)
	}
	query := `UPDATE job SET state = 'running', began = ?, process = ?, attempt = attempt + 1 WHERE id = (
		SELECT id FROM job w WHERE ` + open + `
		AND NOT EXISTS (SELECT 1 FROM job r WHERE r.state = 'running' AND r.subject = w.subject)
		ORDER BY due, id LIMIT 1` + s.reader.words.forClaim() + `) RETURNING ` + jobColumns
	args = append([]any{millis(now), s.process().ID}, args...)
	err = s.claim(ctx, soon, func(t *Tx) error {
		j, err = scanJob(t.tx.QueryRowContext(ctx, query, args...))
		ok = err == nil
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return j, ok, err
}

// claim runs a change that is one statement, which in PostgreSQL sees what was
// committed when it begins: nobody waits for another who claims.
func (s *Store) claim(ctx context.Context, soon bool, fn func(*Tx) error) error {
	switch {
	case s.shared != nil:
		return s.changeShared(ctx, change{fn: fn, soon: soon, level: sql.LevelReadCommitted})
	case soon:
		return s.ChangeSoon(ctx, fn)
	}
	return s.Change(ctx, fn)
}

// Reopen lets the jobs wait again that ran in a process that is gone. Whoever
// calls it is the only process that runs jobs.
func (s *Store) Reopen(ctx context.Context) (int64, error) {
	var n int64
	err := s.Change(ctx, func(t *Tx) error {
		r, err := t.tx.ExecContext(ctx, "UPDATE job SET state = 'waiting' WHERE state = 'running'")
		if err != nil {
			return err
		}
		n, err = r.RowsAffected()
		return err
	})
	return n, err
}

// NextDue is when the next job that waits becomes due; zero if none waits.
func (s *Store) NextDue(ctx context.Context, after time.Time) (time.Time, error) {
	var due sql.NullInt64
	err := s.reader.QueryRowContext(ctx, "SELECT min(due) FROM job WHERE state = 'waiting' AND due > ?", millis(after)).Scan(&due)
	return fromMillis(due.Int64), explain("read", s.file, err)
}

// Job reads a job; ok is false if there is none.
func (s *Store) Job(ctx context.Context, id int64) (j Job, ok bool, err error) {
	j, err = scanJob(s.reader.QueryRowContext(ctx, "SELECT "+jobColumns+" FROM job WHERE id = ?", id))
	if errors.Is(err, sql.ErrNoRows) {
		return j, false, nil
	}
	return j, err == nil, explain("read", s.file, err)
}

// JobFilter says which jobs are meant; what is empty leaves all.
type JobFilter struct {
	Subject string
	Kinds   []string
	States  []JobState
	Before  int64 // an id; 0: from the newest
}

// Jobs lists jobs, the newest first.
func (s *Store) Jobs(ctx context.Context, f JobFilter, limit int) ([]Job, error) {
	where, args := []string{"1 = 1"}, []any{}
	if f.Subject != "" {
		where, args = append(where, "subject = ?"), append(args, f.Subject)
	}
	if len(f.Kinds) > 0 {
		where = append(where, "kind IN ("+marks(len(f.Kinds))+")")
		for _, k := range f.Kinds {
			args = append(args, k)
		}
	}
	if len(f.States) > 0 {
		where = append(where, "state IN ("+marks(len(f.States))+")")
		for _, k := range f.States {
			args = append(args, string(k))
		}
	}
	if f.Before > 0 {
		where, args = append(where, "id < ?"), append(args, f.Before)
	}
	args = append(args, limit)
	return list(ctx, s, scanJob, "SELECT "+jobColumns+" FROM job WHERE "+strings.Join(where, " AND ")+" ORDER BY id DESC LIMIT ?", args...)
}

// list reads rows.
func list[T any](ctx context.Context, s *Store, scan func(interface{ Scan(...any) error }) (T, error), query string, args ...any) ([]T, error) {
	rows, err := s.reader.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, explain("read", s.file, err)
	}
	defer rows.Close()
	all := []T{}
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, explain("read", s.file, err)
		}
		all = append(all, v)
	}
	return all, explain("read", s.file, rows.Err())
}

// CountJobs counts the jobs that are not at their end, by state.
func (s *Store) CountJobs(ctx context.Context) (waiting, running int64, err error) {
	err = s.reader.QueryRowContext(ctx, `SELECT
		(SELECT count(*) FROM job WHERE state = 'waiting'), (SELECT count(*) FROM job WHERE state = 'running')`).Scan(&waiting, &running)
	return waiting, running, explain("read", s.file, err)
}
