package server

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"time"
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
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	if _, _, err := s.store.CountJobs(ctx); err != nil {
		s.Log.ErrorContext(r.Context(), "the database does not answer", "error", err)
		http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
		return
	}
	s.health(w, r)
}

// metrics tells the server's figures in the text format of Prometheus, version
// 0.0.4.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	waiting, running, err := s.store.CountJobs(r.Context())
	if err != nil {
		http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
		return
	}
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	var b strings.Builder
	for _, m := range []struct {
		name, kind, help string
		value            float64
	}{
		{"slipway_jobs_waiting", "gauge", "Jobs that wait.", float64(waiting)},
		{"slipway_jobs_running", "gauge", "Jobs under way.", float64(running)},
		{"slipway_jobs_ended_total", "counter", "Jobs that came to an end.", float64(s.figures.Jobs.Load())},
		{"slipway_jobs_put_off_total", "counter", "Times that a job lacked something and is tried again.", float64(s.figures.Retries.Load())},
		{"slipway_webhooks_total", "counter", "Webhooks that came in.", float64(s.figures.Deliveries.Load())},
		{"slipway_webhooks_refused_total", "counter", "Webhooks with a wrong signature.", float64(s.figures.Forged.Load())},
		{"slipway_uptime_seconds", "gauge", "Since the process began.", s.Clock().Sub(s.began).Seconds()},
		{"slipway_memory_bytes", "gauge", "Memory that the process has of the system.", float64(mem.Sys)},
		{"slipway_goroutines", "gauge", "Goroutines.", float64(runtime.NumGoroutine())},
	} {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n%s %g\n", m.name, m.help, m.name, m.kind, m.name, m.value)
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write([]byte(b.String())) // whoever has gone does not hear it
}
