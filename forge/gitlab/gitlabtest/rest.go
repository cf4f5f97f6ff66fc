package gitlabtest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

type object = map[string]any

// An answerer answers a call: what for, with which body.
type answerer = func(*http.Request, object) (int, any)

func message(status int, text string) (int, any) { return status, object{"message": text} }

// rest is each call, by its pattern in calls.
func (s *Server) rest() map[string]answerer {
	return map[string]answerer{
		"GET /user":                             func(r *http.Request, _ object) (int, any) { return 200, s.user(s.who(r)) },
		"GET /users":                            s.users,
		"GET /users/{id}/projects":              s.ofUser,
		"GET /projects":                         s.mine,
		"GET /groups/{id}/projects":             s.ofGroup,
		"GET /groups/{id}/members":              s.members,
		"GET /projects/{id}":                    s.in(func(p *project, _ *http.Request, _ object) (int, any) { return 200, p.shown() }),
		"GET /projects/{id}/members/all":        s.in(s.allMembers),
		"GET /projects/{id}/repository/commits": s.in(s.commits),
		"GET /projects/{id}/repository/tags":    s.in(s.tagList),
		"GET /projects/{id}/repository/branches": s.in(func(p *project, _ *http.Request, _ object) (int, any) {
			list := []object{}
			for _, name := range slices.Sorted(maps.Keys(p.branches)) {
				list = append(list, s.branch(p, name))
			}
			return 200, list
		}),
		"GET /projects/{id}/repository/branches/{branch}": s.in(func(p *project, r *http.Request, _ object) (int, any) {
			if p.branches[r.PathValue("branch")] == "" {
				return message(404, "404 Branch Not Found")
			}
			return 200, s.branch(p, r.PathValue("branch"))
		}),
		"GET /projects/{id}/repository/commits/{sha}/statuses": s.in(func(p *project, r *http.Request, _ object) (int, any) {
			if _, ok := p.commits[r.PathValue("sha")]; !ok {
				return message(404, "404 Commit Not Found")
			}
			return 200, p.latest(r.PathValue("sha"))
		}),
		"GET /projects/{id}/repository/commits/{sha}/merge_requests": s.in(s.requestsOf),
		"POST /projects/{id}/statuses/{sha}": s.in(func(p *project, r *http.Request, body object) (int, any) {
			if status, text := s.post(p, r.PathValue("sha"), s.who(r), body); text != "" {
				return message(status, text)
			}
			list := p.statuses
			return 201, list[len(list)-1]
		}),
		"GET /projects/{id}/merge_requests/{iid}": s.at(func(p *project, m *request, _ *http.Request, _ object) (int, any) { return 200, s.shown(p, m) }),
		"PUT /projects/{id}/merge_requests/{iid}": s.at(s.update),
		"GET /projects/{id}/merge_requests/{iid}/diffs": s.at(func(p *project, m *request, _ *http.Request, _ object) (int, any) {
			return 200, p.diffs(m)
		}),
		"GET /projects/{id}/merge_requests/{iid}/versions": s.at(func(_ *project, m *request, _ *http.Request, _ object) (int, any) {
			list := slices.Clone(m.versions)
			slices.Reverse(list)
			return 200, list
		}),
		"GET /projects/{id}/merge_requests/{iid}/approvals": s.at(s.approvals),
		"GET /projects/{id}/merge_requests/{iid}/reviewers": s.at(func(_ *project, m *request, _ *http.Request, _ object) (int, any) {
			list := []object{}
			for _, login := range slices.Sorted(maps.Keys(m.reviewers)) {
				list = append(list, object{"user": s.user(login), "state": m.reviewers[login], "created_at": m.updated})
			}
			return 200, list
		}),
		"GET /projects/{id}/merge_requests/{iid}/notes": s.at(func(_ *project, m *request, r *http.Request, _ object) (int, any) {
			list := slices.Clone(m.notes)
			if r.URL.Query().Get("sort") != "asc" {
				slices.Reverse(list)
			}
			return 200, list
		}),
		"POST /projects/{id}/merge_requests/{iid}/notes": s.at(func(_ *project, m *request, r *http.Request, body object) (int, any) {
			m.updated = s.now()
			return 201, s.note(m, s.who(r), body["body"].(string))
		}),
		"PUT /projects/{id}/merge_requests/{iid}/notes/{note}": s.at(s.changeNote),
	}
}

// in finds the project that a call is about.
func (s *Server) in(answer func(*project, *http.Request, object) (int, any)) answerer {
	return func(r *http.Request, body object) (int, any) {
		p := s.projects[r.PathValue("id")]
		if p == nil {
			return message(404, "404 Project Not Found")
		}
		return answer(p, r, body)
	}
}

