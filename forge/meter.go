package forge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"sync"
	"time"
)

// A Gauge is what is known of what a forge will answer to an account.
type Gauge struct {
	Budget           // of calls; its zero value: the forge told of none
	Pause  time.Time // it asked for quiet until then; zero: it did not
}

// With is what is known when another gauge of the same is seen as well. What is left of
// one period never grows; a reset that is a little earlier is of the same period, and one
// that is much earlier is old news.
func (g Gauge) With(o Gauge) Gauge {
	const same = 5 // seconds by which a forge tells the same reset differently
	switch {
	case o.Limit == 0 || g.Limit > 0 && o.Reset < g.Reset-same:
	case o.Reset > g.Reset || g.Limit == 0:
		g.Budget = o.Budget
	default:
		g.Left = min(g.Left, o.Left)
	}
	if o.Pause.After(g.Pause) {
		g.Pause = o.Pause
	}
	return g
}

// A Meter is what all who share an account at a forge know of what it will answer to
// them. An account is known by a digest. It has several resources that the forge counts
// apart; what holds for all of them has an empty name. It may be asked and told by several
// at the same time, and neither waits for anything far.
type Meter interface {
	// Gauge says what is known.
	Gauge(account, resource string) Gauge
	// Note adds what an answer said.
	Note(account, resource string, g Gauge)
}

// AccountKey is the digest by which an account is known: of the forge's address and what
// we sign in with, from which nobody learns either.
func AccountKey(address, credential string) string {
	sum := sha256.Sum256([]byte(address + "\x00" + credential))
	return hex.EncodeToString(sum[:16])
}

// Memory is a Meter for those in one process. Its zero value knows nothing.
type Memory struct {
	mu     sync.Mutex
	gauges map[[2]string]Gauge
}

var _ Meter = (*Memory)(nil)

// Gauge implements [Meter].
func (m *Memory) Gauge(account, resource string) Gauge {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.gauges[[2]string{account, resource}]
}

// Note implements [Meter].
func (m *Memory) Note(account, resource string, g Gauge) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.gauges == nil {
		m.gauges = map[[2]string]Gauge{}
	}
	key := [2]string{account, resource}
	m.gauges[key] = m.gauges[key].With(g)
}

// reserve is which part of a budget is kept for what people wait for.
const reserve = 10

type backgroundKey struct{}

// InBackground marks the calls of a context as what nobody waits for: a tenth of the
// forge's budget is left to others.
func InBackground(ctx context.Context) context.Context {
	return context.WithValue(ctx, backgroundKey{}, true)
}

// An Account is one identity at a forge. Clients of forges ask it before each call.
type Account struct {
	key   string
	meter Meter
	clock func() time.Time

	mu    sync.Mutex
	calls int // under way: what they cost is not told yet
}

// NewAccount makes an account with a key of [AccountKey]. A nil meter is one of its own.
func NewAccount(key string, meter Meter, clock func() time.Time) *Account {
	if meter == nil {
		meter = &Memory{}
	}
	return &Account{key: key, meter: meter, clock: clock}
}

// Begin begins a call, whose end is told by end. The error is a [LimitError] where the
// forge would not answer it.
func (a *Account) Begin(ctx context.Context, resource string) (end func(), err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	background, _ := ctx.Value(backgroundKey{}).(bool)
	if until, closed := a.closed(resource, background, a.calls); closed {
		return nil, &LimitError{Until: until}
	}
	a.calls++
	return a.end, nil
}

func (a *Account) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls--
}

// Closed says until when the forge answers no call for a resource.
func (a *Account) Closed(resource string) (until time.Time, closed bool) {
	return a.closed(resource, false, 0)
}

// closed says until when no call is to be made while so many are under way.
func (a *Account) closed(resource string, background bool, calls int) (until time.Time, closed bool) {
	now := a.clock()
	for _, of := range slices.Compact([]string{"", resource}) {
		g := a.meter.Gauge(a.key, of)
		kept := 0
		if background {
			kept = g.Limit / reserve
		}
		if g.Pause.After(until) {
			until = g.Pause
		}
		if whole := time.Unix(g.Reset, 0); g.Limit > 0 && g.Left-calls <= kept && whole.After(until) {
			until = whole
		}
	}
	return until, now.Before(until)
}

// Note notes what an answer said of the budget of a resource.
func (a *Account) Note(resource string, b Budget) {
	a.meter.Note(a.key, resource, Gauge{Budget: b})
}

// Pause notes that the forge asked for quiet, and returns until when. With an empty name
// that holds for all resources.
func (a *Account) Pause(resource string, d time.Duration) time.Time {
	until := a.clock().Add(d)
	a.meter.Note(a.key, resource, Gauge{Pause: until})
	return until
}

// Tightest is the budget of which the smallest part is left, of those that are known.
func Tightest(all ...Budget) (least Budget, ok bool) {
	for _, b := range all {
		if b.Limit > 0 && (!ok || b.Left*least.Limit < least.Left*b.Limit) {
			least, ok = b, true
		}
	}
	return least, ok
}

// Budget is what is left for a resource; its zero value: nobody knows.
func (a *Account) Budget(resource string) Budget {
	b := a.meter.Gauge(a.key, resource).Budget
	if !a.clock().Before(time.Unix(b.Reset, 0)) {
		return Budget{}
	}
	return b
}
