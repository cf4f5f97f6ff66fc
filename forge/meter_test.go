package forge_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway/forge"
)

func TestGaugeWith(t *testing.T) {
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	known := forge.Gauge{Budget: forge.Budget{Limit: 5000, Left: 100, Reset: 1000}, Pause: noon}
	for _, tt := range []struct {
		name string
		seen forge.Gauge
		want forge.Gauge
	}{
		{"less is left", gauge(99, 1000), forge.Gauge{Budget: budget(99, 1000), Pause: noon}},
		{"an answer that was overtaken", gauge(101, 1000), known},
		{"the same period, told a second earlier", gauge(99, 999), forge.Gauge{Budget: budget(99, 1000), Pause: noon}},
		{"the period before", gauge(3, 900), known},
		{"the next period", gauge(5000, 4600), forge.Gauge{Budget: budget(5000, 4600), Pause: noon}},
		{"a pause that ends before", forge.Gauge{Pause: noon.Add(-time.Second)}, known},
		{"a longer pause", forge.Gauge{Pause: noon.Add(time.Second)}, forge.Gauge{Budget: known.Budget, Pause: noon.Add(time.Second)}},
	} {
		if diff := cmp.Diff(tt.want, known.With(tt.seen)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if diff := cmp.Diff(tt.seen, (forge.Gauge{}).With(tt.seen)); diff != "" {
			t.Errorf("%s, and nothing was known (-want +got):\n%s", tt.name, diff)
		}
	}
}

func budget(left int, reset int64) forge.Budget {
	return forge.Budget{Limit: 5000, Left: left, Reset: reset}
}

func gauge(left int, reset int64) forge.Gauge { return forge.Gauge{Budget: budget(left, reset)} }

// TestAccount: calls that nobody waits for leave a tenth to others, calls under way count,
// and a pause stops all who share the account, and nobody else.
func TestAccount(t *testing.T) {
	now := time.Unix(1000, 0)
	clock := func() time.Time { return now }
	meter := &forge.Memory{}
	key := forge.AccountKey("https://github.com", "token s3cret")
	one, two := forge.NewAccount(key, meter, clock), forge.NewAccount(key, meter, clock)
	other := forge.NewAccount(forge.AccountKey("https://github.com", "token another"), meter, clock)
	back := forge.InBackground(t.Context())
	begin := func(ctx context.Context, a *forge.Account, resource string) (end func(), until int64) {
		end, err := a.Begin(ctx, resource)
		if err == nil {
			return end, 0
		}
		at, _ := forge.LimitedUntil(err)
		return func() {}, at.Unix()
	}
	want := func(what string, until, wanted int64) {
		t.Helper()
		if until != wanted {
			t.Errorf("%s: closed until %d, want %d", what, until, wanted)
		}
	}
	one.Note("core", budget(501, 4600))
	end, until := begin(back, two, "core")
	want("501 are left of 5,000", until, 0)
	_, until = begin(back, two, "core")
	want("one of them is under way", until, 4600)
	_, until = begin(t.Context(), two, "core")
	want("for what people wait for", until, 0)
	end()
	one.Note("core", budget(0, 4600))
	_, until = begin(t.Context(), one, "core")
	want("none is left", until, 4600)
	_, until = begin(t.Context(), two, "graphql")
	want("another resource", until, 0)
	two.Pause("", 30*time.Second)
	_, until = begin(t.Context(), one, "graphql")
	want("another one was asked for quiet", until, 1030)
	_, until = begin(t.Context(), other, "core")
	want("another account", until, 0)
	now = time.Unix(4600, 0)
	_, until = begin(back, one, "core")
	want("at the reset", until, 0)
	if b := two.Budget("core"); b != (forge.Budget{}) {
		t.Errorf("after the reset %+v is known", b)
	}
}
