package server

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/notice"
	"github.com/slipway-cd/slipway/operate"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/schema"
	"github.com/slipway-cd/slipway/store"
)

// schedules fires the schedules of runtimes that do not keep them themselves, until
// ctx is done.
func (s *Server) schedules(ctx context.Context) error {
	envs := map[string]chan time.Time{}
	ended := make(chan struct{})
	defer func() {
		for _, ticks := range envs {
			close(ticks)
		}
		for range envs {
			<-ended
		}
	}()
	for {
		now := s.Clock()
		var firing []string
		if s.leads(ctx) {
			firing = s.firing(ctx)
		}
		for _, env := range firing {
			ticks, ok := envs[env]
			if !ok {
				ticks = make(chan time.Time, 1)
				envs[env] = ticks
				go func() {
					defer func() { ended <- struct{}{} }()
					s.fire(ctx, env, now, ticks)
				}()
			}
			select {
			case ticks <- now:
			default: // it is still at the tick before
			}
		}
		if !pause(ctx, s.Tick) {
			return nil
		}
	}
}

// firing are the environments whose schedules the server fires.
func (s *Server) firing(ctx context.Context) []string {
	p, err := s.platform()
	if err != nil {
		s.Log.ErrorContext(ctx, "read the platform file", "error", err)
		return nil
	}
	return slices.DeleteFunc(p.EnvironmentNames(), func(env string) bool {
		fires := false
		err := s.operating(ctx, env, func(o operate.Stage) error {
			_, fires = o.Driver.(driver.Scheduler)
			return nil
		})
		return err != nil || !fires
	})
}

// fire fires the schedules of an environment at each tick.
func (s *Server) fire(ctx context.Context, env string, since time.Time, ticks <-chan time.Time) {
	err := s.operating(ctx, env, func(o operate.Stage) error {
		return o.Schedule(ctx, since, ticks, func(f operate.Firing) {
			body := map[string]any{"environment": env, "firing": f}
			if f.Err != nil {
				s.Log.WarnContext(ctx, "a schedule fired, and no run came of it", "app", f.App, "environment", env, "due", f.Due, "error", f.Err)
			}
			s.tell(ctx, store.Job{Subject: subjectOf(f.App)}, "schedule.fired", body)
		})
	})
	if err != nil && ctx.Err() == nil {
		s.Log.ErrorContext(ctx, "fire the schedules", "environment", env, "error", err)
	}
	for range ticks { // until the server ends
	}
}

// watch looks after the runs of all that is deployed, until ctx is done.
func (s *Server) watch(ctx context.Context) error {
	for {
		if !s.leads(ctx) {
			if !pause(ctx, s.Poll) {
				return nil
			}
			continue
		}
		if err := s.watchAll(ctx); err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "watch the runs", "error", err)
		}
		if !pause(ctx, s.Watch) {
			return nil
		}
	}
}

// watchAll looks once at the runs of every app in every environment.
func (s *Server) watchAll(ctx context.Context) error {
	p, err := s.platform()
	if err != nil {
		return err
	}
	subjects, err := s.host.State().Ledger().Subjects(ctx)
	if err != nil {
		return err
	}
	return s.platformFlow(func(f *pipeline.Flow) error {
		stages := map[string]operate.Stage{}
		for _, env := range p.EnvironmentNames() {
			if e, _ := p.Environment(env); e.LedgerInRepository {
				continue
			}
			o, err := f.Operating(ctx, env)
			if err != nil {
				s.Log.WarnContext(ctx, "watch the runs of an environment", "environment", env, "error", err)
				continue
			}
			stages[env] = o
		}
		var g errgroup.Group // runtimes are far: several are asked at once
		g.SetLimit(s.Lookers)
		for _, sub := range subjects {
			o, ok := stages[sub.Environment]
			if !ok || !sub.IsApp() || ctx.Err() != nil {
				continue
			}
			g.Go(func() error {
				if err := s.watchOne(ctx, o, p, sub); err != nil && ctx.Err() == nil {
					s.Log.WarnContext(ctx, "watch the runs of an app", "app", sub.App, "environment", sub.Environment, "error", err)
				}
				return nil
			})
		}
		return g.Wait()
	})
}

// watchOne looks at the runs of an app in an environment. The end of each is seen
// once; what people are told follows in the same transaction.
func (s *Server) watchOne(ctx context.Context, o operate.Stage, p *manifest.Platform, sub ledger.Subject) error {
	const last = 20
	runs, err := o.Runs(ctx, sub.App, last)
	if slipway.KindOf(err) == slipway.NotFound || slipway.KindOf(err) == slipway.Invalid {
		return nil // nothing is deployed there, or it has no runs
	}
	if err != nil {
		return err
	}
	if nothing, err := s.nothingNew(ctx, sub, runs); err != nil || nothing {
		return err
	}
	app, _, err := s.store.App(ctx, sub.App)
	if err != nil {
		return err
	}
	slices.Reverse(runs)
	return s.store.Change(ctx, func(tx *store.Tx) error {
		w, known, err := tx.Watch(ctx, sub.App, sub.Environment)
		if err != nil {
			return err
		}
		if !known {
			w.Since = s.began.UTC()
		}
		w.Looked = s.Clock()
		for _, r := range runs {
			if !r.State.Ended() || r.Ended.Before(w.Since) {
				continue
			}
			fresh, err := tx.SeeRun(ctx, sub.App, sub.Environment, r.ID, r.Ended)
			if err != nil {
				return err
			}
			if fresh {
				if err := s.sawEnd(ctx, tx, p, app.Team, &w, r); err != nil {
					return err
				}
			}
		}
		return tx.PutWatch(ctx, w)
	})
}

