package server

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slipway-cd/slipway/store"
)

// A lookout is for those who serve the same pools: who has the turn looks for work for all
// who have none. All would wake at each news, and find together what one finds.
type lookout struct {
	turn  chan struct{}
	found chan store.Job // that are begun, and that nobody has taken up yet
	idle  atomic.Int64   // how many there are for whom no job is begun
}

// mostFound is more jobs than ever wait to be taken up.
const mostFound = 1000

func newLookout() *lookout {
	return &lookout{turn: make(chan struct{}, 1), found: make(chan store.Job, mostFound)}
}

// waiting is a job that is begun and that nobody has taken up, if there is one.
func (l *lookout) waiting() (j store.Job, ok bool) {
	select {
	case j = <-l.found:
		return j, true
	default:
		return j, false
	}
}

// serve does one job after another of those that are wanted, until ctx is done. work is
// the context of the jobs.
func (s *Server) serve(ctx, work context.Context, l *lookout, all ...store.Wanted) {
	for {
		j, ok := s.next(ctx, l, all)
		if !ok {
			return
		}
		s.do(work, j)
	}
}

// next waits for a job that has begun. ok is false once ctx is done, and all that was
// begun is taken up.
func (s *Server) next(ctx context.Context, l *lookout, all []store.Wanted) (j store.Job, ok bool) {
	l.idle.Add(1)
	if j, ok = l.waiting(); ok {
		return j, true
	}
	select {
	case j = <-l.found:
		return j, true
	case l.turn <- struct{}{}:
		if j, ok = s.look(ctx, l, all); ok {
			return j, true
		}
	case <-ctx.Done():
	}
	if j, ok = l.waiting(); !ok {
		l.idle.Add(-1)
	}
	return j, ok
}

// slowClaim is how long a claim takes that others do not wait for: its connection may
// be one over which nothing comes any more.
const slowClaim = 2 * time.Second

// look is next for the one who has the turn. Another one has it once it is seen that
// jobs are taken.
func (s *Server) look(ctx context.Context, l *lookout, all []store.Wanted) (j store.Job, ok bool) {
	goOn := sync.OnceFunc(func() { <-l.turn })
	defer goOn()
	for ctx.Err() == nil {
		news := s.news.Next()
		if idle := l.idle.Load(); idle > 0 { // else one is begun for this one, too
			jobs, err := s.lookOnce(ctx, l, all, int(idle), goOn)
			if len(jobs) > 0 {
				for _, other := range jobs[1:] {
					l.found <- other
				}
				return jobs[0], true
			}
			if err != nil { // whatever is new, there is no database
				news = nil
			}
		}
		if j, ok = s.await(ctx, news, l.found); ok {
			return j, true
		}
	}
	return j, false
}

// lookOnce begins jobs for those who have none, and calls goOn when another one may look.
func (s *Server) lookOnce(ctx context.Context, l *lookout, all []store.Wanted, idle int, goOn func()) ([]store.Job, error) {
	defer time.AfterFunc(slowClaim, goOn).Stop()
	taken := 0
	jobs, err := s.claim(ctx, all, min(idle, mostAtOnce), func(n int) {
		taken = n
		l.idle.Add(int64(-n))
		goOn()
	})
	l.idle.Add(int64(taken - len(jobs)))
	if err != nil && ctx.Err() == nil {
		s.Log.ErrorContext(ctx, "look for work", "error", err)
	}
	return jobs, err
}

// mostAtOnce is how many jobs a claim takes.
const mostAtOnce = 16

// await waits for news, though not for long, or for a job that was begun.
func (s *Server) await(ctx context.Context, news <-chan struct{}, found <-chan store.Job) (j store.Job, ok bool) {
	t := time.NewTimer(s.Poll)
	defer t.Stop()
	select {
	case j = <-found:
		return j, true
	case <-ctx.Done():
	case <-news:
	case <-t.C:
	}
	return j, false
}

// claim begins jobs, at most so many. A look that a power cut undoes is looked again; any
// other is to know that it was begun before. taken may be called once others see that
// they are.
func (s *Server) claim(ctx context.Context, all []store.Wanted, most int, taken func(n int)) (jobs []store.Job, err error) {
	if s.isLost() {
		return nil, nil
	}
	defer s.claims.begin()()
	for _, w := range all {
		w.Taken = taken
		if jobs, err = s.store.Claim(ctx, w, s.Clock(), w.Pool == poolLook, most); err != nil || len(jobs) > 0 {
			break
		}
	}
	for _, j := range jobs { // none, if there is an error
		s.under(j.ID, func(error) {}) // it is in hand from now on
	}
	return jobs, err
}
