package server

import (
	"context"
	"encoding/json"
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
	op.Responses["200"] = &huma.Response{Description: "Server-sent events; the data of each is an event as JSON.", Content: map[string]*huma.MediaType{
		"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}},
	}}
	huma.Register(api, op, func(ctx context.Context, in *events) (*huma.StreamResponse, error) {
		if err := s.door.May(ctx, caller(ctx), access.Read, access.Object{}); err != nil {
			return nil, problem(err)
		}
		f := store.EventFilter{Subject: in.Subject, Job: in.Job}
		oldest, newest, err := s.store.EventSpan(ctx)
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
		missed := last != "" && f.After > 0 && f.After < oldest-1
		return &huma.StreamResponse{Body: func(c huma.Context) {
			if err := s.stream(c, f, missed, in.Wait); err != nil && c.Context().Err() == nil {
				s.Log.Warn("send events", "error", err)
			}
		}}, nil
	})
}

// stream sends events until the client goes away.
func (s *Server) stream(c huma.Context, f store.EventFilter, missed, wait bool) error {
	const many = 500
	c.SetHeader("Content-Type", "text/event-stream")
	c.SetHeader("Cache-Control", "no-store")
	c.SetStatus(http.StatusOK)
	_, rw := humago.Unwrap(c)
	w := flushed{rw, http.NewResponseController(rw)}
	if _, err := io.WriteString(w, ": slipway\n\n"); err != nil {
		return err
	}
	if missed { // what lies between is dropped already: whoever needs it reads the state anew
		if _, err := fmt.Fprintf(w, "event: missed\ndata: {}\n\n"); err != nil {
			return err
		}
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		news := s.news.Next()
		all, err := s.store.Events(c.Context(), f, many)
		if err != nil {
			return err
		}
		for _, e := range all {
			data, err := json.Marshal(e)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(rw, "id: %d\nevent: %s\ndata: %s\n\n", e.ID, e.Kind, data); err != nil {
				return err
			}
			f.After = e.ID
		}
		if len(all) > 0 {
			if err := w.control.Flush(); err != nil {
				return err
			}
		}
		if len(all) == many {
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
