package server

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/merge"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/store"
)

// checking is the input of a job that builds and checks what is proposed.
type checking struct {
	asked
	Head  string     `json:"head"`
	Base  string     `json:"base,omitempty"` // the branch that it is to be merged into
	Apps  []checkApp `json:"apps"`
	Again bool       `json:"again,omitempty"` // checks that have passed are asked once more
}

type checkApp struct {
	Name   string   `json:"name"`
	Folder string   `json:"folder"`
	RunsOn []string `json:"runs_on,omitempty"` // the labels that it needs at the head
	Push   []string `json:"push,omitempty"`    // the environments that it is planned for
}

// buildCheck is the name under which a build counts among the checks.
const buildCheck = "build"

// checkHead has the head checked, if it may be and is not yet, and returns where
// the checks stand.
func (s *Server) checkHead(ctx context.Context, tx *store.Tx, in asked, f merge.Facts) ([]merge.CheckFact, error) {
	if merge.MayBuild(f).Missing() {
		return f.Checks, nil
	}
	c := s.checkingOf(in, f)
	if len(c.Apps) == 0 {
		return f.Checks, nil
	}
	subject := "check/" + in.String()
	j, made, err := s.enqueue(ctx, tx, store.Job{
		Key: subject + "/" + c.Head, Kind: jobCheck, Subject: subject, Input: toJSON(c), Made: s.Clock(), By: f.PullRequest.Author,
	})
	if err != nil || !made {
		return f.Checks, err
	}
	if err := tx.Replace(ctx, subject, jobCheck, j.ID, "a newer commit, "+short(c.Head)+", takes its place", s.Clock()); err != nil {
		return nil, err
	}
	return queued(f.Rules, c, s.Clock()), nil
}

// checkingOf says which apps of the head are to be checked: those that it touches.
func (s *Server) checkingOf(in asked, f merge.Facts) checking {
	c := checking{asked: in, Head: f.PullRequest.Head, Base: f.PullRequest.Base}
	for _, app := range f.Rules.Apps {
		if app.Head != nil && (app.Head.Gone || app.Head.Problem != "") || !touched(f.PullRequest.Files, app.Folder) {
			continue
		}
		one := checkApp{Name: app.Name, Folder: app.Folder}
		if app.Head != nil {
			one.RunsOn = app.Head.RunsOn
			if !f.PullRequest.Fork { // for which nothing is planned
				one.Push = s.goesTo(app.Head.Push)
			}
		}
		c.Apps = append(c.Apps, one)
	}
	return c
}

// queued are the checks of a head before any of them has answered.
func queued(r merge.Rules, c checking, now time.Time) []merge.CheckFact {
	var all []merge.CheckFact
	for _, app := range c.Apps {
		all = append(all, merge.CheckFact{App: app.Name, Name: buildCheck, Commit: c.Head, State: "queued", Required: true, Since: now})
		for _, known := range r.Apps {
			if known.Name != app.Name {
				continue
			}
			for _, ch := range known.Checks {
				all = append(all, merge.CheckFact{App: app.Name, Name: ch.Name, Commit: c.Head, State: "queued", Required: ch.Required, Since: now})
			}
		}
	}
	return all
}

// check builds and checks the apps that a pull request touches.
func (s *Server) check(ctx context.Context, j store.Job) (done, error) {
	in, err := input[checking](j)
	if err != nil {
		return done{}, err
	}
	row, _, err := s.store.PullRequest(ctx, in.Forge, in.Repository, in.Number)
	if err != nil {
		return done{}, err
	}
	facts, err := factsOf(row)
	if err != nil {
		return done{}, err
	}
	if err := s.tellQueued(ctx, in.asked, ""); err != nil {
		return done{}, err
	}
	results, notes := map[string][]slipway.CheckResult{}, map[string]string{}
	var plans []merge.PlanFact
	err = s.checkedOut(ctx, in.at, in.Head, func(dir string) error {
		for _, app := range in.Apps {
			r, err := s.checkOne(ctx, j, in, app, dir)
			if err != nil {
				return err
			}
			results[app.Name] = r
			if facts.PullRequest.Head != in.Head {
				continue
			}
			if notes[app.Name], err = s.notebooks(ctx, in.at, facts.PullRequest, app.Folder); err != nil {
				return err
			}
			if facts.PullRequest.Fork || r[0].Verdict != slipway.Pass {
				continue
			}
			text, planned, err := s.plans(ctx, j, in, filepath.Join(dir, filepath.FromSlash(app.Folder)))
			if err != nil {
				return err
			}
			notes[app.Name], plans = text+notes[app.Name], append(plans, planned...)
		}
		return nil
	})
	if err != nil {
		return done{}, err
	}
	return done{value: results, then: func(ctx context.Context, tx *store.Tx) error {
		for app, r := range results {
			if err := tx.PutCheckResults(ctx, in.Forge, in.Repository, in.Head, app, j.ID, r, notes[app]); err != nil {
				return err
			}
		}
		return s.checked(ctx, tx, in, results, plans)
	}}, nil
}

// checkOne builds and checks one app. What the app itself does wrong is a result;
// an error is what keeps us from asking.
func (s *Server) checkOne(ctx context.Context, j store.Job, in checking, app checkApp, dir string) ([]slipway.CheckResult, error) {
	var results []slipway.CheckResult
	began := s.Clock()
	built := slipway.CheckResult{Name: buildCheck, Required: true, Verdict: slipway.Pass}
	err := s.inCopy(ctx, j, filepath.Join(dir, filepath.FromSlash(app.Folder)), func(f *pipeline.Flow) error {
		src, _, err := f.Project.Git.Source(ctx, f.Project.Folder, false)
		if err != nil {
			return err
		}
		if in.Base != "" {
			if f.Base, err = f.Project.Git.MergeBase(ctx, in.Head, in.Base); err != nil {
				return err
			}
		}
		b, err := f.Build(ctx, src)
		built.Duration = s.Clock().Sub(began)
		if err != nil {
			return err
		}
		results, err = f.Check(ctx, src, b, in.Again)
		if slipway.KindOf(err) == slipway.Failed && len(results) > 0 {
			return nil // which the results say
		}
		return err
	})
	switch slipway.KindOf(err) {
	default: // what keeps us from asking
	case slipway.Failed, slipway.Invalid, slipway.NotFound:
		built.Verdict, built.Reasons = slipway.Fail, []string{err.Error()}
		if fix := slipway.FixOf(err); fix != "" {
			built.Reasons = append(built.Reasons, fix)
		}
		err = nil
	}
	return append([]slipway.CheckResult{built}, results...), err
}

// checked adds what the checks answered to the facts of the pull request, if it
// still proposes that commit.
func (s *Server) checked(ctx context.Context, tx *store.Tx, in checking, results map[string][]slipway.CheckResult, plans []merge.PlanFact) error {
	row, known, err := tx.PullRequest(ctx, in.Forge, in.Repository, in.Number)
	if err != nil || !known || row.Head != in.Head {
		return err
	}
	f, err := factsOf(row)
	if err != nil {
		return err
	}
	f.Checks, f.Plans = nil, plans
	for _, app := range in.Apps {
		for _, r := range results[app.Name] {
			f.Checks = append(f.Checks, merge.Answered(app.Name, in.Head, r))
		}
	}
	return s.settle(ctx, tx, row, f)
}

// short is a commit as people read it.
func short(commit string) string { return commit[:min(12, len(commit))] }

// checkName is how the forge shows a check of an app.
func checkName(app, check string) string { return fmt.Sprintf("slipway / %s / %s", app, check) }
