package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/operate"
	"github.com/slipway-cd/slipway/store"
)

// TestSecretArguments: a run gets its arguments as they were given; what looks like a
// secret among them is nowhere else.
func TestSecretArguments(t *testing.T) {
	w := newWorld(t)
	w.repository(t, "hello")
	w.push(t, "hello", hello)
	s, _ := w.serving(t)
	untilJobs(t, s, jobShip, 1)
	h := w.client(t, s)
	const secret, place = "hunter2-hunter2", Root + "/apps/hello/environments/staging"
	const body = `{"arguments": {"day": "1", "db_password": "` + secret + `", "vault_token": "arn:aws:secretsmanager:x"}}`
	answer, text := request(t, h, "POST", place+"/runs", body, "Idempotency-Key: one")
	if answer.StatusCode != 202 || strings.Contains(text, secret) {
		t.Fatalf("%d %s", answer.StatusCode, text)
	}
	want := map[string]string{"day": "1", "db_password": driver.Masked, "vault_token": "arn:aws:secretsmanager:x"}
	if in, err := input[running](read[store.Job](t, text)); err != nil || cmp.Diff(want, in.Arguments) != "" {
		t.Errorf("the job has the arguments %v, %v", in.Arguments, err)
	}
	j := untilJobs(t, s, jobRun, 1)[0]
	in, err := input[running](j)
	if err != nil || j.State != store.JobDone || len(in.Sealed) > 0 || strings.Contains(string(j.Input)+string(j.Outcome), secret) {
		t.Errorf("it ended %s, %v, with %s: %s", j.State, err, j.Input, j.Outcome)
	}
	err = s.operating(t.Context(), "staging", func(o operate.Stage) error {
		r, err := o.Run(t.Context(), "hello", in.ID)
		if r.Arguments["db_password"] != secret {
			t.Errorf("the runtime was given %v", r.Arguments) // the fake runtime masks nothing
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if _, text := request(t, h, "GET", Root+"/jobs", ""); strings.Contains(text, secret) {
		t.Errorf("the list of jobs has it: %s", text)
	}
	if info, err := os.Stat(filepath.Join(s.stateFolder(), keySeal)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key: %v, %v", info, err)
	}
}

// TestSealedElsewhere: what this server cannot open it leaves to others for a while, and
// then says so.
func TestSealedElsewhere(t *testing.T) {
	w := newWorld(t)
	s, h := w.idle(t)
	if _, text := request(t, h, "POST", Root+"/apps/hello/environments/staging/runs", `{"arguments": {"token": "hunter2"}}`); !strings.Contains(text, `"sealed"`) {
		t.Fatalf("it is not sealed: %s", text)
	}
	other, err := openSealer(filepath.Join(t.TempDir(), "other.key"))
	if err != nil {
		t.Fatal(err)
	}
	s.sealer = other
	for attempt := 1; ; {
		j, ok, err := claimOne(t, s, []store.Wanted{s.wanted(poolRun)})
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			continue // it waits for its next try
		}
		s.do(t.Context(), j)
		j, _, err = s.store.Job(t.Context(), j.ID)
		if err != nil {
			t.Fatal(err)
		}
		if !j.State.Ended() && attempt < 6 {
			attempt++
			continue
		}
		o := read[Outcome](t, string(j.Outcome))
		if attempt != 6 || j.State != store.JobFailed || o.Kind != slipway.Failed || o.Fix != "start the run again; servers and workers that share a database are to have one key, the secret seal/key" ||
			o.Message != "the secret arguments of the run were sealed by another server, or before this one was restored from a backup" {
			t.Errorf("attempt %d: %s %s", attempt, j.State, j.Outcome)
		}
		return
	}
}

func TestSealerKey(t *testing.T) {
	file := filepath.Join(t.TempDir(), "seal.key")
	first, err := openSealer(file)
	if err != nil {
		t.Fatal(err)
	}
	again, err := openSealer(file)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"a": "b"}
	if got, err := again.opened(first.sealed(want)); err != nil || cmp.Diff(want, got) != "" {
		t.Errorf("got %v, %v", got, err)
	}
	if err := os.WriteFile(file, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openSealer(file); slipway.KindOf(err) != slipway.Invalid || !strings.HasPrefix(err.Error(), file+" is not the server's key: ") || slipway.FixOf(err) != "remove it: the server makes another one" {
		t.Errorf("got %v", err)
	}
}
