package price

import (
	"math/big"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

// monthHours are the hours of a twelfth of a year of 365.25 days.
func monthHours() *big.Rat { return big.NewRat(36525*24, 100*12) }

// month is the cost of an average month with so many runs.
//
// However often runs are started, no more than max_concurrent_runs go on at once.
// So a month costs at most what it costs if they fill it, each run's least time
// on top. A streaming job, which has no end, costs that.
func (t tariff) month(j Job, runs, worst, expected *big.Rat) (*slipway.MonthlyCost, error) {
	full := t.full(j, runs)
	each := func(one *big.Rat) *big.Rat {
		if one == nil || runs.Sign() == 0 {
			return nil
		}
		return least(new(big.Rat).Mul(runs, one), full)
	}
	m := &slipway.MonthlyCost{}
	m.Runs, _ = runs.Float64()
	var err error
	if m.Expected, err = t.known(each(expected)); err != nil {
		return nil, err
	}
	highest := each(worst)
	if highest == nil {
		highest = full
	}
	m.Worst, err = t.known(highest)
	return m, err
}

// full is the cost of a month that is filled with runs.
func (t tariff) full(j Job, runs *big.Rat) *big.Rat {
	seconds := monthHours()
	seconds.Mul(seconds, big.NewRat(3600*int64(max(1, j.Concurrent)), 1))
	starts := new(big.Rat).Mul(runs, big.NewRat(int64(1+j.Retries), 1))
	seconds.Add(seconds, starts.Mul(starts, big.NewRat(int64(t.minimum), int64(time.Second))))
	return t.unitSeconds(seconds.Mul(seconds, t.units))
}

func least(a, b *big.Rat) *big.Rat {
	if a.Cmp(b) < 0 {
		return a
	}
	return b
}

// PerYear counts how often a schedule fires in the year from a time on.
//
// All days on which it fires are alike, but for those on which clocks are put
// forward or back; so one day is counted tick by tick, and the others are looked
// for.
func PerYear(s driver.Schedule, from time.Time) int {
	until := from.AddDate(1, 0, 0)
	total, daily := 0, 0
	for at := from; ; {
		next := s.Between(at, until, 1)
		if len(next) == 0 {
			return total
		}
		year, month, day := next[0].Date()
		start := time.Date(year, month, day, 0, 0, 0, 0, next[0].Location())
		end := start.AddDate(0, 0, 1)
		whole := at.Before(start) && !end.After(until) && end.Sub(start) == 24*time.Hour
		if whole && daily > 0 {
			total += daily
		} else {
			n := len(s.Between(next[0].Add(-time.Second), earlier(end.Add(-time.Second), until), 0))
			total += n
			if whole {
				daily = n
			}
		}
		at = end.Add(-time.Second)
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
