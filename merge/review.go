package merge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/manifest"
)

// The verdicts of a review.
const (
	approve   = "approve"
	reject    = "reject"
	remark    = "comment"
	dismissed = "dismissed"
)

// A voice is what somebody said of a pull request.
type voice struct {
	by, login string // login is in lower case
	verdict   string
	commit    string
	at        time.Time
	id        string
}

// hear puts reviews in the order of their times, and finds whose requests for
// changes stand. At the same time a request for changes comes last.
func (e *evaluation) hear() {
	e.rejected, e.cleared = map[string]voice{}, map[string]bool{}
	for _, r := range e.pr.Reviews {
		e.voices = append(e.voices, voice{by: r.By, login: fold(r.By), verdict: r.Verdict, commit: r.Commit, at: r.Time, id: r.ID})
	}
	slices.SortFunc(e.voices, inOrder)
	for _, v := range e.voices {
		switch v.verdict {
		case reject:
			e.rejected[v.login], e.cleared[v.login] = v, false
		case approve:
			e.cleared[v.login] = true
		}
	}
}

// inOrder compares voices by their times; at the same time approve comes before
// reject.
func inOrder(a, b voice) int {
	return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.verdict, b.verdict), cmp.Compare(a.id, b.id), cmp.Compare(a.login, b.login), cmp.Compare(a.by, b.by), cmp.Compare(a.commit, b.commit))
}

// stands reports whether what was said of a commit at a time holds for the head:
// if it is the head, or if only the base has moved since. What was approved before
// the pull request was pointed at another branch was another change.
func (e *evaluation) stands(commit string, at time.Time) bool {
	if commit == "" || !e.facts.Retargeted.IsZero() && !at.After(e.facts.Retargeted) {
		return false
	}
	if commit == e.pr.Head {
		return true
	}
	pushes := e.facts.Pushes
	if len(pushes) == 0 || pushes[len(pushes)-1].Head != e.pr.Head {
		return false
	}
	for i := len(pushes) - 1; i > 0; i-- {
		if !pushes[i].OnlyBase {
			return false
		}
		if pushes[i-1].Head == commit {
			return true
		}
	}
	return false
}

// headAt is the head that the pull request had at a time; empty if that is not
// known.
func (e *evaluation) headAt(at time.Time) string {
	head := ""
	for _, p := range e.facts.Pushes {
		if p.Time.IsZero() {
			return ""
		}
		if !p.Time.After(at) {
			head = p.Head
		}
	}
	return head
}

// reviews are the review rules of the platform and of the apps that the change
// touches, and the closer looks that checks ask for.
func (e *evaluation) reviews() {
	before := len(e.requirements)
	for _, s := range e.scopes() {
		for _, rule := range s.merge.Review {
			e.add(e.rule(rule, s))
		}
	}
	e.closerLooks()
	if len(e.requirements) == before {
		e.add(Requirement{Kind: KindReview, Name: "review", For: "review", Status: NotRequired, Reason: "no rule asks for one"})
	}
}

func (e *evaluation) rule(rule manifest.Review, s scope) Requirement {
	r := Requirement{Kind: KindReview, Name: rule.Name, For: rule.Name, Source: s.file}
	a := e.asks(rule.If, s)
	switch {
	case a.unknown != "":
		r.Status, r.Reason, r.Who = Failed, a.unknown, whoMay("mend the rules")
	case !a.holds:
		r.Status, r.Reason = NotRequired, a.why
	case len(rule.Any) > 0:
		e.anyOf(&r, rule.Any, s)
	case len(rule.All) > 0:
		e.allOf(&r, rule.All, s)
	case rule.Requires.IsZero():
		r.Status, r.Reason, r.Who = Failed, "the rule does not say what it requires", whoMay("mend the rules")
	default:
		e.approvals(&r, rule.Requires)
	}
	return r
}

