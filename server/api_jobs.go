package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/store"
)

// JobPath names a job in a path.
type JobPath struct {
	Job int64 `path:"job" minimum:"1" doc:"The job's id."`
}

func (s *Server) jobRoutes(api huma.API) {
	type jobs struct {
		After string `query:"after" pattern:"^([1-9][0-9]{0,17})?$" doc:"The next of the page before; empty: the first page."`
		Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"The most items."`
		App   string `query:"app" maxLength:"63" doc:"Only those of this app."`
		State string `query:"state" enum:"waiting,running,done,failed,replaced,cancelled" doc:"Only those in this state."`
		Kind  string `query:"kind" maxLength:"30" doc:"Only those of this kind."`
	}
	handle(api, route{"list-jobs", http.MethodGet, "/jobs", "List jobs, the newest first", "jobs", 200}, func(ctx context.Context, in *jobs) (*Body[List[store.Job]], error) {
		if err := s.door.May(ctx, caller(ctx), access.Read, access.Object{App: in.App}); err != nil {
			return nil, err
		}
		f := store.JobFilter{}
		if in.After != "" {
			var err error
			if f.Before, err = strconv.ParseInt(in.After, 10, 64); err != nil {
				return nil, err
			}
		}
		if in.App != "" {
			f.Subject = subjectOf(in.App)
		}
		if in.State != "" {
			f.States = []store.JobState{store.JobState(in.State)}
		}
		if in.Kind != "" {
			f.Kinds = []string{in.Kind}
		}
		all, err := s.store.Jobs(ctx, f, in.Limit+1)
		if err == nil {
			err = s.withWaits(ctx, all)
		}
		return &Body[List[store.Job]]{Body: listed(all, in.Limit, func(j store.Job) string { return number(j.ID) })}, err
	})
	handle(api, route{"get-job", http.MethodGet, "/jobs/{job}", "Show a job", "jobs", 200}, func(ctx context.Context, in *JobPath) (*Body[store.Job], error) {
		j, err := s.job(ctx, in.Job)
		return &Body[store.Job]{Body: j}, err
	})
	type stop struct {
		JobPath
		Idempotent
	}
	handle(api, route{"stop-job", http.MethodPost, "/jobs/{job}/stop", "Stop a job that waits or runs", "jobs", 200}, func(ctx context.Context, in *stop) (*Body[store.Job], error) {
		if in.Key != "" { // under which it is kept what was asked for
			if err := s.stoppable(ctx, in.Job); err != nil {
				return nil, err
			}
			if _, err := s.ask(ctx, in.Idempotent, store.Job{Kind: jobStopJob, Subject: "stop/" + number(in.Job), Input: toJSON(stopping{in.Job})}, in.Job); err != nil {
				return nil, err
			}
		}
		j, err := s.stop(ctx, in.Job)
		return &Body[store.Job]{Body: j}, err
	})
	type log struct {
		JobPath
		Follow bool `query:"follow" doc:"Go on until the job has ended."`
	}
	huma.Register(api, text("get-job-log", "/jobs/{job}/log", "Read what a job printed", "jobs"), func(ctx context.Context, in *log) (*huma.StreamResponse, error) {
		if _, err := s.job(ctx, in.Job); err != nil {
			return nil, problem(err)
		}
		return &huma.StreamResponse{Body: func(c huma.Context) { //nolint:contextcheck // it has its own
			ctx, cancel := s.untilLeave(c.Context())
			defer cancel()
			if err := s.copyLog(ctx, in.Job, in.Follow, s.textBody(c)); err != nil && ctx.Err() == nil {
				s.Log.WarnContext(c.Context(), "send a job's log", "job", in.Job, "error", err)
			}
		}}, nil
	})
}

// stopping is the input of a job that stops another one.
type stopping struct {
	Job int64 `json:"job"`
}

// stopJob stops a job that somebody asked to stop: again, if the server ended before
// it was told.
func (s *Server) stopJob(ctx context.Context, j store.Job) (done, error) {
	in, err := input[stopping](j)
	if err != nil {
		return done{}, err
	}
	return done{value: in}, s.halt(ctx, in.Job, j.By)
}

// stop stops a job for the caller, if they may.
func (s *Server) stop(ctx context.Context, id int64) (store.Job, error) {
	if err := s.stoppable(ctx, id); err != nil {
		return store.Job{}, err
	}
	if err := s.halt(ctx, id, caller(ctx).String()); err != nil {
		return store.Job{}, err
	}
	return s.job(ctx, id)
}

// halt asks a job to stop. One that is to stop already, or has ended, stays as it is.
func (s *Server) halt(ctx context.Context, id int64, by string) error {
	j, ok, err := s.store.Job(ctx, id)
	if err != nil || !ok || j.Stop != "" {
		return err
	}
	err = s.store.Change(ctx, func(tx *store.Tx) error {
		if _, err := tx.StopJob(ctx, id, "stopped by "+by, s.Clock()); err != nil || j.State != store.JobWaiting {
			return err
		}
		return s.forget(ctx, tx, j)
	})
	s.stopped(ctx)
	return err
}

// job finds a job that the caller may see.
func (s *Server) job(ctx context.Context, id int64) (store.Job, error) {
	j, ok, err := s.store.Job(ctx, id)
	if err != nil {
		return j, err
	}
	on, err := s.objectOf(ctx, j)
	if err != nil {
		return j, err
	}
	if err := s.door.May(ctx, caller(ctx), access.Read, on); err != nil {
		return j, err
	}
	if !ok {
		return j, slipway.Errorf(slipway.NotFound, "there is no job %d", id).WithFix("jobs are kept for %s after their end", slipway.DurationText(s.kept().Jobs))
	}
	one := []store.Job{j}
	err = s.withWaits(ctx, one)
	return one[0], err
}

// objectOf is the app and the environment that a job is about, if it is about one.
func (s *Server) objectOf(ctx context.Context, j store.Job) (access.Object, error) {
	var in struct{ App, Environment string }
	if err := json.Unmarshal(j.Input, &in); err != nil || in.App == "" {
		return access.Object{}, nil //nolint:nilerr // it is about something else
	}
	a, _, err := s.store.App(ctx, in.App)
	return access.Object{App: in.App, Team: a.Team, Environment: in.Environment}, err
}

// stoppedBy says which right it takes to stop a job of a kind that is about an app.
//
//nolint:gochecknoglobals // immutable table
var stoppedBy = map[string]access.Action{
	jobShip: access.Deploy, jobDeploy: access.Deploy, jobRollback: access.Rollback, jobRun: access.Stop, jobStopRun: access.Stop,
	jobPlan: access.Build, jobRelease: access.Release, jobPromote: access.Deploy, jobRemove: access.Deploy,
	jobPropose: access.Build, jobPromoteSet: access.Deploy,
}

// stoppable says whether there is a job that the caller may stop.
func (s *Server) stoppable(ctx context.Context, id int64) error {
	j, err := s.job(ctx, id)
	if err != nil {
		return err
	}
	return s.mayStop(ctx, j)
}

// mayStop says whether the caller may stop a job: who may ask for such a job may, who
// may have a pull request's apps checked, and for all others the owners of the platform.
func (s *Server) mayStop(ctx context.Context, j store.Job) error {
	if j.Kind == jobCheck {
		in, err := input[checking](j)
		for _, c := range in.Apps {
			a, _, aerr := s.store.App(ctx, c.Name)
			err = errors.Join(err, aerr)
			if err == nil {
				err = s.door.May(ctx, caller(ctx), access.Build, access.Object{App: c.Name, Team: a.Team})
			}
		}
		return err
	}
	on, err := s.objectOf(ctx, j)
	if err != nil {
		return err
	}
	if do, ok := stoppedBy[j.Kind]; ok {
		return s.door.May(ctx, caller(ctx), do, on)
	}
	return s.door.May(ctx, caller(ctx), access.Admin, access.Object{})
}
