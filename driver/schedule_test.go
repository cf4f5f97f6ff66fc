package driver_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

func TestScheduleBetween(t *testing.T) {
	at := func(text string) time.Time {
		at, err := time.Parse("2006-01-02 15:04:05", text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	cases := map[string]struct {
		cron, zone   string
		after, until string
		limit        int
		want         []string
	}{
		"the end counts, the beginning does not": {"0 3 * * *", "", "2026-03-01 03:00:00", "2026-03-02 03:00:00", 0, []string{"2026-03-02 03:00:00"}},
		"at most so many":                        {"* * * * *", "UTC", "2026-03-01 00:00:00", "2026-03-02 00:00:00", 2, []string{"2026-03-01 00:01:00", "2026-03-01 00:02:00"}},
		"by the clock of a zone in winter":       {"0 3 * * *", "Europe/Berlin", "2026-01-10 00:00:00", "2026-01-10 12:00:00", 0, []string{"2026-01-10 02:00:00"}},
		"by the clock of a zone in summer":       {"0 3 * * *", "Europe/Berlin", "2026-07-10 00:00:00", "2026-07-10 12:00:00", 0, []string{"2026-07-10 01:00:00"}},
		"a day that never comes":                 {"0 3 30 2 *", "", "2026-01-01 00:00:00", "2031-01-01 00:00:00", 0, nil},
		"AWS counts weekdays from one":           {"cron(30 6 ? * 2-6 *)", "", "2026-03-06 00:00:00", "2026-03-10 00:00:00", 0, []string{"2026-03-06 06:30:00", "2026-03-09 06:30:00"}},
		"AWS has names and steps":                {"cron(0/30 3 ? * SUN/3 *)", "UTC", "2026-03-01 00:00:00", "2026-03-05 00:00:00", 0, []string{"2026-03-01 03:00:00", "2026-03-01 03:30:00", "2026-03-04 03:00:00", "2026-03-04 03:30:00"}},
		"AWS has years":                          {"cron(0 3 1 1 ? 2027)", "", "2026-03-01 00:00:00", "2031-03-05 00:00:00", 0, []string{"2027-01-01 03:00:00"}},
		"AWS has a last Friday":                  {"cron(0 3 ? * 6L *)", "", "2026-03-01 00:00:00", "2026-04-01 00:00:00", 0, []string{"2026-03-27 03:00:00"}},
		"AWS has last days":                      {"cron(0 3 L * ? *)", "", "2026-02-01 00:00:00", "2026-04-01 00:00:00", 0, []string{"2026-02-28 03:00:00", "2026-03-31 03:00:00"}},
		"no schedule":                            {"", "", "2026-01-01 00:00:00", "2031-01-01 00:00:00", 0, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s, err := driver.ScheduleOf(slipway.Target{Run: map[string]any{"schedule": c.cron, "timezone": c.zone}})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, at := range s.Between(at(c.after), at(c.until), c.limit) {
				got = append(got, at.UTC().Format("2006-01-02 15:04:05"))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("times (-want +got):\n%s", diff)
			}
		})
	}
}

func TestScheduleRefuses(t *testing.T) {
	for _, c := range []struct{ cron, zone, want string }{
		{"at three", "", `run.schedule: "at three" is no cron expression`},
		{"cron(0 3 * * * *)", "", `run.schedule: "cron(0 3 * * * *)" is no cron expression`},
		{"cron(0 3 ? * ? *)", "", `run.schedule: "cron(0 3 ? * ? *)" is no cron expression`},
		{"cron(0 3 ? * 0 *)", "", `run.schedule: "cron(0 3 ? * 0 *)" is no cron expression`},
		{"cron(61 3 * * ? *)", "", `run.schedule: "cron(61 3 * * ? *)" is no cron expression`},
		{"cron(0 3 * * ?)", "", `run.schedule: "cron(0 3 * * ?)" is no cron expression`},
		{"cron(0 3 * * ? *", "", `run.schedule: "cron(0 3 * * ? *" is no cron expression`},
		{"cron(0 3 * * ? *)", "Europe/Berlin", "run.schedule: cron(0 3 * * ? *) is in UTC by its nature, and run.timezone says Europe/Berlin"},
		{"0 3 * * *", "Mars/Olympus", `run.timezone: "Mars/Olympus" is no time zone that this machine knows`},
	} {
		_, err := driver.ScheduleOf(slipway.Target{Run: map[string]any{"schedule": c.cron, "timezone": c.zone}})
		if err == nil || err.Error() != c.want || slipway.KindOf(err) != slipway.Invalid || slipway.FixOf(err) == "" {
			t.Errorf("%s in %s: %v, want %s and a way out", c.cron, c.zone, err, c.want)
		}
	}
}

func TestPausedScheduleIsNeverDue(t *testing.T) {
	s, err := driver.ScheduleOf(slipway.Target{Run: map[string]any{"schedule": "0 3 * * *", "paused": true}})
	if err != nil || !s.Paused() || s.String() != "0 3 * * *" || s.Zone() != time.UTC {
		t.Errorf("%+v, %v", s, err)
	}
	if got := s.Next(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), 5); len(got) != 0 {
		t.Errorf("due at %v", got)
	}
}

func TestNextOfAPlan(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	changed := []slipway.Change{{Field: "run.schedule", Action: slipway.Add, To: "0 3 * * *"}}
	for _, c := range []struct {
		name    string
		run     map[string]any
		changes []slipway.Change
		want    []string
	}{
		{"a new schedule", map[string]any{"schedule": "0 3 * * *"}, changed, []string{
			"2026-11-23T03:00:00Z", "2026-11-24T03:00:00Z", "2026-11-25T03:00:00Z", "2026-11-26T03:00:00Z", "2026-11-27T03:00:00Z",
		}},
		{"that of AWS", map[string]any{"schedule": "cron(0 3 ? * 2 *)"}, changed, []string{
			"2026-11-23T03:00:00Z", "2026-11-30T03:00:00Z", "2026-12-07T03:00:00Z", "2026-12-14T03:00:00Z", "2026-12-21T03:00:00Z",
		}},
		{"it goes on", map[string]any{"schedule": "0 3 1 * *", "paused": false}, []slipway.Change{{Field: "run.paused", Action: slipway.Update, From: true, To: false}}, []string{
			"2026-12-01T03:00:00Z", "2027-01-01T03:00:00Z", "2027-02-01T03:00:00Z", "2027-03-01T03:00:00Z", "2027-04-01T03:00:00Z",
		}},
		{"another zone", map[string]any{"schedule": "0 3 1 * *", "timezone": "Europe/Berlin"}, []slipway.Change{{Field: "run.timezone", Action: slipway.Add}}, []string{
			"2026-12-01T03:00:00+01:00", "2027-01-01T03:00:00+01:00", "2027-02-01T03:00:00+01:00", "2027-03-01T03:00:00+01:00", "2027-04-01T03:00:00+02:00",
		}},
		{"as it was", map[string]any{"schedule": "0 3 * * *"}, []slipway.Change{{Field: "run.workers", Action: slipway.Add}}, nil},
		{"it goes", map[string]any{}, []slipway.Change{{Field: "run.schedule", Action: slipway.Delete}}, nil},
		{"it rests", map[string]any{"schedule": "0 3 * * *", "paused": true}, changed, nil},
		{"nobody can read it", map[string]any{"schedule": "often"}, changed, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, at := range driver.NextOf(slipway.Plan{Target: slipway.Target{Run: c.run}, Changes: c.changes}, now) {
				got = append(got, at.Format(time.RFC3339))
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("times (-want +got):\n%s", d)
			}
		})
	}
}
