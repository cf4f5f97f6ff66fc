package dossier

import (
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/ledger"
)

// walk goes through the i-th chain and proves what its entries say of the release.
// Entries about other releases were proved to be there, and no more.
func (v *verifier) walk(i int) {
	c := &v.chains[i]
	for n, e := range c.entries {
		at := place{verifier: v, chain: c, index: n, entry: e, road: i}
		switch e.Kind {
		case ledger.ReleaseCreated, ledger.ReleasePromoted:
			at.admitted()
		case ledger.ReleaseSigned:
			at.signOff()
		case ledger.ReleaseJoined, ledger.ReleaseLeft:
			at.joined()
		case ledger.RailGranted:
			at.granted()
		case ledger.ReleaseHeld:
			at.quarantined()
		case ledger.DeploymentStarted:
			at.started()
		case ledger.DeploymentEnded:
			at.ended()
		case ledger.JobRemoved:
			at.removed()
		case ledger.RunEnded:
			at.ran()
		}
	}
	if c.admits < 0 {
		v.report.fault("the header", "the ledger of %s never had %s", c.Subject, v.head.Version)
	}
}

// A place is an entry being looked at.
type place struct {
	*verifier
	chain *chain
	index int
	entry ledger.Entry
	road  int // of the environment on it
}

func (at place) fault(why string, args ...any) {
	at.report.fault(entryName(at.entry), why, args...)
}

func (at place) proved(by, what string, args ...any) {
	at.report.proved(Proof{What: fmt.Sprintf(what, args...), By: by, Time: at.chain.times[at.index], At: entryName(at.entry)})
}

// find returns a statement that the entry names.
func (at place) find(d slipway.Digest) (envelope, bool) {
	e, ok := at.statements[d]
	if !ok {
		at.fault("the statement %s that it names is missing", d)
		return e, false
	}
	name := strings.ReplaceAll(kindOf(e.PredicateType), " ", "-") + "-" + d.Short()
	if !slices.ContainsFunc(at.report.Statements, func(s Statement) bool { return s.Name == name }) {
		at.report.Statements = append(at.report.Statements, Statement{Name: name, Envelope: e.data})
	}
	return e, true
}

// attested returns the one claim of a kind among the statements that the entry
// names, and the machine that made it; about are the bytes it has to be about.
func attested[C evidence.Claim](at place, what string, about []evidence.Subject) (claim C, by string, ok bool) {
	all, by, ok := allAttested[C](at, what, about)
	if ok && len(all) != 1 {
		at.fault("it rests on %d statements of the kind %s, and one was expected", len(all), what)
		return claim, "", false
	}
	if !ok {
		return claim, by, false
	}
	return all[0], by, true
}

// allAttested returns the claims of a kind among the statements that the entry names.
func allAttested[C evidence.Claim](at place, what string, about []evidence.Subject) (all []C, by string, ok bool) {
	all = []C{}
	for _, d := range at.entry.Statements {
		e, there := at.find(d)
		if !there {
			return nil, "", false
		}
		c, err := evidence.Read[C](e.Envelope)
		if err != nil {
			continue
		}
		if by, err = at.policy.Attested(e.Envelope, at.chain.Environment, at.chain.times[at.index]); err != nil {
			at.fault("its %s: %v", what, err)
			return nil, by, false
		}
		if !slices.Equal(e.Subject, about) {
			at.fault("its %s is about other bytes", what)
			return nil, by, false
		}
		all = append(all, c)
	}
	return all, by, true
}

// alike reports whether two values are the same when they are written.
func alike(a, b any) bool {
	x, errX := ledger.Canonical(a)
	y, errY := ledger.Canonical(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
