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
