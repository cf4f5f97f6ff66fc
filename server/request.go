package server

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
	"github.com/slipway-cd/slipway/git"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/merge"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/store"
)

// asked names a pull request.
type asked struct {
	at
	Number int `json:"number"`
}

func (a asked) String() string { return fmt.Sprintf("%s#%d", a.at, a.Number) }

// onceRequest has a pull request looked at, unless that is to be done already.
func (s *Server) onceRequest(ctx context.Context, tx *store.Tx, a at, number int, by string) error {
	in := asked{a, number}
	return s.once(ctx, tx, jobLookRequest, in.String(), in, by)
}

// lookRequests has those pull requests looked at that the forge's listing shows to
// be new, changed or gone.
func (s *Server) lookRequests(ctx context.Context, tx *store.Tx, a at, l forge.Listing) error {
	open := map[int]bool{}
	for _, sum := range l.Open {
		open[sum.Number] = true
		row, known, err := tx.PullRequest(ctx, a.Forge, a.Repository, sum.Number)
		if err != nil {
			return err
		}
		if known && row.Open && row.Head == sum.Head && row.Stamp == sum.Stamp {
			continue
		}
		if !known {
			row = store.PullRequest{Forge: a.Forge, Repository: a.Repository, Number: sum.Number, Facts: json.RawMessage("{}")}
		}
		row.Open, row.Stamp = true, sum.Stamp
		if err := tx.PutPullRequest(ctx, row); err != nil {
			return err
		}
		if err := s.onceRequest(ctx, tx, a, sum.Number, bySweep); err != nil {
			return err
		}
	}
	had, err := tx.OpenRequests(ctx, a.Forge, a.Repository)
	if err != nil {
		return err
	}
	for _, n := range had {
		if !open[n] {
			if err := s.onceRequest(ctx, tx, a, n, bySweep); err != nil {
				return err
			}
		}
	}
	return nil
}

// lookRequest reads a pull request from the forge, whole, with all that its state
// follows from.
func (s *Server) lookRequest(ctx context.Context, j store.Job) (done, error) {
	in, err := input[asked](j)
	if err != nil {
		return done{}, err
	}
	h, _ := s.forge(in.Forge)
	from, ok := h.Forge.(forge.Requests)
	if !ok {
		return done{}, slipway.Errorf(slipway.NotFound, "the forge %s has no pull requests", in.Forge)
	}
	pr, err := from.PullRequest(ctx, in.Repository, in.Number)
	if err != nil {
		return done{}, err
	}
	asking, err := s.asking(ctx, in, &pr)
	if err != nil {
		return done{}, err
	}
	row, _, err := s.store.PullRequest(ctx, in.Forge, in.Repository, in.Number)
	if err != nil {
		return done{}, err
	}
	before, err := factsOf(row)
	if err != nil {
		return done{}, err
	}
	facts := merge.Facts{PullRequest: pr, Pushes: before.Pushes, Retargeted: before.Retargeted}
	if pr.Partial != "" {
		facts.Unread = append(facts.Unread, pr.Partial)
	}
	if before.PullRequest.Base != "" && before.PullRequest.Base != pr.Base {
		facts.Retargeted = s.Clock().UTC()
	}
	if pr.State == "open" {
		if err := s.gather(ctx, in.at, &facts, before); err != nil {
			return done{}, err
		}
	}
	return done{then: func(ctx context.Context, tx *store.Tx) error {
		row, known, err := tx.PullRequest(ctx, in.Forge, in.Repository, in.Number)
		if err != nil {
			return err
		}
		if !known {
			row = store.PullRequest{Forge: in.Forge, Repository: in.Repository, Number: in.Number}
		}
		now, err := factsOf(row) // a check may have ended meanwhile
		if err != nil {
			return err
		}
		if row.Head == pr.Head {
			facts.Checks, facts.Plans = now.Checks, now.Plans
		}
		row.Open, row.Head, row.Looked = pr.State == "open", pr.Head, s.Clock()
		if row.Open {
			if facts.Checks, err = s.checkHead(ctx, tx, in, facts); err != nil {
				return err
			}
		}
		if err := s.settle(ctx, tx, row, facts); err != nil {
			return err
		}
		return s.hear(ctx, tx, in, facts, asking)
	}}, nil
}

