package gitlabtest

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A project is one that the server holds. Its commits are trees of paths.
type project struct {
	id         int
	path       string
	visibility string
	archived   bool
	commits    map[string]commit
	branches   map[string]string
	tags       map[string]tag
	requests   []*request
	statuses   []object       // as REST has them, oldest first
	levels     map[string]int // login to access level
}

type tag struct{ target, commit, message string }

type commit struct {
	id, author, committer, message string
	parents                        []string
	files                          map[string]string
}

// A request is a merge request.
type request struct {
	iid                   int
	title, author, state  string
	draft                 bool
	fork                  int // ID of the fork that it comes from; 0: none
	source, target        string
	forkHead              string // of one from a fork, whose branches are not here
	labels                []string
	approvals             map[string]string // login to time
	reviewers             map[string]string // login to state
	notes                 []object
	versions              []object
	updated, changesCount string
}

// head is the commit that is proposed.
func (p *project) head(m *request) string {
	if m.fork != 0 {
		return m.forkHead
	}
	if head, ok := p.branches[m.source]; ok {
		return head
	}
	return m.forkHead
}

// sha is an ID as git has them.
func sha(text string) string {
	sum := sha1.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

// The access levels of GitLab.
const (
	Guest      = 10
	Reporter   = 20
	Developer  = 30
	Maintainer = 40
)

// AddProject makes a private project whose default branch, main, has one commit.
func (s *Server) AddProject(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &project{
		id: s.id(), path: path, visibility: "private", commits: map[string]commit{}, branches: map[string]string{}, tags: map[string]tag{},
		levels: map[string]int{"ada": Maintainer, "bob": Developer, "eve": Reporter, "robot": Maintainer},
	}
	s.projects[path] = p
	s.push(p, "main", "robot", "robot", map[string]string{"README.md": "hello\n"})
}

// Settle changes what is set of a project.
func (s *Server) Settle(in, visibility string, archived bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.projects[in].visibility, s.projects[in].archived = visibility, archived
}

// Join gives somebody an access level in a project; 0 takes it.
func (s *Server) Join(in, login string, level int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.people[login] = true
	s.projects[in].levels[login] = level
}

// Push adds a commit by somebody to a branch, which begins at main if it is new. An
// empty content removes a file.
func (s *Server) Push(in, branch, author, committer string, files map[string]string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.push(s.projects[in], branch, author, committer, files)
}

func (s *Server) push(p *project, branch, author, committer string, files map[string]string) string {
	parent, ok := p.branches[branch]
	if !ok {
		parent = p.branches["main"]
	}
	c := s.commit(p, parent, branch, author, committer, files)
	p.branches[branch] = c
	for _, m := range p.requests {
		if m.source == branch && m.fork == 0 && m.state == "opened" {
			s.version(p, m)
		}
	}
	return c
}

func (s *Server) commit(p *project, parent, branch, author, committer string, files map[string]string) string {
	tree := maps.Clone(p.commits[parent].files)
	if tree == nil {
		tree = map[string]string{}
	}
	for path, content := range files {
		tree[path] = content
		if content == "" {
			delete(tree, path)
		}
	}
	c := commit{id: sha(fmt.Sprint(p.path, branch, s.id())), author: author, committer: committer, message: "change " + branch, files: tree}
	if parent != "" {
		c.parents = []string{parent}
	}
	p.commits[c.id] = c
	return c.id
}

// version keeps what a merge request has become.
func (s *Server) version(p *project, m *request) {
	m.updated = s.now()
	m.versions = append(m.versions, object{
		"id": s.id(), "head_commit_sha": p.head(m), "base_commit_sha": p.base(m), "start_commit_sha": p.branches[m.target],
		"created_at": s.now(), "merge_request_id": m.iid, "state": "collected", "real_size": "1",
	})
}

// base is the commit that target and head have in common.
func (p *project) base(m *request) string {
	under := p.under(p.branches[m.target])
	for c := p.head(m); c != ""; {
		if under[c] {
			return c
		}
		if len(p.commits[c].parents) == 0 {
			return ""
		}
		c = p.commits[c].parents[0]
	}
	return ""
}

// under are all commits that one is made upon, and itself.
func (p *project) under(id string) map[string]bool {
	all := map[string]bool{}
	for id != "" && !all[id] {
		all[id] = true
		if len(p.commits[id].parents) == 0 {
			break
		}
		id = p.commits[id].parents[0]
	}
	return all
}

// Tag makes a tag, annotated or not.
func (s *Server) Tag(in, name, commit string, annotated bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := tag{target: commit, commit: commit}
	if annotated {
		t.target, t.message = sha("tag "+name+commit), name
	}
	s.projects[in].tags[name] = t
}

// Drop deletes a branch.
func (s *Server) Drop(in, branch string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.projects[in].branches, branch)
}

