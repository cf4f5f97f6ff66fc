package server

import (
	"context"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/forge"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/merge"
	"github.com/slipway-cd/slipway/server/comment"
	"github.com/slipway-cd/slipway/store"
)

// patience is how often a command in a comment is tried that lacks something for now.
// Then whoever wrote it is told.
const patience = 6

// An order is one command in a comment, with what it is about.
type order struct {
	remark
	comment.Command
	nth   int // of the comment's commands
	row   store.Comment
	facts merge.Facts
	job   store.Job
	known bool // whoever wrote it is a person of the platform
}

// key is the name under which it asks for a job.
func (r order) key() Idempotent { return Idempotent{Key: keyOf(r.remark, r.nth)} }

// obey does what a comment asks for, one command after the other. What came of each is
// kept before the next, so that a server that dies goes on behind it; each is of the
// kind that may be begun twice and is done once.
func (s *Server) obey(ctx context.Context, j store.Job) (done, error) {
	t, err := input[remark](j)
	if err != nil {
		return done{}, err
	}
	row, known, err := s.store.Comment(ctx, t.Forge, t.Repository, t.ID)
	if err != nil || !known {
		return done{}, err
	}
	answers, err := answersOf(row)
	if err != nil {
		return done{}, err
	}
	commands := comment.Read(row.Body)
	for i := len(answers); i < len(commands); i++ {
		a, err := s.obeyOne(ctx, j, row, commands[i], i)
		if err != nil {
			return done{}, err
		}
		answers = append(answers, a)
		row.Answers = toJSON(answers)
		if err := s.store.Change(ctx, func(tx *store.Tx) error { return tx.PutAnswers(ctx, row) }); err != nil {
			return done{}, err
		}
	}
	return done{value: answers, then: func(ctx context.Context, tx *store.Tx) error {
		return s.once(ctx, tx, jobAnswer, t.subject(), t, "server")
	}}, nil
}

// obeyOne does one command. An error is what may pass by itself; whatever else is
// wrong is the answer.
func (s *Server) obeyOne(ctx context.Context, j store.Job, row store.Comment, c comment.Command, i int) (answer, error) {
	r := order{remark: remark{asked{at{row.Forge, row.Repository}, row.Number}, row.ID}, Command: c, nth: i, row: row, job: j}
	a, err := s.act(ctx, r)
	switch {
	case ctx.Err() != nil:
		return a, ctx.Err()
	case passing(err) && j.Attempt < patience:
		return a, err
	case err != nil:
		s.Log.InfoContext(ctx, "a comment is refused", "pull_request", r.String(), "by", row.Login, "command", c.Name, "error", err)
		return refusal(c.Line, err), nil
	}
	a.Line = c.Line
	return a, nil
}

func (s *Server) act(ctx context.Context, r order) (answer, error) {
	if r.Err != nil {
		return answer{}, r.Err
	}
	if r.Name == comment.Help {
		return answer{Text: comment.HelpText(r.About)}, nil
	}
	pr, _, err := s.store.PullRequest(ctx, r.Forge, r.Repository, r.Number)
	if err != nil {
		return answer{}, err
	}
	if r.facts, err = factsOf(pr); err != nil {
		return answer{}, err
	}
	who, err := s.writer(&r)
	if err != nil {
		return answer{}, err
	}
	ctx = context.WithValue(ctx, callerKey{}, who)
	do, ok := s.commands()[r.Name]
	if !ok {
		return answer{}, slipway.Errorf(slipway.Internal, "nobody does %s", r.Name)
	}
	return do(ctx, r)
}

// commands are what is done for each command.
func (s *Server) commands() map[string]func(context.Context, order) (answer, error) {
	return map[string]func(context.Context, order) (answer, error){
		comment.Explain: s.explainHere, comment.Plan: s.planHere, comment.Check: s.checkAgain, comment.Build: s.letBuild,
		comment.SignOff: s.signHere, comment.Reject: s.signHere, comment.Withdraw: s.signHere,
		comment.Grant: s.grantHere, comment.Revoke: s.grantHere,
		comment.Ship: s.shipHere, comment.Promote: s.promoteHere, comment.Deploy: s.deployHere, comment.Rollback: s.rollbackHere,
		comment.Stop: s.stopHere, comment.Cancel: s.cancelHere,
	}
}

