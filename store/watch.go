package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// A Watch is an app in an environment whose runs are watched.
type Watch struct {
	App, Environment string
	Since            time.Time // runs that ended before are history
	Looked           time.Time
	Failing          bool      // people were told of a failed run, and not yet of a good one
	Told             time.Time // when they were told of a failed run
}

// Watch reads how an app in an environment is watched; ok is false if it is not yet.
func (t *Tx) Watch(ctx context.Context, app, env string) (w Watch, ok bool, err error) {
	return oneWatch(t.tx.QueryRowContext(ctx, watchQuery, app, env), app, env)
}

const watchQuery = "SELECT since, looked, failing, told FROM watched WHERE app = ? AND environment = ?"

func oneWatch(row *sql.Row, app, env string) (w Watch, ok bool, err error) {
	w = Watch{App: app, Environment: env}
	var since, looked, told int64
	err = row.Scan(&since, &looked, &w.Failing, &told)
	w.Since, w.Looked, w.Told = fromMillis(since), fromMillis(looked), fromMillis(told)
	if errors.Is(err, sql.ErrNoRows) {
		return w, false, nil
	}
	return w, err == nil, err
}

// PutWatch keeps how an app in an environment is watched.
func (t *Tx) PutWatch(ctx context.Context, w Watch) error {
	_, err := t.tx.ExecContext(ctx, upsert("watched", "app, environment, since, looked, failing, told", 2),
		w.App, w.Environment, millis(w.Since), millis(w.Looked), w.Failing, millis(w.Told))
	return err
}

// SeeRun keeps that the end of a run was seen, and reports whether it is new.
func (t *Tx) SeeRun(ctx context.Context, app, env, run string, ended time.Time) (bool, error) {
	r, err := t.tx.ExecContext(ctx, "INSERT INTO watched_run (app, environment, run, ended) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", app, env, run, millis(ended))
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n > 0, err
}

// Watch reads how an app in an environment is watched; ok is false if it is not yet.
func (s *Store) Watch(ctx context.Context, app, env string) (w Watch, ok bool, err error) {
	w, ok, err = oneWatch(s.reader.QueryRowContext(ctx, watchQuery, app, env), app, env)
	return w, ok, explain("read", s.file, err)
}

// SeenRuns are the runs of an app in an environment whose end was seen.
func (s *Store) SeenRuns(ctx context.Context, app, env string) ([]string, error) {
	return list(ctx, s, func(row cells) (run string, err error) {
		return run, row.Scan(&run)
	}, "SELECT run FROM watched_run WHERE app = ? AND environment = ?", app, env)
}