// anyOf is met if one of the rules is that are for this change.
func (e *evaluation) anyOf(r *Requirement, rules []manifest.Review, s scope) {
	var missing []string
	r.Status, r.Reason = NotRequired, "none of its rules is for this change"
	waiting := false
	for _, rule := range rules {
		one := e.rule(rule, s)
		r.Of = append(r.Of, one)
		switch {
		case one.Status == Met && r.Status != Met:
			r.Status, r.Reason = Met, one.Name+": "+one.Reason
		case one.Missing():
			missing, waiting = append(missing, one.For), waiting || one.Status == Waiting
		}
	}
	if r.Status == Met || len(missing) == 0 {
		return
	}
	r.Status = Failed
	for _, one := range r.Of {
		if one.Missing() && (one.Status == Waiting || !waiting) {
			r.Who = append(r.Who, one.Who...)
		}
	}
	if waiting {
		r.Status = Waiting
	}
	r.For = strings.Join(missing, " or ")
	r.Reason = "one of these is enough: " + reasons(r.Of)
	r.Who = once(r.Who)
}

// allOf is met if all of the rules are that are for this change.
func (e *evaluation) allOf(r *Requirement, rules []manifest.Review, s scope) {
	var missing []string
	r.Status, r.Reason = NotRequired, "none of its rules is for this change"
	for _, rule := range rules {
		one := e.rule(rule, s)
		r.Of = append(r.Of, one)
		switch {
		case one.Missing():
			missing, r.Who = append(missing, one.For), append(r.Who, one.Who...)
			if r.Status != Failed {
				r.Status = one.Status
			}
		case one.Status == Met && r.Status == NotRequired:
			r.Status, r.Reason = Met, "all of its rules are met"
		}
	}
	if len(missing) > 0 {
		r.For, r.Reason, r.Who = strings.Join(missing, " and "), "all of these are needed: "+reasons(r.Of), once(r.Who)
	}
}

// reasons are those of what is missing.
func reasons(all []Requirement) string {
	var parts []string
	for _, r := range all {
		if r.Missing() {
			parts = append(parts, r.Name+": "+r.Reason)
		}
	}
	return strings.Join(parts, "; ")
}

