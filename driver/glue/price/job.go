package price

import (
	"math/big"
	"strconv"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/schema"
)

// A Job is what the price of a run goes by, whether a manifest says it, a Glue
// job or one of its runs.
type Job struct {
	Region         string
	Type           string // glueetl, gluestreaming, pythonshell or glueray
	GlueVersion    string
	WorkerType     string  // G.1X; empty or Standard where MaxCapacity counts
	Workers        int     // with auto scaling, at most
	MaxCapacity    float64 // DPUs; it counts where there is no WorkerType
	ExecutionClass string  // STANDARD or FLEX; empty is STANDARD
	Timeout        time.Duration
	Retries        int
	Concurrent     int // runs at once, at most; 0 is 1
}

// Usage is what one run used.
type Usage struct {
	Seconds    int64   // ExecutionTime
	DPUSeconds float64 // 0: Glue does not say, and the job had its whole capacity all the time
}

// JobOf reads a target for AWS Glue.
func JobOf(t slipway.Target, region string) (Job, error) {
	j := Job{
		Region: region, Type: text(t, "type"), GlueVersion: text(t, "glue_version"), WorkerType: text(t, "worker_type"),
		Workers: int(float(t, "workers")), MaxCapacity: float(t, "max_capacity"), ExecutionClass: text(t, "execution_class"),
		Retries: int(float(t, "max_retries")), Concurrent: int(float(t, "max_concurrent_runs")),
	}
	if timeout := text(t, "timeout"); timeout != "" {
		d, err := schema.ParseDuration(timeout)
		if err != nil {
			return j, slipway.Errorf(slipway.Invalid, "run.timeout: %w", err)
		}
		// Glue counts whole minutes.
		j.Timeout = (d + time.Minute - 1).Truncate(time.Minute)
	}
	return j, nil
}

func text(t slipway.Target, name string) string {
	s, _ := t.Run[name].(string)
	return s
}

func float(t slipway.Target, name string) float64 {
	switch n := t.Run[name].(type) {
	case float64:
		return n
	case int:
		return float64(n)
	}
	return 0
}

// kind says how the job is billed, and the units that it holds.
func (b *Book) kind(j Job) (Kind, *big.Rat, error) {
	w, units := worker{kind: Spark}, exact(j.MaxCapacity)
	switch {
	case j.Type == "pythonshell":
		w.kind = Shell
	case j.WorkerType != "" && j.WorkerType != "Standard":
		var err error
		if w, err = b.worker(j.WorkerType); err != nil {
			return "", nil, err
		}
		units = new(big.Rat).Mul(w.size, big.NewRat(int64(j.Workers), 1))
	}
	if units.Sign() <= 0 {
		return "", nil, slipway.Errorf(slipway.Invalid, "the job says neither how many workers nor how much capacity it has, and prices go by that")
	}
	switch {
	case j.ExecutionClass != "FLEX":
		return w.kind, units, nil
	case w.kind == Spark:
		return Flex, units, nil
	}
	return "", nil, b.lacking("there is no price for FLEX on workers of type " + j.WorkerType)
}

// exact returns the decimal number that people write for f.
func exact(f float64) *big.Rat {
	n, ok := new(big.Rat).SetString(strconv.FormatFloat(f, 'f', -1, 64))
	if !ok {
		return new(big.Rat) // not a number, or endless
	}
	return n
}

// A tariff is what a job's runs cost.
type tariff struct {
	rate
	kind  Kind
	units *big.Rat
}

// tariff returns what the job's runs cost; that there is no price is an error of
// kind NotFound.
func (b *Book) tariff(j Job) (tariff, error) {
	kind, units, err := b.kind(j)
	if err != nil {
		return tariff{}, err
	}
	key := rateKey{kind, j.GlueVersion, j.Region}
	if kind == Shell {
		key.version = ""
	}
	r, err := b.rate(key)
	return tariff{r, kind, units}, err
}

// run is the cost of a run that used so much. The least time is billed with the
// capacity that the run had on average.
func (t tariff) run(u Usage) *big.Rat {
	held := new(big.Rat).Mul(t.units, new(big.Rat).SetInt64(u.Seconds))
	if u.DPUSeconds > 0 {
		held = exact(u.DPUSeconds)
	}
	if least := int64(t.minimum / time.Second); u.Seconds > 0 && u.Seconds < least {
		held.Mul(held, big.NewRat(least, u.Seconds))
	}
	return t.unitSeconds(held)
}

// lasting is the cost of a run that holds all of its capacity for d.
func (t tariff) lasting(d time.Duration) *big.Rat {
	seconds := big.NewRat(int64(max(d, t.minimum)), int64(time.Second))
	return t.unitSeconds(seconds.Mul(seconds, t.units))
}

func (t tariff) unitSeconds(held *big.Rat) *big.Rat {
	cost := new(big.Rat).Mul(held, t.perHour)
	return cost.Quo(cost, big.NewRat(3600, 1))
}

// money rounds to a millionth, a half upwards. Amounts are never negative.
func (t tariff) money(amount *big.Rat) (slipway.Money, error) {
	n := new(big.Rat).Mul(amount, big.NewRat(1_000_000, 1))
	n.Add(n, big.NewRat(1, 2))
	whole := new(big.Int).Quo(n.Num(), n.Denom())
	const most = 999_999_999_999_999_999 // a Decimal of twelve digits before the point
	if !whole.IsInt64() || whole.Int64() > most {
		return slipway.Money{}, slipway.Errorf(slipway.Invalid, "a cost of %s %s is beyond what can be written", amount.FloatString(0), t.currency)
	}
	return slipway.Money{Amount: slipway.Decimal(whole.Int64()), Currency: t.currency}, nil
}
