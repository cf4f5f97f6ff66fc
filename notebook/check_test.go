package notebook_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway/notebook"
)

func TestCheckPython(t *testing.T) {
	for source, want := range map[string]*notebook.Error{
		"":                                   nil,
		"x = 1":                              nil,
		"\ufeffif x:\r\n\ty = [\r\n1]\r\n":   nil,
		"def f():\n    return '''\na\n'''\n": nil,
		"x = 1\ny = (2\n":                    {Line: 2, Msg: "'(' is never closed"},
		"if x:\n":                            {Line: 1, Msg: "an indented block is expected below"},
	} {
		if diff := cmp.Diff(want, notebook.CheckPython([]byte(source))); diff != "" {
			t.Errorf("%q (-want +got):\n%s", source, diff)
		}
	}
	for source, line := range map[string]int{"x = 1\ny = 'open\n": 2, "if x:\n    y\n  z\n": 3, "a\nb)\n": 2} {
		if got := notebook.CheckPython([]byte(source)); got == nil || got.Line != line || got.Cell != 0 {
			t.Errorf("%q: %+v, want line %d", source, got, line)
		}
	}
}
