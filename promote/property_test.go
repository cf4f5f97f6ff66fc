package promote_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/promote"
)

// A said is what a person last signed, as the person remembers it.
type said struct {
	role   string
	answer slipway.Answer
	key    string // the name of the key
}

// A model is a desk, and what is true there by the people's own account.
type model struct {
	*desk
	t       *testing.T
	said    map[string]said   // by person
	keys    map[string]string // by person, the name of the key that the platform has
	old     []promote.Signed  // everything that was ever signed
	mallory bool              // somebody wrote to the repository by hand
	entries int
}

var (
	people = []string{"ana", "bo", "cy"}
	roles  = []string{"qa", "security"}
)

func newModel(t *testing.T) *model {
	m := &model{desk: newDesk(t), t: t, said: map[string]said{}, keys: map[string]string{}}
	for _, name := range people {
		m.keys[name] = name
	}
	m.rules.Needs = []promote.Need{{Role: "qa", Count: 1}, {Role: "security", Count: 1}}
	m.rules.Policy.Roles = map[string][]string{"qa": slices.Clone(people), "security": slices.Clone(people)}
	return m
}

// counts reports whether the platform takes what a person last said.
func (m *model) counts(person string) bool {
	s, ok := m.said[person]
	return ok && s.key == m.keys[person] && slices.Contains(m.rules.Policy.Roles[s.role], person) && !slices.Contains(m.rules.Barred, person)
}

// open reports whether the people's own account lets the release in: in each
// role somebody who said yes last, each in one role, and nobody's no.
func (m *model) open() bool {
	yes := map[string]int{}
	for person, s := range m.said {
		if m.counts(person) && s.answer == slipway.No {
			return false
		}
		if m.counts(person) && s.answer == slipway.Yes {
			yes[s.role]++
		}
	}
	for _, n := range m.rules.Needs {
		if yes[n.Role] < n.Count {
			return false
		}
	}
	return true
}

func (m *model) step(t *rapid.T) {
	person, role := rapid.SampledFrom(people).Draw(t, "person"), rapid.SampledFrom(roles).Draw(t, "role")
	switch rapid.SampledFrom([]string{"sign", "sign", "sign", "sign", "withdraw", "withdraw", "move", "key", "bar", "replay", "replay", "forge"}).Draw(t, "what") {
	case "sign":
		m.signs(t, person, role, rapid.SampledFrom([]slipway.Answer{slipway.Yes, slipway.Yes, slipway.No}).Draw(t, "answer"))
	case "withdraw":
		if s, ok := m.said[person]; ok {
			role = s.role
		}
		m.signs(t, person, role, slipway.Withdrawn)
	case "move": // into the role, or out of it
		in := m.rules.Policy.Roles[role]
		if slices.Contains(in, person) {
			m.rules.Policy.Roles[role] = slices.DeleteFunc(slices.Clone(in), func(p string) bool { return p == person })
		} else {
			m.rules.Policy.Roles[role] = append(slices.Clone(in), person)
		}
	case "key": // another one, or the first again
		name := person
		if m.keys[person] == person {
			name = map[string]string{"ana": "1", "bo": "2", "cy": "3"}[person]
		}
		m.keys[person] = name
		m.rules.Policy.Keys[person] = []evidence.Key{pairOf(name).Key()}
	case "bar":
		m.rules.Barred = nil
		if rapid.Bool().Draw(t, "segregate") {
			m.rules.Barred = []string{person}
		}
	case "replay":
		if len(m.old) > 0 {
			old := rapid.SampledFrom(m.old).Draw(t, "old")
			m.mallory = true
			m.entries++
			m.smuggle(m.t, fmt.Sprintf("replay-%d", m.entries), m.envelope(m.t, old.Statement), old.SignOff)
		}
	case "forge":
		m.mallory = true
		s := m.signed(m.t, person, role, rapid.SampledFrom([]slipway.Answer{slipway.Yes, slipway.Withdrawn}).Draw(t, "answer"))
		data := m.seal(m.t, s, "eve", m.released(m.t))
		m.smuggle(m.t, string(slipway.DigestOf(data)), data, s)
	}
}

// signs has a person sign with the key that the platform has.
func (m *model) signs(t *rapid.T, person, role string, answer slipway.Answer) {
	in := m.signing(person, role, answer)
	in.Key = pairOf(m.keys[person])
	out, err := m.stage().Sign(m.t.Context(), in)
	had := m.said[person]
	taken := m.counts(person) && had.answer != slipway.Withdrawn && had.role != role
	may := slices.Contains(m.rules.Policy.Roles[role], person) && !slices.Contains(m.rules.Barred, person)
	switch {
	case err == nil && !may:
		t.Fatalf("%s is let sign as %s", person, role)
	case err == nil && taken && !m.mallory:
		t.Fatalf("%s signs as %s, having said %s as %s", person, role, had.answer, had.role)
	case err != nil && may && !taken && !m.mallory && answer != slipway.Withdrawn && !m.earlierNo(person):
		t.Fatalf("%s is kept from saying %s as %s: %v", person, answer, role, err)
	case err == nil:
		m.said[person] = said{role, answer, m.keys[person]}
		if out.Made {
			m.old = append(m.old, out)
		}
	}
}

// earlierNo reports whether a no of a person may be in force that is not the last
// thing they said: the key of what they said since is no longer theirs.
func (m *model) earlierNo(person string) bool {
	return !m.counts(person) && slices.ContainsFunc(m.old, func(o promote.Signed) bool {
		return o.SignOff.Person == person && o.SignOff.Answer == slipway.No
	})
}

// check looks at what must hold in each state.
func (m *model) check(t *rapid.T) {
	st, r, err := m.stage().Look(m.t.Context(), m.input())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, at := range st.Roles {
		for _, person := range at.Yes {
			if role, twice := seen[person]; twice {
				t.Fatalf("%s fills the roles %s and %s", person, role, at.Role)
			}
			seen[person] = at.Role
			if s := m.said[person]; s.answer != slipway.Yes || s.role != at.Role || !m.counts(person) {
				t.Fatalf("%s counts as a yes of %s, and said %+v last", person, at.Role, s)
			}
		}
	}
	for _, s := range st.Said {
		if s.Counts && (s.Record != st.Record || s.Version != r.Version || s.Environment != "prod") {
			t.Fatalf("a sign-off of other bytes counts: %+v", s)
		}
	}
	open := st.Err() == nil
	if open && !m.open() {
		t.Fatalf("the gate is open, and the people said %v", m.said)
	}
	noes := slices.ContainsFunc(slices.Collect(maps.Keys(m.said)), m.earlierNo)
	if !open && m.open() && !m.mallory && !noes {
		t.Fatalf("the gate is closed (%v), and the people said %v", st.Err(), m.said)
	}
}

// Whoever signs, withdraws, changes roles or keys, and whatever somebody without
// a key writes into the ledger: nobody ever fills two roles, and the gate opens
// for nothing but what the people said last.
func TestSignOffsAgainstAModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newModel(t)
		for range rapid.IntRange(4, 14).Draw(rt, "steps") {
			m.step(rt)
			m.check(rt)
		}
		open := m.standing(t).Err() == nil
		_, err := m.stage().Run(t.Context(), m.input())
		if (err == nil) != open {
			rt.Fatalf("the gate is open: %v, and Run gives %v", open, err)
		}
		h, err := ledger.ReadHistory(t.Context(), m.prod.Ledger, m.prod.subject())
		if err != nil || (len(h.Admissions) == 1) != open {
			rt.Fatalf("the gate is open: %v, and the ledger has %d admissions, %v", open, len(h.Admissions), err)
		}
	})
}
