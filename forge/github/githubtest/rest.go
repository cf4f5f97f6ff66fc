package githubtest

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A call answers one call of REST, named as GitHub's OpenAPI description does.
type call = func(r *http.Request, body map[string]any) (int, any)

func (s *Server) rest() map[string]call {
	return map[string]call{
		"GET /app":               s.app,
		"GET /app/installations": s.installations,
		"POST /app/installations/{installation_id}/access_tokens":          s.accessToken,
		"GET /installation/repositories":                                   s.installedRepositories,
		"GET /orgs/{org}/installation":                                     s.installation,
		"GET /orgs/{org}/teams/{team_slug}/members":                        s.members,
		"GET /user/repos":                                                  s.userRepositories,
		"GET /repos/{owner}/{repo}":                                        s.in(s.repository),
		"GET /repos/{owner}/{repo}/installation":                           s.in(s.repositoryInstallation),
		"GET /repos/{owner}/{repo}/collaborators/{username}/permission":    s.in(s.permission),
		"GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls":             s.in(s.pullsOf),
		"GET /repos/{owner}/{repo}/commits/{ref}/check-runs":               s.in(s.checkRuns),
		"GET /repos/{owner}/{repo}/commits/{ref}/statuses":                 s.in(s.listStatuses),
		"GET /repos/{owner}/{repo}/git/matching-refs/{ref}":                s.in(s.matchingRefs),
		"GET /repos/{owner}/{repo}/issues/{issue_number}/comments":         s.in(s.listComments),
		"POST /repos/{owner}/{repo}/issues/{issue_number}/comments":        s.in(s.createComment),
		"PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}":         s.in(s.editComment),
		"POST /repos/{owner}/{repo}/issues/{issue_number}/labels":          s.in(s.addLabels),
		"DELETE /repos/{owner}/{repo}/issues/{issue_number}/labels/{name}": s.in(s.removeLabel),
		"GET /repos/{owner}/{repo}/pulls":                                  s.in(s.listPulls),
		"GET /repos/{owner}/{repo}/pulls/{pull_number}/files":              s.in(s.listFiles),
		"POST /repos/{owner}/{repo}/check-runs":                            s.in(s.createCheckRun),
		"PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}":            s.in(s.updateCheckRun),
		"POST /repos/{owner}/{repo}/statuses/{sha}":                        s.in(s.createStatus),
	}
}

func failed(message string) map[string]any { return map[string]any{"message": message} }

// in finds the repository of a call.
func (s *Server) in(act func(*http.Request, *repository, map[string]any) (int, any)) call {
	return func(r *http.Request, body map[string]any) (int, any) {
		repo := s.repos[r.PathValue("owner")+"/"+r.PathValue("repo")]
		if repo == nil {
			return http.StatusNotFound, failed("Not Found")
		}
		return act(r, repo, body)
	}
}

// page cuts a list as GitHub does, and says in a header where it goes on. The header
// is put into the answer by the caller's writer, through the request's context.
func page[T any](r *http.Request, list []T) []T {
	size, _ := strconv.Atoi(r.URL.Query().Get("per_page"))
	if size == 0 {
		size = 30
	}
	number, _ := strconv.Atoi(r.URL.Query().Get("page"))
	number = max(number, 1)
	from, until := min((number-1)*size, len(list)), min(number*size, len(list))
	if until < len(list) {
		next := *r.URL
		query := next.Query()
		query.Set("page", strconv.Itoa(number+1))
		next.RawQuery = query.Encode()
		callerOf(r.Context()).header.Set("Link", fmt.Sprintf("<http://%s%s>; rel=\"next\"", r.Host, next.String()))
	}
	return append([]T{}, list[from:until]...)
}

func (s *Server) app(*http.Request, map[string]any) (int, any) {
	return 200, s.docs.like("GET /app", map[string]any{"slug": Slug})
}

func (s *Server) installed(owner string) map[string]any {
	example := s.docs.like("GET /app/installations", nil)
	account := maps.Clone(example["account"].(map[string]any))
	account["login"] = owner
	example["id"], example["account"], example["suspended_at"] = installationID(owner), account, nil
	return example
}

func installationID(owner string) int { return len(owner)*1000 + int(owner[0]) }

func (s *Server) owners() []string {
	var owners []string
	for name := range s.repos {
		owner, _, _ := strings.Cut(name, "/")
		if !slices.Contains(owners, owner) {
			owners = append(owners, owner)
		}
	}
	slices.Sort(owners)
	return owners
}

