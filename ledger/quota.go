package ledger

import (
	"encoding/json"
	"slices"

	"github.com/slipway-cd/slipway"
)

// The kinds of entry in the chain of a quota, and what their bodies are.
const (
	QuotaReserved = "quota.reserved" // Reservation
	QuotaSettled  = "quota.settled"  // Settlement
)

// QuotaVoided is the kind of an entry in an app's chain that ends a reservation
// whose deployment was never begun: behind it none begins on it. Its body is a Void.
const QuotaVoided = "quota.voided"

// QuotaSubject is what the chain of a quota is under. No app is called so.
func QuotaSubject(quota, environment string) Subject {
	return Subject{App: "quota@" + quota, Environment: environment}
}

// A Reservation holds an amount of a quota for a deployment that is to be.
type Reservation struct {
	App         string          `json:"app"`
	Environment string          `json:"environment"`
	Deployment  string          `json:"deployment"` // its id
	Ticket      string          `json:"ticket"`     // unique; a deployment has another one after a void
	Amount      slipway.Decimal `json:"amount"`
}

// A Settlement says what an app holds of a quota besides reservations that are still
// to begin, and which reservations are over.
type Settlement struct {
	App         string          `json:"app"`
	Environment string          `json:"environment"`
	Amount      slipway.Decimal `json:"amount"`
	Over        []string        `json:"over,omitempty"` // tickets
}

// A Void names the ticket of a reservation on which nothing begins any more.
type Void struct {
	Quota  string `json:"quota"`
	Ticket string `json:"ticket"`
}

// Voided reports whether a ticket is void.
func (h History) Voided(quota, ticket string) bool {
	return slices.Contains(h.voids, Void{quota, ticket})
}

// Running are the deployments whose jobs may be there: the one that is live, and
// those begun since, of which nobody knows how far they came.
func (h History) Running() []slipway.Deployment {
	current, ok := h.Current()
	var all []slipway.Deployment
	for _, d := range h.Deployments {
		if d.Number > h.removed && (!ok || d.Number >= current.Number) {
			all = append(all, d)
		}
	}
	return all
}

// QuotaState is what a quota's chain tells.
type QuotaState struct {
	Head    int64
	Holders []QuotaHolder // in the order of their first reservation
	tickets map[string]int
}

// A QuotaHolder is an app in an environment that holds some of a quota.
type QuotaHolder struct {
	Subject
	Settled slipway.Decimal
	Pending []QuotaTicket
}

// A QuotaTicket is a reservation that is not settled.
type QuotaTicket struct {
	Reservation
	Entry Entry
}

// Held is what the holder holds: of what runs and what is to replace it, the most.
func (q QuotaHolder) Held() slipway.Decimal {
	held := q.Settled
	for _, t := range q.Pending {
		held = max(held, t.Amount)
	}
	return held
}

// ReadQuota reads the chain of a quota.
func ReadQuota(entries []Entry) (QuotaState, error) {
	s := QuotaState{tickets: map[string]int{}}
	for _, e := range entries {
		s.Head = e.Number
		switch e.Kind {
		case QuotaReserved:
			var r Reservation
			if err := json.Unmarshal(e.Body, &r); err != nil {
				return s, err
			}
			s.tickets[r.Deployment]++
			h := s.holder(Subject{App: r.App, Environment: r.Environment})
			h.Pending = append(h.Pending, QuotaTicket{r, e})
		case QuotaSettled:
			var r Settlement
			if err := json.Unmarshal(e.Body, &r); err != nil {
				return s, err
			}
			h := s.holder(Subject{App: r.App, Environment: r.Environment})
			h.Settled = r.Amount
			h.Pending = slices.DeleteFunc(h.Pending, func(t QuotaTicket) bool { return slices.Contains(r.Over, t.Ticket) })
		}
	}
	return s, nil
}

// holder returns the holder of a name, which is made if there is none.
func (s *QuotaState) holder(of Subject) *QuotaHolder {
	i := slices.IndexFunc(s.Holders, func(h QuotaHolder) bool { return h.Subject == of })
	if i < 0 {
		i = len(s.Holders)
		s.Holders = append(s.Holders, QuotaHolder{Subject: of})
	}
	return &s.Holders[i]
}

// Holder returns what an app in an environment holds.
func (s QuotaState) Holder(of Subject) QuotaHolder {
	for _, h := range s.Holders {
		if h.Subject == of {
			return h
		}
	}
	return QuotaHolder{Subject: of}
}

// Held is what all hold together.
func (s QuotaState) Held() slipway.Decimal {
	var sum slipway.Decimal
	for _, h := range s.Holders {
		sum += h.Held()
	}
	return sum
}

// Tickets is how many reservations were made for a deployment.
func (s QuotaState) Tickets(deployment string) int { return s.tickets[deployment] }
