package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/slipway-cd/slipway"
)

// The kinds of entry, and what their bodies are.
const (
	ReleaseCreated    = "release.created"    // Admission
	ReleasePromoted   = "release.promoted"   // Admission
	ReleaseSigned     = "release.signed"     // SignOff
	DeploymentStarted = "deployment.started" // slipway.Deployment
	DeploymentEnded   = "deployment.ended"   // DeploymentEnd
	JobRemoved        = "job.removed"        // Removal
	RailGranted       = "rail.granted"       // Grant
	ReleaseHeld       = "release.held"       // Quarantine
)

// An Admission is a release that was let into an environment's artifact
// repository: from then on it may be deployed there.
type Admission struct {
	Version string         `json:"version"`
	Commit  string         `json:"commit"`
	Record  slipway.Digest `json:"record"`         // of the release's record in the repository
	From    string         `json:"from,omitempty"` // the environment it was promoted from; empty: made here
	Time    time.Time      `json:"time"`
	By      string         `json:"by"`
	// Set is the one that it came in with; nil: it came alone.
	Set *slipway.ReleaseSet `json:"set,omitempty"`
}

// A SignOff is what a person said to a release that is to come here. It only says
// where to look: what counts is the signed statement.
type SignOff struct {
	slipway.SignOff
	Statement slipway.Digest `json:"statement"` // of the envelope's bytes, which lie under it in the repository
	Entry     int64          `json:"-"`         // the number of its entry
}

// A DeploymentEnd says how a deployment ended.
type DeploymentEnd struct {
	Number int64                   `json:"number"`
	State  slipway.DeploymentState `json:"state"`
	Handle slipway.Handle          `json:"handle"`
	Error  string                  `json:"error,omitempty"`
}

// A Removal says that the job of a deployment was taken away.
type Removal struct {
	Number int64 `json:"number"`
}

// History is what a chain tells: everything in the order it happened.
type History struct {
	Subject     Subject              `json:"subject"`
	Head        int64                `json:"head"` // number of the last entry; 0: none
	Admissions  []Admission          `json:"admissions"`
	SignOffs    []SignOff            `json:"sign_offs,omitempty"`
	Grants      []Grant              `json:"grants,omitempty"`
	Quarantines []Quarantine         `json:"quarantines,omitempty"`
	Deployments []slipway.Deployment `json:"deployments"`
	Entries     []Entry              `json:"-"`
	voids       []Void
	joined      []Joining
	rounds      int
	removed     int64 // number of the last deployment whose job was removed
}

// ReadHistory reads a subject's whole chain.
func ReadHistory(ctx context.Context, l Ledger, s Subject) (History, error) {
	entries, err := l.Entries(ctx, s, 0)
	if err != nil {
		return History{Subject: s}, err
	}
	return historyOf(s, entries)
}

// RecallHistory is what a chain told when it was last read, where the ledger
// remembers that. It is for those who append behind its head: if the chain has moved
// on, Append fails, and then it is to be read.
func RecallHistory(ctx context.Context, l Ledger, s Subject) (History, error) {
	memory, ok := l.(Recaller)
	if !ok {
		return ReadHistory(ctx, l, s)
	}
	entries, err := memory.Recall(ctx, s)
	if err != nil {
		return History{Subject: s}, err
	}
	return historyOf(s, entries)
}

func historyOf(s Subject, entries []Entry) (History, error) {
	h := History{Subject: s}
	for _, e := range entries {
		if err := h.add(e); err != nil {
			return h, fmt.Errorf("ledger of %s in %s, entry %d (%s): %w", s.App, s.Environment, e.Number, e.Kind, err)
		}
	}
	return h, nil
}

