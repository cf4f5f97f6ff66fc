package server

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/notice"
	"github.com/slipway-cd/slipway/operate"
	"github.com/slipway-cd/slipway/store"
)

// TestNotices: the team hears of a failed run once, not of the next one in the
// quiet period, and of the first good one after.
func TestNotices(t *testing.T) {
	var mu sync.Mutex
	var heard []string
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m notice.Message
		body, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(body, &m); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, m.Title())
	}))
	defer receiver.Close()
	w := newWorld(t)
	w.write(t, "platform.yaml", strings.Replace(platformText, "teams: {data: {people: [mara]}}", "teams: {data: {people: [mara], calls: us}}\ncalls: {us: {webhook: '"+receiver.URL+"'}}", 1))
	w.repository(t, "hello")
	w.push(t, "hello", hello)
	s, _ := w.serving(t)
	untilJobs(t, s, jobShip, 1)
	run := func(id string) {
		t.Helper()
		err := s.operating(t.Context(), "staging", func(o operate.Stage) error {
			_, err := o.Start(t.Context(), "hello", driver.RunRequest{ID: id, Trigger: "manual", By: "mara"})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, s, "the end of "+id, func() bool {
			all, err := s.store.Events(t.Context(), store.EventFilter{}, 1000)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range all {
				if e.Kind == "run.ended" && strings.Contains(string(e.Body), `"id":"`+id+`"`) {
					return true
				}
			}
			return false
		})
	}
	run("one")
	w.push(t, "hello", map[string]string{"hello.py": "# fake: fails\n"})
	untilJobs(t, s, jobShip, 2)
	run("two")
	run("three")
	w.push(t, "hello", map[string]string{"hello.py": "print('mended')\n"})
	untilJobs(t, s, jobShip, 3)
	run("four")
	run("five")
	jobs := untilJobs(t, s, jobNotice, 2)
	for _, j := range jobs {
		if j.State != store.JobDone {
			t.Errorf("%s ended %s: %s", j.Key, j.State, j.Outcome)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if diff := cmp.Diff([]string{"hello in staging: run two failed", "hello in staging is well again: run four succeeded"}, heard); diff != "" {
		t.Errorf("the team heard (-want +got):\n%s", diff)
	}
}
