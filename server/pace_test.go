package server

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	var p pace
	for i := range 40 {
		if d := p.wait("ana", 10, now); d != 0 {
			t.Fatalf("request %d has to wait %s", i, d)
		}
	}
	if d := p.wait("ana", 10, now); d <= 0 || d > 100*time.Millisecond {
		t.Errorf("the next waits %s, want up to a tenth of a second", d)
	}
	if d := p.wait("ben", 10, now); d != 0 {
		t.Errorf("somebody else waits %s", d)
	}
	if d := p.wait("ana", 0, now); d != 0 {
		t.Errorf("without a limit they wait %s", d)
	}
	if d := p.wait("ana", 1000, now.Add(time.Second)); d != 0 {
		t.Errorf("with another limit they wait %s", d)
	}
	if d := p.wait("ana", 10, now.Add(2*time.Second)); d != 0 {
		t.Errorf("later they wait %s", d)
	}
	for i := range 3 * manyCallers {
		p.wait(strconv.Itoa(i), 10, now.Add(time.Duration(i)*time.Second))
	}
	if n := len(p.callers); n > manyCallers {
		t.Errorf("%d callers are remembered", n)
	}
}

// TestAskedTooOften: who asks too often is told when to come back, and nobody else
// notices.
func TestAskedTooOften(t *testing.T) {
	w := managed(t)
	w.write(t, "platform.yaml", strings.Replace(platformText, "server:\n", "server:\n  requests: 1\n", 1))
	s, _ := w.idle(t)
	h := httptest.NewServer(s.Handler())
	defer h.Close()
	ask := func(name string) (status int, again string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.URL+Root+"/apps", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer name="+name)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		return answer.StatusCode, answer.Header.Get("Retry-After")
	}
	status, again := http.StatusOK, ""
	for i := 0; i < 1000 && status == http.StatusOK; i++ { // however slow this machine is
		status, again = ask("ana")
	}
	if status != http.StatusTooManyRequests || again == "" {
		t.Fatalf("asked without end, it answers %d, again after %q", status, again)
	}
	if status, _ := ask("bo"); status != http.StatusOK {
		t.Errorf("somebody else is answered %d", status)
	}
}
