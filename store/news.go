package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// channel is where processes tell each other that there may be a new job or event.
const channel = "slipway"

// rouse has others told that something is new. They are told after the transaction, not
// in it, where PostgreSQL would let those that tell end only one after the other; who
// dies before has others find it by their own looking.
func (s *Store) rouse() {
	select {
	case s.shared.news <- struct{}{}:
	default: // they are told already
	}
}

// tellOthers tells others what rouse is called for, until the store is closed.
func (s *Store) tellOthers() {
	for {
		select {
		case <-s.shared.open.Done():
			return
		case <-s.shared.news:
		}
		ctx, cancel := context.WithTimeout(s.shared.open, patience)
		_, _ = s.shared.pool.Exec(ctx, "SELECT pg_notify($1, $2)", channel, s.shared.self) // they look by themselves too
		cancel()
	}
}

// Listen calls ring whenever another process may have made a job or told an event, and
// when it may have missed that, until ctx is done. Over SQLite there is no other.
func (s *Store) Listen(ctx context.Context, ring func()) {
	if s.shared == nil {
		return
	}
	for ctx.Err() == nil {
		_ = s.listen(ctx, ring) // the connection was lost: the next one begins with a ring
		_ = wait(ctx, time.Second)
	}
}

func (s *Store) listen(ctx context.Context, ring func()) error {
	c, err := pgx.ConnectConfig(ctx, s.shared.pool.Config().ConnConfig)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }() // it is done with
	if _, err := c.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	for {
		ring()
		for {
			n, err := hear(ctx, c)
			if err != nil {
				return err
			}
			if n != nil && n.Payload != s.shared.self {
				break
			}
		}
	}
}

// hear waits for a message. That none came in a while may be because the way is cut
// without a word, so the database is asked whether it is there.
func hear(ctx context.Context, c *pgx.Conn) (*pgconn.Notification, error) {
	short, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	n, err := c.WaitForNotification(short)
	if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
		return n, err
	}
	again, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return nil, c.Ping(again)
}