// writer is who wrote a comment: the person of the platform with that login. Where the
// platform names nobody, it is whoever may write to the repository. Others are
// somebody whom no right is given to, under a name that no person can have.
func (s *Server) writer(r *order) (access.Identity, error) {
	p, err := s.platform()
	if err != nil {
		return access.Identity{}, err
	}
	if name := personOf(p, r.row.Login); name != "" {
		r.known = true
		return access.Identity{Person: name}, nil
	}
	if len(p.People) == 0 && mayWrite(r.facts.Permissions[r.row.Login]) {
		r.known = true
		return access.Identity{Person: r.row.Login}, nil
	}
	return access.Identity{Person: r.row.Login + "@" + r.Forge}, nil
}

// personOf is the person of the platform whom a login is of; empty: nobody.
func personOf(p *manifest.Platform, login string) string {
	found := ""
	for name, person := range p.People {
		if person.Login == "" || !strings.EqualFold(person.Login, login) {
			continue
		}
		if found != "" {
			return "" // a login of two is nobody's
		}
		found = name
	}
	return found
}

// stranger refuses somebody who is nobody of the platform, and records it.
func (s *Server) stranger(ctx context.Context, r order, do access.Action) error {
	if r.known {
		return nil
	}
	who := caller(ctx).Person
	err := slipway.Errorf(slipway.Denied, "%s may not do that: %s has nobody with the login %s", r.row.Login, manifest.PlatformFileName, r.row.Login).
		WithFix("the platform team adds you to people, with your login")
	return s.refuseWho(ctx, who, do, r, err)
}

// refuseWho records a refusal.
func (s *Server) refuseWho(ctx context.Context, who string, do access.Action, r order, why error) error {
	if err := s.store.Refused(ctx, access.Refusal{Time: s.Clock(), Who: who, Do: do, On: "comment on " + r.String(), Why: why.Error(), Count: 1}); err != nil {
		return err
	}
	return why
}

// appOf is the app that a command is about: the one that it names, or the only one
// that the pull request touches, or the only one in the repository.
func (s *Server) appOf(ctx context.Context, r order, do access.Action) (store.App, error) {
	if err := s.stranger(ctx, r, do); err != nil {
		return store.App{}, err
	}
	all, err := s.store.Apps(ctx, store.AppFilter{Forge: r.Forge, Repository: r.Repository}, "", 1000)
	if err != nil {
		return store.App{}, err
	}
	var names, touchedOnes []string
	for _, a := range all {
		names = append(names, a.Name)
		if touched(r.facts.PullRequest.Files, a.Folder) {
			touchedOnes = append(touchedOnes, a.Name)
		}
	}
	name := r.App
	switch {
	case name != "" && !slices.Contains(names, name):
		return store.App{}, slipway.Errorf(slipway.NotFound, "%s has no app %s", r.Repository, name).WithFix("its apps: %s", strings.Join(names, ", "))
	case name != "":
	case len(touchedOnes) == 1:
		name = touchedOnes[0]
	case len(names) == 1:
		name = names[0]
	case len(names) == 0:
		return store.App{}, slipway.Errorf(slipway.NotFound, "%s has no app yet", r.Repository).WithFix("an app comes with the first push of its manifest to the default branch")
	default:
		return store.App{}, slipway.Errorf(slipway.Invalid, "which app?").WithFix("add --app %s", strings.Join(names, " or --app "))
	}
	return s.app(ctx, name, do, r.Environment)
}

// headNow is the head that a command is meant for: the one that the pull request had
// when it was written, and still has, or the one that is named.
func (r order) headNow() (string, error) {
	head := r.facts.PullRequest.Head
	again := slipway.Errorf(slipway.Conflict, "the head of this pull request is %s now", short(head)).
		WithFix("look at it, and write: %s %s %s %s", comment.Word, r.Name, r.Environment, short(head))
	switch {
	case head == "":
		return "", slipway.Errorf(slipway.Unavailable, "the pull request is not known yet")
	case r.Commit != "":
		if len(r.Commit) < 8 || !strings.HasPrefix(head, r.Commit) {
			return "", again
		}
	case r.row.Head != head:
		return "", again
	}
	if merge.MayBuild(r.facts).Missing() {
		return "", notLetBuild(head)
	}
	return head, nil
}

// notLetBuild is the error of a commit of a fork that is not to be built yet.
func notLetBuild(commit string) error {
	return slipway.Errorf(slipway.Blocked, "it comes from a fork, and nobody has let this commit be built").WithFix("%s build %s", comment.Word, short(commit))
}

// mayWrite reports whether a permission at the forge is one to write.
func mayWrite(permission string) bool {
	return permission == string(forge.Write) || permission == string(forge.Admin)
}
