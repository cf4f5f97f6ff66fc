package pipeline

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
)

// TestAnotherNameLeavesAJobBehind renames an app, and looks for what its first plan
// says of the job under its old name, and its later ones do not.
func TestAnotherNameLeavesAJobBehind(t *testing.T) {
	w := hello(t)
	w.git(t, "remote", "add", "origin", "git@github.com:acme/roads.git")
	w.commit(t, map[string]string{
		"beside/slipway.yaml": strings.Replace(manifestText, "app: hello", "app: beside", 1), "beside/hello.py": "print('beside')\n",
	})
	w.tag(t, "v1")
	w.mustShip(t, "local")
	w.commit(t, map[string]string{"slipway.yaml": strings.Replace(manifestText, "app: hello", "app: hallo", 1)})
	w.tag(t, "v2")
	want := []string{"hello is live here, with its schedule, and comes from the same folder: if that is what this app was called before, " +
		"slipway remove local --former hello takes it away"}
	warned := func(p slipway.Plan) (list []string) {
		for _, text := range p.Warnings {
			if strings.Contains(text, "--former") {
				list = append(list, text)
			}
		}
		return list
	}
	w.with(t, func(f *Flow) {
		src := w.source(t, f, false)
		plan, err := f.PlanSource(t.Context(), src, "local", "")
		if d := cmp.Diff(want, warned(plan)); d != "" || err != nil {
			t.Errorf("the first plan, %v (-want +got):\n%s", err, d)
		}
		elsewhere := src
		elsewhere.Remote = "git@github.com:acme/other.git"
		nowhere := src
		nowhere.Remote = ""
		folder := src
		folder.Path = "beside"
		for _, other := range []slipway.Source{elsewhere, nowhere, folder} {
			if all, err := f.LeftBehind(t.Context(), "local", "hallo", other); err != nil || len(all) > 0 {
				t.Errorf("of %s %s: %v, %v", other.Remote, other.Path, all, err)
			}
		}
		shipped, err := f.Ship(t.Context(), ShipInput{App: "hallo", Environment: "local", Source: src})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, warned(shipped.Deployment.Plan)); d != "" {
			t.Errorf("ship (-want +got):\n%s", d)
		}
		plan, err = f.PlanSource(t.Context(), src, "local", "")
		if got := warned(plan); err != nil || got != nil {
			t.Errorf("a later plan warns, too: %q, %v", got, err)
		}
	})
}
