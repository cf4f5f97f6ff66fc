package slipway_test

import (
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
)

func TestDurationText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 50 * time.Millisecond: "50ms", 20 * time.Second: "20s", time.Minute: "1m", 90 * time.Second: "1m30s", time.Hour: "1h",
		90 * time.Minute: "1h30m", time.Hour + time.Second: "1h0m1s", 24 * time.Hour: "1 day", 25 * time.Hour: "25h", 720 * time.Hour: "30 days",
	} {
		if got := slipway.DurationText(d); got != want {
			t.Errorf("%v is shown as %q, want %q", d, got, want)
		}
	}
}

func TestTookText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 ms", 999 * time.Millisecond: "999 ms", 1250 * time.Millisecond: "1.2 s", 61 * time.Second: "1 min 1 s", 3*time.Hour + 5*time.Minute + 9*time.Second: "3 h 5 min",
	} {
		if got := slipway.TookText(d); got != want {
			t.Errorf("%v is shown as %q, want %q", d, got, want)
		}
	}
}
