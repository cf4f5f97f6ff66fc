package server

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/merge"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/server/comment"
	"github.com/slipway-cd/slipway/store"
)

// shipHere takes the head of an open pull request along the road; of a merged one, what
// became of it on the default branch.
func (s *Server) shipHere(ctx context.Context, r order) (answer, error) {
	a, err := s.appOf(ctx, r, access.Deploy)
	if err != nil {
		return answer{}, err
	}
	commit := a.Commit
	switch state := r.facts.PullRequest.State; state {
	case "merged":
	case "open":
		if commit, err = r.headNow(); err != nil {
			return answer{}, err
		}
	default:
		return answer{}, slipway.Errorf(slipway.Invalid, "the pull request is %s", state)
	}
	j, err := s.change(ctx, r.place(a), r.key(), jobShip, access.Deploy, commit, func(a store.App) (any, error) {
		return delivery{at: r.at, App: a.Name, Folder: a.Folder, Commit: commit, Environment: r.Environment}, nil
	})
	return jobAnswerOf(j), err
}

// place is where a command acts.
func (r order) place(a store.App) PlacePath {
	return PlacePath{AppPath: AppPath{App: a.Name}, Environment: r.Environment}
}

// jobAnswerOf is an answer that a job completes.
func jobAnswerOf(j *Job) answer {
	if j == nil {
		return answer{}
	}
	return answer{Job: j.Body.ID}
}

func (s *Server) deployHere(ctx context.Context, r order) (answer, error) {
	a, err := s.appOf(ctx, r, access.Deploy)
	if err != nil {
		return answer{}, err
	}
	in := DeployRequest{Version: r.Version}
	j, err := s.change(ctx, r.place(a), r.key(), jobDeploy, access.Deploy, in, func(a store.App) (any, error) {
		return deployment{App: a.Name, Environment: r.Environment, DeployRequest: in}, nil
	})
	return jobAnswerOf(j), err
}

func (s *Server) rollbackHere(ctx context.Context, r order) (answer, error) {
	a, err := s.appOf(ctx, r, access.Rollback)
	if err != nil {
		return answer{}, err
	}
	j, err := s.change(ctx, r.place(a), r.key(), jobRollback, access.Rollback, r.Deployment, func(a store.App) (any, error) {
		return deployment{App: a.Name, Environment: r.Environment, To: r.Deployment}, nil
	})
	return jobAnswerOf(j), err
}

func (s *Server) stopHere(ctx context.Context, r order) (answer, error) {
	a, err := s.appOf(ctx, r, access.Stop)
	if err != nil {
		return answer{}, err
	}
	j, err := s.change(ctx, r.place(a), r.key(), jobStopRun, access.Stop, r.Run, func(a store.App) (any, error) {
		return running{App: a.Name, Environment: r.Environment, ID: r.Run}, nil
	})
	return jobAnswerOf(j), err
}

// cancelHere stops the job that is named, or what goes on for this pull request: its
// checks, and what comments on it began.
func (s *Server) cancelHere(ctx context.Context, r order) (answer, error) {
	if err := s.stranger(ctx, r, access.Deploy); err != nil {
		return answer{}, err
	}
	jobs := []int64{r.Job}
	if r.Job == 0 {
		var err error
		if jobs, err = s.goingOn(ctx, r); err != nil {
			return answer{}, err
		}
	}
	var stopped []string
	for _, id := range jobs {
		j, err := s.stop(ctx, id)
		if err != nil {
			return answer{}, err
		}
		if j.Stop != "" {
			stopped = append(stopped, fmt.Sprintf("job %d", id))
		}
	}
	if len(stopped) == 0 {
		return answer{Text: "There is nothing to stop."}, nil
	}
	return answer{Text: "Stopped: " + strings.Join(stopped, ", ") + "."}, nil
}

