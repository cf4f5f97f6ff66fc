package cli

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/slipway-cd/slipway/dossier"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/server/client"
)

type dossierCommand struct {
	Release string `arg:"" help:"The release."`
	Env     string `placeholder:"ENV" help:"The last environment on the road. Default: the farthest that has the release."`
	Output  string `short:"o" placeholder:"FILE" help:"The file to write; - for standard output. Default: APP-RELEASE.dossier.jsonl."`
}

// Help implements kong.HelpProvider.
func (dossierCommand) Help() string {
	return `It writes one file that proves the release from commit to production: its record, the signed statements about it, and the ledger of
each environment that it went through. The last line seals it with the key of the machine that wrote it (with --server, the
server's), so that nothing can be left out later.

Example: slipway dossier v1.4.0 --env prod -o v1.4.0.jsonl

` + exitHelp
}

// Run implements the command.
func (c *dossierCommand) Run(s *session) error {
	done, err := s.elsewhere("", func(at *client.Client, app string) error {
		data, err := at.Dossier(s.ctx, app, c.Release, c.Env)
		if err != nil {
			return err
		}
		h, err := dossier.HeaderOf(data)
		if err != nil {
			return err
		}
		return c.write(s, h, data)
	})
	if done {
		return err
	}
	return s.reading("", func(f *pipeline.Flow) error {
		var out bytes.Buffer
		h, err := f.WriteDossier(s.ctx, &out, f.Project.Manifest.App, c.Release, c.Env, s.env.User)
		if err != nil {
			return err
		}
		return c.write(s, h, out.Bytes())
	})
}

// write writes a dossier where it was asked for.
func (c *dossierCommand) write(s *session, h dossier.Header, data []byte) error {
	if c.Output == "-" {
		_, err := s.env.Stdout.Write(data)
		return err
	}
	name := c.Output
	if name == "" {
		name = fmt.Sprintf("%s-%s.dossier.jsonl", h.App, h.Version)
	}
	if err := writeFile(s.path(name), data); err != nil {
		return err
	}
	s.talk.say("%s %s through %s; slipway verify %s checks it, without network", h.App, h.Version, strings.Join(h.Environments, ", "), name)
	if s.globals.JSON {
		return printJSON(s.env.Stdout, map[string]any{"file": name, "app": h.App, "version": h.Version, "environments": h.Environments})
	}
	fmt.Fprintln(s.env.Stdout, name)
	return nil
}
