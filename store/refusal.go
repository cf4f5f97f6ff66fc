package store

import (
	"context"
	"fmt"
	"time"

	"github.com/slipway-cd/slipway/access"
)

var _ access.Recorder = (*Store)(nil)

// maxRefusals bounds the refusals of a minute that are kept apart: anybody may knock.
const maxRefusals = 500

// Refused implements access.Recorder. Refusals that are alike are counted within a
// minute, and beyond some hundreds all others together.
func (s *Store) Refused(ctx context.Context, r access.Refusal) error {
	minute := r.Time.Unix() / 60
	return s.Change(ctx, func(t *Tx) error {
		times := max(r.Count, 1)
		row := []any{minute, clip(r.Who), string(r.Do), clip(r.On), clip(r.Why), clip(r.From)}
		again, err := t.again(ctx, times, row)
		if err != nil || again {
			return err
		}
		var n int
		if err := t.tx.QueryRowContext(ctx, "SELECT count(*) FROM refusal WHERE minute = ?", minute).Scan(&n); err != nil {
			return err
		}
		if n >= maxRefusals {
			row = []any{minute, "many others", "", "", "", ""}
			if again, err = t.again(ctx, times, row); err != nil || again {
				return err
			}
		}
		_, err = t.tx.ExecContext(ctx, "INSERT INTO refusal (minute, who, action, object, why, address, time, count, entry) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT (minute, who, action, object, why, address) DO UPDATE SET count = refusal.count + excluded.count",
			append(row, millis(r.Time), times)...)
		return err
	})
}

// again counts a refusal that was there before in its minute.
func (t *Tx) again(ctx context.Context, times int, row []any) (bool, error) {
	done, err := t.tx.ExecContext(ctx, "UPDATE refusal SET count = count + ? WHERE minute = ? AND who = ? AND action = ? AND object = ? AND why = ? AND address = ? AND entry = 0", append([]any{times}, row...)...)
	if err != nil {
		return false, err
	}
	n, err := done.RowsAffected()
	return n > 0, err
}

// clip keeps a text of a stranger short.
func clip(text string) string {
	const most = 300
	if len(text) > most {
		return fmt.Sprintf("%.*s...", most, text)
	}
	return text
}

// Refusals lists the newest.
func (s *Store) Refusals(ctx context.Context, limit int) ([]access.Refusal, error) {
	return list(ctx, s, scanRefusal, "SELECT time, who, action, object, why, address, count FROM refusal ORDER BY minute DESC, time DESC, who LIMIT ?", limit)
}

// ChainRefusals writes the refusals of the minutes before now into the ledger, an
// entry a minute. Called again it does what is left.
func (s *Store) ChainRefusals(ctx context.Context, now time.Time) error {
	minutes, err := list(ctx, s, scanInt, "SELECT DISTINCT minute FROM refusal WHERE entry = 0 AND minute < ? ORDER BY minute", now.Unix()/60)
	if err != nil {
		return err
	}
	for _, minute := range minutes {
		if err := s.Change(ctx, func(t *Tx) error { return t.chainRefusals(ctx, minute, now) }); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tx) chainRefusals(ctx context.Context, minute int64, now time.Time) error {
	rows, err := t.tx.QueryContext(ctx, "SELECT time, who, action, object, why, address, count FROM refusal WHERE minute = ? AND entry = 0 ORDER BY time, who, why", minute)
	if err != nil {
		return err
	}
	defer rows.Close()
	var all []access.Refusal
	for rows.Next() {
		r, err := scanRefusal(rows)
		if err != nil {
			return err
		}
		all = append(all, r)
	}
	if err := rows.Err(); err != nil || len(all) == 0 {
		return err
	}
	var number int64
	if err := t.note(ctx, access.Refused, fmt.Sprint("refused-", minute, "-", millis(all[0].Time)), "slipway", now, all); err != nil {
		return err
	}
	s := accessChain()
	if err := t.tx.QueryRowContext(ctx, "SELECT max(number) FROM ledger WHERE app = ? AND environment = ?", s.App, s.Environment).Scan(&number); err != nil {
		return err
	}
	_, err = t.tx.ExecContext(ctx, "UPDATE refusal SET entry = ? WHERE minute = ? AND entry = 0", number, minute)
	return err
}

func scanRefusal(row cells) (access.Refusal, error) {
	var r access.Refusal
	var at int64
	var do string
	err := row.Scan(&at, &r.Who, &do, &r.On, &r.Why, &r.From, &r.Count)
	r.Time, r.Do = fromMillis(at), access.Action(do)
	return r, err
}

func scanInt(row cells) (int64, error) {
	var n int64
	err := row.Scan(&n)
	return n, err
}
