package ledger

import (
	"time"

	"github.com/slipway-cd/slipway"
)

// Busy is the error for a lease that somebody else has had since a time. Times
// are told in the time zone of now, with the day where it is another one.
func Busy(l Lease, since, now time.Time) error {
	return slipway.Errorf(slipway.Busy, "%s is being deployed by %s (%s, process %d) since %s; the lease ends by itself at %s if that process died",
		l.Subject.Environment, l.Holder.Who, l.Holder.Doing, l.Holder.Process, clockTime(since, now), clockTime(l.Until, now)).
		WithFix("wait for it, or call again then")
}

func clockTime(t, now time.Time) string {
	t = t.In(now.Location())
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format(time.TimeOnly)
	}
	return t.Format(time.DateTime)
}
