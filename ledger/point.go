package ledger

import (
	"encoding/json"

	"github.com/slipway-cd/slipway"
)

// HeadPoint is where the chain ends; ok is false where it has no entry.
func (h History) HeadPoint() (p slipway.ChainPoint, ok bool) {
	if len(h.Entries) == 0 {
		return p, false
	}
	return h.Entries[len(h.Entries)-1].Point(), true
}

// Point returns the entry that last let a version in.
func (h History) Point(version string) (p slipway.ChainPoint, ok bool) {
	for _, e := range h.Entries {
		var a Admission
		if (e.Kind == ReleaseCreated || e.Kind == ReleasePromoted) && json.Unmarshal(e.Body, &a) == nil && a.Version == version {
			p, ok = e.Point(), true
		}
	}
	return p, ok
}

// Point names the entry.
func (e Entry) Point() slipway.ChainPoint {
	return slipway.ChainPoint{Environment: e.Environment, Number: e.Number, Hash: e.Hash}
}
