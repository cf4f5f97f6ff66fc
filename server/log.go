package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"sync"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/store"
)

// What a job prints is kept in the database, where every server can show it. It is
// written behind: some of it at a time, and all of it before the job's end is recorded.
const (
	logDelay  = 200 * time.Millisecond // how long what was printed waits for more
	logEnough = 32 << 10               // of which nothing waits
	logBehind = 1 << 20                // with so much waiting who prints waits too
)

// A jobLog is what a job prints, each attempt behind the one before.
type jobLog struct {
	job   store.Job
	keep  func(context.Context, store.Job, store.LogPiece) error
	told  func()          // what was printed is there for others
	ctx   context.Context //nolint:containedctx // it is the job's
	work  sync.WaitGroup
	ended chan struct{}
	full  chan struct{} // there is enough

	mu    sync.Mutex
	room  *sync.Cond // there is some again
	at    int64      // where what waits begins
	text  []byte     // what waits
	taken int        // of it is being kept
	lost  bool       // others do the job by now
}

// openLog opens a job's log behind what is there. Close it.
func (s *Server) openLog(ctx context.Context, j store.Job) (*jobLog, error) {
	end, line, err := s.store.LogEnd(ctx, j.ID)
	if err != nil {
		return nil, err
	}
	l := &jobLog{job: j, keep: s.store.AddLog, told: s.said.Ring, at: end}
	if !line {
		l.text = []byte("\n")
	}
	l.begin(ctx, s.Log)
	return l, nil
}

// begin begins to keep what is printed.
func (l *jobLog) begin(ctx context.Context, log *slog.Logger) {
	l.ctx, l.ended, l.full = ctx, make(chan struct{}), make(chan struct{}, 1)
	l.room = sync.NewCond(&l.mu)
	l.work.Go(func() {
		defer context.AfterFunc(ctx, l.wake)()
		l.follow(log)
	})
}

// follow keeps what is printed until the log is closed.
func (l *jobLog) follow(log *slog.Logger) {
	tick := time.NewTicker(logDelay)
	defer tick.Stop()
	for {
		select {
		case <-l.ended:
			return
		case <-tick.C:
		case <-l.full:
		}
		if err := l.flush(l.ctx); err != nil && l.ctx.Err() == nil {
			log.WarnContext(l.ctx, "keep what a job prints", "job", l.job.ID, "error", err)
		}
	}
}

// wake lets those who wait for room look again.
func (l *jobLog) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.room.Broadcast()
}

// Write implements io.Writer.
func (l *jobLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.text) >= logBehind && l.ctx.Err() == nil && !l.lost {
		l.room.Wait()
	}
	if l.lost || len(l.text) >= logBehind {
		return len(p), nil // nobody is to see it: a log is no reason to fail
	}
	l.text = append(l.text, p...)
	if len(l.text) >= logEnough {
		select {
		case l.full <- struct{}{}:
		default:
		}
	}
	return len(p), nil
}

// flush keeps what waits. A piece of which nobody knows whether it was kept is kept once
// more as it was.
func (l *jobLog) flush(ctx context.Context) error {
	for {
		l.mu.Lock()
		if l.taken == 0 {
			l.taken = min(len(l.text), store.MostPiece)
		}
		p := store.LogPiece{At: l.at, Said: l.text[:l.taken]}
		l.mu.Unlock()
		if len(p.Said) == 0 {
			return nil
		}
		err := l.keep(ctx, l.job, p)
		lost := slipway.KindOf(err) == slipway.Conflict
		if err != nil && !lost {
			return err
		}
		l.mu.Lock()
		l.at, l.text, l.taken, l.lost = p.End(), l.text[l.taken:], 0, lost
		if lost {
			l.text = nil // what others do with the job says the end of it
		}
		l.room.Broadcast()
		l.mu.Unlock()
		l.told()
	}
}

// event writes what happened to a stage.
func (l *jobLog) event(e pipeline.Event) {
	took := ""
	if e.Took > 0 {
		took = "  " + slipway.TookText(e.Took)
	}
	_, _ = fmt.Fprintf(l, "== %s %s %s %s%s\n", e.Time.Format(time.RFC3339), e.Stage, e.State, e.Text, took) // a log that cannot be written is no reason to fail
}

// Close keeps what waits, and ends the log. Whoever sees the job as ended sees all of it,
// so that an error is one of the job; it is tried again.
func (l *jobLog) Close(ctx context.Context) error {
	close(l.ended)
	l.work.Wait()
	last, cancel := context.WithoutCancel(ctx), func() {}
	if ctx.Err() != nil {
		last, cancel = context.WithTimeout(last, lastWords)
	}
	defer cancel()
	return l.flush(last)
}

// lastWords is how long a job that was cut short may take to keep what it printed.
const lastWords = 10 * time.Second

// copyLog copies what a job printed, and what it goes on to print until it has ended.
func (s *Server) copyLog(ctx context.Context, id int64, follow bool, w io.Writer) error {
	var r logReader
	for {
		next := s.said.Next()
		j, ok, err := s.store.Job(ctx, id)
		if err != nil {
			return err
		}
		if err := r.read(ctx, s, id, w); err != nil {
			return err
		}
		if !follow || !ok || j.State.Ended() {
			return nil
		}
		if s.await(ctx, next, nil); ctx.Err() != nil {
			return nil //nolint:nilerr // who follows has gone
		}
	}
}

// A logReader is how far a log was read.
type logReader struct {
	begun bool
	at    int64 // behind what was read
}

// read copies what is new.
func (r *logReader) read(ctx context.Context, s *Server, id int64, w io.Writer) error {
	if !r.begun {
		if err := r.begin(store.LogFile(s.Folder, id), w); err != nil {
			return err
		}
	}
	for {
		p, ok, err := s.store.Log(ctx, id, r.at)
		if err != nil || !ok {
			return err
		}
		if left := p.At - r.at; left > 0 && r.at != fromBegin {
			if _, err := fmt.Fprintf(w, "\n== %.1f MB of the log are left out here\n", float64(left)/1e6); err != nil {
				return err
			}
		}
		if _, err := w.Write(p.Said); err != nil {
			return err
		}
		r.at = p.End()
	}
}

// fromBegin is before every piece.
const fromBegin = math.MinInt64

// begin copies the file in which a log was before it was kept in the database, if it has
// not been taken there yet.
func (r *logReader) begin(file string, w io.Writer) error {
	r.begun, r.at = true, fromBegin
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	r.at = 0
	_, err = io.Copy(w, f)
	return err
}

// takeLogs takes the logs that lie in files into the database.
func (s *Server) takeLogs(ctx context.Context) error {
	if err := s.store.TakeLogs(ctx, s.Folder); err != nil && ctx.Err() == nil {
		s.Log.WarnContext(ctx, "take the logs of jobs into the database", "error", err)
	}
	return nil
}
