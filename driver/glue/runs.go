package glue

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver/glue/price"
)

const (
	glueID     = "jr_"       // how Glue begins the ids of runs
	attemptTag = "_attempt_" // and what stands in that of a retry before its number

	codeNotFound    = "EntityNotFoundException"
	codeTooManyRuns = "ConcurrentRunsExceededException"

	pageSize = 200 // the most that GetJobRuns gives
	maxPages = 50

	// retryWithin is how long after a failed attempt the next one is expected.
	retryWithin = 2 * time.Minute
	// goneAfter is when a run that Glue does not show is not just late.
	goneAfter = 10 * time.Minute
)

// A sighting is all that is known of a run: the note about it and what Glue says.
type sighting struct {
	handle  slipway.Handle
	job     string // Glue's name of it
	note    note
	version string         // of the note in the repository; empty: there is none
	latest  *types.JobRun  // the latest attempt; nil: Glue does not show it
	earlier []types.JobRun // the attempts before it
	retry   bool           // the latest attempt failed, and Glue is about to begin the next
	gone    bool           // Glue had it, and shows it no more
	release string         // what the job has had since before the run, where the run does not say
	prices  *price.Book
	region  string
}

// unseen is a run of a job of which nothing is known yet.
func (d *Driver) unseen(h slipway.Handle) sighting {
	return sighting{handle: h, job: h.Name, prices: d.cfg.Prices, region: d.cfg.AWS.Region}
}

// run tells what is known.
func (s sighting) run() slipway.Run {
	switch {
	case s.note.Ended != nil:
		return *s.note.Ended
	case s.latest != nil:
		return s.told()
	}
	run := slipway.Run{
		ID: s.note.ID, App: s.note.App, Environment: s.note.Environment, Version: s.note.Version,
		Trigger: s.note.Trigger, By: s.note.By, Arguments: shown(s.note.Arguments), Created: s.note.Asked,
		State: slipway.RunStarting,
	}
	switch {
	case s.gone:
		run.State = slipway.RunUnknown
		run.Message = "how it ended is not known: AWS Glue does not show it any more, for " + s.job + " was removed, or it is more than a year ago"
	case s.note.GlueRun == "":
		run.State = slipway.RunUnknown
		run.Message = "whether it was started is not known: a note says that it was about to be, and AWS Glue shows no such run of " + s.job +
			". Nothing is started in its place; see in the console whether it runs, and start another one if it does not"
	}
	return run
}

// told is the run as Glue tells it.
func (s sighting) told() slipway.Run {
	r := s.latest
	run := slipway.Run{
		ID: ownID(*r), App: s.handle.App, Environment: s.handle.Environment, Version: cmp.Or(r.Arguments[versionArgument], s.release),
		Trigger: r.Arguments[triggerArgument], By: r.Arguments[byArgument], Arguments: shown(r.Arguments),
		Attempt: int(r.Attempt), Created: timeOf(r.StartedOn),
	}
	if s.note.GlueRun != "" {
		run.ID = s.note.ID
	}
	if run.Trigger == "" {
		run.Trigger = triggerOf(*r)
	}
	run.State, run.Message = stateOf(*r)
	if s.retry {
		run.State, run.Message = slipway.RunStarting, "the attempt before failed, and AWS Glue is about to try again: "+run.Message
	}
	if run.State != slipway.RunWaiting && run.State != slipway.RunStarting {
		run.Started = run.Created
	}
	if run.State.Ended() {
		run.Ended = timeOf(r.CompletedOn)
		if run.Ended.Before(run.Started) {
			run.Ended = cmp.Or(timeOf(r.LastModifiedOn), run.Started)
		}
		s.bill(&run)
	}
	return run
}

// ownID is the id under which a run is known: Slipway's own for those that it
// started, and Glue's of the first attempt for all others.
func ownID(r types.JobRun) string {
	if id := r.Arguments[runArgument]; id != "" {
		return id
	}
	return firstAttempt(r)
}

// firstAttempt is Glue's id of a run's first attempt.
func firstAttempt(r types.JobRun) string {
	id, _, retried := strings.Cut(aws.ToString(r.Id), attemptTag)
	if previous := aws.ToString(r.PreviousRunId); !retried && r.Attempt > 0 && previous != "" {
		id, _, _ = strings.Cut(previous, attemptTag)
	}
	return id
}

// triggerOf says what started a run that Slipway did not.
func triggerOf(r types.JobRun) string {
	if aws.ToString(r.TriggerName) != "" {
		return "schedule"
	}
	return "manual"
}

