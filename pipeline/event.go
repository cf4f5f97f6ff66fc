package pipeline

import "time"

// EventState says what happened to a stage.
type EventState string

// The states of an event.
const (
	Started  EventState = "started"
	Progress EventState = "progress" // something worth a line while it goes on
	Done     EventState = "done"
	Reused   EventState = "reused" // nothing had to be done: it was there already
	Warned   EventState = "warning"
	Stopped  EventState = "stopped" // a closed gate, or a failure: the road ends here
)

// An Event is something a person who watches wants to know at once.
type Event struct {
	Time  time.Time     `json:"time"`
	Stage string        `json:"stage"` // build, check, release, promote, deploy, run
	State EventState    `json:"state"`
	Text  string        `json:"text,omitempty"`
	Took  time.Duration `json:"took_ns,omitempty"` // of a stage that ended
}
