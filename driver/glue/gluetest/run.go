package gluetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/glue/types"
)

// ended says whether a run of this state moves no more.
func ended(state types.JobRunState) bool {
	switch state {
	case types.JobRunStateStopped, types.JobRunStateSucceeded, types.JobRunStateFailed,
		types.JobRunStateTimeout, types.JobRunStateError, types.JobRunStateExpired:
		return true
	default:
		return false
	}
}

func stateOf(run object) types.JobRunState { return types.JobRunState(str(run, "JobRunState")) }

// startJobRun starts a run, each time that it is asked: there is no token that
// would make a second call the same as the first.
func (w *world) startJobRun(in object) (object, error) {
	name := str(in, "JobName")
	job := w.jobs[name]
	if job == nil {
		return nil, missing("Failed to start job run due to missing metadata")
	}
	if err := checkCapacity(in); err != nil {
		return nil, err
	}
	previous := str(in, "JobRunId")
	if previous != "" && w.run(name, previous) == nil {
		return nil, missing("Job run %s not found.", previous)
	}
	run := newRun(job, in)
	if w.running(name) >= int(number(sub(job, "ExecutionProperty"), "MaxConcurrentRuns")) {
		if !flag(run, "JobRunQueuingEnabled") {
			return nil, refuse("ConcurrentRunsExceededException", "Concurrent runs exceeded for %s", name)
		}
		run["JobRunState"] = string(types.JobRunStateWaiting)
	}
	if previous != "" {
		run["PreviousRunId"] = previous
	}
	return object{"JobRunId": w.add(run, "jr_"+w.id())}, nil
}

// add gives a run its name and place, and returns the name.
func (w *world) add(run object, id string) string {
	run["Id"], run["StartedOn"], run["LastModifiedOn"] = id, seconds(w.now), seconds(w.now)
	job := str(run, "JobName")
	w.runs[job] = append(w.runs[job], run)
	w.ahead[id] = slices.Clone(w.progress)
	return id
}

// newRun is a run of a job as the call asks for it. Its arguments are the call's own;
// those of the job are not repeated (assumed: other fakes repeat them).
func newRun(job, in object) object {
	run := object{
		"JobName": job["Name"], "JobMode": job["JobMode"], "Attempt": 0,
		"JobRunState":     string(types.JobRunStateStarting),
		"PredecessorRuns": []any{}, "ExecutionTime": 0,
		"GlueVersion": job["GlueVersion"], "Arguments": without(sub(in, "Arguments")),
	}
	sized := has(in, "WorkerType") || has(in, "MaxCapacity") || has(in, "AllocatedCapacity")
	for _, member := range []string{
		"WorkerType", "NumberOfWorkers", "MaxCapacity", "AllocatedCapacity",
		"Timeout", "SecurityConfiguration", "NotificationProperty", "ExecutionClass", "JobRunQueuingEnabled",
		"ExecutionRoleSessionPolicy", "MaintenanceWindow",
	} {
		if size := strings.HasSuffix(member, "Capacity") || strings.Contains(member, "Worker"); has(in, member) || size && sized {
			run[member] = in[member]
		} else {
			run[member] = job[member]
		}
	}
	fill(run, "MaxCapacity", capacity(run, str(sub(job, "Command"), "Name")))
	fill(run, "AllocatedCapacity", int(number(run, "MaxCapacity")))
	run["LogGroupName"] = logGroup(job, run)
	return without(run)
}

// logGroup is where a run writes its logs. One with a security configuration has
// groups of its own.
func logGroup(job, run object) string {
	if secured := str(run, "SecurityConfiguration"); secured != "" {
		role := str(job, "Role")
		return "/aws-glue/jobs-" + role[strings.LastIndex(role, "/")+1:] + "-" + secured
	}
	return "/aws-glue/jobs"
}

func (w *world) run(job, id string) object {
	for _, run := range w.runs[job] {
		if str(run, "Id") == id {
			return run
		}
	}
	return nil
}

// anyRun finds a run of whatever job.
func (w *world) anyRun(id string) object {
	for job := range w.runs {
		if run := w.run(job, id); run != nil {
			return run
		}
	}
	return nil
}

// running counts the runs that take a place.
func (w *world) running(job string) int {
	n := 0
	for _, run := range w.runs[job] {
		if state := stateOf(run); !ended(state) && state != types.JobRunStateWaiting {
			n++
		}
	}
	return n
}

