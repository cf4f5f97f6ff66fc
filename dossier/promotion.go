package dossier

import (
	"slices"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/promote"
)

// promoted proves that the release came from the environment before, with the same
// bytes, after those had signed who had to.
func (at place) promoted(r slipway.Release, a ledger.Admission) {
	before := at.chains[at.road-1]
	p, by, ok := attested[slipway.Promotion](at, "promotion", evidence.Subjects(r))
	if !ok {
		return
	}
	said := slipway.Promotion{
		App: r.App, Version: r.Version, Record: a.Record, From: before.Environment, To: at.chain.Environment,
		SignOffs: p.SignOffs, Set: a.Set, By: at.entry.By, Time: at.entry.Time,
	}
	if before.admits >= 0 {
		said.Origin = before.entries[before.admits].Point()
	}
	switch {
	case a.From != before.Environment:
		at.fault("it came from %s, and not from %s", a.From, before.Environment)
	case before.admits < 0 || !before.release.SameBytes(r) || before.release.Source.Commit != r.Source.Commit:
		at.fault("%s has other bytes than %s had", at.chain.Environment, before.Environment)
	case !alike(p, said):
		at.fault("its promotion is another one than the ledger has")
	case !isOf(a.Set, r):
		at.fault("its set is not one that it is in")
	case at.held(r):
	case at.signed(r, a, p.SignOffs):
		at.proved(by, "%s came from %s to %s, the same bytes", r.Version, before.Environment, at.chain.Environment)
	}
}

// rules are those of the environment when the entry was made.
func (at place) rules(r slipway.Release) promote.Rules {
	env, now := at.policy.Environments[at.chain.Environment], at.chain.times[at.index]
	if env.Rules == nil {
		return promote.Rules{Policy: at.policy.Policy, Now: now}
	}
	rules := env.Rules(r, now)
	rules.Now = now
	return rules
}

// signed proves that those had signed who had to, before the promotion: by the very
// judge that opens the gate.
func (at place) signed(r slipway.Release, a ledger.Admission, counted []slipway.Digest) bool {
	rules := at.rules(r)
	if len(rules.Needs) == 0 {
		return true
	}
	st := promote.Judge(rules, r, a.Record, at.chain.Environment, at.chain.signed)
	if err := st.Err(); err != nil {
		at.fault("it was not open: %v", err)
		return false
	}
	for _, d := range counted {
		if !slices.ContainsFunc(st.Said, func(s promote.Said) bool { return s.Statement == d && s.Counts }) {
			at.fault("it rests on the sign-off %s, which does not count", d)
			return false
		}
	}
	for i, s := range st.Said {
		if s.Counts {
			at.report.proved(Proof{What: s.String(), By: s.Person, Time: s.Time, At: at.chain.said[i]})
		}
	}
	return true
}

// signOff reads what somebody said to the release. What it counts for is judged
// where the release comes in.
func (at place) signOff() {
	s, ok := body[ledger.SignOff](at.verifier, at.entry)
	if !ok || s.Version != at.head.Version {
		return
	}
	found, ok := at.find(s.Statement)
	if !ok {
		return
	}
	signed, err := evidence.Open(found.data)
	switch {
	case err != nil:
		at.fault("its sign-off: %v", err)
	case !alike(signed.Statement.Predicate, s.SignOff):
		at.fault("what %s signed is something else than it has", s.Person)
	case at.chain.waits:
		at.chain.late = append(at.chain.late, signed)
	default:
		at.chain.signed, at.chain.said = append(at.chain.signed, signed), append(at.chain.said, entryName(at.entry))
	}
}

// isOf reports whether a set has the release, and the digest that it says.
func isOf(set *slipway.ReleaseSet, r slipway.Release) bool {
	if set == nil {
		return true
	}
	return slipway.NewReleaseSet(set.From, set.To, set.Members).Digest == set.Digest &&
		slices.ContainsFunc(set.Members, func(m slipway.SetMember) bool { return m.App == r.App && m.Version == r.Version })
}

// joined reads that the release waits for the others of a set, or no longer does. Its gate
// was open then.
func (at place) joined() {
	j, ok := body[ledger.Joining](at.verifier, at.entry)
	if !ok || j.Version != at.head.Version {
		return
	}
	at.chain.waits = at.entry.Kind == ledger.ReleaseJoined
	if !at.chain.waits {
		for _, s := range at.chain.late {
			at.chain.signed, at.chain.said = append(at.chain.signed, s), append(at.chain.said, entryName(at.entry))
		}
		at.chain.late = nil
	}
}
