package server

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/promote"
	"github.com/slipway-cd/slipway/store"
)

// post sends JSON to the API.
func post(t *testing.T, h *httptest.Server, path string, in any) (int, []byte) {
	t.Helper()
	r, err := h.Client().Post(h.URL+Root+path, "application/json", bytes.NewReader(toJSON(in)))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, body
}

// A key is somebody's of the test.
type key struct{ private ed25519.PrivateKey }

func (k key) Key() evidence.Key { return evidence.NewKey(k.private.Public().(ed25519.PublicKey)) } //nolint:forcetypeassert // it is one

func (k key) Sign(_ context.Context, data []byte) ([]byte, error) {
	return ed25519.Sign(k.private, data), nil
}

// farLedger is the server's ledger as a command line has it.
type farLedger struct {
	t *testing.T
	h *httptest.Server
}

func (l farLedger) Append(_ context.Context, d ledger.Draft) (e ledger.Entry, err error) {
	in := EntryRequest{After: d.After, ID: d.ID, Kind: d.Kind, Body: d.Body}
	code, body := post(l.t, l.h, "/apps/"+d.App+"/environments/"+d.Environment+"/entries", in)
	if code != http.StatusCreated {
		return e, slipway.Errorf(slipway.Conflict, "%d %s", code, body)
	}
	return e, json.Unmarshal(body, &e)
}

func (l farLedger) Entries(_ context.Context, s ledger.Subject, after int64) ([]ledger.Entry, error) {
	code, body := get(l.t, l.h, Root+"/apps/"+s.App+"/environments/"+s.Environment+"/history?after="+number(after))
	var page List[ledger.Entry]
	if code != http.StatusOK {
		return nil, slipway.Errorf(slipway.Unavailable, "%d %s", code, body)
	}
	return page.Items, json.Unmarshal([]byte(body), &page)
}
func (farLedger) Subjects(context.Context) ([]ledger.Subject, error) { return nil, nil }
func (farLedger) Acquire(context.Context, ledger.Subject, ledger.Holder, time.Duration) (ledger.Lease, error) {
	return ledger.Lease{}, nil
}
func (farLedger) Release(context.Context, ledger.Lease) error { return nil }

// TestSignedFromElsewhere: a ship that waits for a sign-off goes on by itself once
// somebody has signed from a command line.
func TestSignedFromElsewhere(t *testing.T) {
	zoe := key{ed25519.NewKeyFromSeed(bytes.Repeat([]byte("z"), ed25519.SeedSize))}
	w := newWorld(t)
	w.write(t, "platform.yaml", strings.NewReplacer(
		"follows: staging}", "follows: staging, sign_offs: [qa]}",
		"people: {mara", "roles: {qa: {people: [zoe]}}\npeople: {zoe: {keys: ['"+zoe.Key().String()+"']}, mara",
	).Replace(platformText))
	w.repository(t, "hello")
	w.push(t, "hello", with(hello, map[string]string{"slipway.yaml": helloText + "deliver: {push: prod}\n"}))
	s, _ := w.serving(t)
	first := untilJobs(t, s, jobShip, 1)[0]
	if first.State != store.JobFailed || !strings.Contains(string(first.Outcome), "needs 1 more of qa") {
		t.Fatalf("the first ship ended %s: %s", first.State, first.Outcome)
	}
	h := w.client(t, s)
	p, err := pipeline.OpenProject(t.Context(), pipeline.Where{
		Dir: filepath.Join(w.dir, "work", "hello"), Platform: filepath.Join(w.dir, "platform.yaml"), Environ: w.environ, Shapes: w.config(t).Shapes,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	far, err := pipeline.New(t.Context(), pipeline.Config{
		Project: p, Parts: w.parts(), Cache: t.TempDir(), Environ: w.environ, Clock: time.Now, Emit: func(pipeline.Event) {}, Log: io.Discard,
		Me: ledger.Holder{Who: "zoe@laptop", Process: os.Getpid()}, Elsewhere: farLedger{t, h},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	if _, err := far.SignOff(t.Context(), promote.Signing{Input: promote.Input{App: "hello"}, Role: "qa", Person: "zoe", Key: zoe, Answer: slipway.Yes}, "prod"); err != nil {
		t.Fatal(err)
	}
	second := untilJobs(t, s, jobShip, 2)[1]
	if second.State != store.JobDone {
		t.Fatalf("the second ship ended %s: %s", second.State, second.Outcome)
	}
	if h, err := s.history(t.Context(), "hello", "prod"); err != nil || len(h.Deployments) != 1 || len(h.SignOffs) != 1 {
		t.Errorf("prod has %d deployments and %d sign-offs, %v; want one of each", len(h.Deployments), len(h.SignOffs), err)
	}
	code, body := post(t, h, "/apps/hello/environments/prod/entries", EntryRequest{ID: "x", Kind: ledger.DeploymentEnded, Body: map[string]any{}})
	if code != http.StatusUnprocessableEntity {
		t.Errorf("an entry of the server's own kind: %d %s", code, body)
	}
}
