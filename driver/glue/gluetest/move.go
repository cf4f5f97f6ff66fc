package gluetest

import "github.com/aws/aws-sdk-go-v2/service/glue/types"

// Progress gives the runs that are started from now on a life of their own: every
// GetJobRun moves the run that it reads to the next of these states first.
func (f *Fake) Progress(states ...types.JobRunState) {
	f.change(func(w *world) { w.progress = states })
}

// Start moves a run to RUNNING. It says whether there is such a run that can.
func (f *Fake) Start(runID string) bool {
	return f.moved(runID, func(w *world, run object) { w.move(run, types.JobRunStateRunning) })
}

// Finish ends a run in a state, with Glue's message. The time that it took is the
// fake's. It says whether there is such a run that had not ended.
func (f *Fake) Finish(runID string, state types.JobRunState, message string) bool {
	return f.moved(runID, func(w *world, run object) { w.finish(run, state, message) })
}

// Detail sets what Glue says of a run's state, such as why it waits.
func (f *Fake) Detail(runID, detail string) bool {
	return f.moved(runID, func(_ *world, run object) { run["StateDetail"] = detail })
}

func (f *Fake) moved(id string, move func(*world, object)) bool {
	there := false
	f.change(func(w *world) {
		if run := w.anyRun(id); run != nil && !ended(stateOf(run)) {
			there = true
			move(w, run)
		}
	})
	return there
}

// Runs are the names of a job's runs, oldest first.
func (f *Fake) Runs(job string) []string {
	var ids []string
	f.change(func(w *world) {
		for _, run := range w.runs[job] {
			ids = append(ids, str(run, "Id"))
		}
	})
	return ids
}

// Run is a run as GetJobRun answers it; nil where there is none.
func (f *Fake) Run(runID string) map[string]any {
	var run object
	f.change(func(w *world) { run = clone(w.anyRun(runID)) })
	return run
}
