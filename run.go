package slipway

import "time"

// RunState says how far a run came.
type RunState string

// The states of a run.
const (
	RunWaiting   RunState = "waiting"  // queued behind another run
	RunStarting  RunState = "starting" // accepted, no process yet
	RunRunning   RunState = "running"
	RunStopping  RunState = "stopping"
	RunSucceeded RunState = "succeeded"
	RunFailed    RunState = "failed"  // the job ended badly
	RunTimeout   RunState = "timeout" // it exceeded its time limit
	RunStopped   RunState = "stopped" // somebody stopped it
	RunErrored   RunState = "error"   // the runtime failed it
	RunExpired   RunState = "expired" // it waited longer than it may, and was never begun
	RunUnknown   RunState = "unknown" // nobody can say; nothing is started in its place
)

// Ended reports whether a run in this state changes no more.
func (s RunState) Ended() bool {
	switch s {
	case RunSucceeded, RunFailed, RunTimeout, RunStopped, RunErrored, RunExpired:
		return true
	case RunWaiting, RunStarting, RunRunning, RunStopping, RunUnknown:
		return false
	}
	return false
}

// A Run is one execution of a deployed job.
type Run struct {
	ID          string            `json:"id"`
	App         string            `json:"app"`
	Environment string            `json:"environment"`
	Version     string            `json:"version"` // the release that ran
	State       RunState          `json:"state"`
	Attempt     int               `json:"attempt"` // 0 for the first, as Glue counts
	Trigger     string            `json:"trigger"` // manual, deploy, or schedule
	By          string            `json:"by,omitempty"`
	Arguments   map[string]string `json:"arguments,omitempty"` // over the job's own; secrets masked
	Created     time.Time         `json:"created"`
	Started     time.Time         `json:"started,omitzero"`
	Ended       time.Time         `json:"ended,omitzero"`
	ExitCode    *int              `json:"exit_code,omitempty"`
	Message     string            `json:"message,omitempty"` // why it is not a success
	Usage       *Usage            `json:"usage,omitempty"`   // nil: the runtime does not say
	Cost        *Money            `json:"cost,omitempty"`    // of a run that has ended; nil: nobody can say
}
