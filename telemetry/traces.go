package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/protobuf/encoding/protowire"
)

// A spanSender sends spans.
type spanSender struct{ *sender }

var _ sdktrace.SpanExporter = spanSender{}

// ExportSpans implements sdktrace.SpanExporter.
func (s spanSender) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	var all message
	for _, group := range grouped(spans, func(s sdktrace.ReadOnlySpan) instrumentation.Scope { return s.InstrumentationScope() }) {
		all = append(all, from(group[0].Resource(), group[0].InstrumentationScope(), func(m *message) {
			for _, span := range group {
				m.inner(2, func(m *message) { m.span(span) })
			}
		})...)
	}
	s.send(ctx, all)
	return nil
}

// Shutdown implements sdktrace.SpanExporter.
func (s spanSender) Shutdown(context.Context) error { return nil }

func (m *message) span(s sdktrace.ReadOnlySpan) {
	ctx := s.SpanContext()
	trace, id := ctx.TraceID(), ctx.SpanID()
	m.bytes(1, trace[:])
	m.bytes(2, id[:])
	m.text(3, ctx.TraceState().String())
	if parent := s.Parent().SpanID(); parent.IsValid() {
		m.bytes(4, parent[:])
	}
	m.text(5, s.Name())
	m.number(6, uint64(s.SpanKind())) //nolint:gosec // a small number, and the same one in OTLP
	m.time(7, s.StartTime())
	m.time(8, s.EndTime())
	m.attributes(9, s.Attributes())
	for _, e := range s.Events() {
		m.inner(11, func(m *message) {
			m.time(1, e.Time)
			m.text(2, e.Name)
			m.attributes(3, e.Attributes)
		})
	}
	if status := s.Status(); status.Code == codes.Error {
		m.inner(15, func(m *message) {
			m.text(2, status.Description)
			m.number(3, statusError)
		})
	}
	*m = protowire.AppendFixed32(protowire.AppendTag(*m, 16, protowire.Fixed32Type), uint32(ctx.TraceFlags()))
}

// statusError is STATUS_CODE_ERROR of OTLP, which is not the number that it has in Go.
const statusError = 2