func once(all []Who) []Who {
	var out []Who
	for _, w := range all {
		if !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

// approvals says whether as many approve as are asked for.
func (e *evaluation) approvals(r *Requirement, need manifest.Requires) {
	r.For = forReview(need)
	g := e.people.group(need.Who, need.Permission)
	if len(g.unknown) > 0 {
		r.Status, r.Reason, r.Who = Failed, strings.Join(g.unknown, ", "), whoMay("mend the rules")
		return
	}
	if need.Count <= 0 {
		r.Status, r.Reason = Met, "it needs no approval"
		return
	}
	yes, but := e.tally(g, need)
	if len(yes) >= need.Count {
		r.Status, r.Reason = Met, "approved by "+strings.Join(yes, ", ")
		return
	}
	var left int
	r.Status = Waiting
	r.Who, left = e.candidates(g, need)
	r.Reason = fmt.Sprintf("%d of %d approved", len(yes), need.Count)
	if len(yes) > 0 {
		r.Reason += " (" + strings.Join(yes, ", ") + ")"
	}
	if missing := need.Count - len(yes); g.permission == "" && left < missing {
		r.Status = Failed
		r.Reason += fmt.Sprintf(", and only %d of %s can still approve", left, words(need.Who, "", need.Count))
	}
	for _, name := range g.nameless {
		but = append(but, name+" has no login in "+e.people.platform.File)
	}
	if len(but) > 0 {
		r.Reason += "; " + strings.Join(but, "; ")
	}
}

// forReview says what a rule waits for.
func forReview(need manifest.Requires) string {
	if need.Count > 1 {
		return fmt.Sprintf("%d reviews by %s", need.Count, words(need.Who, need.Permission, need.Count))
	}
	return "review by " + words(need.Who, need.Permission, need.Count)
}

// tally lists whose approvals count, and says of those in the group that do not
// why.
func (e *evaluation) tally(g group, need manifest.Requires) (yes, but []string) {
	counts, why := map[string]bool{}, map[string]string{}
	for _, v := range e.spoken(need) {
		if !e.people.has(g, v.login) {
			continue
		}
		name := e.people.shown(v.by)
		switch last, rejected := e.rejected[v.login]; {
		case v.login == e.author:
			why[v.login] = name + " is its author"
		case !need.Contributors && e.contributors[v.login]:
			why[v.login] = name + " wrote a part of it"
		case rejected && !v.at.After(last.at):
			why[v.login] = name + " asked for changes since"
		case !e.stands(v.commit, v.at):
			why[v.login] = name + " approved " + olderChange(v.commit)
		default:
			counts[v.login] = true
		}
	}
	for login := range counts {
		yes = append(yes, e.people.shown(login))
		delete(why, login)
	}
	for _, w := range why {
		but = append(but, w)
	}
	slices.Sort(yes)
	slices.Sort(but)
	return yes, but
}

func olderChange(commit string) string {
	if commit == "" {
		return "a commit that is not known"
	}
	return short(commit) + ", and the change is another since"
}

// spoken are all approvals: reviews, and comments where the rule takes them.
func (e *evaluation) spoken(need manifest.Requires) []voice {
	var all []voice
	for _, v := range e.voices {
		if v.verdict == approve {
			all = append(all, v)
		}
	}
	if len(need.Comments) == 0 {
		return all
	}
	for _, c := range e.pr.Comments {
		if !c.Edited && approvesBy(c, need.Comments) { // whoever may write can change what others wrote
			all = append(all, voice{by: c.By, login: fold(c.By), verdict: approve, commit: e.headAt(c.Time), at: c.Time, id: c.ID})
		}
	}
	slices.SortFunc(all, inOrder)
	return all
}

func approvesBy(c slipway.Comment, patterns []string) bool {
	for line := range strings.Lines(c.Body) {
		if matchesAny(patterns, strings.TrimSpace(line), matches) {
			return true
		}
	}
	return false
}

// candidates are those who can still approve, and how many of them are known.
func (e *evaluation) candidates(g group, need manifest.Requires) ([]Who, int) {
	counted := map[string]bool{}
	for _, v := range e.spoken(need) {
		last, rejected := e.rejected[v.login]
		if e.stands(v.commit, v.at) && !(rejected && !v.at.After(last.at)) {
			counted[v.login] = true
		}
	}
	var all []Who
	for _, login := range e.people.sorted(g) {
		switch {
		case login == e.author, counted[login], !need.Contributors && e.contributors[login]:
		default:
			all = append(all, e.people.who(login))
		}
	}
	left := len(all)
	if g.permission != "" {
		all = append(all, whoMay(permissionWord(g.permission)+" to the repository")...)
		if g.permission == "admin" {
			all[len(all)-1].Name = "whoever may administer the repository"
		}
	}
	return all, left
}

// closerLooks are the reviews that checks ask for: a person in a role has to look.
func (e *evaluation) closerLooks() {
	type look struct{ app, check, role, why string }
	var looks []look
	for _, f := range e.facts.Checks {
		if f.Commit != e.pr.Head {
			continue
		}
		for _, ask := range f.Reviews {
			looks = append(looks, look{f.App, f.Name, ask.Role, firstLine(ask.Reason)})
		}
	}
	slices.SortFunc(looks, func(a, b look) int {
		return cmp.Or(cmp.Compare(a.app, b.app), cmp.Compare(a.check, b.check), cmp.Compare(a.role, b.role), cmp.Compare(a.why, b.why))
	})
	for _, l := range slices.Compact(looks) {
		r := Requirement{Kind: KindReview, Name: fmt.Sprintf("%s/%s asks for %s", l.app, l.check, l.role), Source: l.app + "/" + l.check}
		e.approvals(&r, manifest.Requires{Count: 1, Who: manifest.Who{Roles: []string{l.role}}})
		if l.why != "" {
			r.Reason = fmt.Sprintf("check %s asks for it: %s; %s", l.check, l.why, r.Reason)
		}
		e.add(r)
	}
}

// objections are requests for changes, which stand until the same person approves
// or they are dismissed. Those of strangers are heard, and block nothing.
func (e *evaluation) objections() {
	logins := make([]string, 0, len(e.rejected))
	for login := range e.rejected {
		if !e.cleared[login] && e.weighs(login) {
			logins = append(logins, login)
		}
	}
	slices.Sort(logins)
	for _, login := range logins {
		v := e.rejected[login]
		name := e.people.shown(v.by)
		e.add(Requirement{
			Kind: KindObjection, Name: name, For: name + " (asked for changes)", Status: Waiting, Since: v.at,
			Reason: name + " asked for changes at " + short(v.commit) + ": they approve, or the request is dismissed",
			Who:    []Who{e.people.who(v.by)},
		})
	}
}

// weighs reports whether the word of a login blocks: unless it is known that they
// may not write to the repository and they are nobody of the platform, it does.
func (e *evaluation) weighs(login string) bool {
	permission, known := e.people.permissions[login]
	_, named := e.people.names[login]
	return named || !known || permission == "write" || permission == "admin"
}
