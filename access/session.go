package access

import (
	"time"

	"github.com/slipway-cd/slipway"
)

// A Session is somebody who signed in with a browser. What is in their cookie is kept
// as its hash alone.
type Session struct {
	Hash   string
	Person string
	Teams  []string // by the identity provider, at the time of the sign-in
	Made   time.Time
	Used   time.Time // to the minute
}

// Good says whether the session still holds: it ends when nobody used it for a while,
// and after some time in any case. Its error is of kind Denied.
func (s Session) Good(l Limits, now time.Time) error {
	if now.Before(s.Used.Add(l.Idle)) && now.Before(s.Made.Add(l.Session)) {
		return nil
	}
	return slipway.Errorf(slipway.Denied, "your session has ended").WithFix("sign in again")
}

// Identity is whose session it is.
func (s Session) Identity() Identity { return Identity{Person: s.Person, Teams: s.Teams} }
