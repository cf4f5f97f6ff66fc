package slipway

import (
	"encoding/json"
	"strings"
	"time"
)

// A Target is what should be there: one app's job in one environment, wholly
// resolved. It is plain data, and applying the same target twice gives the same
// job.
type Target struct {
	App         string         `json:"app"`
	Environment string         `json:"environment"`
	Version     string         `json:"version"` // of the release
	Commit      string         `json:"commit"`
	Shape       string         `json:"shape"`
	Run         map[string]any `json:"run"` // typed by the shape; secrets are references
	Artifacts   []Artifact     `json:"artifacts"`
}

// Artifact returns the first artifact of a kind.
func (t Target) Artifact(kind ArtifactKind) (Artifact, bool) {
	for _, a := range t.Artifacts {
		if a.Kind == kind {
			return a, true
		}
	}
	return Artifact{}, false
}

// JobName is the job's name on the runtime: run.name, or else the app's.
func (t Target) JobName() string {
	if name, _ := t.Run["name"].(string); name != "" {
		return name
	}
	return t.App
}

// DriftPolicy says what a plan does about what somebody changed on the runtime
// by hand. Whatever it does, the plan shows it.
type DriftPolicy string

// The policies.
const (
	// DriftOurs puts back what the manifest sets, and keeps what it does not.
	DriftOurs DriftPolicy = ""
	// DriftKeep keeps everything that was changed by hand.
	DriftKeep DriftPolicy = "keep"
	// DriftOverwrite puts everything back to what was deployed last.
	DriftOverwrite DriftPolicy = "overwrite"
	// DriftRefuse makes no plan.
	DriftRefuse DriftPolicy = "refuse"
)

// Action says what a change does.
type Action string

// The actions.
const (
	Add    Action = "add"
	Update Action = "update"
	Delete Action = "delete"
)

// A Change is one field that a plan would set.
type Change struct {
	Field  string `json:"field"` // as the manifest names it: run.workers, script
	Action Action `json:"action"`
	From   any    `json:"from,omitempty"`
	To     any    `json:"to,omitempty"`
	Note   string `json:"note,omitempty"` // such as: changed outside Slipway
}

// FieldsText is which fields changes are of.
func FieldsText(changes []Change) string {
	var names []string
	for _, c := range changes {
		names = append(names, c.Field)
	}
	return strings.Join(names, ", ")
}

// A Plan is what a deployment would change. It is a value: printed, stored, and
// applied as it stands or refused as stale.
type Plan struct {
	Target   Target   `json:"target"`
	Base     string   `json:"base"`    // fingerprint of what the runtime had when the plan was made; empty: nothing
	Changes  []Change `json:"changes"` // empty: the runtime has the target already
	Warnings []string `json:"warnings,omitempty"`
	// Rails are the guard rails that the plan runs into.
	Rails []RailHit `json:"rails,omitempty"`
	// Cost is what runs of the target will cost, for those who look at the plan;
	// nil: the runtime has no prices. It is no part of what is applied.
	Cost *Cost `json:"cost,omitempty"`
	// Next are the next times that a schedule fires which the plan adds or changes, for
	// those who look at the plan. It is no part of what is applied.
	Next []time.Time `json:"next,omitempty"`
	// Drift is what was asked to be done about changes made by hand.
	Drift DriftPolicy `json:"drift,omitempty"`
	// Definition is what the runtime is to have, whole and in the driver's own
	// words, for drivers that need more than the target to say it.
	Definition json.RawMessage `json:"definition,omitempty"`
}

// Empty reports whether applying the plan would change nothing.
func (p Plan) Empty() bool { return len(p.Changes) == 0 }

// A Handle finds a deployed job again from any process. Data belongs to the
// driver.
type Handle struct {
	App         string            `json:"app"`
	Environment string            `json:"environment"`
	Name        string            `json:"name"` // the job's name on the runtime
	Data        map[string]string `json:"data,omitempty"`
}

// DeploymentState says how far a deployment came.
type DeploymentState string

// The states of a deployment.
const (
	Deploying  DeploymentState = "deploying"
	Deployed   DeploymentState = "deployed"
	DeployFail DeploymentState = "failed"
	Superseded DeploymentState = "superseded" // cut short, and another took over
)

// A Deployment is one plan applied to one environment.
type Deployment struct {
	ID         string          `json:"id"`     // unique; the same when the deployment is tried again after a crash
	Number     int64           `json:"number"` // 1, 2, ... for each app and environment
	State      DeploymentState `json:"state"`
	Plan       Plan            `json:"plan"`
	RollbackOf int64           `json:"rollback_of,omitempty"` // the deployment whose target this one brings back
	Handle     Handle          `json:"handle"`
	Started    time.Time       `json:"started"`
	Ended      time.Time       `json:"ended,omitzero"`
	By         string          `json:"by"`
	Error      string          `json:"error,omitempty"`
}

// JobState says what a runtime knows of a job.
type JobState string

// The states of a job.
const (
	JobLive    JobState = "live"
	JobAbsent  JobState = "absent"
	JobDrifted JobState = "drifted" // there, but not as it was deployed
)

// A JobStatus is what the runtime says about a job now.
type JobStatus struct {
	State    JobState    `json:"state"`
	Target   Target      `json:"target"` // what is there; zero if absent
	Drift    []Change    `json:"drift,omitempty"`
	Schedule string      `json:"schedule,omitempty"`
	Next     []time.Time `json:"next,omitempty"` // next times the schedule fires
}
