package evidence

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
)

// An Act is what a machine does and attests.
type Act string

// The acts.
const (
	ActRelease Act = "release" // provenance, the results of tests, the bill of materials
	ActPromote Act = "promote"
	ActDeploy  Act = "deploy"
	ActRun     Act = "run"
	ActDossier Act = "dossier" // the seal of a dossier
)

// Acts are all acts, in the order of the road.
func Acts() []Act { return []Act{ActRelease, ActPromote, ActDeploy, ActRun, ActDossier} }

// ActOf is the act that a statement of a type attests.
func ActOf(predicateType string) (Act, bool) {
	switch predicateType {
	case ProvenanceType, TestResultType, ScanType, ReviewType, SBOMType:
		return ActRelease, true
	case PromotionType:
		return ActPromote, true
	case DeploymentType, RemovalType:
		return ActDeploy, true
	case RunType:
		return ActRun, true
	case SealType:
		return ActDossier, true
	}
	return "", false
}

// A Machine is what builds and deploys for people, and attests with keys of its
// own: a runner of CI, a server, a laptop.
type Machine struct {
	Keys         []DatedKey `json:"keys"`
	May          []Act      `json:"may,omitempty"`          // empty: everything
	Environments []string   `json:"environments,omitempty"` // empty: in all
	// Speaks says that it is a server that signs what people say who signed in to it.
	// That is never implied.
	Speaks bool `json:"speaks_for_people,omitempty"`
}

// A DatedKey is a key that signs for a time. What it signed then stays signed.
type DatedKey struct {
	Key
	From  time.Time // zero: always did
	Until time.Time // the first moment at which it does no more; zero: it still does
}

// MarshalJSON writes the key as the platform file has it.
func (k DatedKey) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Key   string    `json:"key"`
		From  time.Time `json:"from,omitzero"`
		Until time.Time `json:"until,omitzero"`
	}{k.String(), k.From, k.Until})
}

// holds says whether the key signs at a time.
func (k DatedKey) holds(at time.Time) error {
	if !k.From.IsZero() && at.Before(k.From) {
		return slipway.Errorf(slipway.Blocked, "the key %s signs only from %s, and this is of %s", k.ID(), day(k.From), day(at))
	}
	if !k.Until.IsZero() && !at.Before(k.Until) {
		return slipway.Errorf(slipway.Blocked, "the key %s signed only before %s, and this is of %s", k.ID(), day(k.Until), day(at))
	}
	return nil
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

// Machine returns the machine that has a key, and the key.
func (p Policy) Machine(keyID string) (name string, k DatedKey, ok bool) {
	for _, name := range slices.Sorted(maps.Keys(p.Signers)) {
		for _, k := range p.Signers[name].Keys {
			if k.ID() == keyID {
				return name, k, true
			}
		}
	}
	return "", DatedKey{}, false
}

// May says whether the owner of a key may attest an act in an environment at a
// time, and returns its name. With no environment it is none's. The error is of
// kind Blocked.
func (p Policy) May(keyID string, act Act, environment string, at time.Time) (name string, err error) {
	name, k, ok := p.Machine(keyID)
	if !ok {
		return "", slipway.Errorf(slipway.Blocked, "the key %s is none of the platform's signers", keyID)
	}
	m := p.Signers[name]
	switch {
	case len(m.May) > 0 && !slices.Contains(m.May, act):
		return name, slipway.Errorf(slipway.Blocked, "%s may not attest %s, only %s", name, act, listed(m.May))
	case environment != "" && len(m.Environments) > 0 && !slices.Contains(m.Environments, environment):
		return name, slipway.Errorf(slipway.Blocked, "%s may attest nothing in %s, only in %s", name, environment, strings.Join(m.Environments, ", "))
	}
	return name, k.holds(at)
}

func listed(acts []Act) string {
	var all []string
	for _, a := range acts {
		all = append(all, string(a))
	}
	return strings.Join(all, ", ")
}

// Attested says whether a machine's statement may be believed: whose key signed
// it, over these bytes, and whether that may attest this in an environment at a
// time. The error is of kind Blocked and names what is wrong.
func (p Policy) Attested(e Envelope, environment string, at time.Time) (name string, err error) {
	act, ok := ActOf(e.PredicateType)
	if !ok {
		return "", slipway.Errorf(slipway.Blocked, "it is of the type %s, which no machine attests", e.PredicateType)
	}
	if name, err = p.May(e.KeyID, act, environment, at); err != nil {
		return name, err
	}
	if _, k, _ := p.Machine(e.KeyID); !e.SignedBy(k.Key) {
		return name, slipway.Errorf(slipway.Blocked, "its signature is not one by %s's key %s over these bytes", name, e.KeyID)
	}
	return name, nil
}