// Open opens a merge request from a branch to main.
func (s *Server) Open(in, branch, by, title string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open(s.projects[in], &request{source: branch, author: by, title: title})
}

// OpenFork opens one from a branch of a fork, and returns its head as well.
func (s *Server) OpenFork(in, branch, by, title string, files map[string]string) (iid int, head string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.projects[in]
	head = s.commit(p, p.branches["main"], branch, by, by, files)
	return s.open(p, &request{source: branch, author: by, title: title, fork: s.id(), forkHead: head}), head
}

func (s *Server) open(p *project, m *request) int {
	m.iid, m.state, m.target = len(p.requests)+1, "opened", "main"
	m.approvals, m.reviewers = map[string]string{}, map[string]string{}
	p.requests = append(p.requests, m)
	s.version(p, m)
	return m.iid
}

// change changes a merge request as people do.
func (s *Server) change(in string, iid int, change func(*project, *request)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.projects[in]
	m := p.requests[iid-1]
	change(p, m)
	m.updated = s.now()
}

// Close closes a merge request.
func (s *Server) Close(in string, iid int) {
	s.change(in, iid, func(_ *project, m *request) { m.state = "closed" })
}

// Merge merges one: main becomes its head, which is returned.
func (s *Server) Merge(in string, iid int) (commit string) {
	s.change(in, iid, func(p *project, m *request) {
		m.state, m.forkHead = "merged", p.head(m)
		commit = m.forkHead
		p.branches["main"] = commit
	})
	return commit
}

// Draft makes one a draft.
func (s *Server) Draft(in string, iid int) {
	s.change(in, iid, func(_ *project, m *request) { m.draft = true })
}

// Count says how many files GitLab says that one changes, such as 1000+.
func (s *Server) Count(in string, iid int, count string) {
	s.change(in, iid, func(_ *project, m *request) { m.changesCount = count })
}

// Ask asks people for a review.
func (s *Server) Ask(in string, iid int, who ...string) {
	s.change(in, iid, func(_ *project, m *request) {
		for _, login := range who {
			m.reviewers[login] = "unreviewed"
		}
	})
}

// Approve approves one.
func (s *Server) Approve(in string, iid int, by string) {
	s.change(in, iid, func(_ *project, m *request) {
		s.systemNote(m, by, "approved this merge request")
		m.approvals[by] = s.now()
		m.reviewers[by] = "approved"
	})
}

// Unapprove takes an approval back, as its giver does; and Reset as GitLab does where
// it is set up to do so with each push, of which no note tells.
func (s *Server) Unapprove(in string, iid int, by string) {
	s.change(in, iid, func(_ *project, m *request) {
		delete(m.approvals, by)
		m.reviewers[by] = "unapproved"
		s.systemNote(m, by, "unapproved this merge request")
	})
}

// Reset takes all approvals back.
func (s *Server) Reset(in string, iid int) {
	s.change(in, iid, func(_ *project, m *request) { m.approvals = map[string]string{} })
}

// Reject requests changes, which takes back an approval.
func (s *Server) Reject(in string, iid int, by string) {
	s.change(in, iid, func(_ *project, m *request) {
		delete(m.approvals, by)
		m.reviewers[by] = "requested_changes"
		s.systemNote(m, by, "requested changes")
	})
}

// Reviewed ends a review without a word for or against.
func (s *Server) Reviewed(in string, iid int, by string) {
	s.change(in, iid, func(_ *project, m *request) {
		m.reviewers[by] = "reviewed"
		s.systemNote(m, by, "left review comments")
	})
}

func (s *Server) systemNote(m *request, by, body string) {
	if !s.Silent {
		s.note(m, by, body)["system"] = true
	}
}

