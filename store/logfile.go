package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// LogFolder is where a server that keeps its database in a file has the logs of jobs
// that were done before they were kept in the database.
func LogFolder(data string) string { return filepath.Join(data, "logs") }

// LogFile is what a job printed before that was kept in the database.
func LogFile(data string, job int64) string {
	return filepath.Join(LogFolder(data), strconv.FormatInt(job, 10)+".log")
}

// TakeLogs takes what is in the files of a data folder of what jobs printed, puts it
// before all that they print from now on, and removes the files; those of jobs that
// nobody remembers too. Killed at any time it is called again.
func (s *Store) TakeLogs(ctx context.Context, data string) error {
	files, err := os.ReadDir(LogFolder(data))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, f := range files {
		number, isLog := strings.CutSuffix(f.Name(), ".log")
		job, err := strconv.ParseInt(number, 10, 64)
		if !isLog || err != nil {
			continue
		}
		if err := s.takeLog(ctx, job, LogFile(data, job)); err != nil {
			return fmt.Errorf("take %s: %w", f.Name(), err)
		}
	}
	return nil
}

// takeLog takes one file.
func (s *Store) takeLog(ctx context.Context, job int64, file string) error {
	pieces, err := logPieces(file)
	if err != nil {
		return err
	}
	err = s.Change(ctx, func(t *Tx) error {
		var first sql.NullInt64
		if err := t.tx.QueryRowContext(ctx, "SELECT (SELECT min(at) FROM job_log WHERE job = job.id) FROM job WHERE id = ?", job).Scan(&first); errors.Is(err, sql.ErrNoRows) {
			return nil // nobody remembers the job
		} else if err != nil {
			return err
		}
		for i, p := range pieces {
			if i == 0 {
				var before bool
				err := t.tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM job_log WHERE job = ? AND at < 0 AND said = ?)", job, p.Said).Scan(&before)
				if err != nil || before {
					return err
				}
			}
			at := min(first.Int64, 0) - pieces[len(pieces)-1].End() + p.At
			if _, err := t.tx.ExecContext(ctx, "INSERT INTO job_log (job, at, said) VALUES (?, ?, ?)", job, at, p.Said); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return os.Remove(file)
}

// logPieces reads a file in pieces: if it is longer than MostLog, its begin and its end.
func logPieces(file string) ([]LogPiece, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	var all []LogPiece
	for at := int64(0); at < info.Size(); {
		if at == MostLog/2 && info.Size() > MostLog {
			at = info.Size() - MostLog/2
		}
		said := make([]byte, min(MostPiece, info.Size()-at))
		if _, err := f.ReadAt(said, at); err != nil {
			return nil, err
		}
		all = append(all, LogPiece{At: at, Said: said})
		at += int64(len(said))
	}
	return all, nil
}
