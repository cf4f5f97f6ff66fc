package evidence_test

import (
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
)

// served is a policy with a server that signs for people in prod until the evening.
func served(m evidence.Machine) evidence.Policy {
	p := policy()
	m.Keys = append(m.Keys, evidence.DatedKey{Key: newPair("machine").Key(), Until: noon().Add(6 * time.Hour)})
	p.Signers = map[string]evidence.Machine{"server": m}
	return p
}

// A server signs for people where the platform says so in so many words, and nowhere
// else: neither what attests everything, nor in another environment, nor later.
func TestServerSpeaksForPeople(t *testing.T) {
	id := newPair("machine").Key().ID()
	speaks := evidence.Machine{Speaks: true, Environments: []string{"prod"}}
	for _, tt := range []struct {
		name   string
		policy evidence.Policy
		change func(*slipway.SignOff)
		want   string
	}{
		{"it does", served(speaks), func(*slipway.SignOff) {}, ""},
		{"for somebody without a key", served(speaks), func(s *slipway.SignOff) { s.Person = "cy" }, ""},
		{"for somebody who is not in the role", served(speaks), func(s *slipway.SignOff) { s.Person, s.Role = "cy", "security" }, "cy is not in the role security"},
		{"elsewhere", served(speaks), func(s *slipway.SignOff) { s.Environment = "staging" }, "server signs for nobody in staging, only in prod"},
		{"later", served(speaks), func(s *slipway.SignOff) { s.Time = noon().Add(6 * time.Hour) }, "the key " + id + " signed only before 2026-11-22 18:00 UTC, and this is of 2026-11-22 18:00 UTC"},
		{"a machine that may attest everything", served(evidence.Machine{}), func(*slipway.SignOff) {}, "server signs for nobody: it has no speaks_for_people"},
		{"a machine that nobody knows", policy(), func(*slipway.SignOff) {}, "it was signed with the key " + id + ", which is none of ana's"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			about := yes()
			tt.change(&about)
			data, err := evidence.Sign(t.Context(), newPair("machine"), about, release())
			if err != nil {
				t.Fatal(err)
			}
			s, err := evidence.Open(data)
			if err != nil {
				t.Fatal(err)
			}
			err = tt.policy.Verify(s)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || err.Error() != tt.want || slipway.KindOf(err) != slipway.Blocked) {
				t.Errorf("Verify gives %v, want %q", err, tt.want)
			}
		})
	}
}

func TestServerSpeaksWords(t *testing.T) {
	for name, tt := range map[string]struct {
		machine evidence.Machine
		want    string
	}{
		"it does":           {evidence.Machine{Speaks: true}, ""},
		"it may not":        {evidence.Machine{}, "server signs for nobody: it has no speaks_for_people"},
		"not in this place": {evidence.Machine{Speaks: true, Environments: []string{"staging"}}, "server signs for nobody in prod, only in staging"},
	} {
		e, err := evidence.Unwrap(say(t, "machine", grant()))
		if err != nil {
			t.Fatal(err)
		}
		if err := evidence.SaidWord(served(tt.machine), e, grant()); (err == nil) != (tt.want == "") || err != nil && err.Error() != tt.want {
			t.Errorf("%s: a grant: %v, want %q", name, err, tt.want)
		}
		if e, err = evidence.Unwrap(say(t, "machine", quarantine())); err != nil {
			t.Fatal(err)
		}
		if err := evidence.SaidWord(served(tt.machine), e, quarantine()); (err == nil) != (tt.want == "") {
			t.Errorf("%s: a quarantine: %v", name, err)
		}
	}
}

func TestCanSign(t *testing.T) {
	p := served(evidence.Machine{Speaks: true, Environments: []string{"prod"}})
	if !p.CanSign("ana", "staging") || p.CanSign("cy", "staging") || !p.CanSign("cy", "prod") {
		t.Error("who has a key signs everywhere, others where a server speaks for them")
	}
}
