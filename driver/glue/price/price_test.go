package price_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/glue/price"
)

func builtin(t testing.TB) *price.Book {
	t.Helper()
	b, err := price.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// etl is a Spark job in us-east-1, changed by fn.
func etl(workerType string, workers int, fn ...func(*price.Job)) price.Job {
	j := price.Job{
		Region: "us-east-1", Type: "glueetl", GlueVersion: "5.1", WorkerType: workerType, Workers: workers,
		ExecutionClass: "STANDARD", Timeout: 480 * time.Minute, Concurrent: 1,
	}
	for _, f := range fn {
		f(&j)
	}
	return j
}

func flex(j *price.Job) { j.ExecutionClass = "FLEX" }

func version(v string) func(*price.Job) { return func(j *price.Job) { j.GlueVersion = v } }

func region(r string) func(*price.Job) { return func(j *price.Job) { j.Region = r } }

func shell(capacity float64) price.Job {
	return price.Job{Region: "us-east-1", Type: "pythonshell", MaxCapacity: capacity, Timeout: time.Hour}
}

func TestEnded(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		job  price.Job
		used price.Usage
		want string
	}{
		"AWS's own example: 6 DPU for 15 minutes": {etl("G.1X", 6), price.Usage{Seconds: 900}, "0.66"},
		"a run of ten seconds is billed a minute": {etl("G.1X", 2), price.Usage{Seconds: 10}, "0.014667"},
		"FLEX":                                  {etl("G.1X", 2, flex), price.Usage{Seconds: 120}, "0.019333"},
		"FLEX, as Glue measures it":             {etl("G.1X", 2, flex), price.Usage{Seconds: 120, DPUSeconds: 240}, "0.019333"},
		"a small Python shell job":              {shell(0.0625), price.Usage{Seconds: 30}, "0.000458"},
		"a Python shell job of one DPU":         {shell(1), price.Usage{Seconds: 3600}, "0.44"},
		"a Python shell job goes by no version": {func() price.Job { j := shell(1); j.GlueVersion = "3.0"; return j }(), price.Usage{Seconds: 3600}, "0.44"},
		"five G.2X for half an hour":            {etl("G.2X", 5), price.Usage{Seconds: 1800}, "2.20"},
		"exactly a minute":                      {etl("G.1X", 2), price.Usage{Seconds: 60}, "0.014667"},
		"a second more than a minute":           {etl("G.1X", 2), price.Usage{Seconds: 61}, "0.014911"},
		"auto scaling held less than all":       {etl("G.1X", 10), price.Usage{Seconds: 3600, DPUSeconds: 7200}, "0.88"},
		"auto scaling for half a minute":        {etl("G.1X", 10), price.Usage{Seconds: 30, DPUSeconds: 60}, "0.014667"},
		"it held nothing":                       {etl("G.1X", 10), price.Usage{}, "0.00"},
		"Glue 1.0 is billed ten minutes":        {etl("", 0, version("1.0"), func(j *price.Job) { j.MaxCapacity = 10 }), price.Usage{Seconds: 61}, "0.733333"},
		"Glue 0.9 on Standard workers":          {etl("Standard", 10, version("0.9"), func(j *price.Job) { j.MaxCapacity = 10 }), price.Usage{Seconds: 3600}, "4.40"},
		"G.025X":                                {etl("G.025X", 4), price.Usage{Seconds: 3600}, "0.44"},
		"G.4X":                                  {etl("G.4X", 2), price.Usage{Seconds: 3600}, "3.52"},
		"G.8X":                                  {etl("G.8X", 2), price.Usage{Seconds: 3600}, "7.04"},
		"G.12X":                                 {etl("G.12X", 1), price.Usage{Seconds: 3600}, "5.28"},
		"G.16X":                                 {etl("G.16X", 1), price.Usage{Seconds: 3600}, "7.04"},
		"R.1X":                                  {etl("R.1X", 2), price.Usage{Seconds: 3600}, "1.04"},
		"R.8X":                                  {etl("R.8X", 1), price.Usage{Seconds: 3600}, "4.16"},
		"Z.2X, for Ray":                         {etl("Z.2X", 2, version("4.0")), price.Usage{Seconds: 3600}, "1.76"},
		"Glue 6.0":                              {etl("G.1X", 2, version("6.0")), price.Usage{Seconds: 3600}, "0.616"},
		"Glue 6.0, FLEX":                        {etl("G.1X", 2, version("6.0"), flex), price.Usage{Seconds: 3600}, "0.406"},
		"Glue 6.0, R.1X":                        {etl("R.1X", 1, version("6.0")), price.Usage{Seconds: 3600}, "0.364"},
		"Cape Town":                             {etl("G.1X", 1, region("af-south-1")), price.Usage{Seconds: 3600}, "0.524"},
		"Milan":                                 {etl("G.1X", 1, region("eu-south-1")), price.Usage{Seconds: 3600}, "0.52"},
		"Bahrain":                               {etl("G.1X", 1, region("me-south-1")), price.Usage{Seconds: 3600}, "0.59"},
		"São Paulo":                             {etl("G.1X", 1, region("sa-east-1")), price.Usage{Seconds: 3600}, "0.69"},
		"Frankfurt":                             {etl("G.1X", 1, region("eu-central-1")), price.Usage{Seconds: 3600}, "0.44"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := builtin(t).Ended(test.job, test.used)
			if err != nil {
				t.Fatal(err)
			}
			if got.Amount.String() != test.want || got.Currency != "USD" {
				t.Errorf("got %s %s, want %s USD", got.Amount, got.Currency, test.want)
			}
		})
	}
}

