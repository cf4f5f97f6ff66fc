package server

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/store"
)

// TestLogIsFollowed: what a job prints is there at once for who follows it, and all of it
// for who sees it as ended; each attempt comes behind the one before, and behind what an
// older server kept in a file.
func TestLogIsFollowed(t *testing.T) {
	w := newWorld(t)
	s, h := w.idle(t)
	if err := os.MkdirAll(store.LogFolder(s.Folder), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(store.LogFile(s.Folder, 1), []byte("in a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string)
	printing := s.kinds[jobPush]
	printing.do = func(ctx context.Context, j store.Job) (done, error) {
		l, err := s.openLog(ctx, j)
		if err != nil {
			return done{}, err
		}
		for line := range lines {
			if _, err := io.WriteString(l, line); err != nil {
				return done{}, err
			}
			if line == "cut" {
				return done{}, errors.Join(l.Close(ctx), slipway.Errorf(slipway.Unavailable, "something is lacking"))
			}
		}
		return done{}, l.Close(ctx)
	}
	s.kinds["print"] = printing
	alter(t, s, func(tx *store.Tx) error {
		_, _, err := tx.Enqueue(t.Context(), store.Job{Kind: "print", Subject: "app/hello", Key: "one", Input: []byte("{}"), Made: s.Clock()})
		return err
	})
	r, err := h.Client().Get(h.URL + Root + "/jobs/1/log?follow=true")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	defer running.Wait()
	defer stop()
	followed := bufio.NewReader(r.Body)
	for _, c := range []struct{ say, want string }{
		{"first\n", "in a file\n"}, {"cut", "first\n"}, {"second\n", "cut\n"}, {"third\n", "second\n"},
	} {
		lines <- c.say // which the one before has been kept for
		if line, err := followed.ReadString('\n'); line != c.want || err != nil {
			t.Fatalf("followed: %q, %v; want %q", line, err, c.want)
		}
	}
	close(lines)
	rest, err := io.ReadAll(followed)
	if string(rest) != "third\n" || err != nil {
		t.Errorf("followed to the end: %q, %v", rest, err)
	}
	if code, body := get(t, h, Root+"/jobs/1/log"); code != http.StatusOK || body != "in a file\nfirst\ncut\nsecond\nthird\n" {
		t.Errorf("the whole log: %d %q", code, body)
	}
}

// TestLogLeavesOut: where the middle of a log was left out, it says so.
func TestLogLeavesOut(t *testing.T) {
	w := newWorld(t)
	s, h := w.idle(t)
	alter(t, s, func(tx *store.Tx) error {
		_, _, err := tx.Enqueue(t.Context(), store.Job{Kind: jobPush, Subject: "app/hello", Key: "one", Input: []byte("{}"), Made: s.Clock()})
		return err
	})
	j, _, err := s.store.Job(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	long := store.LogPiece{Said: []byte(strings.Repeat("x", 1_000_000))}
	if err := os.MkdirAll(store.LogFolder(s.Folder), 0o700); err != nil {
		t.Fatal(err)
	}
	file := strings.Repeat(string(long.Said), 20)
	if err := os.WriteFile(store.LogFile(s.Folder, j.ID), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.takeLogs(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, body := get(t, h, Root+"/jobs/1/log")
	const half = store.MostLog / 2
	if want := file[:half] + "\n== 3.2 MB of the log are left out here\n" + file[:half]; body != want {
		t.Errorf("of %d bytes it shows %d: %q", len(file), len(body), strings.Trim(body, "x"))
	}
}

// A shelf keeps what a log gives it.
type shelf struct {
	mu   sync.Mutex
	kept []store.LogPiece
	fail func(store.LogPiece) error
}

func (s *shelf) keep(_ context.Context, _ store.Job, p store.LogPiece) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = append(s.kept, store.LogPiece{At: p.At, Said: []byte(string(p.Said))})
	return s.fail(p)
}

// text is what is kept, in pieces that follow each other.
func (s *shelf) text(t *testing.T) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []byte
	for _, p := range s.kept {
		if p.At != int64(len(all)) {
			t.Errorf("a piece begins at %d behind %d bytes", p.At, len(all))
		}
		all = append(all, p.Said...)
	}
	return string(all)
}

func (s *shelf) log(ctx context.Context) *jobLog {
	l := &jobLog{keep: s.keep, told: func() {}}
	l.begin(ctx, slog.New(slog.DiscardHandler))
	return l
}

// TestLogPieces: what is printed at once is kept in pieces that are not too long.
func TestLogPieces(t *testing.T) {
	s := &shelf{fail: func(p store.LogPiece) error {
		if len(p.Said) > store.MostPiece {
			t.Errorf("a piece has %d bytes", len(p.Said))
		}
		return nil
	}}
	l := s.log(t.Context())
	want := strings.Repeat("0123456789abcde\n", 3*logBehind/32)
	for i := 0; i < len(want); i += 1600 {
		if n, err := io.WriteString(l, want[i:min(i+1600, len(want))]); n == 0 || err != nil {
			t.Fatal(n, err)
		}
	}
	if err := l.Close(t.Context()); err != nil || s.text(t) != want {
		t.Errorf("%d of %d bytes are kept, %v", len(s.text(t)), len(want), err)
	}
}

// TestLogUnsure: a piece of which nobody knows whether it was kept is kept again as it was.
func TestLogUnsure(t *testing.T) {
	failed := make(chan struct{})
	var once sync.Once
	s := &shelf{fail: func(store.LogPiece) (err error) {
		once.Do(func() {
			close(failed)
			err = slipway.Errorf(slipway.Unavailable, "nobody knows")
		})
		return err
	}}
	l := s.log(t.Context())
	_, _ = io.WriteString(l, "hello ")
	<-failed
	_, _ = io.WriteString(l, "world")
	if err := l.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if len(s.kept) != 3 || string(s.kept[0].Said) != "hello " || string(s.kept[1].Said) != "hello " || string(s.kept[2].Said) != "world" || s.kept[1].At != 0 {
		t.Errorf("kept %+v", s.kept)
	}
}

// TestLogLost: a process that was taken for lost keeps nothing more, and prints on. What
// cannot be kept at the end is an error, so that the job is tried again.
func TestLogLost(t *testing.T) {
	asked := make(chan struct{}, 10)
	s := &shelf{fail: func(store.LogPiece) error {
		asked <- struct{}{}
		return slipway.Errorf(slipway.Conflict, "taken for lost")
	}}
	l := s.log(t.Context())
	_, _ = io.WriteString(l, "hello")
	<-asked
	if n, err := l.Write(make([]byte, 2*logBehind)); n != 2*logBehind || err != nil {
		t.Errorf("it prints %d, %v", n, err)
	}
	_, _ = io.WriteString(l, "world")
	if err := l.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if strings.Contains(s.text(t), "world") {
		t.Error("it was asked again")
	}
	broken := &shelf{fail: func(store.LogPiece) error { return slipway.Errorf(slipway.Unavailable, "no disk") }}
	l = broken.log(t.Context())
	_, _ = io.WriteString(l, "hello")
	if err := l.Close(t.Context()); slipway.KindOf(err) != slipway.Unavailable {
		t.Errorf("at the end: %v", err)
	}
}

// TestLogWaits: who prints faster than it can be kept waits, unless the job is cut short.
func TestLogWaits(t *testing.T) {
	open := make(chan struct{})
	s := &shelf{fail: func(store.LogPiece) error { <-open; return nil }}
	ctx, cut := context.WithCancel(t.Context())
	l := s.log(ctx)
	_, _ = l.Write(make([]byte, logBehind+1))
	wrote := make(chan struct{})
	go func() {
		_, _ = io.WriteString(l, "more")
		close(wrote)
	}()
	cut()
	<-wrote
	if len(l.text) != logBehind+1 {
		t.Errorf("%d bytes wait", len(l.text))
	}
	close(open)
	if err := l.Close(ctx); err != nil {
		t.Error(err)
	}
}
