package access

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
)

// A Denial is an answer of AWS that says no.
type Denial struct {
	Action   string // glue:UpdateJob
	Resource string // the ARN; empty or * if it is not known
	Who      string // the ARN of who asked; empty if it is not known
	// Deny names the policy that forbids it; empty if none allows it.
	Deny string
}

// refusals are the codes by which services say that a right is missing.
//
//nolint:gochecknoglobals // immutable
var refusals = []string{"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "NotAuthorized", "Forbidden"}

// Denied explains an error of a call to AWS, if it is one that says that a right
// is missing. Action and resource are what was asked for; what AWS itself names
// comes first, since one call may need the right to another action, as CreateJob
// needs iam:PassRole.
func Denied(err error, action, resource string) (*slipway.Error, bool) {
	var answer interface {
		ErrorCode() string
		ErrorMessage() string
	}
	if !errors.As(err, &answer) || !slices.Contains(refusals, answer.ErrorCode()) {
		return nil, false
	}
	d := Read(answer.ErrorMessage())
	if d.Action == "" || d.Action == action {
		d.Action = action
		if d.Resource == "" || d.Resource == "*" {
			d.Resource = resource
		}
	}
	e := d.Explain()
	e.Err = err
	return e, true
}

// Read finds in a message of AWS what was denied to whom and why. What the
// message does not say stays empty.
func Read(message string) Denial {
	var d Denial
	before, rest, ok := strings.Cut(message, "not authorized to perform: ")
	if !ok {
		return d
	}
	if _, who, ok := strings.Cut(before, "User: "); ok {
		d.Who, _, _ = strings.Cut(who, " ")
	}
	if at := strings.LastIndex(rest, " with an explicit deny in "); at >= 0 {
		d.Deny = strings.TrimSpace(rest[at+len(" with an explicit deny in "):])
		rest = rest[:at]
	}
	if at := strings.LastIndex(rest, " because "); at >= 0 {
		why := rest[at+len(" because "):]
		if kind, ok := limit(why); ok {
			d.Deny = kind
		}
		rest = rest[:at]
	}
	d.Action, rest, _ = strings.Cut(rest, " ")
	if _, resource, ok := strings.Cut(rest, "on resource: "); ok {
		d.Resource = strings.TrimSpace(resource)
	}
	return d
}

// limit finds a policy that only limits, so that another that allows is no help:
// "no permissions boundary allows the glue:GetJob action".
func limit(why string) (kind string, ok bool) {
	for _, kind := range []string{"permissions boundary", "service control policy", "resource control policy", "session policy", "VPC endpoint policy"} {
		if strings.Contains(why, "no "+kind+" allows") {
			return "a " + kind + ", which does not allow it", true
		}
	}
	return "", false
}

// Lack is the error of a right that is missing: it names the action, and the
// statement to add.
func Lack(action, resource string) *slipway.Error {
	return Denial{Action: action, Resource: resource}.Explain()
}

// Explain tells the denial, and what to do about it.
func (d Denial) Explain() *slipway.Error {
	on, who := "", "these credentials"
	if d.Resource != "" && d.Resource != "*" {
		on = " on " + d.Resource
	}
	if d.Who != "" {
		who = d.Who
	}
	e := slipway.Errorf(slipway.Unavailable, "AWS refuses %s%s to %s", d.Action, on, who)
	if d.Deny != "" {
		return slipway.Errorf(slipway.Unavailable, "%s, by %s", e.Message, d.Deny).
			WithFix("another policy that allows it is no help against that: ask those who wrote it to let %s pass%s", d.Action, on)
	}
	return e.WithFix("add to the policy of %s: %s\nslipway aws policy ENV shows everything that Slipway needs there; slipway aws bootstrap ENV adds it", d.role(), d.statement())
}

// role is what gets the statement.
func (d Denial) role() string {
	_, rest, assumed := strings.Cut(d.Who, ":assumed-role/")
	switch name, _, _ := strings.Cut(rest, "/"); {
	case assumed:
		return "the role " + name
	case d.Who != "":
		return d.Who
	}
	return "who is signed in"
}

// statement is the line that a policy lacks.
func (d Denial) statement() string {
	s := Statement{Effect: "Allow", Action: List{d.Action}, Resource: List{d.Resource}}
	if d.Resource == "" {
		s.Resource = List{"*"}
	}
	if d.Action == "iam:PassRole" {
		s.Condition = passRole("").Condition
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // texts and lists of texts can always be written
	}
	return strings.TrimSpace(b.String())
}
