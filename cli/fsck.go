package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/fsck"
	"github.com/slipway-cd/slipway/ledger/tree"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/store"
)

type fsckCommand struct {
	inDatabase
	Environments []string `arg:"" optional:"" name:"env" help:"The environments. Default: all of the platform file."`
	Data         string   `placeholder:"DIR" env:"SLIPWAY_DATA" help:"The data folder of the server that has the last word over the environments. Default: there is none."`
	Mend         bool     `help:"Put right what can be put right without a doubt: fetch bytes that are missing from another repository which has them, proven by their digest."`
	Quick        bool     `help:"Compare sizes, and do not read the artifacts."`
	NoJobs       bool     `help:"Do not ask the runtimes."`
	All          bool     `help:"Show notes too: what is explained, and wrong nowhere. They are shown anyway where the ledger went back."`
}

// Help implements kong.HelpProvider.
func (fsckCommand) Help() string {
	return `Holds the ledger, the artifact repository and the runtime of each environment against each other, for all apps, and explains
every disagreement: after a restore, a lost disk, or a change by hand. Nothing is ever removed or written over, with --mend neither.
It may be called while a server works.

Example: slipway fsck --data /var/lib/slipway --platform platform.yaml

Exit codes: 0 they agree, or what was wrong is mended; 1 something is wrong, and is named; others as for slipway ship.`
}

// Run implements the command.
func (c *fsckCommand) Run(s *session) error {
	var reports []fsck.Report
	err := c.open(s, func(f *pipeline.Flow, head headCheck) error {
		names := c.Environments
		if len(names) == 0 {
			names = f.Project.Platform.EnvironmentNames()
		}
		for _, name := range names {
			r, err := f.Fsck(s.ctx, name, pipeline.FsckOptions{
				Quick: c.Quick, Mend: c.Mend, NoJobs: c.NoJobs, Head: head, Progress: s.looksAt(name),
			})
			s.talk.close()
			if err != nil {
				return err
			}
			reports = append(reports, r)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if s.globals.JSON {
		err = printJSON(s.env.Stdout, reports)
	} else {
		s.printFsck(reports, c.All)
	}
	if err != nil {
		return err
	}
	return judgeFsck(reports)
}

// open opens the environments for fn: those of a server by its database, else those of
// the app's platform file.
func (c *fsckCommand) open(s *session, fn func(*pipeline.Flow, headCheck) error) error {
	if c.Data == "" && c.Database == "" {
		return s.reading("", func(f *pipeline.Flow) error { return fn(f, nil) })
	}
	if s.globals.Platform == "" {
		s.globals.Platform = nearestPlatform(s.env.Dir)
	}
	shared, err := c.where(s)
	if err != nil {
		return err
	}
	menu, err := s.shapes()
	if err != nil {
		return err
	}
	where := s.whereabouts("", menu)
	if s.globals.Platform == "" {
		return slipway.Errorf(slipway.Invalid, "which environments there are is in the platform file, and there is none here or above").WithFix("name it with --platform")
	}
	where.Platform = filepath.Clean(s.path(s.globals.Platform))
	parts, database := s.env.Parts, shared
	if shared != "" {
		where.State, parts.State = filepath.Join(s.path(cmp.Or(c.Data, dataFolder)), "state"), s.env.Shared(shared)
	} else {
		file, found := store.FileIn(s.path(c.Data))
		if !found {
			return slipway.Errorf(slipway.NotFound, "there is no server's database in %s", s.path(c.Data)).WithFix("name the server's data folder with --data")
		}
		where.State, database = filepath.Dir(file), file
	}
	p, err := pipeline.OpenPlatform(where)
	if err != nil {
		return err
	}
	on := s.config(p, "")
	on.Parts, on.Authority = parts, "this server" // the last word over every environment is in its database
	st, err := store.OpenReadOnly(s.ctx, database)
	if err != nil {
		return err
	}
	defer st.Close()
	return run(s.ctx, on, pipeline.NewReader, func(f *pipeline.Flow) error { return fn(f, goesOn(st, where.State)) })
}

// A headCheck holds a ledger against a head that its server made known.
type headCheck func(context.Context, pipeline.PublishedHead) (back, err error)

// goesOn holds a server's ledger against the head in its data folder, and against one
// that it made known.
func goesOn(st *store.Store, keys string) headCheck {
	return func(ctx context.Context, h pipeline.PublishedHead) (back, err error) {
		public, err := st.PublicKey(ctx, keys)
		if err != nil {
			return nil, err
		}
		mine, err := tree.ReadSighting(keys)
		if err != nil {
			return nil, err
		}
		for _, x := range []tree.Sighting{mine, {Head: h.Head, Time: h.Time}} {
			if _, err := st.Recall(ctx, x, public); err != nil && (errors.Is(err, store.ErrBack) || slipway.KindOf(err) == slipway.Invalid) {
				return err, nil
			} else if err != nil {
				return nil, err
			}
		}
		return nil, nil
	}
}

// looksAt shows on a terminal which app of an environment is looked at.
func (s *session) looksAt(env string) func(app string) {
	if !s.talk.live || s.globals.JSON {
		return nil
	}
	s.talk.event(pipeline.Event{Stage: env, State: pipeline.Started})
	return func(app string) { s.talk.event(pipeline.Event{Stage: env, State: pipeline.Progress, Text: app}) }
}

func (s *session) printFsck(reports []fsck.Report, all bool) {
	w := s.env.Stdout
	for _, r := range reports {
		notes := 0
		back := slices.ContainsFunc(r.Findings, func(f fsck.Finding) bool { return f.Kind == fsck.LedgerBack })
		for _, f := range r.Findings {
			if f.Kind.Note() && !all && !back { // what the ledger lost is among the notes
				notes++
				continue
			}
			s.printFinding(f)
		}
		fmt.Fprintf(w, "%s: %s, %s of the ledger, %s, %s", r.Environment, counted(r.Apps, "app"), plural(r.Entries, "entry", "entries"), plural(r.Objects, "object", "objects"), counted(r.Jobs, "job"))
		if notes > 0 {
			fmt.Fprintf(w, "; %s (--all shows them)", counted(notes, "note"))
		}
		if r.Wrong() == 0 {
			fmt.Fprint(w, "; "+s.talk.paint(green, "they agree"))
		}
		fmt.Fprintln(w)
	}
}

func (s *session) printFinding(f fsck.Finding) {
	word, colour := "wrong", red
	switch {
	case f.Mended:
		word, colour = "mended", green
	case f.Kind.Note():
		word, colour = "note", faint
	}
	at := f.Environment + ", " + f.App
	if f.Key != "" {
		at += ", " + f.Key
	}
	fmt.Fprintf(s.env.Stdout, "%s %s: %s (%s)\n", s.talk.paint(colour, word), at, f.Text, f.Kind)
	if f.Fix != "" && !f.Mended {
		fmt.Fprintf(s.env.Stdout, "  -> %s\n", f.Fix)
	}
}

// judgeFsck is the error for what is wrong.
func judgeFsck(reports []fsck.Report) error {
	wrong, mendable := 0, 0
	for _, r := range reports {
		wrong += r.Wrong()
		for _, f := range r.Findings {
			if f.Mendable && !f.Mended {
				mendable++
			}
		}
	}
	if wrong == 0 {
		return nil
	}
	err := slipway.Errorf(slipway.Failed, "the ledger, the repositories and the runtimes do not agree: %s", counted(wrong, "disagreement"))
	if mendable > 0 {
		return err.WithFix("--mend puts %d of them right", mendable)
	}
	return err.WithFix("each says above what to do about it")
}
