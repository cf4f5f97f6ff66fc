package server

import (
	"context"
	"fmt"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/store"
)

// pushed is a branch or tag that moved.
type pushed struct {
	at
	Ref    string `json:"ref"` // heads/main, tags/v1
	Commit string `json:"commit"`
	Known  bool   `json:"known,omitempty"` // its apps are kept, and nothing is delivered
}

// delivery is what a push comes to for one app, or what somebody asks for.
type delivery struct {
	at
	App         string `json:"app"`
	Folder      string `json:"folder"`
	Commit      string `json:"commit"`
	Version     string `json:"version,omitempty"` // empty: the source's own
	Tag         string `json:"tag,omitempty"`     // that was pushed; empty: it was a branch, or somebody asked
	Environment string `json:"environment"`

	RunsOn []string `json:"runs_on,omitzero"` // the labels that a build needs there; nil: nobody has looked

	Again bool                `json:"again,omitempty"` // checks that have passed are asked once more
	Drift slipway.DriftPolicy `json:"drift,omitempty"`
}

// push finds the apps at a commit. It keeps what their manifests say, and has those
// that are new or changed shipped to where they ask for.
func (s *Server) push(ctx context.Context, j store.Job) (done, error) {
	in, err := input[pushed](j)
	if err != nil {
		return done{}, err
	}
	p, err := s.platform()
	if err != nil {
		return done{}, err
	}
	var apps []pipeline.FoundApp
	err = s.checkedOut(ctx, in.at, in.Commit, func(dir string) error {
		apps, err = pipeline.Apps(ctx, s.where(dir))
		return err
	})
	if err != nil {
		return done{}, err
	}
	return done{then: func(ctx context.Context, tx *store.Tx) error {
		if strings.HasPrefix(in.Ref, "tags/") {
			return s.tagged(ctx, tx, in, p, apps)
		}
		return s.advanced(ctx, tx, in, p, apps)
	}}, nil
}

// where says to package pipeline in which copy of which repository it works.
func (s *Server) where(dir string) pipeline.Where { return s.whereBy(dir, s.settings.Load().text) }

// whereBy is where, by a platform file that may hold some time.
func (s *Server) whereBy(dir string, platform []byte) pipeline.Where {
	return pipeline.Where{Dir: dir, State: s.stateFolder(), Platform: s.Platform, PlatformText: platform, Environ: s.Environ, Shapes: s.Shapes}
}

