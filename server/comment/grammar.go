package comment

import (
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-cd/slipway"
)

// A rule is how a command is written.
type rule struct {
	name, usage, help, example string
	options                    []string // that have a value, as --NAME or one of keywords
	flags                      []string // that have none
	fill                       []string // words that are there for people
	text                       string   // the option that further words are; empty: there are none
	after                      string   // the option behind which they are
	take                       func(*Command, []string, options) error
}

type options map[string]string

// bare is there where the text stands behind no option.
const bare = ""

// The names of options, and the words that stand for them without dashes.
//
//nolint:gochecknoglobals // immutable tables
var (
	keywords = map[string]string{"as": "as", "until": "until", "because": "why", "where": "limit", "to": "to"}
	spelled  = map[string]string{"-m": "--comment", "--message": "--comment", "--because": "--why", "--role": "--as"}
)

// grammar are all commands, in the order in which help shows them.
func grammar() []rule { return slices.Concat(looks(), words(), road()) }

// looks are the commands that show something, and have something looked at.
func looks() []rule {
	return []rule{
		{
			name: Help, usage: "help [COMMAND]", help: "shows this, or how a command is written", example: "help sign-off",
			take: func(c *Command, at []string, _ options) error {
				c.About = strings.TrimPrefix(strings.ToLower(first(at)), "/")
				return count(c.Name, at, 0, 1)
			},
		},
		{
			name: Explain, usage: "explain [ENV]", help: "says what the pull request waits for, or what keeps the next release out of an environment", example: "explain prod",
			take: func(c *Command, at []string, _ options) error {
				c.Environment = first(at)
				return count(c.Name, at, 0, 1)
			},
		},
		{
			name: Plan, usage: "plan [VERSION] ENV", help: "shows what this change, or a release, would change there", example: "plan staging",
			take: versionAndEnvironment,
		},
		{
			name: Check, usage: "check", help: "builds and checks the head once more", example: "check",
			take: func(c *Command, at []string, _ options) error { return count(c.Name, at, 0, 0) },
		},
		{
			name: Build, usage: "build COMMIT", help: "lets a commit from a fork be built", example: "build 1f0c9a2b",
			take: func(c *Command, at []string, _ options) error {
				c.Commit = first(at)
				return count(c.Name, at, 1, 1)
			},
		},
	}
}

// words are the commands by which somebody says something that is signed.
func words() []rule {
	return []rule{
		signing(SignOff, "says yes to a release that is to come there", "sign-off v1.4.0 for prod as qa read the report"),
		signing(Reject, "says no to it", "reject v1.4.0 for prod as security it prints a password"),
		signing(Withdraw, "takes back what you said to it", "withdraw v1.4.0 for prod as qa"),
		{
			name: Grant, usage: "grant [APP] RAIL in ENV [where CONDITION] until DATE because TEXT", help: "opens a guard rail for an app until the end of a day",
			example: "grant traffic-etl big-jobs in prod until 2027-01-31 because month-end reload",
			options: []string{"until", "why", "limit"}, fill: []string{"in", "for"}, take: granting,
		},
		{
			name: Revoke, usage: "revoke [APP] RAIL in ENV because TEXT", help: "closes a guard rail that was opened", example: "revoke big-jobs in prod because it is done",
			options: []string{"why"}, fill: []string{"in", "for"}, take: granting,
		},
	}
}

// road are the commands that take releases along the road, and stop that.
func road() []rule {
	return []rule{
		{
			name: Ship, usage: "ship ENV [COMMIT]", help: "takes the head of this pull request along the road to an environment", example: "ship staging",
			fill: []string{"to"},
			take: func(c *Command, at []string, _ options) error {
				c.Environment = first(at)
				if len(at) > 1 {
					c.Commit = strings.ToLower(at[1])
				}
				return count(c.Name, at, 1, 2)
			},
		},
		{
			name: Promote, usage: "promote [VERSION] to ENV", help: "brings a release to an environment, once all who are asked have signed", example: "promote v1.4.0 to prod",
			fill: []string{"to"}, take: versionAndEnvironment,
		},
		{
			name: Deploy, usage: "deploy [VERSION] to ENV", help: "deploys a release that is there", example: "deploy v1.4.0 to prod",
			fill: []string{"to"}, take: versionAndEnvironment,
		},
		{
			name: Rollback, usage: "rollback ENV [to NUMBER]", help: "brings back what was deployed before", example: "rollback prod",
			options: []string{"to"},
			take: func(c *Command, at []string, o options) error {
				c.Environment = first(at)
				if err := count(c.Name, at, 1, 1); err != nil || o["to"] == "" {
					return err
				}
				return number(&c.Deployment, o["to"], "a deployment")
			},
		},
		{
			name: Stop, usage: "stop ENV RUN", help: "stops a run; without more, the same as cancel", example: "stop prod schedule-20261122T120500Z",
			take: func(c *Command, at []string, _ options) error {
				if len(at) == 0 {
					c.Name = Cancel
					return nil
				}
				if len(at) == 2 {
					c.Environment, c.Run = at[0], at[1]
				}
				return count(c.Name, at, 2, 2)
			},
		},
		{
			name: Cancel, usage: "cancel [JOB]", help: "stops a job, or all that comments and checks of this pull request began", example: "cancel",
			take: func(c *Command, at []string, _ options) error {
				if len(at) == 1 {
					return number(&c.Job, at[0], "a job")
				}
				return count(c.Name, at, 0, 1)
			},
		},
	}
}

