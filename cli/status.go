package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/operate"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/server/client"
)

type statusCommand struct {
	Words []string `arg:"" optional:"" name:"env" help:"The environments. Default: all in which something is deployed."`
}

// Help implements kong.HelpProvider.
func (statusCommand) Help() string {
	return "It asks the runtime whether that still is what was deployed, and shows the last runs.\n\nExample: slipway status staging\n\n" + exitHelp
}

// Run implements the command.
func (c *statusCommand) Run(s *session) error {
	if done, err := s.elsewhere("", func(at *client.Client, app string) error {
		all, err := s.statusesAt(at, app, c.Words)
		if err != nil {
			return err
		}
		return s.showStatus(all)
	}); done {
		return err
	}
	return s.reading("", func(f *pipeline.Flow) error {
		all, err := gatherStatus(s, f, c.Words, 5)
		if err != nil {
			return err
		}
		return s.showStatus(all)
	})
}

func (s *session) showStatus(all []operate.Status) error {
	if s.globals.JSON {
		return printJSON(s.env.Stdout, all)
	}
	for _, st := range all {
		if err := s.printStatus(st); err != nil {
			return err
		}
	}
	return nil
}

// gatherStatus asks the named environments, or all in which something happened.
func gatherStatus(s *session, f *pipeline.Flow, names []string, runs int) ([]operate.Status, error) {
	app := f.Project.Manifest.App
	if len(names) == 0 {
		for _, name := range f.Runnable() {
			h, err := f.History(s.ctx, app, name)
			if err == nil && len(h.Deployments) > 0 {
				names = append(names, name)
			}
		}
		if len(names) == 0 {
			return nil, slipway.Errorf(slipway.NotFound, "%s is not deployed anywhere yet", app).WithFix("slipway ship")
		}
	}
	all := []operate.Status{}
	for _, name := range names {
		o, err := f.Operating(s.ctx, name)
		if err != nil {
			return nil, err
		}
		st, err := o.Status(s.ctx, app, runs)
		if err != nil {
			return nil, err
		}
		all = append(all, st)
	}
	return all, nil
}

func (s *session) printStatus(st operate.Status) error {
	w := s.env.Stdout
	if st.Current == nil {
		fmt.Fprintf(w, "%s in %s: nothing is live\n", st.App, st.Environment)
	} else {
		d := st.Current
		fmt.Fprintf(w, "%s in %s: %s, %s\n", st.App, st.Environment, d.Plan.Target.Version, st.Job.State)
		fmt.Fprintf(w, "  deployment %d by %s at %s\n", d.Number, d.By, when(d.Ended))
		if st.Set != nil {
			fmt.Fprintf(w, "  it came with %s\n", st.Set.Others(st.App))
		}
	}
	if d := st.Unfinished; d != nil {
		fmt.Fprintf(w, "  deployment %d of %s by %s is under way, or was cut short, since %s\n", d.Number, d.Plan.Target.Version, d.By, when(d.Started))
	}
	for _, c := range st.Job.Drift {
		s.printChange(w, c)
	}
	if len(st.Job.Drift) > 0 && st.Current != nil {
		fmt.Fprintf(w, "  slipway deploy %s %s puts it right\n", st.Current.Plan.Target.Version, st.Environment)
	}
	if st.Job.Schedule != "" {
		fmt.Fprintf(w, "  schedule %s, next at %s\n", st.Job.Schedule, times(st.Job.Next))
	}
	var rows [][]string
	for _, r := range st.Runs {
		rows = append(rows, []string{"  run " + r.ID, string(r.State), when(r.Started), took(r.Started, r.Ended), firstLine(r.Message)})
	}
	return table(w, "", rows)
}

func times(all []time.Time) string {
	var texts []string
	for _, t := range all {
		texts = append(texts, when(t))
	}
	return strings.Join(texts, ", ")
}

type historyCommand struct {
	Environment string `arg:"" optional:"" default:"local" name:"env" help:"The environment. Default: local."`
}

// Help implements kong.HelpProvider.
func (historyCommand) Help() string {
	return `The ledger's chain is verified on the way. It is the same from any machine.

Example: slipway history staging

` + exitHelp
}

// Run implements the command.
func (c *historyCommand) Run(s *session) error {
	if done, err := s.elsewhere("", func(at *client.Client, app string) error {
		h, err := at.History(s.ctx, app, c.Environment)
		if err != nil {
			return err
		}
		return s.showHistory(h)
	}); done {
		return err
	}
	return s.reading("", func(f *pipeline.Flow) error {
		h, err := f.History(s.ctx, f.Project.Manifest.App, c.Environment)
		if err != nil {
			return err
		}
		return s.showHistory(h)
	})
}

func (s *session) showHistory(h ledger.History) error {
	if s.globals.JSON {
		return printJSON(s.env.Stdout, map[string]any{
			"subject": h.Subject, "entries": nonNil(h.Entries), "deployments": nonNil(h.Deployments), "admissions": nonNil(h.Admissions),
		})
	}
	if len(h.Entries) == 0 {
		s.talk.say("nothing happened yet")
	}
	return table(s.env.Stdout, "NO\tTIME\tBY\tWHAT", historyRows(h))
}

func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func historyRows(h ledger.History) [][]string {
	var rows [][]string
	for _, e := range h.Entries {
		rows = append(rows, []string{strconv.FormatInt(e.Number, 10), when(e.Time), e.By, h.Describe(e)})
	}
	return rows
}
