package merge

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
)

// A Simulation is what would be if something were otherwise.
type Simulation struct {
	If      []string     `json:"if"`
	Before  State        `json:"before"`
	After   State        `json:"after"`
	Changed []Difference `json:"changed,omitempty"`
}

// A Difference is a requirement that stands otherwise.
type Difference struct {
	Kind   Kind   `json:"kind"`
	For    string `json:"for"`
	From   Status `json:"from,omitempty"` // empty: it was not there
	To     Status `json:"to,omitempty"`   // empty: it is gone
	Reason string `json:"reason,omitempty"`
}

// Simulate says what the state would be after some changes, in the words that
// Changes lists. Its error, of kind slipway.Invalid, names a change that nobody
// understands.
func Simulate(f Facts, changes ...string) (Simulation, error) {
	s := Simulation{If: changes, Before: Evaluate(f)}
	for _, text := range changes {
		var err error
		if f, err = change(f, text); err != nil {
			return Simulation{}, err
		}
	}
	s.After = Evaluate(f)
	s.Changed = differences(s.Before, s.After)
	return s, nil
}

// changeKind is one form of words, and what it does to the facts.
type changeKind struct {
	words string
	form  *regexp.Regexp
	apply func(f *Facts, words []string) error
}

// Changes lists the words that Simulate understands.
func Changes() []string {
	var all []string
	for _, k := range changeKinds() {
		all = append(all, k.words)
	}
	return all
}

func changeKinds() []changeKind {
	form := regexp.MustCompile
	return []changeKind{
		{"NAME approves", form(`^(\S+) approves$`), say(approve)},
		{"NAME asks for changes", form(`^(\S+) asks for changes$`), say(reject)},
		{"NAME is dismissed", form(`^(\S+) is dismissed$`), dismiss},
		{"NAME comments TEXT", form(`^(\S+) comments (.+)$`), comment},
		{"check NAME passes", form(`^check (\S+) passes$`), verdict(slipway.Pass)},
		{"check NAME fails", form(`^check (\S+) fails$`), verdict(slipway.Fail)},
		{"check NAME asks for ROLE", form(`^check (\S+) asks for (\S+)$`), askRole},
		{"status NAME by APP passes", form(`^status (.+) by (\S+) passes$`), status("pass")},
		{"status NAME by APP fails", form(`^status (.+) by (\S+) fails$`), status("fail")},
		{"push", form(`^push$`), push("")},
		{"push by NAME", form(`^push by (\S+)$`), push("by")},
		{"base moves", form(`^base moves$`), baseMoves},
		{"label NAME is added", form(`^label (.+) is added$`), label(true)},
		{"label NAME is removed", form(`^label (.+) is removed$`), label(false)},
		{"author is NAME", form(`^author is (\S+)$`), author},
		{"target is BRANCH", form(`^target is (\S+)$`), target},
		{"file PATH changes", form(`^file (.+) changes$`), file},
		{"draft", form(`^draft$`), draft(true)},
		{"ready", form(`^ready$`), draft(false)},
	}
}

// change makes new facts of facts, which stay as they are.
func change(f Facts, text string) (Facts, error) {
	f = copied(f)
	for _, k := range changeKinds() {
		if words := k.form.FindStringSubmatch(strings.TrimSpace(text)); words != nil {
			return f, k.apply(&f, words[1:])
		}
	}
	return f, slipway.Errorf(slipway.Invalid, "nobody understands %q", text).WithFix("say one of: %s", strings.Join(Changes(), "; "))
}

// copied is a copy in which lists can be changed.
func copied(f Facts) Facts {
	pr := &f.PullRequest
	pr.Reviews, pr.Comments, pr.Statuses = slices.Clone(pr.Reviews), slices.Clone(pr.Comments), slices.Clone(pr.Statuses)
	pr.Labels, pr.Files, pr.Commits = slices.Clone(pr.Labels), slices.Clone(pr.Files), slices.Clone(pr.Commits)
	f.Pushes, f.Checks = slices.Clone(f.Pushes), slices.Clone(f.Checks)
	return f
}

// login is that of a person of platform.yaml, or the name as it is.
func (f *Facts) login(name string) string {
	if p := f.Rules.Platform; p != nil && p.People[name].Login != "" {
		return p.People[name].Login
	}
	return name
}

// next is a time behind all that happened.
func (f *Facts) next() time.Time {
	last := f.Retargeted
	see := func(t time.Time) {
		if t.After(last) {
			last = t
		}
	}
	for _, r := range f.PullRequest.Reviews {
		see(r.Time)
	}
	for _, c := range f.PullRequest.Comments {
		see(c.Time)
	}
	for _, p := range f.Pushes {
		see(p.Time)
	}
	see(f.PullRequest.Updated)
	return last.Add(time.Second)
}

func say(verdict string) func(*Facts, []string) error {
	return func(f *Facts, words []string) error {
		pr := &f.PullRequest
		pr.Reviews = append(pr.Reviews, slipway.Review{
			ID: fmt.Sprintf("simulated-%d", len(pr.Reviews)+1), By: f.login(words[0]), Verdict: verdict, Commit: pr.Head, Time: f.next(),
		})
		return nil
	}
}

func dismiss(f *Facts, words []string) error {
	found := false
	for i, r := range f.PullRequest.Reviews {
		if fold(r.By) == fold(f.login(words[0])) && (r.Verdict == approve || r.Verdict == reject) {
			f.PullRequest.Reviews[i].Verdict, found = dismissed, true
		}
	}
	if !found {
		return slipway.Errorf(slipway.NotFound, "there is no review of %s that could be dismissed", words[0])
	}
	return nil
}

