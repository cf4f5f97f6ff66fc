package merge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/manifest"
)

// checks are our own checks of the apps that the change touches.
func (e *evaluation) checks() {
	for i := range e.touched {
		e.checksOf(&e.touched[i])
	}
}

func (e *evaluation) checksOf(app *App) {
	if h := app.Head; h != nil && h.Problem != "" {
		e.add(Requirement{
			Kind: KindCheck, Name: app.Name, For: "a manifest of " + app.Name + " that can be read", Source: app.File,
			Status: Failed, Reason: "the manifest of this commit cannot be read: " + h.Problem, Who: e.theAuthor(),
		})
	}
	for _, name := range e.checkNames(app) {
		e.check(app, name)
	}
}

// checkNames are the checks of an app that anybody speaks of: the platform, the
// manifest of the target branch, that of the head, and answers.
func (e *evaluation) checkNames(app *App) []string {
	var names []string
	see := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if p := e.facts.Rules.Platform; p != nil {
		for _, c := range p.Merge.Checks {
			see(c.Name)
		}
		for _, c := range p.Checks {
			see(c.Name)
		}
	}
	for _, c := range app.Checks {
		see(c.Name)
	}
	if app.Head != nil {
		for _, c := range app.Head.Checks {
			see(c.Name)
		}
	}
	for _, f := range e.facts.Checks {
		if f.App == app.Name && f.Commit == e.pr.Head {
			see(f.Name)
		}
	}
	return names
}

// A demand says who requires a check, and what keeps it from answering.
type demand struct {
	file     string // that says how the check is asked
	platform string // what the platform says, if it requires it
	base     *Check // as the target branch has it
	head     *Check // as the head has it
	answer   answer // of the platform's condition
}

func (e *evaluation) demandOf(app *App, name string) demand {
	d := demand{file: app.File, base: checkNamed(app.Checks, name), head: checkNamed(app.Checks, name)}
	if app.Head != nil {
		d.head = checkNamed(app.Head.Checks, name)
		if app.Head.Problem != "" {
			d.head = d.base
		}
	}
	p := e.facts.Rules.Platform
	if p == nil {
		return d
	}
	if ours := checkNamed(p.Checks, name); ours != nil { // whatever a manifest says
		d.file, d.base, d.head = p.File, ours, ours
	}
	for _, c := range p.Merge.Checks {
		if c.Name != name {
			continue
		}
		// Files are those of the whole change, the app is this one.
		a := e.asks(withoutApps(c.If), scope{folder: "."})
		if apps := e.askApps(c.If, scope{app: app}); !apps.holds {
			a = apps
		}
		if d.answer = a; a.holds || a.unknown != "" {
			d.platform = p.File
		}
	}
	return d
}

func withoutApps(c manifest.Condition) manifest.Condition {
	c.Apps, c.Shapes = nil, nil
	return c
}

func checkNamed(all []Check, name string) *Check {
	for i := range all {
		if all[i].Name == name {
			return &all[i]
		}
	}
	return nil
}

// runs reports whether a check is asked of the change, and why not.
func (e *evaluation) runs(c *Check, folder string) answer {
	switch {
	case len(c.On) > 0 && !slices.Contains(c.On, manifest.OnPullRequest):
		return no("it is asked on %s alone", strings.Join(c.On, " and "))
	case len(c.Files) > 0:
		return e.askFiles(manifest.Condition{Files: c.Files}, scope{folder: folder})
	}
	return answer{holds: true}
}

// check adds the requirement of one check.
func (e *evaluation) check(app *App, name string) {
	d := e.demandOf(app, name)
	fact, older := e.answered(app.Name, name)
	r := Requirement{Kind: KindCheck, Name: app.Name + "/" + name, For: "check " + name, Source: d.file}
	if len(e.touched) > 1 {
		r.For = "check " + r.Name
	}
	gone := app.Head != nil && app.Head.Gone
	switch {
	case d.platform != "" && gone, d.base != nil && d.base.Required && gone:
		e.givenUp(&r, app, d)
	case d.platform != "":
		e.demanded(&r, app, d, fact, older)
	case d.base != nil && d.base.Required && e.runs(d.base, app.Folder).holds && (d.head == nil || !e.runs(d.head, app.Folder).holds):
		e.givenUp(&r, app, d)
	case d.base == nil && d.head == nil:
		r.Advisory = fact == nil || !fact.Required
		e.judge(&r, fact, older)
	default:
		e.own(&r, app, d, fact, older)
	}
	e.add(r)
}

// demanded judges a check that the platform requires: no manifest can drop it or
// make it advisory.
func (e *evaluation) demanded(r *Requirement, app *App, d demand, fact *CheckFact, older string) {
	r.Source = d.platform
	fail := func(reason string, who []Who) {
		r.Status, r.Reason, r.Who = Failed, d.platform+" requires it, and "+reason, who
	}
	switch {
	case d.answer.unknown != "":
		fail(d.answer.unknown, whoMay("mend the rules"))
	case d.head == nil:
		fail(d.file+" of this commit does not have it", e.theAuthor())
	case !e.runs(d.head, app.Folder).holds:
		fail(d.file+" has it not asked of this change: "+e.runs(d.head, app.Folder).why, e.theAuthor())
	default:
		e.judge(r, fact, older)
		if !d.head.Required {
			r.Reason += "; " + d.file + " makes it advisory, and " + d.platform + " requires it"
		}
	}
}

