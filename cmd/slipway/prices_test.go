package main

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/glue/price"
)

func TestGluePrices(t *testing.T) {
	t.Parallel()
	job := price.Job{Region: "us-east-1", Type: "pythonshell", MaxCapacity: 1, Timeout: time.Hour}
	file := filepath.Join(t.TempDir(), "prices.yaml")
	writeText(t, file, `prices: v1
date: 2026-12-01
currency: USD
source: our contract
minimum: 1m
regions: [{names: [us-east-1], rates: [{kind: shell, rate: 0.2}]}]
`)
	for at, want := range map[string]string{"": "$0.44", file: "$0.20"} {
		book, err := gluePrices(at)
		if err != nil {
			t.Fatal(err)
		}
		if c := book.Cost(job, driver.Schedule{}, time.Time{}, nil); c.Worst == nil || c.Worst.String() != want {
			t.Errorf("with the file %q an hour costs %v, want %s", at, c.Worst, want)
		}
	}
	_, err := gluePrices("/nowhere/prices.yaml")
	const text, fix = "cannot read the prices of the platform: open /nowhere/prices.yaml: no such file or directory",
		"prices in platform.yaml names the file; its path starts where platform.yaml is"
	if err == nil || err.Error() != text || slipway.FixOf(err) != fix || slipway.KindOf(err) != slipway.NotFound {
		t.Errorf("got %v (%s)", err, slipway.FixOf(err))
	}
}