// add takes one entry in. A kind it does not know, from a newer version, changes
// nothing it knows about.
func (h *History) add(e Entry) error {
	h.Head = e.Number
	h.Entries = append(h.Entries, e)
	switch e.Kind {
	case ReleaseCreated, ReleasePromoted:
		var a Admission
		if err := json.Unmarshal(e.Body, &a); err != nil {
			return err
		}
		a.Time, a.By = e.Time, e.By
		h.Admissions = append(h.Admissions, a)
	case ReleaseSigned:
		var s SignOff
		if err := json.Unmarshal(e.Body, &s); err != nil {
			return err
		}
		s.Entry = e.Number
		h.SignOffs = append(h.SignOffs, s)
	case ReleaseJoined, ReleaseLeft:
		return h.join(e)
	case RailGranted:
		return addWord(&h.Grants, e)
	case ReleaseHeld:
		return addWord(&h.Quarantines, e)
	case QuotaVoided:
		return addWord(&h.voids, e)
	case DeploymentStarted:
		var d slipway.Deployment
		if err := json.Unmarshal(e.Body, &d); err != nil {
			return err
		}
		d.Started, d.By, d.State = e.Time, e.By, slipway.Deploying
		h.Deployments = append(h.Deployments, d)
	case DeploymentEnded:
		return h.end(e)
	case JobRemoved:
		var r Removal
		if err := json.Unmarshal(e.Body, &r); err != nil {
			return err
		}
		h.removed = r.Number
	}
	return nil
}

func (h *History) end(e Entry) error {
	var end DeploymentEnd
	if err := json.Unmarshal(e.Body, &end); err != nil {
		return err
	}
	for i := range h.Deployments {
		if d := &h.Deployments[i]; d.Number == end.Number {
			d.State, d.Handle, d.Error, d.Ended = end.State, end.Handle, end.Error, e.Time
			return nil
		}
	}
	return fmt.Errorf("it ends deployment %d, which was never started", end.Number)
}

// Begun reports whether the deployment with that id was begun.
func (h History) Begun(id string) bool {
	return slices.ContainsFunc(h.Deployments, func(d slipway.Deployment) bool { return d.ID == id })
}

// Current returns the deployment that is live: the last that succeeded, unless
// its job was removed since.
func (h History) Current() (slipway.Deployment, bool) {
	d, ok := h.Last()
	if !ok || d.Number <= h.removed {
		return slipway.Deployment{}, false
	}
	return d, true
}

// Last returns the last deployment that succeeded, whether or not its job was
// removed since: its runs are still there.
func (h History) Last() (slipway.Deployment, bool) { return h.before(len(h.Deployments)) }

// Before returns the last deployment before the numbered one that succeeded.
func (h History) Before(number int64) (slipway.Deployment, bool) {
	for i, d := range h.Deployments {
		if d.Number == number {
			return h.before(i)
		}
	}
	return slipway.Deployment{}, false
}

func (h History) before(i int) (slipway.Deployment, bool) {
	for i--; i >= 0; i-- {
		if h.Deployments[i].State == slipway.Deployed {
			return h.Deployments[i], true
		}
	}
	return slipway.Deployment{}, false
}

// Deployment returns the deployment with a number.
func (h History) Deployment(number int64) (slipway.Deployment, bool) {
	for _, d := range h.Deployments {
		if d.Number == number {
			return d, true
		}
	}
	return slipway.Deployment{}, false
}

// Unfinished returns the deployment that was started and neither ended nor was
// superseded; there is at most one.
func (h History) Unfinished() (slipway.Deployment, bool) {
	if n := len(h.Deployments); n > 0 && h.Deployments[n-1].State == slipway.Deploying {
		return h.Deployments[n-1], true
	}
	return slipway.Deployment{}, false
}

// Admitted returns the last admission of a version.
func (h History) Admitted(version string) (Admission, bool) {
	for _, a := range slices.Backward(h.Admissions) {
		if a.Version == version {
			return a, true
		}
	}
	return Admission{}, false
}

// SignedFor returns what people said to a version, in the order they said it.
func (h History) SignedFor(version string) []SignOff {
	var all []SignOff
	for _, s := range h.SignOffs {
		if s.Version == version {
			all = append(all, s)
		}
	}
	return all
}