// signing is a command by which somebody says something to a release.
func signing(name, help, example string) rule {
	return rule{
		name: name, usage: name + " [VERSION] for ENV as ROLE [TEXT]", help: help, example: example,
		options: []string{"as", "comment", "until"}, flags: []string{"no", "withdraw"}, fill: []string{"for", "in", "to"}, text: "comment", after: "as",
		take: func(c *Command, at []string, o options) error {
			if err := versionAndEnvironment(c, at, o); err != nil {
				return err
			}
			c.Role, c.Text = o["as"], o["comment"]
			if c.Role == "" {
				return slipway.Errorf(slipway.Invalid, "say in which role you sign").WithFix("such as: %s %s", Word, example)
			}
			_, no := o["no"]
			_, back := o["withdraw"]
			_, free := o[bare]
			word, _, _ := strings.Cut(strings.ToLower(c.Text), " ")
			switch {
			case name == SignOff && free && !no && !back && slices.Contains([]string{"no", "no:", "no,", "reject", "withdraw"}, word):
				return slipway.Errorf(slipway.Invalid, "is that a yes?").
					WithFix("%s reject says no, %s withdraw takes back; what you have to say stands behind --comment", Word, Word)
			case no && back:
				return slipway.Errorf(slipway.Invalid, "--no and --withdraw do not go together")
			case no:
				c.Name = Reject
			case back:
				c.Name = Withdraw
			}
			if o["until"] == "" {
				return nil
			}
			var err error
			c.Until, err = day(o["until"])
			return err
		},
	}
}

// granting reads what is opened or closed. Of two words the first is the app where
// "in" stands before a third, and the rail otherwise.
func granting(c *Command, at []string, o options) error {
	if err := count(c.Name, at, 2, 3); err != nil {
		return err
	}
	n := len(at)
	c.Rail, c.Environment, c.Text, c.Limit = at[n-2], at[n-1], o["why"], o["limit"]
	if n == 3 {
		if c.App != "" && c.App != at[0] {
			return slipway.Errorf(slipway.Invalid, "is it for %s or for %s?", clip(c.App), clip(at[0]))
		}
		c.App = at[0]
	}
	if c.Text == "" {
		return slipway.Errorf(slipway.Invalid, "say why").WithFix("put it at the end: because month-end reload")
	}
	if c.Name == Revoke {
		return nil
	}
	if o["until"] == "" {
		return slipway.Errorf(slipway.Invalid, "say until when").WithFix("such as: until 2027-01-31")
	}
	var err error
	c.Until, err = day(o["until"])
	return err
}

func versionAndEnvironment(c *Command, at []string, _ options) error {
	if err := count(c.Name, at, 1, 2); err != nil {
		return err
	}
	c.Environment = at[len(at)-1]
	if len(at) == 2 {
		c.Version = at[0]
		return slipway.CheckVersion(c.Version)
	}
	return nil
}

func first(at []string) string {
	if len(at) == 0 {
		return ""
	}
	return at[0]
}

// count says that a command has as many words as it can have.
func count(name string, at []string, least, most int) error {
	if len(at) >= least && len(at) <= most {
		return nil
	}
	r, _ := ruleOf(name)
	what := "too many words"
	if len(at) < least {
		what = "something is missing"
	}
	return slipway.Errorf(slipway.Invalid, "%s", what).WithFix("it is: %s %s", Word, r.usage)
}

// number reads what is named by a number.
func number(to *int64, text, what string) error {
	n, err := strconv.ParseInt(strings.TrimPrefix(text, "#"), 10, 64)
	if err != nil || n < 1 {
		return slipway.Errorf(slipway.Invalid, "%q is not the number of %s", clip(text), what)
	}
	*to = n
	return nil
}
