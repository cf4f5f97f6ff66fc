package notebook

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReadErrors lists every error that a user can meet, with its text.
func TestReadErrors(t *testing.T) {
	tests := map[string]struct{ data, want string }{
		"empty":            {" \n", "the file is empty"},
		"not JSON":         {"# a script\nx = 1", "not JSON: line 1 column 1: expected a value"},
		"cut off":          {"{\n\"cells\": [", "not JSON: line 2 column 11: the document ends too early"},
		"no key":           {"{,}", "not JSON: line 1 column 2: expected a key in double quotes"},
		"no colon":         {`{"a" 1}`, "not JSON: line 1 column 6: expected ':' after the key"},
		"no comma":         {`{"a": 1 "b"}`, "not JSON: line 1 column 9: expected ',' or '}'"},
		"no comma in list": {`[1 2]`, "not JSON: line 1 column 4: expected ',' or ']'"},
		"open string":      {`{"a`, "not JSON: line 1 column 4: a string does not end"},
		"control":          {"{\"é\n\"}", "not JSON: line 1 column 4: a string holds a control character"},
		"escape":           {`{"\x"}`, "not JSON: line 1 column 3: a string holds an invalid escape"},
		"trailing":         {`{"cells": []} x`, "not JSON: line 1 column 15: there is more after the end of the document"},
		"conflict":         {"{\n<<<<<<< HEAD\n", "not JSON: line 2 column 1: expected a key in double quotes"},
		"byte order mark":  {"\xef\xbb\xbf{}", "not JSON: the file starts with a byte order mark; save it as UTF-8 without one"},
		"latin 1":          {"{\n \"\xe9\"}", "not UTF-8: byte 0xe9 at line 2 column 3"},
		"a list":           {`[]`, "not a notebook: expected a JSON object"},
		"an object":        {`{"a": 1}`, "not a notebook: it has neither nbformat nor cells"},
		"no cells":         {`{"nbformat": 4}`, "not a notebook: it has no list of cells"},
		"version 5":        {`{"nbformat": 5, "cells": []}`, "unsupported nbformat 5; formats 1 to 4 can be read"},
		"version as text":  {`{"nbformat": "4", "cells": []}`, `unsupported nbformat "4"; formats 1 to 4 can be read`},
		"source":           {`{"nbformat": 4, "cells": [{}, {"cell_type": "code", "source": ["a", 1]}]}`, "cell 2: its source is neither a string nor a list of strings"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Read([]byte(tt.data))
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadFillsInTheNotebook(t *testing.T) {
	nb, err := Read([]byte(`{
		"nbformat": 4, "nbformat_minor": 5,
		"metadata": {"kernelspec": {"name": "glue_pyspark", "display_name": "Glue PySpark", "language": "python"},
			"language_info": {"name": "Python_Glue_Session", "file_extension": ".py", "nbconvert_exporter": "python"}},
		"cells": [{"id": "a-1", "cell_type": "code", "execution_count": 7, "outputs": [],
			"metadata": {"tags": ["parameters", "x"]}, "source": ["x = 1\n", "y\ud83d\ude00 = \ud800"]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	c := nb.Cells[0]
	got := []any{nb.Format, nb.Minor, nb.Kernel, nb.Language, c.ID, c.Type, c.Source, c.Tags, c.ExecutionCount, string(c.Metadata), c.HasTag("x"), c.HasTag("y")}
	want := []any{
		4, 5,
		Kernel{"glue_pyspark", "Glue PySpark", "python"},
		Language{Name: "Python_Glue_Session", FileExtension: ".py", Exporter: "python"},
		"a-1", Code, "x = 1\ny😀 = \xed\xa0\x80",
		[]string{"parameters", "x"},
		7, `{"tags": ["parameters", "x"]}`, true, false,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("notebook (-want +got):\n%s", diff)
	}
}
