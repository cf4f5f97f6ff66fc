package server

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/store"
)

// asks sends a request of somebody's that makes a job, and waits for the job's end.
func asks(t *testing.T, s *Server, h *httptest.Server, who, path, body string) store.Job {
	t.Helper()
	answer, text := request(t, h, "POST", Root+path, body, "Authorization: Bearer name="+who)
	if answer.StatusCode != 202 {
		t.Fatalf("POST %s as %s: %d %s", path, who, answer.StatusCode, text)
	}
	j := read[store.Job](t, text)
	eventually(t, s, fmt.Sprintf("the end of job %d", j.ID), func() bool {
		var err error
		if j, _, err = s.store.Job(t.Context(), j.ID); err != nil {
			t.Fatal(err)
		}
		return j.State.Ended()
	})
	return j
}

// TestGrantsByTheAPI: whoever the guard rail names opens it and closes it by the API.
func TestGrantsByTheAPI(t *testing.T) {
	w := talking(t, talkingText())
	s, _ := w.talks(t)
	h := w.client(t, s)
	untilJobs(t, s, jobShip, 1)
	const at = "/apps/hello/environments/prod/grants"
	body := `{"rail": "retries", "why": "we must", "until": "2099-02-01T00:00:00Z", "limit": "run.max_retries < 3"}`
	for _, c := range []struct{ who, path, body, want string }{
		{"mara", at, body, "mara may not open the guard rail retries for hello in prod"},
		{"ana", at, strings.Replace(body, "retries", "retreis", 1), "there is no rail \"retreis\""},
		{"ana", at, strings.Replace(body, "2099", "2019", 1), "a grant until 2019-01-31 is over already"},
		{"ana", at + "/retries/revoke", `{"why": "done"}`, "nothing opens rail retries for hello in prod"},
	} {
		j := asks(t, s, h, c.who, c.path, c.body)
		var o Outcome
		if err := json.Unmarshal(j.Outcome, &o); err != nil || j.State != store.JobFailed || !strings.Contains(o.Message, c.want) {
			t.Errorf("%s as %s: %s %s, want %q", c.path, c.who, j.State, j.Outcome, c.want)
		}
	}
	open := func() []string {
		answer, text := request(t, h, "GET", Root+at, "", "Authorization: Bearer name=mara")
		if answer.StatusCode != 200 {
			t.Fatalf("%d %s", answer.StatusCode, text)
		}
		var all []string
		for _, g := range read[List[pipeline.Granted]](t, text).Items {
			if g.Void == "" && g.Revokes == "" {
				all = append(all, g.String())
			}
		}
		return all
	}
	for range 2 { // the second time it is there
		if j := asks(t, s, h, "ana", at, body); j.State != store.JobDone {
			t.Fatalf("%s %s", j.State, j.Outcome)
		}
	}
	if got := open(); !slices.Equal(got, []string{"ana opens rail retries until 2099-01-31 where run.max_retries < 3: we must"}) {
		t.Errorf("what is open: %q", got)
	}
	if j := asks(t, s, h, "ana", at+"/retries/revoke", `{"why": "done"}`); j.State != store.JobDone || len(open()) != 0 {
		t.Errorf("%s %s, open: %q", j.State, j.Outcome, open())
	}
	if answer, text := request(t, h, "POST", Root+at, body, "Authorization: Bearer name=nobody"); answer.StatusCode != 403 {
		t.Errorf("nobody is answered %d %s", answer.StatusCode, text)
	}
}

// TestQuorumPromotes: where the manifest asks for it, the last sign-off promotes,
// whichever way it came.
func TestQuorumPromotes(t *testing.T) {
	for name, sign := range map[string]func(*testing.T, *world, *Server, *httptest.Server, string){
		"API": func(t *testing.T, _ *world, s *Server, h *httptest.Server, version string) {
			t.Helper()
			if j := asks(t, s, h, "ana", "/apps/hello/environments/prod/sign-offs", `{"version": "`+version+`", "role": "qa"}`); j.State != store.JobDone {
				t.Fatalf("%s %s", j.State, j.Outcome)
			}
		},
		"comment": func(t *testing.T, w *world, s *Server, _ *httptest.Server, version string) {
			t.Helper()
			w.proposed(t, s)
			w.says("1", "ana-sec", "/slipway sign-off "+version+" for prod as qa")
		},
		"a command line": func(t *testing.T, w *world, s *Server, h *httptest.Server, version string) {
			t.Helper()
			signAsCommandLine(t, w, s, h, version)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := talking(t, strings.Replace(talkingText(), "ana: {login: ana-sec}", `ana: {login: ana-sec, keys: ["`+serverKey().other().Key().String()+`"]}`, 1))
			w.push(t, "hello", with(hello, map[string]string{"slipway.yaml": helloText + "deliver: {signed: prod}\n"}))
			s, _ := w.talks(t)
			h := w.client(t, s)
			untilJobs(t, s, jobShip, 1)
			staging, err := s.history(t.Context(), "hello", "staging")
			if err != nil {
				t.Fatal(err)
			}
			version := staging.Admissions[len(staging.Admissions)-1].Version
			sign(t, w, s, h, version)
			eventually(t, s, "the release to be promoted", func() bool {
				prod, err := s.history(t.Context(), "hello", "prod")
				if err != nil {
					t.Fatal(err)
				}
				a, in := prod.Admitted(version)
				return in && a.From == "staging"
			})
		})
	}
}

// signAsCommandLine signs with ana's own key and hands the entry in.
func signAsCommandLine(t *testing.T, w *world, s *Server, h *httptest.Server, version string) {
	t.Helper()
	err := s.platformFlow(func(f *pipeline.Flow) error {
		r, err := f.FindRelease(t.Context(), "hello", version, "staging")
		if err != nil {
			return err
		}
		staging, err := s.history(t.Context(), "hello", "staging")
		if err != nil {
			return err
		}
		admission, _ := staging.Admitted(version)
		word := slipway.SignOff{App: "hello", Version: version, Record: admission.Record, Environment: "prod", Role: "qa", Person: "ana", Answer: slipway.Yes, Time: s.Clock().UTC()}
		data, err := evidence.Sign(t.Context(), serverKey().other(), word, r)
		if err != nil {
			return err
		}
		digest := slipway.DigestOf(data)
		w.write(t, "artifacts/prod/"+slipway.StatementKey("hello", digest), string(data))
		body, err := json.Marshal(EntryRequest{ID: "signed/" + digest.Hex(), Kind: ledger.ReleaseSigned, Body: ledger.SignOff{SignOff: word, Statement: digest}})
		if err != nil {
			return err
		}
		if answer, text := request(t, h, "POST", Root+"/apps/hello/environments/prod/entries", string(body), "Authorization: Bearer name=ana"); answer.StatusCode != 201 {
			t.Fatalf("%d %s", answer.StatusCode, text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
