package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/store"
)

// Root is the path below which the API lies. A change that breaks clients gets
// another one.
const Root = "/api/v1"

// A Doorkeeper says who sends a request, and what they may do.
type Doorkeeper interface {
	// Identify says who sends a request. A request of nobody is an error of kind
	// Denied.
	Identify(r *http.Request) (access.Identity, error)
	// May says whether somebody may do something; a no is recorded.
	May(ctx context.Context, who access.Identity, do access.Action, on access.Object) error
	// Routes adds the pages on which people sign in.
	Routes(mux *http.ServeMux)
}

// Handler is the server's side of HTTP: the API, webhooks, health and figures. A worker
// has health and figures alone.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	if s.Role == store.RoleServer {
		s.API(mux)
		s.door.Routes(mux)
		mux.HandleFunc("POST /hooks/{forge}", s.hook)
	}
	mux.HandleFunc("GET /healthz", s.health)
	mux.HandleFunc("GET /readyz", s.ready)
	mux.HandleFunc("GET /metrics", s.metrics)
	return s.Telemetry.Handler(orProblem(mux), "/healthz", "/readyz", "/metrics")
}

// API adds the API to a mux and returns its description, OpenAPI 3.1.
func (s *Server) API(mux *http.ServeMux) huma.API { //nolint:ireturn // huma has it as an interface
	c := huma.DefaultConfig("Slipway", s.Version)
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = Root+"/openapi", "", Root+"/schemas"
	c.RejectUnknownQueryParameters = true
	c.Info.Description = "Everything that the command line does against a server, it does by this API. " +
		"What changes something makes a job, which is answered at once; its events and its log tell how it goes. " +
		"Errors are problem details (RFC 9457)."
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer"}}
	c.Security = []map[string][]string{{"token": {}}}
	c.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	c.Components.Schemas.RegisterTypeAlias(reflect.TypeFor[slipway.Decimal](), reflect.TypeFor[float64]())
	c.CreateHooks = nil // no $schema in answers: they are the nouns, and nothing else
	api := humago.New(mux, c)
	api.UseMiddleware(s.known(api))
	s.appRoutes(api)
	s.jobRoutes(api)
	s.workerRoutes(api)
	s.requestRoutes(api)
	s.streamRoutes(api)
	s.accessRoutes(api)
	s.probeRoutes(api)
	for _, schema := range c.Components.Schemas.Map() {
		for _, field := range schema.Properties { // a map that was never made is null
			field.Nullable = field.Nullable || field.Type == huma.TypeObject && field.AdditionalProperties != nil
		}
	}
	return api
}

// schemaName is the name of a type in the description. A type from elsewhere than
// the nouns and the server says whose it is, for there are types of the same name.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	switch from := path.Base(t.PkgPath()); from {
	case ".", "slipway", "server", "store", "huma", "v2", "json", "time":
		return name
	default:
		return strings.ToUpper(from[:1]) + from[1:] + name
	}
}

type callerKey struct{}

// known lets nobody in whom the doorkeeper does not know, or who would not take the
// answer.
func (s *Server) known(api huma.API) func(huma.Context, func(huma.Context)) {
	return func(c huma.Context, next func(huma.Context)) {
		r, _ := humago.Unwrap(c)
		if !acceptable(r.Header.Values("Accept"), c.Operation()) {
			_ = huma.WriteErr(api, c, http.StatusNotAcceptable, "the answer has none of the types that the request accepts") // whoever has gone does not hear it
			return
		}
		for name, values := range r.URL.Query() {
			if len(values) > 1 {
				_ = huma.WriteErr(api, c, http.StatusUnprocessableEntity, "the parameter "+name+" is there more than once") // whoever has gone does not hear it
				return
			}
		}
		who, err := s.door.Identify(r)
		if err != nil {
			c.SetHeader("WWW-Authenticate", "Bearer")
			_ = huma.WriteErr(api, c, http.StatusUnauthorized, err.Error()) // whoever has gone does not hear it
			return
		}
		if delay, perSecond := s.tooOften(who); delay > 0 {
			c.SetHeader("Retry-After", strconv.Itoa(int(math.Ceil(delay.Seconds()))))
			_ = huma.WriteErr(api, c, http.StatusTooManyRequests, fmt.Sprintf("these are more than %d requests a second, for some seconds", perSecond)) // whoever has gone does not hear it
			return
		}
		c = huma.WithValue(c, knownTagsKey{}, r.Header.Values("If-None-Match"))
		next(huma.WithValue(c, callerKey{}, who))
	}
}

