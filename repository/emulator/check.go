package emulator

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/repository"
)

// Survives does with an empty repository what deployments do, and fails the test
// where one request that fared badly shows.
func Survives(t *testing.T, r repository.Repository) {
	t.Helper()
	if _, err := r.Put(t.Context(), "a/b", strings.NewReader("x")); err != nil {
		t.Errorf("Put: %v", err)
	}
	if _, err := r.Put(t.Context(), "a/b", strings.NewReader("y")); slipway.KindOf(err) != slipway.Conflict {
		t.Errorf("Put of other bytes: %v", err)
	}
	version := ""
	for _, data := range []string{"one", "two", "three"} {
		next, err := r.Swap(t.Context(), "a/lease.json", version, []byte(data))
		if err != nil {
			t.Errorf("Swap to %s: %v", data, err)
		}
		got, read, err := r.Read(t.Context(), "a/lease.json")
		if err != nil || string(got) != data || read != next {
			t.Errorf("Read gives %q at %q, %v; want %q at %q", got, read, err, data, next)
		}
		version = next
	}
	if _, err := r.Swap(t.Context(), "a/lease.json", "", []byte("four")); slipway.KindOf(err) != slipway.Conflict {
		t.Errorf("Swap of what moved: %v", err)
	}
	if o, err := r.Stat(t.Context(), "a/b"); err != nil || o.Digest != slipway.DigestOf([]byte("x")) {
		t.Errorf("Stat gives %+v, %v", o, err)
	}
	var keys []string
	for o, err := range r.List(t.Context(), "", "") {
		if err != nil {
			t.Errorf("List: %v", err)
		}
		keys = append(keys, o.Key)
	}
	if got := strings.Join(keys, " "); got != "a/b a/lease.json" {
		t.Errorf("List gives %s", got)
	}
}

// SurvivesFaults is Survives with each fault at each of the first writes and reads, on
// the repositories that open makes: empty ones of that name, whose requests fare as
// faults says.
func SurvivesFaults(t *testing.T, open func(t *testing.T, name string, faults func(*http.Request) Fault) repository.Repository) {
	for name, fault := range map[string]Fault{
		"refuse": Refuse, "throttle": Throttle, "fail": ActAndFail, "hang-up": ActAndHangUp,
	} {
		for what, is := range map[string]func(*http.Request) bool{"write": Writes, "read": Reads} {
			for nth := int64(1); nth <= 3; nth++ {
				name := fmt.Sprintf("%s-%s-%d", name, what, nth)
				t.Run(name, func(t *testing.T) { Survives(t, open(t, name, Nth(nth, fault, is))) })
			}
		}
	}
}

// ArrivesInPart reads an object of which the first time only a half arrives.
func ArrivesInPart(t *testing.T, r repository.Repository) {
	t.Helper()
	if _, err := r.Put(t.Context(), "a/b", strings.NewReader(strings.Repeat("x", 1000))); err != nil {
		t.Fatal(err)
	}
	body, err := r.Open(t.Context(), "a/b")
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	data, err := io.ReadAll(body)
	if want := "cannot read " + r.URL() + "/a/b: it did not arrive whole: "; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%d bytes came, and %v; want %s...", len(data), err, want)
	}
	if slipway.KindOf(err) != slipway.Unavailable || slipway.FixOf(err) != "call again" {
		t.Errorf("of kind %s, with the fix %q", slipway.KindOf(err), slipway.FixOf(err))
	}
}
