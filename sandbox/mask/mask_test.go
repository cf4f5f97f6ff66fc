package mask

import (
	"bytes"
	"encoding/base64"
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
			if got := masked(t, New(c.secrets), c.in); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if got := New(c.secrets).Text(strings.Join(c.in, "")); got != c.want {
				t.Errorf("as a text: got %q, want %q", got, c.want)
			}
		})
	}
}

func masked(t *testing.T, m Masker, pieces []string) string {
	t.Helper()
	var out bytes.Buffer
	w := m.Writer(&out)
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
		m := New([]string{one, two})
		var pieces []string
		for piece := range slices.Chunk([]byte(text), int(size)+1) {
			pieces = append(pieces, string(piece))
		}
		if got, want := masked(t, m, pieces), plainly(m, text); got != want {
			t.Errorf("%q without %q, in pieces of %d: got %q, want %q", text, m.secrets, int(size)+1, got, want)
		}
	})
}

func plainly(m Masker, text string) string {
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
			out.WriteString(Mark)
		}
	}
	return out.String()
}

func TestMaskHidesWhatIsEncoded(t *testing.T) {
	const secret = `p&ss"w<rd/+42`
	long := strings.Repeat("0123456789abcdefghij", 8)
	cases := map[string]struct{ secret, in, want string }{
		"base64":                         {secret, base64.StdEncoding.EncodeToString([]byte(secret)), "***=="},
		"base64 within something else":   {secret, base64.StdEncoding.EncodeToString([]byte("ana:" + secret + "!")), "YW5hOn***Ih"},
		"base64 for URLs":                {"\xff\xfe\xfd\xfc\xfb\xfa", "x=" + base64.URLEncoding.EncodeToString([]byte("\xff\xfe\xfd\xfc\xfb\xfa")), "x=***"},
		"base64 in lines":                {long, base64.StdEncoding.EncodeToString([]byte(long))[76:152], "***"},
		"in a URL":                       {secret, "https://ana:p&ss%22w%3Crd%2F+42@host", "https://ana:***@host"},
		"in a query":                     {secret, "?key=p%26ss%22w%3Crd%2F%2B42", "?key=***"},
		"in JSON":                        {secret, `{"key": "p\u0026ss\"w\u003crd/+42"}`, `{"key": "***"}`},
		"in JSON without escapes for it": {secret, `{"key": "p&ss\"w<rd/+42"}`, `{"key": "***"}`},
		"in hexadecimal digits":          {"hunter22", "68756e7465723232", "***"},
		"several lines in JSON":          {"first line\nsecond line", `"first line\nsecond line"`, `"***"`},
		"not what is too short":          {"ab", "YWI 6162", "YWI 6162"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := New([]string{c.secret}).Text(c.in); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// FuzzNoCutLeaks prints a secret in each form, in pieces, amid other text. No form
// may come through.
func FuzzNoCutLeaks(f *testing.F) {
	f.Add("hunter22-hunter22", "before ", " after", byte(3))
	f.Add("-----BEGIN KEY-----\nabcdefghijklmnop\n-----END KEY-----", "{", "}", byte(0))
	f.Add("a\x00\xff\"\\<&>'%+/=", "YWJj", "==", byte(7))
	f.Fuzz(func(t *testing.T, secret, before, after string, size byte) {
		if len(secret) < leastLine {
			return
		}
		m := New([]string{secret})
		for _, form := range forms(secret) {
			var pieces []string
			for piece := range slices.Chunk([]byte(before+form+after), int(size)+1) {
				pieces = append(pieces, string(piece))
			}
			got := masked(t, m, pieces)
			if len(form) >= leastLine && strings.Contains(strings.ReplaceAll(got, Mark, "\x01"), form) && !strings.Contains(before+after, form) {
				t.Errorf("%q came through as %q", form, got)
			}
		}
	})
}
