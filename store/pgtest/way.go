package pgtest

import (
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A Way is a way to a database that a test can disturb: everything that is said goes
// through it.
type Way struct {
	to string // the socket

	mu      sync.Mutex
	open    map[net.Conn]bool
	closed  chan struct{} // closed: what is said gets through
	delay   time.Duration // of everything that is said
	word    string        // in what a client sends; empty: none is looked for
	arrives bool          // whether the word still does
	then    func()        // called when it was said, before the client hears of the cut
	hits    int
}

// Through makes a way to the database at a URL, and returns it with the URL by which the
// database is reached over it, by TCP.
func Through(t testing.TB, at string) (*Way, string) {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it ends with the test
	if err != nil {
		t.Fatal(err)
	}
	through := make(chan struct{})
	close(through)
	w := &Way{to: u.Query().Get("host") + "/.s.PGSQL.5432", open: map[net.Conn]bool{}, closed: through}
	t.Cleanup(func() {
		_ = l.Close()
		w.Heal()
		w.Cut()
	})
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			go w.carry(from)
		}
	}()
	return w, "postgres://" + u.User.String() + "@" + l.Addr().String() + u.Path + "?sslmode=disable"
}

// Cut cuts all connections that there are.
func (w *Way) Cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.open {
		_ = c.Close()
	}
}

// CutAt cuts the connection of the next client that says a word. Whether the word still
// arrives is for the caller to say; then is called in between, if it is not nil.
func (w *Way) CutAt(word string, arrives bool, then func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.word, w.arrives, w.then = word, arrives, then
}

// Hits is how often CutAt cut.
func (w *Way) Hits() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.hits
}

// Delay lets everything that is said arrive so much later.
func (w *Way) Delay(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.delay = d
}

// Swallow lets nothing through, nor tells anybody so: connections stay, and new ones are
// taken. What was said meanwhile arrives after Heal.
func (w *Way) Swallow() {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.closed:
		w.closed = make(chan struct{})
	default:
	}
}

// Heal ends what Delay and Swallow began.
func (w *Way) Heal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.delay = 0
	select {
	case <-w.closed:
	default:
		close(w.closed)
	}
}

// carry carries what a client and the database say.
func (w *Way) carry(from net.Conn) {
	w.keep(from)
	defer w.drop(from)
	w.through()
	to, err := net.Dial("unix", w.to) //nolint:noctx // it lives as long as the client
	if err != nil {
		return
	}
	w.keep(to)
	defer w.drop(to)
	var mute atomic.Bool // what the database says is for nobody
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		w.pass(to, func(said []byte) error {
			if mute.Load() {
				return net.ErrClosed
			}
			_, err := from.Write(said)
			return err
		})
		if !mute.Load() {
			_ = from.Close()
		}
	}()
	w.pass(from, func(said []byte) error {
		cut, arrives, then := w.cuts(string(said))
		if cut {
			mute.Store(true)
		}
		if !cut || arrives {
			if _, err := to.Write(said); err != nil {
				return err
			}
		}
		if !cut {
			return nil
		}
		if arrives {
			<-answered
		}
		if then != nil {
			then()
		}
		return net.ErrClosed
	})
	_ = to.Close()
	<-answered
}

// pass hands on what is said until that is not possible any more.
func (w *Way) pass(from net.Conn, hand func([]byte) error) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		w.through()
		if hand(buffer[:n]) != nil {
			return
		}
	}
}

// through waits as long as nothing gets through, and for the delay.
func (w *Way) through() {
	w.mu.Lock()
	closed, delay := w.closed, w.delay
	w.mu.Unlock()
	if delay > 0 {
		time.Sleep(delay) //nolint:forbidigo // it is what the test asks for
	}
	<-closed
}

// cuts reports whether the connection is to be cut at what a client says, and how.
func (w *Way) cuts(said string) (cut, arrives bool, then func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.word == "" || !strings.Contains(said, w.word) {
		return false, false, nil
	}
	w.word = ""
	w.hits++
	return true, w.arrives, w.then
}

func (w *Way) keep(c net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open[c] = true
}

func (w *Way) drop(c net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.open, c)
	_ = c.Close()
}
