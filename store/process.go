package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
)

// A Process does jobs over a database that others share with it. That it lives it has
// to say again and again; one that does not is given up, and its jobs are taken over.
type Process struct {
	ID       string       `json:"id" doc:"It stays with its data folder."`
	Life     int64        `json:"life" doc:"How often it was begun."`
	Name     string       `json:"name"` // for people
	Executor string       `json:"-"`    // its name with the workflow engine
	Holder   string       `json:"-"`    // its id on leases
	Version  string       `json:"version"`
	Role     Role         `json:"role" enum:"server,worker"`
	State    ProcessState `json:"state" enum:"alive,draining,left,lost"`
	Labels   []string     `json:"labels,omitempty"`
	Capacity int          `json:"capacity" doc:"How many builds, checks and deployments it does at once."`
	Joined   time.Time    `json:"joined,omitzero"`
	Beat     time.Time    `json:"beat,omitzero" doc:"When it said last that it lives."`
	Gone     time.Time    `json:"gone,omitzero"`
}

// A ProcessState says how a process is.
type ProcessState string

// The states of a process.
const (
	ProcessAlive    ProcessState = "alive"
	ProcessDraining ProcessState = "draining" // it begins nothing new
	ProcessLeft     ProcessState = "left"     // it was told to end
	ProcessLost     ProcessState = "lost"     // it said nothing any more, and others took its work over
)

// A Role says what a process does.
type Role string

// The roles.
const (
	RoleServer Role = "server" // it answers, and one of them leads
	RoleWorker Role = "worker" // it does jobs, and nothing else
)

const processColumns = "id, life, name, executor, holder, version, joined, beat, gone, role, labels, capacity, parting"

func scanProcess(row cells) (Process, error) {
	var p Process
	var joined, beat, gone int64
	var labels string
	err := row.Scan(&p.ID, &p.Life, &p.Name, &p.Executor, &p.Holder, &p.Version, &joined, &beat, &gone, &p.Role, &labels, &p.Capacity, &p.State)
	p.Labels = strings.Fields(labels)
	p.Joined, p.Beat, p.Gone = fromMillis(joined), fromMillis(beat), fromMillis(gone)
	switch {
	case gone > 0 && p.State != ProcessLeft:
		p.State = ProcessLost
	case p.State == "":
		p.State = ProcessAlive
	}
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
		_, err = t.tx.ExecContext(ctx, `INSERT INTO process (`+processColumns+`) VALUES (?, ?, ?, ?, ?, ?, `+now+`, `+now+`, 0, ?, ?, ?, '')
			ON CONFLICT (id) DO UPDATE SET life = excluded.life, name = excluded.name, executor = excluded.executor, holder = excluded.holder,
			version = excluded.version, joined = excluded.joined, beat = excluded.beat, gone = 0,
			role = excluded.role, labels = excluded.labels, capacity = excluded.capacity, parting = ''`,
			p.ID, p.Life, p.Name, p.Executor, p.Holder, p.Version, cmp.Or(p.Role, RoleServer), labelText(p.Labels), p.Capacity)
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
	return s.ChangeOwn(ctx, true, func(t *Tx) error {
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

// Drain says that this process begins no more jobs.
func (s *Store) Drain(ctx context.Context) error {
	p := s.process()
	return s.Change(ctx, func(t *Tx) error {
		_, err := t.tx.ExecContext(ctx, "UPDATE process SET parting = 'draining' WHERE id = ? AND life = ? AND gone = 0", p.ID, p.Life)
		return err
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
		_, err := t.tx.ExecContext(ctx, "UPDATE process SET gone = "+now+", parting = 'left' WHERE id = ? AND life = ? AND gone = 0", p.ID, p.Life)
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
		all, err := gather(ctx, t.tx, scanProcess, "UPDATE process SET gone = "+now+" WHERE gone = 0 AND beat < "+now+" - CAST(? AS BIGINT) RETURNING "+processColumns, after.Milliseconds())
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
	all, err := gather(ctx, t.tx, func(row cells) (l lease, err error) {
		return l, row.Scan(&l.App, &l.Environment, &l.holder)
	}, "SELECT app, environment, holder FROM lease")
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
// the servers that live the one that joined first.
func (s *Store) Leads(ctx context.Context) (bool, error) {
	if s.shared == nil {
		return true, nil
	}
	var first string
	err := s.reader.QueryRowContext(ctx, "SELECT id FROM process WHERE gone = 0 AND role = 'server' ORDER BY joined, id LIMIT 1").Scan(&first)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return first == s.process().ID, explain("read", s.file, err)
}

// Processes lists the processes that live.
func (s *Store) Processes(ctx context.Context) ([]Process, error) {
	return list(ctx, s, scanProcess, "SELECT "+processColumns+" FROM process WHERE gone = 0 ORDER BY joined, id")
}

// Seen lists the processes that live, and those that left or were lost after a while ago.
func (s *Store) Seen(ctx context.Context, ago time.Duration) ([]Process, error) {
	return list(ctx, s, scanProcess, "SELECT "+processColumns+" FROM process WHERE gone = 0 OR gone > "+now+" - CAST(? AS BIGINT) ORDER BY gone > 0, role, name, id", ago.Milliseconds())
}

// Running lists the jobs under way, in the order in which they were made.
func (s *Store) Running(ctx context.Context) ([]Job, error) {
	return list(ctx, s, scanJob, "SELECT "+jobColumns+" FROM job WHERE state = 'running' ORDER BY id")
}

// Alive lists the processes that say that they live, for which it watches them for a
// time. In a database that was restored to an earlier moment stand some that did so then.
func (s *Store) Alive(ctx context.Context, watch time.Duration) ([]Process, error) {
	if s.shared == nil {
		return nil, nil
	}
	before, err := s.Processes(ctx)
	if err != nil || len(before) == 0 {
		return nil, err
	}
	if err := wait(ctx, watch); err != nil {
		return nil, err
	}
	now, err := s.Processes(ctx)
	return slices.DeleteFunc(now, func(p Process) bool {
		return slices.ContainsFunc(before, func(b Process) bool { return b.ID == p.ID && b.Beat.Equal(p.Beat) })
	}), err
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
