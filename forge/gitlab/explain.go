package gitlab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
)

// A refusal is an answer that is an error.
type refusal struct {
	status  int
	message string
	scopes  string // those of which the token needs one; empty: it does not say
}

func (r *refusal) Error() string { return fmt.Sprintf("%d: %s", r.status, r.message) }

// refusalOf reads what went wrong. GitLab says it in four ways.
func refusalOf(status int, data []byte) *refusal {
	var said struct {
		Message     any    `json:"message"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
		Scope       string `json:"scope"`
		Errors      []struct {
			Message string `json:"message"`
		} `json:"errors"`
	}
	r := &refusal{status: status, message: http.StatusText(status)}
	if json.Unmarshal(data, &said) != nil {
		return r
	}
	switch {
	case said.Message != nil:
		r.message = flat(said.Message)
	case said.Description != "":
		r.message = said.Description
	case said.Error != "":
		r.message = said.Error
	case len(said.Errors) > 0:
		r.message = said.Errors[0].Message
	}
	if said.Error == "insufficient_scope" {
		r.scopes = strings.Join(strings.Fields(said.Scope), " or ")
	}
	return r
}

// flat is a message as text: it may be one, a list, or lists by field.
func flat(message any) string {
	switch m := message.(type) {
	case string:
		return m
	case []any:
		var parts []string
		for _, one := range m {
			parts = append(parts, flat(one))
		}
		return strings.Join(parts, ", ")
	case map[string]any:
		var parts []string
		for field, one := range m {
			parts = append(parts, field+" "+flat(one))
		}
		slices.Sort(parts)
		return strings.Join(parts, "; ")
	}
	return fmt.Sprint(message)
}

// explain turns what the server answered into an error with the way out.
func (f *Forge) explain(a ask, err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if limited, ok := errors.AsType[*forge.LimitError](err); ok {
		return slipway.Errorf(slipway.Busy, "%s has answered as many requests as it does for now: %w", f.host, limited).
			WithFix("nothing has to be done. If it happens often, raise the limit for the token's user, or give each server a token of another user")
	}
	said, ok := errors.AsType[*refusal](err)
	if !ok {
		return slipway.Errorf(slipway.Unavailable, "%s cannot be reached: %w", f.host, rootOf(err)).
			WithFix("check the network, the URL, and the proxy if there is one; what was missed is made up for later")
	}
	return f.explainRefusal(a, said)
}

func (f *Forge) explainRefusal(a ask, said *refusal) error {
	switch {
	case said.status == http.StatusUnauthorized:
		return slipway.Errorf(slipway.Denied, "%s does not know the token: %s", f.host, said.message).
			WithFix("the token has ended or was revoked: make a new one (docs/forges.md)")
	case said.status == http.StatusForbidden && said.scopes != "":
		return slipway.Errorf(slipway.Denied, "%s does not let the token %s of %s: it has not the scope %s", f.host, a.what, a.of, said.scopes).
			WithFix("make a token with the scope api (docs/forges.md)")
	case said.status == http.StatusForbidden:
		return slipway.Errorf(slipway.Denied, "%s does not let the token's user %s of %s: %s", f.host, a.what, a.of, said.message).
			WithFix("give the token's user the role that docs/forges.md names, in the project or its group")
	case said.status == http.StatusNotFound:
		return slipway.Errorf(slipway.NotFound, "cannot %s: %s has no %s, or the token may not see it", a.what, f.host, a.of).
			WithFix("check the name, and that the token's user is a member of the project or its group")
	case said.status >= http.StatusInternalServerError:
		return slipway.Errorf(slipway.Unavailable, "%s is out of order: it answers %d when asked to %s of %s", f.host, said.status, a.what, a.of).
			WithFix("see GitLab's log, or status.gitlab.com for gitlab.com; it is tried again")
	}
	return slipway.Errorf(slipway.Invalid, "%s refuses to %s of %s: %s", f.host, a.what, a.of, said.message)
}

// rootOf is the innermost error: the others say what the message says already.
func rootOf(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
