package server

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"strings"

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
		return &Body[List[store.Job]]{Body: listed(all, in.Limit, func(j store.Job) string { return number(j.ID) })}, err
	})
	handle(api, route{"get-job", http.MethodGet, "/jobs/{job}", "Show a job", "jobs", 200}, func(ctx context.Context, in *JobPath) (*Body[store.Job], error) {
		j, err := s.job(ctx, in.Job, access.Read)
		return &Body[store.Job]{Body: j}, err
	})
	type stop struct {
		JobPath
		Idempotent
	}
	handle(api, route{"stop-job", http.MethodPost, "/jobs/{job}/stop", "Stop a job that waits or runs", "jobs", 200}, func(ctx context.Context, in *stop) (*Body[store.Job], error) {
		if _, err := s.job(ctx, in.Job, access.Deploy); err != nil {
			return nil, err
		}
		why := "stopped by " + caller(ctx).String()
		err := s.store.Change(ctx, func(tx *store.Tx) error {
			_, err := tx.StopJob(ctx, in.Job, why, s.Clock())
			return err
		})
		if err != nil {
			return nil, err
		}
		s.stopped(ctx)
		j, err := s.job(ctx, in.Job, access.Read)
		return &Body[store.Job]{Body: j}, err
	})
	type log struct {
		JobPath
		Follow bool `query:"follow" doc:"Go on until the job has ended."`
	}
	huma.Register(api, text("get-job-log", "/jobs/{job}/log", "Read what a job printed", "jobs"), func(ctx context.Context, in *log) (*huma.StreamResponse, error) {
		if _, err := s.job(ctx, in.Job, access.Read); err != nil {
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

// job finds a job and asks whether the caller may do something with its app.
func (s *Server) job(ctx context.Context, id int64, do access.Action) (store.Job, error) {
	j, ok, err := s.store.Job(ctx, id)
	if err != nil {
		return j, err
	}
	name, isApp := strings.CutPrefix(j.Subject, "app/")
	on := access.Object{}
	if isApp {
		a, _, err := s.store.App(ctx, name)
		if err != nil {
			return j, err
		}
		on = access.Object{App: name, Team: a.Team}
	}
	if err := s.door.May(ctx, caller(ctx), do, on); err != nil {
		return j, err
	}
	if !ok {
		return j, slipway.Errorf(slipway.NotFound, "there is no job %d", id).WithFix("jobs are kept for %s after their end", slipway.DurationText(s.Keep))
	}
	return j, nil
}

// copyLog copies a job's log, and what is added to it until the job has ended.
func (s *Server) copyLog(ctx context.Context, id int64, follow bool, w io.Writer) error {
	var f *os.File
	defer func() {
		if f != nil {
			_ = f.Close() // it was only read
		}
	}()
	for {
		news := s.news.Next()
		j, ok, err := s.store.Job(ctx, id)
		if err != nil {
			return err
		}
		if f == nil {
			if f, err = os.Open(s.logFile(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		if f != nil {
			if _, err := io.Copy(w, f); err != nil {
				return err
			}
		}
		if !follow || !ok || j.State.Ended() {
			return nil
		}
		if !s.await(ctx, news) {
			return nil
		}
	}
}
