package gluetest

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/glue/types"
)

func (w *world) createTrigger(in object) (object, error) {
	name := str(in, "Name")
	def := without(in, "Tags", "StartOnCreation")
	if err := w.checkTrigger(def); err != nil {
		return nil, err
	}
	if err := checkTags(sub(in, "Tags")); err != nil {
		return nil, err
	}
	kind := types.TriggerType(str(def, "Type"))
	if kind == types.TriggerTypeOnDemand && flag(in, "StartOnCreation") {
		return nil, invalid("StartOnCreation is not supported for ON_DEMAND triggers")
	}
	if old := w.triggers[name]; old != nil {
		if same(without(old, "State"), def) {
			return nil, refuse("AlreadyExistsException", "Trigger already submitted: %s", name)
		}
		return nil, refuse("IdempotentParameterMismatchException", "Trigger already submitted with different configurations: %s", name)
	}
	def["State"] = string(types.TriggerStateCreated)
	if flag(in, "StartOnCreation") {
		def["State"] = string(types.TriggerStateActivated)
	}
	w.triggers[name] = def
	w.tags[arn("trigger", name)] = without(sub(in, "Tags"))
	return object{"Name": name}, nil
}

// checkTrigger refuses what the service refuses. A schedule is cron(...) with six
// fields, of which one of the two days is a question mark.
func (w *world) checkTrigger(def object) error {
	if str(def, "Name") == "" || len(list(def, "Actions")) == 0 {
		return invalid("A trigger has a name and actions")
	}
	kind := types.TriggerType(str(def, "Type"))
	if !slices.Contains(kind.Values(), kind) {
		return invalid("Trigger type %q is not known", kind)
	}
	if kind == types.TriggerTypeScheduled {
		fields := strings.Fields(strings.TrimSuffix(strings.TrimPrefix(str(def, "Schedule"), "cron("), ")"))
		if !strings.HasPrefix(str(def, "Schedule"), "cron(") || len(fields) != 6 || (fields[2] == "?") == (fields[4] == "?") {
			return invalid("Invalid schedule expression %q", str(def, "Schedule"))
		}
	}
	for _, job := range jobsOf(def) {
		if w.jobs[job] == nil {
			return missing("Job %s not found.", job)
		}
	}
	return nil
}

// jobsOf are the jobs that a trigger starts.
func jobsOf(trigger object) []string {
	var out []string
	for _, item := range list(trigger, "Actions") {
		action, _ := item.(object)
		if name := str(action, "JobName"); name != "" {
			out = append(out, name)
		}
	}
	return out
}

// updateTrigger replaces the definition; type, workflow and state stay.
func (w *world) updateTrigger(in object) (object, error) {
	name := str(in, "Name")
	old, err := w.trigger(name)
	if err != nil {
		return nil, err
	}
	def := without(sub(in, "TriggerUpdate"), "Name", "Type", "WorkflowName", "State")
	for _, member := range []string{"Name", "Type", "WorkflowName", "State"} {
		if has(old, member) {
			def[member] = old[member]
		}
	}
	if err := w.checkTrigger(def); err != nil {
		return nil, err
	}
	w.triggers[name] = def
	return object{"Trigger": def}, nil
}

func (w *world) trigger(name string) (object, error) {
	trigger := w.triggers[name]
	if trigger == nil {
		return nil, missing("Trigger %s not found.", name)
	}
	return trigger, nil
}

// deleteTrigger is content where there is no such trigger.
func (w *world) deleteTrigger(in object) (object, error) {
	name := str(in, "Name")
	delete(w.triggers, name)
	delete(w.tags, arn("trigger", name))
	return object{"Name": name}, nil
}

// startTrigger activates a trigger, or lets one fire that waits for a demand.
func (w *world) startTrigger(in object) (object, error) {
	trigger, err := w.trigger(str(in, "Name"))
	if err != nil {
		return nil, err
	}
	if types.TriggerType(str(trigger, "Type")) == types.TriggerTypeOnDemand {
		w.fire(trigger)
	} else {
		trigger["State"] = string(types.TriggerStateActivated)
	}
	return object{"Name": trigger["Name"]}, nil
}

func (w *world) stopTrigger(in object) (object, error) {
	trigger, err := w.trigger(str(in, "Name"))
	if err != nil {
		return nil, err
	}
	trigger["State"] = string(types.TriggerStateDeactivated)
	return object{"Name": trigger["Name"]}, nil
}

func (w *world) getTrigger(in object) (object, error) {
	trigger, err := w.trigger(str(in, "Name"))
	if err != nil {
		return nil, err
	}
	return object{"Trigger": trigger}, nil
}

func (w *world) getTriggers(in object) (object, error) {
	return w.answerPage(in, w.dependents(in), 200, "Name", "Triggers")
}

func (w *world) listTriggers(in object) (object, error) {
	return w.answerNames(in, "trigger", w.dependents(in), 200, "TriggerNames")
}

// dependents are the triggers that start a job, and all triggers where there is none
// that does: so the model of the API says, so callers must look again.
func (w *world) dependents(in object) []object {
	all := sorted(w.triggers)
	name := str(in, "DependentJobName")
	some := slices.DeleteFunc(slices.Clone(all), func(trigger object) bool {
		return !slices.Contains(jobsOf(trigger), name)
	})
	if name == "" || len(some) == 0 {
		return all
	}
	return some
}

// fire starts a trigger's jobs. A run that finds no place fails; one of a job that
// is gone ends in an error.
func (w *world) fire(trigger object) []string {
	var ids []string
	for _, item := range list(trigger, "Actions") {
		action, _ := item.(object)
		name := str(action, "JobName")
		job := w.jobs[name]
		if job == nil {
			job = object{"Name": name}
		}
		run := newRun(job, without(action, "JobName"))
		run["TriggerName"] = trigger["Name"]
		full := w.running(name) >= int(number(sub(job, "ExecutionProperty"), "MaxConcurrentRuns"))
		id := w.add(run, "jr_"+w.id())
		switch {
		case w.jobs[name] == nil:
			w.finish(run, types.JobRunStateError, "Entity Not Found")
		case full && flag(run, "JobRunQueuingEnabled"):
			w.move(run, types.JobRunStateWaiting)
		case full:
			w.finish(run, types.JobRunStateFailed, "Concurrent runs exceeded for "+name)
		}
		ids = append(ids, id)
	}
	return ids
}

// Fire lets a trigger start its jobs, as its schedule or event would, and returns
// the names of the runs: none where it is not active, or not there.
func (f *Fake) Fire(trigger string) []string {
	var ids []string
	f.change(func(w *world) {
		if t := w.triggers[trigger]; t != nil && str(t, "State") == string(types.TriggerStateActivated) {
			ids = w.fire(t)
		}
	})
	return ids
}

// SetTriggerState shows a trigger in a state, such as ACTIVATING, until something
// else changes it. It says whether the trigger is there.
func (f *Fake) SetTriggerState(name string, state types.TriggerState) bool {
	there := false
	f.change(func(w *world) {
		if t := w.triggers[name]; t != nil {
			there = true
			t["State"] = string(state)
		}
	})
	return there
}

// Trigger is a trigger as GetTrigger answers it; nil where there is none.
func (f *Fake) Trigger(name string) map[string]any {
	var trigger object
	f.change(func(w *world) { trigger = clone(w.triggers[name]) })
	return trigger
}
