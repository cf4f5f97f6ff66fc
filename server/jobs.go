package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
	"github.com/slipway-cd/slipway/git"
	"github.com/slipway-cd/slipway/store"
)

// The kinds of jobs.
const (
	jobLookForge   = "look-forge"   // at which repositories there are
	jobLookRefs    = "look-refs"    // at the branches, tags and list of pull requests of a repository
	jobLookRequest = "look-request" // at one pull request
	jobPublish     = "publish"      // bring the forge to show what it should of a pull request
	jobPush        = "push"         // find the apps at a new commit, and say what is to be done with them
	jobShip        = "ship"
	jobCheck       = "check" // build and check what a pull request proposes
	jobDeploy      = "deploy"
	jobRollback    = "rollback"
	jobRun         = "start-run"
	jobStopRun     = "stop-run"
	jobStopJob     = "stop-job"
	jobNotice      = "notice"  // tell somebody
	jobComment     = "comment" // do what a comment on a pull request asks for
	jobAnswer      = "answer"  // bring the forge to show what came of a comment
	jobPromoteSet  = "promote-set"
	jobPropose     = "propose"  // show what a change, or a release, would change
	jobSign        = "sign-off" // say something to a release for a person
	jobGrant       = "grant"    // open a guard rail for a person, or close it
	jobPromote     = "promote"
	jobProbe       = "probe" // decide something about no app, to measure how long it takes
)

// The pools: jobs of one wait for the same hands. A question to a forge is not to wait
// behind builds.
const (
	poolWork = "work" // builds, checks and deployments
	poolRun  = "run"  // runs are begun and stopped
	poolTalk = "talk" // forges and people are asked and told
	poolLook = "look" // nothing is kept of it when it went well
	// What is only measured comes where nothing else waits, and nothing is kept of it either.
	poolProbe = "probe"
)

// A kind is how a kind of job is done.
type kind struct {
	pool string
	do   func(context.Context, store.Job) (done, error)
}

// done is what came of a job. then is carried out in the transaction that ends it.
type done struct {
	value any
	idle  bool // nothing is new: if a power cut undoes that it was seen, it is seen again
	then  func(context.Context, *store.Tx) error
}

func (s *Server) allKinds() map[string]kind {
	return map[string]kind{
		jobLookForge:   {poolLook, s.lookForge},
		jobLookRefs:    {poolLook, s.lookRefs},
		jobLookRequest: {poolLook, s.lookRequest},
		jobPublish:     {poolLook, s.publish},
		jobRun:         {poolRun, s.startRun},
		jobStopRun:     {poolRun, s.stopRun},
		jobStopJob:     {poolTalk, s.stopJob},
		jobNotice:      {poolTalk, s.notify},
		jobProbe:       {poolProbe, s.probe},
		jobPlan:        {poolWork, s.plan},
		jobRelease:     {poolWork, s.release},
		jobRemove:      {poolWork, s.remove},
		jobComment:     {poolTalk, s.obey},
		jobAnswer:      {poolLook, s.reply},
		jobSign:        {poolTalk, s.speak},
		jobGrant:       {poolTalk, s.speak},
		jobPropose:     {poolWork, s.propose},
		jobPromoteSet:  {poolWork, s.promoteSet},
		jobPromote:     {poolWork, s.promote},
		jobPush:        {poolWork, s.push},
		jobShip:        {poolWork, s.ship},
		jobCheck:       {poolWork, s.check},
		jobDeploy:      {poolWork, s.deploy},
		jobRollback:    {poolWork, s.rollback},
	}
}

