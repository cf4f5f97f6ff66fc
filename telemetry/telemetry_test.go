package telemetry

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/trace"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/slipway-cd/slipway"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A receiver takes OTLP over HTTP, read by the protocol's own types: the messages
// that its requests carry are the same on the wire as these.
type receiver struct {
	*httptest.Server
	mu      sync.Mutex
	fail    []int // statuses of the next answers
	header  http.Header
	traces  traces.TracesData
	logs    logs.LogsData
	metrics metrics.MetricsData
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", r.take(t, &r.traces))
	mux.HandleFunc("POST /v1/logs", r.take(t, &r.logs))
	mux.HandleFunc("POST /v1/metrics", r.take(t, &r.metrics))
	r.Server = httptest.NewServer(mux)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) take(t *testing.T, into proto.Message) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.fail) > 0 {
			status := r.fail[0]
			r.fail = r.fail[1:]
			http.Error(w, "not now", status)
			return
		}
		r.header = req.Header
		var body io.Reader = req.Body
		if req.Header.Get("Content-Encoding") == "gzip" {
			unpacked, err := gzip.NewReader(body)
			if err != nil {
				t.Error(err)
				return
			}
			body = unpacked
		}
		data, err := io.ReadAll(body)
		if err != nil {
			t.Error(err)
			return
		}
		if err := (proto.UnmarshalOptions{Merge: true}).Unmarshal(data, into); err != nil {
			t.Errorf("%s: %v", req.URL.Path, err)
		}
	}
}

// spans are those that came in, by name.
func (r *receiver) spans() map[string]*traces.Span {
	all := map[string]*traces.Span{}
	for _, rs := range r.traces.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			for _, s := range ss.Spans {
				all[s.Name] = s
			}
		}
	}
	return all
}

func texts(all []*common.KeyValue) map[string]string {
	m := map[string]string{}
	for _, kv := range all {
		m[kv.Key] = strings.Trim(strings.SplitN(kv.Value.String(), ":", 2)[1], `" `)
	}
	return m
}

func now() time.Time { return time.Date(2026, 11, 23, 4, 15, 30, 0, time.UTC) }

func opened(t *testing.T, log slog.Handler, environ ...string) *Telemetry {
	t.Helper()
	tel, err := Open(t.Context(), Config{Environ: environ, Version: "v1.4.0", Log: log, Clock: now})
	if err != nil {
		t.Fatal(err)
	}
	return tel
}

func closed(t *testing.T, tel *Telemetry) {
	t.Helper()
	if err := tel.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	if tel.figures != nil {
		tel.figures.client.CloseIdleConnections()
	}
}

