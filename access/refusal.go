package access

import (
	"context"
	"time"
)

// A Refusal is somebody who was not let through.
type Refusal struct {
	Time  time.Time `json:"time"` // of the first, where they are counted together
	Who   string    `json:"who"`  // as far as it is known
	Do    Action    `json:"do,omitempty"`
	On    string    `json:"on,omitempty"`
	Why   string    `json:"why"`
	From  string    `json:"from,omitempty"` // network address
	Count int       `json:"count"`          // how often within the minute; 0 stands for once
}

// A Recorder keeps refusals. It is told of every one.
type Recorder interface {
	Refused(ctx context.Context, r Refusal) error
}
