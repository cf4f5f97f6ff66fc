package glue

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

func scheduleOf(t *testing.T, text, zone string) driver.Schedule {
	t.Helper()
	s, err := driver.ScheduleOf(slipway.Target{Run: map[string]any{"schedule": text, "timezone": zone}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestGlueCron(t *testing.T) {
	for _, c := range []struct{ cron, zone, want string }{
		{"", "", ""},
		{"0 3 * * *", "", "cron(0 3 * * ? *)"},
		{"*/15 * * * *", "UTC", "cron(0/15 * * * ? *)"},
		{"0 */6 */2 */3 *", "", "cron(0 0/6 1/2 1/3 ? *)"},
		{"30 6 * * 1-5", "", "cron(30 6 ? * 2-6 *)"},
		{"30 6 * * mon-fri", "", "cron(30 6 ? * 2-6 *)"},
		{"30 6 * * 0", "", "cron(30 6 ? * 1 *)"},
		{"30 6 * * 7", "", "cron(30 6 ? * 1 *)"},
		{"30 6 * * 5-7", "", "cron(30 6 ? * 1,6,7 *)"},
		{"30 6 * * */2", "", "cron(30 6 ? * 1,3,5,7 *)"},
		{"30 6 * * 6,0", "", "cron(30 6 ? * 1,7 *)"},
		{"0 3 1,15 1 *", "", "cron(0 3 1,15 1 ? *)"},
		{"0 3 L * *", "", "cron(0 3 L * ? *)"},
		{"0 3 * * 5L", "", "cron(0 3 ? * 6L *)"},
		{"0 3 * * *", "Asia/Kolkata", "cron(30 21 * * ? *)"},
		{"0 3 * * 1", "Asia/Kolkata", "cron(30 21 ? * 1 *)"},
		{"0 20 * * 6", "America/Phoenix", "cron(0 3 ? * 1 *)"},
		{"0 9,12 1 * *", "Asia/Tokyo", "cron(0 0,3 1 * ? *)"},
		{"0 * * * *", "Asia/Tokyo", "cron(0 * * * ? *)"},
		{"0 3 * * *", "Africa/Abidjan", "cron(0 3 * * ? *)"},
		{"cron(0  3 * * ? *)", "", "cron(0 3 * * ? *)"},
	} {
		got, err := glueCron(scheduleOf(t, c.cron, c.zone))
		if err != nil || got != c.want {
			t.Errorf("%q in %q is %q, want %q; %v", c.cron, c.zone, got, c.want, err)
		}
	}
}

func TestGlueCronRefuses(t *testing.T) {
	for _, c := range []struct{ cron, zone, want string }{
		{
			"0 3 1 * 1", "",
			"run.schedule: \"0 3 1 * 1\" names days of the month and days of the week, and AWS Glue takes one of them\nwrite * as one of the two, or make an app for each",
		},
		{
			"0 3 * * 1#2", "",
			"run.schedule: AWS Glue does not know 1#2, a certain weekday of the month\nwrite days of the month, such as 1-7, and let the script look at the weekday",
		},
		{
			"30 4 * * *", "Europe/Berlin",
			"run.timezone: AWS Glue knows the time of UTC alone, and the clocks of Europe/Berlin change: 04:30 in winter is 03:30 in UTC, in summer 02:30\nwrite run.schedule in UTC, and leave run.timezone out",
		},
		{
			"0 3 1 * *", "Asia/Tokyo",
			"run.schedule: \"0 3 1 * *\" in Asia/Tokyo cannot be said in UTC, which is all that AWS Glue knows\nwrite run.schedule in UTC, and leave run.timezone out",
		},
		{
			"* * * * *", "",
			"run.schedule: * * * * * starts runs 1m apart, and AWS Glue takes none that are closer than five minutes\nwrite \"*/5 * * * *\", or a job of type gluestreaming",
		},
	} {
		_, err := glueCron(scheduleOf(t, c.cron, c.zone))
		if err == nil {
			t.Errorf("%q in %q passes", c.cron, c.zone)
			continue
		}
		if diff := cmp.Diff(c.want, err.Error()+"\n"+slipway.FixOf(err)); diff != "" || slipway.KindOf(err) != slipway.Invalid {
			t.Errorf("%q in %q (-want +got):\n%s", c.cron, c.zone, diff)
		}
	}
}

// TestGlueCronFiresAtTheSameTimes compares a schedule with what Glue is told of it,
// read as AWS reads it.
func TestGlueCronFiresAtTheSameTimes(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	said := 0
	for range 600 {
		minute := pick("0", "30", "5,35", "*/15", "10-40/10", "59")
		hour := pick("*", "3", "0,12", "*/5", "8-17", "23", "20-23")
		day, month, weekday := "*", pick("*", "*", "*", "2,7", "*/4"), "*"
		if r.IntN(2) == 0 {
			weekday = pick("*", "1-5", "0", "7", "5-7", "*/2", "MON,wed", "1-6/2", "6,0", "2/2", "3L")
		} else {
			day = pick("*", "1", "15,31", "*/7", "1-5", "L", "28/2")
		}
		zone := pick("UTC", "UTC", "Asia/Kolkata", "Asia/Tokyo", "America/Phoenix", "Pacific/Honolulu")
		text := fmt.Sprintf("%s %s %s %s %s", minute, hour, day, month, weekday)
		s := scheduleOf(t, text, zone)
		told, err := glueCron(s)
		if err != nil {
			continue
		}
		said++
		at := time.Date(2026, time.Month(1+r.IntN(12)), 1+r.IntN(28), r.IntN(24), 0, 0, 0, time.UTC)
		want, got := s.Next(at, 12), scheduleOf(t, told, "").Next(at, 12)
		for i := range want {
			want[i] = want[i].UTC()
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s in %s is %s, which fires at other times (-want +got):\n%s", text, zone, told, diff)
		}
	}
	if said < 200 {
		t.Errorf("only %d schedules could be said", said)
	}
}
