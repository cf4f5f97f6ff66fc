package ledger

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/slipway-cd/slipway"
)

// The kinds of entry by which releases of several apps come to an environment as a
// set, in the chain of each. Their bodies are a Joining.
const (
	// ReleaseJoined says that the gate was open for a member, behind the very entry
	// before. Once all have joined, all come in.
	ReleaseJoined = "release.joined"
	// ReleaseLeft takes that back, because another member may not come in.
	ReleaseLeft = "release.left"
)

// A Joining is a release that waits for the others of its set, or no longer does.
type Joining struct {
	Version string             `json:"version"`
	Set     slipway.ReleaseSet `json:"set"`
	// SignOffs are the statements that opened the gate. Of one that left there are none.
	SignOffs []slipway.Digest `json:"sign_offs,omitempty"`
}

// Joined says in which set a version waits for others; nil: it waits in none.
func (h History) Joined(version string) *Joining {
	if _, in := h.Admitted(version); in {
		return nil
	}
	i := slices.IndexFunc(h.joined, func(j Joining) bool { return j.Version == version })
	if i < 0 {
		return nil
	}
	return &h.joined[i]
}

// join takes in that a release joined a set, or left it.
func (h *History) join(e Entry) error {
	var j Joining
	if err := json.Unmarshal(e.Body, &j); err != nil {
		return err
	}
	h.joined = slices.DeleteFunc(slices.Clone(h.joined), func(old Joining) bool { return old.Version == j.Version })
	if e.Kind == ReleaseJoined {
		h.joined = append(h.joined, j)
	}
	h.rounds++
	return nil
}

// Rounds is how many entries about sets there are: what an entry's id is made of, so
// that a release may join again that has left.
func (h History) Rounds() int { return h.rounds }

func describeJoining(e Entry) string {
	var j Joining
	if json.Unmarshal(e.Body, &j) != nil {
		return e.Kind
	}
	if e.Kind == ReleaseLeft {
		return fmt.Sprintf("release %s waits no longer for %s", j.Version, j.Set.Others(e.App))
	}
	return fmt.Sprintf("release %s may come in, with %s", j.Version, j.Set.Others(e.App))
}
