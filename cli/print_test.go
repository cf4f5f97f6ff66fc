package cli

import (
	"bytes"
	"testing"

	"github.com/slipway-cd/slipway"
)

// What goes into a file has no colours, although the terminal beside it shows
// them.
func TestDataHaveNoColours(t *testing.T) {
	s, data := printing()
	s.env.Stdout, s.talk.color = data, true
	plan := slipway.Plan{
		Target:   slipway.Target{App: "traffic", Environment: "prod", Version: "v2"},
		Changes:  []slipway.Change{{Field: "version", Action: slipway.Update, From: "v1", To: "v2"}},
		Warnings: []string{"careful"},
	}
	s.printPlan(data, plan)
	want := "traffic in prod, to v2:\n  ~ version: v1 -> v2\n  ! careful\n"
	if data.String() != want {
		t.Errorf("stdout has %q, want %q", data, want)
	}
	var terminal bytes.Buffer
	s.printPlan(&terminal, plan)
	want = "traffic in prod, to v2:\n  \x1b[33m~\x1b[0m version: v1 -> v2\n  \x1b[33m!\x1b[0m careful\n"
	if terminal.String() != want {
		t.Errorf("the terminal has %q, want %q", terminal.String(), want)
	}
}

func TestFirstLine(t *testing.T) {
	for text, want := range map[string]string{"": "", "one": "one", "one\n": "one", "one\ntwo\nthree": "one ..."} {
		if got := firstLine(text); got != want {
			t.Errorf("of %q it is %q, want %q", text, got, want)
		}
	}
}
