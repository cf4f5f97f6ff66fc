package dossier

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/ledger"
)

// A chain is the ledger of the app in one environment.
type chain struct {
	ledger.Subject
	entries []ledger.Entry
	times   []time.Time // of each entry: never before that of one before it
	admits  int         // the index of the entry that let the release in; -1: none did
	release slipway.Release
	record  slipway.Digest
	signed  []evidence.Signed // what people said to the release, so far
	said    []string          // the entries with that
	waits   bool              // it has joined a set: what is said from then on does not keep it out
	late    []evidence.Signed // what was said since
	grants  []grant           // of rails, so far
	holds   []hold            // quarantines and their ends, so far
	// By number, the deployments of the release, and the digests of their plans.
	deployed map[int64]slipway.Deployment
	plans    map[int64]slipway.Digest
	jobs     map[int64]string // what the runtime calls them
}

// chained proves that the entries form one whole chain for each environment, up to
// the entry at which it was sealed.
func (v *verifier) chained() {
	heads := []slipway.ChainPoint{}
	rest := v.entries
	for _, env := range v.head.Environments {
		c := chain{Subject: ledger.Subject{App: v.head.App, Environment: env}, admits: -1, deployed: map[int64]slipway.Deployment{}, plans: map[int64]slipway.Digest{}, jobs: map[int64]string{}}
		n := slices.IndexFunc(rest, func(e ledger.Entry) bool { return e.Environment != env })
		if n < 0 {
			n = len(rest)
		}
		c.entries, rest = rest[:n], rest[n:]
		if err := ledger.Verify(c.Subject, ledger.Entry{}, c.entries); err != nil {
			v.report.fault(v.broken(c), "%v", err)
			return
		}
		c.clock()
		if n > 0 {
			heads = append(heads, c.entries[n-1].Point())
		}
		v.chains = append(v.chains, c)
	}
	if len(rest) > 0 {
		v.report.fault(entryName(rest[0]), "it belongs to no environment of the road")
	}
	if !v.open && !slices.Equal(heads, v.seal.Heads) {
		v.report.fault("the seal", "the ledgers end elsewhere than it says")
	}
}

// broken names the first entry that does not follow.
func (v *verifier) broken(c chain) string {
	for i := range c.entries {
		if ledger.Verify(c.Subject, ledger.Entry{}, c.entries[:i+1]) != nil {
			return entryName(c.entries[i])
		}
	}
	return c.String()
}

// clock gives each entry its time. A clock that was wrong, or was set back to use a
// key that is no longer good, does not go back behind what is in the chain.
func (c *chain) clock() {
	var last time.Time
	for _, e := range c.entries {
		if e.Time.After(last) {
			last = e.Time
		}
		c.times = append(c.times, last)
	}
}

// body reads an entry's body as what its kind says. One that is something else is
// a fault.
func body[B any](v *verifier, e ledger.Entry) (B, bool) {
	var b B
	if err := json.Unmarshal(e.Body, &b); err != nil {
		v.report.fault(entryName(e), "its body cannot be read: %v", err)
		return b, false
	}
	return b, true
}
