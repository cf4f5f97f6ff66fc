package server

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/store"
)

// Probes are how operators measure their own installation: decisions about no app and
// at no forge, each of them a job that is claimed, decided in a transaction with an
// entry in a chain, and told as an event, as all others are. They are done where nothing
// else waits, and there are never many of them.

// mostProbes is how many probes wait at most, of all who measure; and mostInSpace how
// many somebody who measures once may have.
const (
	mostProbes  = 1000
	mostInSpace = 50_000
	oldProbes   = 24 * time.Hour // after which nobody looks at them any more
)

// ProbeDecided is the kind of the event that tells of a probe.
const ProbeDecided = "probe.decided"

// ProbeSubject is the subject below which the probes of a space are, and of which the
// events tell.
func ProbeSubject(space string) string { return "probe/" + space }

// ProbeSpace names a space of probes in a path.
type ProbeSpace struct {
	Space string `path:"space" maxLength:"63" pattern:"^[a-z][a-z0-9-]*$" doc:"The name of the measurement, of the caller's own."`
}

// A ProbeRequest asks for probes.
type ProbeRequest struct {
	Count  int `json:"count" minimum:"1" maximum:"1000" doc:"How many decisions."`
	Chains int `json:"chains" minimum:"1" maximum:"10000" doc:"Over how many chains they are spread, as decisions are over apps. In a chain there is one at a time."`
}

// AskedProbes are the jobs of the probes that were asked for.
type AskedProbes struct {
	Jobs []int64 `json:"jobs"`
}

// Probes are what came of the probes of a space so far.
type Probes struct {
	Decided   int64         `json:"decided"`
	Open      int64         `json:"open" doc:"Those that wait or are under way."`
	Broken    int           `json:"broken" doc:"Those that are there twice, or not as they were decided: 0, or something is very wrong."`
	Begun     Spread        `json:"begun" doc:"From when they were asked for to their begin, by the clocks of the servers."`
	Took      Spread        `json:"took" doc:"From their begin to the writing of what was decided."`
	First     time.Time     `json:"first,omitzero" doc:"When the first one was asked for."`
	Last      time.Time     `json:"last,omitzero" doc:"When the last one was decided."`
	Processes []ProbeWorker `json:"processes"`
}

// A ProbeWorker is a process, and how many probes it decided.
type ProbeWorker struct {
	Name    string `json:"name"`
	Decided int    `json:"decided"`
}

// A Spread is how long something took: half of the times, 99 of 100, and the longest.
type Spread struct {
	Count int     `json:"count"`
	P50   float64 `json:"p50_ms"`
	P99   float64 `json:"p99_ms"`
	Max   float64 `json:"max_ms"`
}

// SpreadOf makes a Spread of times, which it sorts.
func SpreadOf(all []time.Duration) Spread {
	if len(all) == 0 {
		return Spread{}
	}
	slices.Sort(all)
	ms := func(d time.Duration) float64 { return float64(max(0, d).Microseconds()) / 1000 }
	n := len(all)
	return Spread{Count: n, P50: ms(all[n/2]), P99: ms(all[n*99/100]), Max: ms(all[n-1])}
}

func (s *Server) probeRoutes(api huma.API) {
	type ask struct {
		ProbeSpace
		Body ProbeRequest
	}
	handle(api, route{"ask-probes", http.MethodPost, "/probes/{space}", "Have decisions made about no app, to measure how long they take", "probes", 200}, func(ctx context.Context, in *ask) (*Body[AskedProbes], error) {
		jobs, err := s.askProbes(ctx, in.Space, in.Body)
		return &Body[AskedProbes]{Body: AskedProbes{Jobs: jobs}}, err
	})
	handle(api, route{"get-probes", http.MethodGet, "/probes/{space}", "Show how long such decisions took", "probes", 200}, func(ctx context.Context, in *ProbeSpace) (*Body[Probes], error) {
		if err := s.door.May(ctx, caller(ctx), access.Admin, access.Object{}); err != nil {
			return nil, err
		}
		out, err := s.probesOf(ctx, in.Space)
		return &Body[Probes]{Body: out}, err
	})
	type dropped struct {
		Dropped int64 `json:"dropped" doc:"How many decisions were kept."`
	}
	handle(api, route{"drop-probes", http.MethodDelete, "/probes/{space}", "Remove such decisions, and those that wait", "probes", 200}, func(ctx context.Context, in *ProbeSpace) (*Body[dropped], error) {
		if err := s.door.May(ctx, caller(ctx), access.Admin, access.Object{}); err != nil {
			return nil, err
		}
		n, err := s.dropProbes(ctx, in.Space)
		return &Body[dropped]{Body: dropped{n}}, err
	})
}

// probing is the input of a probe.
type probing struct {
	Space string `json:"space"`
	Chain int64  `json:"chain"`
}

