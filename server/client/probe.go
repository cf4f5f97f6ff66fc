package client

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/server"
	"github.com/slipway-cd/slipway/store"
)

func probes(space string) string { return "/probes/" + url.PathEscape(space) }

// AskProbes has decisions made about no app, and returns their jobs.
func (c *Client) AskProbes(ctx context.Context, space string, in server.ProbeRequest) ([]int64, error) {
	var out server.AskedProbes
	err := c.post(ctx, probes(space), "", in, &out)
	return out.Jobs, err
}

// Probes says how long such decisions took.
func (c *Client) Probes(ctx context.Context, space string) (p server.Probes, err error) {
	return p, c.get(ctx, probes(space), nil, &p)
}

// DropProbes removes such decisions, and those that wait.
func (c *Client) DropProbes(ctx context.Context, space string) error {
	answer, err := c.ask(ctx, http.MethodDelete, probes(space), nil, "", nil)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// AppsPage reads the first apps, by name.
func (c *Client) AppsPage(ctx context.Context, limit int) ([]store.App, error) {
	var page server.List[store.App]
	err := c.get(ctx, "/apps", url.Values{"limit": {strconv.Itoa(limit)}}, &page)
	return page.Items, err
}

// Follow calls told with each event of a subject that happens from now on, until ctx is
// done. open is called once the server sends them. The stream may break after that: it is
// taken up where it was.
func (c *Client) Follow(ctx context.Context, subject string, open func(), told func(store.Event)) error {
	q := url.Values{"subject": {subject}}
	for opened := false; ; {
		answer, err := c.ask(ctx, http.MethodGet, "/events", q, "", nil)
		if err == nil {
			if !opened {
				open()
			}
			opened = true
			err = readEvents(answer.Body, func(id string, e store.Event) bool {
				q.Set("after", id)
				told(e)
				return true
			})
			_ = answer.Body.Close() // it was read as far as it goes
		}
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // it was to end
		case err != nil && (!opened || slipway.KindOf(err) != slipway.Unavailable):
			return err
		}
		_ = Pause(ctx, c.Again) // the next look finds out
	}
}

// readEvents calls told with each event of a stream and its id, until that says no, or
// the stream ends.
func readEvents(stream io.Reader, told func(id string, e store.Event) bool) error {
	lines := bufio.NewScanner(stream)
	lines.Buffer(nil, 16<<20)
	last := ""
	for lines.Scan() {
		if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
			last = id
		}
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var e store.Event
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			return fmt.Errorf("an event of the server: %w", err)
		}
		if e.ID > 0 && !told(last, e) { // without an id it tells that some were missed
			return nil
		}
	}
	if err := lines.Err(); err != nil {
		return slipway.Errorf(slipway.Unavailable, "the stream of the server broke: %w", err)
	}
	return nil
}
