package githubtest

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A repository is one that the server holds. Its commits are trees of paths.
type repository struct {
	name     string
	commits  map[string]commit
	branches map[string]string
	tags     map[string]string // name to object: a commit, or a tag
	objects  map[string]string // tag to commit
	pulls    []*pull
	runs     []map[string]any // check runs, oldest first, as REST has them
	statuses []map[string]any
	access   map[string]string // login to permission
	archived bool
}

type commit struct {
	id      string
	parents []string
	author  string
	message string
	files   map[string]string
}

// A pull is a pull request.
type pull struct {
	number   int
	title    string
	author   string
	state    string // OPEN, CLOSED or MERGED
	draft    bool
	fork     bool
	head     string // branch
	base     string
	labels   []string
	asked    []string
	updated  string
	came     string // the commit that it was merged as
	reviews  []review
	comments []map[string]any // as REST has them
}

type review struct {
	id, by, state, body, commit, time string
}

// sha is an ID as git has them.
func sha(text string) string {
	sum := sha1.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

// AddRepository makes a repository whose default branch, main, has one commit.
func (s *Server) AddRepository(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.repos[name] = &repository{
		name: name, commits: map[string]commit{}, branches: map[string]string{}, tags: map[string]string{}, objects: map[string]string{},
		access: map[string]string{"ada": "admin", "bob": "write", "robot": "write"},
	}
	s.push(s.repos[name], "main", "robot", map[string]string{"README.md": "hello\n"})
}

// Push adds a commit by somebody to a branch, which begins at main if it is new. An
// empty content removes a file.
func (s *Server) Push(in, branch, by string, files map[string]string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.push(s.repos[in], branch, by, files)
}

func (s *Server) push(r *repository, branch, by string, files map[string]string) string {
	parent, ok := r.branches[branch]
	if !ok {
		parent = r.branches["main"]
	}
	tree := maps.Clone(r.commits[parent].files)
	if tree == nil {
		tree = map[string]string{}
	}
	for path, content := range files {
		tree[path] = content
		if content == "" {
			delete(tree, path)
		}
	}
	c := commit{id: sha(fmt.Sprint(r.name, branch, s.id())), author: by, message: "change " + branch, files: tree}
	if parent != "" {
		c.parents = []string{parent}
	}
	r.commits[c.id] = c
	r.branches[branch] = c.id
	for _, p := range r.pulls {
		if p.head == branch {
			p.updated = s.now()
		}
	}
	return c.id
}

// Tag makes an annotated tag.
func (s *Server) Tag(in, name, commit string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repos[in]
	object := sha("tag " + name + commit)
	r.tags[name], r.objects[object] = object, commit
}

// LightTag makes a tag that is no object of its own.
func (s *Server) LightTag(in, name, commit string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.repos[in].tags[name] = commit
}

// Drop deletes a branch.
func (s *Server) Drop(in, branch string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.repos[in].branches, branch)
}

// Open opens a pull request from a branch to main.
func (s *Server) Open(in, branch, by, title string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repos[in]
	p := &pull{number: len(r.pulls) + 1, title: title, author: by, state: "OPEN", head: branch, base: "main", updated: s.now()}
	r.pulls = append(r.pulls, p)
	return p.number
}

// change changes a pull request as people do.
func (s *Server) change(name string, number int, change func(*repository, *pull)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repos[name]
	p := r.pulls[number-1]
	change(r, p)
	p.updated = s.now()
}

// Close closes a pull request.
func (s *Server) Close(in string, number int) {
	s.change(in, number, func(_ *repository, p *pull) { p.state = "CLOSED" })
}

// Merge merges a pull request by a commit, which it returns.
func (s *Server) Merge(in string, number int) string {
	var merged commit
	s.change(in, number, func(r *repository, p *pull) {
		head := r.branches[p.head]
		merged = commit{
			id: sha(fmt.Sprint(in, "merge", s.id())), author: p.author, message: "merge " + p.head,
			parents: []string{r.branches[p.base], head}, files: r.commits[head].files,
		}
		r.commits[merged.id], r.branches[p.base] = merged, merged.id
		p.state, p.came = "MERGED", merged.id
	})
	return merged.id
}

// Ask asks people, and teams such as acme/data, for a review.
func (s *Server) Ask(in string, number int, who ...string) {
	s.change(in, number, func(_ *repository, p *pull) { p.asked = append(p.asked, who...) })
}

// Review adds a review: APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED or PENDING.
func (s *Server) Review(in string, number int, by, state, body string) {
	s.change(in, number, func(r *repository, p *pull) {
		p.reviews = append(p.reviews, review{fmt.Sprint("PRR_", s.id()), by, state, body, r.branches[p.head], s.now()})
	})
}

// Say adds a comment.
func (s *Server) Say(in string, number int, by, body string) {
	s.change(in, number, func(_ *repository, p *pull) { s.say(p, by, body) })
}

func (s *Server) say(p *pull, by, body string) map[string]any {
	now := s.now()
	c := s.docs.like("GET /repos/{owner}/{repo}/issues/{issue_number}/comments", map[string]any{
		"id": s.id(), "body": body, "created_at": now, "updated_at": now, "user": s.user(by),
	})
	p.comments = append(p.comments, c)
	return c
}

