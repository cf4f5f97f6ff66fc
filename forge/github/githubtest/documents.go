package githubtest

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

//go:embed testdata/openapi.json.gz
var openapiFile []byte

//go:embed testdata/schema.graphql.gz
var graphqlFile []byte

//go:embed testdata/webhooks.json.gz
var webhooksFile []byte

// documents is what GitHub publishes of the calls that we make.
type documents struct {
	calls    map[string]documented
	compiler *jsonschema.Compiler
	mu       sync.Mutex // of schemas, and of the compiler
	schemas  map[string]*jsonschema.Schema
	graphql  *ast.Schema
}

type documented struct {
	Query   []string
	Body    any
	Answers map[string]struct{ Schema, Example any }
}

// read is done once: it takes a while, and nothing changes them.
var read = sync.OnceValues(readDocuments) //nolint:gochecknoglobals // immutable

func readDocuments() (*documents, error) {
	data, err := unzip(openapiFile)
	if err != nil {
		return nil, err
	}
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	d := &documents{compiler: jsonschema.NewCompiler(), schemas: map[string]*jsonschema.Schema{}}
	if err := d.compiler.AddResource("openapi.json", whole); err != nil {
		return nil, err
	}
	var file struct{ Calls map[string]documented }
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, err
	}
	d.calls = file.Calls
	if data, err = unzip(graphqlFile); err != nil {
		return nil, err
	}
	d.graphql, err = gqlparser.LoadSchema(&ast.Source{Name: "schema.graphql", Input: string(data)})
	return d, err
}

func unzip(data []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// Webhooks are the example payloads that GitHub's users collected, by event
// (@octokit/webhooks-examples, MIT).
func Webhooks(t testing.TB) map[string][]json.RawMessage {
	t.Helper()
	data, err := unzip(webhooksFile)
	if err != nil {
		t.Fatal(err)
	}
	var examples map[string][]json.RawMessage
	if err := json.Unmarshal(data, &examples); err != nil {
		t.Fatal(err)
	}
	return examples
}

// schemaAt compiles a part of the description: the parts of a JSON pointer.
func (d *documents) schemaAt(parts ...string) (*jsonschema.Schema, error) {
	escape := strings.NewReplacer("~", "~0", "/", "~1", "%", "%25", "{", "%7B", "}", "%7D", " ", "%20")
	escaped := []string{"openapi.json#"}
	for _, part := range parts {
		escaped = append(escaped, escape.Replace(part))
	}
	pointer := strings.Join(escaped, "/")
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.schemas[pointer]; s != nil {
		return s, nil
	}
	s, err := d.compiler.Compile(pointer)
	d.schemas[pointer] = s
	return s, err
}

// like is the documented example of an answer, or of one of the list that it is, with
// some of its fields changed.
func (d *documents) like(call string, changes map[string]any) map[string]any {
	for status, answer := range d.calls[call].Answers {
		example := answer.Example
		if !strings.HasPrefix(status, "2") || example == nil {
			continue
		}
		if list, ok := example.([]any); ok {
			example = list[0]
		}
		object, _ := example.(map[string]any)
		object = maps.Clone(object)
		maps.Copy(object, changes)
		return object
	}
	panic("githubtest: no example of " + call)
}

// documented wraps a call: what it is asked and what it answers has to be as GitHub
// describes it.
func (s *Server) documented(pattern string, call func(*http.Request, map[string]any) (int, any)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		doc, ok := s.docs.calls[pattern]
		if !ok {
			s.t.Errorf("GitHub documents no %s", pattern)
		}
		for name := range r.URL.Query() {
			if !slices.Contains(doc.Query, name) {
				s.t.Errorf("%s has no query parameter %s", pattern, name)
			}
		}
		body, err := s.readBody(pattern, doc, r)
		if err != nil {
			refuse(w, http.StatusUnprocessableEntity, "Validation Failed: "+err.Error())
			s.t.Errorf("%s: the request is not as documented: %v", pattern, err)
			return
		}
		status, answer := call(r, body)
		s.answer(w, r, pattern, status, answer)
	}
}

func (s *Server) readBody(pattern string, doc documented, r *http.Request) (map[string]any, error) {
	if doc.Body == nil {
		return nil, nil
	}
	data, err := io.ReadAll(r.Body)
	if err != nil || len(data) == 0 || string(bytes.TrimSpace(data)) == "null" {
		return nil, err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	schema, err := s.docs.schemaAt("calls", pattern, "body")
	if err != nil {
		return nil, err
	}
	if err := schema.Validate(value); err != nil {
		return nil, err
	}
	var body map[string]any
	return body, json.Unmarshal(data, &body)
}

// answer writes an answer with its ETag, or says that it is the same as before. What
// is the same counts for nothing.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, pattern string, status int, answer any) {
	data, err := json.Marshal(answer)
	if err != nil {
		s.t.Error(err)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if status >= http.StatusBadRequest {
		s.count(w, r, 1)
		w.WriteHeader(status)
		_, _ = w.Write(data)
		return
	}
	if err := s.checkAnswer(pattern, status, data); err != nil {
		s.t.Errorf("%s: the answer is not as documented: %v\n%.200s", pattern, err, data)
	}
	etag := fmt.Sprintf(`W/"%s"`, sha(string(data)))
	w.Header().Set("ETag", etag)
	if r.Method == http.MethodGet && r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	s.count(w, r, 1)
	w.WriteHeader(status)
	_, _ = w.Write(data)
}

func (s *Server) checkAnswer(pattern string, status int, data []byte) error {
	schema, err := s.docs.schemaAt("calls", pattern, "answers", strconv.Itoa(status), "schema")
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}