func factsOf(row store.PullRequest) (merge.Facts, error) {
	var f merge.Facts
	if len(row.Facts) == 0 {
		return f, nil
	}
	if err := json.Unmarshal(row.Facts, &f); err != nil {
		return f, fmt.Errorf("the facts of %s#%d: %w", row.Repository, row.Number, err)
	}
	return f, nil
}

// gather adds to the facts what the forge's page of the pull request does not say:
// rules, earlier heads, people.
func (s *Server) gather(ctx context.Context, a at, f *merge.Facts, before merge.Facts) error {
	pr := f.PullRequest
	m, err := s.mirror(ctx, a, pr.Head, pr.BaseCommit)
	if err != nil {
		return err
	}
	if f.Rules, err = s.rules(ctx, a, pr); err != nil {
		return err
	}
	if err := s.pushedTo(ctx, m, f, before); err != nil {
		return err
	}
	return s.people(ctx, a, f)
}

// rules are those of the target branch: a pull request cannot change what it is
// judged by. What its own manifests say of checks is told beside them.
func (s *Server) rules(ctx context.Context, a at, pr slipway.PullRequest) (merge.Rules, error) {
	p, err := s.platform()
	if err != nil {
		return merge.Rules{}, err
	}
	base, err := s.appsAt(ctx, a, pr.BaseCommit)
	if err != nil {
		return merge.Rules{}, err
	}
	head, err := s.appsAt(ctx, a, pr.Head)
	if err != nil {
		return merge.Rules{}, err
	}
	var sources []merge.Source
	var problems []string
	for _, app := range base {
		if app.Err != nil {
			problems = append(problems, app.Err.Error())
			continue
		}
		sources = append(sources, merge.Source{Folder: app.Folder, Manifest: app.Manifest})
	}
	for _, app := range head { // an app that is new here brings its own rules
		if app.Err == nil && !slices.ContainsFunc(base, func(b pipeline.FoundApp) bool { return b.Folder == app.Folder }) {
			sources = append(sources, merge.Source{Folder: app.Folder, Manifest: app.Manifest})
		}
	}
	rules := merge.Gather(p, sources...)
	rules.Problems = append(rules.Problems, problems...)
	for i := range rules.Apps {
		rules.Apps[i].Head = headOf(head, rules.Apps[i].Folder)
	}
	return rules, nil
}

func headOf(head []pipeline.FoundApp, folder string) *merge.Head {
	for _, app := range head {
		switch {
		case app.Folder != folder:
		case app.Err != nil:
			return &merge.Head{Problem: app.Err.Error()}
		default:
			return merge.HeadOf(app.Manifest)
		}
	}
	return merge.HeadOf(nil)
}

// appsAt are the apps of a repository at a commit, as their manifests say. One that
// was read lately is not read again, at whatever commit it is.
func (s *Server) appsAt(ctx context.Context, a at, commit string) ([]pipeline.FoundApp, error) {
	m, err := s.mirror(ctx, a, commit)
	if err != nil {
		return nil, err
	}
	files, err := m.Manifests(ctx, commit)
	if err != nil {
		return nil, err
	}
	var apps []pipeline.FoundApp
	for _, f := range files {
		app, ok := s.seen.Get(f.ID + " " + f.Path)
		if !ok {
			data, err := m.ReadFile(ctx, commit, f.Path)
			if err != nil {
				return nil, err
			}
			app.Folder = path.Dir(f.Path)
			app.Manifest, app.Err = manifest.Load(f.Path, data, s.Shapes)
			s.seen.Add(f.ID+" "+f.Path, app)
		}
		apps = append(apps, app)
	}
	return apps, nil
}

