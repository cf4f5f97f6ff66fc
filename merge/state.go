package merge

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Label is the label, and the name of the commit status, of a pull request whose
// requirements are all met.
const Label = "Merge Requirements Met"

// State is where a pull request stands.
type State struct {
	Met          bool          `json:"met"`
	Head         string        `json:"head"`
	Summary      string        `json:"summary"`
	Waits        []Wait        `json:"waits,omitempty"` // what is missing, in the order of Requirements
	Requirements []Requirement `json:"requirements"`
}

// A Wait is something that is missing for a merge.
type Wait struct {
	For    string `json:"for"` // such as "review by team data"
	Reason string `json:"reason"`
	Who    []Who  `json:"who,omitempty"`
}

// A Kind is a kind of requirement.
type Kind string

// The kinds of requirements.
const (
	KindPolicy    Kind = "policy"   // the rules and facts can be read
	KindOpen      Kind = "open"     // it is open, and no draft
	KindFork      Kind = "fork"     // a member's word on a stranger's commit
	KindCheck     Kind = "check"    // one of our own
	KindExternal  Kind = "external" // of another system
	KindRail      Kind = "rail"
	KindReview    Kind = "review"
	KindObjection Kind = "objection" // somebody asked for changes
	KindLabel     Kind = "label"
)

// A Status says how a requirement stands.
type Status string

// The statuses. Of a requirement that is not advisory, only Met and NotRequired
// let a merge through.
const (
	Met         Status = "met"
	Waiting     Status = "waiting" // somebody or something has yet to answer
	Failed      Status = "failed"  // it will not come to be met by waiting
	NotRequired Status = "not required"
)

// A Requirement is one thing that a merge needs, or does not need this time.
type Requirement struct {
	Kind     Kind          `json:"kind"`
	Name     string        `json:"name"`
	For      string        `json:"for"`              // what is waited for, such as "review by team data"
	Source   string        `json:"source,omitempty"` // the file that asks for it
	Status   Status        `json:"status"`
	Advisory bool          `json:"advisory,omitempty"` // it only informs
	Reason   string        `json:"reason"`
	Who      []Who         `json:"who,omitempty"`  // who can unblock it
	Since    time.Time     `json:"since,omitzero"` // when it began to be waited for
	URL      string        `json:"url,omitempty"`  // where more is to be seen
	Of       []Requirement `json:"of,omitempty"`   // what it is made of
}

// Missing reports whether the requirement keeps the pull request from being
// merged. A status that nobody knows does.
func (r Requirement) Missing() bool {
	return !r.Advisory && r.Status != Met && r.Status != NotRequired
}

// A WhoKind says what sort of somebody can unblock something.
type WhoKind string

// The sorts of somebody.
const (
	WhoPerson WhoKind = "person"
	WhoAuthor WhoKind = "author"
	WhoSystem WhoKind = "system"
	WhoAny    WhoKind = "anybody" // of a sort that Name describes
)

// Who is somebody who can unblock something.
type Who struct {
	Kind  WhoKind `json:"kind"`
	Name  string  `json:"name"`            // in platform.yaml, or the login
	Login string  `json:"login,omitempty"` // at the forge
}

func newState(head string, requirements []Requirement) State {
	s := State{Met: true, Head: head, Requirements: requirements}
	for _, r := range requirements {
		if !r.Missing() {
			continue
		}
		s.Met = false
		w := Wait{For: r.For, Reason: r.Reason, Who: r.Who}
		if r.Status == Failed && r.Kind != KindObjection {
			w.For += " (failed)"
		}
		s.Waits = append(s.Waits, w)
	}
	s.Summary = s.Short(0)
	return s
}

// Short is the summary in at most so many bytes, as forges limit it; with 0 it is
// whole.
func (s State) Short(limit int) string {
	if s.Met {
		return s.metSummary()
	}
	var things []string
	for _, w := range s.Waits {
		things = append(things, w.For)
	}
	people := s.people()
	for keep := len(things); ; keep-- {
		text := "waits for: " + some(things, keep)
		full := text
		if len(people) > 0 {
			full += "; who can unblock: " + some(people, max(1, keep))
		}
		switch {
		case limit <= 0 || len(full) <= limit:
			return full
		case keep <= 1 && len(text) <= limit:
			return text
		case keep <= 1:
			return cut(text, limit)
		}
	}
}

func (s State) metSummary() string {
	counts, order := map[Kind]int{}, []Kind{KindCheck, KindExternal, KindReview}
	for _, r := range s.Requirements {
		if r.Status == Met && !r.Advisory {
			counts[r.Kind]++
		}
	}
	words := map[Kind]string{KindCheck: "check", KindExternal: "external check", KindReview: "review rule"}
	var parts []string
	for _, k := range order {
		if n := counts[k]; n == 1 {
			parts = append(parts, "1 "+words[k])
		} else if n > 1 {
			parts = append(parts, fmt.Sprintf("%d %ss", n, words[k]))
		}
	}
	if len(parts) == 0 {
		return "nothing is missing"
	}
	return "all is met: " + strings.Join(parts, ", ")
}

// people are those who can unblock something, each once, without systems.
func (s State) people() []string {
	var names []string
	for _, w := range s.Waits {
		for _, who := range w.Who {
			if who.Kind != WhoSystem && !slices.Contains(names, who.Name) {
				names = append(names, who.Name)
			}
		}
	}
	return names
}

// some lists the first of some things, and counts the others.
func some(things []string, keep int) string {
	if keep >= len(things) {
		return strings.Join(things, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(things[:max(1, keep)], ", "), len(things)-max(1, keep))
}

// cut shortens a text to so many bytes, between characters.
func cut(text string, limit int) string {
	const dots = "..."
	if len(text) <= limit {
		return text
	}
	at := max(0, limit-len(dots))
	for at > 0 && !utf8.RuneStart(text[at]) {
		at--
	}
	return text[:at] + dots[:min(len(dots), limit)]
}