func TestWorst(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		job  price.Job
		want string
	}{
		"what Glue gives a new job: 10 G.1X, 480 minutes": {etl("G.1X", 10), "35.20"},
		"each retry may take all the time again":          {etl("G.1X", 10, func(j *price.Job) { j.Retries = 2 }), "105.60"},
		"a timeout below the least time":                  {etl("", 0, version("1.0"), func(j *price.Job) { j.MaxCapacity, j.Timeout = 10, time.Minute }), "0.733333"},
		"a Python shell job":                              {shell(0.0625), "0.0275"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := builtin(t).Worst(test.job)
			if err != nil || got.Amount.String() != test.want {
				t.Errorf("got %s, %v; want %s", got.Amount, err, test.want)
			}
		})
	}
}

func TestWithoutAPrice(t *testing.T) {
	t.Parallel()
	const prices = " (prices of 2026-11-22: AWS's public prices)"
	tests := map[string]struct {
		job  price.Job
		kind slipway.Kind
		want string
	}{
		"an unknown region":       {etl("G.1X", 2, region("eu-centrall-1")), slipway.NotFound, "there are no prices for the region eu-centrall-1, only for others such as eu-central-1" + prices},
		"a far region":            {etl("G.1X", 2, region("moon")), slipway.NotFound, "there are no prices for the region moon" + prices},
		"no region":               {etl("G.1X", 2, region("")), slipway.NotFound, "the environment names no region, and prices go by region" + prices},
		"an unknown worker":       {etl("X.1X", 2), slipway.NotFound, "there is no price for workers of type X.1X" + prices},
		"an unknown version":      {etl("G.1X", 2, version("9.0")), slipway.NotFound, "there is no price for Spark on Glue 9.0 in us-east-1" + prices},
		"no version":              {etl("G.1X", 2, version("")), slipway.NotFound, "the job names no Glue version, and prices go by version" + prices},
		"FLEX where nobody knows": {etl("G.1X", 2, region("sa-east-1"), flex), slipway.NotFound, "there is no price for FLEX on Glue 5.1 in sa-east-1" + prices},
		"FLEX on R workers":       {etl("R.1X", 2, flex), slipway.NotFound, "there is no price for FLEX on workers of type R.1X" + prices},
		"a shell job elsewhere":   {func() price.Job { j := shell(1); j.Region = "sa-east-1"; return j }(), slipway.NotFound, "there is no price for Python shell jobs in sa-east-1" + prices},
		"no workers":              {etl("G.1X", 0), slipway.Invalid, "the job says neither how many workers nor how much capacity it has, and prices go by that"},
		"no capacity":             {shell(0), slipway.Invalid, "the job says neither how many workers nor how much capacity it has, and prices go by that"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := builtin(t)
			got, err := b.Ended(test.job, price.Usage{Seconds: 100})
			if err == nil || err.Error() != test.want || slipway.KindOf(err) != test.kind {
				t.Errorf("%s, %v (%s); want the error\n%s", got, err, slipway.KindOf(err), test.want)
			}
			if cost := b.Cost(test.job, driver.Schedule{}, time.Time{}, nil); cost.Unknown != test.want || cost.Worst != nil {
				t.Errorf("cost %+v", cost)
			}
			run := slipway.Run{State: slipway.RunSucceeded}
			if b.Record(&run, test.job, price.Usage{Seconds: 100}); run.Cost != nil {
				t.Errorf("the run's cost is %s", run.Cost)
			}
		})
	}
	_, err := builtin(t).Ended(etl("X.1X", 2), price.Usage{})
	if want := "write it into a file, and name that as prices in platform.yaml"; slipway.FixOf(err) != want {
		t.Errorf("way out %q, want %q", slipway.FixOf(err), want)
	}
}

func TestWorstHasNoBound(t *testing.T) {
	t.Parallel()
	b := builtin(t)
	_, err := b.Worst(etl("G.1X", 2, func(j *price.Job) { j.Timeout = 0 }))
	if err == nil || err.Error() != "a run without a timeout has no highest cost" {
		t.Errorf("without a timeout: %v", err)
	}
	const want = "a cost of 4656960000000 USD is beyond what can be written"
	_, err = b.Worst(etl("G.1X", 9_000_000_000, func(j *price.Job) { j.Timeout, j.Retries = 10080*time.Minute, 6 }))
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestRecord(t *testing.T) {
	t.Parallel()
	b := builtin(t)
	run := slipway.Run{State: slipway.RunFailed}
	b.Record(&run, etl("R.2X", 3), price.Usage{Seconds: 1800, DPUSeconds: 5400})
	want := slipway.Run{
		State: slipway.RunFailed,
		Usage: &slipway.Usage{Seconds: 1800, Capacity: 6, UnitSeconds: 5400, Unit: "M-DPU"},
		Cost:  &slipway.Money{Amount: 780_000, Currency: "USD"},
	}
	if diff := cmp.Diff(want, run); diff != "" {
		t.Errorf("run (-want +got):\n%s", diff)
	}
	retried := slipway.Run{State: slipway.RunSucceeded}
	b.Record(&retried, etl("G.1X", 2), price.Usage{Seconds: 10}, price.Usage{Seconds: 3600})
	want = slipway.Run{
		State: slipway.RunSucceeded, Usage: &slipway.Usage{Seconds: 3610, Capacity: 2, Unit: "DPU"},
		Cost: &slipway.Money{Amount: 894_667, Currency: "USD"}, // a minute at least for each attempt
	}
	if diff := cmp.Diff(want, retried); diff != "" {
		t.Errorf("a run of two attempts (-want +got):\n%s", diff)
	}
	going := slipway.Run{State: slipway.RunRunning}
	b.Record(&going, etl("G.1X", 3), price.Usage{Seconds: 1800})
	if going.Cost != nil || going.Usage != nil {
		t.Errorf("a run that goes on has usage %v and cost %v", going.Usage, going.Cost)
	}
}
