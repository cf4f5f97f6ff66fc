package ledger

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
)

// told is a history of what happened at some hours.
func told(t *testing.T, events ...[3]any) History {
	t.Helper()
	var h History
	add := func(hour int, kind string, body any) {
		data, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		e := Entry{Number: h.Head + 1, Kind: kind, Time: time.Unix(0, 0).Add(time.Duration(hour) * time.Hour), Body: data}
		if err := h.add(e); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range events {
		hour, what, version := e[0].(int), e[1].(string), e[2].(string)
		if what == "remove" {
			add(hour, JobRemoved, Removal{Number: int64(len(h.Deployments))})
			continue
		}
		d := slipway.Deployment{Number: int64(len(h.Deployments)) + 1, Plan: slipway.Plan{Target: slipway.Target{Version: version}}}
		state := slipway.Deployed
		switch what {
		case "back":
			d.RollbackOf = 1
		case "fail":
			state = slipway.DeployFail
		case "supersede":
			state = slipway.Superseded
		}
		add(hour, DeploymentStarted, d)
		add(hour, DeploymentEnded, DeploymentEnd{Number: d.Number, State: state})
	}
	return h
}

func TestLive(t *testing.T) {
	now := time.Unix(0, 0).Add(100 * time.Hour)
	for name, c := range map[string]struct {
		h     History
		hours int
		live  bool
	}{
		"never":                     {told(t), 0, false},
		"still":                     {told(t, [3]any{10, "deploy", "v1"}), 90, true},
		"another came":              {told(t, [3]any{10, "deploy", "v1"}, [3]any{30, "deploy", "v2"}), 20, false},
		"twice, the longest counts": {told(t, [3]any{10, "deploy", "v1"}, [3]any{30, "deploy", "v2"}, [3]any{95, "deploy", "v1"}), 20, true},
		"deployed again":            {told(t, [3]any{10, "deploy", "v1"}, [3]any{30, "deploy", "v1"}), 90, true},
		"taken away":                {told(t, [3]any{10, "deploy", "v1"}, [3]any{15, "remove", ""}), 5, false},
		"a failure ends it":         {told(t, [3]any{10, "deploy", "v1"}, [3]any{15, "fail", "v2"}), 5, false},
		"what was superseded not":   {told(t, [3]any{10, "deploy", "v1"}, [3]any{15, "supersede", "v2"}), 90, true},
		"failed itself":             {told(t, [3]any{10, "fail", "v1"}), 0, false},
	} {
		if d, live := c.h.Live("v1", now); d != time.Duration(c.hours)*time.Hour || live != c.live {
			t.Errorf("%s: %s, %t", name, d, live)
		}
	}
}

func TestBackFrom(t *testing.T) {
	for name, c := range map[string]struct {
		h      History
		number int64
	}{
		"nobody went back":  {told(t, [3]any{1, "deploy", "v1"}, [3]any{2, "deploy", "v2"}), 0},
		"somebody did":      {told(t, [3]any{1, "deploy", "v1"}, [3]any{2, "deploy", "v2"}, [3]any{3, "back", "v1"}), 3},
		"and it came again": {told(t, [3]any{1, "deploy", "v1"}, [3]any{2, "deploy", "v2"}, [3]any{3, "back", "v1"}, [3]any{4, "deploy", "v2"}), 0},
		"a failed way back": {told(t, [3]any{1, "deploy", "v1"}, [3]any{2, "deploy", "v2"}, [3]any{3, "fail", "v1"}), 0},
		"back from another": {told(t, [3]any{1, "deploy", "v2"}, [3]any{2, "deploy", "v3"}, [3]any{3, "back", "v1"}), 0},
		"back to it":        {told(t, [3]any{1, "deploy", "v2"}, [3]any{2, "deploy", "v3"}, [3]any{3, "back", "v2"}), 0},
		"it still stands":   {told(t, [3]any{1, "deploy", "v1"}, [3]any{2, "deploy", "v2"}, [3]any{3, "back", "v1"}, [3]any{4, "deploy", "v3"}), 3},
		"the configuration": {told(t, [3]any{1, "deploy", "v2"}, [3]any{2, "deploy", "v2"}, [3]any{3, "back", "v2"}), 0},
	} {
		if number, ok := c.h.BackFrom("v2"); number != c.number || ok != (c.number > 0) {
			t.Errorf("%s: %d, %t", name, number, ok)
		}
	}
}