// caller is who sent the request under way.
func caller(ctx context.Context) access.Identity {
	who, _ := ctx.Value(callerKey{}).(access.Identity) // known has put it there
	return who
}

// problem turns an error into a problem with the status that its kind has. The
// detail is the message, with the way out behind it.
func problem(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[huma.StatusError](err); ok {
		return err
	}
	detail := err.Error()
	if fix := slipway.FixOf(err); fix != "" {
		detail += "\n" + fix
	}
	return &huma.ErrorModel{Status: statusOf(err), Title: http.StatusText(statusOf(err)), Detail: detail, Type: "urn:slipway:" + string(slipway.KindOf(err))}
}

// statusOf is the one table from an error's kind to the HTTP status.
func statusOf(err error) int {
	switch slipway.KindOf(err) {
	case slipway.Invalid:
		return http.StatusUnprocessableEntity
	case slipway.NotFound:
		return http.StatusNotFound
	case slipway.Denied:
		return http.StatusForbidden
	case slipway.Blocked, slipway.Conflict, slipway.Failed:
		return http.StatusConflict
	case slipway.Busy, slipway.Unavailable:
		return http.StatusServiceUnavailable
	case slipway.Internal:
	}
	return http.StatusInternalServerError
}

// A route is an operation of the API.
type route struct {
	id, method, path, summary string
	tag                       string
	status                    int
}

// problems are the statuses with which any operation may answer.
func problems() []int {
	return []int{
		http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusNotAcceptable, http.StatusConflict,
		http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable,
	}
}

// handle adds an operation. Every one can answer with the same few problems, and
// what is read need not be sent to those who have it already.
func handle[I, O any](api huma.API, r route, fn func(context.Context, *I) (*O, error)) {
	op := huma.Operation{
		OperationID: r.id, Method: r.method, Path: Root + r.path, Summary: r.summary, Tags: []string{r.tag}, DefaultStatus: r.status, Errors: problems(),
	}
	if r.method == http.MethodPost {
		op.Errors = append(op.Errors, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	if r.method == http.MethodGet {
		describeTags(&op)
	}
	huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := fn(ctx, in)
		if err == nil && r.method == http.MethodGet {
			err = unlessKnown(ctx, out)
		}
		return out, problem(err)
	})
}

// Page is asked for, and got, where there may be many.
type Page struct {
	After string `query:"after" maxLength:"300" doc:"The next of the page before; empty: the first page."`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"The most items."`
}

// A List is one page.
type List[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"What to ask for as after; empty: this is the last page."`
}

// listed makes a page of up to one item more than was asked for.
func listed[T any](items []T, limit int, name func(T) string) List[T] {
	if len(items) <= limit {
		return List[T]{Items: items}
	}
	items = items[:limit]
	return List[T]{Items: items, Next: name(items[limit-1])}
}

// Idempotent is a request that changes something: sent again with the same key,
// it is the same request.
type Idempotent struct {
	Key string `header:"Idempotency-Key" maxLength:"100" pattern:"^[A-Za-z0-9._:-]*$" doc:"A name of the caller's own for this request. Sent again under it, the request changes nothing and is answered with the same job."`
}

// askedKey begins the keys of jobs that somebody asked for whom the server knows, and
// who may.
const askedKey = "api/"

// ask makes a job for a caller, or finds the one that they made of this request
// before.
func (s *Server) ask(ctx context.Context, key Idempotent, j store.Job, request any) (store.Job, error) {
	who := caller(ctx).String()
	j.By, j.Made = who, s.Clock()
	j.Key = askedKey + newID()
	sent := askedKey + url.PathEscape(who) + "/" + key.Key
	if key.Key != "" {
		j.Key = store.RequestKey(sent, toJSON([]any{j.Kind, j.Subject, request}))
	}
	var out store.Job
	err := s.store.Change(ctx, func(tx *store.Tx) error {
		if key.Key != "" {
			had, ok, err := tx.RequestedJob(ctx, sent)
			if err != nil {
				return err
			}
			if ok && had.Key != j.Key {
				return slipway.Errorf(slipway.Conflict, "the idempotency key %q was used for another request, job %d", key.Key, had.ID).WithFix("use another key for another request")
			}
		}
		var err error
		out, _, err = s.enqueue(ctx, tx, j)
		return err
	})
	s.news.Ring()
	if err != nil {
		return out, err
	}
	one := []store.Job{out}
	err = s.withWaits(ctx, one)
	return one[0], err
}

func sameJSON(a, b json.RawMessage) bool { return slices.Equal(a, b) }
