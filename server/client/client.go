// Package client is the other end of the server's API: what a command line says to
// it. Start at Client.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/operate"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/server"
	"github.com/slipway-cd/slipway/store"
)

// A Client speaks with a server.
type Client struct {
	URL   string // the server's address
	Token string // who asks
	HTTP  *http.Client
	// Again is how long it waits before it asks again after a break in a stream.
	Again time.Duration
}

// Apps lists the apps that there are, by name.
func (c *Client) Apps(ctx context.Context, team string) ([]store.App, error) {
	var all []store.App
	q := url.Values{"limit": {"1000"}}
	if team != "" {
		q.Set("team", team)
	}
	for {
		var page server.List[store.App]
		if err := c.get(ctx, "/apps", q, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if page.Next == "" {
			return all, nil
		}
		q.Set("after", page.Next)
	}
}

// App shows an app and what is live of it.
func (c *Client) App(ctx context.Context, app string) (a server.AppOverview, err error) {
	return a, c.get(ctx, "/apps/"+url.PathEscape(app), nil, &a)
}

// place is the path of an app in an environment.
func place(app, env string) string {
	return "/apps/" + url.PathEscape(app) + "/environments/" + url.PathEscape(env)
}

// Status says what is live of an app in an environment.
func (c *Client) Status(ctx context.Context, app, env string) (s operate.Status, err error) {
	return s, c.get(ctx, place(app, env), nil, &s)
}

// History reads the ledger of an app in an environment, and verifies it.
func (c *Client) History(ctx context.Context, app, env string) (ledger.History, error) {
	var page server.List[ledger.Entry]
	if err := c.get(ctx, place(app, env)+"/history", nil, &page); err != nil {
		return ledger.History{}, err
	}
	return ledger.HistoryOf(ledger.Subject{App: app, Environment: env}, page.Items)
}

// Runs lists the newest runs.
func (c *Client) Runs(ctx context.Context, app, env string, limit int) ([]slipway.Run, error) {
	var page server.List[slipway.Run]
	err := c.get(ctx, place(app, env)+"/runs", url.Values{"limit": {strconv.Itoa(limit)}}, &page)
	return page.Items, err
}

// Run shows a run.
func (c *Client) Run(ctx context.Context, app, env, id string) (r slipway.Run, err error) {
	return r, c.get(ctx, place(app, env)+"/runs/"+url.PathEscape(id), nil, &r)
}

// RunLog copies what a run printed, and with follow what it goes on to print.
func (c *Client) RunLog(ctx context.Context, app, env, id string, follow bool, w io.Writer) error {
	return c.text(ctx, place(app, env)+"/runs/"+url.PathEscape(id)+"/log", follow, w)
}

// Release shows a release.
func (c *Client) Release(ctx context.Context, app, env, version string) (r slipway.Release, err error) {
	return r, c.get(ctx, place(app, env)+"/releases/"+url.PathEscape(version), nil, &r)
}

// PullRequest shows a pull request, with all that its state follows from. With no
// forge it is the one of any that has it.
func (c *Client) PullRequest(ctx context.Context, forge, repository string, number int) (server.Request, error) {
	q := url.Values{"repository": {repository}, "number": {strconv.Itoa(number)}}
	if forge != "" {
		q.Set("forge", forge)
	}
	var page server.List[server.Request]
	if err := c.get(ctx, "/pull-requests", q, &page); err != nil {
		return server.Request{}, err
	}
	if len(page.Items) == 0 {
		return server.Request{}, slipway.Errorf(slipway.NotFound, "the server knows no pull request %s#%d", repository, number).
			WithFix("name it as the forge does, such as acme/traffic#7")
	}
	return page.Items[0], nil
}

// Ship asks the server to take an app at a commit along the road.
func (c *Client) Ship(ctx context.Context, key, app, env string, in server.ShipRequest) (store.Job, error) {
	return c.change(ctx, key, place(app, env)+"/ships", in)
}

// Deploy asks the server for a deployment.
func (c *Client) Deploy(ctx context.Context, key, app, env string, in server.DeployRequest) (store.Job, error) {
	return c.change(ctx, key, place(app, env)+"/deployments", in)
}

// Rollback asks the server to bring back a former deployment.
func (c *Client) Rollback(ctx context.Context, key, app, env string, in server.RollbackRequest) (store.Job, error) {
	return c.change(ctx, key, place(app, env)+"/rollbacks", in)
}

// StartRun asks the server for a run.
func (c *Client) StartRun(ctx context.Context, key, app, env string, in server.RunRequest) (store.Job, error) {
	return c.change(ctx, key, place(app, env)+"/runs", in)
}

// StopRun asks the server to stop a run.
func (c *Client) StopRun(ctx context.Context, key, app, env, id string) (store.Job, error) {
	return c.change(ctx, key, place(app, env)+"/runs/"+url.PathEscape(id)+"/stop", nil)
}

// Jobs lists jobs, the newest first.
func (c *Client) Jobs(ctx context.Context, app string, limit int) ([]store.Job, error) {
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	if app != "" {
		q.Set("app", app)
	}
	var page server.List[store.Job]
	err := c.get(ctx, "/jobs", q, &page)
	return page.Items, err
}

// Workers are the servers and workers that share the server's database, and the jobs
// that none of them can do.
func (c *Client) Workers(ctx context.Context) (w server.Workforce, err error) {
	return w, c.get(ctx, "/workers", nil, &w)
}

// Job shows a job.
func (c *Client) Job(ctx context.Context, id int64) (j store.Job, err error) {
	return j, c.get(ctx, "/jobs/"+strconv.FormatInt(id, 10), nil, &j)
}

// StopJob stops a job.
func (c *Client) StopJob(ctx context.Context, id int64) (j store.Job, err error) {
	return j, c.post(ctx, "/jobs/"+strconv.FormatInt(id, 10)+"/stop", "", nil, &j)
}

// JobLog copies what a job printed, and with follow what it goes on to print.
func (c *Client) JobLog(ctx context.Context, id int64, follow bool, w io.Writer) error {
	return c.text(ctx, "/jobs/"+strconv.FormatInt(id, 10)+"/log", follow, w)
}

// Await tells what happens in a job until it has ended, and returns it. A job that
// came to no good end is an error, with its kind and its way out. The stream may
// break: it is taken up where it was.
func (c *Client) Await(ctx context.Context, j store.Job, emit func(pipeline.Event)) (store.Job, error) {
	last := "0"
	for {
		j, err := c.Job(ctx, j.ID)
		if err != nil && slipway.KindOf(err) != slipway.Unavailable {
			return j, err
		}
		ended := err == nil && j.State.Ended()
		if last, err = c.events(ctx, j.ID, last, !ended, emit); err != nil && ctx.Err() == nil && slipway.KindOf(err) != slipway.Unavailable {
			return j, err
		}
		switch {
		case ctx.Err() != nil:
			return j, context.Cause(ctx)
		case ended:
			return j, failureOf(j)
		}
		_ = Pause(ctx, c.Again) // the next look finds out
	}
}

// failureOf is why a job came to no good end; nil: it came to a good one.
func failureOf(j store.Job) error {
	if j.State == store.JobDone {
		return nil
	}
	if j.State == store.JobReplaced {
		return slipway.Errorf(slipway.Blocked, "job %d was not done: %s", j.ID, j.Stop)
	}
	var o server.Outcome
	if err := json.Unmarshal(j.Outcome, &o); err != nil || o.Message == "" {
		return slipway.Errorf(slipway.Failed, "job %d ended %s", j.ID, j.State)
	}
	return &slipway.Error{Kind: o.Kind, Message: o.Message, Fix: o.Fix}
}

// events reads the stream of a job's events, until the stream or the job ends. It
// returns the id of the last one.
func (c *Client) events(ctx context.Context, job int64, last string, wait bool, emit func(pipeline.Event)) (string, error) {
	q := url.Values{"job": {strconv.FormatInt(job, 10)}, "after": {last}, "wait": {strconv.FormatBool(wait)}}
	answer, err := c.ask(ctx, http.MethodGet, "/events", q, "", nil)
	if err != nil {
		return last, err
	}
	defer answer.Body.Close()
	var wrong error
	err = readEvents(answer.Body, func(id string, e store.Event) bool {
		last = id
		if strings.HasPrefix(e.Kind, "stage.") {
			var told pipeline.Event
			if err := json.Unmarshal(e.Body, &told); err != nil {
				wrong = fmt.Errorf("an event of the server: %w", err)
				return false
			}
			emit(told)
		}
		state, ok := strings.CutPrefix(e.Kind, "job.")
		return !ok || !store.JobState(state).Ended() || state == "began"
	})
	if wrong != nil {
		return last, wrong
	}
	return last, err
}

// change asks for something that the server does as a job. Asked again under the
// same key, it is the same request.
func (c *Client) change(ctx context.Context, key, path string, in any) (j store.Job, err error) {
	return j, c.post(ctx, path, key, in, &j)
}

func (c *Client) get(ctx context.Context, path string, q url.Values, out any) error {
	answer, err := c.ask(ctx, http.MethodGet, path, q, "", nil)
	if err != nil {
		return err
	}
	return decode(answer, out)
}

func (c *Client) post(ctx context.Context, path, key string, in, out any) error {
	answer, err := c.ask(ctx, http.MethodPost, path, nil, key, in)
	if err != nil {
		return err
	}
	return decode(answer, out)
}

func decode(answer *http.Response, out any) error {
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(out); err != nil {
		return slipway.Errorf(slipway.Unavailable, "the answer of the server cannot be read: %w", err)
	}
	return nil
}

func (c *Client) text(ctx context.Context, path string, follow bool, w io.Writer) error {
	answer, err := c.ask(ctx, http.MethodGet, path, url.Values{"follow": {strconv.FormatBool(follow)}}, "", nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(w, answer.Body); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return slipway.Errorf(slipway.Unavailable, "the stream of the server broke: %w", err)
	}
	return nil
}

// file reads an answer as it is.
func (c *Client) file(ctx context.Context, path string, q url.Values) ([]byte, error) {
	answer, err := c.ask(ctx, http.MethodGet, path, q, "", nil)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, slipway.Errorf(slipway.Unavailable, "the answer of the server broke off: %w", err)
	}
	return data, nil
}

