package gitlabtest

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	gitlab "gitlab.com/gitlab-org/api/client-go/v2"
)

//go:embed testdata
var testdata embed.FS

// A call is what GitLab's own client says of one: what it may be asked with, by query
// or in a body, and what it answers.
type call struct {
	asks, answer any // nil: nothing
}

// calls are those that package gitlab makes.
//
//nolint:gochecknoglobals // immutable
var calls = map[string]call{
	"GET /user":                                                  {nil, gitlab.User{}},
	"GET /users":                                                 {gitlab.ListUsersOptions{}, []gitlab.User{}},
	"GET /users/{id}/projects":                                   {gitlab.ListProjectsOptions{}, []gitlab.Project{}},
	"GET /projects":                                              {gitlab.ListProjectsOptions{}, []gitlab.Project{}},
	"GET /projects/{id}":                                         {gitlab.GetProjectOptions{}, gitlab.Project{}},
	"GET /groups/{id}/projects":                                  {gitlab.ListGroupProjectsOptions{}, []gitlab.Project{}},
	"GET /groups/{id}/members":                                   {gitlab.ListGroupMembersOptions{}, []gitlab.GroupMember{}},
	"GET /projects/{id}/members/all":                             {gitlab.ListProjectMembersOptions{}, []gitlab.ProjectMember{}},
	"GET /projects/{id}/repository/branches":                     {gitlab.ListBranchesOptions{}, []gitlab.Branch{}},
	"GET /projects/{id}/repository/branches/{branch}":            {nil, gitlab.Branch{}},
	"GET /projects/{id}/repository/tags":                         {gitlab.ListTagsOptions{}, []gitlab.Tag{}},
	"GET /projects/{id}/repository/commits":                      {gitlab.ListCommitsOptions{}, []gitlab.Commit{}},
	"GET /projects/{id}/repository/commits/{sha}/statuses":       {gitlab.GetCommitStatusesOptions{}, []gitlab.CommitStatus{}},
	"GET /projects/{id}/repository/commits/{sha}/merge_requests": {nil, []gitlab.BasicMergeRequest{}},
	"POST /projects/{id}/statuses/{sha}":                         {gitlab.SetCommitStatusOptions{}, gitlab.CommitStatus{}},
	"GET /projects/{id}/merge_requests/{iid}":                    {gitlab.GetMergeRequestsOptions{}, gitlab.MergeRequest{}},
	"PUT /projects/{id}/merge_requests/{iid}":                    {gitlab.UpdateMergeRequestOptions{}, gitlab.MergeRequest{}},
	"GET /projects/{id}/merge_requests/{iid}/diffs":              {gitlab.ListMergeRequestDiffsOptions{}, []gitlab.MergeRequestDiff{}},
	"GET /projects/{id}/merge_requests/{iid}/versions":           {gitlab.GetMergeRequestDiffVersionsOptions{}, []gitlab.MergeRequestDiffVersion{}},
	"GET /projects/{id}/merge_requests/{iid}/approvals":          {nil, gitlab.MergeRequestApprovals{}},
	"GET /projects/{id}/merge_requests/{iid}/reviewers":          {gitlab.ListOptions{}, []gitlab.MergeRequestReviewer{}},
	"GET /projects/{id}/merge_requests/{iid}/notes":              {gitlab.ListMergeRequestNotesOptions{}, []gitlab.Note{}},
	"POST /projects/{id}/merge_requests/{iid}/notes":             {gitlab.CreateMergeRequestNoteOptions{}, gitlab.Note{}},
	"PUT /projects/{id}/merge_requests/{iid}/notes/{note}":       {gitlab.UpdateMergeRequestNoteOptions{}, gitlab.Note{}},
}

// schema is what we ask of GitLab's GraphQL. It is read once.
var schema = sync.OnceValues(func() (*ast.Schema, error) { //nolint:gochecknoglobals // immutable
	data, err := testdata.ReadFile("testdata/schema.graphql")
	if err != nil {
		return nil, err
	}
	return gqlparser.LoadSchema(&ast.Source{Name: "schema.graphql", Input: string(data)})
})

// Webhooks are the examples of webhooks and system hooks that GitLab's client is tested
// with, by file.
func Webhooks(t testing.TB) map[string][]byte {
	t.Helper()
	examples := map[string][]byte{}
	for _, folder := range []string{"webhooks", "systemhooks"} {
		entries, err := testdata.ReadDir("testdata/" + folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			data, err := testdata.ReadFile("testdata/" + folder + "/" + e.Name())
			if err != nil {
				t.Fatal(err)
			}
			examples[folder+"/"+e.Name()] = data
		}
	}
	return examples
}

