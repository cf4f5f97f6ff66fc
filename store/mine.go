package store

import "context"

// Mine lists the jobs that run in this process for all that the database knows.
func (s *Store) Mine(ctx context.Context) ([]Job, error) {
	return list(ctx, s, scanJob, "SELECT "+jobColumns+" FROM job WHERE state = 'running' AND process = ?", s.process().ID)
}

// PutBack lets a job wait again that this process has and does not do, unless it is at
// another attempt by now. It reports whether it does.
func (s *Store) PutBack(ctx context.Context, j Job) (back bool, err error) {
	err = s.Change(ctx, func(t *Tx) error {
		r, err := t.tx.ExecContext(ctx, "UPDATE job SET state = 'waiting' WHERE id = ? AND attempt = ? AND process = ? AND state = 'running'", j.ID, j.Attempt, s.process().ID)
		if err != nil {
			return err
		}
		n, err := r.RowsAffected()
		back, t.news = n > 0, n > 0
		return err
	})
	return back, err
}
