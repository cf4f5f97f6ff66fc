package cli

import kongcompletion "github.com/jotaen/kong-completion"

type completionCommand struct {
	kongcompletion.Completion
}

// Help implements kong.HelpProvider.
func (completionCommand) Help() string {
	return `It says what to put into the shell's start file; with --code it prints what goes there itself.

Example: slipway completion bash

` + exitHelp
}
