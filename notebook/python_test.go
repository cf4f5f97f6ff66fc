package notebook

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPythonOptions(t *testing.T) {
	cells := []testCell{
		{source: "%foo", tags: []string{"a"}}, {kind: "markdown", source: "m\n\nn", tags: []string{"b"}}, {kind: "raw", source: "r\n"},
	}
	tests := map[string]struct {
		options Options
		want    string
	}{
		"the default":     {Options{}, "\n# In[3]:\n\n\nget_ipython().run_line_magic('foo', '')\n\n\n# m\n# \n# n\nr\n"},
		"no IPython":      {Options{Profile: NoIPython}, "\n# In[3]:\n\n\n%foo\n\n# m\n# \n# n\nr\n"},
		"no prompt":       {Options{NoPrompt: true, NoMarkdown: true}, "\nget_ipython().run_line_magic('foo', '')\n\nr\n"},
		"no input":        {Options{NoInput: true, NoRaw: true}, "\n# m\n# \n# n\n"},
		"removed cells":   {Options{RemoveCellTags: []string{"x", "a"}}, "\n# m\n# \n# n\nr\n"},
		"removed input":   {Options{RemoveInputTags: []string{"a", "b"}}, "r\n"},
		"removed outputs": {Options{RemoveOutputsTags: []string{"a"}, NoMarkdown: true, NoRaw: true}, "\n# In[ ]:\n\n\nget_ipython().run_line_magic('foo', '')\n\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			nb := glueNotebook(t, cells...)
			nb.Cells[0].ExecutionCount = 3
			got, err := nb.Python(tt.options)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff("#!/usr/bin/env python\n# coding: utf-8\n"+tt.want, string(got)); diff != "" {
				t.Errorf("script (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPythonErrors lists every error that a user can meet, with its text.
func TestPythonErrors(t *testing.T) {
	many := strings.Repeat("!a\n", maxTransforms)
	tests := map[string]struct{ source, want string }{
		"dedent":    {"\n\nif x:\n    a\n  b", "cell 1 line 5: unindent does not match any outer indentation level"},
		"tabs":      {"if x:\n        a\n\tb", "cell 1 line 3: inconsistent use of tabs and spaces in indentation"},
		"magics":    {many, "cell 1: it holds 500 or more magics, where IPython gives up; split the cell"},
		"percent":   {"x = %0x", "cell 1: IPython cannot convert it: an assignment ends in %"},
		"surrogate": {"'\xed\xa0\x80'", `cell 1 line 1: it holds the lone surrogate '\ud800'`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			nb := &Notebook{Cells: []Cell{{Type: Code, Source: tt.source}}}
			_, err := nb.Python(Options{})
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
	nb := &Notebook{Cells: []Cell{{}, {Type: Markdown, Source: "a\xed\xa0\x80"}}}
	_, err := nb.Python(Options{})
	if want := `cell 2: it holds the lone surrogate \ud800, which UTF-8 cannot write`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestParseProfile(t *testing.T) {
	for name, want := range map[string]Profile{"ipython9": IPython9, "ipython8": IPython8, "noipython": NoIPython} {
		if got, err := ParseProfile(name); err != nil || got != want {
			t.Errorf("ParseProfile(%q) = %v, %v, want %v", name, got, err, want)
		}
	}
	_, err := ParseProfile("ipython7")
	if want := `unknown profile "ipython7"; there are ipython9, ipython8 and noipython`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