// goingOn are the jobs that go on for a pull request.
func (s *Server) goingOn(ctx context.Context, r order) ([]int64, error) {
	open := []store.JobState{store.JobWaiting, store.JobRunning}
	all, err := s.store.Jobs(ctx, store.JobFilter{States: open}, 10_000)
	if err != nil {
		return nil, err
	}
	var ids []int64
	for _, j := range all {
		t, _, byComment := askedBy(j.Key)
		if j.Subject == "check/"+r.String() || byComment && t.asked == r.asked {
			ids = append(ids, j.ID)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// checkAgain has the checks of the head asked once more.
func (s *Server) checkAgain(ctx context.Context, r order) (answer, error) {
	if !r.known && !mayWrite(r.facts.Permissions[r.row.Login]) {
		return answer{}, s.stranger(ctx, r, access.Build)
	}
	var out answer
	err := s.store.Change(ctx, func(tx *store.Tx) error {
		row, _, err := tx.PullRequest(ctx, r.Forge, r.Repository, r.Number)
		if err != nil {
			return err
		}
		f, err := factsOf(row)
		if err != nil {
			return err
		}
		if merge.MayBuild(f).Missing() {
			return notLetBuild(f.PullRequest.Head)
		}
		check := s.checkingOf(r.asked, f)
		if !row.Open || len(check.Apps) == 0 {
			out.Text = "There is nothing to check."
			return nil
		}
		check.Again = true
		subject := "check/" + r.String()
		j, made, err := s.enqueue(ctx, tx, store.Job{
			Key: "check/" + keyOf(r.remark, r.nth), Kind: jobCheck, Subject: subject, Input: toJSON(check), Made: s.Clock(), By: r.row.Login,
		})
		out.Job = j.ID
		if err != nil || !made {
			return err
		}
		if err := tx.Replace(ctx, subject, jobCheck, j.ID, r.row.Login+" asked again", s.Clock()); err != nil {
			return err
		}
		f.Checks = queued(f.Rules, check, s.Clock())
		return s.settle(ctx, tx, row, f)
	})
	return out, err
}

// letBuild says what came of a word that lets a commit be built: that is a matter of
// the merge requirements.
func (s *Server) letBuild(ctx context.Context, r order) (answer, error) {
	pr := r.facts.PullRequest
	need := merge.MayBuild(r.facts)
	switch {
	case !pr.Fork:
		return answer{Text: "It comes from no fork, so it is built anyway."}, nil
	case !need.Missing():
		return answer{Text: fmt.Sprintf("`%s` is built and checked.", short(pr.Head))}, nil
	case !strings.HasPrefix(pr.Head, strings.ToLower(r.Commit)) || len(r.Commit) < 8:
		return answer{}, slipway.Errorf(slipway.Conflict, "the head of this pull request is %s now", short(pr.Head)).
			WithFix("look at it, and write: %s build %s", comment.Word, short(pr.Head))
	}
	return answer{}, s.stranger(ctx, r, access.Build)
}

// explainHere says what the pull request waits for, or what keeps the next release
// out of an environment.
func (s *Server) explainHere(ctx context.Context, r order) (answer, error) {
	if r.Environment == "" {
		return answer{Text: merge.Markdown(merge.Evaluate(r.facts))}, nil
	}
	a, err := s.appOf(ctx, r, access.Read)
	if err != nil {
		return answer{}, err
	}
	var text string
	_, err = s.ofApp(ctx, r.job, a.Name, func(f *pipeline.Flow) (any, error) {
		x, err := f.Explain(ctx, r.Environment)
		if err != nil {
			return nil, err
		}
		err = s.unservedOf(ctx, &x)
		text = explained(x)
		return nil, err
	})
	return answer{Text: text}, err
}

// unservedOf adds to an explanation the jobs of the app that nobody can do.
func (s *Server) unservedOf(ctx context.Context, x *pipeline.Explanation) error {
	const newest = 100
	jobs, err := s.store.Jobs(ctx, store.JobFilter{Subject: subjectOf(x.App), States: []store.JobState{store.JobWaiting}}, newest)
	if err == nil {
		err = s.withWaits(ctx, jobs)
	}
	Unserved(x, jobs)
	return err
}

// explained is an explanation as a comment shows it.
func explained(x pipeline.Explanation) string {
	var b strings.Builder
	if x.Open {
		fmt.Fprintf(&b, "Nothing keeps `%s` of `%s` out of `%s`.\n", plainText(x.Version), plainText(x.App), plainText(x.Environment))
	} else {
		fmt.Fprintf(&b, "`%s` of `%s` may not come to `%s`:\n\n", plainText(x.Version), plainText(x.App), plainText(x.Environment))
	}
	for _, g := range x.Gates {
		fmt.Fprintf(&b, "- %s: %s", plainText(g.Name), plainText(g.Why))
		if g.Fix != "" {
			b.WriteString(" → " + plainText(g.Fix))
		}
		b.WriteString("\n")
	}
	for _, h := range x.Rails {
		fmt.Fprintf(&b, "- %s\n", plainText(h.String()))
	}
	return b.String()
}

// planHere shows what this change, or a release, would change in an environment.
func (s *Server) planHere(ctx context.Context, r order) (answer, error) {
	a, err := s.appOf(ctx, r, access.Read)
	if err != nil {
		return answer{}, err
	}
	in := proposing{asked: r.asked, App: a.Name, Folder: a.Folder, Environment: r.Environment, Version: r.Version}
	if r.Version == "" {
		if r.facts.PullRequest.Fork {
			return answer{}, slipway.Errorf(slipway.Blocked, "no runtime is asked about a commit from a fork")
		}
		if in.Commit, err = r.headNow(); err != nil {
			return answer{}, err
		}
	}
	j, err := s.change(ctx, r.place(a), r.key(), jobPropose, access.Read, in, func(store.App) (any, error) { return in, nil })
	return jobAnswerOf(j), err
}

// proposing is the input of a job that shows a plan.
type proposing struct {
	asked
	App         string `json:"app"`
	Folder      string `json:"folder"`
	Environment string `json:"environment"`
	Commit      string `json:"commit,omitempty"` // the source that is planned for; empty: the release Version
	Version     string `json:"version,omitempty"`
}

// A proposal is a plan, as Markdown.
type proposal struct {
	Text string `json:"text"`
}

// propose shows a plan. It changes nothing.
func (s *Server) propose(ctx context.Context, j store.Job) (done, error) {
	in, err := input[proposing](j)
	if err != nil {
		return done{}, err
	}
	var b strings.Builder
	if in.Commit == "" {
		return s.ofApp(ctx, j, in.App, func(f *pipeline.Flow) (any, error) {
			plan, err := f.Plan(ctx, pipeline.DeployInput{App: in.App, Environment: in.Environment, Version: in.Version})
			if err != nil {
				return nil, err
			}
			err = s.PlanText(&b, plan)
			return proposal{cutText(b.String(), mostNote)}, err
		})
	}
	err = s.checkedOut(ctx, in.at, in.Commit, func(dir string) error {
		return s.inCopyAs(ctx, j, filepath.Join(dir, filepath.FromSlash(in.Folder)), true, func(f *pipeline.Flow) error {
			src, _, err := f.Project.Git.Source(ctx, f.Project.Folder, false)
			if err != nil {
				return err
			}
			plan, err := f.PlanSource(ctx, src, in.Environment, "")
			if err != nil {
				return err
			}
			return s.PlanText(&b, plan)
		})
	})
	return done{value: proposal{cutText(b.String(), mostNote)}}, err
}
