package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// A Probe is a decision about no app, by which somebody measures how long decisions
// take. It is kept as an entry of the ledger is, in a chain of its own, and is gone
// when its space is.
type Probe struct {
	Chain   int64 // in the place of an app
	Number  int64 // in its chain
	Job     int64
	Asked   time.Time
	Began   time.Time
	Decided time.Time
	Process string // that decided it, for people
	Prev    string
	Hash    string
}

// seal is the hash of a probe behind the one before.
func (p Probe) seal() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d %d %d", p.Prev, p.Chain, p.Number, p.Job, millis(p.Decided)))
	return hex.EncodeToString(sum[:])
}

// OpenProbes makes a space for probes, unless there is one.
func (t *Tx) OpenProbes(ctx context.Context, space, by string, now time.Time) error {
	_, err := t.tx.ExecContext(ctx, "INSERT INTO probe_space (name, writer, made) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", space, by, millis(now))
	return err
}

// AddProbe appends a probe to its chain. It reports whether the space is still there:
// otherwise nobody waits for it.
func (t *Tx) AddProbe(ctx context.Context, space string, p Probe) (bool, error) {
	var there bool
	err := t.tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM probe_space WHERE name = ?)", space).Scan(&there)
	if err != nil || !there {
		return false, err
	}
	err = t.tx.QueryRowContext(ctx, "SELECT number, hash FROM probe WHERE space = ? AND chain = ? ORDER BY number DESC LIMIT 1", space, p.Chain).Scan(&p.Number, &p.Prev)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, err
	}
	p.Number++
	p.Hash = p.seal()
	_, err = t.tx.ExecContext(ctx, "INSERT INTO probe (space, "+probeColumns+") VALUES (?, "+marks(9)+")",
		space, p.Chain, p.Number, p.Job, millis(p.Asked), millis(p.Began), millis(p.Decided), p.Process, p.Prev, p.Hash)
	return true, err
}

const probeColumns = "chain, number, job, asked, began, decided, process, prev, hash"

// Probes lists the probes of a space, chain by chain.
func (s *Store) Probes(ctx context.Context, space string) ([]Probe, error) {
	return list(ctx, s, func(row cells) (p Probe, err error) {
		var asked, began, decided int64
		err = row.Scan(&p.Chain, &p.Number, &p.Job, &asked, &began, &decided, &p.Process, &p.Prev, &p.Hash)
		p.Asked, p.Began, p.Decided = fromMillis(asked), fromMillis(began), fromMillis(decided)
		return p, err
	}, "SELECT "+probeColumns+" FROM probe WHERE space = ? ORDER BY chain, number", space)
}

// BrokenProbes counts the probes that are not what was decided: whose hash is another,
// that do not stand behind the one before, or whose job has one already. Probes are in
// the order of [Store.Probes].
func BrokenProbes(all []Probe) int {
	broken, jobs := 0, map[int64]bool{}
	var before Probe
	for _, p := range all {
		if p.Chain != before.Chain {
			before = Probe{Chain: p.Chain}
		}
		if p.Number != before.Number+1 || p.Prev != before.Hash || p.Hash != p.seal() || jobs[p.Job] {
			broken++
		}
		before, jobs[p.Job] = p, true
	}
	return broken
}

// DropProbes removes a space: its probes and what was told of them, and the jobs of a kind
// below a subject that still wait. It reports how many probes there were.
func (t *Tx) DropProbes(ctx context.Context, space, kind, below string) (int64, error) {
	if _, err := t.tx.ExecContext(ctx, "DELETE FROM probe_space WHERE name = ?", space); err != nil {
		return 0, err
	}
	if _, err := t.tx.ExecContext(ctx, "DELETE FROM job WHERE kind = ? AND "+under+" AND state = 'waiting'", kind, below, below); err != nil {
		return 0, err
	}
	if _, err := t.tx.ExecContext(ctx, "DELETE FROM event WHERE job > 0 AND job IN (SELECT job FROM probe WHERE space = ?)", space); err != nil {
		return 0, err
	}
	r, err := t.tx.ExecContext(ctx, "DELETE FROM probe WHERE space = ?", space)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// under are the jobs whose subjects lie below one: '0' is behind '/'.
const under = "subject > ? || '/' AND subject < ? || '0'"

// OpenJobs counts the jobs of a kind below a subject that are not at their end.
func (s *Store) OpenJobs(ctx context.Context, kind, below string) (n int64, err error) {
	err = s.reader.QueryRowContext(ctx, "SELECT count(*) FROM job WHERE kind = ? AND "+under+" AND state IN ('waiting', 'running')", kind, below, below).Scan(&n)
	return n, explain("read", s.file, err)
}

// OldProbes lists the spaces that were made before a time: whoever measured is gone.
func (s *Store) OldProbes(ctx context.Context, before time.Time) ([]string, error) {
	return list(ctx, s, func(row cells) (name string, err error) {
		return name, row.Scan(&name)
	}, "SELECT name FROM probe_space WHERE made < ? ORDER BY name", millis(before))
}

// CountProbes counts the probes of a space.
func (s *Store) CountProbes(ctx context.Context, space string) (n int64, err error) {
	err = s.reader.QueryRowContext(ctx, "SELECT count(*) FROM probe WHERE space = ?", space).Scan(&n)
	return n, explain("read", s.file, err)
}
