package glue

// A class says who a member of the Job model belongs to.
type class int

// The classes. A member that is not in the table is one that this version does not
// know: it is carried over as it is.
const (
	settable class = iota + 1 // a parameter of the shape sets it
	carried                   // no parameter can say it; it is carried over as it is
	readOnly                  // Glue says it, and takes none
)

// A member is one member of the Job model.
type member struct {
	class class
	field string // as the manifest names it; empty: it cannot
	code  coder  // between the manifest's value and Glue's
	fill  filler // what Glue makes of it where nobody sets it; nil: nothing
}

// A filler is the value that Glue gives a member of a job by itself.
type filler func(job cells) any

// model is every member of Glue's Job, and of the structures in it that are compared
// member by member. A test holds it to the SDK's types.
//
//nolint:gochecknoglobals // an immutable table
var model = map[string]member{
	"Name":                {class: readOnly},
	"CreatedOn":           {class: readOnly},
	"LastModifiedOn":      {class: readOnly},
	"ProfileName":         {class: readOnly},
	"AutoUpgradeMetadata": {class: readOnly},
	"AllocatedCapacity":   {class: readOnly}, // the former name of MaxCapacity

	"Role":                  {settable, "run.role", asText, nil},
	"GlueVersion":           {settable, "run.glue_version", asText, always("5.1")},
	"WorkerType":            {settable, "run.worker_type", asText, nil},
	"NumberOfWorkers":       {settable, "run.workers", asWhole, nil},
	"MaxCapacity":           {settable, "run.max_capacity", asNumber, defaultCapacity},
	"ExecutionClass":        {settable, "run.execution_class", asText, always("STANDARD")},
	"Timeout":               {settable, "run.timeout", asMinutes, defaultTimeout},
	"MaxRetries":            {settable, "run.max_retries", asWhole, always(number("0"))},
	"JobRunQueuingEnabled":  {settable, "run.queuing", asFlag, always(false)},
	"Description":           {settable, "run.description", asText, nil},
	"SecurityConfiguration": {settable, "run.security_configuration", asText, nil},
	"MaintenanceWindow":     {settable, "run.maintenance_window", asText, nil},

	"Command":                             {class: settable},
	"Command.Name":                        {settable, "run.type", asText, nil},
	"Command.ScriptLocation":              {settable, "script", asText, nil},
	"Command.PythonVersion":               {settable, "run.python_version", asText, always("2")},
	"Command.Runtime":                     {class: carried}, // of Ray jobs
	"Connections":                         {class: settable},
	"Connections.Connections":             {settable, "run.connections", asTexts, nil},
	"ExecutionProperty":                   {class: settable},
	"ExecutionProperty.MaxConcurrentRuns": {settable, "run.max_concurrent_runs", asWhole, always(number("1"))},
	"NotificationProperty":                {class: settable},
	"NotificationProperty.NotifyDelayAfter": {
		settable, "run.notify_delay_after", asMinutes, nil,
	},
	"DefaultArguments":        {class: settable},
	"NonOverridableArguments": {class: settable},

	"JobMode":                   {class: carried, fill: always("SCRIPT")},
	"LogUri":                    {class: carried},
	"CodeGenConfigurationNodes": {class: carried}, // the graph of a visual job
	"SourceControlDetails":      {class: carried}, // without its AuthToken
}

// spreadMembers are the members whose own members are compared one by one.
//
//nolint:gochecknoglobals // an immutable table
var spreadMembers = map[string]bool{
	"Command": true, "Connections": true, "ExecutionProperty": true, "NotificationProperty": true,
	"DefaultArguments": true, "NonOverridableArguments": true,
}

func always(v any) filler { return func(cells) any { return v } }

// defaultCapacity is in DPUs.
func defaultCapacity(job cells) any {
	if job["Command.Name"] == typeShell {
		return number("0.0625")
	}
	return number("10")
}

// defaultTimeout is 480 minutes since Glue 5.0, and 2,880 before. Streaming and Ray
// jobs have none.
func defaultTimeout(job cells) any {
	if kind := job["Command.Name"]; kind != typeSpark && kind != typeShell {
		return nil
	}
	if version, _ := job["GlueVersion"].(string); version != "" && version < "5" {
		return number("2880")
	}
	return number("480")
}

// The types of job, as Glue and the manifest call them.
const (
	typeSpark     = "glueetl"
	typeStreaming = "gluestreaming"
	typeShell     = "pythonshell"
)
