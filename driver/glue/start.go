package glue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptrace"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

// The arguments that a run of Slipway's carries. They are what is left of it if
// the answer to StartJobRun is lost, and scripts never see them unless they ask:
// getResolvedOptions leaves out what nobody asked for.
const (
	ownArguments    = "--slipway-"
	runArgument     = ownArguments + "run"     // its id, by which it is found again
	versionArgument = ownArguments + "version" // the release; a default argument of the job, too
	triggerArgument = ownArguments + "trigger" // manual, deploy, or schedule
	byArgument      = ownArguments + "by"      // who asked
)

const (
	// answerWithin is how long StartJobRun may take; then its answer is lost.
	answerWithin = time.Minute
	// afterwards is how long is looked, once the caller has given up, for what
	// became of a call.
	afterwards = 3 * time.Second
)

var (
	_ driver.Runner    = (*Driver)(nil)
	_ driver.Stopper   = (*Driver)(nil)
	_ driver.LogTailer = (*Driver)(nil)
)

// lookAgain are the pauses between looks for a run that may have been started:
// what Glue lists may be late.
//
//nolint:gochecknoglobals // an immutable table
var lookAgain = []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 15 * time.Second}

var runIDPattern = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// maxRunID is how long a run's id may be.
const maxRunID = 128

func isRunID(id string) bool { return len(id) <= maxRunID && runIDPattern.MatchString(id) }

// Start begins a run. StartJobRun has no token that would make Glue notice a
// repetition. Therefore a note is made first, which only one caller can make, and
// only who made it calls, and calls once. Everybody else, and a caller whose
// answer was lost, looks for the run by its marker argument.
func (d *Driver) Start(ctx context.Context, h slipway.Handle, r driver.RunRequest) (slipway.Run, error) {
	if err := d.checkRequest(r); err != nil {
		return slipway.Run{}, err
	}
	for range 3 {
		s, err := d.readNote(ctx, h, r.ID)
		if err != nil {
			return slipway.Run{}, err
		}
		if s.open() {
			err = d.intend(ctx, &s, r)
		} else {
			var run slipway.Run
			if run, err = d.resume(ctx, &s); err == nil {
				return run, nil
			}
		}
		if err == nil {
			return d.begin(ctx, &s)
		}
		if !errors.Is(err, errMoved) {
			return slipway.Run{}, err
		}
	}
	return slipway.Run{}, slipway.Errorf(slipway.Busy, "others start run %s again and again", r.ID).
		WithFix("nothing was started; wait for them, or choose another id")
}

// errMoved says that another caller was faster, so that one has to look again.
var errMoved = errors.New("somebody else was faster")

func (d *Driver) checkRequest(r driver.RunRequest) error {
	if !isRunID(r.ID) || strings.HasPrefix(r.ID, glueID) {
		return slipway.Errorf(slipway.Invalid, "%q cannot be the id of a run", r.ID).
			WithFix("use letters, digits, - and _, at most 128, and not %s at the beginning, which is how AWS Glue begins its own", glueID)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Arguments)) {
		switch full := longName(name); {
		case full == "--":
			return slipway.Errorf(slipway.Invalid, "an argument has no name").WithFix("write --argument NAME=VALUE")
		case strings.HasPrefix(full, ownArguments):
			return slipway.Errorf(slipway.Invalid, "the argument %s is Slipway's own", strings.TrimLeft(name, "-")).
				WithFix("call it something else than %s...", strings.TrimLeft(ownArguments, "-"))
		}
	}
	if d.cfg.Notes == nil {
		return slipway.Errorf(slipway.Internal, "this program did not say where to leave a note before a run is started")
	}
	return nil
}

// longName is an argument's name as Glue has it.
func longName(name string) string { return "--" + strings.TrimLeft(name, "-") }

// intend leaves the note that a run is about to be started. If another caller did
// so first, the error is errMoved.
func (d *Driver) intend(ctx context.Context, s *sighting, r driver.RunRequest) error {
	s.job = s.handle.Name
	job, err := d.runnable(ctx, s.job)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(r.Arguments)) {
		if _, fixed := job.NonOverridableArguments[longName(name)]; fixed {
			return slipway.Errorf(slipway.Invalid, "the argument %s cannot be overridden", strings.TrimLeft(name, "-")).
				WithFix("it is one of run.non_overridable_arguments")
		}
	}
	s.note = newNote(s.handle, r, job, d.now())
	return d.claim(ctx, s)
}

// runnable reads the definition of a job that is about to run.
func (d *Driver) runnable(ctx context.Context, name string) (*types.Job, error) {
	out, err := d.glue.GetJob(ctx, &glue.GetJobInput{JobName: &name})
	if codeOf(err) == codeNotFound {
		return nil, slipway.Errorf(slipway.NotFound, "the job %s is not there", name).WithFix("deploy it first")
	}
	if err != nil {
		return nil, d.explain(err, "glue:GetJob", "job/"+name)
	}
	return out.Job, nil
}

// begin calls StartJobRun and says what came of it. It calls again only where Glue
// did nothing because there are too many calls.
func (d *Driver) begin(ctx context.Context, s *sighting) (slipway.Run, error) {
	err := d.call(ctx, s)
	for _, pause := range lookAgain[:3] {
		if !throttled(err) {
			break
		}
		if d.cfg.Pause(ctx, pause) != nil {
			break
		}
		err = d.call(ctx, s)
	}
	if err == nil {
		return d.begun(ctx, s)
	}
	if refused(err) {
		return slipway.Run{}, d.withdraw(ctx, s, d.explainStart(err, s.job))
	}
	d.cfg.Log.WarnContext(ctx, "the answer to StartJobRun was lost", "run", s.note.ID, "job", s.job, "error", err)
	return d.settle(ctx, s, err)
}

