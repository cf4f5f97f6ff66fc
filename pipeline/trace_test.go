package pipeline

import (
	"bytes"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/notebook"
)

func script(t *testing.T) []byte {
	t.Helper()
	nb, err := notebook.Read([]byte(`{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [
		{"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# About"},
		{"cell_type": "code", "id": "b", "metadata": {}, "execution_count": null, "outputs": [], "source": "def f():\n    raise ValueError(\"no rows\")"},
		{"cell_type": "code", "id": "c", "metadata": {}, "execution_count": null, "outputs": [], "source": "x = 1\n\nf()"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	out, err := nb.Glue(notebook.GlueOptions{Name: "traffic.ipynb"})
	if err != nil {
		t.Fatal(err)
	}
	return out.Script
}

// line is where a text begins in the script, counted from 1.
func line(t *testing.T, script []byte, text string) int {
	t.Helper()
	before, _, ok := bytes.Cut(script, []byte(text))
	if !ok {
		t.Fatalf("%q is not in the script", text)
	}
	return bytes.Count(before, []byte("\n")) + 1
}

func TestStackTracesLeadBackToTheNotebook(t *testing.T) {
	s := script(t)
	call, raise := line(t, s, "\nf()\n")+1, line(t, s, "    raise")
	log := "rows: 7\n" +
		"Traceback (most recent call last):\n" +
		`  File "/x/definitions/1/traffic.py", line ` + strconv.Itoa(call) + ", in <module>\n    f()\n" +
		`  File "/x/definitions/1/traffic.py", line ` + strconv.Itoa(raise) + ", in f\n" +
		`  File "/tmp/traffic_abc.py", line ` + strconv.Itoa(raise) + ", in f\n" +
		`  File "/usr/lib/other_traffic.py", line 3, in g` + "\n" +
		`  File "/x/traffic.py", line 1, in g` + "\n" +
		"ValueError: no rows"
	want := strings.NewReplacer(
		", in <module>\n", ", in <module>  <- traffic.ipynb, cell 3 line 3\n",
		", in f\n", ", in f  <- traffic.ipynb, cell 2 line 2\n").Replace(log)
	for _, size := range []int{1, 7, len(log)} {
		var out bytes.Buffer
		tr := newTracer(&out, slipway.Artifact{Name: "traffic.py", Key: "traffic/0a1b2c3d/traffic_abc.py"}, s)
		for rest := []byte(log); len(rest) > 0; rest = rest[min(size, len(rest)):] {
			if _, err := tr.Write(rest[:min(size, len(rest))]); err != nil {
				t.Fatal(err)
			}
		}
		if err := tr.flush(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Errorf("in pieces of %d bytes (-want +got):\n%s", size, diff)
		}
		for _, tt := range []struct {
			state         slipway.RunState
			message, want string
		}{
			{slipway.RunFailed, "ValueError: no rows", "ValueError: no rows (traffic.ipynb, cell 2 line 2)"},
			{slipway.RunFailed, "killed by signal 9", "killed by signal 9"},
			{
				slipway.RunFailed, "KeyError: 'x' (line " + strconv.Itoa(call) + " of the script)",
				"KeyError: 'x' (traffic.ipynb, cell 3 line 3)",
			},
			{slipway.RunFailed, "KeyError: 'x' (line 9999 of the script)", "KeyError: 'x' (line 9999 of the script)"},
			{slipway.RunTimeout, "ValueError: no rows", "ValueError: no rows"},
		} {
			if got := tr.told(slipway.Run{State: tt.state, Message: tt.message}).Message; got != tt.want {
				t.Errorf("message %q, want %q", got, tt.want)
			}
		}
	}
}

func TestLogsOfOtherScriptsPassAtOnce(t *testing.T) {
	var out bytes.Buffer
	tr := newTracer(&out, slipway.Artifact{Name: "job.py"}, []byte("print(1)\n"))
	if _, err := tr.Write([]byte(`half a line, File "job.py", line 1`)); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), `half a line, File "job.py", line 1`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
