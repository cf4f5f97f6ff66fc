package githubtest

import (
	"slices"
	"strings"
)

// graphPull is a pull request as GraphQL has it.
func (s *Server) graphPull(r *repository, p *pull) object {
	head := r.branches[p.head]
	pull := object{
		"number": p.number, "title": p.title, "url": s.URL + "/" + r.name + "/pull/1", "state": p.state, "isDraft": p.draft,
		"isCrossRepository": p.fork, "updatedAt": p.updated, "changedFiles": len(r.files(p)), "author": s.actor(p.author),
		"headRefOid": head, "headRefName": p.head, "baseRefName": p.base, "baseRefOid": r.branches[p.base],
		"baseRef":        object{"target": object{"__typename": "Commit", "oid": r.branches[p.base]}},
		"labels":         connection{nodes: named(p.labels)},
		"reviewRequests": connection{nodes: s.requested(p)},
		"commits":        connection{nodes: s.graphCommits(r, p)},
		"reviews":        connection{nodes: s.graphReviews(p)},
		"comments":       connection{nodes: s.graphComments(p)},
	}
	return pull
}

// actor is an account. GraphQL leaves the [bot] out.
func (s *Server) actor(login string) object {
	if slug, bot := strings.CutSuffix(login, "[bot]"); bot {
		return object{"__typename": "Bot", "login": slug}
	}
	return object{"__typename": "User", "login": login}
}

func named(names []string) []object {
	var list []object
	for _, name := range names {
		list = append(list, object{"name": name})
	}
	return list
}

func (s *Server) requested(p *pull) []object {
	var list []object
	for _, who := range p.asked {
		reviewer := s.actor(who)
		if strings.Contains(who, "/") {
			reviewer = object{"__typename": "Team", "combinedSlug": who}
		}
		list = append(list, object{"requestedReviewer": reviewer})
	}
	return list
}

// graphCommits are those of the branch that main does not have, oldest first.
func (s *Server) graphCommits(r *repository, p *pull) []object {
	var list []object
	for id := r.branches[p.head]; id != "" && !r.reaches(r.branches[p.base], id); {
		c := r.commits[id]
		var parents []object
		for _, parent := range c.parents {
			parents = append(parents, object{"oid": parent})
		}
		author := object{"user": nil}
		if s.people[c.author] {
			author["user"] = object{"login": c.author}
		}
		list = append(list, object{"commit": object{
			"oid": id, "message": c.message, "parents": connection{nodes: parents}, "author": author, "committer": author,
			"statusCheckRollup": s.rollup(r, id),
		}})
		id = ""
		if len(c.parents) > 0 {
			id = c.parents[0]
		}
	}
	slices.Reverse(list)
	return list
}

func (r *repository) reaches(from, id string) bool {
	for from != "" {
		if from == id {
			return true
		}
		parents := r.commits[from].parents
		if len(parents) == 0 {
			return false
		}
		from = parents[0]
	}
	return false
}

func (s *Server) graphReviews(p *pull) []object {
	var list []object
	for _, r := range p.reviews {
		node := object{
			"id": r.id, "state": r.state, "body": r.body, "submittedAt": r.time, "createdAt": r.time, "updatedAt": r.time,
			"author": s.actor(r.by), "commit": object{"oid": r.commit},
		}
		if r.state == "PENDING" {
			node["submittedAt"] = nil
		}
		list = append(list, node)
	}
	return list
}

func (s *Server) graphComments(p *pull) []object {
	var list []object
	for _, c := range p.comments {
		list = append(list, object{
			"id": c["node_id"], "body": c["body"], "createdAt": c["created_at"], "updatedAt": c["updated_at"], "lastEditedAt": edited(c),
			"author": s.actor(c["user"].(map[string]any)["login"].(string)),
		})
	}
	return list
}

// edited is when a comment was changed; null: it was not.
func edited(c map[string]any) any {
	if c["updated_at"] == c["created_at"] {
		return nil
	}
	return c["updated_at"]
}

// rollup is what systems say of a commit: null where none says anything.
func (s *Server) rollup(r *repository, commit string) any {
	var nodes []object
	runs, contexts := map[string]int{}, map[string]int{}
	for _, run := range r.latest(commit) {
		node := graphRun(run)
		state := node["status"]
		if node["conclusion"] != nil {
			state = node["conclusion"]
		}
		runs[state.(string)]++
		nodes = append(nodes, node)
	}
	seen := map[any]bool{}
	for _, status := range r.newest(commit) {
		if seen[status["context"]] {
			continue
		}
		seen[status["context"]] = true
		state := strings.ToUpper(status["state"].(string))
		contexts[state]++
		nodes = append(nodes, object{
			"__typename": "StatusContext", "context": status["context"], "state": state, "description": status["description"],
			"targetUrl": status["target_url"], "createdAt": status["created_at"], "creator": s.actor(status["creator"].(map[string]any)["login"].(string)),
		})
	}
	if len(nodes) == 0 {
		return nil
	}
	return object{"state": "PENDING", "contexts": connection{nodes: nodes, other: object{
		"checkRunCountsByState": counts(runs), "statusContextCountsByState": counts(contexts),
	}}}
}

func counts(states map[string]int) []object {
	var list []object
	for state, count := range states {
		list = append(list, object{"state": state, "count": count})
	}
	slices.SortFunc(list, func(a, b object) int { return strings.Compare(a["state"].(string), b["state"].(string)) })
	return list
}

// graphRun is a check run as GraphQL has it.
func graphRun(run map[string]any) object {
	upper := func(value any) any {
		text, ok := value.(string)
		if !ok {
			return nil
		}
		return strings.ToUpper(text)
	}
	output := run["output"].(map[string]any)
	return object{
		"__typename": "CheckRun", "name": run["name"], "status": upper(run["status"]), "conclusion": upper(run["conclusion"]),
		"title": output["title"], "summary": output["summary"], "detailsUrl": run["details_url"],
		"startedAt": run["started_at"], "completedAt": run["completed_at"],
		"checkSuite": object{"createdAt": run["started_at"], "app": object{"slug": run["app"].(map[string]any)["slug"]}},
	}
}
