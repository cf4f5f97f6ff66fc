package manifest

import "github.com/slipway-cd/slipway/schema"

func checkType() *schema.Type {
	reports := &schema.Type{Kind: schema.Path}
	return &schema.Type{Kind: schema.Object, Fields: append([]schema.Field{
		{Name: "run", Type: commandType(), Help: "The command: text for the shell, or a list that is executed as it stands. It writes its reports to $REPORTS.", Also: []string{"command"}},
		{Name: "scan", Type: &schema.Type{Kind: schema.String, Enum: []string{"secrets"}}, Help: "What Slipway looks for itself, in place of a command: secrets in the lines that a change adds."},
		{Name: "timeout", Type: timeoutType(), Default: schema.FormatDuration(defaultCheckTimeout), Help: "How long the check may take."},
		{Name: "required", Type: &schema.Type{Kind: schema.Bool}, Default: "true", Help: "Whether a release needs it; otherwise it only informs."},
		{Name: "junit", Type: reports, Help: "The JUnit XML report, below $REPORTS.", Example: "unit.xml"},
		{Name: "coverage", Type: reports, Help: "The coverage report, below $REPORTS: Cobertura, JaCoCo, LCOV or a Go cover profile.", Example: "coverage.xml"},
		{Name: "sarif", Type: reports, Help: "The SARIF report, below $REPORTS.", Example: "lint.sarif"},
		{Name: "allow_empty", Type: &schema.Type{Kind: schema.Bool}, Default: "false", Help: "Whether reports without a single test, line or scan may pass."},
		{Name: "thresholds", Type: thresholdsType(), Help: "Limits on what the reports say."},
		{Name: "requirements", Type: requirementsType(), Help: "Python packages that the check needs besides the app's own: a requirements file, or a list.", Example: "[pytest==8.3.4]"},
		{Name: "env", Type: envType(), Help: "Environment variables."},
		{Name: "network", Type: networkType(), Default: "false", Help: "Whether the command needs the network. Where commands are isolated they have none otherwise."},
		{Name: "memory", Type: memoryType(), Help: "How much memory the command may use.", Example: "4GB"},
	}, whenFields()...), OneOf: [][]string{{"run", "scan"}}}
}

func requirementsType() *schema.Type {
	return &schema.Type{Kind: schema.Union, What: "a requirements file, or a list such as [pytest==8.3.4]", Of: []*schema.Type{
		{Kind: schema.Path},
		listOf(&schema.Type{Kind: schema.String, Min: new(1.0)}),
	}}
}

func thresholdsType() *schema.Type {
	count := &schema.Type{Kind: schema.Int, Min: new(0.0)}
	return &schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "coverage", Type: coverageType(), Help: "The least coverage, in percent: of all, or of all, of the lines that a change adds, and by how much it may drop."},
		{Name: "findings", Help: "The most findings of each level.", Type: &schema.Type{Kind: schema.Object, Fields: []schema.Field{
			{Name: "error", Type: count, Also: []string{"errors"}},
			{Name: "warning", Type: count, Also: []string{"warnings"}},
			{Name: "note", Type: count, Also: []string{"notes"}},
		}}},
		{Name: "only_new", Type: &schema.Type{Kind: schema.Bool}, Default: "false", Help: "Whether only findings count that the commit does not have which the change is compared with."},
	}}
}

func coverageType() *schema.Type {
	percent := &schema.Type{Kind: schema.Number, Min: new(0.0), Max: new(100.0)}
	return &schema.Type{Kind: schema.Union, What: "a number from 0 to 100, or {total: 70, change: 80, drop: 1}", Of: []*schema.Type{
		percent,
		{Kind: schema.Object, Fields: []schema.Field{
			{Name: "total", Type: percent, Help: "Of all lines.", Also: []string{"all"}},
			{Name: "change", Type: percent, Help: "Of the lines that the change adds and the report knows.", Also: []string{"diff", "patch"}},
			{Name: "drop", Type: percent, Help: "By how many points the coverage may be below that of the base."},
		}},
	}}
}

func networkType() *schema.Type { return &schema.Type{Kind: schema.Bool} }

func memoryType() *schema.Type { return &schema.Type{Kind: schema.Size, Min: new(1e6)} }

// isolationType is how strongly commands are isolated.
func isolationType() *schema.Type {
	return &schema.Type{Kind: schema.String, Enum: []string{"none", "preferred", "required"}}
}

// limitsType is what each command may use.
func limitsType() *schema.Type {
	return &schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "memory", Type: memoryType(), Help: "Memory of all its processes together.", Example: "8GB"},
		{Name: "processes", Type: &schema.Type{Kind: schema.Int, Min: new(1.0)}, Help: "Processes and threads at the same time.", Example: "4096"},
		{Name: "output", Type: &schema.Type{Kind: schema.Size, Min: new(1000.0)}, Help: "What it prints.", Example: "50MB"},
	}}
}
