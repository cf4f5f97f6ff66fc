package pipeline

import (
	"strings"
	"time"

	"github.com/adhocore/gronx"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/manifest"
)

// opens says whether the platform's rules let somebody deploy to an environment
// now. A freeze does not keep anybody from going back. Who somebody is can only be
// known to a server, so an environment that names its deployers stays closed
// without one, and for what nobody asked the server for, such as a push.
func opens(e manifest.Environment, now time.Time, rollback bool) error {
	for _, f := range e.Freeze {
		if rollback {
			break
		}
		until, frozen, err := thaws(f, now)
		if err != nil {
			return err
		}
		if frozen {
			return slipway.Errorf(slipway.Blocked, "%s is frozen until %s: %s", e.Name, until.Format("2006-01-02 15:04 MST"), f.Why).
				WithFix("deploy after that; the platform team keeps environments.%s.freeze", e.Name)
		}
	}
	if len(e.Deployers) > 0 {
		return slipway.Errorf(slipway.Blocked, "%s lets only %s deploy, and nobody here can prove who they are", e.Name, strings.Join(e.Deployers, ", ")).
			WithFix("deploy by a server where people sign in: --server URL; or have the platform team take environments.%s.deployers away", e.Name)
	}
	return nil
}

// asked leaves out of an environment's rules what a server has answered already: whether
// whoever asks may deploy.
func (f *Flow) asked(e manifest.Environment) manifest.Environment {
	if f.Permitted {
		e.Deployers = nil
	}
	return e
}

// thaws says whether a freeze holds now, and until when. Its days are those of
// UTC, the last one included.
func thaws(f manifest.Freeze, now time.Time) (until time.Time, frozen bool, err error) {
	if f.Cron == "" {
		until = f.Until.AddDate(0, 0, 1)
		return until, !now.Before(f.From) && now.Before(until), nil
	}
	began, err := gronx.PrevTickBefore(f.Cron, now.UTC(), true)
	if err != nil {
		return until, true, slipway.Errorf(slipway.Invalid, "the freeze %q cannot be understood: %w", f.Cron, err)
	}
	until = began.Add(f.For)
	return until, now.Before(until), nil
}
