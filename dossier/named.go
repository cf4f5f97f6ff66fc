package dossier

import (
	"encoding/json"
	"slices"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
)

// Named are the statements that a chain names about a version, and those of people
// about the whole environment: what has to be in the version's dossier.
func Named(entries []ledger.Entry, version string) []slipway.Digest {
	var all []slipway.Digest
	ours := map[int64]bool{} // deployments
	for _, e := range entries {
		var b struct {
			Version   string         `json:"version"`
			Statement slipway.Digest `json:"statement"`
			Number    int64          `json:"number"`
			Plan      struct {
				Target struct {
					Version string `json:"version"`
				} `json:"target"`
			} `json:"plan"`
		}
		if json.Unmarshal(e.Body, &b) != nil {
			continue
		}
		if e.Kind == ledger.DeploymentStarted {
			b.Version = b.Plan.Target.Version
			ours[b.Number] = b.Version == version
		}
		about := b.Version == version || (e.Kind == ledger.DeploymentEnded || e.Kind == ledger.JobRemoved) && ours[b.Number]
		if about {
			all = append(all, e.Statements...)
		}
		if b.Statement != "" && (about || e.Kind == ledger.RailGranted || e.Kind == ledger.ReleaseHeld) {
			all = append(all, b.Statement)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
