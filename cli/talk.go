package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/pipeline"
)

// talk is what a command says to the person: on stderr, live on a terminal, in
// plain lines elsewhere. With --json events go to stdout, a line each. There are
// no capitals and no full stops in it, and colour only where it is shown.
type talk struct {
	out, data   io.Writer
	live, color bool
	quiet, json bool
	width       func() int
	clock       func() time.Time

	mu      sync.Mutex
	current string // the stage under way, shown on the last line
	began   time.Time
	note    string // what it is doing
	stop    chan struct{}
	open    bool // the last line is not ended: a command has printed a part of it
}

func newTalk(env Env) *talk {
	width := env.Width
	if width == nil {
		width = func() int { return 80 }
	}
	return &talk{width: width, out: env.Stderr, data: env.Stdout, live: env.Terminal, color: env.Color, clock: env.Clock}
}

// The colours, as a terminal is told them.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
	faint  = "2"
)

func (t *talk) paint(code, text string) string {
	if !t.color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// event shows one event.
func (t *talk) event(e pipeline.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.json {
		data, err := json.Marshal(e)
		if err == nil {
			fmt.Fprintf(t.data, "%s\n", data)
		}
		return
	}
	if t.quiet {
		return
	}
	t.wipe()
	switch e.State {
	case pipeline.Started:
		t.begin(e.Stage)
	case pipeline.Progress:
		t.progress(e)
	case pipeline.Done:
		t.end(t.paint(green, "done"), e)
	case pipeline.Reused:
		t.end(t.paint(faint, "as it was"), e)
	case pipeline.Warned:
		fmt.Fprintf(t.out, "%s%s\n", lead(e.Stage), t.paint(yellow, indent(e.Text, len(lead(e.Stage)))))
	case pipeline.Stopped:
		t.end(t.paint(red, "stopped"), pipeline.Event{Stage: e.Stage, Took: e.Took})
	}
	t.draw()
}

// end prints a stage's line: its name, how it ended, what came of it, its time.
func (t *talk) end(how string, e pipeline.Event) {
	t.halt()
	width := 9
	if t.color {
		width += len(t.paint(red, "")) // the codes take no room on the screen
		if strings.Contains(how, "\x1b["+faint+"m") {
			width--
		}
	}
	line := fmt.Sprintf("  %-8s %-*s  %s", e.Stage, width, how, e.Text)
	if e.Took > 0 {
		line += "  " + t.paint(faint, slipway.TookText(e.Took))
	}
	fmt.Fprintln(t.out, strings.TrimRight(line, " "))
}

func (t *talk) progress(e pipeline.Event) {
	if t.live && e.Stage != "" && e.Stage == t.current {
		t.note = e.Text
		return
	}
	fmt.Fprintf(t.out, "%s%s\n", lead(e.Stage), t.paint(faint, e.Text))
}

// lead is what a line of a stage begins with; one of none is not indented as far.
func lead(stage string) string {
	if stage == "" {
		return "  "
	}
	return fmt.Sprintf("  %-8s ", stage)
}

// begin starts the live line of a stage.
func (t *talk) begin(stage string) {
	t.halt()
	t.current, t.began, t.note = stage, t.clock(), ""
	if !t.live {
		return
	}
	stop := make(chan struct{})
	t.stop = stop
	go t.tick(stop)
}

// tick redraws the live line until it is stopped.
func (t *talk) tick(stop chan struct{}) {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			t.mu.Lock()
			if t.stop == stop && !t.open {
				t.wipe()
				t.draw()
			}
			t.mu.Unlock()
		}
	}
}

func (t *talk) halt() {
	if t.stop != nil {
		close(t.stop)
		t.stop = nil
	}
	t.current = ""
}

// wipe takes the live line away, so that another can stand in its place.
func (t *talk) wipe() {
	if t.open {
		fmt.Fprintln(t.out)
		t.open = false
		return
	}
	if t.live {
		fmt.Fprint(t.out, "\r\x1b[K")
	}
}

func (t *talk) draw() {
	if !t.live || t.current == "" {
		return
	}
	text := fmt.Sprintf("  %-8s ...        %s  %s", t.current, slipway.TookText(t.clock().Sub(t.began)), strings.Map(printable, t.note))
	// One column stays free: a full line makes some terminals begin another.
	if r, most := []rune(text), t.width()-1; len(r) > most {
		text = string(r[:max(0, most-1)]) + "…"
	}
	fmt.Fprint(t.out, t.paint(faint, text))
}

// printable keeps what would move the cursor out of the live line.
func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return ' '
}

// say prints a line.
func (t *talk) say(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.quiet || t.json {
		return
	}
	t.wipe()
	fmt.Fprintf(t.out, format+"\n", args...)
	t.draw()
}

// breakLine ends a line that a run began and did not end, before anything else is
// said.
func (t *talk) breakLine() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open = !t.quiet && !t.json
}

// fail prints an error and the way out.
func (t *talk) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.json {
		data, merr := json.Marshal(map[string]any{"error": err.Error(), "kind": slipway.KindOf(err), "fix": slipway.FixOf(err)})
		if merr == nil {
			fmt.Fprintf(t.data, "%s\n", data)
		}
	}
	fmt.Fprintf(t.out, "%s %s\n", t.paint(red, "slipway:"), err)
	for line := range strings.Lines(slipway.FixOf(err)) {
		fmt.Fprintf(t.out, "  %s %s\n", t.paint(green, "->"), strings.TrimRight(line, "\n"))
	}
}

// close takes the live line away for good.
func (t *talk) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current != "" || t.open {
		t.wipe()
	}
	t.halt()
}

// Write lets the output of builds and checks pass between the live lines.
func (t *talk) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.quiet || t.json {
		return len(p), nil
	}
	if len(p) == 0 {
		return 0, nil
	}
	if !t.open {
		t.wipe()
	}
	if _, err := t.out.Write(p); err != nil {
		return 0, err
	}
	if t.open = p[len(p)-1] != '\n'; !t.open {
		t.draw()
	}
	return len(p), nil
}

func indent(text string, by int) string {
	return strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", by))
}
