// Package telemetry tells others what the server does: traces, logs and figures by
// OTLP, to wherever the standard variables OTEL_* say. Without them it does nothing,
// and costs next to nothing. Start at Open.
//
// It is the only home of OpenTelemetry. Whoever does something worth a span calls
// Start with the context of whoever asked for it; where nothing is traced that is
// free. What is sent is encoded here, in protobuf over HTTP: the exporters of
// OpenTelemetry bring gRPC along, and a sixth more to the start of every command.
package telemetry

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// scope names who made a span or a record.
const scope = "github.com/slipway-cd/slipway"

// Config is what telemetry gets from outside.
type Config struct {
	Environ []string     // with the variables OTEL_*
	Version string       // of the program
	Log     slog.Handler // where the server's own log goes; also told when nothing can be sent
	Clock   func() time.Time
}

// Telemetry is what the server tells about itself. A nil one tells nothing.
type Telemetry struct {
	log     slog.Handler
	clock   func() time.Time
	version string
	began   time.Time
	tracing *sdktrace.TracerProvider // nil: no traces
	logging *sdklog.LoggerProvider   // nil: no logs
	figures *sender                  // nil: no figures
	every   time.Duration            // between figures
	about   *resource.Resource
}

// Open reads the variables OTEL_*. Close it.
func Open(ctx context.Context, c Config) (*Telemetry, error) {
	t := &Telemetry{log: ids{c.Log}, clock: c.Clock, version: c.Version, began: c.Clock()}
	set, err := settingsOf(c.Environ)
	if err != nil || !set.any() {
		return t, err
	}
	if t.about, err = about(ctx, c.Version); err != nil {
		return nil, wrong("OTEL_RESOURCE_ATTRIBUTES", err)
	}
	complain := slog.New(c.Log)
	if at := set.traces; at.URL != "" {
		t.tracing = sdktrace.NewTracerProvider(sdktrace.WithResource(t.about), sdktrace.WithBatcher(&spanSender{sender: newSender(at, complain)}))
	}
	if at := set.logs; at.URL != "" {
		to := &logSender{sender: newSender(at, complain)}
		t.logging = sdklog.NewLoggerProvider(sdklog.WithResource(t.about), sdklog.WithProcessor(sdklog.NewBatchProcessor(to, sdklog.WithMaxQueueSize(logQueue))))
		bridge := otelslog.NewHandler(scope, otelslog.WithLoggerProvider(t.logging), otelslog.WithVersion(c.Version))
		t.log = slog.NewMultiHandler(t.log, bridge)
	}
	if at := set.metrics; at.URL != "" {
		t.figures, t.every = newSender(at, complain), set.every
	}
	return t, nil
}

// logQueue is how many records may wait to be sent. More are dropped, and a start
// with much to go on with is such a burst.
const logQueue = 100_000

// about says who sends: OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES have the last
// word.
func about(ctx context.Context, version string) (*resource.Resource, error) {
	return resource.New(ctx,
		resource.WithTelemetrySDK(), resource.WithHost(),
		resource.WithAttributes(attribute.String("service.name", "slipway"), attribute.String("service.version", version)),
		resource.WithFromEnv(),
	)
}

// Log is the server's log: each line with the trace and the span that it belongs to.
func (t *Telemetry) Log() *slog.Logger { return slog.New(t.log) }

// Close sends what has not been sent yet.
func (t *Telemetry) Close(ctx context.Context) error {
	var err error
	if t.tracing != nil {
		err = t.tracing.Shutdown(ctx)
	}
	if t.logging != nil {
		err = errors.Join(err, t.logging.Shutdown(ctx))
	}
	return err
}

// A Span is a stretch of work. End it.
type Span struct{ span trace.Span }

// Begin begins work that nobody's context asked for: a job.
func (t *Telemetry) Begin(ctx context.Context, name string, about ...slog.Attr) (context.Context, Span) {
	if t == nil || t.tracing == nil {
		return ctx, Span{}
	}
	return begin(ctx, t.tracing, name, trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(attributes(about)...))
}

// Start begins work that is a part of what the context is about. If that is not
// traced, nor is this.
func Start(ctx context.Context, name string, about ...slog.Attr) (context.Context, Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.SpanContext().IsValid() {
		return ctx, Span{}
	}
	return begin(ctx, parent.TracerProvider(), name, trace.WithAttributes(attributes(about)...))
}

// Under returns ctx as a part of what another context is about, which it has nothing
// else of.
func Under(ctx, other context.Context) context.Context {
	parent := trace.SpanFromContext(other)
	if !parent.SpanContext().IsValid() {
		return ctx
	}
	return trace.ContextWithSpan(ctx, parent)
}

func begin(ctx context.Context, by trace.TracerProvider, name string, options ...trace.SpanStartOption) (context.Context, Span) {
	ctx, span := by.Tracer(scope).Start(ctx, name, options...)
	return ctx, Span{span}
}

// End ends the work; err is why it did not go well, or nil.
func (s Span) End(err error) {
	if s.span == nil {
		return
	}
	if err != nil {
		s.span.SetStatus(codes.Error, err.Error())
	}
	s.span.End()
}

// attributes are the facts of a span, under names of ours: slipway.job. They are
// few, and plain.
func attributes(about []slog.Attr) []attribute.KeyValue {
	all := make([]attribute.KeyValue, len(about))
	for i, a := range about {
		switch v := a.Value.Resolve(); v.Kind() {
		case slog.KindInt64:
			all[i] = attribute.Int64("slipway."+a.Key, v.Int64())
		case slog.KindBool:
			all[i] = attribute.Bool("slipway."+a.Key, v.Bool())
		default:
			all[i] = attribute.String("slipway."+a.Key, v.String())
		}
	}
	return all
}
