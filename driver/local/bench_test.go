package local_test

import (
	"io"
	"strconv"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/local"
)

// BenchmarkRun is a Python shell job that does nothing, from Start until the end
// of the run is known.
func BenchmarkRun(b *testing.B) {
	cfg, repository := config(b), blobs{}
	d := local.New(cfg)
	h := deployed(b, d, repository)
	for n := 0; b.Loop(); n++ {
		id := strconv.Itoa(n)
		if _, err := d.Start(b.Context(), h, driver.RunRequest{ID: id}); err != nil {
			b.Fatal(err)
		}
		if err := d.Logs(b.Context(), h, id, true, io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPlan is a plan of a job that is there.
func BenchmarkPlan(b *testing.B) {
	cfg, repository := config(b), blobs{}
	d := local.New(cfg)
	deployed(b, d, repository)
	for b.Loop() {
		if _, err := d.Plan(b.Context(), driver.PlanRequest{Target: target(repository, "app", "print('done')")}); err != nil {
			b.Fatal(err)
		}
	}
}

func deployed(b *testing.B, d *local.Driver, repository blobs) slipway.Handle {
	b.Helper()
	p, err := d.Plan(b.Context(), driver.PlanRequest{Target: target(repository, "app", "print('done')")})
	if err != nil {
		b.Fatal(err)
	}
	h, err := d.Apply(b.Context(), p, repository)
	if err != nil {
		b.Fatal(err)
	}
	return h
}