// at finds the merge request that a call is about.
func (s *Server) at(answer func(*project, *request, *http.Request, object) (int, any)) answerer {
	return s.in(func(p *project, r *http.Request, body object) (int, any) {
		iid, _ := strconv.Atoi(r.PathValue("iid"))
		if iid < 1 || iid > len(p.requests) {
			return message(404, "404 Not found")
		}
		return answer(p, p.requests[iid-1], r, body)
	})
}

func (s *Server) users(r *http.Request, _ object) (int, any) {
	if login := r.URL.Query().Get("username"); s.people[login] {
		return 200, []object{s.user(login)}
	}
	return 200, []object{}
}

func (s *Server) list(r *http.Request, wanted func(*project) bool) []object {
	list := []object{}
	for _, p := range s.projects {
		if wanted(p) && (r.URL.Query().Get("archived") != "false" || !p.archived) {
			list = append(list, p.shown())
		}
	}
	slices.SortFunc(list, func(a, b object) int { return a["id"].(int) - b["id"].(int) })
	return list
}

func (s *Server) mine(r *http.Request, _ object) (int, any) {
	return 200, s.list(r, func(p *project) bool { return p.levels[s.who(r)] > 0 })
}

func (s *Server) ofGroup(r *http.Request, _ object) (int, any) {
	group := r.PathValue("id")
	if s.groups[group] == nil {
		return message(404, "404 Group Not Found")
	}
	return 200, s.list(r, func(p *project) bool { return strings.HasPrefix(p.path, group+"/") })
}

func (s *Server) ofUser(r *http.Request, _ object) (int, any) {
	if !s.people[r.PathValue("id")] {
		return message(404, "404 User Not Found")
	}
	return 200, s.list(r, func(p *project) bool { return strings.HasPrefix(p.path, r.PathValue("id")+"/") })
}

func (s *Server) members(r *http.Request, _ object) (int, any) {
	logins, ok := s.groups[r.PathValue("id")]
	if !ok {
		return message(404, "404 Group Not Found")
	}
	list := []object{}
	for _, login := range logins {
		member := s.user(login)
		member["access_level"], member["expires_at"] = Developer, nil
		list = append(list, member)
	}
	return 200, list
}

// allMembers finds by a part of a name, as GitLab does.
func (s *Server) allMembers(p *project, r *http.Request, _ object) (int, any) {
	list := []object{}
	for _, login := range slices.Sorted(maps.Keys(p.levels)) {
		if strings.Contains(login, r.URL.Query().Get("query")) && p.levels[login] > 0 {
			member := s.user(login)
			member["access_level"], member["expires_at"] = p.levels[login], nil
			list = append(list, member)
		}
	}
	return 200, list
}

func (p *project) shown() object {
	group, name, _ := strings.Cut(p.path, "/")
	return object{
		"id": p.id, "name": name, "path": name, "path_with_namespace": p.path, "name_with_namespace": group + " / " + name,
		"default_branch": "main", "visibility": p.visibility, "archived": p.archived, "empty_repo": false,
		"web_url": "https://gitlab.example.com/" + p.path, "http_url_to_repo": "https://gitlab.example.com/" + p.path + ".git",
	}
}

// shownCommit begins as the example does.
func (s *Server) shownCommit(c commit) object {
	parents := c.parents
	if parents == nil {
		parents = []string{}
	}
	shown := s.like("get_commit.json", object{
		"id": c.id, "short_id": c.id[:8], "title": c.message, "message": c.message, "parent_ids": parents,
		"author_name": c.author, "author_email": c.author + "@example.com", "committer_name": c.committer, "committer_email": c.committer + "@example.com",
	})
	for _, field := range []string{"status", "stats", "last_pipeline", "project_id"} {
		delete(shown, field)
	}
	return shown
}

func (s *Server) branch(p *project, name string) object {
	return object{"name": name, "commit": s.shownCommit(p.commits[p.branches[name]]), "default": name == "main", "protected": name == "main", "merged": false, "can_push": true}
}

func (s *Server) tagList(p *project, _ *http.Request, _ object) (int, any) {
	list := []object{}
	for _, name := range slices.Sorted(maps.Keys(p.tags)) {
		t := p.tags[name]
		list = append(list, object{"name": name, "target": t.target, "message": t.message, "commit": s.shownCommit(p.commits[t.commit]), "release": nil, "protected": false})
	}
	return 200, list
}

// commits are those of a range A..B, newest first.
func (s *Server) commits(p *project, r *http.Request, _ object) (int, any) {
	from, until, ok := strings.Cut(r.URL.Query().Get("ref_name"), "..")
	if !ok {
		s.t.Errorf("commits are asked for by %q, which is no range", r.URL.Query().Get("ref_name"))
	}
	not := p.under(from)
	list := []object{}
	for id := until; id != "" && !not[id]; {
		c := p.commits[id]
		list = append(list, s.shownCommit(c))
		id = ""
		if len(c.parents) > 0 {
			id = c.parents[0]
		}
	}
	return 200, list
}

