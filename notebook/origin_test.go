package notebook

import "testing"

func TestOriginIsTheNameThatGlueWasGiven(t *testing.T) {
	nb, err := Read([]byte(`{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [
		{"cell_type": "code", "id": "a", "metadata": {}, "execution_count": null, "outputs": [], "source": "x = 1"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"traffic.ipynb", "night run. v2.ipynb"} {
		out, err := nb.Glue(GlueOptions{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		if got := Origin(out.Script); got != name {
			t.Errorf("the origin is %q, want %q", got, name)
		}
	}
	if got := Origin([]byte("print('# Built by Slipway from x. ')\n")); got != "" {
		t.Errorf("a script of its own has the origin %q", got)
	}
}
