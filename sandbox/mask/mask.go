// Package mask hides secrets in what is printed and kept. Start with [New]; a
// [Masker] hides them in a text, its Writer in a stream, however that is cut.
package mask

import (
	"bytes"
	"io"
)

// Mark stands where a secret was.
const Mark = "***"

// A Masker hides secrets, in the forms that they are usually printed in. The zero
// value hides nothing.
type Masker struct {
	secrets [][]byte
	longest int
}

// New hides each of the secrets: as it is, each line of one with several, and
// encoded as base64, in URLs, in JSON and in hexadecimal digits.
func New(secrets []string) Masker {
	var m Masker
	seen := map[string]bool{"": true}
	for _, s := range secrets {
		for _, form := range forms(s) {
			if !seen[form] {
				seen[form] = true
				m.secrets = append(m.secrets, []byte(form))
				m.longest = max(m.longest, len(form))
			}
		}
	}
	return m
}

// Text is s without secrets.
func (m Masker) Text(s string) string {
	var out bytes.Buffer
	w := m.Writer(&out)
	w.Write([]byte(s)) //nolint:errcheck // a buffer takes everything
	w.Flush()          //nolint:errcheck // a buffer takes everything
	return out.String()
}

// Writer returns a writer that hides secrets on the way to w. Flush it at the end.
func (m Masker) Writer(w io.Writer) *Writer { return &Writer{masker: m, to: w} }

// A Writer passes on what is written to it without the secrets, also where
// one comes in pieces. It keeps back only what may be the beginning of one.
type Writer struct {
	masker  Masker
	to      io.Writer
	kept    []byte
	covered int  // so many bytes of kept belong to a secret that is hidden already
	open    bool // the last byte that was passed on was hidden
}

// Write takes all of p and never keeps the writer waiting for more.
func (w *Writer) Write(p []byte) (int, error) {
	if len(w.masker.secrets) == 0 {
		return w.to.Write(p)
	}
	w.kept = append(w.kept, p...)
	return len(p), w.pass(w.safe())
}

// Flush passes on what was kept back.
func (w *Writer) Flush() error { return w.pass(len(w.kept)) }

// safe is how much of kept cannot be the beginning of a secret that goes on.
func (w *Writer) safe() int {
	for i := max(0, len(w.kept)-w.masker.longest+1); i < len(w.kept); i++ {
		for _, s := range w.masker.secrets {
			if len(s) > len(w.kept)-i && bytes.HasPrefix(s, w.kept[i:]) {
				return i
			}
		}
	}
	return len(w.kept)
}

// pass writes the first n bytes of kept, secrets hidden.
func (w *Writer) pass(n int) error {
	hidden := w.hidden()
	var out []byte
	for i := 0; i < n; {
		if !hidden[i] {
			out = append(out, w.kept[i])
			i++
			continue
		}
		if i > 0 || !w.open {
			out = append(out, Mark...)
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
func (w *Writer) hidden() []bool {
	marks := make([]bool, len(w.kept))
	for i := range min(w.covered, len(marks)) {
		marks[i] = true
	}
	for _, s := range w.masker.secrets {
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
