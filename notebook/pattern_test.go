package notebook

import (
	"regexp"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// TestPattern tells what Python's re.match says of texts.
func TestPattern(t *testing.T) {
	tests := map[string]struct {
		pattern, text string
		want          bool
	}{
		"blank":            {`\s*\Z`, " \n\t\u00a0\u2003", true},
		"not blank":        {`\s*\Z`, " \n x", false},
		"from the start":   {`x`, "ax", false},
		"either":           {`a|b`, "b", true},
		"before newline":   {`a$`, "a\n", true},
		"within":           {`a$`, "a\nb", false},
		"end":              {`a\Z`, "a\n", false},
		"digit":            {`\d`, "\u0663", true},
		"no digit":         {`\D`, "\u0663", false},
		"letter":           {`[\w.]+\?`, "\u540d.\u00e9?", true},
		"no letter":        {`\W`, "\u540d", false},
		"no space":         {`\S`, "\x1f", false},
		"bracket in class": {`[]a]`, "]", true},
		"not bracket":      {`[^]a]`, "]", false},
		"open in class":    {`[[]`, "[", true},
		"dollar in class":  {`[$]`, "$", true},
		"class of escapes": {`[\]\\]`, `\`, true},
		"nothing":          {``, "a", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := ParsePattern(tt.pattern)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.match(tt.text); got != tt.want {
				t.Errorf("%q matches %q: %v, want %v", tt.pattern, tt.text, got, tt.want)
			}
		})
	}
}

func TestPatternErrors(t *testing.T) {
	for pattern, want := range map[string]string{
		`(?=a)`: "cannot use the pattern \"(?=a)\": error parsing regexp: invalid or unsupported Perl syntax: `(?=`; back references and looking around are not supported",
		`(a)\1`: "cannot use the pattern \"(a)\\\\1\": error parsing regexp: invalid escape sequence: `\\1`; back references and looking around are not supported",
	} {
		_, err := ParsePattern(pattern)
		if err == nil {
			t.Fatalf("%s: no error", pattern)
		}
		if diff := cmp.Diff(want, err.Error()); diff != "" {
			t.Errorf("error (-want +got):\n%s", diff)
		}
	}
}

// FuzzPattern checks that reading a pattern never breaks, and that quoted text
// finds itself.
func FuzzPattern(f *testing.F) {
	for _, text := range []string{`\s*\Z`, `[]\w]`, `[^]]$`, `(?i:a)|b`, `\`, `[`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := ParsePattern(text); err == nil {
			p.match(text)
		}
		if p, err := ParsePattern(regexp.QuoteMeta(text)); utf8.ValidString(text) && (err != nil || !p.match(text)) {
			t.Errorf("%q does not find itself: %v", text, err)
		}
	})
}

// TestScriptErrors has notebooks that ask for what only nbconvert has.
func TestScriptErrors(t *testing.T) {
	for data, want := range map[string]string{
		`{"nbformat": 4, "nbformat_minor": 4, "cells": [], "metadata": {"language_info": {"nbconvert_exporter": "html"}}}`:                              `its metadata.language_info asks for nbconvert's exporter "html"; only python and script can be had`,
		`{"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [{"cell_type": "raw", "source": ""}, {"cell_type": "raw", "source": "\ud800"}]}`: `cell 2: it holds the lone surrogate \ud800, which UTF-8 cannot write`,
	} {
		nb, err := Read([]byte(data))
		if err != nil {
			t.Fatal(err)
		}
		if _, err = nb.Script(Options{}); err == nil {
			t.Fatalf("%s: no error", data)
		}
		if diff := cmp.Diff(want, err.Error()); diff != "" {
			t.Errorf("error (-want +got):\n%s", diff)
		}
	}
}
