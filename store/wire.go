package store

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// wires are the connections of a process to PostgreSQL: of its pools, of the workflow
// engine, and of who listens.
type wires struct {
	mu   sync.Mutex
	open map[*wire]bool
}

// A wire is a connection that is known, so that it can be closed while somebody waits
// for an answer.
type wire struct {
	net.Conn
	all *wires
}

// deaf is how long what was sent may stay without an answer of the other side's kernel.
// Without that a machine that is gone is waited for as long as TCP sends again: for a
// quarter of an hour.
const deaf = 10 * time.Second

// dial connects.
func (w *wires) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Control: impatient, KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3}}
	c, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	known := &wire{c, w}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open[known] = true
	return known, nil
}

// hangUp closes all connections.
func (w *wires) hangUp() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.open {
		_ = c.Conn.Close() // whoever uses it sees that
	}
}

// errClosed says that the database, or somebody on the way to it, closed the connection.
var errClosed = errors.New("the connection was closed")

// Read implements net.Conn. That a connection is closed is an error of the network, as
// that it is reset: the workflow engine does again what fails with one of those.
func (c *wire) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if errors.Is(err, io.EOF) {
		err = &net.OpError{Op: "read", Net: c.RemoteAddr().Network(), Addr: c.RemoteAddr(), Err: errClosed}
	}
	return n, err
}

// Close implements net.Conn.
func (c *wire) Close() error {
	c.all.mu.Lock()
	delete(c.all.open, c)
	c.all.mu.Unlock()
	return c.Conn.Close()
}

// HangUp closes all connections to PostgreSQL, so that whoever waits for an answer has an
// error at once. It is for a process that was not heard of for too long: an answer may
// never come, where the way to the database swallows what is said.
func (s *Store) HangUp() {
	if s.shared != nil {
		s.shared.wires.hangUp()
	}
}
