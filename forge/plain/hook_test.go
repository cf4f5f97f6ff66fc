package plain_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
	"github.com/slipway-cd/slipway/forge/plain"
)

// A push runs the hook, which runs the program with what it was given; names with
// quotes in them included.
func TestHookRunsAtAPush(t *testing.T) {
	w := newWorld(t)
	said := filepath.Join(t.TempDir(), "it's said")
	program := filepath.Join(t.TempDir(), "it's slipway")
	script := "#!/bin/sh\nfor a in \"$@\"; do echo \"$a\" >> \"" + said + "\"; done\n"
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	hook := plain.Hook{Program: program, Server: "http://127.0.0.1:8080/hooks/local?a=b&c=$d", Repository: "acme/traffic", SecretFile: "/it's/secret"}
	for range 2 {
		if err := plain.Install(w.bare, hook); err != nil {
			t.Fatal(err)
		}
	}
	w.Push(t, "main", map[string]string{"a.txt": "a\n"})
	got, err := os.ReadFile(said)
	want := "hook\ntell\n--url\nhttp://127.0.0.1:8080/hooks/local?a=b&c=$d\n--repository\nacme/traffic\n--secret-file\n/it's/secret\n"
	if diff := cmp.Diff(want, string(got)); diff != "" || err != nil {
		t.Errorf("the program was given, %v (-want +got):\n%s", err, diff)
	}
}

// A push goes through where the server cannot be told.
func TestHookNeverFailsAPush(t *testing.T) {
	w := newWorld(t)
	if err := plain.Install(w.bare, plain.Hook{Program: "/nowhere/slipway"}); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("git", "push", "origin", "HEAD:refs/heads/other")
	cmd.Dir, cmd.Env = w.clone, environ()
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "slipway: the server was not told of this push; it will find it by itself") {
		t.Errorf("git push: %v: %s", err, out)
	}
}

func TestInstallErrors(t *testing.T) {
	w := newWorld(t)
	err := plain.Install(w.clone, plain.Hook{})
	if slipway.KindOf(err) != slipway.Invalid || err.Error() != w.clone+" is no bare git repository" {
		t.Errorf("got %v", err)
	}
	file := filepath.Join(w.bare, "hooks", "post-receive")
	if err := os.WriteFile(file, []byte("#!/bin/sh\necho mine\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	hook := plain.Hook{Program: "/usr/bin/slipway"}
	err = plain.Install(w.bare, hook)
	if slipway.KindOf(err) != slipway.Conflict || err.Error() != w.bare+" has a hook of its own: "+file || slipway.FixOf(err) != "add these lines to it:\n"+hook.Text() {
		t.Errorf("got %v (%s)", err, slipway.FixOf(err))
	}
	if kept, err := os.ReadFile(file); err != nil || string(kept) != "#!/bin/sh\necho mine\n" {
		t.Errorf("the other hook is %q, %v", kept, err)
	}
}

func TestTellIsHeard(t *testing.T) {
	f := open(t, plain.Config{URL: t.TempDir()})
	var heard []forge.Delivery
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		d, err := f.Hear(r.Header, body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		heard = append(heard, d)
	}))
	defer server.Close()
	for range 2 {
		if err := plain.Tell(t.Context(), server.Client(), server.URL, "secret", "acme/traffic", noon()); err != nil {
			t.Fatal(err)
		}
	}
	if len(heard) != 2 || heard[0].ID == heard[1].ID || heard[0].Event != "push" {
		t.Errorf("heard %+v", heard)
	}
	if diff := cmp.Diff([]forge.Hint{{Repository: "acme/traffic"}}, heard[0].Hints); diff != "" {
		t.Errorf("hints (-want +got):\n%s", diff)
	}
	err := plain.Tell(t.Context(), server.Client(), server.URL, "other", "acme/traffic", noon())
	if slipway.KindOf(err) != slipway.Denied || err.Error() != "the server does not believe the hook: a webhook has a wrong signature" ||
		slipway.FixOf(err) != "give hook and server the same secret, and the machine the right time" {
		t.Errorf("with another secret: %v", err)
	}
	server.Close()
	err = plain.Tell(t.Context(), http.DefaultClient, server.URL, "secret", "acme/traffic", noon())
	if slipway.KindOf(err) != slipway.Unavailable || !strings.HasPrefix(err.Error(), "the server cannot be reached: ") {
		t.Errorf("without a server: %v", err)
	}
}

