package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/policy"
)

// staleReservation is how old a reservation is on which nothing was begun before
// somebody who needs the room may void it. Nothing depends on it but how long others
// wait after a crash.
const staleReservation = time.Minute

// Quotas loads the quotas of the platform file. Every complaint about them is in the
// error.
func (p *Project) Quotas() ([]*policy.Quota, error) {
	if p.Platform == nil {
		return nil, nil
	}
	return p.Platform.Quotas(p.shapes)
}

// Quotas are the platform's quotas, compiled when they are asked for first.
func (f *Flow) Quotas() ([]*policy.Quota, error) {
	if f.quotas != nil {
		return f.quotas, nil
	}
	all, err := f.Project.Quotas()
	f.quotas = all
	return all, err
}

// accounts are those of the quotas that an app of a shape in an environment holds
// some of.
func (f *Flow) accounts(ctx context.Context, shape, env string) ([]account, error) {
	quotas, err := f.Quotas()
	if err != nil {
		return nil, err
	}
	var all []account
	for _, q := range quotas {
		if !q.IsFor(shape, env) {
			continue
		}
		a, err := f.account(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

func (f *Flow) account(ctx context.Context, q *policy.Quota) (account, error) {
	p, err := f.Place(ctx, q.Environments[0])
	if err != nil {
		return account{}, fmt.Errorf("the account of quota %s: %w", q.Name, err)
	}
	return account{quota: q, chain: p.Ledger, clock: f.Clock, by: f.Me.Who, ledgerOf: func(ctx context.Context, env string) (ledger.Ledger, error) {
		p, err := f.Place(ctx, env)
		if err != nil {
			return nil, err
		}
		return p.Ledger, nil
	}}, nil
}

// reserve reserves what a deployment needs of every quota, before it begins.
func (f *Flow) reserve(ctx context.Context, t slipway.Target, id string) error {
	all, err := f.accounts(ctx, t.Shape, t.Environment)
	if err != nil {
		return err
	}
	for _, a := range all {
		if err := a.reserve(ctx, t, id); err != nil {
			return err
		}
	}
	return nil
}

// Settle gives back what an app does not hold any more of any quota. It is called
// after whatever changes what runs. What it cannot give back, the next one who needs
// the room does.
func (f *Flow) Settle(ctx context.Context, app, env string) {
	if err := f.settle(ctx, app, env); err != nil && ctx.Err() == nil {
		f.emit(f.current, Warned, "what is not needed any more of a quota was not given back: "+err.Error(), 0)
	}
}

func (f *Flow) settle(ctx context.Context, app, env string) error {
	quotas, err := f.Quotas()
	if err != nil {
		return err
	}
	for _, q := range quotas {
		if !slices.Contains(q.Environments, env) {
			continue
		}
		a, err := f.account(ctx, q)
		if err != nil {
			return err
		}
		if err := a.settle(ctx, ledger.Subject{App: app, Environment: env}, false); err != nil {
			return err
		}
	}
	return nil
}

// An account is where the reservations of one quota stand: a chain of its own in the
// ledger of the quota's first environment.
//
// Who is about to deploy appends a reservation, behind the very entries by which it
// fits; then the deployment begins in the app's own chain. A reservation on which
// nothing was begun can be voided in that chain, behind which no deployment begins on
// it. So what is held is never less than what may run, wherever a process dies.
type account struct {
	quota    *policy.Quota
	chain    ledger.Ledger
	ledgerOf func(ctx context.Context, env string) (ledger.Ledger, error) // of the apps in an environment
	clock    func() time.Time
	by       string
}

func (a account) subject() ledger.Subject {
	return ledger.QuotaSubject(a.quota.Name, a.quota.Environments[0])
}

func (a account) read(ctx context.Context) (ledger.QuotaState, error) {
	entries, err := a.chain.Entries(ctx, a.subject(), 0)
	if err != nil {
		return ledger.QuotaState{}, err
	}
	return ledger.ReadQuota(entries)
}

// history is the chain of a holder. It is read after that of the quota, so that it
// is at least as new.
func (a account) history(ctx context.Context, of ledger.Subject) (ledger.Ledger, ledger.History, error) {
	l, err := a.ledgerOf(ctx, of.Environment)
	if err != nil {
		return nil, ledger.History{}, err
	}
	h, err := ledger.ReadHistory(ctx, l, of)
	return l, h, err
}

// open enters all that runs already, where the quota is new.
func (a account) open(ctx context.Context) (ledger.QuotaState, error) {
	for _, env := range a.quota.Environments {
		l, err := a.ledgerOf(ctx, env)
		if err != nil {
			return ledger.QuotaState{}, err
		}
		subjects, err := l.Subjects(ctx)
		if err != nil {
			return ledger.QuotaState{}, err
		}
		for _, s := range subjects {
			if s.Environment != env || !s.IsApp() {
				continue
			}
			if err := a.settle(ctx, s, false); err != nil {
				return ledger.QuotaState{}, err
			}
		}
	}
	return a.read(ctx)
}

// running is the most that the jobs of a holder may hold.
func (a account) running(h ledger.History) (slipway.Decimal, error) {
	var most slipway.Decimal
	for _, d := range h.Running() {
		n, err := a.quota.Amount(d.Plan.Target)
		if err != nil {
			return 0, err
		}
		most = max(most, n)
	}
	return most, nil
}

// reserve reserves what a deployment needs, or says who holds what is missing. The
// same deployment has it once, however often it asks.
func (a account) reserve(ctx context.Context, t slipway.Target, id string) error {
	needs, err := a.quota.Amount(t)
	if err != nil {
		return err
	}
	of := ledger.Subject{App: t.App, Environment: t.Environment}
	for swept := false; ; {
		state, err := a.read(ctx)
		if err == nil && state.Head == 0 {
			state, err = a.open(ctx)
		}
		if err != nil {
			return err
		}
		_, h, err := a.history(ctx, of)
		if err != nil {
			return err
		}
		runs, err := a.running(h)
		if err != nil {
			runs = 0 // what runs was deployed under another quota, and cannot be told
		}
		holder := state.Holder(of)
		amount := max(needs, runs)
		if a.has(holder, h, id, amount) {
			return nil
		}
		grown := max(holder.Held(), amount)
		if total := state.Held() - holder.Held() + grown; total > a.quota.Limit && grown > holder.Held() {
			if swept {
				return a.full(state, holder, needs)
			}
			if err := a.sweep(ctx, state); err != nil {
				return err
			}
			swept = true
			continue // with what is left
		}
		ticket := fmt.Sprintf("%s/%d", id, state.Tickets(id))
		err = a.append(ctx, state, "reserve/"+ticket, ledger.QuotaReserved, ledger.Reservation{
			App: t.App, Environment: t.Environment, Deployment: id, Ticket: ticket, Amount: amount,
		})
		if err == nil || slipway.KindOf(err) != slipway.Conflict {
			return err
		} // somebody else reserved meanwhile: look again
	}
}

// fits says whether a target would get what it needs now. It changes nothing.
func (a account) fits(ctx context.Context, t slipway.Target) error {
	needs, err := a.quota.Amount(t)
	if err != nil {
		return err
	}
	state, err := a.read(ctx)
	if err != nil {
		return err
	}
	holder := state.Holder(ledger.Subject{App: t.App, Environment: t.Environment})
	if needs > holder.Held() && state.Held()-holder.Held()+needs > a.quota.Limit {
		return a.full(state, holder, needs)
	}
	return nil
}

// has reports whether a deployment has its reservation.
func (a account) has(holder ledger.QuotaHolder, h ledger.History, id string, amount slipway.Decimal) bool {
	return slices.ContainsFunc(holder.Pending, func(t ledger.QuotaTicket) bool {
		return t.Deployment == id && t.Amount >= amount && !h.Voided(a.quota.Name, t.Ticket)
	})
}

// A QuotaUse is how much of a quota is held, and by whom.
type QuotaUse struct {
	Quota   *policy.Quota   `json:"quota"`
	Held    slipway.Decimal `json:"held"`
	Holders []QuotaHold     `json:"holders"`
}

// A QuotaHold is what an app holds of a quota, and what its jobs need by what is
// deployed. Where the two differ, a deployment is under way, or was cut short.
type QuotaHold struct {
	ledger.Subject
	Held slipway.Decimal `json:"held"`
	Runs slipway.Decimal `json:"runs"`
	Note string          `json:"note,omitempty"`
}

// QuotaUses says how much of each quota is held; with settle, what is held for
// nothing is given back first.
func (f *Flow) QuotaUses(ctx context.Context, settle bool) ([]QuotaUse, error) {
	quotas, err := f.Quotas()
	if err != nil {
		return nil, err
	}
	all := []QuotaUse{}
	for _, q := range quotas {
		a, err := f.account(ctx, q)
		if err != nil {
			return nil, err
		}
		use, err := a.use(ctx, settle)
		if err != nil {
			return nil, err
		}
		all = append(all, use)
	}
	return all, nil
}

func (a account) use(ctx context.Context, settle bool) (QuotaUse, error) {
	state, err := a.read(ctx)
	if err == nil && settle {
		if err = a.sweep(ctx, state); err == nil {
			state, err = a.open(ctx)
		}
	}
	if err != nil {
		return QuotaUse{}, err
	}
	use := QuotaUse{Quota: a.quota, Held: state.Held(), Holders: []QuotaHold{}}
	for _, holder := range state.Holders {
		_, h, err := a.history(ctx, holder.Subject)
		if err != nil {
			return use, err
		}
		hold := QuotaHold{Subject: holder.Subject, Held: holder.Held()}
		hold.Runs, err = a.running(h)
		switch {
		case err != nil:
			hold.Note = err.Error()
		case hold.Held > hold.Runs:
			hold.Note = "reserved for a deployment that has not begun"
		case hold.Held < hold.Runs:
			hold.Note = "more runs than is reserved"
		}
		if hold.Held > 0 || hold.Runs > 0 {
			use.Holders = append(use.Holders, hold)
		}
	}
	return use, nil
}

// append writes behind what was read. An id stands for what is written: two who
// write the same write it once.
func (a account) append(ctx context.Context, state ledger.QuotaState, id, kind string, body any) error {
	_, err := a.chain.Append(ctx, ledger.Draft{
		Subject: a.subject(), After: state.Head, ID: id, Kind: kind, Time: a.clock().UTC(), By: a.by, Body: body,
	})
	return err
}

// full says who holds what is missing.
func (a account) full(state ledger.QuotaState, mine ledger.QuotaHolder, needs slipway.Decimal) error {
	q := a.quota
	var held []string
	holders := slices.Clone(state.Holders)
	slices.SortStableFunc(holders, func(x, y ledger.QuotaHolder) int { return int(y.Held() - x.Held()) })
	for _, h := range holders {
		if h.Held() > 0 && h.Subject != mine.Subject {
			held = append(held, fmt.Sprintf("%s %s", h.Subject, amount(h.Held(), q.Unit)))
		}
	}
	if len(held) > 5 {
		held = append(held[:5], fmt.Sprintf("and %d more", len(held)-5))
	}
	free := max(0, q.Limit-state.Held()+mine.Held())
	return slipway.Errorf(slipway.Blocked, "quota %s is full: %s needs %s, and of %s only %s are free", q.Name, mine.Subject, amount(needs, q.Unit), amount(q.Limit, q.Unit), amount(free, q.Unit)).
		WithFix("it is held by %s\nask for less; or have one of them removed or made smaller, or the platform team keeps quotas.%s.limit", strings.Join(held, ", "), q.Name)
}

// amount writes an amount with its unit, without needless digits.
func amount(n slipway.Decimal, unit string) string {
	return strings.TrimSuffix(n.String(), ".00") + " " + unit
}

// sweep settles all who hold more than they may need.
func (a account) sweep(ctx context.Context, state ledger.QuotaState) error {
	for _, h := range state.Holders {
		if err := a.settle(ctx, h.Subject, true); err != nil {
			return fmt.Errorf("see what %s holds of quota %s: %w", h.Subject, a.quota.Name, err)
		}
	}
	return nil
}

// settle makes what a holder holds what its chain says, and voids reservations that
// are stale if it may.
func (a account) settle(ctx context.Context, of ledger.Subject, void bool) error {
	for {
		state, err := a.read(ctx)
		if err != nil {
			return err
		}
		holder := state.Holder(of)
		l, h, err := a.history(ctx, of)
		if err != nil {
			return err
		}
		var over []string
		for _, t := range holder.Pending {
			gone, err := a.gone(ctx, l, &h, t, void)
			if err != nil {
				return err
			}
			if gone {
				over = append(over, t.Ticket)
			}
		}
		runs, err := a.running(h)
		if err != nil || runs == holder.Settled && len(over) == 0 {
			return err
		}
		id := fmt.Sprintf("settle/%d/%s/%s/%s", state.Head, of.Environment, of.App, slipway.DigestOf(fmt.Append(nil, runs, over)).Hex())
		err = a.append(ctx, state, id, ledger.QuotaSettled, ledger.Settlement{App: of.App, Environment: of.Environment, Amount: runs, Over: over})
		if err == nil || slipway.KindOf(err) != slipway.Conflict {
			return err
		}
	}
}

// gone reports whether a reservation is over: its deployment has begun, so that the
// app's chain says what it holds, or it is void.
func (a account) gone(ctx context.Context, l ledger.Ledger, h *ledger.History, t ledger.QuotaTicket, void bool) (bool, error) {
	if h.Begun(t.Deployment) || h.Voided(a.quota.Name, t.Ticket) {
		return true, nil
	}
	if !void || a.clock().Sub(t.Entry.Time) < staleReservation {
		return false, nil
	}
	e, err := l.Append(ctx, ledger.Draft{
		Subject: h.Subject, After: h.Head, ID: "void/" + a.quota.Name + "/" + t.Ticket, Kind: ledger.QuotaVoided,
		Time: a.clock().UTC(), By: a.by, Body: ledger.Void{Quota: a.quota.Name, Ticket: t.Ticket},
	})
	if err != nil && slipway.KindOf(err) == slipway.Conflict {
		return false, nil // something was begun meanwhile, perhaps on this one
	}
	if err == nil {
		h.Head = e.Number
	}
	return err == nil, err
}
