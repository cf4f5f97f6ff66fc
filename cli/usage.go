package cli

import (
	"bytes"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/slipway-cd/slipway"
)

// words is how the arguments of commands that take one or two words are shown.
// The parser knows them as one list; both ways take the same room.
//
//nolint:gochecknoglobals // an immutable table
var words = strings.NewReplacer(
	"[<release-env> ...]", "[[<release>] <env>]",
	"<release-env> ...", "[<release>] <env>",
	"[<app-env> ...]", "[[<app>] <env>]",
)

// printHelp prints a command's help.
func printHelp(options kong.HelpOptions, ctx *kong.Context) error {
	out := ctx.Stdout
	var text bytes.Buffer
	ctx.Stdout = &text
	err := kong.DefaultHelpPrinter(options, ctx)
	ctx.Stdout = out
	if err != nil {
		return err
	}
	_, err = words.WriteString(out, text.String())
	return err
}

// misused tells what is wrong with the command line, and how it is meant.
func misused(err *kong.ParseError) error {
	text := words.Replace(err.Error())
	if missing, ok := strings.CutPrefix(text, "expected "); ok && !strings.Contains(missing, " but got ") {
		text = "missing: " + strings.ReplaceAll(missing, `"`, "")
	}
	text = strings.ReplaceAll(text, "a valid 64 bit int", "a whole number")
	e := slipway.Errorf(slipway.Invalid, "%s", text)
	node := err.Context.Selected()
	if node == nil {
		return e.WithFix("slipway --help lists the commands")
	}
	return e.WithFix("usage: slipway %s; slipway %s --help says more", words.Replace(node.Summary()), node.Path())
}
