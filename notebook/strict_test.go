package notebook

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReadStrictErrors lists every error of the schema that a user can meet,
// with its text.
func TestReadStrictErrors(t *testing.T) {
	cell := func(text string) string {
		return `{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [` + text + `]}`
	}
	output := func(text string) string {
		return cell(`{"cell_type": "code", "metadata": {}, "source": "", "execution_count": null, "outputs": [` + text + `]}`)
	}
	meta := func(text string) string {
		return cell(`{"cell_type": "code", "source": "", "execution_count": null, "outputs": [], "metadata": {` + text + `}}`)
	}
	tests := map[string]struct{ data, want string }{
		"minor":     {`{"nbformat": 4, "metadata": {}, "cells": []}`, "nbformat_minor is missing"},
		"metadata":  {`{"nbformat": 4, "nbformat_minor": 0, "cells": []}`, "metadata is missing"},
		"kernel":    {`{"nbformat": 4, "nbformat_minor": 0, "cells": [], "metadata": {"kernelspec": {"name": "x"}}}`, "metadata.kernelspec.display_name is missing"},
		"language":  {`{"nbformat": 4, "nbformat_minor": 0, "cells": [], "metadata": {"language_info": {"name": 1}}}`, "metadata.language_info.name must be a text"},
		"title":     {`{"nbformat": 4, "nbformat_minor": 2, "cells": [], "metadata": {"title": 1}}`, "metadata.title must be a text"},
		"cell type": {cell(`{"cell_type": "x", "metadata": {}, "source": ""}`), "cell 1: cell_type must be code, markdown or raw"},
		"source":    {cell(`{"cell_type": "raw", "metadata": {}}`), "cell 1: source is missing"},
		"id":        {cell(`{"cell_type": "raw", "metadata": {}, "source": "", "id": "a b"}`), "cell 1: id must be 1 to 64 letters, digits, - or _"},
		"count":     {cell(`{"cell_type": "code", "metadata": {}, "source": "", "outputs": [], "execution_count": 1.0}`), "cell 1: execution_count must be null or a whole number from 0 up"},
		"mime type": {cell(`{"cell_type": "raw", "metadata": {"raw_mimetype": null}, "source": ""}`), "cell 1: metadata.raw_mimetype must be a text"},
		"attached":  {cell(`{"cell_type": "markdown", "metadata": {}, "source": "", "attachments": {"a": 1}}`), "cell 1: attachments must be an object of objects"},
		"tags":      {meta(`"tags": ["a", "a"]`), "cell 1: metadata.tags must be a list of different texts without commas"},
		"scrolled":  {meta(`"scrolled": "x"`), `cell 1: metadata.scrolled must be true, false or "auto"`},
		"name":      {meta(`"name": ""`), "cell 1: metadata.name must be a text"},
		"times":     {meta(`"execution": {"a": 1}`), "cell 1: metadata.execution must be an object of texts"},
		"output":    {output(`{"output_type": "x"}`), "cell 1: output_type must be stream, display_data, execute_result or error"},
		"stream":    {output(`{"output_type": "stream", "text": ""}`), "cell 1: outputs.name is missing"},
		"trace":     {output(`{"output_type": "error", "ename": "", "evalue": "", "traceback": [1]}`), "cell 1: outputs.traceback must be a list of texts"},
		"v1 type":   {`{"cells": [{"cell_type": "x"}]}`, "cell 1: cell_type is not one of format 1; perhaps nbformat is missing"},
		"v1 prompt": {`{"cells": [{"cell_type": "code", "prompt_number": []}]}`, "cell 1: prompt_number must be null or a whole number from 0 up"},
		"v1 text":   {`{"cells": [{"cell_type": "text"}]}`, "cell 1: text is missing"},
		"v2 sheets": {`{"nbformat": 2, "metadata": {}}`, "worksheets is missing"},
		"v2 meta":   {`{"nbformat": 2, "worksheets": []}`, "metadata is missing"},
		"v3 minor":  {`{"nbformat": 3, "nbformat_minor": 1, "metadata": {}, "worksheets": []}`, "nbformat_minor must be 0"},
		"v3 source": {`{"nbformat": 3, "metadata": {}, "worksheets": [{"cells": [{"cell_type": "raw"}]}]}`, "cell 1: source is missing"},
		"below 0":   {`{"nbformat": 4, "nbformat_minor": -1, "metadata": {}, "cells": []}`, "nbformat_minor must be a whole number from 0 up"},
		"v3 cells":  {`{"nbformat": 3, "metadata": {}, "worksheets": [{}]}`, "cells is missing"},
		"v3 folded": {`{"nbformat": 3, "metadata": {}, "worksheets": [{"cells": [{"cell_type": "code", "outputs": [], "collapsed": 1}]}]}`, "cell 1: collapsed must be true or false"},
		"v3":        {`{"nbformat": 3, "metadata": {}, "worksheets": [{"cells": [{"cell_type": "code"}]}]}`, "cell 1: outputs is missing"},
		"v3 json":   {`{"nbformat": 3, "metadata": {}, "worksheets": [{"cells": [{"cell_type": "code", "outputs": [{"json": "{"}]}]}]}`, "cell 1: outputs.json must be JSON"},
		"v2 type":   {`{"nbformat": 2, "metadata": {}, "worksheets": [{"cells": [{"cell_type": "rst"}]}]}`, "cell 1: cell_type is not one of format 2 or 3"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := ReadStrict([]byte(tt.data))
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if _, err := Read([]byte(tt.data)); err != nil {
				t.Errorf("Read: %v; it is to be lenient", err)
			}
		})
	}
}

// TestReadStrictTakesWhatIsValid reads a notebook with all that the schema
// names.
func TestReadStrictTakesWhatIsValid(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "complete.ipynb"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ReadStrict(data); err != nil {
		t.Error(err)
	}
}