func (s *Server) requestsOf(p *project, r *http.Request, _ object) (int, any) {
	list := []object{}
	if _, ok := p.commits[r.PathValue("sha")]; !ok {
		return message(404, "404 Commit Not Found")
	}
	for _, m := range p.requests {
		if p.head(m) == r.PathValue("sha") {
			shown := s.shown(p, m)
			basic := object{}
			for _, field := range []string{"id", "iid", "project_id", "title", "state", "sha", "source_branch", "target_branch", "source_project_id", "target_project_id"} {
				basic[field] = shown[field]
			}
			list = append(list, basic)
		}
	}
	return 200, list
}

// shown begins as the example does.
func (s *Server) shown(p *project, m *request) object {
	source := p.id
	if m.fork != 0 {
		source = m.fork
	}
	count := m.changesCount
	if count == "" {
		count = strconv.Itoa(len(p.diffs(m)))
	}
	labels := m.labels
	if labels == nil {
		labels = []string{}
	}
	return s.like("get_merge_request.json", object{
		"id": p.id*1000 + m.iid, "iid": m.iid, "project_id": p.id, "title": m.title, "description": "", "state": m.state, "draft": m.draft, "work_in_progress": m.draft,
		"updated_at": m.updated, "author": s.user(m.author), "sha": p.head(m), "source_branch": m.source, "target_branch": m.target,
		"source_project_id": source, "target_project_id": p.id, "labels": labels, "changes_count": count, "milestone": nil,
		"assignee": nil, "assignees": []any{}, "reviewers": []any{}, "pipeline": nil, "head_pipeline": nil,
		"web_url":   fmt.Sprintf("https://gitlab.example.com/%s/-/merge_requests/%d", p.path, m.iid),
		"diff_refs": object{"base_sha": p.base(m), "head_sha": p.head(m), "start_sha": m.versions[len(m.versions)-1]["start_commit_sha"]},
	})
}

// update puts labels on, which it makes, and takes them off.
func (s *Server) update(p *project, m *request, _ *http.Request, body object) (int, any) {
	for _, name := range split(body["add_labels"]) {
		if !slices.Contains(m.labels, name) {
			m.labels = append(m.labels, name)
		}
	}
	for _, name := range split(body["remove_labels"]) {
		m.labels = slices.DeleteFunc(m.labels, func(l string) bool { return l == name })
	}
	m.updated = s.now()
	return 200, s.shown(p, m)
}

func split(labels any) []string {
	text, _ := labels.(string)
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
}

func (s *Server) approvals(p *project, m *request, _ *http.Request, _ object) (int, any) {
	list := []object{}
	for _, login := range slices.Sorted(maps.Keys(m.approvals)) {
		one := object{"user": s.user(login), "approved_at": m.approvals[login]}
		if s.Silent {
			delete(one, "approved_at")
		}
		list = append(list, one)
	}
	return 200, s.like("get_merge_request_approvals.json", object{"id": p.id*1000 + m.iid, "iid": m.iid, "project_id": p.id, "title": m.title, "approved_by": list})
}

func (s *Server) changeNote(_ *project, m *request, r *http.Request, body object) (int, any) {
	for _, n := range m.notes {
		if fmt.Sprint(n["id"]) != r.PathValue("note") {
			continue
		}
		if n["author"].(object)["username"] != s.who(r) {
			return message(403, "403 Forbidden")
		}
		n["body"], n["updated_at"] = body["body"], s.now()
		m.updated = s.now()
		return 200, n
	}
	return message(404, "404 Note Not Found")
}

// diffs are what a merge request changes, with what was renamed and not changed.
func (p *project) diffs(m *request) []object {
	before, after := p.commits[p.base(m)].files, p.commits[p.head(m)].files
	list := []object{}
	add := func(from, to, diff string, changes object) {
		one := object{
			"old_path": from, "new_path": to, "a_mode": "100644", "b_mode": "100644", "diff": diff,
			"new_file": false, "renamed_file": false, "deleted_file": false, "generated_file": false, "collapsed": false, "too_large": false,
		}
		maps.Copy(one, changes)
		list = append(list, one)
	}
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
			add(path, path, hunk(old, content), nil)
		case from != "":
			delete(gone, content)
			add(from, path, "", object{"renamed_file": true})
		default:
			add(path, path, hunk("", content), object{"new_file": true, "a_mode": "0"})
		}
	}
	for content, path := range gone {
		add(path, path, hunk(content, ""), object{"deleted_file": true, "b_mode": "0"})
	}
	slices.SortFunc(list, func(a, b object) int { return strings.Compare(a["new_path"].(string), b["new_path"].(string)) })
	return list
}

// hunk is a diff of all of a file.
func hunk(before, after string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "@@ -1,%d +1,%d @@\n", strings.Count(before, "\n"), strings.Count(after, "\n"))
	for line := range strings.Lines(before) {
		b.WriteString("-" + line)
	}
	for line := range strings.Lines(after) {
		b.WriteString("+" + line)
	}
	return b.String()
}
