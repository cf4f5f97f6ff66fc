package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/identity"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/promote"
)

type signOffCommand struct {
	Words    []string `arg:"" name:"release-env" help:"The release, by default the newest in the environment before, and the environment it is to come to."`
	As       string   `placeholder:"ROLE" help:"The role in which you sign. Without it nothing is signed."`
	Comment  string   `short:"m" placeholder:"TEXT" help:"What you have to say."`
	Until    string   `placeholder:"DATE" help:"The last day on which your yes counts (UTC). Default: it has no end but the platform's."`
	No       bool     `xor:"answer" help:"Say no: the release does not come there until you withdraw it."`
	Withdraw bool     `xor:"answer" help:"Take back what you said."`
	Key      string   `placeholder:"FILE" help:"Your private key, or a public one whose other half an ssh-agent holds. Default: the agent's key that platform.yaml knows, else ~/.ssh/id_ed25519."`
}

// Help implements kong.HelpProvider.
func (signOffCommand) Help() string {
	return `Shows a release as it is to come to ENV, with its digests, its checks and what it would change there, and who has
signed for it. With --as it then signs with your SSH key (ssh-ed25519), which platform.yaml has under people.NAME.keys, and records it
beside the artifacts of ENV. What is signed are the digests: it counts for these bytes in this environment and nothing else.

Example: slipway sign-off v1.4.0 prod --as qa --comment "read the report"

` + exitHelp
}

// Run implements the command.
func (c *signOffCommand) Run(s *session) error {
	version, env, err := versionAndEnvironment(c.Words)
	if err != nil {
		return err
	}
	if c.As == "" {
		if c.No || c.Withdraw || c.Comment != "" || c.Key != "" || c.Until != "" {
			return slipway.Errorf(slipway.Invalid, "say in which role you sign").WithFix("such as: slipway sign-off %s --as qa", strings.Join(c.Words, " "))
		}
		return s.reading("", func(f *pipeline.Flow) error { return c.look(s, f, version, env) })
	}
	return s.changing("sign-off for "+env, func(f *pipeline.Flow) error { return c.sign(s, f, version, env) })
}

// look shows a release, and signs nothing.
func (c *signOffCommand) look(s *session, f *pipeline.Flow, version, env string) error {
	r, err := f.Review(s.ctx, f.Project.Manifest.App, version, env)
	if err != nil {
		return err
	}
	if s.globals.JSON {
		return printJSON(s.env.Stdout, r)
	}
	s.printReview(s.env.Stdout, r)
	return nil
}

func (c *signOffCommand) sign(s *session, f *pipeline.Flow, version, env string) error {
	app := f.Project.Manifest.App
	r, err := f.Review(s.ctx, app, version, env)
	if err != nil {
		return err
	}
	if !s.globals.JSON {
		s.printReview(s.talk, r)
	}
	answer := slipway.Yes
	switch {
	case c.No:
		answer = slipway.No
	case c.Withdraw:
		answer = slipway.Withdrawn
	}
	var until time.Time
	if c.Until != "" {
		if until, err = lastDay(c.Until); err != nil {
			return err
		}
	}
	out, err := c.say(s, f, r, answer, until)
	if err != nil {
		return err
	}
	if r, err = f.Review(s.ctx, app, r.Release.Version, env); err != nil {
		return err
	}
	promoted, late, err := s.promoteSigned(f, app, r.Release.Version, env)
	if err != nil {
		return err
	}
	if s.globals.JSON {
		return printJSON(s.env.Stdout, map[string]any{"signed": out, "standing": r.Standing, "promoted": promoted})
	}
	said := out.SignOff.String()
	if !out.Made {
		said += " (as before)"
	}
	fmt.Fprintln(s.env.Stdout, said)
	switch {
	case promoted:
		fmt.Fprintf(s.env.Stdout, "all have signed: %s is promoted to %s\n", r.Release.Version, env)
	case late != nil:
		fmt.Fprintf(s.env.Stdout, "all have signed, and it is not promoted: %v\n  -> %s\n", late, indent(slipway.FixOf(late), 5))
	default:
		fmt.Fprint(s.env.Stdout, missing(r.Standing))
	}
	return nil
}