// askProbes makes probes for the caller, if they may and there are not too many.
func (s *Server) askProbes(ctx context.Context, space string, in ProbeRequest) ([]int64, error) {
	who := caller(ctx)
	if err := s.door.May(ctx, who, access.Admin, access.Object{}); err != nil {
		return nil, err
	}
	open, err := s.store.OpenJobs(ctx, jobProbe, "probe")
	if err != nil {
		return nil, err
	}
	if open+int64(in.Count) > mostProbes {
		return nil, slipway.Errorf(slipway.Conflict, "%d decisions that somebody measures with are open already, and there are never more than %d", open, mostProbes).
			WithFix("wait until they are made; or ask for fewer a second, if nobody else measures")
	}
	had, err := s.store.CountProbes(ctx, space)
	if err != nil {
		return nil, err
	}
	if had+int64(in.Count) > mostInSpace {
		return nil, slipway.Errorf(slipway.Blocked, "%s has %d decisions, and none has more than %d", space, had, mostInSpace).WithFix("measure for a shorter time, or fewer a second")
	}
	var jobs []int64
	err = s.store.Change(ctx, func(tx *store.Tx) error {
		jobs = nil
		if err := tx.OpenProbes(ctx, space, who.String(), s.Clock()); err != nil {
			return err
		}
		for range in.Count {
			p := probing{Space: space, Chain: rand.Int64N(int64(in.Chains))} //nolint:gosec // it is no secret
			subject := fmt.Sprintf("%s/%d", ProbeSubject(space), p.Chain)
			j, _, err := s.enqueue(ctx, tx, store.Job{Key: jobProbe + "/" + newID(), Kind: jobProbe, Subject: subject, Input: toJSON(p), Made: s.Clock(), By: who.String()})
			if err != nil {
				return err
			}
			jobs = append(jobs, j.ID)
		}
		return nil
	})
	s.news.Ring()
	return jobs, err
}

// probe makes a decision about no app.
func (s *Server) probe(_ context.Context, j store.Job) (done, error) {
	in, err := input[probing](j)
	if err != nil {
		return done{}, err
	}
	return done{then: func(ctx context.Context, tx *store.Tx) error {
		now := s.Clock()
		kept, err := tx.AddProbe(ctx, in.Space, store.Probe{Chain: in.Chain, Job: j.ID, Asked: j.Made, Began: j.Began, Decided: now, Process: s.probedBy()})
		if err != nil || !kept {
			return err
		}
		return tx.Tell(ctx, store.Event{Time: now, Kind: ProbeDecided, Subject: ProbeSubject(in.Space), Job: j.ID, Body: toJSON(in)})
	}}, nil
}

// probedBy is what this process is called: several may be on one machine.
func (s *Server) probedBy() string {
	return fmt.Sprintf("%s %.6s", s.Me.Who, s.process)
}

// probesOf reads what came of the probes of a space.
func (s *Server) probesOf(ctx context.Context, space string) (Probes, error) {
	out := Probes{Processes: []ProbeWorker{}}
	all, err := s.store.Probes(ctx, space)
	if err != nil {
		return out, err
	}
	if out.Open, err = s.store.OpenJobs(ctx, jobProbe, ProbeSubject(space)); err != nil {
		return out, err
	}
	out.Decided, out.Broken = int64(len(all)), store.BrokenProbes(all)
	var begun, took []time.Duration
	by := map[string]int{}
	for _, p := range all {
		begun, took = append(begun, p.Began.Sub(p.Asked)), append(took, p.Decided.Sub(p.Began))
		by[p.Process]++
		if out.First.IsZero() || p.Asked.Before(out.First) {
			out.First = p.Asked
		}
		if p.Decided.After(out.Last) {
			out.Last = p.Decided
		}
	}
	out.Begun, out.Took = SpreadOf(begun), SpreadOf(took)
	for name, n := range by {
		out.Processes = append(out.Processes, ProbeWorker{Name: name, Decided: n})
	}
	slices.SortFunc(out.Processes, func(a, b ProbeWorker) int {
		if a.Decided != b.Decided {
			return b.Decided - a.Decided
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out, nil
}

// dropProbes removes a space of probes.
func (s *Server) dropProbes(ctx context.Context, space string) (n int64, err error) {
	err = s.store.Change(ctx, func(tx *store.Tx) (err error) {
		n, err = tx.DropProbes(ctx, space, jobProbe, ProbeSubject(space))
		return err
	})
	return n, err
}

// dropOldProbes removes what somebody left who measured and was killed.
func (s *Server) dropOldProbes(ctx context.Context) error {
	old, err := s.store.OldProbes(ctx, s.Clock().Add(-oldProbes))
	for _, space := range old {
		if err == nil {
			_, err = s.dropProbes(ctx, space)
		}
	}
	return err
}
