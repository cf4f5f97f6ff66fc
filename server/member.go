package server

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/store"
)

// Servers that share a database are equals. Each says again and again that it lives;
// what one that does not had under way the others go on with. A server that could not
// say so for a while cuts its own work short before that, and is one of them again as
// soon as it can.

// errLost is the cause that ends the jobs of a server that the others may have taken
// for lost.
var errLost = errors.New("this server could not say that it lives, and others go on with its work")

// join makes the server one of those that do jobs over its database. What it had under
// way when it was killed waits again.
func (s *Server) join(ctx context.Context) error {
	if err := s.budgets.hear(ctx, s.store); err != nil {
		return err
	}
	if !s.store.Shared() {
		n, err := s.store.Reopen(ctx)
		s.wentOn(ctx, n)
		return err
	}
	left, err := s.store.Join(ctx, s.self())
	if err != nil {
		return err
	}
	s.wentOn(ctx, left.Jobs)
	s.bury(ctx, left)
	return s.host.State().Engine().Listen() // who took it for lost has buried it
}

// self is this process as the others know it.
func (s *Server) self() store.Process {
	return store.Process{
		ID: s.process, Name: s.Me.Who, Executor: s.host.State().Engine().Executor(), Holder: s.host.Holder(), Version: s.Version,
		Role: s.Role, State: store.ProcessAlive, Labels: s.Labels, Capacity: s.Workers,
	}
}

func (s *Server) wentOn(ctx context.Context, jobs int64) {
	if jobs > 0 {
		s.Log.InfoContext(ctx, "going on with what was cut short", "jobs", jobs)
	}
}

// bury removes what the workflow engines of processes left that are gone.
func (s *Server) bury(ctx context.Context, left store.Taken) {
	for _, p := range left.Processes {
		if err := s.host.State().Engine().Forget(p.Executor); err != nil && ctx.Err() == nil {
			s.Log.WarnContext(ctx, "forget a server that is gone", "server", p.Name, "error", err)
		}
	}
}

// live says again and again that this server lives, for as long as jobs may be at work:
// until work is done.
func (s *Server) live(work context.Context) error {
	if !s.store.Shared() {
		return nil
	}
	said := s.Clock()
	for pause(work, s.Lost/6) {
		err := s.beat(work)
		silent := s.Clock().Sub(said) > s.Lost*2/3
		switch {
		case err == nil:
			said = s.Clock()
		case work.Err() != nil:
		case slipway.KindOf(err) == slipway.Conflict || silent:
			s.Log.ErrorContext(work, "this server may be taken for lost", "error", err)
			if silent {
				s.store.HangUp() // an answer that a job waits for may never come
			}
			if s.rejoin(work) {
				said = s.Clock()
			}
		}
	}
	return nil
}

// takeOverLost takes over what others had that do not say any more that they live, until
// ctx is done.
func (s *Server) takeOverLost(ctx context.Context) error {
	if !s.store.Shared() {
		return nil
	}
	for pause(ctx, s.Lost/6) {
		if s.isLost() {
			continue
		}
		taken, err := s.store.TakeOver(ctx, s.Lost)
		if err != nil && ctx.Err() == nil {
			s.Log.WarnContext(ctx, "look after the other servers", "error", err)
		}
		for _, p := range taken.Processes {
			s.Log.WarnContext(ctx, "a server was lost", "server", p.Name, "jobs", taken.Jobs)
		}
		s.bury(ctx, taken)
		if len(taken.Processes) > 0 || taken.Jobs > 0 {
			s.news.Ring()
		}
	}
	return nil
}

// beat says once that this server lives. That takes less than others wait for it.
func (s *Server) beat(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.Lost/3)
	defer cancel()
	return s.store.Beat(ctx)
}

// rejoin cuts short what is under way here, since others may do it by now, and makes the
// server one of them again. It reports whether it is.
func (s *Server) rejoin(ctx context.Context) bool {
	s.mu.Lock()
	s.lost = true
	for _, cancel := range s.running {
		cancel(errLost)
	}
	s.mu.Unlock()
	for s.busy() {
		if !pause(ctx, s.Lost/100) {
			return false
		}
	}
	if err := s.join(ctx); err != nil {
		return false // the database cannot be reached
	}
	s.mu.Lock()
	s.lost = false
	s.mu.Unlock()
	s.Log.InfoContext(ctx, "this server is one of them again")
	s.news.Ring()
	return true
}

// busy reports whether a job is under way.
func (s *Server) busy() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.running) > 0
}

// isLost reports whether others may have taken this server for lost.
func (s *Server) isLost() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lost
}

// listen wakes those who wait for news when another server has some. It may be that
// somebody has stopped a job there that is done here.
func (s *Server) listen(ctx context.Context) error {
	s.store.Listen(ctx, func(topic store.Topic) {
		switch topic {
		case store.Work:
			s.news.Ring()
		case store.Stops:
			s.stopped(ctx)
		case store.Logs:
			s.said.Ring()
		case store.Budgets:
			s.budgets.heard.Ring()
		}
	})
	return nil
}

// drain says that this server begins no more jobs.
func (s *Server) drain(ctx context.Context) {
	if !s.store.Shared() {
		return
	}
	if err := s.store.Drain(ctx); err != nil && ctx.Err() == nil {
		s.Log.WarnContext(ctx, "tell the other servers that this one ends", "error", err) // they see it when it has
	}
}

// depart says that this server does no more jobs.
func (s *Server) depart(ctx context.Context) {
	if !s.store.Shared() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.Lost)
	defer cancel()
	if err := s.store.Leave(ctx); err != nil {
		s.Log.WarnContext(ctx, "leave the other servers", "error", err) // they find out by themselves
	}
}

// leads reports whether this server does what one alone is to do: sweep, fire, watch.
func (s *Server) leads(ctx context.Context) bool {
	leads, err := s.store.Leads(ctx)
	if err != nil && ctx.Err() == nil {
		s.Log.WarnContext(ctx, "ask which server leads", "error", err)
	}
	return leads && err == nil && !s.isLost()
}

// ids are the server's own, and the one under which all that share its database are
// known to artifact repositories.
func (s *Server) ids(ctx context.Context) (err error) {
	if s.process, err = identity(filepath.Join(s.stateFolder(), store.ServerID)); err != nil {
		return err
	}
	s.id = s.process
	if s.store.Shared() {
		s.id, err = s.store.Setting(ctx, store.ServerID, s.process)
	}
	return err
}

// defaultLost is how long a server may say nothing until others take its work over.
const defaultLost = 6 * time.Second
