package cli

import (
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/promote"
	"github.com/slipway-cd/slipway/server"
	"github.com/slipway-cd/slipway/store"
)

// isSet reports whether several releases are meant, of an app each.
func (c *promoteCommand) isSet() bool {
	return c.Set != "" || slices.ContainsFunc(c.Words, func(w string) bool { return strings.Contains(w, "@") })
}

// promoteSet takes releases of several apps to an environment, all or none.
func (c *promoteCommand) promoteSet(s *session) error {
	in, err := c.set(s)
	if err != nil {
		return err
	}
	at, err := s.remote()
	if err != nil {
		return err
	}
	if at != nil {
		out, err := asked[promote.SetOutput](s, at, func(key string) (store.Job, error) {
			var members []server.SetRelease
			for _, m := range in.Members {
				members = append(members, server.SetRelease{App: m.App, Version: m.Version})
			}
			return at.PromoteSet(s.ctx, key, in.Environment, server.SetRequest{Members: members})
		})
		return s.showSet(out, err)
	}
	return s.changing("promote a set to "+in.Environment, func(f *pipeline.Flow) error {
		in.By = s.env.User
		out, err := f.PromoteSet(s.ctx, in)
		return s.showSet(out, err)
	})
}

func (s *session) showSet(out promote.SetOutput, err error) error {
	if err != nil || !s.globals.JSON {
		return err
	}
	return printJSONLine(s.env.Stdout, map[string]any{"result": out})
}

// set reads which releases are meant: the words before the environment, and the lines
// of the file.
func (c *promoteCommand) set(s *session) (pipeline.SetInput, error) {
	n := len(c.Words) - 1
	in, texts := pipeline.SetInput{Environment: c.Words[n]}, slices.Clone(c.Words[:n])
	if strings.Contains(in.Environment, "@") {
		return in, slipway.Errorf(slipway.Invalid, "say where to").WithFix("put the environment at the end: slipway promote %s ENV", strings.Join(c.Words, " "))
	}
	if c.Set != "" {
		data, err := s.readFile(c.Set)
		if err != nil {
			return in, err
		}
		for line := range strings.Lines(string(data)) {
			line, _, _ = strings.Cut(line, "#")
			texts = append(texts, strings.Fields(line)...)
		}
	}
	if len(texts) == 0 {
		return in, slipway.Errorf(slipway.Invalid, "%s names no release", c.Set).WithFix("write one a line, as APP@VERSION, such as roads@v1.4.0")
	}
	for _, text := range texts {
		m, err := pipeline.ReadSetMember(text)
		if err != nil {
			return in, err
		}
		in.Members = append(in.Members, m)
	}
	return in, nil
}
