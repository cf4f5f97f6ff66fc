package check

import (
	"slices"
	"strings"

	"github.com/slipway-cd/slipway/manifest"
)

// notNeeded says why a check is not asked; empty: it is. Nobody waits for one that
// is not needed, so that it cannot keep anything waiting for ever.
func (in Input) notNeeded(spec Spec) string {
	if in.Event != "" && len(spec.On) > 0 && !slices.Contains(spec.On, in.Event) {
		return "it is asked on " + strings.Join(spec.On, " and ") + " alone"
	}
	if in.Change == nil || len(spec.Files) == 0 {
		return ""
	}
	for _, name := range in.Change.Names() {
		if slices.ContainsFunc(spec.Files, func(pattern string) bool { return manifest.MatchFile(pattern, name) }) {
			return ""
		}
	}
	return "the change touches none of " + strings.Join(spec.Files, ", ")
}