// own judges a check that only the app speaks of. What the target branch requires
// is required, whatever the head says; what the head requires is too.
func (e *evaluation) own(r *Requirement, app *App, d demand, fact *CheckFact, older string) {
	at := d.head
	if at == nil {
		at = d.base
	}
	if a := e.runs(at, app.Folder); !a.holds {
		r.Status, r.Reason = NotRequired, a.why
		return
	}
	if d.head == nil {
		r.Status, r.Reason = NotRequired, "this change takes it away"
		return
	}
	r.Advisory = !d.head.Required && (d.base == nil || !d.base.Required)
	e.judge(r, fact, older)
}

// givenUp is about a required check that the change itself takes away: it will
// never answer, so somebody of the team has to agree instead.
func (e *evaluation) givenUp(r *Requirement, app *App, d demand) {
	why, by := "this change takes it away", e.pr.Base
	if app.Head.Gone {
		why = "this change takes the app away"
	}
	if d.platform != "" {
		by = d.platform
	}
	if d.head != nil {
		why = "this change has it not asked of itself: " + e.runs(d.head, app.Folder).why
	}
	need := manifest.Requires{Count: 1, Permission: "write"}
	if p := e.facts.Rules.Platform; p != nil && len(p.Teams[app.Team]) > 0 {
		need = manifest.Requires{Count: 1, Who: manifest.Who{Teams: []string{app.Team}}}
	}
	e.approvals(r, need)
	r.Reason = fmt.Sprintf("%s, and %s requires it, so somebody has to approve that: %s", why, by, r.Reason)
}

// answered is the answer to a check for the head, and the newest commit that it
// answered for besides. Of several answers the worst counts.
func (e *evaluation) answered(app, name string) (fact *CheckFact, older string) {
	var last *CheckFact
	for i := range e.facts.Checks {
		f := &e.facts.Checks[i]
		switch {
		case f.App != app || f.Name != name:
		case f.Commit != e.pr.Head:
			if last == nil || cmp.Or(f.Since.Compare(last.Since), cmp.Compare(f.Commit, last.Commit)) > 0 {
				last, older = f, f.Commit
			}
		case fact == nil || passed(fact):
			fact = f
		}
	}
	return fact, older
}

func passed(f *CheckFact) bool { return f.State == "done" && f.Verdict == slipway.Pass }

// judge says how a check stands by its answer.
func (e *evaluation) judge(r *Requirement, f *CheckFact, older string) {
	system := []Who{{Kind: WhoSystem, Name: "slipway"}}
	r.Status, r.Who = Waiting, system
	if f == nil {
		r.Since, r.Reason = e.pushed(), "there is no answer for this commit yet"
		if older != "" {
			r.Reason += "; that for " + short(older) + " does not count"
		}
		return
	}
	r.Since, r.URL = f.Since, f.URL
	why := ""
	if len(f.Reasons) > 0 {
		why = ": " + firstLine(f.Reasons[0])
	}
	switch {
	case f.State == "queued":
		r.Reason = "it has not begun" + why
	case f.State == "running":
		r.Reason = "it is running"
	case f.State != "done":
		r.Status, r.Reason = Failed, fmt.Sprintf("its state is %q, which nobody understands", f.State)
	case f.Verdict == slipway.Pass:
		r.Status, r.Reason, r.Who = Met, "it passed", nil
	case f.Verdict == slipway.Fail:
		r.Status, r.Reason, r.Who = Failed, "it failed"+why, e.theAuthor()
	case f.Verdict == slipway.Errored:
		r.Status, r.Reason, r.Who = Failed, "it could not answer"+why, e.theAuthor()
	default:
		r.Status, r.Reason = Failed, fmt.Sprintf("its verdict is %q, which nobody understands", f.Verdict)
	}
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimSpace(line)
}

// rails are the guard rails of the environments that the platform names: for each
// app there has to be a plan of this commit, and no rail may be closed for it.
func (e *evaluation) rails() {
	if e.facts.Rules.Platform == nil {
		return
	}
	for _, env := range e.facts.Rules.Platform.Merge.Rails {
		for i := range e.touched {
			e.railsOf(&e.touched[i], env)
		}
	}
}

func (e *evaluation) railsOf(app *App, env string) {
	r := Requirement{
		Kind: KindRail, Name: app.Name + " in " + env, For: "guard rails of " + env + " for " + app.Name, Source: e.facts.Rules.Platform.File,
		Status: Waiting, Reason: "there is no plan of this commit yet", Since: e.pushed(), Who: []Who{{Kind: WhoSystem, Name: "slipway"}},
	}
	for _, p := range e.facts.Plans {
		if p.App != app.Name || p.Environment != env || p.Commit != e.pr.Head {
			continue
		}
		if p.Problem != "" {
			r.Status, r.Reason, r.Who = Failed, "there is no plan: "+p.Problem, e.theAuthor()
			break
		}
		r.Status, r.Reason, r.Who = Met, "no rail is closed", nil
		for _, hit := range p.Rails {
			if hit.Closed() {
				r.Status, r.Reason, r.Who = Failed, hit.Reason(), append(e.openers(hit), e.theAuthor()...)
				break
			}
		}
		break
	}
	e.add(r)
}

// openers are the people who can open a rail.
func (e *evaluation) openers(hit slipway.RailHit) []Who {
	if hit.Effect == slipway.RailBlocks {
		return nil
	}
	var g manifest.Who
	for _, name := range hit.By {
		switch p := e.people.platform; {
		case p.Roles[name] != nil:
			g.Roles = append(g.Roles, name)
		case p.Teams[name] != nil:
			g.Teams = append(g.Teams, name)
		default:
			g.People = append(g.People, name)
		}
	}
	var all []Who
	for _, login := range e.people.sorted(e.people.group(g, "")) {
		all = append(all, e.people.who(login))
	}
	return all
}
