package server

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/slipway-cd/slipway/access"
)

// A pace keeps one caller from taking the server away from all others: each may send
// so many requests a second in the long run, and those of some seconds at once.
type pace struct {
	mu      sync.Mutex
	callers map[string]*rate.Limiter
}

// atOnce is of how many seconds a caller may send the requests at once.
const atOnce = 4

// manyCallers is of how many callers the pace is kept before those are forgotten who
// have not asked for a while.
const manyCallers = 1000

// wait takes a request of a caller, and says how long they have to wait before it is
// taken; 0: it is. perSecond is how many are; 0: any number.
func (p *pace) wait(caller string, perSecond int, now time.Time) time.Duration {
	if perSecond <= 0 {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	l, ok := p.callers[caller]
	if !ok {
		p.forget(now)
		l = rate.NewLimiter(rate.Limit(perSecond), atOnce*perSecond)
		p.callers[caller] = l
	}
	if l.Limit() != rate.Limit(perSecond) { // the platform file was changed
		l.SetLimitAt(now, rate.Limit(perSecond))
		l.SetBurstAt(now, atOnce*perSecond)
	}
	r := l.ReserveN(now, 1)
	delay := r.DelayFrom(now)
	if delay > 0 {
		r.CancelAt(now)
	}
	return delay
}

// forget drops those who may send as much as anybody new, once there are many.
func (p *pace) forget(now time.Time) {
	if p.callers == nil {
		p.callers = map[string]*rate.Limiter{}
	}
	if len(p.callers) < manyCallers {
		return
	}
	for name, l := range p.callers {
		if l.TokensAt(now) >= float64(l.Burst()) {
			delete(p.callers, name)
		}
	}
}

// tooOften takes a request of a caller, and says how long they have to wait before it
// is taken, and how many requests a second are.
func (s *Server) tooOften(who access.Identity) (delay time.Duration, perSecond int) {
	p, err := s.platform()
	if err != nil {
		return 0, 0 // what is wrong with it is told elsewhere
	}
	return s.pace.wait(who.String(), p.Server.Requests, s.Clock()), p.Server.Requests
}
