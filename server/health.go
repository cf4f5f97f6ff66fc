package server

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/slipway-cd/slipway/telemetry"
)

// health says that the process is up.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n")) // whoever has gone does not hear it
}

// ready says whether the server can do its work: it is not about to end, and its
// database answers.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	select {
	case <-s.leaving:
		http.Error(w, "the server is about to end", http.StatusServiceUnavailable)
		return
	default:
	}
	if err := s.Well(r.Context()); err != nil {
		s.Log.ErrorContext(r.Context(), "the database does not answer", "error", err)
		http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
		return
	}
	s.health(w, r)
}

// Well reports whether the database answers, and soon.
func (s *Server) Well(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, _, err := s.store.CountJobs(ctx)
	return err
}

// metrics tells the server's figures in the text format of Prometheus, version
// 0.0.4.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	all, err := s.figuresNow(r.Context())
	if err != nil {
		http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
		return
	}
	var b strings.Builder
	for _, f := range all {
		kind := "gauge"
		if f.Total {
			kind = "counter"
		}
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n%s %g\n", f.Name, f.Help, f.Name, kind, f.Name, f.Value)
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write([]byte(b.String())) // whoever has gone does not hear it
}

// figuresNow reads the server's figures.
func (s *Server) figuresNow(ctx context.Context) ([]telemetry.Figure, error) {
	waiting, running, err := s.store.CountJobs(ctx)
	if err != nil {
		return nil, err
	}
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	return []telemetry.Figure{
		{Name: "slipway_jobs_waiting", Help: "Jobs that wait.", Value: float64(waiting)},
		{Name: "slipway_jobs_running", Help: "Jobs under way.", Value: float64(running)},
		{Name: "slipway_jobs_ended_total", Help: "Jobs that came to an end.", Total: true, Value: float64(s.figures.Jobs.Load())},
		{Name: "slipway_jobs_put_off_total", Help: "Times that a job lacked something and is tried again.", Total: true, Value: float64(s.figures.Retries.Load())},
		{Name: "slipway_webhooks_total", Help: "Webhooks that came in.", Total: true, Value: float64(s.figures.Deliveries.Load())},
		{Name: "slipway_platform_refused", Help: "1: the platform file has changed and cannot be used; the one before holds.", Value: float64(s.figures.Refused.Load())},
		{Name: "slipway_webhooks_refused_total", Help: "Webhooks with a wrong signature.", Total: true, Value: float64(s.figures.Forged.Load())},
		{Name: "slipway_forge_budget_left", Help: "Part that is left of the calls that a forge answers in a period, of the tightest one. 1: none told of a limit.", Value: s.budgetLeft()},
		{Name: "slipway_tidied_rows_total", Help: "Rows of the database that were deleted since they are not kept for ever.", Total: true, Value: float64(s.figures.Tidied.Load())},
		{Name: "slipway_tidied_timestamp_seconds", Help: "When the database was last tidied to the end, in Unix time. 0: not by this process.", Value: float64(s.figures.TidiedAt.Load())},
		{Name: "slipway_uptime_seconds", Help: "Since the process began.", Value: s.Clock().Sub(s.began).Seconds()},
		{Name: "slipway_memory_bytes", Help: "Memory that the process has of the system.", Value: float64(mem.Sys)},
		{Name: "slipway_goroutines", Help: "Goroutines.", Value: float64(runtime.NumGoroutine())},
	}, nil
}