// advanced keeps the apps of the default branch, and delivers those that changed.
func (s *Server) advanced(ctx context.Context, tx *store.Tx, in pushed, p *manifest.Platform, apps []pipeline.FoundApp) error {
	gone := map[string]bool{}
	had, err := tx.AppsOf(ctx, in.Forge, in.Repository)
	if err != nil {
		return err
	}
	for _, a := range had {
		gone[a.Name] = true
	}
	for _, a := range apps {
		if a.Err != nil {
			if err := s.refuse(ctx, tx, in, a.Folder, a.Err); err != nil {
				return err
			}
			for _, h := range had {
				if h.Folder == a.Folder {
					delete(gone, h.Name) // it is there, and was valid once
				}
			}
			continue
		}
		delete(gone, a.Manifest.App)
		if err := s.appAt(ctx, tx, in, p, a); err != nil {
			return err
		}
	}
	for name := range gone {
		if err := tx.DropApp(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// appAt keeps an app as it is at a commit of the default branch, and delivers it
// if it changed.
func (s *Server) appAt(ctx context.Context, tx *store.Tx, in pushed, p *manifest.Platform, a pipeline.FoundApp) error {
	before, known, err := tx.App(ctx, a.Manifest.App)
	if err != nil {
		return err
	}
	err = tx.PutApp(ctx, store.App{
		Name: a.Manifest.App, Forge: in.Forge, Repository: in.Repository, Folder: a.Folder, Team: a.Manifest.Team,
		Shape: a.Manifest.Shape.Name, Commit: in.Commit, Tree: a.Source.Tree, Updated: s.Clock(), RunsOn: a.Manifest.Build.RunsOn,
	})
	if slipway.KindOf(err) == slipway.Conflict {
		return s.refuse(ctx, tx, in, a.Folder, err)
	}
	if err != nil {
		return err
	}
	if in.Known || known && before.Tree == a.Source.Tree && before.Folder == a.Folder {
		return nil
	}
	to := a.Manifest.Deliver.Push
	if len(to) == 0 {
		to = usual(p)
	}
	return s.deliver(ctx, tx, in, a, to, "")
}

// tagged delivers the apps that a tag is meant for: each for which its manifest
// names environments.
func (s *Server) tagged(ctx context.Context, tx *store.Tx, in pushed, _ *manifest.Platform, apps []pipeline.FoundApp) error {
	tag := strings.TrimPrefix(in.Ref, "tags/")
	if err := slipway.CheckVersion(tag); err != nil {
		return s.refuse(ctx, tx, in, ".", err)
	}
	for _, a := range apps {
		if a.Err != nil {
			if err := s.refuse(ctx, tx, in, a.Folder, a.Err); err != nil {
				return err
			}
			continue
		}
		if err := s.deliver(ctx, tx, in, a, a.Manifest.Deliver.Tag, tag); err != nil {
			return err
		}
	}
	return nil
}

// usual is where a push goes if the manifest does not say: to the one environment
// that the platform has besides local and that follows no other, or to local where
// there is nothing else.
func usual(p *manifest.Platform) []string {
	var beginnings []string
	others := false
	for _, name := range p.EnvironmentNames() {
		e, _ := p.Environment(name)
		if e.IsLocal() {
			continue
		}
		others = true
		if e.Follows == "" {
			beginnings = append(beginnings, name)
		}
	}
	switch {
	case !others:
		return []string{slipway.LocalEnvironment}
	case len(beginnings) == 1:
		return beginnings
	}
	return nil
}

// deliver makes the jobs that ship an app. A tag is the release's version; empty: a
// branch was pushed.
func (s *Server) deliver(ctx context.Context, tx *store.Tx, in pushed, a pipeline.FoundApp, to []string, tag string) error {
	for _, env := range to {
		d := delivery{at: in.at, App: a.Manifest.App, Folder: a.Folder, Commit: in.Commit, Version: tag, Tag: tag, Environment: env, RunsOn: append([]string{}, a.Manifest.Build.RunsOn...)}
		j, _, err := s.enqueue(ctx, tx, store.Job{
			Key: fmt.Sprintf("ship/%s/%s/%s/%s", d.App, env, in.Commit, newID()), Kind: jobShip, Subject: subjectOf(d.App), Input: toJSON(d), Made: s.Clock(), By: s.author(a.Source),
		})
		if err != nil {
			return err
		}
		if a.Manifest.Deliver.Newest {
			if err := tx.Replace(ctx, j.Subject, jobShip, j.ID, "a newer commit, "+in.Commit[:12]+", takes its place", s.Clock()); err != nil {
				return err
			}
		}
	}
	return nil
}

func subjectOf(app string) string { return "app/" + app }

// author is who wrote a commit: a person of the platform, or the address that the
// commit gives.
func (s *Server) author(src slipway.Source) string {
	p, err := s.platform()
	if err == nil && p != nil {
		for name, person := range p.People {
			if person.Email != "" && strings.EqualFold(person.Email, src.Author) {
				return name
			}
		}
	}
	return src.Author
}

// refuse tells that what was pushed cannot be delivered, and why.
func (s *Server) refuse(ctx context.Context, tx *store.Tx, in pushed, folder string, why error) error {
	s.Log.WarnContext(ctx, "a push cannot be delivered", "repository", in.String(), "commit", in.Commit, "folder", folder, "error", why)
	return tx.Tell(ctx, store.Event{
		Time: s.Clock(), Kind: "push.refused", Subject: in.String(),
		Body: toJSON(map[string]any{"commit": in.Commit, "ref": in.Ref, "folder": folder, "outcome": outcomeOf(why)}),
	})
}
