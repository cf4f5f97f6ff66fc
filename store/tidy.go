package store

import (
	"context"
	"time"

	"github.com/slipway-cd/slipway/access"
)

// Keep says what is deleted, of that which nobody has to have for ever. The ledger is
// never.
type Keep struct {
	Now      time.Time
	Jobs     time.Duration // after a job's end; and what came in, was refused and was watched
	Logs     time.Duration // after its job's end; not longer than the job
	Closed   time.Duration // after a pull request, a token or a delegation ended
	Events   int64         // so many, the newest
	Sessions access.Limits // when a session has ended
}

// tidyStep is how many rows a change of Tidy deletes at most, and tidyPieces how many
// pieces of logs. Others write between two changes.
const (
	tidyStep   = 500
	tidyPieces = 50
)

// Tidy deletes what Keep does not keep, in small changes with a rest between two of them,
// and returns how much of each table. An error of rest ends it; the next call goes on.
func (s *Store) Tidy(ctx context.Context, k Keep, rest func(context.Context) error) (map[string]int64, error) {
	gone := map[string]int64{}
	jobs, logs := k.Now.Add(-k.Jobs), k.Now.Add(-min(k.Logs, k.Jobs))
	for _, span := range [][2]int64{{0, millis(jobs)}, {millis(jobs), millis(logs)}} {
		if err := s.tidyLogs(ctx, span[0], span[1], gone, rest); err != nil {
			return gone, err
		}
	}
	for _, r := range k.rules() {
		query, args := r.delete()
		for n := int64(tidyStep); n == tidyStep; {
			var err error
			if n, err = s.deleteSome(ctx, query, args...); err != nil {
				return gone, err
			}
			gone[r.table] += n
			if err := rest(ctx); err != nil {
				return gone, err
			}
		}
	}
	return gone, nil
}

// A tidyRule is what is deleted of a table.
type tidyRule struct {
	table, key, where string
	arg               any // ?1 of where
}

func (k Keep) rules() []tidyRule {
	jobs, closed := k.Now.Add(-k.Jobs), millis(k.Now.Add(-k.Closed))
	before := millis(jobs)
	return []tidyRule{
		{"event", "id", "id <= (SELECT max(id) FROM event) - ?1", k.Events},
		{"job", "id", "ended > 0 AND ended < ?1", before},
		{"process", "id", "gone > 0 AND gone < ?1", before},
		{"watched_run", "app, environment, run", "ended < ?1", before},
		{"delivery", "forge, id", "time < ?1", before},
		{"comment", "forge, repository, id", "heard < ?1", millis(jobs.Add(-commentLife))},
		{"budget", "account, resource", "pause < ?1 AND 1000 * reset < ?1", before},
		{"refusal", "minute, who, action, object, why, address", "minute < ?1 AND entry > 0", jobs.Unix() / 60},
		{"session", "hash", "used < ?1", millis(k.Now.Add(-k.Sessions.Idle))},
		{"session", "hash", "made < ?1", millis(k.Now.Add(-k.Sessions.Session))},
		{"pending", "kind, hash", "ends < ?1", millis(k.Now)},
		{"token", "id", "ended > 0 AND ended < ?1 OR expires > 0 AND expires < ?1", closed},
		{"delegation", "id", "ended > 0 AND ended < ?1 OR until > 0 AND until < ?1", closed},
		{"pull_request", "forge, repository, number", "open = 0 AND looked < ?1 AND wanted = shown", closed},
		// Of a commit that is still shown somewhere the results stay. Jobs have their
		// numbers in the order in which they were made.
		{"check_result", "forge, repository, commit_id, app", `job > ?1 AND job < (SELECT coalesce(min(id), 0) FROM job)
			AND NOT EXISTS (SELECT 1 FROM pull_request p WHERE p.forge = check_result.forge AND p.repository = check_result.repository AND p.head = commit_id AND p.open = 1)
			AND NOT EXISTS (SELECT 1 FROM ref r WHERE r.forge = check_result.forge AND r.repository = check_result.repository AND r.commit_id = check_result.commit_id)`, 0},
	}
}

// delete deletes a step of what a rule is about. Over PostgreSQL a row may have changed
// since it was found, so what is said of it is said twice.
func (r tidyRule) delete() (query string, args []any) {
	return "DELETE FROM " + r.table + " WHERE (" + r.key + ") IN (SELECT " + r.key + " FROM " + r.table + " WHERE " + r.where + " LIMIT ?2) AND (" + r.where + ")",
		[]any{r.arg, tidyStep}
}

// deleteSome is one change. It waits for no disk: what a power cut undoes is deleted again.
func (s *Store) deleteSome(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = s.ChangeOwn(ctx, true, func(t *Tx) error {
		r, err := t.tx.ExecContext(ctx, query, args...)
		if err != nil {
			return err
		}
		n, err = r.RowsAffected()
		return err
	})
	return n, err
}

// tidyLogs deletes what the jobs printed that ended in a span of time.
func (s *Store) tidyLogs(ctx context.Context, from, until int64, gone map[string]int64, rest func(context.Context) error) error {
	for from < until {
		jobs, err := list(ctx, s, scanInts, `SELECT id, ended FROM job WHERE ended > 0 AND ended >= ? AND ended < ?
			AND EXISTS (SELECT 1 FROM job_log WHERE job_log.job = job.id) ORDER BY ended, id LIMIT ?`, from, until, tidyPieces)
		if err != nil || len(jobs) == 0 {
			return err
		}
		from = jobs[len(jobs)-1][1]
		ids := make([]any, len(jobs))
		for i, j := range jobs {
			ids[i] = j[0]
		}
		query := "DELETE FROM job_log WHERE (job, at) IN (SELECT job, at FROM job_log WHERE job IN (" + marks(len(ids)) + ") LIMIT ?)"
		for n := int64(tidyPieces); n == tidyPieces; {
			if n, err = s.deleteSome(ctx, query, append(ids, tidyPieces)...); err != nil {
				return err
			}
			gone["job_log"] += n
			if err := rest(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// scanInts reads two numbers.
func scanInts(row cells) ([2]int64, error) {
	var n [2]int64
	err := row.Scan(&n[0], &n[1])
	return n, err
}
