package dossier

import (
	"fmt"
	"slices"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/promote"
)

// A grant opens a rail, or ends another one.
type grant struct {
	ledger.Grant
	void  string // why it is not believed; empty: it is
	entry string
}

// A hold is a quarantine, or the end of one.
type hold struct {
	ledger.Quarantine
	void string // why it is not believed; empty: it is
}

// granted reads what somebody said of a rail. What it opens is judged where a
// deployment relies on it: one that opens nothing proves nothing, and harms nothing.
func (at place) granted() {
	g, ok := body[ledger.Grant](at.verifier, at.entry)
	if !ok {
		return
	}
	if void, ok := heard(at, g.Statement, g.Person, g.Grant); ok {
		at.chain.grants = append(at.chain.grants, grant{Grant: g, void: void, entry: entryName(at.entry)})
	}
}

// quarantined reads what somebody said of the bytes of a release.
func (at place) quarantined() {
	q, ok := body[ledger.Quarantine](at.verifier, at.entry)
	if !ok {
		return
	}
	void, ok := heard(at, q.Statement, q.Person, q.Quarantine)
	if !ok {
		return
	}
	if void != "" && q.Lifts == "" && at.heldByMachine(q) {
		void = ""
	}
	at.chain.holds = append(at.chain.holds, hold{Quarantine: q, void: void})
	if void == "" && (q.Version == at.head.Version || q.Bytes == at.bytes()) {
		at.proved(q.Person, "%v", q.Quarantine)
	}
}

// heldByMachine says whether it was a machine that said what the entry has, and may
// have: one that found that bytes were altered.
func (at place) heldByMachine(q ledger.Quarantine) bool {
	e := at.statements[q.Statement]
	said, err := evidence.Hear[slipway.Quarantine](e.Envelope)
	if err != nil || !alike(said, q.Quarantine) {
		return false
	}
	name, err := at.policy.May(e.KeyID, evidence.ActPromote, at.chain.Environment, at.chain.times[at.index])
	_, k, _ := at.policy.Machine(e.KeyID)
	return err == nil && name == q.Person && e.SignedBy(k.Key)
}

// bytes are those of the release, as the road knows them so far.
func (at place) bytes() slipway.Digest {
	for _, c := range at.chains {
		if c.admits >= 0 {
			return c.release.Bytes()
		}
	}
	return ""
}

// heard says why a person did not say what the entry has; empty: they did. A
// statement that is missing is a fault, and then ok is false.
func heard[W evidence.Word](at place, statement slipway.Digest, person string, word W) (void string, ok bool) {
	e, ok := at.find(statement)
	if !ok {
		return "", false
	}
	said, err := evidence.Hear[W](e.Envelope)
	if err == nil {
		err = evidence.SaidWord(at.policy.Policy, e.Envelope, said)
	}
	switch {
	case err != nil:
		return fmt.Sprintf("what %s said: %v", person, err), true
	case !alike(said, word):
		return fmt.Sprintf("what %s said is something else than it has", person), true
	}
	return "", true
}

// held faults what is done with a release in quarantine. In doubt a quarantine
// holds, and its end does not count.
func (at place) held(r slipway.Release) bool {
	for _, q := range at.chain.holds {
		if q.Lifts != "" || q.Bytes != r.Bytes() && q.Version != r.Version {
			continue
		}
		if !slices.ContainsFunc(at.chain.holds, func(end hold) bool { return end.Lifts == q.Statement && at.mayLift(end, r) }) {
			at.fault("%s was in quarantine: %v", r.Version, q.Quarantine)
			return true
		}
	}
	return false
}

// mayLift says whether the end of a quarantine counts: somebody in a role that signs
// for the environment said it, and not of a release of their own.
func (at place) mayLift(end hold, r slipway.Release) bool {
	rules := at.rules(r)
	if end.void != "" || end.App != at.chain.App || end.Environment != at.chain.Environment || slices.Contains(rules.Barred, end.Person) {
		return false
	}
	return len(rules.Needs) == 0 || slices.ContainsFunc(rules.Needs, func(n promote.Need) bool { return rules.Policy.In(n.Role, end.Person) })
}

// crossed proves that each rail that the plan of a deployment ran into was open. Which
// those are is the word of the machine that deployed.
func (at place) crossed(d slipway.Deployment, r slipway.Release) bool {
	for _, hit := range d.Plan.Rails {
		if hit.Effect == slipway.RailInforms {
			continue
		}
		if hit.Closed() {
			at.fault("%v, and nothing opened it", hit)
			return false
		}
		entry, why := at.opened(hit, r)
		if why != "" {
			at.fault("%v; what opened it does not: %s", hit, why)
			return false
		}
		at.report.proved(Proof{
			What: fmt.Sprintf("rail %s was open for deployment %d in %s: %v", hit.Rail, d.Number, at.chain.Environment, hit.Grant),
			By:   hit.Grant.By, Time: at.chain.times[at.index], At: entry,
		})
	}
	return true
}

// opened says why what is to have opened a rail did not; empty: it did, by that entry.
func (at place) opened(hit slipway.RailHit, r slipway.Release) (entry, why string) {
	if hit.Effect == slipway.RailSignOff {
		return at.signedFor(hit, r)
	}
	for _, g := range at.chain.grants {
		if g.Statement == hit.Grant.Statement {
			return g.entry, at.opens(g, hit, r)
		}
	}
	return "", "nobody granted it before"
}

// opens says why a grant does not open a rail; empty: it does.
func (at place) opens(g grant, hit slipway.RailHit, r slipway.Release) string {
	back := slices.IndexFunc(at.chain.grants, func(end grant) bool { return end.Revokes == g.Statement })
	now := at.chain.times[at.index]
	switch {
	case g.void != "":
		return g.entry + ": " + g.void
	case g.App != at.chain.App || g.Environment != at.chain.Environment || g.Rail != hit.Rail || g.Revokes != "" ||
		g.Condition != hit.Grant.Condition || g.Limit != hit.Grant.Limit || g.Person != hit.Grant.By:
		return g.entry + " is about something else: " + g.String()
	case back >= 0:
		return at.chain.grants[back].Person + " had taken it back"
	case !now.Before(g.Until):
		return "it ended on " + g.Last()
	case at.policy.Who != nil && !slices.Contains(at.policy.Who(hit.By, now), g.Person):
		return g.Person + " may not open it"
	case slices.Contains(at.rules(r).Barred, g.Person):
		return "it was " + g.Person + "'s own release"
	}
	return ""
}

// signedFor says why a sign-off did not open a rail; empty: it did, by that entry.
func (at place) signedFor(hit slipway.RailHit, r slipway.Release) (entry, why string) {
	st := promote.Judge(at.rules(r), r, at.chain.record, at.chain.Environment, at.chain.signed)
	why = "nobody had signed"
	for i, s := range st.Said {
		switch {
		case !slices.Contains(hit.By, s.Role):
		case s.Counts && s.Answer == slipway.No:
			return "", s.String()
		case s.Statement == hit.Grant.Statement:
			if entry, why = at.chain.said[i], s.Why; s.Counts && s.Answer == slipway.Yes {
				why = ""
			}
		}
	}
	return entry, why
}
