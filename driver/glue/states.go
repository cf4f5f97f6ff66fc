package glue

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

// stateOf is the state of an attempt in Slipway's words, and for one that did not
// succeed a message that says why. A state that is not known is told as such, and
// is no end.
func stateOf(r types.JobRun) (slipway.RunState, string) {
	said := shorten(aws.ToString(r.ErrorMessage))
	switch r.JobRunState {
	case types.JobRunStateStarting:
		return slipway.RunStarting, ""
	case types.JobRunStateRunning:
		return slipway.RunRunning, ""
	case types.JobRunStateStopping:
		return slipway.RunStopping, ""
	case types.JobRunStateWaiting:
		return slipway.RunWaiting, or(aws.ToString(r.StateDetail), "it waits in AWS Glue's queue")
	case types.JobRunStateSucceeded:
		return slipway.RunSucceeded, ""
	case types.JobRunStateStopped:
		return slipway.RunStopped, or(said, "stopped")
	case types.JobRunStateFailed:
		return slipway.RunFailed, or(said, "AWS Glue gives no reason; its log may")
	case types.JobRunStateTimeout:
		return slipway.RunTimeout, timedOut(r, said)
	case types.JobRunStateError:
		return slipway.RunErrored, or(said, "AWS Glue could not carry it out and gives no reason; "+
			"a trigger that names a job that was deleted does this, and so does a script that is not where the job says")
	case types.JobRunStateExpired:
		return slipway.RunExpired, expired(r, said)
	}
	return slipway.RunUnknown, fmt.Sprintf("AWS Glue calls its state %s, which this version of Slipway does not know", r.JobRunState)
}

func timedOut(r types.JobRun, said string) string {
	text := "it ran longer than it may"
	if limit := aws.ToInt32(r.Timeout); limit > 0 {
		text = fmt.Sprintf("it ran longer than its limit of %d minutes", limit)
	}
	return withReason(text+" (run.timeout), and AWS Glue ended it", said)
}

func expired(r types.JobRun, said string) string {
	if r.ExecutionClass == types.ExecutionClassFlex {
		return withReason("AWS Glue found no spare capacity in the time that a FLEX run may wait; "+
			"run it at another hour, or with execution_class: STANDARD", said)
	}
	return withReason("it waited longer in AWS Glue's queue than a run may; let fewer runs start at once, or ask for a higher quota", said)
}

func withReason(text, said string) string {
	if said == "" {
		return text
	}
	return text + ": " + said
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

const (
	maxMessage = 1000 // bytes
	maxLines   = 12
)

// failedLine is how Glue's error analysis begins its messages.
var failedLine = regexp.MustCompile(`^(?:Error Category: [A-Z_0-9 ]+; )?(?:Failed Line Number: (\d+); )?`)

// shorten makes a message for people of what Glue says: the line of the script in
// words, no frames of Java, and no more than fits on a screen.
func shorten(said string) string {
	said = strings.TrimSpace(said)
	m := failedLine.FindStringSubmatch(said)
	said = said[len(m[0]):]
	var kept []string
	for line := range strings.Lines(said) {
		line = strings.TrimRight(line, " \t\r\n")
		if trimmed := strings.TrimSpace(line); trimmed == "" || strings.HasPrefix(trimmed, "at ") || strings.HasPrefix(trimmed, "... ") {
			continue
		}
		kept = append(kept, line)
	}
	if len(kept) > maxLines {
		kept = append(kept[:1:1], kept[len(kept)-maxLines+1:]...)
	}
	text := strings.Join(kept, "\n")
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "..."
	}
	if m[1] != "" {
		text = fmt.Sprintf("%s (line %s of the script)", text, m[1])
	}
	return text
}

// shown are the arguments of a run for people to see: without the leading dashes,
// without Slipway's own, and without values that may be secrets.
func shown(arguments map[string]string) map[string]string {
	var out map[string]string
	for name, value := range driver.MaskArguments(arguments) {
		if strings.HasPrefix(name, ownArguments) {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[strings.TrimLeft(name, "-")] = value
	}
	return out
}
