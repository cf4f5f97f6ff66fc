package gluetest

import (
	"strconv"
	"strings"
)

const (
	commandShell     = "pythonshell"
	commandRay       = "glueray"
	commandStreaming = "gluestreaming"
)

// factors are the DPUs of a worker.
//
//nolint:gochecknoglobals // an immutable table
var factors = map[string]float64{
	"Standard": 1, "G.025X": 0.25, "G.1X": 1, "G.2X": 2, "G.4X": 4, "G.8X": 8, "G.12X": 12, "G.16X": 16,
	"R.1X": 1, "R.2X": 2, "R.4X": 4, "R.8X": 8, "Z.2X": 2,
}

// readOnly are the members of a job that no caller sets. Sent in an update they are
// passed over, as members that the service does not know (assumed).
func readOnly() []string {
	return []string{"Name", "Tags", "CreatedOn", "LastModifiedOn", "ProfileName", "AutoUpgradeMetadata"}
}

// createJob refuses a name that is taken: in one way where the definition is the
// same, and in another where it differs.
func (w *world) createJob(in object) (object, error) {
	name := str(in, "Name")
	if name == "" || len(name) > 255 {
		return nil, invalid("Job name must have between 1 and 255 characters")
	}
	def := without(in, readOnly()...)
	if err := checkJob(def); err != nil {
		return nil, err
	}
	if err := checkTags(sub(in, "Tags")); err != nil {
		return nil, err
	}
	fillJob(def)
	if old := w.jobs[name]; old != nil {
		if same(without(old, readOnly()...), def) {
			return nil, refuse("AlreadyExistsException", "Job already submitted: %s", name)
		}
		return nil, refuse("IdempotentParameterMismatchException", "Job already submitted with different configurations: %s", name)
	}
	def["Name"], def["CreatedOn"], def["LastModifiedOn"] = name, seconds(w.now), seconds(w.now)
	w.jobs[name] = def
	w.tags[arn("job", name)] = without(sub(in, "Tags"))
	return object{"Name": name}, nil
}

// updateJob replaces the definition: what the update does not name is gone, or the
// default. Only GlueVersion stays.
func (w *world) updateJob(in object) (object, error) {
	name := str(in, "JobName")
	old := w.jobs[name]
	if old == nil {
		return nil, missing("Job %s not found.", name)
	}
	def := without(sub(in, "JobUpdate"), readOnly()...)
	fill(def, "GlueVersion", old["GlueVersion"])
	if err := checkJob(def); err != nil {
		return nil, err
	}
	fillJob(def)
	for _, member := range readOnly() {
		if has(old, member) {
			def[member] = old[member]
		}
	}
	def["LastModifiedOn"] = seconds(w.now)
	w.jobs[name] = def
	return object{"JobName": name}, nil
}

// checkJob refuses what the service refuses.
func checkJob(def object) error {
	command := sub(def, "Command")
	switch {
	case str(def, "Role") == "":
		return invalid("Role must be set")
	case command == nil || str(command, "Name") == "":
		return invalid("Command must be set")
	case len(str(def, "Description")) > 2048:
		return invalid("Description must have at most 2048 characters")
	case str(command, "Name") == commandRay && has(def, "Timeout"):
		return invalid("Timeout not supported for Ray jobs")
	case has(def, "Timeout") && (number(def, "Timeout") < 1 || number(def, "Timeout") > 10080):
		return invalid("Timeout must be between 1 and 10080 minutes")
	case str(def, "ExecutionClass") == "FLEX" && str(command, "Name") != "glueetl":
		return invalid("Execution class FLEX is for jobs of type glueetl only")
	}
	return checkCapacity(def)
}

