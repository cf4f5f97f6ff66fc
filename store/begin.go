package store

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// begin begins the oldest job of each turn, if others have left one.
func (s *Store) begin(ctx context.Context, w Wanted, turns []turn, now time.Time, soon bool) (jobs []Job, err error) {
	if s.shared != nil {
		return s.beginShared(ctx, w, turns, now, soon)
	}
	change := s.Change
	if soon {
		change = s.ChangeSoon
	}
	err = change(ctx, func(t *Tx) error {
		for _, at := range turns { // of two on one subject only one begins
			begun, err := gather(ctx, t.tx, scanJob, setRunning+" WHERE id = ("+s.oldest(w, 0)+") RETURNING "+jobColumns, s.oldestArgs(w, now, at)...)
			if err != nil {
				return err
			}
			jobs = append(jobs, begun...)
		}
		return nil
	})
	return jobs, err
}

// setRunning begins jobs. Its parameters are the first of [Store.oldestArgs].
const setRunning = "UPDATE job SET state = 'running', began = ?1, process = ?2, attempt = attempt + 1"

// oldest selects the oldest job of the nth turn.
func (s *Store) oldest(w Wanted, n int) string {
	kinds := make([]string, len(w.Kinds))
	for i := range kinds {
		kinds[i] = fmt.Sprintf("?%d", 4+i)
	}
	at := 4 + len(w.Kinds) + 2*n
	return fmt.Sprintf(`SELECT w.id FROM job w WHERE `+open+` AND w.pool = ?3 AND w.needs = ?%d AND w.tenant = ?%d AND w.due <= ?1 AND w.kind IN (%s)
		AND `+free+` ORDER BY w.due, w.id LIMIT 1`, at, at+1, strings.Join(kinds, ", ")) + s.reader.words.forClaim()
}

// oldestArgs are the parameters of oldest for some turns.
func (s *Store) oldestArgs(w Wanted, now time.Time, turns ...turn) []any {
	args := []any{millis(now), s.process().ID, w.Pool}
	for _, k := range w.Kinds {
		args = append(args, k)
	}
	for _, t := range turns {
		args = append(args, t.needs, t.tenant)
	}
	return args
}

// early is said within a statement of PostgreSQL that does not wait for the disk.
const early = " FROM (SELECT set_config('synchronous_commit', 'off', true)) early"

// beginShared is begin over PostgreSQL. It is one statement, which sees what was committed
// when it begins: nobody waits for another who claims. Others see what it did before the
// disk has it. Whoever does not hear what came of it has jobs that nobody does: see
// [Store.PutBack].
func (s *Store) beginShared(ctx context.Context, w Wanted, turns []turn, now time.Time, soon bool) ([]Job, error) {
	conn, err := s.writer.Conn(ctx)
	if err != nil {
		return nil, explain("write", s.file, err)
	}
	defer conn.Close()
	whole, cut := context.WithTimeout(context.WithoutCancel(ctx), longestCommit)
	defer cut()
	tx := &transaction{in: conn, words: inPostgres}
	var jobs []Job
	for some := turns; ; some = turns[:1] {
		oldest := make([]string, len(some))
		for n := range some {
			oldest[n] = "SELECT (" + s.oldest(w, n) + ")"
		}
		query := setRunning + early + " WHERE id = ANY (ARRAY(" + strings.Join(oldest, " UNION ALL ") + ")) RETURNING " + jobColumns
		if jobs, err = gather(whole, tx, scanJob, query, s.oldestArgs(w, now, some...)...); !isTaken(err) || len(some) == 1 {
			break
		} // two of them are on one subject
	}
	if isRace(err) || isTaken(err) { // others were faster
		return nil, nil
	}
	if err != nil || len(jobs) == 0 {
		return nil, explain("write", s.file, err)
	}
	if w.Taken != nil {
		w.Taken(len(jobs))
	}
	if !soon {
		if _, err := say(whole, conn, onDisk); err != nil {
			return nil, explain("write", s.file, err)
		}
	}
	return jobs, nil
}
