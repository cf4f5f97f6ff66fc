package notebook

import "regexp"

var originLine = regexp.MustCompile(`\A# Built by Slipway from (.+)\. Change the notebook, not this script\.\n`)

// Origin returns the name of the notebook that [Notebook.Glue] has made a script
// from; empty for any other script.
func Origin(script []byte) string {
	m := originLine.FindSubmatch(script)
	if m == nil {
		return ""
	}
	return string(m[1])
}
