package cli

import kongcompletion "github.com/jotaen/kong-completion"

type completionCommand struct {
	kongcompletion.Completion
}
