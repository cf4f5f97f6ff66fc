package telemetry

import (
	"math"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	"google.golang.org/protobuf/encoding/protowire"
)

// A message is one of protobuf while it is written. The numbers of the fields are
// those of OTLP, in opentelemetry-proto.
type message []byte

func (m *message) text(field protowire.Number, s string) {
	if s != "" {
		*m = protowire.AppendString(protowire.AppendTag(*m, field, protowire.BytesType), s)
	}
}

func (m *message) bytes(field protowire.Number, b []byte) {
	*m = protowire.AppendBytes(protowire.AppendTag(*m, field, protowire.BytesType), b)
}

func (m *message) number(field protowire.Number, n uint64) {
	*m = protowire.AppendVarint(protowire.AppendTag(*m, field, protowire.VarintType), n)
}

func (m *message) fixed(field protowire.Number, n uint64) {
	*m = protowire.AppendFixed64(protowire.AppendTag(*m, field, protowire.Fixed64Type), n)
}

func (m *message) time(field protowire.Number, t time.Time) {
	if !t.IsZero() {
		m.fixed(field, uint64(t.UnixNano())) //nolint:gosec // as the format has it
	}
}

func (m *message) double(field protowire.Number, f float64) { m.fixed(field, math.Float64bits(f)) }

func (m *message) flag(field protowire.Number, b bool) { m.number(field, protowire.EncodeBool(b)) }

// inner writes a message inside of this one.
func (m *message) inner(field protowire.Number, write func(*message)) {
	var in message
	write(&in)
	m.bytes(field, in)
}

func (m *message) attributes(field protowire.Number, all []attribute.KeyValue) {
	for _, kv := range all {
		m.inner(field, func(m *message) {
			m.text(1, string(kv.Key))
			m.inner(2, func(m *message) { m.value(kv.Value) })
		})
	}
}

// value writes an AnyValue.
func (m *message) value(v attribute.Value) {
	switch v.Type() {
	case attribute.BOOL:
		m.flag(2, v.AsBool())
	case attribute.INT64:
		m.number(3, uint64(v.AsInt64())) //nolint:gosec // as the format has it
	case attribute.FLOAT64:
		m.double(4, v.AsFloat64())
	case attribute.STRINGSLICE:
		m.inner(5, func(m *message) {
			for _, s := range v.AsStringSlice() {
				m.inner(1, func(m *message) { m.value(attribute.StringValue(s)) })
			}
		})
	case attribute.SLICE:
		m.inner(5, func(m *message) {
			for _, in := range v.AsSlice() {
				m.inner(1, func(m *message) { m.value(in) })
			}
		})
	case attribute.MAP:
		m.inner(6, func(m *message) { m.attributes(1, v.AsMap()) })
	case attribute.BYTESLICE:
		m.bytes(7, v.AsByteSlice())
	case attribute.EMPTY:
	default: // text, and slices that nothing here makes
		*m = protowire.AppendString(protowire.AppendTag(*m, 1, protowire.BytesType), v.String())
	}
}

// from writes who sends, and what wrote it, around a list. Traces, logs and figures
// have these fields in common.
func from(about *resource.Resource, by instrumentation.Scope, list func(*message)) message {
	var m message
	m.inner(1, func(m *message) {
		m.inner(1, func(m *message) { m.attributes(1, about.Attributes()) })
		m.inner(2, func(m *message) {
			m.inner(1, func(m *message) {
				m.text(1, by.Name)
				m.text(2, by.Version)
			})
			list(m)
		})
	})
	return m
}

// grouped splits a list by what stands over its items, in their order.
func grouped[T any, K comparable](items []T, key func(T) K) [][]T {
	var keys []K
	var groups [][]T
	for _, item := range items {
		i := slices.Index(keys, key(item))
		if i < 0 {
			keys, groups, i = append(keys, key(item)), append(groups, nil), len(keys)
		}
		groups[i] = append(groups[i], item)
	}
	return groups
}