// kindsOf are the kinds of jobs in a pool.
func (s *Server) kindsOf(pool string) []string {
	var all []string
	for name, k := range s.kinds {
		if k.pool == pool {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// errStopped is the cause that ends a job that somebody stopped.
type errStopped struct{ why string }

func (e errStopped) Error() string { return "stopped: " + e.why }

// do does a job and keeps what came of it. What was cut short because the server
// ends stays as it is, and is gone on with by the next one.
func (s *Server) do(ctx context.Context, j store.Job) {
	ctx, span := s.Telemetry.Begin(ctx, "job "+j.Kind, slog.Int64("job", j.ID), slog.String("subject", j.Subject), slog.Int("attempt", j.Attempt))
	work, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.under(j.ID, cancel)
	defer s.under(j.ID, nil)
	if s.isLost() { // others have it
		return
	}
	if j.Pool != poolLook { // nobody stops a look
		if now, ok, err := s.store.Job(ctx, j.ID); err == nil && ok && now.Stop != "" { // before it could be told
			cancel(errStopped{now.Stop})
		}
	}
	if j.Pool == poolWork {
		s.tell(ctx, j, "job.began", map[string]any{"kind": j.Kind, "attempt": j.Attempt})
	}
	out, err := s.attempt(work, j)
	defer func() { span.End(err) }()
	if ctx.Err() != nil || errors.Is(context.Cause(work), errLost) {
		return
	}
	s.keep(ctx, j, out, err, context.Cause(work))
	if j.Kind == jobPush { // what it has delivered may take the place of what is under way
		s.stopped(ctx)
	}
	s.news.Ring()
}

// keep keeps what came of a job. That is not left undone while this server lives: the
// job would run for ever, and no other one on its subject would begin. What the database
// does not take now is tried again; if it is what is to be done at the job's end that is
// wrong, the job has failed.
func (s *Server) keep(ctx context.Context, j store.Job, out done, came, cause error) {
	for try := 0; ; try++ {
		err := s.conclude(ctx, j, out, came, cause)
		if err == nil || ctx.Err() != nil {
			return
		}
		now, known, wrong := s.store.Job(ctx, j.ID)
		if wrong == nil && (!known || now.State != store.JobRunning || now.Attempt != j.Attempt || now.Process != j.Process) {
			s.Log.WarnContext(ctx, "others go on with a job", "job", j.ID, "error", err)
			return
		}
		s.Log.ErrorContext(ctx, "keep what came of a job", "job", j.ID, "error", err)
		if kind := slipway.KindOf(err); kind != slipway.Unavailable && kind != slipway.Busy && came == nil {
			out, came = done{}, err
		}
		if !pause(ctx, min(s.Retry<<min(try, 10), maxRetry)) {
			return
		}
	}
}

// errFault is a fault of ours in a job.
var errFault = errors.New("there is a fault of Slipway in the job")

// attempt does a job once. A fault of ours in one job is not the end of the server.
func (s *Server) attempt(ctx context.Context, j store.Job) (out done, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = slipway.Errorf(slipway.Failed, "%w %s: %v", errFault, j.Key, r).WithFix("report it, with what the server's log says of job %d", j.ID)
			s.Log.ErrorContext(ctx, "a job panicked", "job", j.ID, "key", j.Key, "panic", r)
		}
	}()
	if err := s.inTurn(ctx, j); err != nil {
		return done{}, err
	}
	if err := s.mayDo(ctx, j); err != nil {
		return done{}, err
	}
	return s.kinds[j.Kind].do(ctx, j)
}

// under keeps how a job under way is stopped; nil: it is at its end.
func (s *Server) under(id int64, cancel context.CancelCauseFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel == nil {
		delete(s.running, id)
		return
	}
	s.running[id] = cancel
}

// stopped tells the jobs under way that somebody has stopped.
func (s *Server) stopped(ctx context.Context) {
	all, err := s.store.StoppedJobs(ctx)
	if err != nil {
		return // it is looked at again with the next news
	}
	for _, j := range all {
		s.tellStopped(j)
	}
}

// tellStopped tells a job that somebody has stopped, if it is under way here.
func (s *Server) tellStopped(j store.Job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel, ok := s.running[j.ID]; ok {
		cancel(errStopped{j.Stop})
	}
}

// conclude keeps what came of a job: its end, or that it is tried again.
func (s *Server) conclude(ctx context.Context, j store.Job, out done, err, cause error) error {
	now := s.Clock()
	stop, isStopped := errors.AsType[errStopped](cause)
	there, isElsewhere := errors.AsType[elsewhere](err)
	newer, isOvertaken := errors.AsType[overtaken](err)
	change := s.store.Change
	switch _, _, ofComment := askedBy(j.Key); {
	case ofComment:
	case out.idle, out.then == nil: // nothing else is read but the job, which is locked
		change = func(ctx context.Context, fn func(*store.Tx) error) error { return s.store.ChangeOwn(ctx, out.idle, fn) }
	}
	return change(ctx, func(tx *store.Tx) error {
		ours := tx.Ours
		if err == nil && unkept(j) {
			ours = tx.DropOwn
		}
		if err := ours(ctx, j); err != nil {
			return err
		}
		switch {
		case err == nil:
			if out.then != nil {
				if err := out.then(ctx, tx); err != nil {
					return err
				}
			}
			return s.end(ctx, tx, j, store.JobDone, toJSON(out.value), now)
		case isStopped:
			return s.end(ctx, tx, j, store.JobCancelled, outcomeOf(slipway.Errorf(slipway.Blocked, "%s", stop.why)), now)
		case isOvertaken:
			s.Log.InfoContext(ctx, "a job is not done any more", "job", j.ID, "key", j.Key, "why", newer.why)
			if _, err := tx.StopJob(ctx, j.ID, newer.why, now); err != nil {
				return err
			}
			return s.end(ctx, tx, j, store.JobReplaced, nil, now)
		case isElsewhere:
			s.Log.InfoContext(ctx, "a job is handed over", "job", j.ID, "key", j.Key, "needs", there.needs)
			return tx.HandOver(ctx, j.ID, there.needs, there.input)
		case passing(err) || s.mayPass(j, err):
			wait := s.wait(j, err, now)
			s.figures.Retries.Add(1)
			s.Log.WarnContext(ctx, "a job is tried again", "job", j.ID, "key", j.Key, "in", wait, "error", err)
			return tx.PutOff(ctx, j.ID, now.Add(wait), outcomeOf(err))
		}
		s.Log.WarnContext(ctx, "a job failed", "job", j.ID, "key", j.Key, "error", err)
		return s.end(ctx, tx, j, store.JobFailed, outcomeOf(err), now)
	})
}

// wait is how long a job waits for its next try: longer each time, and until the
// forge answers again if that is what it waits for.
func (s *Server) wait(j store.Job, err error, now time.Time) time.Duration {
	if until, ok := forge.LimitedUntil(err); ok {
		return max(until.Sub(now), s.Retry)
	}
	if early, ok := errors.AsType[tooEarly](err); ok {
		return max(early.until.Sub(now), s.Retry)
	}
	if j.Attempt > 20 {
		return maxRetry
	}
	return min(s.Retry<<(j.Attempt-1), maxRetry)
}

// maxRetry is the longest wait between two tries of a job.
const maxRetry = 5 * time.Minute

// passing reports whether a failure may pass by itself: something that is lacking
// now, somebody else at work. What a person has to change is not tried again.
func passing(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	switch slipway.KindOf(err) {
	case slipway.Unavailable, slipway.Busy, slipway.Internal:
		return true
	default:
		return false
	}
}

// mayPass reports whether a failure is tried again that may pass, or may not: a commit
// that the forge does not have, for a forge of many machines tells of a push before all
// of them have it; what is sealed with a key that another server may have; and a fault of
// ours. A look is tried as long as it takes, any other job some times.
func (s *Server) mayPass(j store.Job, err error) bool {
	const tries = 6
	if _, early := errors.AsType[tooEarly](err); early {
		return true
	}
	may := errors.Is(err, git.ErrNoCommit) || errors.Is(err, errOtherKey) || errors.Is(err, errFault)
	return may && (j.Attempt < tries || j.Pool == poolLook)
}

// unkept reports whether nothing is kept of a job that went well, such as a look: there
// are many, and what it saw is kept elsewhere.
func unkept(j store.Job) bool { return j.Pool == poolLook || j.Pool == poolProbe }

// end ends a job, and tells those who watch.
func (s *Server) end(ctx context.Context, tx *store.Tx, j store.Job, state store.JobState, outcome json.RawMessage, now time.Time) error {
	s.figures.Jobs.Add(1)
	if state == store.JobDone && unkept(j) { // it is dropped by now
		return nil
	}
	if err := tx.EndJob(ctx, j.ID, state, outcome, now); err != nil {
		return err
	}
	if err := s.forget(ctx, tx, j); err != nil {
		return err
	}
	if err := s.toldEnd(ctx, tx, j); err != nil {
		return err
	}
	return tx.Tell(ctx, store.Event{
		Time: now, Kind: "job." + string(state), Subject: j.Subject, Job: j.ID, Body: toJSON(map[string]any{"kind": j.Kind, "outcome": outcome}),
	})
}

// An Outcome is why a job did not come to a good end.
type Outcome struct {
	Kind    slipway.Kind `json:"kind"`
	Message string       `json:"message"`
	Fix     string       `json:"fix,omitempty"`
}

func outcomeOf(err error) json.RawMessage {
	return toJSON(Outcome{Kind: slipway.KindOf(err), Message: err.Error(), Fix: slipway.FixOf(err)})
}

// tell adds an event to the stream.
func (s *Server) tell(ctx context.Context, j store.Job, what string, body any) {
	e := store.Event{Time: s.Clock(), Kind: what, Subject: j.Subject, Job: j.ID, Body: toJSON(body)}
	err := s.store.Change(ctx, func(tx *store.Tx) error { return tx.Tell(ctx, e) })
	if err != nil && ctx.Err() == nil {
		s.Log.ErrorContext(ctx, "tell what happened", "event", what, "error", err)
	}
	s.news.Ring()
}

// input reads a job's input.
func input[T any](j store.Job) (T, error) {
	var v T
	if err := json.Unmarshal(j.Input, &v); err != nil {
		return v, fmt.Errorf("the input of job %s: %w", j.Key, err)
	}
	return v, nil
}

// once makes a job of a kind on a subject, unless one waits already that will see
// all that this one would.
func (s *Server) once(ctx context.Context, tx *store.Tx, kind, subject string, in any, by string) error {
	return s.onceAt(ctx, tx, kind, subject, in, by, time.Time{})
}

// onceAt is once, for a job that does not begin before due.
func (s *Server) onceAt(ctx context.Context, tx *store.Tx, kind, subject string, in any, by string, due time.Time) error {
	if _, waits, err := tx.Waiting(ctx, subject, kind); err != nil || waits {
		return err
	}
	return s.always(ctx, tx, kind, subject, in, by, due)
}

// always makes a job of a kind on a subject, which does not begin before due.
func (s *Server) always(ctx context.Context, tx *store.Tx, kind, subject string, in any, by string, due time.Time) error {
	if wait := due.Sub(s.Clock()); wait > 0 {
		time.AfterFunc(wait, s.news.Ring)
	} else {
		due = time.Time{}
	}
	_, _, err := s.enqueue(ctx, tx, store.Job{
		Key: kind + "/" + subject + "/" + newID(), Kind: kind, Subject: subject, Input: toJSON(in), Made: s.Clock(), Due: due, By: by,
	})
	return err
}
