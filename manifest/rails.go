package manifest

import (
	"fmt"
	"slices"

	"github.com/slipway-cd/slipway/schema"
)

// CheckAsks complains about requests to cross rails that there are not. The error
// is of kind slipway.Invalid and wraps schema.Problems.
func (m *Manifest) CheckAsks(rails []string) error {
	var problems schema.Problems
	for i, item := range m.tree.Get("ask").Items() {
		name := item.Get("rail")
		if slices.Contains(rails, name.Text()) {
			continue
		}
		p := m.doc.Problem(name.Pos, fmt.Sprintf("ask[%d].rail", i), fmt.Sprintf("there is no guard rail %q to ask for", name.Text()))
		explain(&p, name.Text(), rails)
		problems = append(problems, p)
	}
	return invalid(problems)
}
