package server

import (
	"context"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/store"
)

// TestQuorumPromotesAfterTheSoakTime: what has to be live for longer comes by itself when
// it was, also if the server was restarted meanwhile; and not if somebody has taken back
// what they said.
func TestQuorumPromotesAfterTheSoakTime(t *testing.T) {
	for name, withdrawn := range map[string]bool{"signed": false, "withdrawn": true} {
		t.Run(name, func(t *testing.T) {
			w := talking(t, strings.Replace(talkingText(), "sign_offs: [qa]", "sign_offs: [qa], soak: 24h", 1))
			w.push(t, "hello", with(hello, map[string]string{"slipway.yaml": helloText + "deliver: {signed: prod}\n"}))
			var ahead atomic.Int64
			c := w.config(t)
			c.Clock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
			c.Signer = func(context.Context) (evidence.Signer, error) { return serverKey(), nil }
			s, stop := w.servingWith(t, c)
			h := w.client(t, s)
			untilJobs(t, s, jobShip, 1)
			version := w.newestIn(t, s, "staging")
			w.qa(t, s, h, version, "")
			due := waitsUntil(t, s)
			if wait := due.Sub(s.Clock()); wait < 23*time.Hour || wait > 24*time.Hour {
				t.Errorf("it waits for %s", wait)
			}
			h.Close()
			stop()

			s, stop = w.servingWith(t, c)
			defer stop()
			h = w.client(t, s)
			if withdrawn {
				w.qa(t, s, h, version, `, "answer": "withdrawn"`)
			}
			if prod := w.newestIn(t, s, "prod"); prod != "" {
				t.Errorf("%s came too early", prod)
			}
			ahead.Store(int64(25 * time.Hour))
			eventually(t, s, "the job to end", func() bool { return len(promotions(t, s, store.JobWaiting, store.JobRunning)) == 0 })
			if got, want := w.newestIn(t, s, "prod"), map[bool]string{false: version}[withdrawn]; got != want {
				t.Errorf("prod has %q, want %q", got, want)
			}
			if failed := promotions(t, s, store.JobFailed); len(failed) > 0 {
				t.Errorf("a job failed: %s", failed[0].Outcome)
			}
		})
	}
}

// qa signs by the API as ana of qa.
func (w *world) qa(t *testing.T, s *Server, h *httptest.Server, version, more string) {
	t.Helper()
	if j := asks(t, s, h, "ana", "/apps/hello/environments/prod/sign-offs", `{"version": "`+version+`", "role": "qa"`+more+`}`); j.State != store.JobDone {
		t.Fatalf("%s %s", j.State, j.Outcome)
	}
}

// newestIn is the newest release in an environment; empty: there is none.
func (w *world) newestIn(t *testing.T, s *Server, env string) string {
	t.Helper()
	h, err := s.history(t.Context(), "hello", env)
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Admissions) == 0 {
		return ""
	}
	return h.Admissions[len(h.Admissions)-1].Version
}

func promotions(t *testing.T, s *Server, states ...store.JobState) []store.Job {
	t.Helper()
	return jobsIn(t, s, jobPromote, states...)
}

// waitsUntil is when the job is due that promotes by itself, once it has found that it is
// too early.
func waitsUntil(t *testing.T, s *Server) (due time.Time) {
	t.Helper()
	eventually(t, s, "the promotion to wait", func() bool {
		for _, j := range promotions(t, s, store.JobWaiting) {
			due = j.Due
		}
		return due.After(s.Clock().Add(time.Hour))
	})
	return due
}
