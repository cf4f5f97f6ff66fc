package store

import (
	"context"
	"database/sql"
	"errors"
)

// MostLog is how much of what a job printed is kept, in bytes, and a little more: its
// begin and its end, each half of that.
const MostLog = 16 << 20

// MostPiece is how long a piece of a log may be, in bytes.
const MostPiece = 256 << 10

// A LogPiece is a part of what a job printed. Where it does not begin at the end of the
// piece before, what was between them was left out.
type LogPiece struct {
	At   int64 // where in the log it begins, in bytes
	Said []byte
}

// End is where the next piece begins.
func (p LogPiece) End() int64 { return p.At + int64(len(p.Said)) }

// AddLog adds a piece to the end of what a job printed that this process does. Done again
// it changes nothing. It does not wait for the disk: the change that ends the job does.
// Of a log that grows longer than MostLog the middle goes. A process that was taken for
// lost gets an error of kind Conflict, and adds nothing behind what the next one prints.
func (s *Store) AddLog(ctx context.Context, j Job, p LogPiece) error {
	// Each statement sees what was committed before it; that the job is ours holds to the
	// end.
	return s.ChangeOwn(ctx, true, func(t *Tx) error {
		if err := t.Ours(ctx, j); err != nil {
			return err
		}
		if _, err := t.tx.ExecContext(ctx, "INSERT INTO job_log (job, at, said) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", j.ID, p.At, p.Said); err != nil {
			return err
		}
		t.rouse(Logs)
		if p.End() <= MostLog {
			return nil
		}
		_, err := t.tx.ExecContext(ctx, "DELETE FROM job_log WHERE job = ? AND at >= ? AND at < ?", j.ID, MostLog/2, p.End()-MostLog/2-MostPiece)
		return err
	})
}

// LogEnd is where the next piece of what a job prints begins, and whether that is at the
// begin of a line.
func (s *Store) LogEnd(ctx context.Context, job int64) (end int64, line bool, err error) {
	p, ok, err := s.piece(ctx, "SELECT at, said FROM job_log WHERE job = ? AND at >= 0 ORDER BY at DESC LIMIT 1", job)
	return p.End(), !ok || p.Said[len(p.Said)-1] == '\n', err
}

// Log reads a piece of what a job printed: the first one that begins at a place or
// behind it. ok is false if there is none yet.
func (s *Store) Log(ctx context.Context, job, from int64) (p LogPiece, ok bool, err error) {
	return s.piece(ctx, "SELECT at, said FROM job_log WHERE job = ? AND at >= ? ORDER BY at LIMIT 1", job, from)
}

func (s *Store) piece(ctx context.Context, query string, args ...any) (p LogPiece, ok bool, err error) {
	err = s.reader.QueryRowContext(ctx, query, args...).Scan(&p.At, &p.Said)
	if errors.Is(err, sql.ErrNoRows) {
		return p, false, nil
	}
	return p, err == nil && len(p.Said) > 0, explain("read", s.file, err)
}
