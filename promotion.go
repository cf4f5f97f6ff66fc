package slipway

import "time"

// A Promotion says that a release came from one environment to the one that
// follows it, with the same bytes, and what it rests on.
type Promotion struct {
	App     string     `json:"app"`
	Version string     `json:"version"`
	Record  Digest     `json:"record"` // of the release
	From    string     `json:"from"`
	To      string     `json:"to"`
	Origin  ChainPoint `json:"origin"` // the entry that let it into From
	// SignOffs are the statements that opened To.
	SignOffs []Digest `json:"sign_offs,omitempty"`
	// Set is the one that it came in with; nil: it came alone.
	Set  *ReleaseSet `json:"set,omitempty"`
	By   string      `json:"by"`
	Time time.Time   `json:"time"`
}

// A ChainPoint names an entry of a ledger.
type ChainPoint struct {
	Environment string `json:"environment"`
	Number      int64  `json:"number"`
	Hash        Digest `json:"hash"`
}

// A DeploymentReport says that a plan is about to be applied, or how that ended.
type DeploymentReport struct {
	App         string          `json:"app"`
	Environment string          `json:"environment"`
	ID          string          `json:"id"`
	Number      int64           `json:"number"`
	State       DeploymentState `json:"state"`
	Version     string          `json:"version"`
	Commit      string          `json:"commit"`
	Record      Digest          `json:"record"`                // of the release
	Plan        Digest          `json:"plan"`                  // of its canonical JSON, as the ledger has it
	RollbackOf  int64           `json:"rollback_of,omitempty"` // the deployment whose target this one brings back
	Job         string          `json:"job,omitempty"`         // its name on the runtime, once it is there
	Error       string          `json:"error,omitempty"`
	By          string          `json:"by"`
	Time        time.Time       `json:"time"`
}

// A Removal says that the job of a deployment is taken away from its runtime.
type Removal struct {
	App         string    `json:"app"`
	Environment string    `json:"environment"`
	Number      int64     `json:"number"` // of the deployment
	Version     string    `json:"version"`
	Record      Digest    `json:"record"` // of the release
	Job         string    `json:"job"`    // its name on the runtime
	By          string    `json:"by"`
	Time        time.Time `json:"time"`
}

// A RunVerdict says how a run of a deployed job ended.
type RunVerdict struct {
	App         string    `json:"app"`
	Environment string    `json:"environment"`
	Version     string    `json:"version"`    // of the release
	Deployment  int64     `json:"deployment"` // its number
	Run         string    `json:"run"`
	State       RunState  `json:"state"`
	Attempt     int       `json:"attempt,omitempty"`
	Trigger     string    `json:"trigger"`
	ExitCode    *int      `json:"exit_code,omitempty"`
	Message     string    `json:"message,omitempty"`
	Started     time.Time `json:"started,omitzero"`
	Ended       time.Time `json:"ended,omitzero"`
	By          string    `json:"by"`   // who says so
	Time        time.Time `json:"time"` // when it was said
}

// A Seal is the last word of a dossier: what is in it, line by line, and where
// the ledgers ended when it was written.
type Seal struct {
	App     string       `json:"app"`
	Version string       `json:"version"`
	Lines   []SealedLine `json:"lines"` // each line before the seal, in order
	Heads   []ChainPoint `json:"heads"`
	By      string       `json:"by"`
	Time    time.Time    `json:"time"`
}

// A SealedLine is a line of a dossier, as its seal has it.
type SealedLine struct {
	Name   string `json:"name"`   // what stands there, for people
	Digest Digest `json:"digest"` // of the line's bytes, without its end
}
