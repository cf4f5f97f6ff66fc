package gitea

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
)

// An ask is what was asked of the server, for whoever reads the error.
type ask struct {
	what string // such as "read the pull requests"
	of   string // a repository or an owner
}

// A refusal is an answer that is an error.
type refusal struct {
	status  int
	message string
}

func (r *refusal) Error() string { return fmt.Sprintf("%d: %s", r.status, r.message) }

// mostAnswer is how long an answer may be.
const mostAnswer = 64 << 20

// call asks the API. in and out may be nil.
func (f *Forge) call(ctx context.Context, a ask, method, path string, in, out any) (http.Header, error) {
	header, err := f.send(ctx, method, path, in, out)
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
	req, err := http.NewRequestWithContext(ctx, method, f.base+"/api/v1"+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "token "+f.config.Token)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "slipway")
	end, err := f.account.Begin(ctx, "")
	if err != nil {
		return nil, err
	}
	defer end()
	answer, err := f.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, mostAnswer))
	switch {
	case err != nil:
		return nil, err
	case answer.StatusCode == http.StatusTooManyRequests:
		seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
		return nil, &forge.LimitError{Until: f.account.Pause("", cmp.Or(time.Duration(seconds)*time.Second, time.Minute))}
	case answer.StatusCode >= http.StatusMultipleChoices:
		var said struct{ Message string }
		_ = json.Unmarshal(data, &said) // what is no JSON says nothing
		return nil, &refusal{answer.StatusCode, said.Message}
	case out == nil:
		return answer.Header, nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return nil, fmt.Errorf("its answer is not as documented: %w", err)
	}
	return answer.Header, nil
}

// pageSize is how many of a list are asked for; a server may be set up to give fewer.
const pageSize = 50

// list turns the pages of a list to its end.
func list[T any](ctx context.Context, f *Forge, a ask, path string) ([]T, error) {
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	var all []T
	for page := 1; ; page++ {
		var got []T
		header, err := f.call(ctx, a, http.MethodGet, fmt.Sprintf("%s%slimit=%d&page=%d", path, separator, pageSize, page), nil, &got)
		if err != nil {
			return nil, err
		}
		all = append(all, got...)
		total, err := strconv.Atoi(header.Get("X-Total-Count"))
		if len(got) == 0 || err == nil && len(all) >= total || err != nil && len(got) < pageSize {
			return all, nil
		}
	}
}

// explain turns what the server answered into an error with the way out.
func (f *Forge) explain(a ask, err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if limited, ok := errors.AsType[*forge.LimitError](err); ok {
		return slipway.Errorf(slipway.Busy, "%s has answered as many requests as it does for now: %w", f.host, limited).
			WithFix("nothing has to be done. If it happens often, raise the limit for the token's user")
	}
	said, ok := errors.AsType[*refusal](err)
	if !ok {
		return slipway.Errorf(slipway.Unavailable, "%s cannot be reached: %w", f.host, rootOf(err)).
			WithFix("check the network, the URL, and the proxy if there is one; what was missed is made up for later")
	}
	switch said.status {
	case http.StatusUnauthorized:
		return slipway.Errorf(slipway.Denied, "%s does not know the token: %s", f.host, said.message).
			WithFix("the token has ended or was deleted: make a new one (docs/forges.md)")
	case http.StatusForbidden:
		return slipway.Errorf(slipway.Denied, "%s does not let the token %s of %s: %s", f.host, a.what, a.of, said.message).
			WithFix("give the token the scopes that docs/forges.md lists, and make its user an administrator of the repository")
	case http.StatusNotFound:
		return slipway.Errorf(slipway.NotFound, "cannot %s: %s has no %s, or the token may not see it", a.what, f.host, a.of).
			WithFix("check the name, and that the token's user may reach it")
	}
	if said.status >= http.StatusInternalServerError {
		return slipway.Errorf(slipway.Unavailable, "%s is out of order: it answers %d when asked to %s of %s", f.host, said.status, a.what, a.of).
			WithFix("see the server's log; it is tried again")
	}
	return slipway.Errorf(slipway.Invalid, "%s refuses to %s of %s: %s", f.host, a.what, a.of, said.message)
}

// rootOf is the innermost error: the others say what the message says already.
func rootOf(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
