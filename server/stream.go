package server

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/store"
)

// heartbeat is how often a stream says that it is alive.
const heartbeat = 15 * time.Second

// eventsMissed tells those who watch that some of the events between are gone:
// whoever needs them reads the state anew.
const eventsMissed = "event: missed\ndata: {}\n\n"

// streamRoutes adds the one stream of events. It is in the format of server-sent
// events (HTML standard, section 9.2); whoever comes back with the id of the last
// event that they had misses none.
func (s *Server) streamRoutes(api huma.API) {
	type events struct {
		Last    string `header:"Last-Event-ID" pattern:"^[0-9]{0,18}$" doc:"The id of the last event that is known; those after it are sent. Default: those from now on."`
		After   string `query:"after" pattern:"^[0-9]{0,18}$" doc:"The same, for those who cannot set the header."`
		Subject string `query:"subject" maxLength:"300" doc:"Only events of this subject, such as app/traffic-etl."`
		Job     int64  `query:"job" minimum:"0" doc:"Only events of this job."`
		Wait    bool   `query:"wait" default:"true" doc:"Whether the stream goes on with what happens from now on."`
	}
	op := text("stream-events", "/events", "Follow what happens", "events")
	op.Responses["200"] = &huma.Response{Description: "Server-sent events. Each has the form that is described; its data is an event as JSON. One that is named missed tells that events between were dropped.", Content: map[string]*huma.MediaType{
		"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{
			"id": {Type: huma.TypeString}, "event": {Type: huma.TypeString}, "data": {Type: huma.TypeString},
		}}},
	}}
	huma.Register(api, op, func(ctx context.Context, in *events) (*huma.StreamResponse, error) {
		if err := s.door.May(ctx, caller(ctx), access.Read, access.Object{}); err != nil {
			return nil, problem(err)
		}
		f := store.EventFilter{Subject: in.Subject, Job: in.Job}
		_, newest, err := s.store.EventSpan(ctx)
		if err != nil {
			return nil, problem(err)
		}
		f.After = newest
		last := in.Last
		if last == "" {
			last = in.After
		}
		if last != "" {
			if f.After, err = strconv.ParseInt(last, 10, 64); err != nil {
				return nil, problem(slipway.Errorf(slipway.Invalid, "the last event's id is %q: it is a number", last))
			}
		}
		missed := f.After > newest // of a database that was restored from before it
		f.After = min(f.After, newest)
		return &huma.StreamResponse{Body: func(c huma.Context) { //nolint:contextcheck // it has its own
			if err := s.stream(c, f, missed, in.Wait); err != nil && c.Context().Err() == nil {
				s.Log.WarnContext(c.Context(), "send events", "error", err)
			}
		}}, nil
	})
}

// stream sends events until the client goes away. One that reads too slowly is cut
// off, and takes the stream up again where it was.
func (s *Server) stream(c huma.Context, f store.EventFilter, missed, wait bool) error {
	c.SetHeader("Content-Type", "text/event-stream")
	c.SetHeader("Cache-Control", "no-store")
	c.SetStatus(http.StatusOK)
	_, rw := humago.Unwrap(c)
	w := s.flushed(rw)
	begin := ": slipway\n\n"
	if missed {
		begin += eventsMissed
	}
	if _, err := io.WriteString(w, begin); err != nil {
		return err
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		news := s.news.Next()
		more, err := s.sendEvents(c.Context(), w, &f)
		if err != nil {
			return err
		}
		if more {
			continue
		}
		if !wait {
			return nil
		}
		select {
		case <-c.Context().Done():
			return nil
		case <-s.leaving:
			return nil
		case <-news:
		case <-beat.C:
			if _, err := io.WriteString(w, ": \n\n"); err != nil {
				return err
			}
		}
	}
}

// sendEvents sends the next events, and reports whether there may be more. That
// some are dropped already is told first.
func (s *Server) sendEvents(ctx context.Context, w io.Writer, f *store.EventFilter) (bool, error) {
	const many = 500
	_, newest, err := s.store.EventSpan(ctx)
	if err != nil {
		return false, err
	}
	all, err := s.store.Events(ctx, *f, many)
	if err != nil {
		return false, err
	}
	oldest, _, err := s.store.EventSpan(ctx)
	if err != nil {
		return false, err
	}
	var text bytes.Buffer
	if f.After > 0 && f.After < oldest-1 {
		text.WriteString(eventsMissed)
		f.After = oldest - 1
	}
	for _, e := range all {
		fmt.Fprintf(&text, "id: %d\nevent: %s\ndata: %s\n\n", e.ID, e.Kind, toJSON(e))
		f.After = e.ID
	}
	if len(all) < many { // those between are about something else, and are not looked at again
		f.After = max(f.After, newest)
	}
	if text.Len() > 0 {
		_, err = w.Write(text.Bytes())
	}
	return len(all) == many, err
}
