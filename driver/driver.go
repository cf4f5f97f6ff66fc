// Package driver is the contract with a runtime: what a runtime must do so that
// jobs can be deployed to it, and what it may do besides. Start at Driver.
//
// A new runtime is a folder below this one, a line in cmd/slipway, and a test
// that calls drivertest.Run.
package driver

import (
	"context"
	"io"
	"time"

	"github.com/slipway-cd/slipway"
)

// A Driver deploys jobs to one kind of runtime.
//
// Methods may be called at the same time for different apps, and from several
// processes on several machines; for one app and environment the caller holds
// the environment's lease during Apply and Remove. A handle is plain data: the
// process that uses it need not be the one that got it.
//
// Any process may be killed at any instant, so every method may be called again
// after a call that went half-way, and must then come to the same end.
//
// A handle may be made from a target as well: its App, its Environment, and as
// Name run.name, or else the app. Data only helps.
//
// Errors are of the kinds in the root package: Conflict where the runtime moved
// or an artifact's bytes are not those of the release, Unavailable where
// something is missing (with the way out), NotFound where the job is not there
// and that is an error, Invalid where the target cannot run here.
type Driver interface {
	// Plan says what Apply would do to make the runtime have the target. It
	// reads the runtime and changes nothing. An empty plan means that the
	// runtime has the target already. Its changes are those of Diff, from what
	// the runtime really has, so that something changed behind the driver's back
	// is among them. A target that this runtime cannot run is an error here, not
	// in Apply.
	Plan(ctx context.Context, r PlanRequest) (slipway.Plan, error)

	// Apply carries out p as it stands and returns the job's handle. If the
	// runtime no longer has what p was made against, and does not have what p
	// asks for either, it changes nothing and returns an error of kind
	// Conflict. Applying an applied plan changes nothing and succeeds. The job
	// is visible wholly as before or wholly as planned. Runs that are under way
	// finish with the definition they started with. It may take minutes where
	// packages must be installed: all that runs need is there before the job is.
	Apply(ctx context.Context, p slipway.Plan, blobs Blobs) (slipway.Handle, error)

	// Observe says what the runtime has now, compared with the target that was
	// deployed. A job that is gone is a status, not an error.
	Observe(ctx context.Context, h slipway.Handle, deployed slipway.Target) (slipway.JobStatus, error)

	// Remove takes the job away, its schedule included; the history of its runs
	// stays. Removing what is not there succeeds.
	Remove(ctx context.Context, h slipway.Handle) error
}

// A PlanRequest asks for a plan. Only the target is needed. What the ledger knows
// lets a driver tell what Slipway set from what others changed.
type PlanRequest struct {
	Target slipway.Target
	// Live is the handle of the deployment that is live by the ledger; zero: none.
	Live slipway.Handle
	// Restore is the handle of the former deployment that a rollback brings back;
	// zero: this is none.
	Restore slipway.Handle
	// Begun is the plan of a later deployment that was cut short or failed, so that
	// the runtime may have some of it; nil: there is none.
	Begun *slipway.Plan
	// Drift says what to do about changes made by hand. Drivers that cannot keep
	// them put them right.
	Drift slipway.DriftPolicy
}

// Blobs gives the bytes of artifacts: the environment's artifact repository.
type Blobs interface {
	// Open reads the artifact under key. The caller checks the digest.
	Open(ctx context.Context, key string) (io.ReadCloser, error)
	// URL says where key lies, for a runtime that can fetch it by itself:
	// "file:///..." or "s3://bucket/...".
	URL(key string) string
}

