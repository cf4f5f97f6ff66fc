package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// A Placement says who does a job, and when it is its turn.
type Placement struct {
	Pool   string   `json:"-"` // of the jobs that the same hands do; empty: it is not known yet
	Needs  []string `json:"needs,omitempty" doc:"The labels that a server or worker must have to do it."`
	Tenant string   `json:"tenant,omitempty" doc:"Whose it is: a team, or a repository. Those of whom the fewest jobs run come first."`
}

// labelText is how labels are kept: each once, in order.
func labelText(labels []string) string {
	return strings.Join(slices.Compact(slices.Sorted(slices.Values(labels))), " ")
}

// Wanted says which jobs a process takes.
type Wanted struct {
	Pool   string
	Kinds  []string    // that it knows
	Labels []string    // that it has: a job that needs another one is not for it
	Marked bool        // only jobs that need labels
	Taken  func(n int) // called once others see that so many jobs are taken, if the disk is then still waited for; nil: nobody wants to know
}

// Claim begins jobs that are due and on whose subjects none runs, each of another tenant,
// at most so many. Each is the oldest of one of the tenants of whom the fewest jobs of that
// pool run, and where there are several such tenants of the one that comes next: they take
// turns, in the order of their names. If soon is true it does not wait for the disk: see
// [Store.ChangeSoon].
//
// Whose turn it is is looked at without a lock, so that of several who claim at once two
// may take jobs of one tenant. It costs as much as there are tenants of whom jobs run,
// however many jobs wait, of however many.
func (s *Store) Claim(ctx context.Context, w Wanted, now time.Time, soon bool, most int) ([]Job, error) {
	switch {
	case s.writer == nil:
		return nil, errReadOnly
	case len(w.Kinds) == 0:
		return nil, nil
	}
	const rounds = 3 // in each of which others may have been faster everywhere
	for range rounds {
		q, err := s.queue(ctx, w, now)
		if err != nil || len(q.needs) == 0 {
			return nil, explain("read", s.file, err)
		}
		all, err := s.nextTurns(ctx, w, q, now, most)
		if err != nil || len(all) == 0 {
			return nil, explain("read", s.file, err)
		}
		for len(all) > 0 {
			turns := q.alike(all, most)
			s.turned(w.Pool, turns[len(turns)-1].tenant)
			if jobs, err := s.begin(ctx, w, turns, now, soon); err != nil || len(jobs) > 0 {
				return jobs, err
			}
			all = all[len(turns):]
		}
	}
	return nil, nil
}

// A queue is what waits and runs in a pool.
type queue struct {
	needs []string         // the sets of labels that jobs wait for
	ripe  bool             // a job has become due, in any pool
	load  map[string]int64 // how many jobs run, by tenant
}

// alike are the first of some turns, at most so many, of tenants of whom as many jobs run.
func (q queue) alike(all []turn, most int) []turn {
	n := 1
	for n < min(most, len(all)) && q.load[all[n].tenant] == q.load[all[0].tenant] {
		n++
	}
	return all[:n]
}

// queue is what waits, of what the process has the labels for. Jobs that have become due
// since are among those that wait.
func (s *Store) queue(ctx context.Context, w Wanted, now time.Time) (queue, error) {
	for {
		q, err := s.lookAt(ctx, w.Pool, now)
		if err != nil {
			return q, err
		}
		if !q.ripe {
			q.needs = slices.DeleteFunc(q.needs, func(needs string) bool {
				return w.Marked && needs == "" || !Has(w.Labels, strings.Fields(needs))
			})
			return q, nil
		}
		if err := s.ripen(ctx, now); err != nil {
			return q, err
		}
	}
}

