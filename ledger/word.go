package ledger

import (
	"encoding/json"
	"fmt"

	"github.com/slipway-cd/slipway"
)

// A Grant is a permission to cross a guard rail, or the end of one. It only says
// where to look: what counts is the signed statement.
type Grant struct {
	slipway.Grant
	Statement slipway.Digest `json:"statement"` // of the envelope's bytes, which lie under it in the repository
}

// A Quarantine is a release that is held, or the end of that. It only says where
// to look: what counts is the signed statement.
type Quarantine struct {
	slipway.Quarantine
	Statement slipway.Digest `json:"statement"` // of the envelope's bytes, which lie under it in the repository
}

func addWord[W any](all *[]W, e Entry) error {
	var w W
	if err := json.Unmarshal(e.Body, &w); err != nil {
		return err
	}
	*all = append(*all, w)
	return nil
}

func describeWord[W fmt.Stringer](e Entry) string {
	var w W
	if json.Unmarshal(e.Body, &w) != nil {
		return e.Kind
	}
	return w.String()
}

// IsWord reports whether an entry of a kind says something about what may be
// deployed: what a person said, or that a reservation is void. It may come into a
// chain at any time, and changes nothing that is deployed.
func IsWord(kind string) bool {
	return kind == ReleaseSigned || kind == RailGranted || kind == ReleaseHeld || kind == QuotaVoided
}
