package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
)

// A Process does jobs over a database that others share with it. That it lives it has
// to say again and again; one that does not is given up, and its jobs are taken over.
type Process struct {
	ID       string    `json:"id"`   // stays with its data folder
	Life     int64     `json:"life"` // how often it was begun
	Name     string    `json:"name"` // for people
	Executor string    `json:"-"`    // its name with the workflow engine
	Holder   string    `json:"-"`    // its id on leases
	Version  string    `json:"version"`
	Joined   time.Time `json:"joined,omitzero"`
	Beat     time.Time `json:"beat,omitzero"` // when it said last that it lives
	Gone     time.Time `json:"gone,omitzero"`
}

const processColumns = "id, life, name, executor, holder, version, joined, beat, gone"

func scanProcess(row interface{ Scan(...any) error }) (Process, error) {
	var p Process
	var joined, beat, gone int64
	err := row.Scan(&p.ID, &p.Life, &p.Name, &p.Executor, &p.Holder, &p.Version, &joined, &beat, &gone)
	p.Joined, p.Beat, p.Gone = fromMillis(joined), fromMillis(beat), fromMillis(gone)
	return p, err
}

// now is the database's time, which all who share it agree upon.
const now = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"

// process is the one that joined.
func (s *Store) process() Process {
	if s.shared == nil {
		return Process{}
	}
	s.shared.mu.Lock()
	defer s.shared.mu.Unlock()
	return s.shared.process
}

// Join makes this process one of those that do jobs over the database. What an earlier
// life of it left is freed at once, and returned as [Store.TakeOver] does.
func (s *Store) Join(ctx context.Context, p Process) (left Taken, err error) {
	err = s.Change(ctx, func(t *Tx) error {
		left = Taken{}
		had, err := scanProcess(t.tx.QueryRowContext(ctx, "SELECT "+processColumns+" FROM process WHERE id = ?", p.ID))
		if err == nil {
			err = t.free(ctx, had, &left)
		}
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		p.Life = had.Life + 1
		_, err = t.tx.ExecContext(ctx, `INSERT INTO process (`+processColumns+`) VALUES (?, ?, ?, ?, ?, ?, `+now+`, `+now+`, 0)
			ON CONFLICT (id) DO UPDATE SET life = excluded.life, name = excluded.name, executor = excluded.executor, holder = excluded.holder,
			version = excluded.version, joined = excluded.joined, beat = excluded.beat, gone = 0`, p.ID, p.Life, p.Name, p.Executor, p.Holder, p.Version)
		return err
	})
	if err == nil {
		s.shared.mu.Lock()
		s.shared.process = p
		s.shared.mu.Unlock()
	}
	return left, err
}

// Beat says that this process lives. Where it was taken for lost meanwhile, the error
// is of kind Conflict: others do its jobs.
func (s *Store) Beat(ctx context.Context) error {
	p := s.process()
	return s.claim(ctx, true, func(t *Tx) error {
		r, err := t.tx.ExecContext(ctx, "UPDATE process SET beat = "+now+" WHERE id = ? AND life = ? AND gone = 0", p.ID, p.Life)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return slipway.Errorf(slipway.Conflict, "%s was taken for lost, and others do its jobs", p.Name).
			WithFix("if there are two servers over a copy of one data folder, give each its own")
	})
}

// Leave says that this process does no more jobs. Those that it had under way others
// go on with.
func (s *Store) Leave(ctx context.Context) error {
	p := s.process()
	return s.Change(ctx, func(t *Tx) error {
		var left Taken
		if err := t.free(ctx, p, &left); err != nil {
			return err
		}
		_, err := t.tx.ExecContext(ctx, "UPDATE process SET gone = "+now+" WHERE id = ? AND life = ? AND gone = 0", p.ID, p.Life)
		return err
	})
}

// Taken is what was freed of processes that are gone.
type Taken struct {
	Processes []Process
	Jobs      int64 // that wait again
}