func comment(f *Facts, words []string) error {
	pr := &f.PullRequest
	pr.Comments = append(pr.Comments, slipway.Comment{ID: fmt.Sprintf("simulated-%d", len(pr.Comments)+1), By: f.login(words[0]), Body: words[1], Time: f.next()})
	return nil
}

// checkFacts finds or makes the answers for the head of the checks that a word
// names: a check's name, or app/name.
func (f *Facts) checkFacts(word string) ([]*CheckFact, error) {
	app, name, whole := strings.Cut(word, "/")
	if !whole {
		app, name = "", word
	}
	var known []string
	var apps []string
	e := newEvaluation(f)
	for i := range e.touched {
		for _, n := range e.checkNames(&e.touched[i]) {
			known = append(known, e.touched[i].Name+"/"+n)
			if n == name && (app == "" || app == e.touched[i].Name) {
				apps = append(apps, e.touched[i].Name)
			}
		}
	}
	if len(apps) == 0 {
		err := slipway.Errorf(slipway.NotFound, "no app that the change touches has a check %s", word)
		if len(known) > 0 {
			return nil, err.WithFix("the checks are: %s", strings.Join(known, ", "))
		}
		return nil, err
	}
	var facts []*CheckFact
	for _, a := range apps {
		f.Checks = slices.DeleteFunc(f.Checks, func(c CheckFact) bool { return c.App == a && c.Name == name && c.Commit == f.PullRequest.Head })
		f.Checks = append(f.Checks, CheckFact{App: a, Name: name, Commit: f.PullRequest.Head, State: "done", Verdict: slipway.Pass})
	}
	for i := len(f.Checks) - len(apps); i < len(f.Checks); i++ {
		facts = append(facts, &f.Checks[i])
	}
	return facts, nil
}

func verdict(v slipway.Verdict) func(*Facts, []string) error {
	return func(f *Facts, words []string) error {
		facts, err := f.checkFacts(words[0])
		for _, c := range facts {
			c.Verdict = v
		}
		return err
	}
}

func askRole(f *Facts, words []string) error {
	facts, err := f.checkFacts(words[0])
	for _, c := range facts {
		c.Reviews = []slipway.ReviewRequest{{Role: words[1]}}
	}
	return err
}

func status(state string) func(*Facts, []string) error {
	return func(f *Facts, words []string) error {
		pr := &f.PullRequest
		pr.Statuses = slices.DeleteFunc(pr.Statuses, func(s slipway.Status) bool { return s.Name == words[0] && strings.EqualFold(s.App, words[1]) })
		pr.Statuses = append(pr.Statuses, slipway.Status{Name: words[0], App: words[1], State: state, Time: f.next()})
		return nil
	}
}

// newHead puts a commit on the pull request. What was said of the head before does
// not move with it.
func (f *Facts) newHead(by string, onlyBase bool) {
	pr := &f.PullRequest
	if n := len(f.Pushes); n == 0 || f.Pushes[n-1].Head != pr.Head {
		f.Pushes = append(f.Pushes, Push{Head: pr.Head})
	}
	c := slipway.Commit{ID: fmt.Sprintf("push%04d", len(f.Pushes)), Parents: []string{pr.Head}, Author: by, Committer: by}
	if onlyBase {
		c.Parents = append(c.Parents, pr.BaseCommit)
	}
	at := f.next()
	pr.Commits, pr.Head, pr.Statuses = append(pr.Commits, c), c.ID, nil
	f.Pushes = append(f.Pushes, Push{Head: c.ID, Time: at, OnlyBase: onlyBase})
}

func push(by string) func(*Facts, []string) error {
	return func(f *Facts, words []string) error {
		who := f.PullRequest.Author
		if by != "" {
			who = f.login(words[0])
		}
		f.newHead(who, false)
		return nil
	}
}

func baseMoves(f *Facts, _ []string) error {
	f.newHead(f.PullRequest.Author, true)
	return nil
}

func label(on bool) func(*Facts, []string) error {
	return func(f *Facts, words []string) error {
		pr := &f.PullRequest
		pr.Labels = slices.DeleteFunc(pr.Labels, func(l string) bool { return strings.EqualFold(l, words[0]) })
		if on {
			pr.Labels = append(pr.Labels, words[0])
		}
		return nil
	}
}

func author(f *Facts, words []string) error {
	f.PullRequest.Author = f.login(words[0])
	return nil
}

func target(f *Facts, words []string) error {
	if f.PullRequest.Base != words[0] {
		f.Retargeted = f.next()
	}
	f.PullRequest.Base = words[0]
	return nil
}

func file(f *Facts, words []string) error {
	f.PullRequest.Files = append(f.PullRequest.Files, slipway.ChangedFile{Path: words[0], Change: "modified", Added: 1})
	return nil
}

func draft(on bool) func(*Facts, []string) error {
	return func(f *Facts, _ []string) error {
		f.PullRequest.Draft = on
		return nil
	}
}

// differences are the requirements that stand otherwise, in the order of the state
// after; those that are gone come last.
func differences(before, after State) []Difference {
	type key struct {
		kind         Kind
		name, source string
	}
	keyOf := func(r Requirement) key { return key{r.Kind, r.Name, r.Source} }
	was, is := map[key]Requirement{}, map[key]bool{}
	for _, r := range before.Requirements {
		was[keyOf(r)] = r
	}
	var all []Difference
	for _, r := range after.Requirements {
		is[keyOf(r)] = true
		if old := was[keyOf(r)]; old.Status != r.Status || old.Reason != r.Reason {
			all = append(all, Difference{Kind: r.Kind, For: r.For, From: old.Status, To: r.Status, Reason: r.Reason})
		}
	}
	for _, r := range before.Requirements {
		if !is[keyOf(r)] {
			all = append(all, Difference{Kind: r.Kind, For: r.For, From: r.Status})
		}
	}
	return all
}
