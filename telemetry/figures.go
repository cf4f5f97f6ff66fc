package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/sdk/instrumentation"
)

// A Figure is a number that tells how the server does.
type Figure struct {
	Name  string // as Prometheus has it: slipway_jobs_waiting
	Help  string
	Total bool // it only grows, from the start of the process on
	Value float64
}

// Figures sends figures, again and again until ctx is done, and then once more.
func (t *Telemetry) Figures(ctx context.Context, read func(context.Context) ([]Figure, error)) {
	if t == nil || t.figures == nil {
		return
	}
	for more := true; more; {
		more = pause(ctx, t.every)
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.figures.at.Timeout)
		if all, err := read(last); err == nil { // a database that does not answer is told of elsewhere
			t.figures.send(last, t.encode(all, t.clock()))
		}
		cancel()
	}
}

func (t *Telemetry) encode(all []Figure, now time.Time) []byte {
	return from(t.about, instrumentation.Scope{Name: scope, Version: t.version}, func(m *message) {
		for _, f := range all {
			m.inner(2, func(m *message) { m.figure(f, t.began, now) })
		}
	})
}

// cumulative is AGGREGATION_TEMPORALITY_CUMULATIVE of OTLP.
const cumulative = 2

func (m *message) figure(f Figure, began, now time.Time) {
	m.text(1, f.Name)
	m.text(2, f.Help)
	point := func(m *message) {
		m.inner(1, func(m *message) {
			m.time(2, began)
			m.time(3, now)
			m.double(4, f.Value)
		})
	}
	if !f.Total {
		m.inner(5, point)
		return
	}
	m.inner(7, func(m *message) {
		point(m)
		m.number(2, cumulative)
		m.flag(3, true)
	})
}