func (s *Server) installations(r *http.Request, _ map[string]any) (int, any) {
	list := []any{}
	for _, owner := range s.owners() {
		list = append(list, s.installed(owner))
	}
	return 200, page(r, list)
}

func (s *Server) installation(r *http.Request, _ map[string]any) (int, any) {
	if !slices.Contains(s.owners(), r.PathValue("org")) {
		return 404, failed("Not Found")
	}
	return 200, s.installed(r.PathValue("org"))
}

func (s *Server) repositoryInstallation(r *http.Request, _ *repository, _ map[string]any) (int, any) {
	return 200, s.installed(r.PathValue("owner"))
}

func (s *Server) accessToken(r *http.Request, _ map[string]any) (int, any) {
	token := fmt.Sprintf("ghs_%d", s.id())
	expires := s.Now().Add(time.Hour).UTC().Truncate(time.Second)
	s.tokens[token] = session{Slug, true, expires}
	checks := "write"
	if s.NoChecks {
		checks = "read"
	}
	return 201, map[string]any{
		"token": token, "expires_at": expires.Format(time.RFC3339),
		"permissions": map[string]any{"checks": checks, "contents": "read", "metadata": "read", "pull_requests": "write", "statuses": "write"},
	}
}

func (s *Server) shown(repo *repository) map[string]any {
	return s.docs.like("GET /repos/{owner}/{repo}", map[string]any{
		"full_name": repo.name, "default_branch": "main", "private": true, "archived": repo.archived, "language": nil,
		"html_url": s.URL + "/" + repo.name,
	})
}

func (s *Server) repository(_ *http.Request, repo *repository, _ map[string]any) (int, any) {
	return 200, s.shown(repo)
}

func (s *Server) all() []any {
	list := []any{}
	for _, name := range slices.Sorted(maps.Keys(s.repos)) {
		list = append(list, s.shown(s.repos[name]))
	}
	return list
}

func (s *Server) userRepositories(r *http.Request, _ map[string]any) (int, any) {
	return 200, page(r, s.all())
}

func (s *Server) installedRepositories(r *http.Request, _ map[string]any) (int, any) {
	return 200, map[string]any{"total_count": len(s.repos), "repositories": page(r, s.all())}
}

func (s *Server) members(r *http.Request, _ map[string]any) (int, any) {
	logins, ok := s.teams[r.PathValue("org")+"/"+r.PathValue("team_slug")]
	if !ok {
		return 404, failed("Not Found")
	}
	list := []any{}
	for _, login := range logins {
		list = append(list, s.user(login))
	}
	return 200, page(r, list)
}

func (s *Server) permission(r *http.Request, repo *repository, _ map[string]any) (int, any) {
	login := r.PathValue("username")
	if !s.people[login] {
		return 404, failed(login + " is not a user")
	}
	permission := repo.access[login]
	if permission == "" {
		permission = "none"
	}
	user := s.user(login)
	user["role_name"] = permission
	return 200, s.docs.like("GET /repos/{owner}/{repo}/collaborators/{username}/permission", map[string]any{"permission": permission, "role_name": permission, "user": user})
}

func (s *Server) matchingRefs(r *http.Request, repo *repository, _ map[string]any) (int, any) {
	list := []any{}
	add := func(prefix string, names map[string]string) {
		for _, name := range slices.Sorted(maps.Keys(names)) {
			ref, kind := prefix+name, "commit"
			if repo.objects[names[name]] != "" {
				kind = "tag"
			}
			if strings.HasPrefix(ref, "refs/"+r.PathValue("ref")) {
				list = append(list, s.docs.like("GET /repos/{owner}/{repo}/git/matching-refs/{ref}", map[string]any{
					"ref": ref, "object": map[string]any{"type": kind, "sha": names[name], "url": "https://api.github.com/object"},
				}))
			}
		}
	}
	add("refs/heads/", repo.branches)
	add("refs/tags/", repo.tags)
	return 200, list
}

func (s *Server) listPulls(r *http.Request, repo *repository, _ map[string]any) (int, any) {
	list := []any{}
	for _, p := range slices.Backward(repo.pulls) {
		if p.state == "OPEN" {
			list = append(list, s.docs.like("GET /repos/{owner}/{repo}/pulls", map[string]any{"number": p.number, "updated_at": p.updated, "requested_teams": []any{}}))
		}
	}
	return 200, page(r, list)
}

