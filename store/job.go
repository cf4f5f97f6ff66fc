package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
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
	JobReplaced  JobState = "replaced"  // a newer one took its place
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

	Placement
	Waits string `json:"waits,omitempty" doc:"Why nobody does it yet, where that is not only that others come first."`
}

const jobColumns = "id, key, kind, subject, input, state, attempt, due, made, began, ended, writer, stop, outcome, process, pool, needs, tenant"

func scanJob(row cells) (Job, error) {
	var j Job
	var due, made, began, ended int64
	var input, outcome, needs string
	err := row.Scan(&j.ID, &j.Key, &j.Kind, &j.Subject, &input, &j.State, &j.Attempt, &due, &made, &began, &ended, &j.By, &j.Stop, &outcome, &j.Process, &j.Pool, &needs, &j.Tenant)
	j.Needs = strings.Fields(needs)
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
// and made is false. Of j only Key, Kind, Subject, Input, Due, Made, By and its Placement count.
func (t *Tx) Enqueue(ctx context.Context, j Job) (job Job, made bool, err error) {
	t.news = true
	row := t.tx.QueryRowContext(ctx, `INSERT INTO job (key, kind, subject, input, state, attempt, due, made, began, ended, writer, stop, outcome, pool, needs, tenant, later)
		VALUES (?, ?, ?, ?, 'waiting', 0, ?, ?, 0, 0, ?, '', '', ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING RETURNING `+jobColumns,
		j.Key, j.Kind, j.Subject, string(j.Input), max(millis(j.Due), millis(j.Made)), millis(j.Made), j.By, j.Pool, labelText(j.Needs), j.Tenant, j.Due.After(j.Made))
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

// AllWaiting are the subjects, of some hundreds at most, on which a job of a kind waits.
func (t *Tx) AllWaiting(ctx context.Context, kind string, subjects []string) (map[string]bool, error) {
	args := []any{kind}
	for _, s := range subjects {
		args = append(args, s)
	}
	all := map[string]bool{}
	_, err := gather(ctx, t.tx, func(row cells) (_ struct{}, err error) {
		var subject string
		err = row.Scan(&subject)
		all[subject] = true
		return struct{}{}, err
	}, "SELECT subject FROM job WHERE kind = ? AND state = 'waiting' AND subject IN ("+marks(len(subjects))+")"+t.tx.words.forUpdate(), args...)
	return all, err
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
	t.rouse(Stops)
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
	t.rouse(Stops)
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
		return notOurs(j)
	}
	return err
}

func notOurs(j Job) error {
	return slipway.Errorf(slipway.Conflict, "the job %s is not done here any more: this process was taken for lost", j.Key)
}

// EndJob ends a job that runs.
func (t *Tx) EndJob(ctx context.Context, id int64, state JobState, outcome json.RawMessage, now time.Time) error {
	_, err := t.tx.ExecContext(ctx, "UPDATE job SET state = ?, outcome = ?, ended = ? WHERE id = ? AND state = 'running'",
		string(state), string(outcome), millis(now), id)
	return err
}

// DropOwn forgets a job that this process claimed. Where it is not its own any more, the
// error is that of [Tx.Ours].
func (t *Tx) DropOwn(ctx context.Context, j Job) error {
	r, err := t.tx.ExecContext(ctx, "DELETE FROM job WHERE id = ? AND state = 'running' AND process = ? AND attempt = ?", j.ID, j.Process, j.Attempt)
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return notOurs(j)
}

// PutOff lets a job that runs wait again, until due.
func (t *Tx) PutOff(ctx context.Context, id int64, due time.Time, outcome json.RawMessage) error {
	t.news = true
	_, err := t.tx.ExecContext(ctx, "UPDATE job SET state = 'waiting', due = ?, later = 1, outcome = ? WHERE id = ? AND state = 'running'",
		millis(due), string(outcome), id)
	return err
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

// Job reads a job; ok is false if there is none.
func (s *Store) Job(ctx context.Context, id int64) (j Job, ok bool, err error) {
	j, err = scanJob(s.reader.QueryRowContext(ctx, "SELECT "+jobColumns+" FROM job WHERE id = ?", id))
	if errors.Is(err, sql.ErrNoRows) {
		return j, false, nil
	}
	return j, err == nil, explain("read", s.file, err)
}

// StoppedJobs lists the jobs of this process that run and are to stop.
func (s *Store) StoppedJobs(ctx context.Context) ([]Job, error) {
	return list(ctx, s, scanJob, "SELECT "+jobColumns+" FROM job WHERE state = 'running' AND process = ? AND stop > ''", s.process().ID)
}

// JobFilter says which jobs are meant; what is empty leaves all.
type JobFilter struct {
	Subject string
	Kinds   []string
	States  []JobState
	After   int64 // an id; 0: to the oldest
	Before  int64 // an id; 0: from the newest
}

// Jobs lists jobs, the newest first.
func (s *Store) Jobs(ctx context.Context, f JobFilter, limit int) ([]Job, error) {
	var w filter
	w.is("subject", f.Subject)
	if len(f.Kinds) > 0 {
		w.and("kind IN ("+marks(len(f.Kinds))+")", anyOf(f.Kinds)...)
	}
	if len(f.States) > 0 {
		w.and(inStates(f.States))
		if !slices.ContainsFunc(f.States, func(s JobState) bool { return s == JobDone || !s.Ended() }) {
			w.and("ended > 0 AND state != 'done'") // as the index of those says
		}
	}
	if f.After > 0 {
		w.and("id > ?", f.After)
	}
	if f.Before > 0 {
		w.and("id < ?", f.Before)
	}
	return list(ctx, s, scanJob, "SELECT "+jobColumns+" FROM job"+w.where()+" ORDER BY id DESC LIMIT ?", append(w.args, limit)...)
}

// inStates is the term that a job is in one of some states. The indexes are of the jobs
// in some states, so that they stand in the text.
func inStates(all []JobState) string {
	var texts []string
	for _, s := range all {
		switch s {
		case JobWaiting, JobRunning, JobDone, JobFailed, JobReplaced, JobCancelled:
			texts = append(texts, "state = '"+string(s)+"'")
		}
	}
	if len(texts) == 0 {
		return "1 = 0" // there is no such state
	}
	return "(" + strings.Join(texts, " OR ") + ")"
}

func anyOf(texts []string) []any {
	all := make([]any, len(texts))
	for i, t := range texts {
		all[i] = t
	}
	return all
}

// CountJobs counts the jobs that are not at their end, by state.
func (s *Store) CountJobs(ctx context.Context) (waiting, running int64, err error) {
	err = s.reader.QueryRowContext(ctx, `SELECT
		(SELECT count(*) FROM job WHERE state = 'waiting'), (SELECT count(*) FROM job WHERE state = 'running')`).Scan(&waiting, &running)
	return waiting, running, explain("read", s.file, err)
}