// lookAt looks at the queue of a pool.
func (s *Store) lookAt(ctx context.Context, pool string, now time.Time) (queue, error) {
	q := queue{load: map[string]int64{}}
	const waits, isRipe, runs = 0, 1, 2
	rows, err := s.reader.QueryContext(ctx, `WITH RECURSIVE lane(needs) AS (
			SELECT (SELECT w.needs FROM job w WHERE `+open+` AND w.pool = ?1 ORDER BY w.needs LIMIT 1)
			UNION ALL
			SELECT (SELECT w.needs FROM job w WHERE `+open+` AND w.pool = ?1 AND w.needs > lane.needs ORDER BY w.needs LIMIT 1) FROM lane WHERE lane.needs IS NOT NULL
		) SELECT 0, needs, 0 FROM lane WHERE needs IS NOT NULL
		UNION ALL SELECT 1, '', 0 WHERE EXISTS (SELECT 1 FROM job WHERE state = 'waiting' AND later = 1 AND due <= ?2)
		UNION ALL SELECT 2, tenant, count(*) FROM job WHERE state = 'running' AND pool = ?1 GROUP BY tenant`, pool, millis(now))
	if err != nil {
		return q, err
	}
	_, err = rowsOf(rows, func(row cells) (_ struct{}, err error) {
		var what, jobs int64
		var name string
		err = row.Scan(&what, &name, &jobs)
		switch what {
		case waits:
			q.needs = append(q.needs, name)
		case isRipe:
			q.ripe = true
		case runs:
			q.load[name] = jobs
		}
		return struct{}{}, err
	})
	return q, err
}

// Needed are the sets of labels that jobs of a pool wait for.
func (s *Store) Needed(ctx context.Context, pool string) ([][]string, error) {
	q, err := s.lookAt(ctx, pool, time.Time{})
	sets := make([][]string, len(q.needs))
	for i, needs := range q.needs {
		sets[i] = strings.Fields(needs)
	}
	return sets, explain("read", s.file, err)
}

// Queued counts the jobs that wait in a pool and need these labels, no more and no less,
// and says when the oldest of them was made.
func (s *Store) Queued(ctx context.Context, pool string, needs []string) (jobs int64, oldest time.Time, err error) {
	var made sql.NullInt64
	err = s.reader.QueryRowContext(ctx, "SELECT count(*), min(made) FROM job WHERE "+open+" AND pool = ? AND needs = ?", pool, labelText(needs)).Scan(&jobs, &made)
	return jobs, fromMillis(made.Int64), explain("read", s.file, err)
}

// Waiting lists the jobs that wait in a pool and need these labels, no more and no less.
func (s *Store) Waiting(ctx context.Context, pool string, needs []string, limit int) ([]Job, error) {
	return list(ctx, s, scanJob, "SELECT "+jobColumns+" FROM job WHERE "+open+" AND pool = ? AND needs = ? ORDER BY tenant, due, id LIMIT ?", pool, labelText(needs), limit)
}

// ripen lets jobs have their turn that have become due.
func (s *Store) ripen(ctx context.Context, now time.Time) error {
	const most = 1000
	return s.ChangeOwn(ctx, true, func(t *Tx) error {
		_, err := t.tx.ExecContext(ctx, `UPDATE job SET later = 0 WHERE id IN (
			SELECT id FROM job WHERE state = 'waiting' AND later = 1 AND due <= ? ORDER BY due LIMIT ?`+s.reader.words.forClaim()+")", millis(now), most)
		return err
	})
}

// open says that a job waits and was due when it was looked at last; free that nothing
// runs on the subject of the job w.
const (
	open = "state = 'waiting' AND later = 0"
	free = "NOT EXISTS (SELECT 1 FROM job r WHERE r.state = 'running' AND r.subject = w.subject)"
)

// A turn is a tenant, with jobs that wait and need the same labels.
type turn struct{ needs, tenant string }

