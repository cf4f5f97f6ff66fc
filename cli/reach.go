package cli

import (
	"strings"

	"github.com/alecthomas/kong"

	"github.com/slipway-cd/slipway"
)

// hereOnly are the commands that no server can be asked for, with what to do instead;
// empty: leave --server out. With SLIPWAY_SERVER, which is set for all commands, they do
// their work here.
//
//nolint:gochecknoglobals // immutable table
var hereOnly = map[string]string{
	"init": "", "demo": "", "adopt": "the manifest that it writes reaches the server by a push",
	"build": "slipway ship and slipway release have a server build what is pushed",
	"check": "slipway ship and slipway release have a server check what is pushed, and a pull request has it checked by itself",
	"aws":   "", "serve": "", "worker": "", "hook": "", "backup": "", "restore": "", "migrate": "",
	"ledger":   "it works on the server's data folder, on its machine",
	"keys":     "it works on the server's data folder, on its machine",
	"schedule": "a server starts the runs that are due by itself",
	"verify":   "", "config": "", "shapes": "", "schema": "", "rails test": "", "convert": "", "diff": "", "notebook": "", "lint": "", "clean": "",
	"completion": "", "version": "",
}

// refuseServer is the error of a command that was told to ask a server and cannot.
func refuseServer(kctx *kong.Context) error {
	given := false
	for _, p := range kctx.Path {
		given = given || p.Flag != nil && p.Flag.Name == "server" && !p.Resolved
	}
	if !given {
		return nil
	}
	words := strings.Fields(kctx.Command())
	for n := min(2, len(words)); n > 0; n-- {
		name := strings.Join(words[:n], " ")
		instead, here := hereOnly[name]
		if !here {
			continue
		}
		fix := "leave --server out"
		if instead != "" {
			fix += "; " + instead
		}
		return slipway.Errorf(slipway.Invalid, "slipway %s does its work here, and no server can be asked for it", name).WithFix("%s", fix)
	}
	return nil
}
