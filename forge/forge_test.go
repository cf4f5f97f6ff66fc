package forge_test

import (
	"fmt"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
)

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		text string
		most int
		want string
	}{
		{"short", 5, "short"}, {"", 0, ""}, {"a longer text", 8, "a lo …"}, {"€€€€", 10, "€€ …"}, {"€€€€", 9, "€ …"}, {"€€€€", 12, "€€€€"},
	} {
		if got := forge.Cut(tt.text, tt.most); got != tt.want {
			t.Errorf("Cut(%q, %d) is %q, want %q", tt.text, tt.most, got, tt.want)
		}
	}
}

func FuzzCut(f *testing.F) {
	f.Add("a text with ä and € and 😀", 12)
	f.Fuzz(func(t *testing.T, text string, most int) {
		if most < 4 || !utf8.ValidString(text) {
			return
		}
		if got := forge.Cut(text, most); len(got) > most || !utf8.ValidString(got) {
			t.Errorf("Cut(%q, %d) is %q", text, most, got)
		}
	})
}

func TestSameText(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"one\ntwo", "one\r\ntwo\n", true}, {"one\ntwo", "one two", false}, {"", "\n", true},
	} {
		if got := forge.SameText(tt.a, tt.b); got != tt.want {
			t.Errorf("SameText(%q, %q) is %v", tt.a, tt.b, got)
		}
	}
}

func TestFirstLine(t *testing.T) {
	for summary, want := range map[string]string{"": "", "one": "one", "\n one \n\ntwo": "one"} {
		if got := forge.FirstLine(summary); got != want {
			t.Errorf("FirstLine(%q) is %q, want %q", summary, got, want)
		}
	}
}

func TestLimitedUntil(t *testing.T) {
	when := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	err := fmt.Errorf("sweep: %w", slipway.Errorf(slipway.Busy, "github.com is asked too often: %w", &forge.LimitError{Until: when}))
	if got, ok := forge.LimitedUntil(err); !ok || !got.Equal(when) {
		t.Errorf("LimitedUntil is %v, %v", got, ok)
	}
	if want := "sweep: github.com is asked too often: try again after 2026-11-23 12:00:00 UTC"; err.Error() != want {
		t.Errorf("the error is %q, want %q", err, want)
	}
	if _, ok := forge.LimitedUntil(slipway.Errorf(slipway.Busy, "somebody else is at it")); ok {
		t.Error("another error has a time")
	}
}