// pullsOf are those that were merged as a commit, and those that are open and have it
// as their head.
func (s *Server) pullsOf(r *http.Request, repo *repository, _ map[string]any) (int, any) {
	commit := r.PathValue("commit_sha")
	if _, ok := repo.commits[commit]; !ok {
		return 422, failed("No commit found for SHA: " + commit)
	}
	list := []any{}
	for _, p := range repo.pulls {
		if p.came == commit || p.state == "OPEN" && repo.branches[p.head] == commit {
			list = append(list, s.docs.like("GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls", map[string]any{"number": p.number, "requested_teams": []any{}}))
		}
	}
	return 200, page(r, list)
}

func (s *Server) pull(r *http.Request, repo *repository, name string) *pull {
	number, _ := strconv.Atoi(r.PathValue(name))
	if number < 1 || number > len(repo.pulls) {
		return nil
	}
	return repo.pulls[number-1]
}

func (s *Server) listFiles(r *http.Request, repo *repository, _ map[string]any) (int, any) {
	p := s.pull(r, repo, "pull_number")
	if p == nil {
		return 404, failed("Not Found")
	}
	list := []any{}
	for _, f := range repo.files(p) {
		changes := map[string]any{"filename": f.path, "status": f.status, "additions": f.added, "deletions": f.removed, "changes": f.added + f.removed}
		if f.from != "" {
			changes["previous_filename"] = f.from
		}
		list = append(list, s.docs.like("GET /repos/{owner}/{repo}/pulls/{pull_number}/files", changes))
	}
	return 200, page(r, list)
}

func (s *Server) listComments(r *http.Request, repo *repository, _ map[string]any) (int, any) {
	p := s.pull(r, repo, "issue_number")
	if p == nil {
		return 404, failed("Not Found")
	}
	return 200, page(r, p.comments)
}

func (s *Server) createComment(r *http.Request, repo *repository, body map[string]any) (int, any) {
	p := s.pull(r, repo, "issue_number")
	if p == nil {
		return 404, failed("Not Found")
	}
	p.updated = s.now()
	return 201, s.say(p, callerOf(r.Context()).login(), body["body"].(string))
}

func (s *Server) editComment(r *http.Request, repo *repository, body map[string]any) (int, any) {
	for _, p := range repo.pulls {
		for _, c := range p.comments {
			if fmt.Sprint(c["id"]) == r.PathValue("comment_id") {
				c["body"], c["updated_at"] = body["body"], s.now()
				return 200, c
			}
		}
	}
	return 404, failed("Not Found")
}

func (s *Server) label(name string) map[string]any {
	return map[string]any{"id": 1, "node_id": "L", "url": "https://api.github.com/l", "name": name, "color": "ededed", "default": false, "description": nil}
}

func (s *Server) labels(p *pull) []any {
	list := []any{}
	for _, name := range p.labels {
		list = append(list, s.label(name))
	}
	return list
}

func (s *Server) addLabels(r *http.Request, repo *repository, body map[string]any) (int, any) {
	p := s.pull(r, repo, "issue_number")
	if p == nil {
		return 404, failed("Not Found")
	}
	for _, name := range body["labels"].([]any) {
		if !slices.Contains(p.labels, name.(string)) {
			p.labels = append(p.labels, name.(string))
			p.updated = s.now()
		}
	}
	return 200, s.labels(p)
}

func (s *Server) removeLabel(r *http.Request, repo *repository, _ map[string]any) (int, any) {
	p := s.pull(r, repo, "issue_number")
	name, err := url.PathUnescape(r.PathValue("name"))
	switch {
	case p == nil || err != nil:
		return 404, failed("Not Found")
	case !slices.Contains(p.labels, name):
		return 404, failed("Label does not exist")
	}
	p.labels = slices.DeleteFunc(p.labels, func(l string) bool { return l == name })
	p.updated = s.now()
	return 200, s.labels(p)
}

func (s *Server) listStatuses(r *http.Request, repo *repository, _ map[string]any) (int, any) {
	return 200, page(r, repo.newest(r.PathValue("ref")))
}

func (s *Server) createStatus(r *http.Request, repo *repository, body map[string]any) (int, any) {
	sha := r.PathValue("sha")
	if _, ok := repo.commits[sha]; !ok {
		return 422, failed("No commit found for SHA: " + sha)
	}
	if text, _ := body["description"].(string); len([]rune(text)) > 140 {
		return 422, failed("Validation Failed: description is too long (maximum is 140 characters)")
	}
	return 201, s.post(repo, sha, callerOf(r.Context()).login(), body)
}
