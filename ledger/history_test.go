package ledger_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
)

// A memory is the ledger of one subject.
type memory struct {
	entries []ledger.Entry
	before  func() // of the next Append; nil: nothing
}

func (m *memory) Append(_ context.Context, d ledger.Draft) (ledger.Entry, error) {
	if before := m.before; before != nil {
		m.before = nil
		before()
	}
	var head ledger.Entry
	for _, e := range m.entries {
		if e.ID == d.ID {
			return e, nil
		}
		head = e
	}
	e, err := ledger.Seal(head, d)
	if err == nil {
		m.entries = append(m.entries, e)
	}
	return e, err
}

func (m *memory) Entries(context.Context, ledger.Subject, int64) ([]ledger.Entry, error) {
	return m.entries, nil
}

func (m *memory) Subjects(context.Context) ([]ledger.Subject, error) { return nil, nil }

func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 123456789, time.UTC) }

// add appends an entry of a kind.
func (m *memory) add(t *testing.T, id, kind string, body any) {
	t.Helper()
	_, err := m.Append(t.Context(), ledger.Draft{Subject: staging(), After: int64(len(m.entries)), ID: id, Kind: kind, Time: noon(), By: "ann@host", Body: body})
	if err != nil {
		t.Fatal(err)
	}
}

func (m *memory) start(t *testing.T, number int64, version string) {
	t.Helper()
	m.add(t, version+"/started", ledger.DeploymentStarted, slipway.Deployment{
		ID: version, Number: number, State: slipway.Deploying, Plan: slipway.Plan{Target: slipway.Target{Version: version}},
	})
}

func (m *memory) end(t *testing.T, number int64, version string, state slipway.DeploymentState) {
	t.Helper()
	m.add(t, version+"/ended", ledger.DeploymentEnded, ledger.DeploymentEnd{Number: number, State: state, Handle: slipway.Handle{Name: version}})
}

