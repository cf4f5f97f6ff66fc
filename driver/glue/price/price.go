package price

import (
	"math/big"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

// Ended returns the cost of a run that has ended and was one of the job as it was
// then. A run that held nothing costs nothing.
func (b *Book) Ended(j Job, u Usage) (slipway.Money, error) {
	t, err := b.tariff(j)
	if err != nil {
		return slipway.Money{}, err
	}
	return t.money(t.run(u))
}

// Record fills the usage and cost of a run that has ended, from what each of its
// attempts used. A run without a price has no cost.
func (b *Book) Record(r *slipway.Run, j Job, attempts ...Usage) {
	kind, units, err := b.kind(j)
	if err != nil || !r.State.Ended() || len(attempts) == 0 {
		return
	}
	u := &slipway.Usage{Unit: kind.unit()}
	u.Capacity, _ = units.Float64()
	for _, a := range attempts {
		u.Seconds += a.Seconds
		u.UnitSeconds += a.DPUSeconds
	}
	r.Usage = u
	t, err := b.tariff(j)
	if err != nil {
		return
	}
	sum := new(big.Rat)
	for _, a := range attempts {
		sum.Add(sum, t.run(a))
	}
	if cost, err := t.money(sum); err == nil {
		r.Cost = &cost
	}
}

// Worst returns the cost of a run that takes all the time it has and fails at its
// end, and so do its retries. A job without a time limit has none, and that is an
// error of kind Invalid.
func (b *Book) Worst(j Job) (slipway.Money, error) {
	t, err := b.tariff(j)
	if err != nil {
		return slipway.Money{}, err
	}
	if j.Timeout <= 0 {
		return slipway.Money{}, slipway.Errorf(slipway.Invalid, "a run without a timeout has no highest cost")
	}
	return t.money(t.worst(j))
}

func (t tariff) worst(j Job) *big.Rat {
	one := t.lasting(j.Timeout)
	return one.Mul(one, big.NewRat(int64(1+j.Retries), 1))
}

// learnFrom is how many runs an expectation is the mean of.
const learnFrom = 20

// Cost estimates what runs of a job will cost. runs are past ones, newest first,
// as Record filled them; they are priced as if they had taken the same time with
// the capacity and rates that the job has now. from is the day on which a year of
// the schedule begins. What prevents an estimate is told in Unknown.
func (b *Book) Cost(j Job, s driver.Schedule, from time.Time, runs []slipway.Run) slipway.Cost {
	t, err := b.tariff(j)
	if err != nil {
		return slipway.Cost{Prices: b.from, Unknown: err.Error()}
	}
	c := slipway.Cost{Prices: t.from}
	if t.assumed != "" {
		c.Notes = []string{t.assumed}
	}
	if err := t.estimate(&c, j, PerYear(s, from), runs); err != nil {
		return slipway.Cost{Prices: t.from, Unknown: err.Error()}
	}
	return c
}

// estimate fills in the figures. Each is rounded by itself.
func (t tariff) estimate(c *slipway.Cost, j Job, perYear int, runs []slipway.Run) (err error) {
	var worst, expected *big.Rat
	if j.Timeout > 0 {
		worst = t.worst(j)
	}
	expected, c.Learnt = t.mean(runs)
	if perYear > 0 || j.Type == "gluestreaming" {
		if c.Month, err = t.month(j, big.NewRat(int64(perYear), 12), worst, expected); err != nil {
			return err
		}
	}
	if c.Worst, err = t.known(worst); err != nil {
		return err
	}
	c.Expected, err = t.known(expected)
	return err
}

// known is the amount as money; nil if there is none.
func (t tariff) known(amount *big.Rat) (*slipway.Money, error) {
	if amount == nil {
		return nil, nil //nolint:nilnil // an amount that is not known is no error
	}
	m, err := t.money(amount)
	return &m, err
}

// mean returns the mean cost of the last runs that succeeded, and their number.
func (t tariff) mean(runs []slipway.Run) (*big.Rat, int) {
	sum, n := new(big.Rat), 0
	for _, r := range runs {
		if r.State != slipway.RunSucceeded || r.Usage == nil || r.Usage.Seconds <= 0 || n == learnFrom {
			continue
		}
		sum.Add(sum, t.run(t.again(*r.Usage)))
		n++
	}
	if n == 0 {
		return nil, 0
	}
	return sum.Quo(sum, big.NewRat(int64(n), 1)), n
}

// again is the usage of a run if it took the same time with the job's capacity:
// the share of it that the run held stays the same.
func (t tariff) again(u slipway.Usage) Usage {
	out := Usage{Seconds: u.Seconds}
	if u.UnitSeconds > 0 && u.Capacity > 0 {
		units, _ := t.units.Float64()
		out.DPUSeconds = u.UnitSeconds * units / u.Capacity
	}
	return out
}
