package glue

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

// A value that looks like a secret and that the manifest does not set was put into the
// job by others. It stays there: what Slipway keeps, in plans and in the ledger, has a
// placeholder in its place, and when the job is updated the value that is there is
// carried over.

// withheldBegin begins a placeholder. Behind it stands just enough of the value's digest
// to see that it was changed, and too little to guess it by.
const withheldBegin = "slipway-withheld:"

func withheld(text string) string {
	sum := sha256.Sum256([]byte(withheldBegin + text))
	return withheldBegin + hex.EncodeToString(sum[:2])
}

func isWithheld(text string) bool { return strings.HasPrefix(text, withheldBegin) }

// holdsWithheld reports whether there is a placeholder anywhere in a value.
func holdsWithheld(v any) bool {
	found := false
	eachText("", v, func(_, text string) string {
		found = found || isWithheld(text)
		return text
	})
	return found
}

// eachText returns v with each text in it as fn gives it. Paths are those of cells:
// DefaultArguments.--password.
func eachText(path string, v any, fn func(path, text string) string) any {
	switch v := v.(type) {
	case string:
		return fn(path, v)
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = eachText(fmt.Sprintf("%s.%d", path, i), item, fn)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[key] = eachText(strings.TrimPrefix(path+"."+key, "."), item, fn)
		}
		return out
	}
	return v
}

// withhold takes the values that look like secrets out of a job.
func withhold(job map[string]any) (public map[string]any, secrets map[string]string) {
	secrets = map[string]string{}
	if job == nil {
		return nil, secrets
	}
	public, _ = eachText("", job, func(path, text string) string {
		if isArgument(path) && suspicious(path, text) || driver.SecretValue(text) {
			secrets[path] = text
			return withheld(text)
		}
		return text
	}).(map[string]any)
	return public, secrets
}

// reveal puts back the values that Slipway was given by the manifest, now or before:
// those are none of others.
func (r remote) reveal(known ...cells) remote {
	if r.Job == nil || len(r.secrets) == 0 {
		return r
	}
	r.Job, _ = eachText("", r.Job, func(path, text string) string {
		for _, c := range known {
			if given, _ := c[path].(string); isWithheld(text) && !isWithheld(given) && withheld(given) == text && given == r.secrets[path] {
				return given
			}
		}
		return text
	}).(map[string]any)
	return r
}

// fillIn puts the values that are there in the places of their placeholders.
func (r remote) fillIn(job map[string]any) (map[string]any, error) {
	missing := ""
	full, _ := eachText("", job, func(path, text string) string {
		if !isWithheld(text) {
			return text
		}
		if value := r.secrets[path]; withheld(value) == text {
			return value
		}
		missing = path
		return text
	}).(map[string]any)
	if missing != "" {
		return nil, slipway.Errorf(slipway.Conflict, "%s is not what it was when the plan was made, and Slipway keeps no secrets", fieldOf(missing)).
			WithFix("plan again")
	}
	return full, nil
}

// unknown notes a value that is to come back and that nobody kept. What is there now
// stays in its place. Where nothing is, a rollback cannot be exact.
func (m *merge) unknown(name string) any {
	there := m.there[name]
	switch {
	case there != nil:
		m.warnings = append(m.warnings, fmt.Sprintf("kept: %s as it is now; it was another secret before, and Slipway keeps none", fieldOf(name)))
	case m.former != nil:
		m.lost = append(m.lost, fieldOf(name))
	default:
		m.warnings = append(m.warnings, fieldOf(name)+" does not come back: it was a secret, and Slipway keeps none")
	}
	return there
}

// refuseLost ends a rollback to a definition that had secrets which are not there any
// more.
func (m *merge) refuseLost(w want) error {
	if len(m.lost) == 0 {
		return nil
	}
	return slipway.Errorf(slipway.Blocked, "the job %s had secrets then that are no longer there, and Slipway keeps none: %s", w.name, strings.Join(m.lost, ", ")).
		WithFix("set them on the job first (AWS console, Job details, Job parameters), then roll back; or deploy a release, which does without them")
}
