package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/awssetup"
	"github.com/slipway-cd/slipway/awssetup/access"
)

type awsBootstrapCommand struct {
	Environment string `arg:"" name:"env" help:"The environment."`
	awsWho
	Data   bool `help:"Let the job read and write what its arguments name: a guess, which slipway aws policy ENV data shows."`
	Exact  bool `help:"Make the policies exactly what this app needs, and take away what they have for other apps."`
	DryRun bool `help:"Show the plan, and change nothing."`
	Yes    bool `short:"y" help:"Do not ask."`
}

// Help implements kong.HelpProvider.
func (awsBootstrapCommand) Help() string {
	return `Run it once for each app and environment, signed in as somebody who administers the account. It shows what it would make or
change, and asks. What is there and right is left alone; what others have written into a policy stays. Interrupted at any time, it goes
on when it is called again. Nothing is ever deleted.

Example: slipway aws bootstrap prod

` + exitHelp
}

// Run implements the command.
func (c *awsBootstrapCommand) Run(s *session) error {
	w, e, err := c.wanted(s, c.Environment)
	if err != nil {
		return err
	}
	account, err := s.env.Account(s.ctx, e)
	if err != nil {
		return err
	}
	setup := awssetup.Setup{Wanted: w, Data: c.Data, Exact: c.Exact}
	plan, err := account.Plan(s.ctx, setup)
	if err != nil {
		return err
	}
	if err := showSetup(s, plan); err != nil {
		return err
	}
	warnOfTrust(s, plan, w)
	changes := plan.Changes()
	if len(changes) == 0 || c.DryRun {
		if len(changes) == 0 {
			s.talk.say("all is there")
		}
		return nil
	}
	if err := c.agreed(s, plan); err != nil {
		return err
	}
	err = account.Apply(s.ctx, setup, plan, func(step awssetup.Step) { s.talk.say("  done: %s", step.Thing) })
	if err != nil {
		return err
	}
	next(s, e, w)
	return nil
}

// warnOfTrust tells of a deployer that pull requests become, as those did that were
// made before there was a planner.
func warnOfTrust(s *session, plan awssetup.Plan, w access.Wanted) {
	environment := access.PlanEnvironment(w.Place.Environment)
	for _, step := range plan.Steps {
		if step.ID == "deployer-role" && w.Plans() && strings.Contains(step.Want, ":environment:"+environment+`"`) {
			s.talk.say("  %s", s.talk.paint(yellow, fmt.Sprintf("%s lets in what runs in %s on GitHub, which may be a pull request that nobody has read; %s is for that, and --exact takes it out of %s",
				w.Place.Deployer, environment, w.Place.Planner, w.Place.Deployer)))
		}
	}
}

// agreed asks whether the plan may be carried out.
func (c *awsBootstrapCommand) agreed(s *session, plan awssetup.Plan) error {
	if c.Yes {
		return nil
	}
	no := slipway.Errorf(slipway.Blocked, "nothing was changed: nobody has agreed to the plan")
	if !s.env.Terminal || s.globals.JSON || s.globals.Quiet {
		return no.WithFix("look at the plan, then call again with --yes")
	}
	fmt.Fprintf(s.env.Stderr, "make these %d changes in the account %s? [y/N] ", len(plan.Changes()), plan.Account)
	line, err := bufio.NewReader(s.env.Stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the answer: %w", err)
	}
	if answer := strings.ToLower(strings.TrimSpace(line)); answer != "y" && answer != "yes" {
		return no
	}
	return nil
}

// next tells what a person does next.
func next(s *session, e slipway.Environment, w access.Wanted) {
	var lines []string
	if e.Role == "" {
		lines = append(lines, "  role: "+w.Place.DeployerARN)
	}
	if e.PlanRole == "" && w.Plans() {
		lines = append(lines, "  plan_role: "+w.Place.PlannerARN)
	}
	if len(lines) > 0 {
		s.talk.say("now write below environments.%s in platform.yaml:\n%s", e.Name, strings.Join(lines, "\n"))
	}
	s.talk.say("then: slipway plan --source %s", e.Name)
}

// showSetup prints a plan: what is made, what is changed, what is left alone.
func showSetup(s *session, plan awssetup.Plan) error {
	if s.globals.JSON {
		return printJSON(s.env.Stdout, plan)
	}
	w := s.env.Stdout
	fmt.Fprintf(w, "environment %s, account %s, %s\n", plan.Environment, plan.Account, plan.Region)
	for _, step := range plan.Steps {
		document := strings.HasPrefix(step.Want, "{")
		switch {
		case step.Action == "":
			fmt.Fprintf(w, "  = %s\n", step.Thing)
		case step.Action == slipway.Add && document:
			fmt.Fprintf(w, "  + %s\n", step.Thing)
		case step.Action == slipway.Add:
			fmt.Fprintf(w, "  + %s: %s\n", step.Thing, step.Want)
		case document:
			fmt.Fprintf(w, "  ~ %s\n", step.Thing)
			showDifference(w, step.Have, step.Want)
		default:
			fmt.Fprintf(w, "  ~ %s: %s -> %s\n", step.Thing, step.Have, step.Want)
		}
	}
	if len(plan.Changes()) > 0 {
		s.talk.say("slipway aws policy %s shows the policies", plan.Environment)
	}
	return nil
}

// showDifference prints the lines in which two documents differ, with those around
// them.
func showDifference(w io.Writer, have, want string) {
	for line := range strings.Lines(udiff.Unified("", "", have, want)) {
		if !strings.HasPrefix(line, "---") && !strings.HasPrefix(line, "+++") {
			fmt.Fprintf(w, "      %s", line)
		}
	}
}
