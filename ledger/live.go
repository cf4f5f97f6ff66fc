package ledger

import (
	"encoding/json"
	"time"

	"github.com/slipway-cd/slipway"
)

// Live is for how long a version was live without a break, at the longest, and
// whether it is live now.
func (h History) Live(version string, now time.Time) (longest time.Duration, live bool) {
	var since time.Time
	end := func(at time.Time) {
		if live {
			longest = max(longest, at.Sub(since))
		}
		live = false
	}
	for _, e := range h.Entries {
		switch e.Kind {
		case DeploymentEnded:
			d, ok := h.ended(e)
			switch {
			case !ok || d.State == slipway.Superseded:
			case d.State == slipway.Deployed && d.Plan.Target.Version == version:
				if !live {
					live, since = true, e.Time
				}
			default:
				end(e.Time) // another version, or one that failed: nobody knows what runs then
			}
		case JobRemoved:
			end(e.Time)
		}
	}
	if live {
		longest = max(longest, now.Sub(since))
	}
	return longest, live
}

func (h History) ended(e Entry) (slipway.Deployment, bool) {
	var end DeploymentEnd
	if json.Unmarshal(e.Body, &end) != nil {
		return slipway.Deployment{}, false
	}
	return h.Deployment(end.Number)
}

// BackFrom returns the number of the rollback that took a version away, if it was not
// deployed again since.
func (h History) BackFrom(version string) (number int64, ok bool) {
	live := ""
	for _, d := range h.Deployments {
		if d.State != slipway.Deployed {
			continue
		}
		next := d.Plan.Target.Version
		switch {
		case d.RollbackOf != 0 && live == version && next != version:
			number, ok = d.Number, true
		case next == version:
			number, ok = 0, false
		}
		live = next
	}
	return number, ok
}
