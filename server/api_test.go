package server

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/store"
)

// guarded lets in whoever has its token.
type guarded struct {
	open
	token string
}

func (g guarded) Identify(r *http.Request) (access.Identity, error) {
	if r.Header.Get("Authorization") != "Bearer "+g.token {
		return access.Identity{}, slipway.Errorf(slipway.Denied, "nobody is known by that token")
	}
	return access.Identity{Person: "mara"}, nil
}

// idle is a server that does nothing by itself, with one app.
func (w *world) idle(t *testing.T) (*Server, *httptest.Server) {
	t.Helper()
	s, err := New(t.Context(), w.config(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	alter(t, s, func(tx *store.Tx) error {
		return tx.PutApp(t.Context(), store.App{
			Name: "hello", Forge: "home", Repository: "hello", Folder: ".", Team: "data", Shape: "python-job", Commit: strings.Repeat("a", 40), Tree: "t", Updated: s.Clock(),
		})
	})
	return s, w.client(t, s)
}

func alter(t testing.TB, s *Server, fn func(*store.Tx) error) {
	t.Helper()
	if err := s.store.Change(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// A reply is what an answer is, but for its body.
type reply struct {
	StatusCode int
	Header     http.Header
}

// request sends a request. header is of the form "Name: value".
func request(t *testing.T, h *httptest.Server, method, path, body string, header ...string) (reply, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, h.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	answer, err := h.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{answer.StatusCode, answer.Header}, string(data)
}

// TestProblems: whatever is wrong with a request, the answer is a problem that says
// what.
func TestProblems(t *testing.T) {
	w := newWorld(t)
	w.door = guarded{token: "letmein"}
	_, h := w.idle(t)
	const ships = Root + "/apps/hello/environments/staging/ships"
	for _, c := range []struct {
		what, method, path, body string
		header                   []string
		status                   int
		detail                   string
	}{
		{"no token", "GET", Root + "/apps", "", []string{"Authorization: Bearer wrong"}, 401, "nobody is known by that token"},
		{"unknown path", "GET", "/elsewhere", "", nil, 404, "there is no /elsewhere"},
		{"unknown operation", "GET", Root + "/nothing", "", nil, 404, "there is no /api/v1/nothing"},
		{"unknown app", "GET", Root + "/apps/other", "", nil, 404, "there is no app other on this server\nslipway apps lists those there are; an app comes with the first push of its manifest to the default branch"},
		{"unknown environment", "GET", Root + "/apps/hello/environments/moon", "", nil, 404, "moon"},
		{"unknown job", "GET", Root + "/jobs/7", "", nil, 404, "there is no job 7\njobs are kept for 30 days after their end"},
		{"log of an unknown job", "GET", Root + "/jobs/7/log", "", nil, 404, "there is no job 7"},
		{"wrong method", "DELETE", Root + "/apps", "", nil, 405, "/api/v1/apps takes GET, HEAD, not DELETE"},
		{"a type that we have not", "GET", Root + "/apps", "", []string{"Accept: text/html, application/*;q=0"}, 406, "the answer has none of the types that the request accepts"},
		{"a wrong page", "GET", Root + "/jobs?after=x", "", nil, 422, "expected string to match pattern"},
		{"a wrong page of pull requests", "GET", Root + "/pull-requests?after=x", "", nil, 422, "expected string to match pattern"},
		{"a wrong number", "GET", Root + "/jobs/none", "", nil, 422, "invalid integer"},
		{"an unknown parameter", "GET", Root + "/apps?colour=red", "", nil, 422, "unknown query parameter"},
		{"a parameter twice", "GET", Root + "/apps?team=a&team=b", "", nil, 422, "the parameter team is there more than once"},
		{"no JSON", "POST", ships, "{", nil, 400, "unexpected end of JSON input"},
		{"a wrong field", "POST", ships, `{"commit": 7}`, nil, 422, "expected string"},
		{"a wrong version", "POST", ships, `{"version": "a b"}`, nil, 422, "expected string to match pattern"},
		{"too large", "POST", ships, `{"version": "` + strings.Repeat("x", 2<<20) + `"}`, nil, 413, "request body is too large"},
		{"another type", "POST", ships, "<ship/>", []string{"Content-Type: text/xml"}, 415, "unknown content type"},
	} {
		t.Run(c.what, func(t *testing.T) {
			header := append([]string{"Authorization: Bearer letmein"}, c.header...)
			answer, body := request(t, h, c.method, c.path, c.body, header...)
			var p struct {
				Status        int
				Title, Detail string
				Errors        []struct{ Message string }
			}
			if err := json.Unmarshal([]byte(body), &p); err != nil {
				t.Fatalf("%d %q: %v", answer.StatusCode, body, err)
			}
			if answer.StatusCode != c.status || p.Status != c.status || answer.Header.Get("Content-Type") != "application/problem+json" || p.Title == "" {
				t.Errorf("got %d %s: %s; want a problem with status %d", answer.StatusCode, answer.Header.Get("Content-Type"), body, c.status)
			}
			for _, e := range p.Errors {
				p.Detail += "; " + e.Message
			}
			if !strings.Contains(p.Detail, c.detail) {
				t.Errorf("the detail is %q, want %q", p.Detail, c.detail)
			}
			if c.status == 405 && answer.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("Allow is %q", answer.Header.Get("Allow"))
			}
		})
	}
}

// TestKnownAnswers: what is known already is not sent again.
func TestKnownAnswers(t *testing.T) {
	w := newWorld(t)
	s, h := w.idle(t)
	for _, path := range []string{"/apps", "/apps/hello", "/apps/hello/environments/staging", "/apps/hello/environments/staging/history", "/jobs", "/pull-requests", "/repositories"} {
		first, _ := request(t, h, "GET", Root+path, "")
		tag := first.Header.Get("ETag")
		if first.StatusCode != 200 || tag == "" {
			t.Fatalf("%s: %d, ETag %q", path, first.StatusCode, tag)
		}
		for _, known := range []string{tag, `"other", W/` + tag, "*"} {
			again, body := request(t, h, "GET", Root+path, "", "If-None-Match: "+known)
			if again.StatusCode != 304 || body != "" || again.Header.Get("ETag") != tag {
				t.Errorf("%s with If-None-Match %s: %d %q, ETag %q", path, known, again.StatusCode, body, again.Header.Get("ETag"))
			}
		}
		if other, body := request(t, h, "GET", Root+path, "", `If-None-Match: "other"`); other.StatusCode != 200 || body == "" {
			t.Errorf("%s with another tag: %d %q", path, other.StatusCode, body)
		}
	}
	before, _ := request(t, h, "GET", Root+"/apps", "")
	alter(t, s, func(tx *store.Tx) error { return tx.DropApp(t.Context(), "hello") })
	after, _ := request(t, h, "GET", Root+"/apps", "", "If-None-Match: "+before.Header.Get("ETag"))
	if after.StatusCode != 200 {
		t.Errorf("what has changed is answered %d", after.StatusCode)
	}
}

// TestPages: page after page, everything is listed, once.
func TestPages(t *testing.T) {
	w := newWorld(t)
	s, h := w.idle(t)
	alter(t, s, func(tx *store.Tx) error {
		for _, name := range []string{"a", "b", "c", "d"} {
			if err := tx.PutApp(t.Context(), store.App{Name: name, Forge: "home", Repository: "hello", Folder: name, Shape: "python-job"}); err != nil {
				return err
			}
			if _, _, err := tx.Enqueue(t.Context(), store.Job{Key: name, Kind: jobRun, Subject: subjectOf(name), Input: json.RawMessage("{}"), Made: s.Clock()}); err != nil {
				return err
			}
			for n := range 2 {
				if err := tx.PutPullRequest(t.Context(), store.PullRequest{Forge: "home", Repository: name, Number: n + 1, Open: true, Facts: json.RawMessage("{}")}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	for _, c := range []struct {
		path, field string
		want        []any
	}{
		{"/apps?limit=2", "name", []any{"a", "b", "c", "d", "hello"}},
		{"/jobs?limit=3", "key", []any{"d", "c", "b", "a"}},
		{"/pull-requests?limit=3", "repository", []any{"a", "a", "b", "b", "c", "c", "d", "d"}},
		{"/pull-requests?repository=b", "number", []any{1.0, 2.0}},
		{"/apps?team=data", "name", []any{"hello"}},
		{"/jobs?app=c", "key", []any{"c"}},
	} {
		var got []any
		for after := ""; ; {
			answer, body := request(t, h, "GET", Root+c.path+"&after="+url.QueryEscape(after), "")
			var page List[map[string]any]
			if err := json.Unmarshal([]byte(body), &page); err != nil || answer.StatusCode != 200 {
				t.Fatalf("%s: %d %s (%v)", c.path, answer.StatusCode, body, err)
			}
			for _, item := range page.Items {
				got = append(got, item[c.field])
			}
			if after = page.Next; after == "" {
				break
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.path, diff)
		}
	}
}

// TestIdempotency: a request that is sent again under its key is the same request.
func TestIdempotency(t *testing.T) {
	w := newWorld(t)
	s, h := w.idle(t)
	const place = Root + "/apps/hello/environments/staging"
	for _, c := range []struct{ path, body, other string }{
		{place + "/ships", `{}`, `{"version": "1.0.0"}`},
		{place + "/deployments", `{"version": "1.0.0"}`, `{"version": "1.0.1"}`},
		{place + "/rollbacks", `{}`, `{"to": 1}`},
		{place + "/runs", `{}`, `{"arguments": {"day": "1"}}`},
		{place + "/runs/one/stop", "", ""},
	} {
		key := "Idempotency-Key: " + strings.ReplaceAll(c.path, "/", ".")
		send := func(path, body string, header ...string) (int, store.Job, string) {
			answer, text := request(t, h, "POST", path, body, header...)
			var j store.Job
			if err := json.Unmarshal([]byte(text), &j); err != nil {
				t.Fatalf("%s: %d %q: %v", path, answer.StatusCode, text, err)
			}
			return answer.StatusCode, j, text
		}
		code, first, text := send(c.path, c.body, key)
		if code != 202 || first.ID == 0 {
			t.Fatalf("%s: %d %s", c.path, code, text)
		}
		alter(t, s, func(tx *store.Tx) error { // the app moves on meanwhile
			a, _, err := tx.App(t.Context(), "hello")
			if err != nil {
				return err
			}
			a.Commit = strings.Repeat("b", 40)
			return tx.PutApp(t.Context(), a)
		})
		if code, again, text := send(c.path, c.body, key); code != 202 || again.ID != first.ID {
			t.Errorf("%s again: %d %s, want job %d", c.path, code, text, first.ID)
		}
		if code, fresh, _ := send(c.path, c.body); code != 202 || fresh.ID == first.ID {
			t.Errorf("%s without a key: %d, job %d, want another than %d", c.path, code, fresh.ID, first.ID)
		}
		path, body := c.path, c.other
		if c.other == "" {
			path = place + "/runs/two/stop"
		}
		if code, _, text := send(path, body, key); code != 409 || !strings.Contains(text, "was used for another request, job ") {
			t.Errorf("%s with the key of another request: %d %s", path, code, text)
		}
	}
	j, err := s.store.Jobs(t.Context(), store.JobFilter{}, 100)
	if err != nil || len(j) != 10 {
		t.Errorf("there are %d jobs, want 10 (%v)", len(j), err)
	}
}

// TestStopIsTheSameTwice: a job that was stopped stays stopped.
func TestStopIsTheSameTwice(t *testing.T) {
	w := newWorld(t)
	_, h := w.idle(t)
	_, text := request(t, h, "POST", Root+"/apps/hello/environments/staging/ships", "{}")
	var j store.Job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		t.Fatal(err)
	}
	_, text = request(t, h, "POST", Root+"/apps/hello/environments/staging/ships", "{}")
	var other store.Job
	if err := json.Unmarshal([]byte(text), &other); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		answer, text := request(t, h, "POST", Root+"/jobs/"+number(j.ID)+"/stop", "", "Idempotency-Key: stop")
		if err := json.Unmarshal([]byte(text), &j); err != nil || answer.StatusCode != 200 || j.State != store.JobCancelled || j.Stop != "stopped by mara" {
			t.Errorf("stopped: %d %s (%v)", answer.StatusCode, text, err)
		}
	}
	answer, text := request(t, h, "POST", Root+"/jobs/"+number(other.ID)+"/stop", "", "Idempotency-Key: stop")
	if answer.StatusCode != 409 || !strings.Contains(text, `the idempotency key \"stop\" was used for another request, job `) {
		t.Errorf("another job with the key of the first: %d %s", answer.StatusCode, text)
	}
	if answer, text := request(t, h, "POST", Root+"/jobs/"+number(other.ID)+"/stop", ""); answer.StatusCode != 200 || !strings.Contains(text, `"cancelled"`) {
		t.Errorf("without a key: %d %s", answer.StatusCode, text)
	}
}
