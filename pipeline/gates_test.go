package pipeline

import (
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/manifest"
)

func day(t *testing.T, text string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestGates(t *testing.T) {
	prod := slipway.Environment{Name: "prod", Follows: "staging"}
	freeze := []manifest.Freeze{{From: day(t, "2026-12-20"), Until: day(t, "2027-01-02"), Why: "year's end"}}
	weekly := []manifest.Freeze{{Cron: "0 16 * * 5", For: 62 * time.Hour, Why: "the weekend"}}
	at := func(text string) time.Time {
		moment, err := time.Parse("2006-01-02 15:04:05", text)
		if err != nil {
			t.Fatal(err)
		}
		return moment
	}
	for name, c := range map[string]struct {
		environment manifest.Environment
		now         time.Time
		want, fix   string // of the error; empty: the gate is open
	}{
		"without rules it is open":                {manifest.Environment{Environment: prod}, at("2026-12-24 12:00:00"), "", ""},
		"the day before a freeze is open":         {manifest.Environment{Environment: prod, Freeze: freeze}, at("2026-12-19 23:59:59"), "", ""},
		"the day after a freeze is open":          {manifest.Environment{Environment: prod, Freeze: freeze}, at("2027-01-03 00:00:00"), "", ""},
		"before a weekly freeze it is open":       {manifest.Environment{Environment: prod, Freeze: weekly}, at("2026-11-20 15:59:59"), "", ""},
		"a weekly freeze ends after its duration": {manifest.Environment{Environment: prod, Freeze: weekly}, at("2026-11-23 06:00:00"), "", ""},
		"the first moment of a freeze is closed": {
			manifest.Environment{Environment: prod, Freeze: freeze},
			at("2026-12-20 00:00:00"),
			"prod is frozen until 2027-01-03 00:00 UTC: year's end", "deploy after that; the platform team keeps environments.prod.freeze",
		},
		"the last moment of a freeze is closed": {
			manifest.Environment{Environment: prod, Freeze: freeze},
			at("2027-01-02 23:59:59"),
			"prod is frozen until 2027-01-03 00:00 UTC: year's end", "deploy after that; the platform team keeps environments.prod.freeze",
		},
		"a weekly freeze is closed from its first moment": {
			manifest.Environment{Environment: prod, Freeze: weekly},
			at("2026-11-20 16:00:00"),
			"prod is frozen until 2026-11-23 06:00 UTC: the weekend", "deploy after that; the platform team keeps environments.prod.freeze",
		},
		"nobody is a deployer without a server": {
			manifest.Environment{Environment: prod, Deployers: []string{"mara", "ops"}},
			at("2026-11-20 16:00:00"),
			"prod lets only mara, ops deploy, and nobody here can prove who they are",
			"deploy by a server where people sign in: --server URL; or have the platform team take environments.prod.deployers away",
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := opens(c.environment, c.now, false)
			if c.want == "" && err == nil {
				return
			}
			if len(c.environment.Freeze) > 0 && opens(c.environment, c.now, true) != nil {
				t.Error("a freeze keeps people from going back")
			}
			if err == nil || err.Error() != c.want || slipway.KindOf(err) != slipway.Blocked || slipway.FixOf(err) != c.fix {
				t.Errorf("got %v (%s)\nfix %q", err, slipway.KindOf(err), slipway.FixOf(err))
			}
		})
	}
}