func TestWhatAJobDoesIsOneTrace(t *testing.T) {
	r := newReceiver(t)
	var log bytes.Buffer
	tel := opened(t, slog.NewJSONHandler(&log, nil), "OTEL_EXPORTER_OTLP_ENDPOINT="+r.URL+"/",
		"OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20s3cret, x-team=data", "OTEL_EXPORTER_OTLP_COMPRESSION=gzip")

	forge := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if got := req.Header.Get("Traceparent"); got != "" {
			t.Errorf("a forge is told of our trace: %s", got)
		}
		w.WriteHeader(http.StatusNotFound)
	}))
	defer forge.Close()
	ctx, job := tel.Begin(t.Context(), "job check", slog.Int64("job", 42), slog.String("subject", "app/roads"), slog.Bool("late", true))
	step, span := Start(Under(context.WithoutCancel(t.Context()), ctx), "step build")
	req, err := http.NewRequestWithContext(step, http.MethodGet, forge.URL+"/repos/acme/roads", nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: Transport(forge.Client().Transport)}
	answer, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	tel.Log().WarnContext(step, "a job is tried again", "job", 42, "in", time.Second)
	span.End(errors.New("out of memory"))
	job.End(nil)
	closed(t, tel)

	spans := r.spans()
	root, inner, call := spans["job check"], spans["step build"], spans["GET"]
	if root == nil || inner == nil || call == nil || len(spans) != 3 {
		t.Fatalf("the spans are %v", spans)
	}
	if !bytes.Equal(inner.ParentSpanId, root.SpanId) || !bytes.Equal(call.ParentSpanId, inner.SpanId) || len(root.ParentSpanId) != 0 {
		t.Errorf("the spans are not within each other: %v", spans)
	}
	if !bytes.Equal(inner.TraceId, root.TraceId) || !bytes.Equal(call.TraceId, root.TraceId) || len(root.TraceId) != 16 {
		t.Errorf("the spans are of different traces: %v", spans)
	}
	if root.EndTimeUnixNano < inner.EndTimeUnixNano || root.StartTimeUnixNano == 0 || root.Kind != traces.Span_SPAN_KIND_CONSUMER || call.Kind != traces.Span_SPAN_KIND_CLIENT {
		t.Errorf("the span of the job is %v", root)
	}
	if diff := cmp.Diff(map[string]string{"slipway.job": "42", "slipway.subject": "app/roads", "slipway.late": "true"}, texts(root.Attributes)); diff != "" {
		t.Error(diff)
	}
	if inner.Status.GetCode() != traces.Status_STATUS_CODE_ERROR || inner.Status.GetMessage() != "out of memory" || root.Status != nil || call.Status.GetMessage() != "404 Not Found" {
		t.Errorf("the states are %v, %v and %v", inner.Status, root.Status, call.Status)
	}
	if got := texts(r.traces.ResourceSpans[0].Resource.Attributes); got["service.name"] != "slipway" || got["service.version"] != "v1.4.0" || got["host.name"] == "" {
		t.Errorf("it comes from %v", got)
	}
	if r.header.Get("Authorization") != "Bearer s3cret" || r.header.Get("X-Team") != "data" || r.header.Get("Content-Type") != "application/x-protobuf" {
		t.Errorf("it came with %v", r.header)
	}

	record := r.logs.ResourceLogs[0].ScopeLogs[0].LogRecords[0]
	if record.Body.GetStringValue() != "a job is tried again" || record.SeverityNumber != logs.SeverityNumber_SEVERITY_NUMBER_WARN || texts(record.Attributes)["job"] != "42" ||
		!bytes.Equal(record.TraceId, root.TraceId) || !bytes.Equal(record.SpanId, inner.SpanId) {
		t.Errorf("the record is %v", record)
	}
	var line struct {
		Msg     string
		TraceID string `json:"trace_id"`
		SpanID  string `json:"span_id"`
	}
	if err := json.Unmarshal(log.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if line.TraceID != trace.TraceID(root.TraceId).String() || line.SpanID != trace.SpanID(inner.SpanId).String() || line.Msg != "a job is tried again" {
		t.Errorf("the log has %s", &log)
	}
}

