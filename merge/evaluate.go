package merge

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
)

// Evaluate says where a pull request stands.
func Evaluate(f Facts) State {
	e := newEvaluation(&f)
	e.policy()
	e.open()
	e.fork()
	e.checks()
	e.externals()
	e.rails()
	e.reviews()
	e.objections()
	e.labels()
	return newState(f.PullRequest.Head, e.requirements)
}

// evaluation is one state in the making.
type evaluation struct {
	facts        *Facts
	pr           *slipway.PullRequest
	people       *people
	author       string // login in lower case
	contributors map[string]bool
	touched      []App
	lines        int
	voices       []voice
	rejected     map[string]voice // by login: its last request for changes
	cleared      map[string]bool  // of those, by an approval behind it
	requirements []Requirement
}

func newEvaluation(f *Facts) *evaluation {
	e := &evaluation{facts: f, pr: &f.PullRequest, people: newPeople(f), author: fold(f.PullRequest.Author)}
	e.contributors = e.people.contributors(f.PullRequest, f.Pushes)
	for _, file := range e.pr.Files {
		e.lines += file.Added + file.Removed
	}
	for _, app := range f.Rules.Apps {
		if e.touches(app.Folder) {
			e.touched = append(e.touched, app)
		}
	}
	e.hear()
	return e
}

func (e *evaluation) add(r Requirement) { e.requirements = append(e.requirements, r) }

// touches reports whether the change is about a file below a folder.
func (e *evaluation) touches(folder string) bool {
	for _, file := range e.pr.Files {
		if _, ok := within(folder, file.Path); ok {
			return true
		}
		if _, ok := within(folder, file.From); ok && file.From != "" {
			return true
		}
	}
	return false
}

// within is a path as seen from a folder, if it is below it.
func within(folder, file string) (string, bool) {
	folder = path.Clean(folder)
	if folder == "." {
		return file, true
	}
	return strings.CutPrefix(file, folder+"/")
}

// pathsIn are the paths that the change is about in a folder, old names too.
func (e *evaluation) pathsIn(folder string) []string {
	paths := make([]string, 0, len(e.pr.Files))
	for _, file := range e.pr.Files {
		for _, p := range []string{file.Path, file.From} {
			if inside, ok := within(folder, p); ok && p != "" {
				paths = append(paths, inside)
			}
		}
	}
	return paths
}

// asked says who may do something at the forge, as somebody to ask.
func whoMay(what string) []Who { return []Who{{Kind: WhoAny, Name: "whoever may " + what}} }

func (e *evaluation) theAuthor() []Who {
	return []Who{{Kind: WhoAuthor, Name: e.people.shown(e.pr.Author), Login: e.pr.Author}}
}

// policy is about rules and facts that cannot be read.
func (e *evaluation) policy() {
	fail := func(reason string) {
		e.add(Requirement{Kind: KindPolicy, Name: "policy", For: "rules and facts that can be read", Status: Failed, Reason: reason, Who: whoMay("mend the rules")})
	}
	for _, problem := range e.facts.Rules.Problems {
		fail("the rules of " + e.pr.Base + " cannot be read: " + problem)
	}
	for _, unread := range e.facts.Unread {
		fail("it is not known " + unread)
	}
	if e.pr.Head == "" || e.author == "" {
		fail("the pull request has no head or no author")
	}
	for _, r := range e.pr.Reviews {
		if !slices.Contains([]string{approve, reject, remark, dismissed}, r.Verdict) {
			fail(fmt.Sprintf("the review of %s says %q, which nobody understands", e.people.shown(r.By), r.Verdict))
		}
	}
}

// open is about pull requests that are closed, or not ready.
func (e *evaluation) open() {
	r := Requirement{Kind: KindOpen, Name: "open", For: "the pull request to be open", Status: Met, Reason: "it is open and ready"}
	switch {
	case e.pr.State != "open":
		r.Status, r.Reason, r.Who = Failed, fmt.Sprintf("its state is %q", e.pr.State), e.theAuthor()
	case e.pr.Draft:
		r.For, r.Status, r.Reason, r.Who = "the draft to be ready", Waiting, "it is a draft", e.theAuthor()
	}
	e.add(r)
}

