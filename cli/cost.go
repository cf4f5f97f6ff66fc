package cli

import (
	"fmt"
	"strconv"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/operate"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/server/client"
)

type costCommand struct {
	Words []string `arg:"" optional:"" name:"env" help:"The environments. Default: all with prices in which something is deployed."`
	Last  int      `short:"n" default:"5" placeholder:"N" help:"How many of the last runs to show. Default: 5."`
}

// Help implements kong.HelpProvider.
func (costCommand) Help() string {
	return `Shows what a run and a month cost, at most and as past runs let expect, what was spent since the first of the
month (UTC), and what the last runs cost. It is an estimate from a list of prices, and no bill.

Example: slipway cost prod

` + exitHelp
}

// Run implements the command.
func (c *costCommand) Run(s *session) error {
	if done, err := s.elsewhere("", func(at *client.Client, app string) error {
		costs, err := c.costsAt(s, at, app)
		if err != nil {
			return err
		}
		return s.showCosts(costs)
	}); done {
		return err
	}
	return s.reading("", func(f *pipeline.Flow) error {
		stages, err := c.stages(s, f)
		if err != nil {
			return err
		}
		costs := make([]slipway.Cost, 0, len(stages))
		for _, o := range stages {
			cost, err := o.Cost(s.ctx, f.Project.Manifest.App, max(0, c.Last))
			if err != nil {
				return err
			}
			costs = append(costs, cost)
		}
		return s.showCosts(costs)
	})
}

func (s *session) showCosts(costs []slipway.Cost) error {
	if s.globals.JSON {
		return printJSON(s.env.Stdout, costs)
	}
	for _, cost := range costs {
		if err := s.printCost(cost); err != nil {
			return err
		}
	}
	return nil
}

func nowherePriced(app string) error {
	return slipway.Errorf(slipway.NotFound, "%s is deployed nowhere that has prices", app).
		WithFix("slipway plan ENV says what it would cost in an environment on glue")
}

// stages are the named environments, or all with prices in which something is
// deployed.
func (c *costCommand) stages(s *session, f *pipeline.Flow) ([]operate.Stage, error) {
	var stages []operate.Stage
	for _, name := range c.Words {
		o, err := f.Operating(s.ctx, name)
		if err != nil {
			return nil, err
		}
		stages = append(stages, o)
	}
	if len(c.Words) > 0 {
		return stages, nil
	}
	app := f.Project.Manifest.App
	for _, name := range f.Runnable() {
		if h, err := f.History(s.ctx, app, name); err != nil || len(h.Deployments) == 0 {
			continue
		}
		o, err := f.Operating(s.ctx, name)
		if err != nil {
			return nil, err
		}
		if _, priced := o.Driver.(driver.Coster); priced {
			stages = append(stages, o)
		}
	}
	if len(stages) == 0 {
		return nil, nowherePriced(app)
	}
	return stages, nil
}

func (s *session) printCost(c slipway.Cost) error {
	w := s.env.Stdout
	fmt.Fprintf(w, "%s in %s\n", c.App, c.Environment)
	var rows [][]string
	if c.Unknown != "" {
		rows = append(rows, []string{"  a run", "unknown: " + c.Unknown})
	} else {
		rows = append(rows, []string{"  a run", aRun(c)}, []string{"  a month", aMonth(c.Month)})
	}
	rows = append(rows, []string{"  this month", soFar(c.Spent)}, []string{"  prices", c.Prices.String()})
	if err := table(w, "", rows); err != nil {
		return err
	}
	for _, note := range c.Notes {
		fmt.Fprintf(w, "  %s %s\n", s.paint(w, yellow, "!"), note)
	}
	rows = nil
	for _, r := range c.Last {
		rows = append(rows, []string{"  run " + r.ID, string(r.State), when(r.Started), took(r.Started, r.Ended), runCost(r)})
	}
	return table(w, "", rows)
}

func aRun(c slipway.Cost) string {
	text := "without a limit, for it has no timeout"
	if c.Worst != nil {
		text = "at most " + c.Worst.String()
	}
	if c.Expected == nil {
		return text + "; no run has succeeded yet to learn from"
	}
	return fmt.Sprintf("%s, about %s expected (the mean of %s)", text, c.Expected, counted(c.Learnt, "run"))
}

func aMonth(m *slipway.MonthlyCost) string {
	switch {
	case m == nil:
		return "it has no schedule, so nothing says how often it runs"
	case m.Runs == 0:
		return m.String() + ", if it runs all the time"
	}
	return fmt.Sprintf("%s (%s runs)", m, strconv.FormatFloat(m.Runs, 'f', 1, 64))
}

func soFar(s *slipway.Spending) string {
	text := "nothing so far"
	if s.Amount != nil {
		text = fmt.Sprintf("%s so far, %s", s.Amount, counted(s.Runs, "run"))
	}
	if s.Unknown > 0 {
		text += fmt.Sprintf("; the cost of %s is not known", counted(s.Unknown, "run"))
	}
	return text
}

func runCost(r slipway.Run) string {
	switch {
	case r.Cost != nil:
		return r.Cost.String()
	case r.State.Ended():
		return "unknown"
	}
	return "-"
}
