package local

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestMaskHides(t *testing.T) {
	cases := map[string]struct {
		secrets []string
		in      []string // as it is written
		want    string
	}{
		"nothing where there is no secret":   {nil, []string{"a", "b"}, "ab"},
		"a secret in one piece":              {[]string{"hunter2"}, []string{"it is hunter2."}, "it is ***."},
		"a secret in pieces":                 {[]string{"hunter2"}, []string{"it is hun", "ter", "2."}, "it is ***."},
		"a beginning that is none":           {[]string{"hunter2"}, []string{"hunt", "ing"}, "hunting"},
		"a beginning at the end":             {[]string{"hunter2"}, []string{"a hunter"}, "a hunter"},
		"two that follow each other as one":  {[]string{"ab"}, []string{"xababy"}, "x***y"},
		"two that overlap":                   {[]string{"abc", "bcd"}, []string{"xab", "cdy"}, "x***y"},
		"the longer of two":                  {[]string{"abc", "abcdef"}, []string{"abcd", "ef!"}, "***!"},
		"the shorter where the longer fails": {[]string{"abc", "abcdef"}, []string{"abcd", "xx"}, "***dxx"},
		"each line of a long one":            {[]string{"first line\nsecond line"}, []string{"> second line"}, "> ***"},
		"nothing for an empty secret":        {[]string{""}, []string{"abc"}, "abc"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := masked(t, newMasker(c.secrets), c.in); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if got := newMasker(c.secrets).text(strings.Join(c.in, "")); got != c.want {
				t.Errorf("as a text: got %q, want %q", got, c.want)
			}
		})
	}
}

func masked(t *testing.T, m masker, pieces []string) string {
	t.Helper()
	var out bytes.Buffer
	w := m.writer(&out)
	for _, p := range pieces {
		if n, err := w.Write([]byte(p)); err != nil || n != len(p) {
			t.Fatalf("Write took %d of %d: %v", n, len(p), err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// FuzzMask holds the mask against a plain rule: a byte is hidden exactly if it
// is in an occurrence of a secret, however the text is cut.
func FuzzMask(f *testing.F) {
	f.Add("it is hunter2, really", "hunter2", "really", byte(3))
	f.Add("aaaaaaa", "aa", "aaa", byte(1))
	f.Add("abcabcabd", "abcabd", "ca", byte(4))
	f.Fuzz(func(t *testing.T, text, one, two string, size byte) {
		m := newMasker([]string{one, two})
		var pieces []string
		for piece := range slices.Chunk([]byte(text), int(size)+1) {
			pieces = append(pieces, string(piece))
		}
		if got, want := masked(t, m, pieces), plainly(m, text); got != want {
			t.Errorf("%q without %q, in pieces of %d: got %q, want %q", text, m.secrets, int(size)+1, got, want)
		}
	})
}

func plainly(m masker, text string) string {
	hidden := make([]bool, len(text))
	for _, s := range m.secrets {
		for i := range len(text) {
			if strings.HasPrefix(text[i:], string(s)) {
				for k := range s {
					hidden[i+k] = true
				}
			}
		}
	}
	var out strings.Builder
	for i := range len(text) {
		switch {
		case !hidden[i]:
			out.WriteByte(text[i])
		case i == 0 || !hidden[i-1]:
			out.WriteString(mask)
		}
	}
	return out.String()
}