// ask sends a request, and again later if the server has had too many of the
// caller's. An answer that is a problem is an error with the kind that the problem has.
func (c *Client) ask(ctx context.Context, method, path string, q url.Values, key string, in any) (*http.Response, error) {
	address := strings.TrimSuffix(c.URL, "/") + server.Root + path
	if len(q) > 0 {
		address += "?" + q.Encode()
	}
	var data []byte
	if in != nil {
		var err error
		if data, err = json.Marshal(in); err != nil {
			return nil, err
		}
	}
	for {
		answer, err := c.send(ctx, method, address, key, data)
		if err != nil || answer.StatusCode < 400 {
			return answer, err
		}
		seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
		if answer.StatusCode != http.StatusTooManyRequests || seconds <= 0 {
			defer answer.Body.Close()
			return nil, c.problem(answer)
		}
		_ = answer.Body.Close() // it was not taken, and comes again
		if err := Pause(ctx, min(time.Duration(seconds)*time.Second, time.Minute)); err != nil {
			return nil, err
		}
	}
}

// Pause waits for a time, or until ctx is done, whose cause is the error then.
func Pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// send sends a request once.
func (c *Client) send(ctx context.Context, method, address, key string, data []byte) (*http.Response, error) {
	var body io.Reader
	if data != nil {
		body = bytes.NewReader(data)
	}
	r, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, slipway.Errorf(slipway.Invalid, "%q is not a server's address: %w", c.URL, err)
	}
	if data != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	if c.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	answer, err := c.HTTP.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, slipway.Errorf(slipway.Unavailable, "the server %s does not answer: %w", c.URL, errors.Unwrap(err)).WithFix("look whether it is up: curl %s/healthz", strings.TrimSuffix(c.URL, "/"))
	}
	return answer, nil
}

// problem turns an answer into an error.
func (c *Client) problem(answer *http.Response) error {
	var p struct {
		Type, Title, Detail string
		Errors              []struct{ Message, Location string }
	}
	data, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err := json.Unmarshal(data, &p); err != nil || p.Detail == "" && p.Title == "" {
		return slipway.Errorf(slipway.Unavailable, "%s answers %s", c.URL, answer.Status).WithFix("look whether that is a Slipway server")
	}
	message, fix, _ := strings.Cut(p.Detail, "\n")
	parts := []string{message}
	for _, e := range p.Errors {
		parts = append(parts, e.Location+": "+e.Message)
	}
	message = strings.Join(parts, "; ")
	kind := slipway.Kind(strings.TrimPrefix(p.Type, "urn:slipway:"))
	switch {
	case strings.HasPrefix(p.Type, "urn:slipway:"):
	case answer.StatusCode == http.StatusUnauthorized:
		kind, fix = slipway.Denied, "slipway login "+c.URL
	case answer.StatusCode >= 500:
		kind = slipway.Unavailable
	default:
		kind = slipway.Invalid
	}
	return &slipway.Error{Kind: kind, Message: message, Fix: fix}
}
