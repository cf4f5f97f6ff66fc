package githubtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// An object is what GraphQL selects fields of. A value is a scalar, an object, a
// slice of objects, a connection, or nil.
type object = map[string]any

// A connection is a list that is read page by page, with its other fields.
type connection struct {
	nodes []object
	other object
}

// A notFound is an error of an answer that has the status 200.
type notFound struct{ message string }

func (s *Server) graphql(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Query     string
		Variables map[string]any
	}
	if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
		refuse(w, http.StatusBadRequest, "Problems parsing JSON")
		return
	}
	query, wrong := gqlparser.LoadQueryWithRules(s.docs.graphql, ask.Query, nil)
	if wrong != nil {
		s.t.Errorf("a query is not as GitHub's schema says: %v", wrong)
		refuse(w, http.StatusBadRequest, wrong.Error())
		return
	}
	run := &execution{server: s, variables: ask.Variables}
	fields := query.Operations[0].SelectionSet
	root := object{"viewer": object{"__typename": "User", "login": callerOf(r.Context()).login()}, "repository": run.repository}
	data := run.object(fields, root)
	s.count(w, r, max(1, (run.requests(fields, 1)+50)/100))
	answer := map[string]any{"data": data}
	if run.missing != nil {
		answer["errors"] = []any{map[string]any{"type": "NOT_FOUND", "message": run.missing.message, "path": []any{"repository"}}}
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		s.t.Error(err)
	}
}

// An execution runs one query.
type execution struct {
	server    *Server
	variables map[string]any
	missing   *notFound
}

// requests counts as GitHub does: one for each connection, times how many it may be
// asked of.
func (e *execution) requests(fields ast.SelectionSet, times int) int {
	count := 0
	for _, selection := range fields {
		switch f := selection.(type) {
		case *ast.InlineFragment:
			count += e.requests(f.SelectionSet, times)
		case *ast.Field:
			args, below := f.ArgumentMap(e.variables), times
			if size := max(number(args["first"]), number(args["last"])); size > 0 {
				count, below = count+times, times*size
			}
			count += e.requests(f.SelectionSet, below)
		}
	}
	return count
}

// object selects fields.
func (e *execution) object(fields ast.SelectionSet, from object) object {
	into := object{}
	for _, selection := range fields {
		switch f := selection.(type) {
		case *ast.InlineFragment:
			if f.TypeCondition == from["__typename"] {
				maps.Copy(into, e.object(f.SelectionSet, from))
			}
		case *ast.Field:
			into[f.Alias] = e.field(f, from)
		}
	}
	return into
}

func (e *execution) field(f *ast.Field, from object) any {
	value, ok := from[f.Name]
	if !ok {
		e.server.t.Errorf("githubtest has no field %s of a %s", f.Name, f.ObjectDefinition.Name)
	}
	args := f.ArgumentMap(e.variables)
	if resolve, ok := value.(func(map[string]any) any); ok {
		value = resolve(args)
	}
	if value == nil && f.Definition.Type.NonNull {
		e.server.t.Errorf("%s of a %s is null, which GitHub's schema rules out", f.Name, f.ObjectDefinition.Name)
	}
	switch v := value.(type) {
	case object:
		return e.object(f.SelectionSet, v)
	case []object:
		return e.objects(f.SelectionSet, v)
	case connection:
		return e.connection(f, v, args)
	}
	if def := e.server.docs.graphql.Types[f.Definition.Type.Name()]; def.Kind == ast.Enum && value != nil && def.EnumValues.ForName(fmt.Sprint(value)) == nil {
		e.server.t.Errorf("%v is no %s of GitHub's schema", value, def.Name)
	}
	return value
}

func (e *execution) objects(fields ast.SelectionSet, list []object) []object {
	into := []object{}
	for _, one := range list {
		into = append(into, e.object(fields, one))
	}
	return into
}

// connection cuts a page out of a list. A cursor is the number of those before it.
func (e *execution) connection(f *ast.Field, c connection, args map[string]any) object {
	from, until := 0, len(c.nodes)
	if after, ok := args["after"].(string); ok {
		from, _ = strconv.Atoi(after)
	}
	if first := number(args["first"]); first > 0 {
		until = min(from+first, until)
	}
	if last := number(args["last"]); last > 0 {
		from = max(until-last, 0)
	}
	if max(number(args["first"]), number(args["last"])) == 0 && f.SelectionSet != nil && selects(f, "nodes") {
		e.server.t.Errorf("%s is asked for its nodes without first or last, which GitHub refuses", f.Name)
	}
	info := object{"hasNextPage": until < len(c.nodes), "endCursor": nil}
	if until > from {
		info["endCursor"] = strconv.Itoa(until)
	}
	whole := object{"totalCount": len(c.nodes), "pageInfo": info, "nodes": c.nodes[from:until]}
	maps.Copy(whole, c.other)
	return e.object(f.SelectionSet, whole)
}

func selects(f *ast.Field, name string) bool {
	return slices.ContainsFunc(f.SelectionSet, func(s ast.Selection) bool {
		field, ok := s.(*ast.Field)
		return ok && field.Name == name
	})
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

// repository is the field of that name of a query.
func (e *execution) repository(args map[string]any) any {
	name := fmt.Sprint(args["owner"], "/", args["name"])
	r := e.server.repos[name]
	if r == nil {
		e.missing = &notFound{fmt.Sprintf("Could not resolve to a Repository with the name '%s'.", name)}
		return nil
	}
	var open []object
	for _, p := range slices.Backward(r.pulls) {
		if p.state == "OPEN" {
			open = append(open, e.server.graphPull(r, p))
		}
	}
	var tags []object
	for _, name := range slices.Sorted(maps.Keys(r.tags)) {
		tags = append(tags, object{"name": name, "target": r.graphTarget(r.tags[name])})
	}
	return object{
		"refs":         connection{nodes: tags},
		"pullRequests": connection{nodes: open},
		"pullRequest": func(args map[string]any) any {
			if n := number(args["number"]); n >= 1 && n <= len(r.pulls) {
				return e.server.graphPull(r, r.pulls[n-1])
			}
			e.missing = &notFound{fmt.Sprintf("Could not resolve to a PullRequest with the number of %d.", number(args["number"]))}
			return nil
		},
	}
}

func (r *repository) graphTarget(id string) object {
	if commit := r.objects[id]; commit != "" {
		return object{"__typename": "Tag", "oid": id, "target": object{"__typename": "Commit", "oid": commit}}
	}
	return object{"__typename": "Commit", "oid": id}
}