func TestARequestGoesOnWithItsCallersTrace(t *testing.T) {
	r := newReceiver(t)
	tel := opened(t, slog.DiscardHandler, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="+r.URL+"/v1/traces")
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/apps/{app}", func(w http.ResponseWriter, req *http.Request) {
		_, span := Start(req.Context(), "look")
		span.End(nil)
		w.WriteHeader(http.StatusServiceUnavailable)
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("GET /healthz", func(_ http.ResponseWriter, req *http.Request) {
		if trace.SpanFromContext(req.Context()).SpanContext().IsValid() {
			t.Error("a look at the health is traced")
		}
	})
	h := tel.Handler(mux, "/healthz")
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/apps/roads", nil)
	req.Header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	h.ServeHTTP(httptest.NewRecorder(), req)
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/healthz", nil))
	closed(t, tel)

	spans := r.spans()
	span := spans["GET /api/v1/apps/{app}"]
	if span == nil || len(spans) != 2 {
		t.Fatalf("the spans are %v", spans)
	}
	want := map[string]string{"http.request.method": "GET", "url.path": "/api/v1/apps/roads", "http.route": "/api/v1/apps/{app}", "http.response.status_code": "503"}
	if diff := cmp.Diff(want, texts(span.Attributes), cmp.FilterPath(func(p cmp.Path) bool {
		return strings.Contains(p.GoString(), "user_agent")
	}, cmp.Ignore())); diff != "" {
		t.Error(diff)
	}
	if trace.TraceID(span.TraceId).String() != "4bf92f3577b34da6a3ce929d0e0e4736" || trace.SpanID(span.ParentSpanId).String() != "00f067aa0ba902b7" || span.Status.GetCode() != traces.Status_STATUS_CODE_ERROR {
		t.Errorf("the span is %v", span)
	}
	if !bytes.Equal(spans["look"].ParentSpanId, span.SpanId) {
		t.Error("what the request does is not a part of it")
	}
}

func TestFiguresAreSentAgainAndAgainAndAtTheEnd(t *testing.T) {
	r := newReceiver(t)
	tel := opened(t, slog.DiscardHandler, "OTEL_METRICS_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT="+r.URL+"/v1/metrics", "OTEL_METRIC_EXPORT_INTERVAL=1")
	ctx, cancel := context.WithCancel(t.Context())
	n := 0.0
	tel.Figures(ctx, func(context.Context) ([]Figure, error) {
		if n++; n == 2 {
			cancel()
			return nil, errors.New("the database does not answer")
		}
		return []Figure{{Name: "slipway_jobs_waiting", Help: "Jobs that wait.", Value: 7}, {Name: "slipway_jobs_ended_total", Total: true, Value: n}}, nil
	})
	closed(t, tel)

	if len(r.metrics.ResourceMetrics) != 2 {
		t.Fatalf("they came %d times, and are to come at first and at the end", len(r.metrics.ResourceMetrics))
	}
	last := r.metrics.ResourceMetrics[1].ScopeMetrics[0].Metrics
	if gauge := last[0].GetGauge().GetDataPoints(); last[0].Name != "slipway_jobs_waiting" || last[0].Description != "Jobs that wait." || gauge[0].GetAsDouble() != 7 || gauge[0].TimeUnixNano != uint64(now().UnixNano()) {
		t.Errorf("the first figure is %v", last[0])
	}
	sum := last[1].GetSum()
	if !sum.GetIsMonotonic() || sum.GetAggregationTemporality() != metrics.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE || sum.DataPoints[0].GetAsDouble() != 3 || sum.DataPoints[0].StartTimeUnixNano == 0 {
		t.Errorf("the second figure is %v", last[1])
	}
}

func TestWithoutVariablesNothingIsTold(t *testing.T) {
	for _, environ := range [][]string{
		nil,
		{"OTEL_SERVICE_NAME=slipway"},
		{"OTEL_SDK_DISABLED=true", "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1"},
		{"OTEL_TRACES_EXPORTER=none", "OTEL_LOGS_EXPORTER=none", "OTEL_METRICS_EXPORTER=none", "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1"},
	} {
		var log bytes.Buffer
		tel := opened(t, slog.NewJSONHandler(&log, nil), environ...)
		ctx, span := tel.Begin(t.Context(), "job check")
		if _, inner := Start(ctx, "step build"); ctx != t.Context() || span != (Span{}) || inner != (Span{}) {
			t.Errorf("with %q there are spans", environ)
		}
		span.End(errors.New("nobody hears it"))
		next := http.NotFoundHandler()
		if got := tel.Handler(next); got == nil || tel.tracing != nil || tel.logging != nil || tel.figures != nil {
			t.Errorf("with %q something is told", environ)
		}
		tel.Figures(ctx, func(context.Context) ([]Figure, error) { panic("nobody asks for figures") })
		tel.Log().InfoContext(ctx, "going on")
		if got := log.String(); !strings.Contains(got, `"going on"`) || strings.Contains(got, "trace_id") {
			t.Errorf("with %q the log has %s", environ, got)
		}
		closed(t, tel)
	}
	var none *Telemetry
	if ctx, span := none.Begin(t.Context(), "job"); ctx != t.Context() || span != (Span{}) {
		t.Error("none begins a span")
	}
	none.Figures(t.Context(), nil)
	if none.Handler(http.NotFoundHandler()) == nil {
		t.Error("none has no handler")
	}
}

func TestWhatCannotBeSentIsSaidOnce(t *testing.T) {
	r := newReceiver(t)
	var log bytes.Buffer
	tel := opened(t, slog.NewJSONHandler(&log, nil), "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT="+r.URL+"/v1/metrics")
	read := func(statuses ...int) {
		r.mu.Lock()
		r.fail = statuses
		r.mu.Unlock()
		tel.figures.send(t.Context(), nil)
	}
	read(http.StatusUnauthorized)
	read(http.StatusForbidden)
	read(http.StatusServiceUnavailable) // is tried again, after a second
	read(http.StatusBadRequest)
	closed(t, tel)

	var said []string
	for line := range strings.Lines(log.String()) {
		var l struct{ Msg, Error string }
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		said = append(said, l.Msg+": "+l.Error)
	}
	want := []string{
		"telemetry cannot be sent, and is lost until it can: the answer is 401 Unauthorized",
		"telemetry is sent again: ",
		"telemetry cannot be sent, and is lost until it can: the answer is 400 Bad Request",
	}
	if !slices.Equal(said, want) {
		t.Errorf("it says\n%s", strings.Join(said, "\n"))
	}
}

func TestWrongVariablesAreNamed(t *testing.T) {
	at := "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318"
	for _, tt := range []struct {
		environ   []string
		want, fix string
	}{
		{[]string{at, "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL: this program speaks OTLP by http/protobuf, not by grpc", "unset it, and name the collector's port for HTTP, which is 4318 by default"},
		{[]string{at, "OTEL_TRACES_EXPORTER=zipkin"}, `OTEL_TRACES_EXPORTER: there is no exporter "zipkin", only otlp and none`, ""},
		{[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=collector:4318"}, `OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318" is no address such as https://collector.example.com:4318`, ""},
		{[]string{at, "OTEL_EXPORTER_OTLP_LOGS_HEADERS=a=b,s3cret"}, "OTEL_EXPORTER_OTLP_LOGS_HEADERS: entry 2 is not name=value", ""},
		{[]string{at, "OTEL_EXPORTER_OTLP_COMPRESSION=zstd"}, `OTEL_EXPORTER_OTLP_COMPRESSION: there is no compression "zstd", only gzip and none`, ""},
		{[]string{at, "OTEL_EXPORTER_OTLP_TIMEOUT=10s"}, `OTEL_EXPORTER_OTLP_TIMEOUT: "10s" is no number of milliseconds`, ""},
		{[]string{at, "OTEL_METRIC_EXPORT_INTERVAL=0"}, `OTEL_METRIC_EXPORT_INTERVAL: "0" is no number of milliseconds`, ""},
		{[]string{at, "OTEL_EXPORTER_OTLP_CERTIFICATE=/nowhere/ca.pem"}, "OTEL_EXPORTER_OTLP_CERTIFICATE: open /nowhere/ca.pem: no such file or directory", ""},
		{[]string{at, "OTEL_EXPORTER_OTLP_CERTIFICATE=telemetry_test.go"}, "OTEL_EXPORTER_OTLP_CERTIFICATE: there is no certificate in telemetry_test.go", ""},
		{[]string{at, "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=/nowhere/me.pem"}, "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: open /nowhere/me.pem: no such file or directory", ""},
	} {
		_, err := Open(t.Context(), Config{Environ: tt.environ, Log: slog.DiscardHandler, Clock: now})
		if err == nil || err.Error() != tt.want || slipway.KindOf(err) != slipway.Invalid {
			t.Errorf("with %q: %v", tt.environ, err)
			continue
		}
		if fix := slipway.FixOf(err); tt.fix == "" && fix != "correct the variable, or unset it" || tt.fix != "" && fix != tt.fix {
			t.Errorf("with %q the way out is %q", tt.environ, fix)
		}
	}
}