// Admit is AdmitIf of a release that nothing keeps out.
func Admit(ctx context.Context, l Ledger, s Subject, kind string, a Admission) (bool, error) {
	return AdmitIf(ctx, l, s, kind, a, func(History) ([]slipway.Digest, error) { return nil, nil })
}

// AdmitIf lets a release into an environment, once: it reports whether this call
// did it. A release that was admitted before with another record is an error of
// kind Conflict. Nothing comes into the chain between the history that open was
// asked about and the admission; open's error keeps the release out. What it
// returns otherwise are the statements that the entry names.
func AdmitIf(ctx context.Context, l Ledger, s Subject, kind string, a Admission, open func(History) ([]slipway.Digest, error)) (bool, error) {
	for read := RecallHistory; ; read = ReadHistory {
		h, err := read(ctx, l, s)
		if err != nil {
			return false, err
		}
		if old, ok := h.Admitted(a.Version); ok {
			return false, a.check(s, old)
		}
		statements, err := open(h)
		if err != nil {
			return false, err
		}
		e, err := l.Append(ctx, Draft{
			Subject: s, After: h.Head, ID: "release/" + a.Version, Kind: kind, Time: a.Time, By: a.By, Body: a, Statements: statements,
		})
		if err != nil && slipway.KindOf(err) == slipway.Conflict {
			continue // somebody wrote something else meanwhile
		}
		if err != nil {
			return false, err
		}
		var there Admission // another's, if that came first
		if err := json.Unmarshal(e.Body, &there); err != nil {
			return false, err
		}
		mine := there.By == a.By && there.From == a.From && there.Time.Equal(a.Time)
		return mine, a.check(s, there)
	}
}

// check refuses a release that another one's record stands for already.
func (a Admission) check(s Subject, old Admission) error {
	if old.Record == a.Record {
		return nil
	}
	return slipway.Errorf(slipway.Conflict, "release %s is in %s already, with another record: %s is not %s", a.Version, s.Environment, old.Record, a.Record).
		WithFix("a release never changes; release these bytes under another version")
}

// Describe says in words what an entry of the history is about.
func (h History) Describe(e Entry) string {
	switch e.Kind {
	case ReleaseCreated, ReleasePromoted:
		var a Admission
		if json.Unmarshal(e.Body, &a) != nil {
			return e.Kind
		}
		if a.Set != nil {
			return fmt.Sprintf("release %s promoted from %s, with %s (set %s)", a.Version, a.From, a.Set.Others(e.App), a.Set.Digest.Short())
		}
		if a.From != "" {
			return fmt.Sprintf("release %s promoted from %s", a.Version, a.From)
		}
		return "release " + a.Version + " made"
	case ReleaseSigned:
		var s SignOff
		if json.Unmarshal(e.Body, &s) != nil {
			return e.Kind
		}
		return s.String()
	case DeploymentStarted:
		var d slipway.Deployment
		if json.Unmarshal(e.Body, &d) != nil {
			return e.Kind
		}
		text := fmt.Sprintf("deployment %d of %s started", d.Number, d.Plan.Target.Version)
		if d.RollbackOf != 0 {
			text += fmt.Sprintf(", back to deployment %d", d.RollbackOf)
		}
		return text
	case DeploymentEnded:
		var end DeploymentEnd
		if json.Unmarshal(e.Body, &end) != nil {
			return e.Kind
		}
		text := fmt.Sprintf("deployment %d %s", end.Number, end.State)
		if end.Error != "" {
			text += ": " + end.Error
		}
		return text
	case JobRemoved:
		return "job removed"
	case RunEnded:
		var v slipway.RunVerdict
		if json.Unmarshal(e.Body, &v) != nil {
			return e.Kind
		}
		return fmt.Sprintf("run %s of %s %s", v.Run, v.Version, v.State)
	case RailGranted:
		return describeWord[Grant](e)
	case ReleaseHeld:
		return describeWord[Quarantine](e)
	case ReleaseJoined, ReleaseLeft:
		return describeJoining(e)
	case QuotaVoided:
		return "a reservation that nothing began on is void"
	}
	return e.Kind
}