// Say adds a note.
func (s *Server) Say(in string, iid int, by, body string) {
	s.change(in, iid, func(_ *project, m *request) { s.note(m, by, body) })
}

func (s *Server) note(m *request, by, body string) object {
	now := s.now()
	n := object{
		"id": s.id(), "type": nil, "body": body, "author": s.user(by), "system": false, "created_at": now, "updated_at": now,
		"project_id": 1, "resolvable": false, "confidential": false, "internal": false,
	}
	m.notes = append(m.notes, n)
	return n
}

// Mark puts a label on.
func (s *Server) Mark(in string, iid int, label string) {
	s.change(in, iid, func(_ *project, m *request) { m.labels = append(m.labels, label) })
}

// Post posts a commit status by somebody.
func (s *Server) Post(in, commit, by, name, state, description string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.projects[in]
	if code, message := s.post(p, commit, by, object{"state": state, "name": name, "description": description}); message != "" {
		s.t.Errorf("the status is refused: %d: %s", code, message)
	}
}

// post is as Ci::CreateCommitStatusService: one that is not done is changed, and goes
// only from state to state; else there is a new one.
func (s *Server) post(p *project, commit, by string, body object) (int, string) {
	if _, ok := p.commits[commit]; !ok {
		return 404, "404 Commit Not Found"
	}
	ref, _ := body["ref"].(string)
	if ref == "" {
		ref = p.branchOf(commit)
	}
	if ref == "" {
		return 404, "404 References for commit Not Found"
	}
	var at object
	for _, one := range p.statuses {
		open := one["status"] == "pending" || one["status"] == "running"
		if one["sha"] == commit && one["name"] == body["name"] && one["ref"] == ref && open && one["author"].(object)["username"] == by {
			at = one
		}
	}
	state, _ := body["state"].(string)
	if at != nil && (state == "pending" || state == at["status"]) {
		event := map[string]string{"pending": "enqueue", "running": "run"}[state]
		return 400, fmt.Sprintf(`Cannot transition status via :%s from :%s (Reason(s): Status cannot transition via "%s")`, event, at["status"], event)
	}
	if at == nil {
		at = object{"id": s.id(), "sha": commit, "ref": ref, "name": body["name"], "author": s.user(by), "allow_failure": false, "coverage": nil, "created_at": s.now(), "pipeline_id": 77, "description": nil, "target_url": nil}
		delete(at["author"].(object), "avatar_url")
		delete(at["author"].(object), "web_url")
		p.statuses = append(p.statuses, at)
	}
	at["status"], at["started_at"], at["finished_at"] = state, nil, nil
	if state != "pending" && state != "running" {
		at["finished_at"] = s.now()
	}
	for _, field := range []string{"description", "target_url"} {
		if value, ok := body[field]; ok {
			if len([]rune(value.(string))) > 255 {
				return 400, field + " is too long (maximum is 255 characters)"
			}
			at[field] = value
		}
	}
	return 201, ""
}

// branchOf is the first branch that has a commit.
func (p *project) branchOf(commit string) string {
	for _, name := range slices.Sorted(maps.Keys(p.branches)) {
		if p.under(p.branches[name])[commit] {
			return name
		}
	}
	return ""
}

// latest are the statuses at a commit, without those that a newer one has replaced.
func (p *project) latest(commit string) []object {
	last := map[string]int{}
	key := func(one object) string {
		return fmt.Sprint(one["name"], one["ref"], one["author"].(object)["username"])
	}
	for i, one := range p.statuses {
		last[key(one)] = i
	}
	list := []object{}
	for i, one := range p.statuses {
		if one["sha"] == commit && last[key(one)] == i {
			list = append(list, one)
		}
	}
	return list
}

// Statuses are all statuses that a commit ever had, oldest first.
func (s *Server) Statuses(in, commit string) []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []map[string]any
	for _, one := range s.projects[in].statuses {
		if one["sha"] == commit {
			list = append(list, one)
		}
	}
	return list
}

// user is an account as REST shows it.
func (s *Server) user(login string) object {
	state := "active"
	if !s.people[login] {
		state = "blocked"
	}
	return object{
		"id": 1 + len(login), "username": login, "name": strings.ToUpper(login[:1]) + login[1:], "state": state,
		"avatar_url": "https://gitlab.example.com/" + login + ".png", "web_url": "https://gitlab.example.com/" + login,
	}
}
