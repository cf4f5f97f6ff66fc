package glue_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver/glue"
	"github.com/slipway-cd/slipway/driver/glue/price"
)

func TestCost(t *testing.T) {
	t.Parallel()
	book, err := price.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	usd := func(micros slipway.Decimal) *slipway.Money { return &slipway.Money{Amount: micros, Currency: "USD"} }
	target := slipway.Target{App: "traffic", Environment: "prod", Run: map[string]any{
		"type": "glueetl", "glue_version": "5.1", "worker_type": "G.2X", "workers": 5.0, "timeout": "30m", "schedule": "0 3 * * *",
	}}
	runs := []slipway.Run{{State: slipway.RunSucceeded, Usage: &slipway.Usage{Seconds: 300, Capacity: 10}}}
	for name, test := range map[string]struct {
		prices *price.Book
		region string
		want   slipway.Cost
	}{
		"with prices": {book, "us-east-1", slipway.Cost{
			Worst: usd(2_200_000), Expected: usd(366_667), Learnt: 1,
			Month:  &slipway.MonthlyCost{Runs: 365.0 / 12, Worst: usd(66_916_667), Expected: usd(11_152_778)},
			Prices: slipway.Prices{Source: "AWS's public prices", Date: "2026-11-22"},
		}},
		"without prices": {nil, "us-east-1", slipway.Cost{Unknown: "no prices are known"}},
		"in a region that the prices do not know": {book, "moon-1", slipway.Cost{
			Unknown: "there are no prices for the region moon-1 (prices of 2026-11-22: AWS's public prices)",
			Prices:  slipway.Prices{Source: "AWS's public prices", Date: "2026-11-22"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := glue.New(glue.Config{
				AWS: aws.Config{Region: test.region}, Prices: test.prices,
				Clock: func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) },
			})
			got, err := d.Cost(t.Context(), target, runs)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("cost (-want +got):\n%s", diff)
			}
		})
	}
	d := glue.New(glue.Config{Prices: book, Clock: time.Now})
	_, err = d.Cost(t.Context(), slipway.Target{Run: map[string]any{"schedule": "daily"}}, nil)
	if want := `run.schedule: "daily" is no cron expression`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
