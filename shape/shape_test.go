package shape_test

import (
	"testing"

	"github.com/slipway-cd/slipway/shape"
)

func TestBuiltin(t *testing.T) {
	menu, err := shape.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	if got := menu.Names(); len(got) != 2 || got[0] != "glue-job" || got[1] != "python-job" {
		t.Errorf("names of the built-in menu: %v", got)
	}
}