// checkCapacity refuses two ways to say how big a job or run is to be. The sentences
// are the service's own.
func checkCapacity(def object) error {
	workers := has(def, "WorkerType") || has(def, "NumberOfWorkers")
	switch {
	case workers && has(def, "MaxCapacity"):
		return invalid("Please do not set Max Capacity if using Worker Type and Number of Workers.")
	case workers && has(def, "AllocatedCapacity"):
		return invalid("Please do not set Allocated Capacity if using Worker Type and Number of Workers.")
	case has(def, "MaxCapacity") && has(def, "AllocatedCapacity"):
		return invalid("Please set only Allocated Capacity or Max Capacity.")
	case workers && (!has(def, "WorkerType") || !has(def, "NumberOfWorkers")):
		return invalid("Please set both Worker Type and Number of Workers.")
	case workers && factors[str(def, "WorkerType")] == 0:
		return invalid("Worker Type %s is not known", str(def, "WorkerType"))
	case str(def, "WorkerType") == "G.1X" && number(def, "NumberOfWorkers") < 2:
		return invalid("To use Worker Type G.1X, minimum allowed value of Number of Workers is 2.")
	}
	return nil
}

// fillJob adds what the service adds to a definition. That is what a later GetJob
// answers, and looks like somebody's change to whoever compares it with what was sent.
func fillJob(def object) {
	kind := str(sub(def, "Command"), "Name")
	fill(def, "JobMode", "SCRIPT")
	fill(def, "GlueVersion", "5.1")
	fill(def, "MaxRetries", 0)
	fill(def, "ExecutionProperty", object{"MaxConcurrentRuns": 1})
	if kind != commandRay {
		fill(sub(def, "Command"), "PythonVersion", "2")
	}
	if kind != commandStreaming {
		fill(def, "Timeout", defaultTimeout(str(def, "GlueVersion")))
	}
	fill(def, "MaxCapacity", capacity(def, kind))
	fill(def, "AllocatedCapacity", int(number(def, "MaxCapacity")))
}

// defaultTimeout is in minutes.
func defaultTimeout(version string) int {
	major, _, _ := strings.Cut(version, ".")
	if n, err := strconv.Atoi(major); err == nil && n < 5 {
		return 2880
	}
	return 480
}

// capacity is in DPUs.
func capacity(def object, kind string) float64 {
	switch {
	case has(def, "WorkerType"):
		return factors[str(def, "WorkerType")] * number(def, "NumberOfWorkers")
	case has(def, "AllocatedCapacity"):
		return number(def, "AllocatedCapacity")
	case kind == commandShell:
		return 0.0625
	default:
		return 10
	}
}

// deleteJob is content where there is no such job. Triggers that name it stay; its
// runs go with it (assumed).
func (w *world) deleteJob(in object) (object, error) {
	name := str(in, "JobName")
	delete(w.jobs, name)
	delete(w.runs, name)
	delete(w.tags, arn("job", name))
	return object{"JobName": name}, nil
}

func (w *world) getJob(in object) (object, error) {
	job := w.jobs[str(in, "JobName")]
	if job == nil {
		return nil, missing("Job %s not found.", str(in, "JobName"))
	}
	return object{"Job": job}, nil
}

func (w *world) getJobs(in object) (object, error) {
	return w.answerPage(in, sorted(w.jobs), 1000, "Name", "Jobs")
}

func (w *world) listJobs(in object) (object, error) {
	return w.answerNames(in, "job", sorted(w.jobs), 1000, "JobNames")
}

func (w *world) batchGetJobs(in object) (object, error) {
	jobs, absent := []any{}, []any{}
	for _, item := range list(in, "JobNames") {
		name, _ := item.(string)
		if job := w.jobs[name]; job != nil {
			jobs = append(jobs, job)
		} else {
			absent = append(absent, name)
		}
	}
	return object{"Jobs": jobs, "JobsNotFound": absent}, nil
}

// Job is a job as GetJob answers it, with the members that no SDK knows; nil where
// there is none.
func (f *Fake) Job(name string) map[string]any {
	var job object
	f.change(func(w *world) { job = clone(w.jobs[name]) })
	return job
}

// Edit changes a job's stored definition as it stands, past every rule: members of
// a newer Glue, or what only the service itself can set. It says whether the job is there.
func (f *Fake) Edit(name string, edit func(job map[string]any)) bool {
	there := false
	f.change(func(w *world) {
		if job := w.jobs[name]; job != nil {
			there = true
			edit(job)
		}
	})
	return there
}
