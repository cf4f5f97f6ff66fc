package server

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway/store"
)

// tellMany adds n events.
func tellMany(t *testing.T, s *Server, subject string, n int) {
	t.Helper()
	err := s.store.Change(t.Context(), func(tx *store.Tx) error {
		for range n {
			if err := tx.Tell(t.Context(), store.Event{Time: s.Clock(), Kind: "test", Subject: subject, Body: json.RawMessage("{}")}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	s.news.Ring()
}

// listen reads events from a stream until it has read n, or the stream ends.
func listen(t *testing.T, h *httptest.Server, query, last string, n int) (ids []int64, names []string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.URL+Root+"/events?"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Last-Event-ID", last)
	answer, err := h.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close() // which cuts the connection
	if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("the stream is %d %s", answer.StatusCode, answer.Header.Get("Content-Type"))
	}
	lines := bufio.NewScanner(answer.Body)
	for len(ids) < n && lines.Scan() {
		if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			names = append(names, name)
		}
		if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
			number, err := strconv.ParseInt(id, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, number)
		}
	}
	return ids, names
}

// TestStreamGoesOn: whoever comes back with the last event that they had misses
// none and gets none twice, however often the connection is cut, and whatever
// happens meanwhile.
func TestStreamGoesOn(t *testing.T) {
	w := newWorld(t)
	s, h := w.idle(t)
	const many = 2000
	tellMany(t, s, "app/hello", 1)
	told := make(chan struct{})
	go func() {
		defer close(told)
		for range many / 10 {
			tellMany(t, s, "app/hello", 10)
		}
	}()
	var got []int64
	last := "1"
	for len(got) < many {
		ids, _ := listen(t, h, "", last, min(137, many-len(got)))
		got = append(got, ids...)
		last = number(got[len(got)-1])
	}
	<-told
	for i, id := range got {
		if id != int64(i+2) {
			t.Fatalf("event %d of the stream has the id %d, want %d", i, id, i+2)
		}
	}
}

// TestStreamTellsWhatIsMissed: that events were dropped is told, and the stream goes
// on with those that are left.
func TestStreamTellsWhatIsMissed(t *testing.T) {
	w := newWorld(t)
	s, h := w.idle(t)
	tellMany(t, s, "app/hello", 10)
	tellMany(t, s, "app/other", 2)
	if _, err := s.store.Tidy(t.Context(), store.Keep{Events: 5}, func(context.Context) error { return nil }); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		query, last string
		ids         []int64
		names       []string
	}{
		{"wait=false", "0", []int64{8, 9, 10, 11, 12}, []string{"test", "test", "test", "test", "test"}},
		{"wait=false", "3", []int64{8, 9, 10, 11, 12}, []string{"missed", "test", "test", "test", "test", "test"}},
		{"wait=false", "7", []int64{8, 9, 10, 11, 12}, []string{"test", "test", "test", "test", "test"}},
		{"wait=false", "11", []int64{12}, []string{"test"}},
		{"wait=false", "", nil, nil},
		{"wait=false", "4000", nil, []string{"missed"}}, // of a database that was restored
		{"wait=false&after=10", "", []int64{11, 12}, []string{"test", "test"}},
		{"wait=false&subject=app/hello", "9", []int64{10}, []string{"test"}},
		{"wait=false&job=7", "9", nil, nil},
	} {
		ids, names := listen(t, h, c.query, c.last, 100)
		if diff := cmp.Diff(c.ids, ids); diff != "" {
			t.Errorf("after %q with %s (-want +got):\n%s", c.last, c.query, diff)
		}
		if !slices.Equal(c.names, names) {
			t.Errorf("after %q with %s: %q, want %q", c.last, c.query, names, c.names)
		}
	}
}

// TestSlowReader: whoever does not read holds nobody up, and is cut off.
func TestSlowReader(t *testing.T) {
	w := newWorld(t)
	s, h := w.idle(t)
	s.Slow = 100 * time.Millisecond
	alter(t, s, func(tx *store.Tx) error {
		body := toJSON(strings.Repeat("x", 1<<20))
		for range 20 {
			if err := tx.Tell(t.Context(), store.Event{Time: s.Clock(), Kind: "test", Subject: "app/hello", Body: body}); err != nil {
				return err
			}
		}
		return nil
	})
	c, err := net.Dial("tcp", strings.TrimPrefix(h.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := fmt.Fprintf(c, "GET %s/events?after=0 HTTP/1.1\r\nHost: x\r\n\r\n", Root); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		h.Close() // it waits for the requests under way
	}()
	select {
	case <-ended:
	case <-time.After(10 * time.Minute):
		t.Fatal("a reader that does not read is waited for")
	}
	// TestStreamGoesOn shows that others read on.
}

// TestStreamEndsWithTheServer: whoever watches is sent away when the server is about
// to end, and so is whoever follows a log.
func TestStreamEndsWithTheServer(t *testing.T) {
	w := newWorld(t)
	s, h := w.idle(t)
	tellMany(t, s, "app/hello", 1)
	alter(t, s, func(tx *store.Tx) error {
		_, _, err := tx.Enqueue(t.Context(), store.Job{Key: "one", Kind: jobShip, Subject: "app/hello", Input: json.RawMessage("{}"), Made: s.Clock()})
		return err
	})
	time.AfterFunc(10*time.Millisecond, s.Leave)
	if ids, _ := listen(t, h, "after=0", "", 2); len(ids) != 1 {
		t.Errorf("the stream ended behind %d events, want 1", len(ids))
	}
	if code, body := get(t, h, Root+"/jobs/1/log?follow=true"); code != 200 || body != "" {
		t.Errorf("the log: %d %q", code, body)
	}
	if code, body := get(t, h, "/readyz"); code != 503 || body != "the server is about to end\n" {
		t.Errorf("ready: %d %q", code, body)
	}
}
