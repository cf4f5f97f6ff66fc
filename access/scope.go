package access

import (
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
)

// A Scope bounds what a token, a machine or a delegation is good for. What is empty
// is not bounded.
type Scope struct {
	Action      Action
	App         string
	Environment string
}

// everything is how a scope without any bound is written.
const everything = "all"

// ParseScope reads ACTION[:APP][@ENVIRONMENT], such as deploy:traffic@prod, in which
// the action may be all.
func ParseScope(text string) (Scope, error) {
	rest, environment, inEnvironment := strings.Cut(text, "@")
	action, app, ofApp := strings.Cut(rest, ":")
	s := Scope{Action: Action(action), App: app, Environment: environment}
	if action == everything {
		s.Action = ""
	}
	switch {
	case action != everything && !slices.Contains(Actions(), s.Action):
		return s, badScope(text, "%q is no action", action)
	case ofApp && app == "" || inEnvironment && environment == "":
		return s, badScope(text, "a name is missing")
	case strings.ContainsAny(app+environment, ":@, \t\n"):
		return s, badScope(text, "a name has no such characters")
	case s.Action == Admin && (ofApp || inEnvironment):
		return s, badScope(text, "admin is about everything")
	case inEnvironment && s.Action != "" && !s.Action.inEnvironment():
		return s, badScope(text, "%s is not done in an environment", action)
	}
	return s, nil
}

func badScope(text, why string, args ...any) error {
	var names []string
	for _, a := range Actions() {
		names = append(names, string(a))
	}
	return slipway.Errorf(slipway.Invalid, "%q is not a scope: "+why, append([]any{text}, args...)...).
		WithFix("write ACTION, ACTION:APP, ACTION@ENVIRONMENT or ACTION:APP@ENVIRONMENT; the actions are %s, and all", strings.Join(names, ", "))
}

// ParseScopes reads several.
func ParseScopes(texts []string) ([]Scope, error) {
	all := make([]Scope, 0, len(texts))
	for _, text := range texts {
		s, err := ParseScope(text)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// String writes what ParseScope reads.
func (s Scope) String() string {
	text := string(s.Action)
	if s.Action == "" {
		text = everything
	}
	if s.App != "" {
		text += ":" + s.App
	}
	if s.Environment != "" {
		text += "@" + s.Environment
	}
	return text
}

// MarshalText implements encoding.TextMarshaler.
func (s Scope) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Scope) UnmarshalText(text []byte) (err error) {
	*s, err = ParseScope(string(text))
	return err
}

// covers reports whether the scope reaches that far. Whoever may act on an app may
// look at it.
func (s Scope) covers(do Action, on Object) bool {
	if s.App != "" && (s.App != on.App || do == Admin) {
		return false
	}
	if s.Environment != "" && (s.Environment != on.Environment || !do.inEnvironment()) && do != Read {
		return false
	}
	return s.Action == "" || s.Action == do || do == Read && s.Action != Admin
}

// covered reports whether one of the scopes reaches that far.
func covered(all []Scope, do Action, on Object) bool {
	return slices.ContainsFunc(all, func(s Scope) bool { return s.covers(do, on) })
}

// JoinScopes writes scopes in one line, with commas between them.
func JoinScopes(all []Scope) string {
	texts := make([]string, len(all))
	for i, s := range all {
		texts[i] = s.String()
	}
	return strings.Join(texts, ", ")
}