func (w *world) getJobRun(in object) (object, error) {
	run := w.run(str(in, "JobName"), str(in, "RunId"))
	if run == nil {
		return nil, missing("Entity Not Found")
	}
	return object{"JobRun": run}, nil
}

// getJobRuns lists the newest run first.
func (w *world) getJobRuns(in object) (object, error) {
	name := str(in, "JobName")
	if w.jobs[name] == nil {
		return nil, missing("Job %s not found.", name)
	}
	runs := slices.Clone(w.runs[name])
	slices.Reverse(runs)
	return w.answerPage(in, runs, 200, "Id", "JobRuns")
}

// batchStopJobRun asks runs to stop. One that waits for a place stops at once; the
// others are stopping until Finish ends them.
func (w *world) batchStopJobRun(in object) (object, error) {
	ids := list(in, "JobRunIds")
	if len(ids) < 1 || len(ids) > 25 {
		return nil, invalid("JobRunIds must have between 1 and 25 items")
	}
	done, refused := []any{}, []any{}
	for _, item := range ids {
		id, _ := item.(string)
		submission := object{"JobName": in["JobName"], "JobRunId": id}
		run := w.run(str(in, "JobName"), id)
		switch {
		case run == nil:
			submission["ErrorDetail"] = object{"ErrorCode": "EntityNotFoundException", "ErrorMessage": "Job run " + id + " not found."}
			refused = append(refused, submission)
		case ended(stateOf(run)):
			submission["ErrorDetail"] = object{"ErrorCode": "JobRunInTerminalStateException", "ErrorMessage": "Job run " + id + " is in state " + str(run, "JobRunState")}
			refused = append(refused, submission)
		case stateOf(run) == types.JobRunStateWaiting:
			w.finish(run, types.JobRunStateStopped, "")
			done = append(done, submission)
		default:
			w.move(run, types.JobRunStateStopping)
			w.ahead[id] = nil
			done = append(done, submission)
		}
	}
	return object{"SuccessfulSubmissions": done, "Errors": refused}, nil
}

func (w *world) move(run object, state types.JobRunState) {
	run["JobRunState"], run["LastModifiedOn"] = string(state), seconds(w.now)
}

// finish ends a run: it retries what failed as often as the job says, and gives the
// place to the run that has waited longest.
func (w *world) finish(run object, state types.JobRunState, message string) {
	w.move(run, state)
	run["CompletedOn"] = seconds(w.now)
	run["ExecutionTime"] = int(number(run, "CompletedOn") - number(run, "StartedOn"))
	if message != "" {
		run["ErrorMessage"] = message
	}
	job := w.jobs[str(run, "JobName")]
	if str(run, "ExecutionClass") == "FLEX" || str(sub(job, "DefaultArguments"), "--enable-auto-scaling") == "true" {
		run["DPUSeconds"] = number(run, "MaxCapacity") * number(run, "ExecutionTime")
	}
	if state == types.JobRunStateFailed && number(run, "Attempt") < number(job, "MaxRetries") {
		w.retry(run)
		return
	}
	for _, next := range w.runs[str(run, "JobName")] {
		if stateOf(next) == types.JobRunStateWaiting {
			w.move(next, types.JobRunStateStarting)
			return
		}
	}
}

// retry starts the next attempt of a run that failed.
func (w *world) retry(run object) {
	attempt := int(number(run, "Attempt")) + 1
	first, _, _ := strings.Cut(str(run, "Id"), "_attempt_")
	next := without(run, "CompletedOn", "ErrorMessage", "DPUSeconds")
	next["Attempt"], next["ExecutionTime"], next["PreviousRunId"] = attempt, 0, run["Id"]
	next["JobRunState"] = string(types.JobRunStateStarting)
	w.add(next, fmt.Sprintf("%s_attempt_%d", first, attempt))
}

// pass moves the run on that is about to be read.
func (w *world) pass(op string, in object) {
	id := str(in, "RunId")
	run := w.run(str(in, "JobName"), id)
	if op != "GetJobRun" || run == nil || len(w.ahead[id]) == 0 || stateOf(run) == types.JobRunStateWaiting {
		return
	}
	state := w.ahead[id][0]
	w.ahead[id] = w.ahead[id][1:]
	if ended(state) {
		w.finish(run, state, "")
	} else {
		w.move(run, state)
	}
}