// Mark puts a label on.
func (s *Server) Mark(in string, number int, label string) {
	s.change(in, number, func(_ *repository, p *pull) { p.labels = append(p.labels, label) })
}

// Post posts a commit status, by a person or, with a login that ends in [bot], an app.
func (s *Server) Post(in, commit, by, context, state, description string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.post(s.repos[in], commit, by, map[string]any{"context": context, "state": state, "description": description, "target_url": nil})
}

func (s *Server) post(r *repository, commit, by string, changes map[string]any) map[string]any {
	status := s.docs.like("GET /repos/{owner}/{repo}/commits/{ref}/statuses", map[string]any{
		"id": s.id(), "created_at": s.now(), "updated_at": s.now(), "creator": s.user(by),
		"description": nil, "target_url": nil,
	})
	maps.Copy(status, changes)
	status["sha"] = commit
	r.statuses = append(r.statuses, status)
	return status
}

// Run makes a check run of an app.
func (s *Server) Run(in, commit, app, name, status, conclusion string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	changes := map[string]any{"name": name, "status": status, "conclusion": nil, "completed_at": nil}
	if conclusion != "" {
		changes["conclusion"], changes["completed_at"] = conclusion, s.now()
	}
	s.run(s.repos[in], commit, app, changes)
}

func (s *Server) run(r *repository, commit, app string, changes map[string]any) map[string]any {
	const call = "GET /repos/{owner}/{repo}/commits/{ref}/check-runs"
	example := s.docs.like(call, nil)["check_runs"].([]any)[0].(map[string]any)
	run := maps.Clone(example)
	issuer := maps.Clone(example["app"].(map[string]any))
	issuer["slug"] = app
	maps.Copy(run, map[string]any{
		"id": s.id(), "head_sha": commit, "app": issuer, "status": "queued", "conclusion": nil, "completed_at": nil,
		"started_at": s.now(), "external_id": "", "output": emptyOutput(), "pull_requests": []any{},
	})
	maps.Copy(run, changes)
	r.runs = append(r.runs, run)
	return run
}

func emptyOutput() map[string]any {
	return map[string]any{"title": nil, "summary": nil, "text": nil, "annotations_count": 0, "annotations_url": "https://api.github.com/annotations"}
}

// Revoke takes back all tokens of installations.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.tokens, func(_ string, who session) bool { return who.app })
}

// user is an account as REST shows it.
func (s *Server) user(login string) map[string]any {
	example := s.docs.like("GET /repos/{owner}/{repo}/commits/{ref}/statuses", nil)["creator"].(map[string]any)
	user := maps.Clone(example)
	user["login"], user["type"] = login, "User"
	if strings.HasSuffix(login, "[bot]") {
		user["type"] = "Bot"
	}
	return user
}

// CheckRuns are the check runs at a commit, as REST has them, oldest first.
func (s *Server) CheckRuns(in, commit string) []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.repos[in].at(commit, s.repos[in].runs, "head_sha")
}

// Statuses are the commit statuses that were ever posted at a commit, newest first.
func (s *Server) Statuses(in, commit string) []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.repos[in].newest(commit)
}

func (r *repository) newest(commit string) []map[string]any {
	list := r.at(commit, r.statuses, "sha")
	slices.Reverse(list)
	return list
}

func (r *repository) at(commit string, all []map[string]any, key string) []map[string]any {
	list := []map[string]any{}
	for _, one := range all {
		if one[key] == commit {
			list = append(list, one)
		}
	}
	return list
}

// latest are the newest check runs of each app and name at a commit.
func (r *repository) latest(commit string) []map[string]any {
	all := r.at(commit, r.runs, "head_sha")
	last := map[string]int{}
	key := func(run map[string]any) string {
		return fmt.Sprint(run["app"].(map[string]any)["slug"], " ", run["name"])
	}
	for i, run := range all {
		last[key(run)] = i
	}
	var list []map[string]any
	for i, run := range all {
		if last[key(run)] == i {
			list = append(list, run)
		}
	}
	return list
}

// A file is a changed one.
type file struct {
	path, from, status string
	added, removed     int
}

// files are what a pull request changes, with what was renamed and not changed.
func (r *repository) files(p *pull) []file {
	before, after := r.commits[r.branches[p.base]].files, r.commits[r.branches[p.head]].files
	var list []file
	gone := map[string]string{} // content to path
	for path, content := range before {
		if _, ok := after[path]; !ok {
			gone[content] = path
		}
	}
	for _, path := range slices.Sorted(maps.Keys(after)) {
		content := after[path]
		old, ok := before[path]
		switch from := gone[content]; {
		case ok && old == content:
		case ok:
			list = append(list, file{path, "", "modified", lines(content), lines(old)})
		case from != "":
			delete(gone, content)
			list = append(list, file{path, from, "renamed", 0, 0})
		default:
			list = append(list, file{path, "", "added", lines(content), 0})
		}
	}
	for content, path := range gone {
		list = append(list, file{path, "", "removed", 0, lines(content)})
	}
	slices.SortFunc(list, func(a, b file) int { return strings.Compare(a.path, b.path) })
	return list
}

func lines(text string) int { return strings.Count(text, "\n") }
