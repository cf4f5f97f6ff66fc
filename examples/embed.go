// Package examples holds the example apps, for `slipway demo`.
package examples

import (
	"embed"
	"io/fs"
)

//go:embed traffic pulse
var files embed.FS

// App returns the files of an example app: traffic or pulse.
func App(name string) (fs.FS, error) { return fs.Sub(files, name) }
