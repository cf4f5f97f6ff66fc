package notebook

import "slices"

// An Action says what happens to a magic that cannot be part of a job.
type Action string

// The actions.
const (
	// Remove takes the magic out.
	Remove Action = "remove"
	// Warn takes the magic out and says so.
	Warn Action = "warn"
	// Refuse ends the build with an error that says what to do.
	Refuse Action = "error"
)

// A Rule says what happens to a magic, and why.
type Rule struct {
	// Magic is how the magic is written: "%pip", "%%bash"; "!" stands for any
	// shell command, "%" and "%%" for any magic without a rule of its own,
	// "display()" for a call of that function.
	Magic  string
	Action Action
	// Reason completes the sentence that begins with the magic.
	Reason string
}

// Rules returns the table of magics that do not become settings of the job,
// with what happens to them by default.
func Rules() []Rule { return slices.Clone(rules) }

//nolint:gochecknoglobals // immutable table
var rules = []Rule{
	{"!", Refuse, "runs a shell command, which a job has no place for; name Python packages in %additional_python_modules, and do the rest in Python"},
	{"%pip", Refuse, packages},
	{"%conda", Refuse, packages},
	{"%", Refuse, "is not a magic that a job knows; take it out, or tag the cell `skip`"},
	{"%%", Refuse, "is not a cell magic that a job knows; take it out, or tag the cell `skip`"},
	{"%run", Refuse, "runs another notebook or script; put what they share into a module and name it in build.include"},
	{"%env", Refuse, "sets the environment of the notebook alone; pass an argument to the job"},
	{"%time", Refuse, "holds code that would be lost; put the code on a line of its own"},
	{"%timeit", Refuse, "holds code that would be lost; put the code on a line of its own"},
	{"%%timeit", Refuse, "runs the cell many times; tag the cell `skip`"},
	{"%%bash", Refuse, "runs a shell script, which a job has no place for"},

	{"%matplotlib", Remove, plots},
	{"%matplot", Remove, plots},
	{"%plotly", Remove, plots},
	{"%pylab", Remove, plots},
	{"%config", Remove, notebookOnly},
	{"%load_ext", Remove, notebookOnly},
	{"%reload_ext", Remove, notebookOnly},
	{"%autoreload", Remove, notebookOnly},
	{"%who", Remove, notebookOnly},
	{"%whos", Remove, notebookOnly},
	{"%pwd", Remove, notebookOnly},
	{"%help", Remove, notebookOnly},
	{"%%time", Remove, notebookOnly},
	{"%%capture", Remove, notebookOnly},

	{"%status", Remove, session},
	{"%session_id", Remove, session},
	{"%session_id_prefix", Remove, session},
	{"%list_sessions", Remove, session},
	{"%stop_session", Remove, session},
	{"%delete_session", Remove, session},
	{"%reconnect", Remove, session},
	{"%idle_timeout", Remove, session},

	{"%region", Warn, client},
	{"%profile", Warn, client},
	{"%endpoint", Warn, client},
	{"%%assume_role", Warn, client},
	{"%min_workers", Warn, ray},
	{"%object_memory_head", Warn, ray},
	{"%object_memory_worker", Warn, ray},

	{"display()", Warn, "exists in notebooks alone; a job prints with show() or print()"},
	{"get_ipython()", Refuse, "exists in notebooks alone"},
}

const (
	packages     = "installs packages into the notebook alone; name them in %additional_python_modules, or in run.additional_python_modules of the manifest"
	plots        = "shows plots in the notebook"
	notebookOnly = "matters to the notebook alone"
	session      = "is about the interactive session"
	client       = "is for the notebook's own connection; account and region of a job come from its environment, so that it is left out"
	ray          = "is for Ray sessions, so that it is left out"
)

// rule returns the rule for a magic, with the action that the options give it.
func (o GlueOptions) rule(magic, fallback string) Rule {
	found := Rule{}
	for _, r := range rules {
		if r.Magic == magic {
			found = r
			break
		}
		if r.Magic == fallback {
			found = r
		}
	}
	for _, name := range []string{magic, found.Magic} {
		if action, ok := o.Actions[name]; ok {
			found.Action = action
			break
		}
	}
	return found
}
