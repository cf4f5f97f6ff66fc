package slipway

import (
	"fmt"
	"strings"
	"time"
)

// Usage is what a run used of its runtime, in the runtime's own unit.
type Usage struct {
	Seconds     int64   `json:"seconds"`                // that it held its capacity; what is billed may be more
	Capacity    float64 `json:"capacity"`               // units that it was given: DPUs
	UnitSeconds float64 `json:"unit_seconds,omitempty"` // units that it held, summed over its seconds, where the runtime measures that
	Unit        string  `json:"unit"`
}

// A Cost is what a job's runs cost, as far as prices and past runs tell. It is
// no bill.
type Cost struct {
	App         string `json:"app"`
	Environment string `json:"environment"`
	// Unknown says why nothing can be said before runs are billed; empty if it can.
	Unknown string `json:"unknown,omitempty"`
	// Worst is that of a run that takes all the time it has, its retries
	// included; nil: it has no time limit.
	Worst *Money `json:"worst,omitempty"`
	// Expected is the mean of the last runs that succeeded; nil: there are none.
	Expected *Money `json:"expected,omitempty"`
	// Learnt is the number of runs that Expected is the mean of.
	Learnt int `json:"learnt,omitempty"`
	// Month is an average month; nil if nothing says how often the job runs.
	Month *MonthlyCost `json:"month,omitempty"`
	// Spent is what runs have cost in the month that it is now; nil in a plan.
	Spent *Spending `json:"spent,omitempty"`
	// Last are the last runs, newest first.
	Last []Run `json:"last,omitempty"`
	// Prices says where the prices are from.
	Prices Prices `json:"prices,omitzero"`
	// Notes say what is assumed, or could not be found out.
	Notes []string `json:"notes,omitempty"`
}

// MonthlyCost is the cost of an average month, a twelfth of a year.
type MonthlyCost struct {
	Runs     float64 `json:"runs"` // that the schedule starts; 0: it runs all the time
	Worst    *Money  `json:"worst,omitempty"`
	Expected *Money  `json:"expected,omitempty"`
}

// Spending is the cost of runs that have ended.
type Spending struct {
	Since   time.Time `json:"since"`
	Amount  *Money    `json:"amount,omitempty"` // nil: of no run is it known
	Runs    int       `json:"runs"`             // that Amount is the sum of
	Unknown int       `json:"unknown"`          // runs whose cost is not known
}

// Prices says where prices are from.
type Prices struct {
	Source string `json:"source"`
	Date   string `json:"date"` // the day on which they held: 2026-11-22
}

// String writes where prices are from, for people.
func (p Prices) String() string { return p.Source + ", " + p.Date }

// String is the estimate as a sentence.
func (c Cost) String() string {
	if c.Unknown != "" {
		return "unknown: " + c.Unknown
	}
	run := "without a limit, for a run has no timeout"
	if c.Worst != nil {
		run = fmt.Sprintf("at most %s a run", c.Worst)
	}
	if c.Expected != nil {
		run += fmt.Sprintf(", about %s expected", c.Expected)
	}
	if month := c.Month.String(); month != "" {
		return run + "; " + month
	}
	return run
}

// String is the month as a sentence; empty if nothing is known of it.
func (m *MonthlyCost) String() string {
	if m == nil {
		return ""
	}
	var parts []string
	if m.Expected != nil {
		parts = append(parts, fmt.Sprintf("about %s a month", m.Expected))
	}
	if m.Worst != nil {
		parts = append(parts, fmt.Sprintf("at most %s", m.Worst))
	}
	text := strings.Join(parts, ", ")
	if text != "" && m.Expected == nil {
		text += " a month"
	}
	return text
}
