package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"google.golang.org/protobuf/encoding/protowire"
)

// A logSender sends records of the log.
type logSender struct{ *sender }

var _ sdklog.Exporter = logSender{}

// Export implements sdklog.Exporter.
func (s logSender) Export(ctx context.Context, records []sdklog.Record) error {
	var all message
	for _, group := range grouped(records, func(r sdklog.Record) instrumentation.Scope { return r.InstrumentationScope() }) {
		all = append(all, from(group[0].Resource(), group[0].InstrumentationScope(), func(m *message) {
			for _, record := range group {
				m.inner(2, func(m *message) { m.record(record) })
			}
		})...)
	}
	s.send(ctx, all)
	return nil
}

// Shutdown implements sdklog.Exporter.
func (s logSender) Shutdown(context.Context) error { return nil }

// ForceFlush implements sdklog.Exporter: nothing waits here.
func (s logSender) ForceFlush(context.Context) error { return nil }

func (m *message) record(r sdklog.Record) {
	m.time(1, r.Timestamp())
	m.number(2, uint64(r.Severity())) //nolint:gosec // a small number, and the same one in OTLP
	m.text(3, r.SeverityText())
	m.inner(5, func(m *message) { m.value(r.Body()) })
	r.WalkAttributes(func(kv attribute.KeyValue) bool {
		m.attributes(6, []attribute.KeyValue{kv})
		return true
	})
	if r.TraceID().IsValid() {
		*m = protowire.AppendFixed32(protowire.AppendTag(*m, 8, protowire.Fixed32Type), uint32(r.TraceFlags()))
		trace, span := r.TraceID(), r.SpanID()
		m.bytes(9, trace[:])
		m.bytes(10, span[:])
	}
	m.time(11, r.ObservedTimestamp())
}