// nothingNew reports whether the end of each run was seen before, so that most looks
// write nothing.
func (s *Server) nothingNew(ctx context.Context, sub ledger.Subject, runs []slipway.Run) (bool, error) {
	w, known, err := s.store.Watch(ctx, sub.App, sub.Environment)
	if err != nil || !known {
		return false, err
	}
	seen, err := s.store.SeenRuns(ctx, sub.App, sub.Environment)
	return !slices.ContainsFunc(runs, func(r slipway.Run) bool {
		return r.State.Ended() && !r.Ended.Before(w.Since) && !slices.Contains(seen, r.ID)
	}), err
}

// sawEnd says what people are told of a run that has ended: of a failed one, unless
// they were told of another a short while ago, and of the first good one after.
func (s *Server) sawEnd(ctx context.Context, tx *store.Tx, p *manifest.Platform, team string, w *store.Watch, r slipway.Run) error {
	if err := tx.Tell(ctx, store.Event{Time: s.Clock(), Kind: "run.ended", Subject: subjectOf(r.App), Body: toJSON(r)}); err != nil {
		return err
	}
	call, reached := p.Reach(team)
	m := notice.Message{
		App: r.App, Environment: r.Environment, Team: team, Run: r.ID, State: string(r.State), Version: r.Version, Text: r.Message, Time: r.Ended,
		URL: s.URL + Root + "/apps/" + url.PathEscape(r.App) + "/environments/" + url.PathEscape(r.Environment) + "/runs/" + url.PathEscape(r.ID) + "/log",
	}
	switch r.State {
	case slipway.RunSucceeded:
		if !w.Failing {
			return nil
		}
		w.Failing, m.Kind, w.Told = false, notice.Recovered, time.Time{}
	case slipway.RunStopped: // by somebody, who knows
		return nil
	default:
		if w.Failing && s.Clock().Before(w.Told.Add(call.Quiet)) {
			return nil
		}
		w.Failing, m.Kind, w.Told = true, notice.Failed, s.Clock()
	}
	m.ID = strings.Join([]string{r.App, r.Environment, r.ID, m.Kind}, "/")
	if !reached {
		s.Log.WarnContext(ctx, "nobody can be told", "team", team, "message", m.Title())
		return tx.Tell(ctx, store.Event{Time: s.Clock(), Kind: "notice.unreached", Subject: subjectOf(r.App), Body: toJSON(m)})
	}
	return s.call(ctx, tx, call, m)
}

// told is the input of a job that tells somebody.
type told struct {
	To      notice.Target    `json:"to"`
	Secret  schema.SecretRef `json:"secret,omitzero"` // in place of the address
	Slack   bool             `json:"slack,omitempty"` // the secret is of Slack
	Message notice.Message   `json:"message"`
}

// call makes a job for each way on which people are reached.
func (s *Server) call(ctx context.Context, tx *store.Tx, c manifest.Call, m notice.Message) error {
	var all []told
	if c.Webhook != "" {
		all = append(all, told{To: notice.Target{Webhook: c.Webhook}})
	}
	if c.Slack != "" {
		all = append(all, told{To: notice.Target{Slack: c.Slack}})
	}
	if c.WebhookSecret.Name != "" {
		all = append(all, told{Secret: c.WebhookSecret})
	}
	if c.SlackSecret.Name != "" {
		all = append(all, told{Secret: c.SlackSecret, Slack: true})
	}
	if len(c.Email) > 0 {
		all = append(all, told{To: notice.Target{Email: c.Email}})
	}
	for i, in := range all {
		in.Message = m
		if _, _, err := s.enqueue(ctx, tx, store.Job{
			Key: fmt.Sprintf("notice/%s/%d", m.ID, i), Kind: jobNotice, Subject: fmt.Sprintf("notice/%s/%d", m.ID, i), Input: toJSON(in), Made: s.Clock(), By: "server",
		}); err != nil {
			return err
		}
	}
	return nil
}

// notify tells somebody.
func (s *Server) notify(ctx context.Context, j store.Job) (done, error) {
	in, err := input[told](j)
	if err != nil {
		return done{}, err
	}
	if in.Secret.Name != "" {
		address, err := s.Secrets(ctx, in.Secret.Name)
		if err != nil {
			return done{}, err
		}
		if in.Slack {
			in.To.Slack = address
		} else {
			in.To.Webhook = address
		}
	}
	p, err := s.platform()
	if err != nil {
		return done{}, err
	}
	sender := notice.Sender{HTTP: s.HTTP}
	if m := p.Server.Mail; m != nil {
		sender.Mail = &notice.Mail{Host: m.Host, Port: m.Port, User: m.User, From: m.From, Insecure: m.Insecure}
		if m.Password.Name != "" {
			if sender.Mail.Password, err = s.Secrets(ctx, m.Password.Name); err != nil {
				return done{}, err
			}
		}
	}
	if err := sender.Send(ctx, in.To, in.Message); err != nil {
		return done{}, errors.Join(err)
	}
	return done{value: map[string]string{"told": in.Message.Title()}}, nil
}