// TakeOver gives up the processes that have not said for a time that they live, and
// lets the jobs wait again that they had. Their leases end.
func (s *Store) TakeOver(ctx context.Context, after time.Duration) (taken Taken, err error) {
	var lost bool
	err = s.reader.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM process WHERE gone = 0 AND beat < "+now+" - CAST(? AS BIGINT)) OR EXISTS (SELECT 1 FROM job WHERE "+orphaned+")", after.Milliseconds()).Scan(&lost)
	if err != nil || !lost {
		return taken, explain("read", s.file, err)
	}
	err = s.Change(ctx, func(t *Tx) error {
		taken = Taken{}
		rows, err := t.tx.QueryContext(ctx, "UPDATE process SET gone = "+now+" WHERE gone = 0 AND beat < "+now+" - CAST(? AS BIGINT) RETURNING "+processColumns, after.Milliseconds())
		if err != nil {
			return err
		}
		all, err := rowsOf(rows, scanProcess)
		for _, p := range all {
			if err == nil {
				err = t.free(ctx, p, &taken)
			}
		}
		if err != nil {
			return err
		}
		r, err := t.tx.ExecContext(ctx, "UPDATE job SET state = 'waiting' WHERE "+orphaned)
		if err != nil {
			return err
		}
		n, err := r.RowsAffected()
		taken.Jobs, t.news = taken.Jobs+n, true
		return err
	})
	return taken, err
}

// orphaned are the jobs that a process claimed when it was given up already.
const orphaned = "state = 'running' AND process NOT IN (SELECT id FROM process WHERE gone = 0)"

// free lets others do what a process has under way.
func (t *Tx) free(ctx context.Context, p Process, taken *Taken) error {
	r, err := t.tx.ExecContext(ctx, "UPDATE job SET state = 'waiting' WHERE state = 'running' AND process = ?", p.ID)
	if err != nil {
		return err
	}
	n, err := r.RowsAffected()
	if err != nil {
		return err
	}
	t.news = t.news || n > 0
	taken.Processes, taken.Jobs = append(taken.Processes, p), taken.Jobs+n
	return t.endLeases(ctx, p.Holder)
}

// endLeases ends the leases of a holder.
func (t *Tx) endLeases(ctx context.Context, holder string) error {
	type lease struct {
		ledger.Subject
		holder string
	}
	rows, err := t.tx.QueryContext(ctx, "SELECT app, environment, holder FROM lease")
	if err != nil {
		return err
	}
	all, err := rowsOf(rows, func(row interface{ Scan(...any) error }) (l lease, err error) {
		return l, row.Scan(&l.App, &l.Environment, &l.holder)
	})
	for _, l := range all {
		var h ledger.Holder
		if err != nil || json.Unmarshal([]byte(l.holder), &h) != nil || h.ID != holder {
			continue
		}
		_, err = t.tx.ExecContext(ctx, "DELETE FROM lease WHERE app = ? AND environment = ?", l.App, l.Environment)
	}
	return err
}

// Leads reports whether this process is the one that does what only one is to do: of
// those that live the one that joined first.
func (s *Store) Leads(ctx context.Context) (bool, error) {
	if s.shared == nil {
		return true, nil
	}
	var first string
	err := s.reader.QueryRowContext(ctx, "SELECT id FROM process WHERE gone = 0 ORDER BY joined, id LIMIT 1").Scan(&first)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return first == s.process().ID, explain("read", s.file, err)
}

// Processes lists the processes that live.
func (s *Store) Processes(ctx context.Context) ([]Process, error) {
	return list(ctx, s, scanProcess, "SELECT "+processColumns+" FROM process WHERE gone = 0 ORDER BY joined, id")
}

// Setting reads what all processes over the database have in common under a name. The
// first that asks says what it is.
func (s *Store) Setting(ctx context.Context, name, offered string) (value string, err error) {
	err = s.Change(ctx, func(t *Tx) error {
		if _, err := t.tx.ExecContext(ctx, "INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", name, offered); err != nil {
			return err
		}
		return t.tx.QueryRowContext(ctx, "SELECT value FROM setting WHERE name = ?", name).Scan(&value)
	})
	return value, err
}

// rowsOf reads all rows.
func rowsOf[T any](rows *sql.Rows, scan func(interface{ Scan(...any) error }) (T, error)) ([]T, error) {
	defer rows.Close()
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}
