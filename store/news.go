package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A Topic is what news are of. Each is a channel of PostgreSQL.
type Topic string

// The topics.
const (
	Work    Topic = "slipway"        // a job, an event
	Stops   Topic = "slipway_stop"   // a job is to stop
	Logs    Topic = "slipway_log"    // what a job printed
	Budgets Topic = "slipway_budget" // what a forge will answer
)

// topics are all of them, each with how long is waited before others are told again: the
// first of many changes is told at once, and each message costs every process a look.
//
//nolint:gochecknoglobals // immutable table
var topics = map[Topic]time.Duration{Work: 10 * time.Millisecond, Stops: 10 * time.Millisecond, Logs: 100 * time.Millisecond, Budgets: 100 * time.Millisecond}

// rouse has others told that something is new when the transaction has ended.
func (t *Tx) rouse(topic Topic) { t.topics = append(t.topics, topic) }

// rouse has others told that something is new. They are told after the transaction, not
// in it, where PostgreSQL would let those that tell end only one after the other; who
// dies before has others find it by their own looking.
func (s *Store) rouse(topic Topic) {
	select {
	case s.shared.news[topic] <- struct{}{}:
	default: // they are told already
	}
}

// tellOthers tells others what rouse is called for, until the store is closed.
func (s *Store) tellOthers(topic Topic) {
	for {
		select {
		case <-s.shared.open.Done():
			return
		case <-s.shared.news[topic]:
		}
		ctx, cancel := context.WithTimeout(s.shared.open, patience)
		_, _ = s.shared.pool.Exec(ctx, "SELECT pg_notify($1, $2)", string(topic), s.shared.self) // they look by themselves too
		cancel()
		_ = wait(s.shared.open, topics[topic])
	}
}

// Listen calls ring whenever another process may have news, such as a job or an event
// that it made, and when it may have missed that, until ctx is done. Over SQLite there is
// no other.
func (s *Store) Listen(ctx context.Context, ring func(Topic)) {
	if s.shared == nil {
		return
	}
	for ctx.Err() == nil {
		_ = s.listen(ctx, ring) // the connection was lost: the next one begins with a ring
		_ = wait(ctx, time.Second)
	}
}

func (s *Store) listen(ctx context.Context, ring func(Topic)) error {
	c, err := pgx.ConnectConfig(ctx, s.shared.pool.Config().ConnConfig)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }() // it is done with
	for topic := range topics {
		if _, err := c.Exec(ctx, "LISTEN "+string(topic)); err != nil {
			return err
		}
	}
	for topic := range topics {
		ring(topic)
	}
	for {
		n, err := hear(ctx, c)
		if err != nil {
			return err
		}
		if n != nil && n.Payload != s.shared.self {
			ring(Topic(n.Channel))
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
