package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/pipeline"
)

// screen returns what a terminal of so many columns shows after some output.
func screen(t *testing.T, output string, columns int) []string {
	t.Helper()
	lines, at := [][]rune{{}}, 0
	for len(output) > 0 {
		line := &lines[len(lines)-1]
		switch rest, ok := strings.CutPrefix(output, "\x1b[K"); {
		case ok:
			*line, output = (*line)[:at], rest
			continue
		case strings.HasPrefix(output, "\x1b"):
			t.Fatalf("what is %q?", output[:min(8, len(output))])
		}
		r := []rune(output)[0]
		output = output[len(string(r)):]
		switch r {
		case '\r':
			at = 0
		case '\n':
			lines, at = append(lines, nil), 0
		default:
			if at == columns {
				lines, at = append(lines, nil), 0
				line = &lines[len(lines)-1]
			}
			*line = append((*line)[:at], r)
			at++
		}
	}
	var shown []string
	for _, line := range lines {
		shown = append(shown, strings.TrimRight(string(line), " "))
	}
	return shown
}

func talking(columns int) (*talk, *bytes.Buffer) {
	var out bytes.Buffer
	now := time.Unix(0, 0)
	return newTalk(Env{
		Stderr: &out, Terminal: true, Width: func() int { return columns },
		Clock: func() time.Time { return now },
	}), &out
}

func TestTheLiveLineStaysOnOneLine(t *testing.T) {
	talk, out := talking(40)
	talk.event(pipeline.Event{Stage: "build", State: pipeline.Started})
	talk.event(pipeline.Event{Stage: "build", State: pipeline.Progress, Text: "something that takes\nmore room than there is"})
	if diff := cmp.Diff([]string{"  build    ...        0 ms  something …"}, screen(t, out.String(), 40)); diff != "" {
		t.Errorf("under way (-want +got):\n%s", diff)
	}
	talk.event(pipeline.Event{Stage: "build", State: pipeline.Progress, Text: "almost"})
	talk.event(pipeline.Event{Stage: "build", State: pipeline.Done, Text: "job.py 3 B", Took: 2 * time.Second})
	talk.close()
	if diff := cmp.Diff([]string{"  build    done       job.py 3 B  2.0 s", ""}, screen(t, out.String(), 40)); diff != "" {
		t.Errorf("at the end (-want +got):\n%s", diff)
	}
}

func TestWhatCommandsPrintStaysOnTheScreen(t *testing.T) {
	talk, out := talking(60)
	talk.event(pipeline.Event{Stage: "check", State: pipeline.Started})
	for _, part := range []string{"one line\n", "..", "..", "\n", "half a line"} {
		if _, err := talk.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	talk.say("in between")
	talk.event(pipeline.Event{Stage: "check", State: pipeline.Warned, Text: "unit fail\nbecause"})
	if _, err := talk.Write([]byte("and a half")); err != nil {
		t.Fatal(err)
	}
	talk.close()
	talk.fail(slipway.Errorf(slipway.Failed, "it failed").WithFix("mend it\nor do not"))
	want := []string{
		"one line", "....", "half a line", "in between", "  check    unit fail", "           because", "and a half",
		"slipway: it failed", "  -> mend it", "  -> or do not", "",
	}
	if diff := cmp.Diff(want, screen(t, out.String(), 60)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
