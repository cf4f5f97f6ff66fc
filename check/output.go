package check

import (
	"bytes"
	"io"
	"strings"
)

// keptOutput is how much of what a command prints a result keeps.
const keptOutput = 64 << 10

// A tail keeps the last bytes written to it.
type tail struct {
	data []byte // at most twice what is kept
	cut  bool   // something was dropped
}

// Write never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.data = append(t.data, p...)
	if len(t.data) > 2*keptOutput {
		t.data = append(t.data[:0], t.data[len(t.data)-keptOutput:]...)
		t.cut = true
	}
	return len(p), nil
}

// String returns the last bytes as text. Where something was dropped it begins
// at a line, so that no half of a secret escapes its masking; a single line
// longer than all that is kept is left out.
func (t *tail) String() string {
	data := t.data
	if len(data) > keptOutput {
		data = data[len(data)-keptOutput:]
	} else if !t.cut {
		return plain(string(data))
	}
	_, rest, _ := bytes.Cut(data, []byte("\n"))
	return plain(string(rest))
}

// plain makes text of a command or report fit to store: valid UTF-8 without NUL.
func plain(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}

// lastLines returns the last n lines of s that are not blank.
func lastLines(s string, n int) []string {
	var lines []string
	for line := range strings.Lines(s) {
		if line = strings.TrimRight(line, " \t\r\n"); line != "" {
			lines = append(lines, line)
		}
	}
	return lines[max(0, len(lines)-n):]
}

// stream returns the writer for all that a check prints.
func (in Input) stream(check string) io.Writer {
	if in.Log == nil {
		return io.Discard
	}
	w := in.Log(check)
	if w == nil {
		return io.Discard
	}
	return &forgiving{w: w}
}

// A forgiving writer stops at the first error of the writer below it and does
// not tell: a full disk under a log is no answer to a check's question.
type forgiving struct {
	w      io.Writer
	failed bool
}

// Write never fails.
func (f *forgiving) Write(p []byte) (int, error) {
	if !f.failed {
		_, err := f.w.Write(p)
		f.failed = err != nil
	}
	return len(p), nil
}
