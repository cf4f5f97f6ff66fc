package slipway

import (
	"fmt"
	"strings"
	"time"
)

// A RailEffect says what a guard rail does when it is hit.
type RailEffect string

// The effects.
const (
	RailInforms   RailEffect = "inform"    // it warns
	RailSignOff   RailEffect = "sign-off"  // somebody in a role has to sign
	RailException RailEffect = "exception" // somebody has to grant an exception
	RailBlocks    RailEffect = "block"     // nobody can open it
)

// A RailHit is a guard rail that a plan runs into.
type RailHit struct {
	Rail    string     `json:"rail"`
	Effect  RailEffect `json:"effect"`
	Message string     `json:"message"`
	Fix     string     `json:"fix,omitempty"`
	// By are the roles, people and teams who can open the rail.
	By []string `json:"by,omitempty"`
	// Error says why the rail could not be judged, which counts as hit.
	Error string `json:"error,omitempty"`
	// Asked is the app's request to cross the rail, in words.
	Asked string `json:"asked,omitempty"`
	// Grant is what opened the rail; nil: nothing has.
	Grant *RailGrant `json:"grant,omitempty"`
	// Ways are what people can do to open it, a line for each.
	Ways []string `json:"ways,omitempty"`
	// Void says of each permission that did not open it why.
	Void []string `json:"void,omitempty"`
}

// A RailGrant is a recorded permission to cross a rail: an exception, or a
// sign-off for what is deployed.
type RailGrant struct {
	Rail  string    `json:"rail"`
	By    string    `json:"by"` // a person
	As    string    `json:"as,omitempty"`
	Why   string    `json:"why,omitempty"`
	Until time.Time `json:"until,omitzero"` // zero: it has no end
	// Condition is the digest of what the rail asked for when it was granted.
	Condition Digest `json:"condition"`
	Limit     string `json:"limit,omitempty"` // where it opens the rail; empty: everywhere
	Statement Digest `json:"statement,omitempty"`
	// Void says why it is not believed; empty: it is.
	Void string `json:"void,omitempty"`
}

// Fails says why the grant does not open a rail with a condition at a time, its
// limit aside; empty: it does.
func (g RailGrant) Fails(condition Digest, at time.Time) string {
	switch {
	case g.Void != "":
		return g.Void
	case g.Condition != condition:
		return "the rail was changed since"
	case !g.Until.IsZero() && !at.Before(g.Until):
		return "it ended on " + g.Until.Add(-time.Second).Format(time.DateOnly)
	}
	return ""
}

// String says who opened the rail.
func (g RailGrant) String() string {
	text := g.By
	if g.As != "" {
		text += " as " + g.As
	}
	if !g.Until.IsZero() {
		text += " until " + g.Until.Add(-time.Second).Format(time.DateOnly)
	}
	if g.Why != "" {
		text += ": " + g.Why
	}
	return text
}

// Closed reports whether the hit keeps a deployment from going on.
func (h RailHit) Closed() bool {
	return h.Effect == RailBlocks || h.Effect != RailInforms && h.Grant == nil
}

// String says what the rail has to say, and whether it could be judged.
func (h RailHit) String() string {
	if h.Error != "" {
		return fmt.Sprintf("rail %s cannot be judged, which counts as hit: %s", h.Rail, h.Error)
	}
	return fmt.Sprintf("rail %s: %s", h.Rail, h.Message)
}

// Missing says what would open the rail and who can give it; empty if nothing is
// missing.
func (h RailHit) Missing() string {
	switch {
	case !h.Closed():
		return ""
	case h.Effect == RailSignOff:
		return "it needs a sign-off by " + strings.Join(h.By, " or ")
	case h.Effect == RailException:
		return "it needs an exception, which " + strings.Join(h.By, " or ") + " can grant"
	default:
		return "nobody can open it"
	}
}

// Reason says why the rail is closed and what would open it.
func (h RailHit) Reason() string {
	text := h.String() + "; " + h.Missing()
	if h.Asked != "" {
		text += " (" + h.Asked + ")"
	}
	return text
}
