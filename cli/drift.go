package cli

import (
	"fmt"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/operate"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/server/client"
)

type driftCommand struct {
	Words []string `arg:"" optional:"" name:"env" help:"The environments. Default: all in which something is deployed."`
}

// Help implements kong.HelpProvider.
func (driftCommand) Help() string {
	return `It asks the runtime whether the job still is as it was deployed, and shows each thing that was changed by hand:
what was deployed on the left, what is there now on the right.

Example: slipway drift prod

Exit codes: 0 nothing was changed; 1 something was; others as for slipway ship.`
}

// Run implements the command.
func (c *driftCommand) Run(s *session) error {
	if done, err := s.elsewhere("", func(at *client.Client, app string) error {
		all, err := s.statusesAt(at, app, c.Words)
		if err != nil {
			return err
		}
		return s.showDrift(all)
	}); done {
		return err
	}
	return s.reading("", func(f *pipeline.Flow) error {
		all, err := gatherStatus(s, f, c.Words, 0)
		if err != nil {
			return err
		}
		return s.showDrift(all)
	})
}

// showDrift tells what was changed by hand. If something was, that is the error.
func (s *session) showDrift(all []operate.Status) error {
	if s.globals.JSON {
		if err := printJSON(s.env.Stdout, driftOf(all)); err != nil {
			return err
		}
	} else {
		s.printDrift(all)
	}
	for _, st := range all {
		if drifted(st) {
			return slipway.Errorf(slipway.Failed, "%s in %s is not as it was deployed", st.App, st.Environment).
				WithFix("slipway deploy %s %s --drift overwrite puts it right; the manifest is the place to make such a change for good", st.Current.Plan.Target.Version, st.Environment)
		}
	}
	return nil
}

// drifted reports whether what is live by the ledger is not what is there.
func drifted(st operate.Status) bool {
	return st.Current != nil && st.Job.State != slipway.JobLive
}

// A driftLine is what a machine reads of an environment.
type driftLine struct {
	App         string           `json:"app"`
	Environment string           `json:"environment"`
	Version     string           `json:"version,omitempty"` // empty: nothing is live
	State       slipway.JobState `json:"state"`
	Drift       []slipway.Change `json:"drift"`
}

func driftOf(all []operate.Status) []driftLine {
	lines := []driftLine{}
	for _, st := range all {
		line := driftLine{App: st.App, Environment: st.Environment, State: st.Job.State, Drift: nonNil(st.Job.Drift)}
		if st.Current != nil {
			line.Version = st.Current.Plan.Target.Version
		}
		lines = append(lines, line)
	}
	return lines
}

func (s *session) printDrift(all []operate.Status) {
	w := s.env.Stdout
	for _, st := range all {
		switch {
		case st.Current == nil:
			fmt.Fprintf(w, "%s in %s: nothing is live\n", st.App, st.Environment)
		case st.Job.State == slipway.JobAbsent:
			fmt.Fprintf(w, "%s in %s: the job is gone, %s was deployed\n", st.App, st.Environment, st.Current.Plan.Target.Version)
		case !drifted(st):
			fmt.Fprintf(w, "%s in %s: as it was deployed, %s\n", st.App, st.Environment, st.Current.Plan.Target.Version)
		default:
			fmt.Fprintf(w, "%s in %s: changed since %s was deployed\n", st.App, st.Environment, st.Current.Plan.Target.Version)
			for _, c := range st.Job.Drift {
				s.printChange(w, c)
			}
		}
	}
}
