package price_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/glue/price"
)

func schedule(t testing.TB, cron, zone string) driver.Schedule {
	t.Helper()
	s, err := driver.ScheduleOf(slipway.Target{Run: map[string]any{"schedule": cron, "timezone": zone}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func day(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

func TestPerYear(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		cron, zone string
		from       time.Time
		want       int
	}{
		"none":                         {"", "", day(2026, 1, 1), 0},
		"every day":                    {"0 3 * * *", "", day(2026, 1, 1), 365},
		"every day of a leap year":     {"0 3 * * *", "", day(2028, 1, 1), 366},
		"every hour":                   {"0 * * * *", "", day(2026, 1, 1), 8760},
		"every minute":                 {"* * * * *", "", day(2026, 1, 1), 525600},
		"working days, from a Sunday":  {"30 6 * * mon-fri", "", day(2026, 11, 22), 260},
		"once a month":                 {"0 0 1 * *", "", day(2026, 11, 22), 12},
		"never":                        {"0 0 30 2 *", "", day(2026, 1, 1), 0},
		"in an hour that summer takes": {"30 2 * * *", "Europe/Berlin", day(2026, 1, 1), 364},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := price.PerYear(schedule(t, test.cron, test.zone), test.from); got != test.want {
				t.Errorf("%d times, want %d", got, test.want)
			}
		})
	}
}

func TestPerYearIsWhatTheScheduleSays(t *testing.T) {
	t.Parallel()
	for _, cron := range []string{"0 * * * *", "*/20 1-4 * * *", "0 3 1 * 1", "15 23 28-31 * *", "59 23 * * *", "0 0 * * *"} {
		for _, zone := range []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"} {
			s, from := schedule(t, cron, zone), time.Date(2026, 11, 22, 13, 37, 11, 0, time.UTC)
			want := len(s.Between(from, from.AddDate(1, 0, 0), 0))
			if got := price.PerYear(s, from); got != want {
				t.Errorf("%s in %s: %d times, want %d", cron, zone, got, want)
			}
		}
	}
}

// usd is an amount in dollars.
func usd(t testing.TB, amount string) *slipway.Money {
	t.Helper()
	d, err := slipway.ParseDecimal(amount)
	if err != nil {
		t.Fatal(err)
	}
	return &slipway.Money{Amount: d, Currency: "USD"}
}

func succeeded(seconds int64, capacity, unitSeconds float64) slipway.Run {
	return slipway.Run{State: slipway.RunSucceeded, Usage: &slipway.Usage{Seconds: seconds, Capacity: capacity, UnitSeconds: unitSeconds, Unit: "DPU"}}
}

func TestCost(t *testing.T) {
	t.Parallel()
	known := slipway.Prices{Source: "AWS's public prices", Date: "2026-11-22"}
	assumed := []string{"this rate was seen in us-east-1 only; it is taken to hold wherever Spark on Glue 5.1 costs the same"}
	failed := slipway.Run{State: slipway.RunFailed, Usage: &slipway.Usage{Seconds: 7, Capacity: 10, Unit: "DPU"}}
	hour := func(j *price.Job) { j.Timeout = time.Hour }
	tests := map[string]struct {
		job  price.Job
		cron string
		runs []slipway.Run
		want slipway.Cost
	}{
		"nothing known but the job": {
			job: etl("G.1X", 10), want: slipway.Cost{Worst: usd(t, "35.20"), Prices: known},
		},
		"daily, at most an hour": {
			job: etl("G.1X", 10, hour), cron: "0 3 * * *",
			want: slipway.Cost{
				Worst: usd(t, "4.40"), Prices: known,
				Month: &slipway.MonthlyCost{Runs: 365.0 / 12, Worst: usd(t, "133.833333")},
			},
		},
		"learnt from two that succeeded": {
			job: etl("G.1X", 10, hour), cron: "0 3 * * *",
			runs: []slipway.Run{succeeded(600, 10, 0), failed, succeeded(1200, 10, 0), {State: slipway.RunRunning}},
			want: slipway.Cost{
				Worst: usd(t, "4.40"), Expected: usd(t, "1.10"), Learnt: 2, Prices: known,
				Month: &slipway.MonthlyCost{Runs: 365.0 / 12, Worst: usd(t, "133.833333"), Expected: usd(t, "33.458333")},
			},
		},
		"priced at the capacity and rate it will have": {
			job: etl("G.2X", 10, hour, version("6.0")), runs: []slipway.Run{succeeded(1800, 10, 0)},
			want: slipway.Cost{Worst: usd(t, "6.16"), Expected: usd(t, "3.08"), Learnt: 1, Prices: known},
		},
		"auto scaling is taken to hold the same share": {
			job: etl("G.1X", 20, hour), runs: []slipway.Run{succeeded(1800, 10, 9000)},
			want: slipway.Cost{Worst: usd(t, "8.80"), Expected: usd(t, "2.20"), Learnt: 1, Prices: known},
		},
		"no more than a month has hours": {
			job: etl("G.1X", 2), cron: "0 * * * *",
			want: slipway.Cost{
				Worst: usd(t, "7.04"), Prices: known,
				Month: &slipway.MonthlyCost{Runs: 730, Worst: usd(t, "653.546667")}, // (730.5 h + 730 min) x 2 DPU x 0.44
			},
		},
		"streaming goes on for the month": {
			job:  etl("G.1X", 2, func(j *price.Job) { j.Type, j.Timeout = "gluestreaming", 0 }),
			want: slipway.Cost{Prices: known, Month: &slipway.MonthlyCost{Worst: usd(t, "642.84")}},
		},
		"a rate that is assumed says so": {
			job: etl("G.1X", 2, flex, hour, region("eu-central-1")), want: slipway.Cost{Worst: usd(t, "0.58"), Prices: known, Notes: assumed},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := builtin(t).Cost(test.job, schedule(t, test.cron, "UTC"), day(2026, 11, 22), test.runs)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("cost (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCostLearnsFromTheNewest(t *testing.T) {
	t.Parallel()
	runs := make([]slipway.Run, 0, 40)
	for range 20 {
		runs = append(runs, succeeded(3600, 1, 0))
	}
	for range 20 {
		runs = append(runs, succeeded(36000, 1, 0))
	}
	got := builtin(t).Cost(etl("G.1X", 1), driver.Schedule{}, day(2026, 11, 22), runs)
	if got.Learnt != 20 || got.Expected.Amount.String() != "0.44" {
		t.Errorf("expected %v from %d runs, want 0.44 from 20", got.Expected, got.Learnt)
	}
}

func TestJobOf(t *testing.T) {
	t.Parallel()
	target := slipway.Target{Run: map[string]any{
		"type": "glueetl", "glue_version": "5.0", "worker_type": "G.2X", "workers": 5.0, "execution_class": "FLEX",
		"timeout": "89s", "max_retries": 2, "max_concurrent_runs": 3.0,
	}}
	want := price.Job{
		Region: "eu-west-1", Type: "glueetl", GlueVersion: "5.0", WorkerType: "G.2X", Workers: 5, ExecutionClass: "FLEX",
		Timeout: 2 * time.Minute, Retries: 2, Concurrent: 3,
	}
	got, err := price.JobOf(target, "eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("job (-want +got):\n%s", diff)
	}
	target.Run["timeout"] = "soon"
	_, err = price.JobOf(target, "eu-west-1")
	if err == nil || err.Error() != `run.timeout: "soon" is not a duration` {
		t.Errorf("timeout soon: %v", err)
	}
}
