package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/store"
)

// TestProbes: decisions that somebody measures with are made and told as others are,
// leave nothing behind, and say how long they took.
func TestProbes(t *testing.T) {
	w := newWorld(t)
	s, _ := w.serving(t)
	h := w.client(t, s)
	answer, body := request(t, h, http.MethodPost, Root+"/probes/one", `{"count": 20, "chains": 3}`, "Content-Type: application/json")
	var asked AskedProbes
	if err := json.Unmarshal([]byte(body), &asked); err != nil || answer.StatusCode != http.StatusOK || len(asked.Jobs) != 20 {
		t.Fatalf("%d %s (%v)", answer.StatusCode, body, err)
	}
	var got Probes
	eventually(t, s, "20 decisions", func() bool {
		_, body = request(t, h, http.MethodGet, Root+"/probes/one", "")
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		return got.Open == 0
	})
	want := Probes{Decided: 20, Begun: Spread{Count: 20}, Took: Spread{Count: 20}, Processes: []ProbeWorker{{Name: s.probedBy(), Decided: 20}}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Spread{}, "P50", "P99", "Max"), cmpopts.IgnoreFields(Probes{}, "First", "Last")); diff != "" {
		t.Error(diff)
	}
	events, err := s.store.Events(t.Context(), store.EventFilter{Subject: ProbeSubject("one")}, 100)
	if err != nil || len(events) != 20 || events[0].Kind != ProbeDecided || events[0].Job == 0 {
		t.Errorf("%d events: %+v (%v)", len(events), events, err)
	}
	if jobs, err := s.store.Jobs(t.Context(), store.JobFilter{Kinds: []string{jobProbe}}, 10); err != nil || len(jobs) > 0 {
		t.Errorf("jobs are left: %v (%v)", jobs, err)
	}
	if answer, body := request(t, h, http.MethodDelete, Root+"/probes/one", ""); answer.StatusCode != http.StatusOK || body != "{\"dropped\":20}\n" {
		t.Errorf("%d %s", answer.StatusCode, body)
	}
	if n, err := s.store.CountProbes(t.Context(), "one"); err != nil || n != 0 {
		t.Errorf("%d are left (%v)", n, err)
	}
	if events, err := s.store.Events(t.Context(), store.EventFilter{Subject: ProbeSubject("one")}, 100); err != nil || len(events) > 0 {
		t.Errorf("events are left: %v (%v)", events, err)
	}
}

// stern says no to everybody but those who only read.
type stern struct{ open }

func (stern) May(_ context.Context, who access.Identity, do access.Action, on access.Object) error {
	if do == access.Read {
		return nil
	}
	return access.Decision{Why: "only owners of the platform may", Who: "mara"}.Err(who, do, on)
}

// TestProbesAreBounded: there are never many of them, and only owners have them made.
func TestProbesAreBounded(t *testing.T) {
	w := newWorld(t)
	s, h := w.idle(t)
	ask := func(space string, n int) string {
		t.Helper()
		answer, body := request(t, h, http.MethodPost, Root+"/probes/"+space, fmt.Sprintf(`{"count": %d, "chains": 10}`, n), "Content-Type: application/json")
		var p struct{ Detail string }
		if err := json.Unmarshal([]byte(body), &p); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(answer.StatusCode, " ", strings.ReplaceAll(p.Detail, "\n", "; "))
	}
	for _, c := range []struct {
		space string
		n     int
		want  string
	}{
		{"one", 600, "200 "},
		{"two", 401, "409 600 decisions that somebody measures with are open already, and there are never more than 1000; wait until they are made; or ask for fewer a second, if nobody else measures"},
		{"two", 400, "200 "},
		{"two", 1001, "422 validation failed"},
	} {
		if got := ask(c.space, c.n); got != c.want {
			t.Errorf("%d in %s: %s, want %s", c.n, c.space, got, c.want)
		}
	}
	alter(t, s, func(tx *store.Tx) error { // anything else comes first
		return s.once(t.Context(), tx, jobLookForge, "home", nil, "test")
	})
	if j, ok, err := claimOne(t, s, s.light()); err != nil || !ok || j.Kind != jobLookForge {
		t.Errorf("claimed %+v (%t, %v)", j, ok, err)
	}
	if j, ok, err := claimOne(t, s, s.light()); err != nil || !ok || j.Kind != jobProbe {
		t.Errorf("claimed %+v (%t, %v)", j, ok, err)
	}
	clock := s.Clock
	s.Clock = func() time.Time { return clock().Add(oldProbes + time.Minute) }
	if err := s.dropOldProbes(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := s.store.OpenJobs(t.Context(), jobProbe, "probe"); err != nil || n != 1 { // that was claimed
		t.Errorf("%d are open (%v)", n, err)
	}
	s.door = stern{}
	for _, method := range []string{http.MethodGet, http.MethodDelete, http.MethodPost} {
		answer, body := request(t, h, method, Root+"/probes/one", `{"count": 1, "chains": 1}`, "Content-Type: application/json")
		if answer.StatusCode != http.StatusForbidden || !strings.Contains(body, "only owners of the platform may") {
			t.Errorf("%s: %d %s", method, answer.StatusCode, body)
		}
	}
}

// TestSpread: half of the times, 99 of 100, and the longest.
func TestSpread(t *testing.T) {
	var all []time.Duration
	for i := range 200 {
		all = append(all, time.Duration(200-i)*time.Millisecond)
	}
	for _, c := range []struct {
		times []time.Duration
		want  Spread
	}{
		{nil, Spread{}},
		{[]time.Duration{-time.Second}, Spread{Count: 1}}, // clocks of two machines
		{all, Spread{Count: 200, P50: 101, P99: 199, Max: 200}},
	} {
		if diff := cmp.Diff(c.want, SpreadOf(c.times)); diff != "" {
			t.Error(diff)
		}
	}
}
