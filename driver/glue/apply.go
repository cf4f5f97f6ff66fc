package glue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

// pauses are those between looks at what Glue has, while it does not have what it was
// told yet, or what it is told fails in a way that passes.
//
//nolint:gochecknoglobals // an immutable table
var pauses = []time.Duration{
	500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 8 * time.Second, 8 * time.Second,
}

// Apply carries out a plan as it stands. It looks at what is there, does what is
// missing, one step at a time, and looks again until all is there: so it goes on
// where an earlier Apply stopped, whatever became of that one's last call. A state
// that lies neither at the plan's beginning nor on its way is somebody else's work,
// and ends it.
func (d *Driver) Apply(ctx context.Context, p slipway.Plan, blobs driver.Blobs) (slipway.Handle, error) {
	a, err := d.applying(p)
	if err != nil {
		return slipway.Handle{}, err
	}
	var now remote
	err = all(
		func() error { return d.provide(ctx, a.want, blobs) },
		func() (err error) { now, err = a.look(ctx); return err },
	)
	if err != nil {
		return slipway.Handle{}, err
	}
	if now, err = a.run(ctx, now); err != nil {
		return slipway.Handle{}, err
	}
	return a.handle(now)
}

// An application is a plan under way.
type application struct {
	*Driver
	plan   slipway.Plan
	want   want
	wish   wish
	wanted cells
	acted  map[string]bool   // steps that Glue said it took
	waits  int               // since the last of them
	tags   map[string]string // of the job, as Glue took them; nil: they are to be read
}

func (d *Driver) applying(p slipway.Plan) (*application, error) {
	w, err := d.wantOf(p.Target)
	if err != nil {
		return nil, err
	}
	definition, err := wishOf(p.Definition)
	if err != nil {
		return nil, err
	}
	if definition == nil || definition.Job == nil {
		return nil, slipway.Errorf(slipway.Conflict, "the plan for %s holds no definition", w.name).WithFix("plan again")
	}
	return &application{Driver: d, plan: p, want: w, wish: *definition, wanted: definition.cells(), acted: map[string]bool{}}, nil
}

// look reads what there is. A trigger that the plan neither finds, makes nor takes away
// is not asked for.
func (a *application) look(ctx context.Context) (remote, error) {
	find := noTrigger
	if a.touchesTrigger() {
		find = a.trigger
	}
	if a.tags == nil {
		now, err := a.readWith(ctx, a.want.name, find)
		return now.reveal(a.wanted, cells(a.wish.From)), err
	}
	var now remote
	var tags map[string]string
	err := all(
		func() (err error) { now.Job, err = a.readJob(ctx, a.want.name); return err },
		func() (err error) { now.Trigger, tags, err = find(ctx, a.want.name); return err },
	)
	if err != nil || now.Job == nil || now.Trigger != nil && tags[tagApp] == "" || now.Trigger == nil && len(tags) > 0 {
		a.tags = nil // something is not as it was; all of it is looked at
		now, err := a.readWith(ctx, a.want.name, find)
		return now.reveal(a.wanted, cells(a.wish.From)), err
	}
	now.hide()
	now.Tags = a.tags
	return now.reveal(a.wanted, cells(a.wish.From)), nil
}

func (a *application) touchesTrigger() bool {
	if a.plan.Base == "" || a.wish.Trigger != nil {
		return true
	}
	for name := range a.wish.From {
		if strings.HasPrefix(name, triggerCells) {
			return true
		}
	}
	return false
}

// run works until Glue has what is wanted, and returns that.
func (a *application) run(ctx context.Context, now remote) (remote, error) {
	for {
		left, err := a.left(ctx, now)
		if err != nil || len(left) == 0 {
			return now, err
		}
		if err := a.work(ctx, now, left); err != nil {
			return now, a.partly(err)
		}
		if now, err = a.look(ctx); err != nil {
			return now, a.partly(err)
		}
	}
}

// work takes the steps that are left, but for those that Glue said it took: there
// only time can help. Where none was taken it waits, and gives up after a while.
func (a *application) work(ctx context.Context, now remote, left []step) error {
	var failure error
	progress := false
	a.tags = nil
	for _, s := range left {
		if a.acted[s.name] {
			continue
		}
		if err := s.act(ctx, a, now); err != nil {
			failure = &stepError{s.name, a.explain(err, s.action, s.resource), err}
			break
		}
		a.acted[s.name], progress = true, true
	}
	switch {
	case failure != nil && !passes(failure):
		return a.plainly(failure)
	case failure == nil && progress:
		a.waits, a.tags = 0, a.tagged(now, left)
		return nil
	case a.waits == len(pauses):
		return a.stuck(left, failure)
	}
	a.waits++
	return a.cfg.Pause(ctx, pauses[a.waits-1])
}

// tagged are the job's tags after steps that Glue took; nil where it has to be asked.
func (a *application) tagged(now remote, steps []step) map[string]string {
	tags := map[string]string{}
	maps.Copy(tags, now.Tags)
	for _, s := range steps {
		switch s.name {
		case stepUpdate:
		case stepTag:
			maps.Copy(tags, a.wish.Tags)
		case stepUntag:
			for _, key := range a.oldTags() {
				delete(tags, key)
			}
		default:
			if s.resource != "trigger/"+triggerName(a.want.name) {
				return nil
			}
		}
	}
	return tags
}