// promoteSigned promotes a release that all have signed for, where its manifest asks for
// that. A server does it by itself. late is why it cannot be promoted yet.
func (s *session) promoteSigned(f *pipeline.Flow, app, version, env string) (promoted bool, late, err error) {
	if f.Elsewhere != nil {
		return false, nil, nil
	}
	emit := f.Emit
	f.Emit = func(pipeline.Event) {} // it is told with what came of the sign-off
	defer func() { f.Emit = emit }()
	out, err := f.PromoteSigned(s.ctx, promote.Input{App: app, Version: version, By: s.env.User}, env)
	if slipway.KindOf(err) == slipway.Blocked && err != nil {
		return false, err, nil
	}
	return out != nil, nil, err
}

// say signs with a key of the person's, or has the server sign for who has none.
func (c *signOffCommand) say(s *session, f *pipeline.Flow, r pipeline.Review, answer slipway.Answer, until time.Time) (promote.Signed, error) {
	who, err := identity.Find(s.ctx, s.keys(c.Key), f.Policy(), c.As)
	if err != nil {
		out, err := c.signRemote(s, r, answer, until, err)
		if err != nil || out.Signed == nil {
			return promote.Signed{}, err
		}
		return *out.Signed, nil
	}
	return f.SignOff(s.ctx, promote.Signing{
		Input: promote.Input{App: r.Release.App, Version: r.Release.Version, By: s.env.User},
		Role:  c.As, Person: who.Name, Key: who, Answer: answer, Comment: c.Comment, Until: until,
	}, r.Standing.Environment)
}

// keys says where a person's key is looked for.
func (s *session) keys(file string) identity.Config {
	if file != "" {
		file = s.path(file)
	}
	return identity.Config{
		File: file, Agent: s.env.getenv("SSH_AUTH_SOCK"), Home: s.env.getenv("HOME"), Passphrase: s.env.Passphrase,
	}
}

// printReview shows what is signed, and by whom it is already.
func (s *session) printReview(w io.Writer, r pipeline.Review) {
	st := r.Standing
	if r.From == st.Environment {
		fmt.Fprintf(w, "%s %s in %s\n", st.App, st.Version, st.Environment)
	} else {
		fmt.Fprintf(w, "%s %s, from %s to %s\n", st.App, st.Version, r.From, st.Environment)
	}
	fmt.Fprintf(w, "  record %s\n  commit %s, made by %s\n", st.Record, r.Release.Source.Commit, r.Release.By)
	for _, a := range r.Release.Files() {
		fmt.Fprintf(w, "  %s %s\n", a.Digest, a.Name)
	}
	for _, c := range r.Checks {
		fmt.Fprintf(w, "  check %s: %s\n", c.Name, c.Verdict)
	}
	switch {
	case r.Plan == nil:
		fmt.Fprintf(w, "  what it changes in %s cannot be shown: %s\n", st.Environment, r.NoPlan)
	case r.Plan.Empty():
		fmt.Fprintf(w, "  it changes nothing in %s\n", st.Environment)
	default:
		fmt.Fprintf(w, "  what it changes in %s:\n", st.Environment)
		for _, c := range r.Plan.Changes {
			s.printChange(w, c)
		}
	}
	printSignOffs(w, st.Said)
	fmt.Fprint(w, missing(st))
}

// printSignOffs shows who said what, and why it does not count.
func printSignOffs(w io.Writer, all []promote.Said) {
	for _, said := range all {
		note := ""
		if !said.Counts {
			note = " (does not count: " + said.Why + ")"
		}
		fmt.Fprintf(w, "  %s%s\n", said.SignOff, note)
	}
}

// missing says whom a release waits for, a line each.
func missing(st promote.Standing) string {
	err := st.Err()
	switch {
	case err == nil && len(st.Roles) == 0:
		return "" // only guard rails ask for it
	case err == nil:
		return fmt.Sprintf("all have signed: slipway promote %s %s\n", st.Version, st.Environment)
	}
	return err.Error() + "\n  -> " + indent(slipway.FixOf(err), 5) + "\n"
}