func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func (d *Driver) now() time.Time { return d.cfg.Clock().UTC() }

// Run returns one run: one that Slipway started by its id, and any other by Glue's.
func (d *Driver) Run(ctx context.Context, h slipway.Handle, id string) (slipway.Run, error) {
	s, err := d.sight(ctx, h, id)
	return s.run(), err
}

// sight finds a run and what is known of it.
func (d *Driver) sight(ctx context.Context, h slipway.Handle, id string) (sighting, error) {
	s, err := d.readNote(ctx, h, id)
	switch {
	case err != nil:
		return s, err
	case !s.open() && s.note.GlueRun == "" && s.note.Ended == nil:
		if err := d.find(ctx, &s); err != nil {
			return s, err
		}
	case s.open() && s.note.Refused == "":
		if err := d.unnoted(ctx, &s, id); err != nil {
			return s, err
		}
	}
	if s.note.GlueRun == "" && s.latest == nil && s.open() {
		return s, slipway.Errorf(slipway.NotFound, "there is no run %s", id).WithFix("slipway runs lists those that are there")
	}
	if err := d.refresh(ctx, &s); err != nil {
		return s, err
	}
	return s, d.nameReleases(ctx, s.job, &s)
}

// nameReleases finds out which release runs are of that do not say: those that a
// trigger or somebody else started. It is the job's own if the job has not been
// changed since.
func (d *Driver) nameReleases(ctx context.Context, job string, runs ...*sighting) error {
	runs = slices.DeleteFunc(runs, func(s *sighting) bool { return s.latest == nil || s.latest.Arguments[versionArgument] != "" })
	if len(runs) == 0 {
		return nil
	}
	now, err := d.runnable(ctx, job)
	if slipway.KindOf(err) == slipway.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	for _, s := range runs {
		if !timeOf(s.latest.StartedOn).Before(timeOf(now.LastModifiedOn)) {
			s.release = versionOf(now)
		}
	}
	return nil
}

// unnoted looks in Glue for a run without a note: one that a trigger or somebody
// else started, or one whose note lies in another repository.
func (d *Driver) unnoted(ctx context.Context, s *sighting, id string) error {
	if !isRunID(id) {
		return nil
	}
	if strings.HasPrefix(id, glueID) {
		run, err := d.jobRun(ctx, s.job, id)
		if run != nil {
			s.note.GlueRun, s.note.ID = firstAttempt(*run), ownID(*run)
		}
		return err
	}
	found := d.unseen(s.handle)
	found.note.ID = id
	if err := d.find(ctx, &found); err != nil || found.note.GlueRun == "" {
		return err
	}
	*s = found
	return nil
}

// jobRun reads one attempt; nil if Glue has none.
func (d *Driver) jobRun(ctx context.Context, job, id string) (*types.JobRun, error) {
	out, err := d.glue.GetJobRun(ctx, &glue.GetJobRunInput{JobName: &job, RunId: &id})
	if codeOf(err) == codeNotFound {
		return nil, nil //nolint:nilnil // that there is none is an answer
	}
	if err != nil {
		return nil, d.explain(err, "glue:GetJobRun", "job/"+job)
	}
	return out.JobRun, nil
}

// find looks in Glue for the run of a note, by its marker.
func (d *Driver) find(ctx context.Context, s *sighting) error {
	since := time.Time{}
	if !s.note.Asked.IsZero() {
		const slack = 24 * time.Hour // the clock of who asked may be wrong
		since = s.note.Asked.Add(-slack)
	}
	return d.eachRun(ctx, s.job, since, func(r types.JobRun) bool {
		if r.Arguments[runArgument] != s.note.ID {
			return true
		}
		s.note.GlueRun = firstAttempt(r)
		return false
	})
}

// refresh asks Glue how far a run came, and notes its end.
func (d *Driver) refresh(ctx context.Context, s *sighting) error {
	if s.note.Ended != nil || s.note.GlueRun == "" {
		return nil
	}
	id := s.note.GlueRun
	if s.latest != nil {
		id = aws.ToString(s.latest.Id)
	}
	run, err := d.jobRun(ctx, s.job, id)
	s.gone = err == nil && run == nil && d.now().Sub(s.note.Asked) > goneAfter
	if err != nil || run == nil {
		return err
	}
	s.latest, s.retry = run, false
	if state, _ := stateOf(*run); state == slipway.RunFailed || state == slipway.RunErrored {
		if err := d.followRetries(ctx, s); err != nil {
			return err
		}
	}
	d.remember(ctx, s)
	return nil
}

