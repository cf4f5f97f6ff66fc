package drivertest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

func scheduleTests() map[string]func(*testing.T, Kit) {
	return map[string]func(*testing.T, Kit){
		"Due/names the times of the schedule":    ifScheduler(dueTimes),
		"Due/knows time zones and their changes": ifScheduler(dueInZone),
		"Due/is empty without a schedule":        ifScheduler(dueNever),
		"Plan/refuses a schedule that is none":   ifScheduler(planRefusesSchedule),
		"Observe/names the schedule's next time": ifScheduler(observeSchedule),
	}
}

func ifScheduler(test func(*testing.T, Kit)) func(*testing.T, Kit) {
	return func(t *testing.T, k Kit) {
		if _, ok := k.Driver.(driver.Scheduler); !ok {
			t.Skip("this driver leaves schedules to its runtime")
		}
		test(t, k)
	}
}

func at(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func wantDue(t *testing.T, d driver.Driver, h slipway.Handle, after, until string, want ...string) {
	t.Helper()
	times, err := d.(driver.Scheduler).Due(t.Context(), h, at(t, after), at(t, until))
	if err != nil {
		t.Fatalf("Due: %v", err)
	}
	var got []string
	for _, at := range times {
		got = append(got, at.UTC().Format(time.RFC3339))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("due after %s until %s (-want +got):\n%s", after, until, diff)
	}
}

func dueTimes(t *testing.T, k Kit) {
	h := deploy(t, k, with(k.Target(Succeeds), "schedule", "0 3 * * *"))
	wantDue(t, k.Driver, h, "2026-03-01T02:59:59Z", "2026-03-03T03:00:00Z",
		"2026-03-01T03:00:00Z", "2026-03-02T03:00:00Z", "2026-03-03T03:00:00Z")
	wantDue(t, k.Reopen(), h, "2026-03-01T03:00:00Z", "2026-03-02T02:59:59Z")
	wantDue(t, k.Driver, h, "2026-03-05T00:00:00Z", "2026-03-01T00:00:00Z")
}

func dueInZone(t *testing.T, k Kit) {
	h := deploy(t, k, with(with(k.Target(Succeeds), "schedule", "30 4 * * *"), "timezone", "Europe/Berlin"))
	wantDue(t, k.Driver, h, "2026-03-28T00:00:00Z", "2026-03-29T12:00:00Z",
		"2026-03-28T03:30:00Z", "2026-03-29T02:30:00Z")
}

func dueNever(t *testing.T, k Kit) {
	target := k.Target(Succeeds)
	wantDue(t, k.Driver, handle(target), "2026-03-01T00:00:00Z", "2027-03-01T00:00:00Z")
	h := deploy(t, k, target)
	wantDue(t, k.Driver, h, "2026-03-01T00:00:00Z", "2027-03-01T00:00:00Z")
	deploy(t, k, with(target, "schedule", "0 3 * * *"))
	if err := k.Driver.Remove(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	wantDue(t, k.Driver, h, "2026-03-01T00:00:00Z", "2027-03-01T00:00:00Z")
}

func planRefusesSchedule(t *testing.T, k Kit) {
	_, err := k.Driver.Plan(t.Context(), driver.PlanRequest{Target: with(k.Target(Succeeds), "schedule", "at three")})
	wantKind(t, "Plan", err, slipway.Invalid)
	_, err = k.Driver.Plan(t.Context(), driver.PlanRequest{Target: with(with(k.Target(Succeeds), "schedule", "0 3 * * *"), "timezone", "Mars/Olympus")})
	wantKind(t, "Plan", err, slipway.Invalid)
}

func observeSchedule(t *testing.T, k Kit) {
	target := with(k.Target(Succeeds), "schedule", "0 3 * * *")
	s := status(t, k.Driver, deploy(t, k, target), target)
	if s.Schedule != "0 3 * * *" || len(s.Next) == 0 {
		t.Fatalf("schedule %q, next %v", s.Schedule, s.Next)
	}
	if next := s.Next[0].UTC(); next.Hour() != 3 || next.Minute() != 0 {
		t.Errorf("next is %s, want some day at three", next)
	}
}