// call calls StartJobRun, once.
func (d *Driver) call(ctx context.Context, s *sighting) error {
	var sent atomic.Bool
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }})
	out, err := d.once.StartJobRun(ctx, &glue.StartJobRunInput{JobName: &s.job, Arguments: s.note.startArguments()})
	switch {
	case err != nil && !sent.Load():
		return &unsentError{err}
	case err != nil:
		return err
	case aws.ToString(out.JobRunId) == "":
		return errors.New("AWS Glue answers without the run's id")
	}
	s.note.GlueRun = *out.JobRunId
	return nil
}

// An unsentError is a failure before anything went over the wire: no network, no
// credentials.
type unsentError struct{ error }

func (e *unsentError) Unwrap() error { return e.error }

// begun notes Glue's own id of a run and returns the run. That there is one, the
// marker says as well, so a note that cannot be written is no failure.
func (d *Driver) begun(ctx context.Context, s *sighting) (slipway.Run, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterwards)
	defer cancel()
	if err := d.writeNote(ctx, s); err != nil {
		d.cfg.Log.WarnContext(ctx, "the id of a run could not be noted", "run", s.note.ID, "error", err)
	}
	if err := d.refresh(ctx, s); err != nil {
		d.cfg.Log.WarnContext(ctx, "a run that was just started cannot be read", "run", s.note.ID, "error", err)
	}
	return s.run(), nil
}

// withdraw notes that nothing was started, so that the id can be used again, and
// returns why.
func (d *Driver) withdraw(ctx context.Context, s *sighting, why error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterwards)
	defer cancel()
	s.note.Refused = why.Error()
	if err := d.writeNote(ctx, s); err != nil {
		d.cfg.Log.WarnContext(ctx, "it could not be noted that a run was refused", "run", s.note.ID, "error", err)
	}
	return why
}

// settle finds out what became of a call without an answer. Where nobody can say,
// the run's state is unknown.
func (d *Driver) settle(ctx context.Context, s *sighting, cause error) (slipway.Run, error) {
	err := d.lookFor(ctx, s, nil)
	if ctx.Err() != nil {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterwards)
		defer cancel()
		err = d.find(last, s)
	}
	if err == nil && s.note.GlueRun != "" {
		return d.begun(ctx, s)
	}
	if err != nil {
		d.cfg.Log.WarnContext(ctx, "a run could not be looked for", "run", s.note.ID, "error", err)
	}
	run := s.run()
	run.Message = "the call that starts it was sent, and its answer was lost" + words(cause) + "; " + run.Message
	return run, nil
}

// resume returns the run of a note that was there before: an earlier call may have
// acted, so nothing is started. If that call turns out to have been refused, the
// error is errMoved.
func (d *Driver) resume(ctx context.Context, s *sighting) (slipway.Run, error) {
	if s.note.Ended == nil && s.note.GlueRun == "" {
		again := func(ctx context.Context) (err error) {
			*s, err = d.readNote(ctx, s.handle, s.note.ID)
			return err
		}
		if err := d.lookFor(ctx, s, again); err != nil {
			return slipway.Run{}, err
		}
		if s.open() {
			return slipway.Run{}, errMoved
		}
		if s.note.GlueRun != "" {
			return d.begun(ctx, s)
		}
	}
	if err := d.refresh(ctx, s); err != nil {
		return slipway.Run{}, err
	}
	return s.run(), nil
}

// lookFor looks for the run of a note until there is one, or it has been looked
// for long enough. Before each look again, the note is read once more if it is
// somebody else's.
func (d *Driver) lookFor(ctx context.Context, s *sighting, again func(context.Context) error) error {
	for i := 0; ; i++ {
		err := d.find(ctx, s)
		if err != nil && !passing(err) || s.note.GlueRun != "" || i == len(lookAgain) {
			return err
		}
		if err := d.cfg.Pause(ctx, lookAgain[i]); err != nil {
			return err
		}
		if again == nil {
			continue
		}
		if err := again(ctx); err != nil || s.open() || s.note.GlueRun != "" {
			return err
		}
	}
}

// throttled reports whether AWS did nothing because there are too many calls.
func throttled(err error) bool {
	switch codeOf(err) {
	case "ThrottlingException", "Throttling", "TooManyRequestsException":
		return statusOf(err) < http.StatusInternalServerError
	}
	return false
}

// refused reports whether an error of StartJobRun proves that nothing was started:
// Glue says so in a word that is known, or nothing was ever sent.
func refused(err error) bool {
	if _, ok := errors.AsType[*unsentError](err); ok || throttled(err) {
		return true
	}
	switch codeOf(err) {
	case codeNotFound, codeTooManyRuns, "ResourceNumberLimitExceededException",
		"InvalidInputException", "ValidationException", "SerializationException", "AccessDeniedException",
		"ExpiredTokenException", "UnrecognizedClientException", "InvalidSignatureException",
		"IncompleteSignature", "InvalidClientTokenId", "MissingAuthenticationToken":
		return statusOf(err) < http.StatusInternalServerError
	}
	return false
}

// explainStart is explain, for StartJobRun.
func (d *Driver) explainStart(err error, job string) error {
	explained := d.explain(err, "glue:StartJobRun", "job/"+job)
	switch codeOf(err) {
	case codeNotFound:
		return slipway.Errorf(slipway.NotFound, "the job %s is not there", job).WithFix("deploy it first")
	case codeTooManyRuns:
		return &slipway.Error{
			Kind: slipway.Busy, Err: err,
			Message: fmt.Sprintf("as many runs of %s as it allows are under way", job),
			Fix:     "wait for one to end, stop one, or allow more with run.max_concurrent_runs, or let them wait with run.queuing",
		}
	}
	return explained
}