// What somebody has kept for later is not believed.
func TestHearOfAnotherTime(t *testing.T) {
	f := open(t, plain.Config{URL: t.TempDir()})
	body := []byte(`{"type": "push", "repository": "acme/traffic"}`)
	for off, fine := range map[time.Duration]bool{0: true, 4 * time.Minute: true, -4 * time.Minute: true, 6 * time.Minute: false, -6 * time.Minute: false} {
		_, err := f.Hear(plain.Sign("1", noon().Add(off), "secret", body), body)
		if (err == nil) != fine {
			t.Errorf("%s off: %v", off, err)
		}
	}
	_, err := f.Hear(plain.Sign("1", noon().Add(-time.Hour), "secret", body), body)
	if slipway.KindOf(err) != slipway.Denied || err.Error() != "a webhook is of another time: 2026-11-23T11:00:00Z" ||
		slipway.FixOf(err) != "set the clocks of both machines right: it may be no more than five minutes off" {
		t.Errorf("got %v (%s)", err, slipway.FixOf(err))
	}
	header := plain.Sign("1", noon().Add(-time.Hour), "secret", body)
	header.Set("Webhook-Timestamp", plain.Sign("1", noon(), "secret", body).Get("Webhook-Timestamp"))
	if _, err := f.Hear(header, body); slipway.KindOf(err) != slipway.Denied {
		t.Errorf("with a new time on an old signature: %v", err)
	}
}

func TestHearErrors(t *testing.T) {
	f := open(t, plain.Config{URL: t.TempDir()})
	_, err := f.Hear(plain.Sign("", noon(), "secret", []byte(`{}`)), []byte(`{}`))
	if slipway.KindOf(err) != slipway.Invalid || err.Error() != "a webhook has no Webhook-Id" {
		t.Errorf("got %v", err)
	}
	_, err = f.Hear(plain.Sign("1", noon(), "secret", []byte(`push`)), []byte(`push`))
	if slipway.KindOf(err) != slipway.Invalid || err.Error() != "a webhook cannot be read: invalid character 'p' looking for beginning of value" {
		t.Errorf("got %v", err)
	}
	g, err := plain.New(plain.Config{URL: t.TempDir(), Clock: noon})
	if err != nil {
		t.Fatal(err)
	}
	_, err = g.Hear(plain.Sign("1", noon(), "", nil), nil)
	if slipway.KindOf(err) != slipway.Denied || err.Error() != "no hook is believed: no secret is set for them" || slipway.FixOf(err) != "set the same secret here and in the hook" {
		t.Errorf("got %v", err)
	}
}

func FuzzHear(f *testing.F) {
	g := open(f, plain.Config{URL: f.TempDir()})
	f.Add("1", []byte(`{"type": "push", "repository": "acme/traffic"}`))
	f.Fuzz(func(t *testing.T, id string, body []byte) {
		d, err := g.Hear(plain.Sign(id, noon(), "secret", body), body)
		if err != nil && slipway.KindOf(err) != slipway.Invalid && !strings.ContainsAny(id, "\r\n \t") {
			t.Errorf("%v (%s)", err, slipway.KindOf(err))
		}
		for _, hint := range d.Hints {
			if hint.Repository == "" || strings.Contains(hint.Repository, "..") && !strings.Contains(string(body), hint.Repository) {
				t.Errorf("a hint at %q", hint.Repository)
			}
		}
	})
}
