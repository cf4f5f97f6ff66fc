package server

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/store"
)

// A Workforce is who does the jobs, and for whom jobs wait that is not there.
type Workforce struct {
	Items   []Worker  `json:"items" doc:"The servers and workers that live, and those that left or were lost within a day."`
	Waiting []Waiting `json:"waiting" doc:"The jobs that none of them can do."`
}

// A Worker is a server or worker, and what it does now.
type Worker struct {
	store.Process
	Busy int     `json:"busy" doc:"How many of the builds, checks and deployments of its capacity are under way."`
	Does []Doing `json:"does" doc:"The jobs that it has under way, besides looks at forges."`
}

// Doing is a job under way.
type Doing struct {
	Job     int64     `json:"job"`
	Kind    string    `json:"kind"`
	Subject string    `json:"subject"`
	Began   time.Time `json:"began"`
}

// Waiting are jobs that no living server or worker can do.
type Waiting struct {
	Needs []string  `json:"needs" doc:"The labels that one must have to do them."`
	Jobs  int64     `json:"jobs" doc:"How many there are."`
	Since time.Time `json:"since" doc:"When the oldest of them was made."`
	Why   string    `json:"why" doc:"What they wait for, in words."`
}

// lately is how long one is shown that is gone.
const lately = 24 * time.Hour

func (s *Server) workerRoutes(api huma.API) {
	type workers struct{}
	handle(api, route{"list-workers", http.MethodGet, "/workers", "List the servers and workers, what they do, and the jobs that none of them can do", "jobs", 200}, func(ctx context.Context, _ *workers) (*Body[Workforce], error) {
		if err := s.door.May(ctx, caller(ctx), access.Read, access.Object{}); err != nil {
			return nil, err
		}
		all, err := s.workforce(ctx)
		return &Body[Workforce]{Body: all}, err
	})
}

// workforce are the servers and workers that live, and those that are gone since lately.
func (s *Server) workforce(ctx context.Context) (Workforce, error) {
	w := Workforce{Items: []Worker{}, Waiting: []Waiting{}}
	seen, err := s.seenLately(ctx)
	if err != nil {
		return w, err
	}
	running, err := s.store.Running(ctx)
	if err != nil {
		return w, err
	}
	for _, p := range seen {
		one := Worker{Process: p, Does: []Doing{}}
		for _, j := range running {
			if j.Process != p.ID && s.store.Shared() || j.Pool == poolLook {
				continue
			}
			one.Does = append(one.Does, Doing{j.ID, j.Kind, j.Subject, j.Began})
			if j.Pool == poolWork {
				one.Busy++
			}
		}
		w.Items = append(w.Items, one)
	}
	all, err := s.unserved(ctx, seen)
	for _, u := range all {
		jobs, oldest, err := s.store.Queued(ctx, u.pool, u.needs)
		if err != nil {
			return w, err
		}
		if jobs > 0 {
			w.Waiting = append(w.Waiting, Waiting{Needs: append([]string{}, u.needs...), Jobs: jobs, Since: oldest, Why: u.why})
		}
	}
	return w, err
}

// seenLately are the processes that live, and those that are gone since lately. Of a
// server with a file that is itself, which answers.
func (s *Server) seenLately(ctx context.Context) ([]store.Process, error) {
	if s.store.Shared() {
		return s.store.Seen(ctx, lately)
	}
	alone := s.self()
	alone.Life, alone.Joined, alone.Beat = 1, s.began.UTC(), s.Clock().UTC()
	return []store.Process{alone}, nil
}