// followRetries goes on to the latest attempt of a run whose attempt failed.
func (d *Driver) followRetries(ctx context.Context, s *sighting) error {
	first := firstAttempt(*s.latest)
	err := d.eachRun(ctx, s.job, timeOf(s.latest.StartedOn), func(r types.JobRun) bool {
		if firstAttempt(r) == first && r.Attempt > s.latest.Attempt {
			s.see(r)
		}
		return true
	})
	state, _ := stateOf(*s.latest)
	if err != nil || state != slipway.RunFailed && state != slipway.RunErrored || d.now().Sub(timeOf(s.latest.CompletedOn)) > retryWithin {
		return err
	}
	job, err := d.runnable(ctx, s.job)
	if slipway.KindOf(err) == slipway.NotFound {
		return nil
	}
	s.retry = err == nil && state == slipway.RunFailed && s.latest.Attempt < job.MaxRetries
	return err
}

// see takes notice of another attempt, in whatever order they come.
func (s *sighting) see(r types.JobRun) {
	known := func(e types.JobRun) bool { return aws.ToString(e.Id) == aws.ToString(r.Id) }
	switch {
	case s.latest == nil:
		s.latest = &r
	case known(*s.latest) || slices.ContainsFunc(s.earlier, known):
	case r.Attempt > s.latest.Attempt:
		s.earlier = append(s.earlier, *s.latest)
		s.latest = &r
	default:
		s.earlier = append(s.earlier, r)
	}
}

// bill tells what a run used and cost, all its attempts together.
func (s sighting) bill(run *slipway.Run) {
	if s.prices == nil {
		return
	}
	r := s.latest
	job := price.Job{
		Region: s.region, Type: "glueetl", GlueVersion: aws.ToString(r.GlueVersion), WorkerType: string(r.WorkerType),
		Workers: int(aws.ToInt32(r.NumberOfWorkers)), MaxCapacity: aws.ToFloat64(r.MaxCapacity), ExecutionClass: string(r.ExecutionClass),
	}
	switch {
	case r.WorkerType == types.WorkerTypeZ2x:
		job.Type = "glueray"
	case r.WorkerType == "" && job.MaxCapacity <= 1:
		job.Type = "pythonshell" // a run does not say, and nothing else is as small
	}
	var used []price.Usage
	for _, a := range append(slices.Clone(s.earlier), *r) {
		used = append(used, price.Usage{Seconds: int64(a.ExecutionTime), DPUSeconds: aws.ToFloat64(a.DPUSeconds)})
	}
	s.prices.Record(run, job, used...)
}

// remember notes the end of a run that Slipway started, once. Who may only read
// leaves no note; somebody else will.
func (d *Driver) remember(ctx context.Context, s *sighting) {
	if run := s.run(); s.version != "" && s.note.Ended == nil && run.State.Ended() {
		s.note.Ended = &run
		s.note.Logs.Group = cmp.Or(aws.ToString(s.latest.LogGroupName), s.note.Logs.Group)
		if err := d.writeNote(ctx, s); err != nil {
			d.cfg.Log.DebugContext(ctx, "the end of a run was not noted", "run", s.note.ID, "error", err)
		}
	}
}

// eachRun yields a job's runs that began after a time, a page at a time, until
// yield returns false. AWS lists the newest first, and so the rest need not be
// read once they are too old. A job that is not there has none.
func (d *Driver) eachRun(ctx context.Context, job string, since time.Time, yield func(types.JobRun) bool) error {
	in := &glue.GetJobRunsInput{JobName: &job, MaxResults: aws.Int32(pageSize)}
	for range maxPages {
		out, err := d.glue.GetJobRuns(ctx, in)
		if codeOf(err) == codeNotFound {
			return nil
		}
		if err != nil {
			return d.explain(err, "glue:GetJobRuns", "job/"+job)
		}
		for _, r := range out.JobRuns {
			if !timeOf(r.StartedOn).Before(since) && !yield(r) {
				return nil
			}
		}
		if aws.ToString(out.NextToken) == "" || newestFirst(out.JobRuns) && timeOf(out.JobRuns[len(out.JobRuns)-1].StartedOn).Before(since) {
			return nil
		}
		in.NextToken = out.NextToken
	}
	return nil
}

func newestFirst(page []types.JobRun) bool {
	return len(page) > 0 && slices.IsSortedFunc(page, func(a, b types.JobRun) int {
		return timeOf(b.StartedOn).Compare(timeOf(a.StartedOn))
	}) && (len(page) == 1 || timeOf(page[0].StartedOn).After(timeOf(page[len(page)-1].StartedOn)))
}