// nextTurns are those whose turn it is, the first ones first, and at least so many if there
// are.
func (s *Store) nextTurns(ctx context.Context, w Wanted, q queue, now time.Time, most int) (all []turn, err error) {
	idle := func(t turn) bool { return q.load[t.tenant] == 0 }
	// So many tenants that there are some among them of whom no job runs, if there are.
	const more = 3
	last, begun := s.lastTurn(w.Pool)
	if begun {
		all, err = s.walk(ctx, w, q.needs, now, "> ?2", last, len(q.load)+more+most)
	}
	if err == nil && !slices.ContainsFunc(all, idle) {
		var first []turn
		first, err = s.walk(ctx, w, q.needs, now, ">= ?2", "", len(q.load)+more+most)
		all = append(all, first...)
	}
	if err == nil && len(all) == 0 { // on all of their subjects something runs
		all, err = s.walk(ctx, w, q.needs, now, ">= ?2", "", math.MaxInt32)
	}
	slices.SortStableFunc(all, func(a, b turn) int { return cmp.Compare(q.load[a.tenant], q.load[b.tenant]) })
	return all, err
}

// walk are the next tenants in the order of their names of whom a job may begin, of as
// many as most. It is written so that PostgreSQL takes the index for each step, however
// little it knows of the table: with min(tenant), and EXISTS, it goes through all jobs that
// wait, each time.
func (s *Store) walk(ctx context.Context, w Wanted, needs []string, now time.Time, from, last string, most int) ([]turn, error) {
	args := []any{w.Pool, last, millis(now), most}
	var seeds []string
	for _, n := range needs {
		args = append(args, n)
		seeds = append(seeds, fmt.Sprintf("SELECT CAST(?%d AS TEXT) AS needs", len(args)))
	}
	next := "(SELECT w.tenant FROM job w WHERE " + open + " AND w.pool = ?1 AND w.needs = "
	const first = " ORDER BY w.tenant LIMIT 1)"
	rows, err := s.reader.QueryContext(ctx, `WITH RECURSIVE lane(needs, tenant, step) AS (
			SELECT seed.needs, `+next+`seed.needs AND w.tenant `+from+first+`, 1 FROM (`+strings.Join(seeds, " UNION ALL ")+`) seed
			UNION ALL
			SELECT lane.needs, `+next+`lane.needs AND w.tenant > lane.tenant`+first+`, lane.step + 1 FROM lane WHERE lane.tenant IS NOT NULL AND lane.step < ?4
		)
		SELECT lane.needs, lane.tenant FROM lane WHERE lane.tenant IS NOT NULL AND 1 = (
			SELECT 1 FROM job w WHERE `+open+` AND w.pool = ?1 AND w.needs = lane.needs AND w.tenant = lane.tenant AND w.due <= ?3 AND `+free+` LIMIT 1)
		ORDER BY lane.tenant, lane.needs DESC`, args...)
	if err != nil {
		return nil, err
	}
	return rowsOf(rows, func(row cells) (t turn, err error) { return t, row.Scan(&t.needs, &t.tenant) })
}

// turned keeps who had the last turn, and lastTurn says it; ok is false if nobody had one.
func (s *Store) turned(pool, tenant string) { s.last.Store(pool, tenant) }

func (s *Store) lastTurn(pool string) (tenant string, ok bool) {
	v, ok := s.last.Load(pool)
	tenant, _ = v.(string)
	return tenant, ok
}

// Has reports whether all labels that are needed are among those that somebody has.
func Has(labels, needs []string) bool {
	return !slices.ContainsFunc(needs, func(n string) bool { return !slices.Contains(labels, n) })
}

// Place says of a job that waits who does it.
func (t *Tx) Place(ctx context.Context, id int64, p Placement) error {
	t.news = true
	_, err := t.tx.ExecContext(ctx, "UPDATE job SET pool = ?, needs = ?, tenant = ? WHERE id = ? AND state = 'waiting'", p.Pool, labelText(p.Needs), p.Tenant, id)
	return err
}

// HandOver lets a job that runs wait for somebody who has the labels that it needs. Its
// input says from now on what was found out about it.
func (t *Tx) HandOver(ctx context.Context, id int64, needs []string, input json.RawMessage) error {
	t.news = true
	_, err := t.tx.ExecContext(ctx, "UPDATE job SET state = 'waiting', needs = ?, input = ? WHERE id = ? AND state = 'running'", labelText(needs), string(input), id)
	return err
}
