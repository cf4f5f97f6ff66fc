package gluetest

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// An Outcome is what becomes of a call. The zero value is no fault.
type Outcome struct {
	kind    kind
	acts    bool
	code    string
	message string
	status  int
}

type kind int

const (
	works kind = iota
	fails
	page
	drops
	hangs
	cuts
)

// Fail answers an error of the API instead of acting. See Errors for the codes that
// each operation may answer.
func Fail(code string) Outcome {
	return Outcome{kind: fails, code: code, message: messages[code], status: statusOf(code)}
}

// Throttle answers that there are too many calls.
func Throttle() Outcome { return Fail("ThrottlingException") }

// Page answers a page of HTML with this status, as proxies and load balancers do.
func Page(status int) Outcome { return Outcome{kind: page, status: status} }

// Drop closes the connection without an answer.
func Drop() Outcome { return Outcome{kind: drops} }

// Hang answers nothing until the caller gives up.
func Hang() Outcome { return Outcome{kind: hangs} }

// Cut acts, and breaks the connection in the middle of its good answer.
func Cut() Outcome { return Outcome{kind: cuts, acts: true} }

// AfterEffect is the same outcome of a call that has acted.
func (o Outcome) AfterEffect() Outcome {
	o.acts = true
	return o
}

// Saying is the same error in other words.
func (o Outcome) Saying(message string) Outcome {
	o.message = message
	return o
}

// String names the outcome, as in a test's name.
func (o Outcome) String() string {
	what := map[kind]string{
		works: "works",
		fails: "answers " + o.code,
		page:  fmt.Sprintf("answers an HTML page with status %d", o.status),
		drops: "drops the connection",
		hangs: "hangs",
		cuts:  "breaks off its answer",
	}[o.kind]
	if o.acts {
		return "acts, then " + what
	}
	return what
}

// Lost says that the caller cannot know from the answer whether the call has acted:
// it was a server's error, no answer, or half of one.
func (o Outcome) Lost() bool {
	return o.kind > fails || o.status >= http.StatusInternalServerError || o.code == "OperationTimeoutException"
}

// words are what an error says: IAM names the action and the resource.
func (o Outcome) words(op string, input object) string {
	if o.message != messages[accessDenied] || o.code != accessDenied {
		return o.message
	}
	action := services[operations[op].service] + ":" + op
	return fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s because no identity-based policy allows the %[2]s action",
		caller, action, resource(op, input))
}

// resource is the ARN that a call is about.
func resource(op string, input object) string {
	name := cmp.Or(str(input, "JobName"), str(input, "Name"), str(input, "ConnectionName"))
	switch {
	case has(input, "ResourceArn"):
		return str(input, "ResourceArn")
	case name == "":
		return "*"
	case strings.HasSuffix(op, "Trigger"):
		return arn("trigger", name)
	case strings.HasSuffix(op, "Connection"):
		return arn("connection", name)
	default:
		return arn("job", name)
	}
}

// Fault asks the function for the outcome of each call from now on. It may be
// called from several goroutines. Nil ends the faults.
func (f *Fake) Fault(outcome func(Call) Outcome) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = outcome
}

// InTurn gives the calls of one operation these outcomes, one each; what comes
// after them works.
func InTurn(op string, outcomes ...Outcome) func(Call) Outcome {
	var mu sync.Mutex
	return func(call Call) Outcome {
		mu.Lock()
		defer mu.Unlock()
		if call.Op != op || len(outcomes) == 0 {
			return Outcome{}
		}
		next := outcomes[0]
		outcomes = outcomes[1:]
		return next
	}
}

// Nth gives one call an outcome: the nth of those recorded, of any operation.
func Nth(n int, outcome Outcome) func(Call) Outcome {
	return func(call Call) Outcome {
		if call.N == n {
			return outcome
		}
		return Outcome{}
	}
}

// Always gives every call of one operation the same outcome.
func Always(op string, outcome Outcome) func(Call) Outcome {
	return func(call Call) Outcome {
		if call.Op == op {
			return outcome
		}
		return Outcome{}
	}
}

// Times is an outcome, so many times over, for InTurn.
func Times(n int, outcome Outcome) []Outcome {
	out := make([]Outcome, n)
	for i := range out {
		out[i] = outcome
	}
	return out
}

// Faults are all the ways in which a call of an operation can go wrong: every error
// of the API before the effect, and every way to lose the answer, before the effect
// and after it. Those that hang come last, and want a context with an end.
func Faults(op string) []Outcome {
	var out []Outcome
	for _, code := range append(Errors[op], commonErrors...) {
		out = append(out, Fail(code))
	}
	out = append(out, Page(http.StatusBadGateway), Drop())
	if !operations[op].writes {
		return append(out, Cut(), Hang())
	}
	for _, code := range append(Errors[op], commonErrors...) {
		if statusOf(code) >= http.StatusInternalServerError {
			out = append(out, Fail(code).AfterEffect())
		}
	}
	// The model calls this one a client's error, and it is not: the call may have acted.
	out = append(out, Fail("OperationTimeoutException").AfterEffect())
	return append(out, Page(http.StatusBadGateway).AfterEffect(), Drop().AfterEffect(), Cut(), Hang(), Hang().AfterEffect())
}
