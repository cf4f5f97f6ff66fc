package local

import (
	"bytes"
	"io"
	"slices"
	"strings"
)

// mask stands where a secret was.
const mask = "***"

// A masker hides secrets in texts.
type masker struct {
	secrets [][]byte
	longest int
}

// newMasker hides each of the secrets, and each line of those with several.
func newMasker(secrets []string) masker {
	var m masker
	add := func(s string) {
		if s != "" && !slices.ContainsFunc(m.secrets, func(b []byte) bool { return string(b) == s }) {
			m.secrets = append(m.secrets, []byte(s))
			m.longest = max(m.longest, len(s))
		}
	}
	for _, s := range secrets {
		add(s)
		for line := range strings.Lines(s) {
			if line = strings.TrimSpace(line); len(line) >= 8 {
				add(line)
			}
		}
	}
	return m
}

// text is s without secrets.
func (m masker) text(s string) string {
	var out bytes.Buffer
	w := m.writer(&out)
	w.Write([]byte(s)) //nolint:errcheck // a buffer takes everything
	w.Flush()          //nolint:errcheck // a buffer takes everything
	return out.String()
}

// writer returns a writer that hides secrets on the way to w.
func (m masker) writer(w io.Writer) *maskWriter { return &maskWriter{masker: m, to: w} }

// A maskWriter passes on what is written to it without the secrets, also where
// one comes in pieces. It keeps back only what may be the beginning of one.
type maskWriter struct {
	masker
	to      io.Writer
	kept    []byte
	covered int  // so many bytes of kept belong to a secret that is hidden already
	open    bool // the last byte that was passed on was hidden
}

// Write takes all of p and never keeps the writer waiting for more.
func (w *maskWriter) Write(p []byte) (int, error) {
	if len(w.secrets) == 0 {
		return w.to.Write(p)
	}
	w.kept = append(w.kept, p...)
	return len(p), w.pass(w.safe())
}

// Flush passes on what was kept back.
func (w *maskWriter) Flush() error { return w.pass(len(w.kept)) }

// safe is how much of kept cannot be the beginning of a secret that goes on.
func (w *maskWriter) safe() int {
	for i := max(0, len(w.kept)-w.longest+1); i < len(w.kept); i++ {
		for _, s := range w.secrets {
			if len(s) > len(w.kept)-i && bytes.HasPrefix(s, w.kept[i:]) {
				return i
			}
		}
	}
	return len(w.kept)
}

// pass writes the first n bytes of kept, secrets hidden.
func (w *maskWriter) pass(n int) error {
	hidden := w.hidden()
	var out []byte
	for i := 0; i < n; {
		if !hidden[i] {
			out = append(out, w.kept[i])
			i++
			continue
		}
		if i > 0 || !w.open {
			out = append(out, mask...)
		}
		for i < n && hidden[i] {
			i++
		}
	}
	if n > 0 {
		w.open, w.covered = hidden[n-1], 0
	}
	for i := n; w.open && n > 0 && i < len(hidden) && hidden[i]; i++ {
		w.covered++
	}
	w.kept = append(w.kept[:0], w.kept[n:]...)
	_, err := w.to.Write(out)
	return err
}

// hidden marks the bytes of kept that belong to secrets.
func (w *maskWriter) hidden() []bool {
	marks := make([]bool, len(w.kept))
	for i := range min(w.covered, len(marks)) {
		marks[i] = true
	}
	for _, s := range w.secrets {
		for at := 0; ; at++ {
			i := bytes.Index(w.kept[at:], s)
			if i < 0 {
				break
			}
			at += i
			for k := range s {
				marks[at+k] = true
			}
		}
	}
	return marks
}
