package evidence_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
)

func grant() slipway.Grant {
	return slipway.Grant{
		App: "roads", Environment: "prod", Rail: "big-jobs", Condition: slipway.DigestOf([]byte("rail")), Person: "ana", Why: "month-end reload",
		Until: time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC), Limit: "run.workers < 20", Time: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC),
	}
}

func quarantine() slipway.Quarantine {
	return slipway.Quarantine{
		App: "roads", Version: "v1.4.0", Bytes: release().Bytes(), Environment: "prod", Person: "ana", Why: "it loses rows",
		Time: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC),
	}
}

func say[W evidence.Word](t testing.TB, who string, word W) []byte {
	t.Helper()
	data, err := evidence.Say(t.Context(), newPair(who), word)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// heard is what an envelope says, and who is believed to have said it.
func heard[W evidence.Word](t *testing.T, data []byte, word W) {
	t.Helper()
	e, err := evidence.Unwrap(data)
	if err != nil {
		t.Fatal(err)
	}
	got, err := evidence.Hear[W](e)
	if diff := cmp.Diff(word, got); diff != "" || err != nil {
		t.Errorf("heard (-said +heard): %v\n%s", err, diff)
	}
	if err := policy().Said(e, "ana", "prod", noon()); err != nil {
		t.Error(err)
	}
	for person, want := range map[string]string{
		"bo": "it was signed with the key " + newPair("ana").Key().ID() + ", which is none of bo's",
		"cy": "no key is registered for cy",
	} {
		if err := policy().Said(e, person, "prod", noon()); err == nil || err.Error() != want || slipway.KindOf(err) != slipway.Blocked {
			t.Errorf("said by %s: %v, want %s", person, err, want)
		}
	}
}

func TestWordsAreHeard(t *testing.T) {
	heard(t, say(t, "ana", grant()), grant())
	heard(t, say(t, "ana", quarantine()), quarantine())
	e, err := evidence.Unwrap(say(t, "ana", grant()))
	if err != nil {
		t.Fatal(err)
	}
	_, err = evidence.Hear[slipway.Quarantine](e)
	if want := `not a signed statement: its predicate is of the type "https://github.com/slipway-cd/slipway/grant/v1", and "https://github.com/slipway-cd/slipway/quarantine/v1" was expected`; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	e.Subject = nil
	if _, err = evidence.Hear[slipway.Grant](e); err == nil || err.Error() != "not a signed statement: it is about other bytes than it says" {
		t.Errorf("got %v", err)
	}
}

func TestWordsThatAreNotSaid(t *testing.T) {
	for want, change := range map[string]func(*slipway.Grant){
		`it needs an app, an environment, a rail, a person and a reason, not "roads", "prod", "", "ana" and "month-end reload"`: func(g *slipway.Grant) { g.Rail = "" },
		"it holds a character that is not for reading": func(g *slipway.Grant) { g.Why = "a\x1b[31m" },
		`"x" is not the digest of a rail`:              func(g *slipway.Grant) { g.Condition = "x" },
		`"x" is not the digest of a statement`:         func(g *slipway.Grant) { g.Revokes = "x" },
		"it has no end or no time":                     func(g *slipway.Grant) { g.Until = time.Time{} },
	} {
		g := grant()
		change(&g)
		if _, err := evidence.Say(t.Context(), newPair("ana"), g); err == nil || err.Error() != "not a signed statement: "+want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	for want, change := range map[string]func(*slipway.Quarantine){
		`it needs an app, an environment, a version, a person and a reason, not "roads", "prod", "v1.4.0", "ana" and ""`: func(q *slipway.Quarantine) { q.Why = "" },
		"it holds a character that is not for reading":                                                                   func(q *slipway.Quarantine) { q.Person = "a\n" },
		`"x" is not the digest of a release's bytes`:                                                                     func(q *slipway.Quarantine) { q.Bytes = "x" },
		`"x" is not the digest of a statement`:                                                                           func(q *slipway.Quarantine) { q.Lifts = "x" },
		"it has no time":                                                                                                 func(q *slipway.Quarantine) { q.Time = time.Time{} },
	} {
		q := quarantine()
		change(&q)
		if _, err := evidence.Say(t.Context(), newPair("ana"), q); err == nil || err.Error() != "not a signed statement: "+want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// Nothing but what ana signed is believed to be hers, however it is written.
func FuzzHear(f *testing.F) {
	whole := say(f, "ana", grant())
	f.Add(whole)
	f.Add(bytes.Replace(whole, []byte(`"keyid"`), []byte(`"KeyID"`), 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := evidence.Unwrap(data)
		if err != nil {
			return
		}
		if _, err := evidence.Hear[slipway.Grant](e); err == nil && policy().Said(e, "ana", "prod", noon()) == nil && !bytes.Equal(data, whole) {
			t.Errorf("this is believed to be ana's: %s", data)
		}
	})
}