// A stepError is a step that failed: as people are told it, and as AWS did.
type stepError struct {
	step string
	told error
	raw  error
}

func (e *stepError) Error() string { return e.told.Error() }
func (e *stepError) Unwrap() error { return e.told }

// passes reports whether a failure may be over in a moment, or be none at all because
// the call acted: then what is there says so.
func passes(err error) bool {
	failed, ok := errors.AsType[*stepError](err)
	if !ok || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	if byAnother(failed.raw) {
		return false
	}
	switch codeOf(failed.raw) {
	case "InvalidInputException", "ValidationException":
		return strings.Contains(strings.ToLower(words(failed.raw)), "assume") // a role that was just made
	case "AccessDeniedException", "AccessDenied", "ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException",
		"InvalidSignatureException", "IncompleteSignature", "InvalidClientTokenId", "MissingAuthenticationToken",
		"ResourceNumberLimitExceededException", "InvalidParameterException":
		return false
	case "EntityNotFoundException":
		return failed.step != stepUpdate
	}
	return true
}

// plainly tells a refusal with the manifest's name of what Glue did not like, where
// that can be found.
func (a *application) plainly(err error) error {
	failed, ok := errors.AsType[*stepError](err)
	if !ok || slipway.KindOf(err) != slipway.Invalid {
		return err
	}
	said := strings.ToLower(strings.ReplaceAll(words(failed.raw), " ", ""))
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(model))) {
		last := strings.ToLower(name[strings.LastIndex(name, ".")+1:])
		if field := model[name].field; field != "" && len(last) > 3 && strings.Contains(said, last) {
			return slipway.Errorf(slipway.Invalid, "%s: %w", field, failed.told)
		}
	}
	return failed.told
}

// partly tells what was done before something failed.
func (a *application) partly(err error) error {
	if len(a.acted) == 0 || err == nil {
		return err
	}
	return &slipway.Error{
		Kind: slipway.KindOf(err), Err: err, Fix: "deploy again: it goes on from here",
		Message: fmt.Sprintf("%v (done before that: %s)", err, strings.Join(slices.Sorted(maps.Keys(a.acted)), ", ")),
	}
}

// stuck tells that Glue did not come to have what it was told.
func (a *application) stuck(left []step, failure error) error {
	if failure != nil {
		return failure
	}
	var names []string
	for _, s := range left {
		names = append(names, s.name)
	}
	return slipway.Errorf(slipway.Unavailable, "AWS Glue accepted to %s, and does not show it", strings.Join(names, ", ")).
		WithFix("deploy again in a minute; slipway status %s shows what is there", a.plan.Target.Environment)
}

// handle is how the deployment is found again, with the snapshot of what there is.
func (a *application) handle(now remote) (slipway.Handle, error) {
	c := without(now.cells(), func(name string) bool { return foreignTag(name) && !slices.Contains(a.wish.Ours, name) })
	data, err := json.Marshal(wish{definition: c.definition(), Ours: a.wish.Ours, Kept: a.wish.Kept})
	if err != nil {
		return slipway.Handle{}, err
	}
	t := a.plan.Target
	return slipway.Handle{App: t.App, Environment: t.Environment, Name: a.want.name, Data: map[string]string{definitionData: string(data)}}, nil
}

// compare says which cells are not as wanted yet. One that is neither as wanted nor
// as the plan found it is an error of kind Conflict.
func (a *application) compare(now remote) (map[string]bool, error) {
	if !now.present() {
		return nil, a.absent()
	}
	there, left := now.cells(), map[string]bool{}
	var moved []string
	for _, name := range union(there, a.wanted, a.wish.From) {
		was, changes := a.wish.From[name]
		switch {
		case foreignTag(name) && a.wanted[name] == nil && !changes, as(name, there, a.wanted):
		case changes && equal(name, there[name], was), a.plan.Base == "" && there[name] == nil:
			left[name] = true
		case !changes && a.wanted[name] == nil && (!known(name) || model[name].fill != nil):
			// Glue filled in what nobody set.
		case a.plan.Base == "" && strings.HasPrefix(name, triggerCells):
			left[name] = true // of a job that is gone
		default:
			moved = append(moved, fmt.Sprintf("%s is %s", fieldOf(name), show(name, there[name])))
		}
	}
	if len(moved) > 0 {
		return nil, a.moved(strings.Join(moved, ", "))
	}
	return left, nil
}

func (a *application) absent() error {
	if a.plan.Base != "" && !a.acted[stepCreate] {
		return a.moved("it is no longer there")
	}
	return nil
}

// moved tells that somebody else was at work.
func (a *application) moved(how string) error {
	if len(a.acted) > 0 {
		return slipway.Errorf(slipway.Conflict, "somebody changed the job %s while it was deployed: %s", a.want.name, how).
			WithFix("find out who: the AWS console shows it (CloudTrail, Event history, UpdateJob); then deploy again")
	}
	return slipway.Errorf(slipway.Conflict, "the job %s changed after the plan was made: %s", a.want.name, how).
		WithFix("make a new plan and look at it: slipway plan %s", a.plan.Target.Environment)
}
