package rest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/slipway-cd/slipway"
)

// A Deed is what one wants to do to a store.
type Deed int

// Deeds, for which a store asks for different permissions.
const (
	Reading   Deed = iota
	Writing        // where nothing is
	Replacing      // what is there
	Listing
)

func (d Deed) verb() string { return [...]string{"read", "write", "write", "list"}[d] }

// A Reason is why a store refuses.
type Reason int

// Reasons that are not for a person alone.
const (
	Other   Reason = iota
	Missing        // there is no such object
	Moved          // the condition of a write is not met
)

// A Refusal is an answer of the store that is none of success.
type Refusal struct {
	Reason Reason
	Why    string // what it means
	Said   string // in the store's own words; may be empty
	Fix    string // the way out
}

// Error implements error.
func (r *Refusal) Error() string {
	if r.Said == "" {
		return r.Why
	}
	return r.Why + ": " + r.Said
}

// explain tells a failure to a person: what could not be done where, why, and the way
// out.
func (r *Repository) explain(err error, d Deed, key string) error {
	if told, ok := errors.AsType[*slipway.Error](err); ok { // no credentials, and why
		return &slipway.Error{Kind: told.Kind, Message: fmt.Sprintf("cannot %s %s: %s", d.verb(), r.at(key), told.Message), Err: told}
	}
	why, fix := err.Error(), "call again"
	var refusal *Refusal
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case isFor(err, Missing):
		return slipway.Errorf(slipway.NotFound, "there is no %s", r.at(key))
	case errors.As(err, &refusal):
		fix = refusal.Fix
	}
	return &slipway.Error{Kind: slipway.Unavailable, Message: fmt.Sprintf("cannot %s %s: %s", d.verb(), r.at(key), why), Fix: fix, Err: err}
}

// cause is an error of the network without the request's URL around it.
func cause(err error) string {
	if request, ok := errors.AsType[*url.Error](err); ok {
		err = request.Err
	}
	return err.Error()
}

// brokenOff tells an error in the middle of an object.
func (r *Repository) brokenOff(err error, key string) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return slipway.Errorf(slipway.Unavailable, "cannot read %s: it did not arrive whole: %w", r.at(key), err).WithFix("call again")
}

// unordered refuses a store that lists in an order of its own, as Azure's with a
// hierarchical namespace do: parts of a ledger would be overlooked.
func (r *Repository) unordered(name, last string) error {
	return slipway.Errorf(slipway.Unavailable, "cannot list %s: the store lists %s behind %s, and not in the order of their bytes",
		r.url, strings.TrimPrefix(name, r.prefix), strings.TrimPrefix(last, r.prefix)).
		WithFix("use a store that does; an account of Azure must not have a hierarchical namespace")
}
