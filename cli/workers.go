package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/slipway-cd/slipway/server"
	"github.com/slipway-cd/slipway/store"
)

type workersCommand struct{}

// Help implements kong.HelpProvider.
func (workersCommand) Help() string {
	return `Lists the servers and workers that share a database: those that live, and those that left or were lost within a day. BUSY is
how many of the builds, checks and deployments that one does at once are under way. Below them stand the jobs that none of
them can do, with the labels that they wait for.

Example: slipway workers --server https://slipway.example.com

` + exitHelp
}

// Run implements the command.
func (workersCommand) Run(s *session) error {
	at, err := s.needServer()
	if err != nil {
		return err
	}
	all, err := at.Workers(s.ctx)
	if err != nil {
		return err
	}
	if s.globals.JSON {
		return printJSON(s.env.Stdout, all)
	}
	var rows [][]string
	for _, w := range all.Items {
		seen := w.Beat
		if !w.Gone.IsZero() {
			seen = w.Gone
		}
		rows = append(rows, []string{w.Name, string(w.Role), string(w.State), w.Version, strings.Join(w.Labels, ","), busy(w), doing(w), when(seen)})
	}
	if err := table(s.env.Stdout, "NAME\tROLE\tSTATE\tVERSION\tLABELS\tBUSY\tDOES\tSEEN", rows); err != nil {
		return err
	}
	if len(all.Waiting) == 0 {
		return nil
	}
	rows = nil
	for _, w := range all.Waiting {
		rows = append(rows, []string{strconv.FormatInt(w.Jobs, 10), when(w.Since), w.Why})
	}
	fmt.Fprintln(s.env.Stdout)
	return table(s.env.Stdout, "JOBS\tSINCE\tWHY", rows)
}

// busy is how much of what one can do is under way.
func busy(w server.Worker) string {
	if w.State != store.ProcessAlive && w.State != store.ProcessDraining {
		return "-"
	}
	return fmt.Sprintf("%d/%d", w.Busy, w.Capacity)
}

// doing names what one does now.
func doing(w server.Worker) string {
	var all []string
	for _, j := range w.Does {
		all = append(all, fmt.Sprintf("%s %s (%d)", j.Kind, j.Subject, j.Job))
	}
	if len(all) == 0 {
		return "-"
	}
	return strings.Join(all, ", ")
}
