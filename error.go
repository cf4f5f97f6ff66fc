package slipway

import (
	"errors"
	"fmt"
	"strings"
)

// Kind says what sort of thing went wrong. There are few of them: an exit code
// and, on the server, an HTTP status follow from the kind alone.
type Kind string

// The kinds of error.
const (
	// Invalid is input that cannot be right: a wrong key, an unknown name.
	Invalid Kind = "invalid"
	// NotFound is a name that is well formed but stands for nothing.
	NotFound Kind = "not_found"
	// Failed is work of the user's own that ended badly: a build step, a
	// required check, a run.
	Failed Kind = "failed"
	// Blocked is a closed gate: the rules do not allow the next stage yet.
	Blocked Kind = "blocked"
	// Denied is a person or a token that may not do this, or that nobody knows.
	Denied Kind = "denied"
	// Busy is somebody else at work on the same thing; trying later helps.
	Busy Kind = "busy"
	// Conflict is a world that moved: a stale plan, or bytes that differ from
	// those already fixed under the same name.
	Conflict Kind = "conflict"
	// Unavailable is something this machine or the network lacks: a Python, a
	// package, a disk with room.
	Unavailable Kind = "unavailable"
	// Internal is everything else; the fault is Slipway's.
	Internal Kind = "internal"
)

// An Error is a failure told to a person: one sentence that says what is wrong
// and, in Fix, the way out. Both may span lines.
type Error struct {
	Kind    Kind
	Message string
	Fix     string // what to do about it; empty if nothing is known
	Err     error  // the cause, if there is one to unwrap
}

// Errorf makes an Error of the kind with a formatted message. A %w verb keeps
// its cause.
func Errorf(kind Kind, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Kind: kind, Message: err.Error(), Err: errors.Unwrap(err)}
}

// WithFix returns a copy of e that carries the way out.
func (e *Error) WithFix(format string, args ...any) *Error {
	c := *e
	c.Fix = fmt.Sprintf(format, args...)
	return &c
}

// Error gives the message without the fix.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the outermost Error in err's chain, and Internal
// where there is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// FixOf returns the ways out named along err's chain, outermost first, a line
// each; empty if there are none.
func FixOf(err error) string {
	var fixes []string
	for ; err != nil; err = errors.Unwrap(err) {
		e, ok := errors.AsType[*Error](err)
		if !ok {
			break
		}
		if e.Fix != "" {
			fixes = append(fixes, e.Fix)
		}
		err = e
	}
	return strings.Join(fixes, "\n")
}