// pushedTo adds the head to those that the pull request has had, with whether it
// changes the same as the one before.
func (s *Server) pushedTo(ctx context.Context, m *git.Mirror, f *merge.Facts, before merge.Facts) error {
	pr := f.PullRequest
	if n := len(f.Pushes); n > 0 && f.Pushes[n-1].Head == pr.Head {
		return nil
	}
	push := merge.Push{Head: pr.Head, Time: s.Clock().UTC()}
	if n := len(f.Pushes); n > 0 && before.PullRequest.Base == pr.Base && m.Has(ctx, f.Pushes[n-1].Head) && m.Has(ctx, before.PullRequest.BaseCommit) {
		was, err := s.changeOf(ctx, m, before.PullRequest.BaseCommit, f.Pushes[n-1].Head)
		if err != nil {
			return err
		}
		is, err := s.changeOf(ctx, m, pr.BaseCommit, pr.Head)
		if err != nil {
			return err
		}
		push.OnlyBase = was != "" && was == is
	}
	f.Pushes = append(f.Pushes, push)
	return nil
}

// changeOf names what a head changes against where it left a branch.
func (s *Server) changeOf(ctx context.Context, m *git.Mirror, branch, head string) (string, error) {
	base, err := m.Base(ctx, branch, head)
	if err != nil || base == "" {
		return "", err
	}
	return m.Change(ctx, base, head)
}

// people asks the forge about those who said something, and about the teams that
// the rules name. Of whom it does not tell nothing is known.
func (s *Server) people(ctx context.Context, a at, f *merge.Facts) error {
	h, _ := s.forge(a.Forge)
	d, ok := h.Forge.(forge.Directory)
	if !ok {
		return nil
	}
	f.Permissions, f.Members = map[string]string{}, map[string][]string{}
	for _, login := range logins(f.PullRequest) {
		p, err := s.permission(ctx, d, a, login)
		if err != nil {
			return err
		}
		f.Permissions[login] = string(p)
	}
	for _, team := range forgeTeams(f.Rules) {
		members, err := d.Members(ctx, team)
		switch {
		case slipway.KindOf(err) == slipway.NotFound || slipway.KindOf(err) == slipway.Denied:
			s.Log.WarnContext(ctx, "a team of the forge cannot be read", "team", team, "error", err)
		case err != nil:
			return err
		default:
			f.Members[team] = members
		}
	}
	return nil
}

// permission asks what a login may do, and keeps the answer for a while.
func (s *Server) permission(ctx context.Context, d forge.Directory, a at, login string) (forge.Permission, error) {
	key := a.String() + "@" + login
	if p, ok := s.permitted.Get(key); ok {
		return p, nil
	}
	p, err := d.Permission(ctx, a.Repository, login)
	if slipway.KindOf(err) == slipway.NotFound {
		p, err = forge.None, nil
	}
	if err == nil {
		s.permitted.Add(key, p)
	}
	return p, err
}

// logins are those whose word may count.
func logins(pr slipway.PullRequest) []string {
	all := []string{pr.Author}
	for _, r := range pr.Reviews {
		all = append(all, r.By)
	}
	for _, c := range pr.Comments {
		all = append(all, c.By)
	}
	all = slices.DeleteFunc(all, func(l string) bool { return l == "" })
	slices.Sort(all)
	return slices.Compact(all)
}

// forgeTeams are the teams of the forge that the rules name.
func forgeTeams(r merge.Rules) []string {
	var all []string
	add := func(w manifest.Who) {
		for _, t := range w.Teams {
			if strings.Contains(t, "/") {
				all = append(all, t)
			}
		}
	}
	var walk func([]manifest.Review)
	walk = func(rules []manifest.Review) {
		for _, rule := range rules {
			add(rule.Requires.Who)
			add(rule.If.Author)
			walk(rule.Any)
			walk(rule.All)
		}
	}
	if r.Platform != nil {
		walk(r.Platform.Merge.Review)
	}
	for _, app := range r.Apps {
		walk(app.Merge.Review)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// touched reports whether a change concerns an app: one of its files, or any file
// where the app is the whole repository.
func touched(files []slipway.ChangedFile, folder string) bool {
	return slices.ContainsFunc(files, func(f slipway.ChangedFile) bool {
		return within(f.Path, folder) || f.From != "" && within(f.From, folder)
	})
}

func within(file, folder string) bool {
	return folder == "." || strings.HasPrefix(path.Clean(file), folder+"/")
}
