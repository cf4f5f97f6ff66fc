package server

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/slipway-cd/slipway/telemetry"
)

func TestAPushIsATraceFromTheJobToEachStep(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var sent traces.TracesData
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		data, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if err := (proto.UnmarshalOptions{Merge: true}).Unmarshal(data, &sent); err != nil {
			t.Error(err)
		}
	}))
	defer receiver.Close()
	w := newWorld(t)
	w.repository(t, "hello")
	w.push(t, "hello", hello)
	c := w.config(t)
	var err error
	c.Telemetry, err = telemetry.Open(t.Context(), telemetry.Config{
		Environ: []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=" + receiver.URL}, Log: slog.DiscardHandler, Clock: c.Clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	s, stop := w.servingWith(t, c)
	untilJobs(t, s, jobShip, 1)
	if status, body := get(t, w.client(t, s), "/api/v1/apps/hello"); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	stop()
	if err := c.Telemetry.Close(t.Context()); err != nil {
		t.Fatal(err)
	}

	mu.Lock()
	defer mu.Unlock()
	names := map[string][]string{} // of spans, by the names of their parents
	spans := map[string]*traces.Span{}
	for _, r := range sent.ResourceSpans {
		for _, span := range r.ScopeSpans[0].Spans {
			spans[string(span.SpanId)] = span
		}
	}
	for _, span := range spans {
		parent := ""
		if up := spans[string(span.ParentSpanId)]; up != nil {
			parent = up.Name
		}
		names[parent] = append(names[parent], span.Name)
	}
	for _, want := range []string{"job look-refs", "job push", "job ship", "GET /api/v1/apps/{app}"} {
		if !slices.Contains(names[""], want) {
			t.Errorf("there is no trace %q in %q", want, names[""])
		}
	}
	for _, want := range []string{"step build", "step check", "step release", "step deploy"} {
		if !slices.Contains(names["job ship"], want) {
			t.Errorf("the job has no part %q in %q", want, names["job ship"])
		}
	}
	if !strings.Contains(strings.Join(names["job push"], " "), "git fetch") {
		t.Errorf("the push has no fetch, but %q", names["job push"])
	}
}
