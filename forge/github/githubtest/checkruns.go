package githubtest

import (
	"fmt"
	"maps"
	"net/http"
)

func (s *Server) checkRuns(r *http.Request, repo *repository, _ map[string]any) (int, any) {
	runs := repo.latest(r.PathValue("ref"))
	return 200, map[string]any{"total_count": len(runs), "check_runs": page(r, runs)}
}

func (s *Server) createCheckRun(r *http.Request, repo *repository, body map[string]any) (int, any) {
	if status, answer := s.mayCheck(r); status != 0 {
		return status, answer
	}
	head, _ := body["head_sha"].(string)
	if _, ok := repo.commits[head]; !ok {
		return 422, failed("No commit found for SHA: " + head)
	}
	run := s.run(repo, head, Slug, map[string]any{"name": body["name"]})
	return 201, s.fill(run, body)
}

func (s *Server) updateCheckRun(r *http.Request, repo *repository, body map[string]any) (int, any) {
	if status, answer := s.mayCheck(r); status != 0 {
		return status, answer
	}
	for _, run := range repo.runs {
		if fmt.Sprint(run["id"]) == r.PathValue("check_run_id") {
			return 200, s.fill(run, body)
		}
	}
	return 404, failed("Not Found")
}

func (s *Server) mayCheck(r *http.Request) (int, any) {
	if c := callerOf(r.Context()); !c.session.app || s.NoChecks {
		c.header.Set("X-Accepted-GitHub-Permissions", "checks=write")
		return 403, failed("Resource not accessible by integration")
	}
	return 0, nil
}

// fill changes a check run. Annotations are added to those that are there.
func (s *Server) fill(run, body map[string]any) map[string]any {
	for _, key := range []string{"name", "details_url", "external_id", "status", "conclusion"} {
		if value, ok := body[key]; ok {
			run[key] = value
		}
	}
	if body["conclusion"] != nil {
		run["status"], run["completed_at"] = "completed", s.now()
	}
	given, ok := body["output"].(map[string]any)
	if !ok {
		return run
	}
	output := maps.Clone(run["output"].(map[string]any))
	notes, _ := given["annotations"].([]any)
	had, _ := output["annotations_count"].(int)
	output["annotations_count"] = had + len(notes)
	output["title"], output["summary"] = given["title"], given["summary"]
	run["output"] = output
	return run
}
