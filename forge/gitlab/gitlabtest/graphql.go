package gitlabtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// mostComplex is how complex GitLab lets a query be for somebody who is signed in.
const mostComplex = 250

// A connection is a list that is read page by page. A function of arguments gives a
// value; an object is what fields are selected of.
type connection []object

func (s *Server) graphql(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Query     string
		Variables map[string]any
	}
	if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
		reply(w, http.StatusBadRequest, object{"errors": []object{{"message": "Unexpected end of document"}}})
		return
	}
	types, err := schema()
	if err != nil {
		s.t.Error(err)
		return
	}
	query, wrong := gqlparser.LoadQueryWithRules(types, ask.Query, nil)
	if wrong != nil {
		s.t.Errorf("a query is not as GitLab's schema says: %v", wrong)
		reply(w, http.StatusOK, object{"errors": []object{{"message": wrong.Error()}}})
		return
	}
	run := &execution{server: s, types: types, variables: ask.Variables}
	fields := query.Operations[0].SelectionSet
	if cost := run.complexity(fields); cost > mostComplex {
		s.t.Errorf("a query has complexity of %d, which exceeds max complexity of %d", cost, mostComplex)
	}
	reply(w, http.StatusOK, object{"data": run.object(fields, object{"project": s.graphProject})})
}

// An execution runs one query.
type execution struct {
	server    *Server
	types     *ast.Schema
	variables map[string]any
}

// dear are the fields that GitLab counts as more than one: by its types, or because
// they ask Gitaly.
//
//nolint:gochecknoglobals // immutable
var dear = map[string]int{"labels": 5, "reviewers": 5, "committers": 6, "diffHeadSha": 2, "commits": 2}

// complexity counts as GitLab does: a field is one, and with all below it a part more
// for each of a page's hundred.
func (e *execution) complexity(fields ast.SelectionSet) int {
	sum := 0
	for _, selection := range fields {
		f, ok := selection.(*ast.Field)
		if !ok {
			continue
		}
		cost := max(dear[f.Name], 1) + e.complexity(f.SelectionSet)
		sum += cost + cost*number(f.ArgumentMap(e.variables)["first"])/100
	}
	return sum
}

// object selects fields.
func (e *execution) object(fields ast.SelectionSet, from object) object {
	into := object{}
	for _, selection := range fields {
		if f, ok := selection.(*ast.Field); ok {
			into[f.Alias] = e.field(f, from)
		}
	}
	return into
}

func (e *execution) field(f *ast.Field, from object) any {
	value, ok := from[f.Name]
	if !ok {
		e.server.t.Errorf("gitlabtest has no field %s of a %s", f.Name, f.ObjectDefinition.Name)
	}
	args := f.ArgumentMap(e.variables)
	if resolve, ok := value.(func(object) any); ok {
		value = resolve(args)
	}
	if value == nil && f.Definition.Type.NonNull {
		e.server.t.Errorf("%s of a %s is null, which GitLab's schema rules out", f.Name, f.ObjectDefinition.Name)
	}
	switch v := value.(type) {
	case object:
		return e.object(f.SelectionSet, v)
	case connection:
		return e.connection(f, v, args)
	case []object:
		list := []object{}
		for _, one := range v {
			list = append(list, e.object(f.SelectionSet, one))
		}
		return list
	}
	if def := e.types.Types[f.Definition.Type.Name()]; def.Kind == ast.Enum && value != nil && def.EnumValues.ForName(fmt.Sprint(value)) == nil {
		e.server.t.Errorf("%v is no %s of GitLab's schema", value, def.Name)
	}
	return value
}

// connection cuts a page out of a list: a hundred at most, whatever is asked for. A
// cursor is the number of those before it.
func (e *execution) connection(f *ast.Field, c connection, args object) object {
	from, size := 0, 100
	if after, ok := args["after"].(string); ok {
		from, _ = strconv.Atoi(after)
	}
	if first := number(args["first"]); first > 0 {
		size = min(first, size)
	}
	until := min(from+min(size, e.server.PerPage), len(c))
	info := object{"hasNextPage": until < len(c), "endCursor": nil}
	if until > from {
		info["endCursor"] = strconv.Itoa(until)
	}
	return e.object(f.SelectionSet, object{"count": len(c), "pageInfo": info, "nodes": []object(c[from:until])})
}

func number(value any) int {
	switch v := value.(type) {
	case int64:
		return int(v)
	case float64:
		return int(v)
	}
	return 0
}

func (s *Server) graphProject(args object) any {
	p := s.projects[fmt.Sprint(args["fullPath"])]
	if p == nil {
		return nil
	}
	return object{
		"mergeRequest": func(args object) any {
			iid, _ := strconv.Atoi(fmt.Sprint(args["iid"]))
			if iid < 1 || iid > len(p.requests) {
				return nil
			}
			return s.graphRequest(p, p.requests[iid-1])
		},
		"mergeRequests": func(args object) any {
			var list connection
			for _, m := range p.requests {
				if m.state == fmt.Sprint(args["state"]) {
					list = append(list, s.graphRequest(p, m))
				}
			}
			return list
		},
	}
}

func (s *Server) graphRequest(p *project, m *request) object {
	notes := 0
	for _, n := range m.notes {
		if n["system"] == false {
			notes++
		}
	}
	var labels, approved, reviewers connection
	for _, l := range m.labels {
		labels = append(labels, object{"title": l})
	}
	for _, login := range slices.Sorted(maps.Keys(m.approvals)) {
		approved = append(approved, object{"username": login})
	}
	for _, login := range slices.Sorted(maps.Keys(m.reviewers)) {
		state := object{"reviewState": strings.ToUpper(m.reviewers[login]), "approved": m.reviewers[login] == "approved", "reviewed": true}
		reviewers = append(reviewers, object{"username": login, "mergeRequestInteraction": state})
	}
	shown := object{
		"iid": strconv.Itoa(m.iid), "diffHeadSha": p.head(m), "updatedAt": m.updated, "title": m.title, "draft": m.draft, "targetBranch": m.target,
		"userNotesCount": notes, "labels": labels, "approvedBy": approved, "reviewers": reviewers, "headPipeline": p.pipeline(p.head(m)),
	}
	shown["commits"], shown["committers"] = s.graphCommits(p, m)
	return shown
}

// graphCommits are the commits, with the authors whose addresses are known, and the
// committers.
func (s *Server) graphCommits(p *project, m *request) (commits, committers connection) {
	not := p.under(p.branches[m.target])
	seen := map[string]bool{}
	for id := p.head(m); id != "" && !not[id]; {
		c := p.commits[id]
		one := object{"sha": c.id, "author": nil}
		if s.people[c.author] {
			one["author"] = object{"username": c.author}
		}
		commits = append(commits, one)
		if s.people[c.committer] && !seen[c.committer] {
			seen[c.committer] = true
			committers = append(committers, object{"username": c.committer})
		}
		id = ""
		if len(c.parents) > 0 {
			id = c.parents[0]
		}
	}
	return commits, committers
}

// pipeline is what is said of a commit.
func (p *project) pipeline(commit string) any {
	var jobs connection
	for _, one := range p.latest(commit) {
		jobs = append(jobs, object{"id": fmt.Sprintf("gid://gitlab/GenericCommitStatus/%v", one["id"]), "name": one["name"], "status": strings.ToUpper(fmt.Sprint(one["status"]))})
	}
	if len(jobs) == 0 {
		return nil
	}
	return object{"id": "gid://gitlab/Ci::Pipeline/77", "status": "PENDING", "jobs": jobs}
}
