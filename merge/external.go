package merge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/manifest"
)

// externals are the checks of other systems.
func (e *evaluation) externals() {
	for _, s := range e.scopes() {
		for _, c := range s.merge.External {
			e.external(c, s)
		}
	}
}

// external looks for the statuses of a check. Only those count that are of the
// head, and both of its name and of its issuer.
func (e *evaluation) external(c manifest.ExternalCheck, s scope) {
	r := Requirement{Kind: KindExternal, Name: c.Name, For: c.Name, Source: s.file, Advisory: !c.Required}
	defer func() { e.add(r) }()
	switch a := e.asks(c.If, s); {
	case a.unknown != "":
		r.Status, r.Reason, r.Who = Failed, a.unknown, whoMay("mend the rules")
		return
	case !a.holds:
		r.Status, r.Reason = NotRequired, a.why
		return
	}
	var wrong []string
	var found []slipway.Status
	for _, st := range e.pr.Statuses {
		switch {
		case !matches(c.Pattern, st.Name):
		case !strings.EqualFold(st.App, c.App):
			if who := issuer(st); !slices.Contains(wrong, who) {
				wrong = append(wrong, who)
			}
		default:
			found = append(found, st)
		}
	}
	system := []Who{{Kind: WhoSystem, Name: c.App}}
	stale := e.facts.StatusesOf != "" && e.facts.StatusesOf != e.pr.Head
	if len(found) == 0 || stale {
		r.Status, r.Who, r.Since = Waiting, system, e.pushed()
		r.Reason = fmt.Sprintf("%s by %s has said nothing of this commit", c.Pattern, c.App)
		if len(wrong) > 0 && !stale {
			slices.Sort(wrong)
			r.Reason += "; one of that name by " + strings.Join(wrong, ", ") + " does not count"
		}
		return
	}
	e.worst(&r, c, found, system)
}

func issuer(st slipway.Status) string {
	if st.App == "" {
		return "nobody knows whom"
	}
	return st.App
}

// worst says how a check stands of which there are several statuses: all have to
// pass.
func (e *evaluation) worst(r *Requirement, c manifest.ExternalCheck, found []slipway.Status, system []Who) {
	slices.SortStableFunc(found, func(a, b slipway.Status) int { return strings.Compare(a.Name, b.Name) })
	r.Status, r.Reason = Met, "it passed"
	for _, st := range found {
		one := Requirement{Status: Met}
		switch st.State {
		case "pass":
		case "pending":
			one = Requirement{Status: Waiting, Reason: st.Name + " is under way", Who: system, Since: st.Time}
		case "fail", "error":
			one = Requirement{Status: Failed, Reason: st.Name + " failed" + summary(st), Who: e.theAuthor()}
		case "neutral", "skipped":
			if !c.NeutralIsFine {
				one = Requirement{Status: Failed, Reason: fmt.Sprintf("%s is %s, which is no pass; with neutral: pass it would be", st.Name, st.State), Who: e.theAuthor()}
			}
		default:
			one = Requirement{Status: Failed, Reason: fmt.Sprintf("the state of %s is %q, which nobody understands", st.Name, st.State), Who: system}
		}
		if one.Status == Failed && r.Status != Failed || one.Status == Waiting && r.Status == Met {
			r.Status, r.Reason, r.Who, r.Since, r.URL = one.Status, one.Reason, one.Who, one.Since, st.URL
		}
	}
}

func summary(st slipway.Status) string {
	if line := firstLine(st.Summary); line != "" {
		return ": " + line
	}
	return ""
}
