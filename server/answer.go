package server

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/slipway-cd/slipway"
)

// A Body is an answer that can be asked for only if it is new.
type Body[T any] struct {
	ETag string `header:"ETag" doc:"The name of this very answer, for If-None-Match."`
	Body T
}

// tag names the answer by what is in it.
func (b *Body[T]) tag() string {
	if b.ETag == "" {
		b.ETag = strconv.Quote(string(slipway.DigestOf(toJSON(b.Body))))
	}
	return b.ETag
}

type knownTagsKey struct{}

// unlessKnown answers 304 to those who have the answer already.
func unlessKnown(ctx context.Context, out any) error {
	b, ok := out.(interface{ tag() string })
	if !ok {
		return nil
	}
	tag := b.tag()
	known, _ := ctx.Value(knownTagsKey{}).([]string)
	if !listsTag(known, tag) {
		return nil
	}
	return huma.ErrorWithHeaders(huma.Status304NotModified(), http.Header{"Etag": {tag}})
}

// listsTag reports whether an If-None-Match names a tag (RFC 9110, section 13.1.2).
func listsTag(fields []string, tag string) bool {
	for _, field := range fields {
		for item := range strings.SplitSeq(field, ",") {
			item = strings.TrimSpace(item)
			if item == "*" || strings.TrimPrefix(item, "W/") == tag {
				return true
			}
		}
	}
	return false
}

// describeTags adds to an operation that it can be asked for what is new.
func describeTags(op *huma.Operation) {
	op.Parameters = append(op.Parameters, &huma.Param{
		Name: "If-None-Match", In: "header", Description: "The ETag of the answer that is known. If nothing has changed the status is 304.",
		Schema: &huma.Schema{Type: huma.TypeString},
	})
	op.Responses = map[string]*huma.Response{"304": {
		Description: "What is known is still so.",
		Headers:     map[string]*huma.Param{"ETag": {Schema: &huma.Schema{Type: huma.TypeString}}},
	}}
}

// acceptable reports whether a request takes one of the types that an operation
// answers with when all is well (RFC 9110, section 12.5.1).
func acceptable(accept []string, op *huma.Operation) bool {
	if len(accept) == 0 {
		return true
	}
	var types []string
	for status, r := range op.Responses {
		if strings.HasPrefix(status, "2") {
			types = slices.AppendSeq(types, maps.Keys(r.Content))
		}
	}
	for item := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		kind, params, _ := strings.Cut(item, ";")
		kind = strings.ToLower(strings.TrimSpace(kind))
		if kind == "" || refusedType(params) {
			continue
		}
		for _, t := range types {
			family, _, _ := strings.Cut(t, "/")
			if kind == "*/*" || kind == family+"/*" || kind == t {
				return true
			}
		}
	}
	return false
}

// refusedType reports whether the parameters of a type in Accept give it the
// weight 0.
func refusedType(params string) bool {
	for p := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if strings.EqualFold(name, "q") {
			q, err := strconv.ParseFloat(value, 64)
			return err == nil && q == 0
		}
	}
	return false
}

// orProblem answers a request that leads nowhere with a problem, as all others.
func orProblem(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		said := statusOnly{header: http.Header{}}
		h.ServeHTTP(&said, r)
		p := huma.ErrorModel{Status: said.status, Title: http.StatusText(said.status), Detail: "there is no " + r.URL.Path}
		if allow := said.header.Get("Allow"); allow != "" {
			w.Header().Set("Allow", allow)
			p.Detail = r.URL.Path + " takes " + allow + ", not " + r.Method
		}
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(p.Status)
		_ = json.NewEncoder(w).Encode(p) // whoever has gone does not hear it
	})
}

// statusOnly takes an answer of which only the status and the header count.
type statusOnly struct {
	header http.Header
	status int
}

// Header implements http.ResponseWriter.
func (s *statusOnly) Header() http.Header { return s.header }

// WriteHeader implements http.ResponseWriter.
func (s *statusOnly) WriteHeader(status int) { s.status = status }

// Write implements http.ResponseWriter.
func (s *statusOnly) Write(p []byte) (int, error) { return len(p), nil }