func (m *memory) history(t *testing.T) ledger.History {
	t.Helper()
	h, err := ledger.ReadHistory(t.Context(), m, staging())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestIsApp(t *testing.T) {
	for s, want := range map[ledger.Subject]bool{
		{App: "traffic-2", Environment: "prod"}:  true,
		ledger.QuotaSubject("memory", "prod"):    false,
		{App: "@server", Environment: "@access"}: false,
		{App: "sets@prod", Environment: "prod"}:  false,
	} {
		if s.IsApp() != want {
			t.Errorf("%v.IsApp() is %t", s, s.IsApp())
		}
	}
}

func TestHistory(t *testing.T) {
	m := &memory{}
	check := func(live, unfinished int64) {
		t.Helper()
		h := m.history(t)
		d, _ := h.Current()
		u, _ := h.Unfinished()
		if d.Number != live || u.Number != unfinished || h.Head != int64(len(m.entries)) {
			t.Errorf("after %d entries %d is live and %d unfinished, want %d and %d", len(m.entries), d.Number, u.Number, live, unfinished)
		}
	}
	check(0, 0)
	m.start(t, 1, "v1")
	check(0, 1)
	m.end(t, 1, "v1", slipway.Deployed)
	check(1, 0)
	m.start(t, 2, "v2")
	check(1, 2)
	m.end(t, 2, "v2", slipway.DeployFail)
	check(1, 0)
	m.add(t, "remove/1", ledger.JobRemoved, ledger.Removal{Number: 1})
	check(0, 0)
	m.start(t, 3, "v3")
	m.end(t, 3, "v3", slipway.Superseded)
	check(0, 0)
	m.add(t, "news", "of a newer version", map[string]any{"a": 1})
	m.start(t, 4, "v4")
	m.end(t, 4, "v4", slipway.Deployed)
	check(4, 0)
	h := m.history(t)
	if d, ok := h.Before(4); !ok || d.Number != 1 || d.Handle.Name != "v1" {
		t.Errorf("before the fourth came %d, %v", d.Number, ok)
	}
	if d, ok := h.Before(1); ok {
		t.Errorf("before the first came %d", d.Number)
	}
	if _, ok := h.Before(9); ok {
		t.Error("something came before a deployment that is not there")
	}
	d, ok := h.Deployment(2)
	if !ok || d.State != slipway.DeployFail || d.By != "ann@host" || !d.Started.Equal(noon().Truncate(time.Microsecond)) || d.Ended.IsZero() {
		t.Errorf("the second is %+v, %v", d, ok)
	}
	if _, ok := h.Deployment(9); ok {
		t.Error("there is a ninth deployment")
	}
}

func TestHistoryThatMakesNoSense(t *testing.T) {
	for _, tt := range []struct {
		kind string
		body any
		want string
	}{
		{ledger.DeploymentEnded, ledger.DeploymentEnd{Number: 7}, "ledger of traffic in staging, entry 1 (deployment.ended): it ends deployment 7, which was never started"},
		{ledger.DeploymentEnded, "text", "ledger of traffic in staging, entry 1 (deployment.ended): json: "},
		{ledger.DeploymentStarted, "text", "ledger of traffic in staging, entry 1 (deployment.started): json: "},
		{ledger.ReleaseCreated, "text", "ledger of traffic in staging, entry 1 (release.created): json: "},
		{ledger.JobRemoved, "text", "ledger of traffic in staging, entry 1 (job.removed): json: "},
	} {
		m := &memory{}
		m.add(t, "x", tt.kind, tt.body)
		_, err := ledger.ReadHistory(t.Context(), m, staging())
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
}

func admission(record slipway.Digest, by string) ledger.Admission {
	return ledger.Admission{Version: "v1", Commit: "c0ffee", Record: record, Time: noon(), By: by}
}

func TestAdmit(t *testing.T) {
	m := &memory{}
	admit := func(a ledger.Admission) (bool, error) {
		return ledger.Admit(t.Context(), m, staging(), ledger.ReleaseCreated, a)
	}
	if made, err := admit(admission("r", "ann")); !made || err != nil {
		t.Errorf("the first: %v, %v", made, err)
	}
	if made, err := admit(admission("r", "bob")); made || err != nil {
		t.Errorf("the same again: %v, %v", made, err)
	}
	const other = "release v1 is in staging already, with another record: r is not q"
	if made, err := admit(admission("q", "bob")); made || slipway.KindOf(err) != slipway.Conflict || err.Error() != other {
		t.Errorf("another record: %v, %v", made, err)
	}
	if n := len(m.entries); n != 1 {
		t.Errorf("there are %d entries, want 1", n)
	}
}

// Two may admit at once: each has read the ledger before the other wrote.
func TestAdmitAtOnce(t *testing.T) {
	for _, tt := range []struct {
		name, record, err string
		meanwhile         func(t *testing.T, m *memory)
		made              bool
	}{
		{"something else", "r", "", func(t *testing.T, m *memory) { t.Helper(); m.start(t, 1, "v0") }, true},
		{"the same release", "r", "", func(t *testing.T, m *memory) {
			t.Helper()
			m.add(t, "release/v1", ledger.ReleaseCreated, admission("r", "bob"))
		}, false},
		{"the same version with another record", "q", "release v1 is in staging already, with another record: r is not q", func(t *testing.T, m *memory) {
			t.Helper()
			m.add(t, "release/v1", ledger.ReleaseCreated, admission("r", "bob"))
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := &memory{}
			m.before = func() { tt.meanwhile(t, m) }
			made, err := ledger.Admit(t.Context(), m, staging(), ledger.ReleaseCreated, admission(slipway.Digest(tt.record), "ann"))
			if made != tt.made || (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
				t.Errorf("Admit gives %v, %v", made, err)
			}
			if _, ok := m.history(t).Admitted("v1"); !ok {
				t.Error("the release is not there")
			}
		})
	}
}

func TestDescribe(t *testing.T) {
	m := &memory{}
	m.add(t, "1", ledger.ReleaseCreated, ledger.Admission{Version: "v1"})
	m.add(t, "2", ledger.ReleasePromoted, ledger.Admission{Version: "v1", From: "dev"})
	m.start(t, 1, "v1")
	m.end(t, 1, "v1", slipway.Deployed)
	m.add(t, "5", ledger.DeploymentStarted, slipway.Deployment{Number: 2, RollbackOf: 1, Plan: slipway.Plan{Target: slipway.Target{Version: "v1"}}})
	m.add(t, "6", ledger.DeploymentEnded, ledger.DeploymentEnd{Number: 2, State: slipway.DeployFail, Error: "no room"})
	m.add(t, "7", ledger.JobRemoved, ledger.Removal{Number: 1})
	m.add(t, "8", "news", nil)
	var got []string
	h := m.history(t)
	for _, e := range h.Entries {
		got = append(got, h.Describe(e))
	}
	want := []string{
		"release v1 made", "release v1 promoted from dev", "deployment 1 of v1 started", "deployment 1 deployed",
		"deployment 2 of v1 started, back to deployment 1", "deployment 2 failed: no room", "job removed", "news",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the words (-want +got):\n%s", diff)
	}
	for _, kind := range []string{ledger.ReleaseCreated, ledger.DeploymentStarted, ledger.DeploymentEnded} {
		if got := h.Describe(ledger.Entry{Kind: kind, Body: json.RawMessage(`"text"`)}); got != kind {
			t.Errorf("an entry that cannot be read is %q, want %q", got, kind)
		}
	}
}
