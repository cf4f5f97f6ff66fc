package price_test

import (
	"strings"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/glue/price"
)

const head = `prices: v1
date: 2026-12-01
currency: USD
source: our contract
minimum: 1m
`

const contract = head + `workers:
  X.1X: {kind: spark, size: 32}
regions:
  - names: [us-east-1, moon-1]
    rates:
      - {kind: spark, versions: ["5.1"], rate: 0.33}
      - {kind: shell, rate: 0.2}
`

func TestOver(t *testing.T) {
	t.Parallel()
	b, err := builtin(t).Over("prices.yaml", []byte(contract))
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		job          price.Job
		want, source string
	}{
		"its own":             {etl("G.1X", 1), "0.33", "our contract"},
		"a region of its own": {etl("G.1X", 1, region("moon-1")), "0.33", "our contract"},
		"a worker of its own": {etl("X.1X", 1), "10.56", "our contract"},
		"another version":     {etl("G.1X", 1, version("6.0")), "0.308", "AWS's public prices"},
		"another region":      {etl("G.1X", 1, region("sa-east-1")), "0.69", "AWS's public prices"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := b.Ended(test.job, price.Usage{Seconds: 3600})
			if err != nil || got.Amount.String() != test.want {
				t.Errorf("%v, %v; want %s", got, err, test.want)
			}
			if c := b.Cost(test.job, driver.Schedule{}, time.Time{}, nil); c.Prices.Source != test.source {
				t.Errorf("from %s, want %s", c.Prices.Source, test.source)
			}
		})
	}
	_, err = b.Ended(etl("G.1X", 1, region("mars-1")), price.Usage{})
	if want := "there are no prices for the region mars-1 (prices of 2026-12-01: our contract)"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestOverInAnotherCurrency(t *testing.T) {
	t.Parallel()
	b, err := builtin(t).Over("prices.yaml", []byte(strings.Replace(contract, "USD", "EUR", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := b.Ended(etl("G.2X", 1), price.Usage{Seconds: 3600}); err != nil || got != (slipway.Money{Amount: 660_000, Currency: "EUR"}) {
		t.Errorf("%v, %v; want 0.66 EUR", got, err)
	}
	_, err = b.Ended(etl("G.2X", 1, version("6.0")), price.Usage{Seconds: 3600})
	if want := "there is no price for Spark on Glue 6.0 in us-east-1 (prices of 2026-12-01: our contract)"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestComplaints(t *testing.T) {
	t.Parallel()
	rates := func(lines string) string { return head + "regions:\n  - names: [us-east-1]\n    rates:\n" + lines }
	tests := map[string]struct{ file, want string }{
		"empty":             {"", "p.yaml:1:1: the file is empty"},
		"an unknown key":    {strings.Replace(contract, "currency", "curency", 1), `p.yaml:3:1: unknown key "curency"`},
		"no date":           {strings.Replace(contract, "date: 2026-12-01\n", "", 1), `p.yaml:1:1: missing key "date"`},
		"a price of 0":      {rates("      - {kind: shell, rate: 0}\n"), "p.yaml:9:29: regions[0].rates[0].rate is 0"},
		"a price below 0":   {rates("      - {kind: shell, rate: -1}\n"), "p.yaml:9:29: regions[0].rates[0].rate is -1"},
		"no number":         {rates("      - {kind: shell, rate: .nan}\n"), "p.yaml:9:29: regions[0].rates[0].rate is the number .nan"},
		"no versions":       {rates("      - {kind: spark, rate: 1}\n"), "p.yaml:9:9: regions[0].rates[0]: the kind shell has no versions, and every other kind has some"},
		"versions of shell": {rates("      - {kind: shell, versions: [\"5.1\"], rate: 1}\n"), "p.yaml:9:9: regions[0].rates[0]: the kind shell has no versions, and every other kind has some"},
		"a rate twice": {
			rates("      - {kind: flex, versions: [\"5.1\", \"5.1\"], rate: 1}\n"),
			"p.yaml:9:9: regions[0].rates[0]: there are two rates for FLEX on Glue 5.1 in us-east-1",
		},
		"an unknown kind": {rates("      - {kind: spork, rate: 1}\n"), `p.yaml:9:16: regions[0].rates[0].kind is the text "spork", which is not allowed here`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := builtin(t).Over("p.yaml", []byte(test.file))
			if err == nil || slipway.KindOf(err) != slipway.Invalid {
				t.Fatalf("got %v, want an error of kind invalid", err)
			}
			if got, _, _ := strings.Cut(err.Error(), "\n"); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func FuzzOver(f *testing.F) {
	f.Add([]byte(contract))
	f.Add([]byte(head + "regions: []\n"))
	public := builtin(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := public.Over("p.yaml", data)
		if err != nil {
			return
		}
		got, err := b.Ended(etl("G.1X", 1), price.Usage{Seconds: 3600})
		if err == nil && got.Amount <= 0 {
			t.Errorf("an hour costs %s", got)
		}
	})
}

func BenchmarkBuiltin(b *testing.B) {
	for b.Loop() {
		if _, err := price.Builtin(); err != nil {
			b.Fatal(err)
		}
	}
}