// A Runner is a Driver whose jobs can be started.
type Runner interface {
	// Start begins a run, at most once for each id, and returns it. Calling
	// again with an id that was started returns that run and starts nothing.
	// Where the runtime cannot say whether an earlier call acted, the run's
	// state is RunUnknown and nothing is started. Too many runs at once is an
	// error of kind Busy, unless the job queues; it leaves no run behind. A job
	// that is not there is an error of kind NotFound, an id or an argument that
	// cannot be one of kind Invalid. A call that was killed may leave a run that
	// nobody begins: RunStarting, with a message; the same call again begins it.
	Start(ctx context.Context, h slipway.Handle, r RunRequest) (slipway.Run, error)

	// Run returns one run. Only its own id finds it; an unknown one is an error
	// of kind NotFound. A run that did not succeed has a message that says why.
	// Runs outlive their job's removal.
	Run(ctx context.Context, h slipway.Handle, id string) (slipway.Run, error)

	// Runs returns the newest runs, newest first, at most limit of them; 0
	// means all.
	Runs(ctx context.Context, h slipway.Handle, limit int) ([]slipway.Run, error)
}

// Deployed is the trigger of a run that a deployment asks for, of what it deployed. Once
// another deployment has taken its place nobody starts that run any more.
const Deployed = "deploy"

// A RunRequest asks for one execution of a deployed job.
type RunRequest struct {
	ID        string            // chosen by the caller: letters, digits, - and _; unique for the job
	Trigger   string            // manual, schedule, api, or [Deployed]
	By        string            // who asked
	Arguments map[string]string // over the job's own, without leading dashes
}

// A Pruner is a Driver that keeps the history of runs itself, for as long as nobody
// removes it.
type Pruner interface {
	// PruneRuns removes the runs of a job that have ended, but the newest, as many as
	// keep, and those that stay, and returns how many went. It may leave a tenth more.
	PruneRuns(ctx context.Context, h slipway.Handle, keep int, stays func(id string) bool) (int, error)
}

// A Stopper is a Driver that can stop a run.
type Stopper interface {
	// Stop ends a run and returns when it has ended or ctx is done. Stopping
	// what has ended succeeds; an unknown run is an error of kind NotFound.
	Stop(ctx context.Context, h slipway.Handle, id string) error
}

// A LogTailer is a Driver that can show what a run prints.
type LogTailer interface {
	// Logs writes what the run printed, from its first line, to w. With follow
	// it goes on until the run has ended and everything was written; if ctx is
	// done before, that is the error. A run that has printed nothing yet is no
	// error, an unknown one is of kind NotFound. Secrets are masked.
	Logs(ctx context.Context, h slipway.Handle, id string, follow bool, w io.Writer) error
}

// A Scheduler is a Driver whose runtime has no schedule of its own, so that
// somebody must start the runs that are due: `slipway schedule run`. Drivers of
// runtimes with schedules put them there in Apply instead.
type Scheduler interface {
	// Due returns when, after the first time and up to and including the
	// second, the job's schedule fires; empty without a schedule.
	Due(ctx context.Context, h slipway.Handle, after, until time.Time) ([]time.Time, error)
}

// An Adopter is a Driver that can take over a job that was made by other means.
type Adopter interface {
	// Find describes the job of that name on the runtime. One that is not there is
	// an error of kind NotFound.
	Find(ctx context.Context, name string) (Found, error)
	// Claim marks the job as the app's in the environment and changes nothing
	// else of it. Claiming twice is as once; a job that is another app's is an
	// error of kind Conflict.
	Claim(ctx context.Context, h slipway.Handle) error
}

// A Found is a job that is there, in the manifest's words.
type Found struct {
	Name   string
	Shape  string
	Run    map[string]any // parameters of the shape that make this job
	Script string         // where its script lies
	Data   []byte         // the script
	Kept   []string       // what no parameter can say, and stays as it is; sentences
	Owner  string         // "app in environment" that has it already; empty: nobody
}

// A Workbench is a Driver that can lend its tools to checks on this machine, so
// that tests see the same Python, packages and libraries as the job will.
type Workbench interface {
	// Environ returns variables, "KEY=value", for commands that test the
	// target's script, with the packages of requirements (as pip writes them)
	// besides those of the job. It makes ready what it needs, which may take
	// minutes the first time.
	Environ(ctx context.Context, t slipway.Target, requirements []string) ([]string, error)
}