// like is one of the examples, with some of its fields changed.
func (s *Server) like(name string, changes object) object {
	data, err := testdata.ReadFile("testdata/" + name)
	if err != nil {
		s.t.Fatal(err)
	}
	var example object
	if err := json.Unmarshal(data, &example); err != nil {
		s.t.Fatal(err)
	}
	for _, field := range []string{"reference", "merge_status", "approvals_before_merge"} { // deprecated: the client knows them no more
		delete(example, field)
	}
	maps.Copy(example, changes)
	return example
}

// strangers are the fields of a value that a type of the client has not, and values
// that are of another type there.
func strangers(at string, value any, t reflect.Type) []string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var all []string
	switch v := value.(type) {
	case map[string]any:
		if t.Kind() != reflect.Struct || t == reflect.TypeFor[time.Time]() {
			return nil
		}
		fields := fieldsOf(t, "json")
		for name, one := range v {
			field, known := fields[name]
			if !known {
				all = append(all, at+"."+name)
				continue
			}
			all = append(all, strangers(at+"."+name, one, field)...)
		}
	case []any:
		if t.Kind() != reflect.Slice {
			return []string{at + " is a list"}
		}
		for i, one := range v {
			all = append(all, strangers(fmt.Sprintf("%s[%d]", at, i), one, t.Elem())...)
		}
	}
	slices.Sort(all)
	return all
}

// fieldsOf are the fields of a struct by the names in their tags.
func fieldsOf(t reflect.Type, tag string) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for f := range t.Fields() {
		if f.Anonymous {
			maps.Copy(fields, fieldsOf(f.Type, tag))
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get(tag), ",")
		fields[name] = f.Type
	}
	return fields
}

// documented wraps a call: what it is asked, and what it answers, has to be what
// GitLab's client knows, and the client has to be able to read it.
func (s *Server) documented(pattern string, answer func(*http.Request, object) (int, any)) http.HandlerFunc {
	doc := calls[pattern]
	return func(w http.ResponseWriter, r *http.Request) {
		known := map[string]reflect.Type{}
		if doc.asks != nil {
			known = fieldsOf(reflect.TypeOf(doc.asks), "url")
		}
		for name := range r.URL.Query() {
			// Each list has pages, and keys to them, which the client takes as they come.
			if _, ok := known[name]; !ok && name != "per_page" && name != "page" && name != "id_after" {
				s.t.Errorf("%s has no query parameter %s", pattern, name)
			}
		}
		body, err := s.readBody(pattern, r)
		if err != nil {
			s.t.Errorf("%s: the request is not as documented: %v", pattern, err)
			refuse(w, http.StatusBadRequest, err.Error())
			return
		}
		status, value := answer(r, body)
		s.write(w, r, pattern, status, value)
	}
}

func (s *Server) readBody(pattern string, r *http.Request) (object, error) {
	data, err := io.ReadAll(r.Body)
	if err != nil || len(data) == 0 {
		return nil, err
	}
	var body object
	if err := json.Unmarshal(data, &body); err != nil {
		return nil, err
	}
	asks := calls[pattern].asks
	if asks == nil || r.Method == http.MethodGet {
		return nil, fmt.Errorf("it takes no body, and gets %s", data)
	}
	if strange := strangers("body", body, reflect.TypeOf(asks)); len(strange) > 0 {
		return nil, fmt.Errorf("there is no %v", strange)
	}
	return body, json.Unmarshal(data, reflect.New(reflect.TypeOf(asks)).Interface())
}

func (s *Server) write(w http.ResponseWriter, r *http.Request, pattern string, status int, value any) {
	list, ok := value.([]object)
	if ok && status < http.StatusBadRequest {
		value = s.page(w, r, list)
	}
	data, err := json.Marshal(value)
	if err != nil {
		s.t.Error(err)
	}
	if status < http.StatusBadRequest {
		s.check(pattern, data)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(data)
}

// check has the client read an answer.
func (s *Server) check(pattern string, data []byte) {
	doc := calls[pattern]
	var plain any
	if err := json.Unmarshal(data, &plain); err != nil {
		s.t.Error(err)
	}
	if strange := strangers("answer", plain, reflect.TypeOf(doc.answer)); len(strange) > 0 {
		s.t.Errorf("%s: GitLab's client knows no %v", pattern, strange)
	}
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(reflect.New(reflect.TypeOf(doc.answer)).Interface()); err != nil {
		s.t.Errorf("%s: GitLab's client cannot read the answer: %v\n%.300s", pattern, err, data)
	}
}