// MayBuild says whether the head may be built: that of a fork only on a member's
// word for this very commit.
func MayBuild(f Facts) Requirement { return newEvaluation(&f).forkWord() }

// buildWord is the comment by which a member lets a commit be built. The commit
// stands behind it, in eight digits or more: what was pushed while somebody typed is
// not what they meant.
const buildWord = "/slipway build "

const leastDigits = 8

func (e *evaluation) fork() {
	if r := e.forkWord(); r.Status != NotRequired {
		e.add(r)
	}
}

func (e *evaluation) forkWord() Requirement {
	r := Requirement{Kind: KindFork, Name: "build of a fork", For: "a member's word to build it", Source: e.people.platform.File}
	if !e.pr.Fork {
		r.Status, r.Reason = NotRequired, "it does not come from a fork"
		return r
	}
	for _, v := range e.voices {
		if e.pr.Head != "" && v.commit == e.pr.Head && v.verdict == approve && e.people.isMember(v.login) && v.login != e.author {
			r.Status, r.Reason = Met, e.people.shown(v.by)+" approved this very commit"
			return r
		}
	}
	for _, c := range e.pr.Comments {
		if !c.Edited && e.people.isMember(c.By) && namesCommit(c.Body, e.pr.Head) {
			r.Status, r.Reason = Met, e.people.shown(c.By)+" let this very commit be built"
			return r
		}
	}
	r.Status, r.Who = Waiting, e.members()
	r.Reason = fmt.Sprintf("it comes from a fork: a member has to approve this commit, or comment %s%s, before it is built", buildWord, short(e.pr.Head))
	return r
}

// namesCommit reports whether a line of a comment lets a commit be built.
func namesCommit(body, commit string) bool {
	for line := range strings.Lines(body) {
		id, ok := strings.CutPrefix(strings.TrimSpace(line), buildWord)
		id = strings.ToLower(strings.TrimSpace(id))
		if ok && len(id) >= leastDigits && strings.HasPrefix(strings.ToLower(commit), id) {
			return true
		}
	}
	return false
}

func (e *evaluation) members() []Who {
	var all []Who
	g := group{logins: map[string]bool{}}
	for login := range e.people.names {
		g.logins[login] = true
	}
	for _, login := range e.people.sorted(g) {
		all = append(all, e.people.who(login))
	}
	return append(all, whoMay("write to the repository")...)
}

// short is a commit as people read it.
func short(commit string) string { return commit[:min(leastDigits, len(commit))] }

// pushed is when the head came.
func (e *evaluation) pushed() time.Time {
	if n := len(e.facts.Pushes); n > 0 && e.facts.Pushes[n-1].Head == e.pr.Head {
		return e.facts.Pushes[n-1].Time
	}
	return time.Time{}
}

// labels are labels that have to be there, or must not.
func (e *evaluation) labels() {
	has := func(label string) bool {
		return slices.ContainsFunc(e.pr.Labels, func(l string) bool { return strings.EqualFold(l, label) })
	}
	seen := map[string]bool{}
	for _, s := range e.scopes() {
		for _, label := range s.merge.Labels.Needs {
			r := Requirement{Kind: KindLabel, Name: label, For: "label " + label, Source: s.file, Status: Met, Reason: "it has the label"}
			if !has(label) {
				r.Status, r.Reason, r.Who = Waiting, "it does not have the label "+label, whoMay("set labels")
			}
			if key := "needs " + fold(label); !seen[key] {
				seen[key] = true
				e.add(r)
			}
		}
		for _, label := range s.merge.Labels.Blocks {
			key := "blocks " + fold(label)
			if has(label) && !seen[key] {
				seen[key] = true
				e.add(Requirement{
					Kind: KindLabel, Name: label, For: "label " + label + " to be taken off", Source: s.file,
					Status: Waiting, Reason: "it has the label " + label + ", which keeps it from being merged", Who: whoMay("set labels"),
				})
			}
		}
	}
}
