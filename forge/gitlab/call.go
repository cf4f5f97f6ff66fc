package gitlab

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
)

// An ask is what was asked of the server, for whoever reads the error.
type ask struct {
	what string // such as "read the merge requests"
	of   string // a project or a group
}

// mostAnswer is how long an answer may be.
const mostAnswer = 64 << 20

// get asks the REST API.
func (f *Forge) get(ctx context.Context, a ask, path string, out any) error {
	_, err := f.call(ctx, a, http.MethodGet, path, nil, out)
	return err
}

// call asks the REST API. in and out may be nil.
func (f *Forge) call(ctx context.Context, a ask, method, path string, in, out any) (http.Header, error) {
	header, err := f.send(ctx, method, "/api/v4"+path, in, out)
	return header, f.explain(a, err)
}

func (f *Forge) send(ctx context.Context, method, path string, in, out any) (http.Header, error) {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, f.base+path, body)
	if err != nil {
		return nil, err
	}
	// As a bearer, which net/http drops where an answer leads to another host.
	req.Header.Set("Authorization", "Bearer "+f.config.Token)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "slipway")
	got, err := f.carry(req)
	switch {
	case err != nil:
		return nil, err
	case got.status >= http.StatusMultipleChoices:
		return nil, refusalOf(got.status, got.body)
	case out == nil:
		return got.header, nil
	}
	if err := json.Unmarshal(got.body, out); err != nil {
		return nil, fmt.Errorf("its answer is not as documented: %w", err)
	}
	return got.header, nil
}

// An answer is one that was read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// carry sends a request, unless GitLab said that it answers none before a time that is
// still to come.
func (f *Forge) carry(req *http.Request) (answer, error) {
	kind := kindOf(req)
	end, err := f.account.Begin(req.Context(), kind)
	if err != nil {
		return answer{}, err
	}
	defer end()
	response, err := f.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	f.note(kind, response)
	if until, closed := f.account.Closed(kind); closed && response.StatusCode == http.StatusTooManyRequests {
		return answer{}, &forge.LimitError{Until: until}
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, mostAnswer))
	return answer{response.StatusCode, response.Header, body}, err
}

// list turns the pages of a list to its end. GitLab leads from page to page by links,
// whichever kind of pages a list has; of these only the query is taken, so that no
// answer can send the token elsewhere.
func list[T any](ctx context.Context, f *Forge, a ask, path string, query url.Values) ([]T, error) {
	query.Set("per_page", "100")
	raw := query.Encode()
	var all []T
	for {
		var got []T
		header, err := f.call(ctx, a, http.MethodGet, path+"?"+raw, nil, &got)
		if err != nil {
			return nil, err
		}
		all = append(all, got...)
		next := nextOf(header)
		if next == "" || next == raw || len(got) == 0 {
			return all, nil
		}
		raw = next
	}
}

var nextLink = regexp.MustCompile(`<([^>]*)>;\s*rel="next"`)

// nextOf is the query of the next page, or empty.
func nextOf(header http.Header) string {
	m := nextLink.FindStringSubmatch(strings.Join(header.Values("Link"), ", "))
	if m == nil {
		return ""
	}
	u, err := url.Parse(m[1])
	if err != nil {
		return ""
	}
	return u.RawQuery
}

// query asks by GraphQL. An answer that is whole but for an error is an error.
func (f *Forge) query(ctx context.Context, a ask, text string, variables map[string]any, into any) error {
	var answer struct {
		Data   json.RawMessage `json:"data"`
		Errors []struct {
			Message string `json:"message"`
		} `json:"errors"`
	}
	if _, err := f.send(ctx, http.MethodPost, "/api/graphql", map[string]any{"query": text, "variables": variables}, &answer); err != nil {
		return f.explain(a, err)
	}
	if len(answer.Errors) > 0 {
		return slipway.Errorf(slipway.Unavailable, "%s cannot %s of %s now: %s", f.host, a.what, a.of, answer.Errors[0].Message).
			WithFix("it is tried again; GitLab 16.0 or newer is needed")
	}
	if err := json.Unmarshal(answer.Data, into); err != nil {
		return f.explain(a, fmt.Errorf("its answer is not as documented: %w", err))
	}
	return nil
}
