// Package workflow runs named steps durably: a step's result is recorded, and
// after a crash the work goes on at the first step without one. It knows nothing
// of delivery. Start at Open, Register and Run.
//
// It is the only home of the engine, DBOS Transact, which keeps its records in
// the database that package store opens.
//
// A step that acted and died before its record runs again: every step must be
// idempotent. A shipped workflow is not edited; a new version is registered
// beside it under another name until the old ones are done.
package workflow

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
	_ "github.com/dbos-inc/dbos-transact-golang/dbos/driver/sqlite" // lets the engine use the store's SQLite pool

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/store"
	"github.com/slipway-cd/slipway/telemetry"
)

const (
	// version is the engine's application version. It is pinned: by default the
	// engine hashes the binary, and would not go on with the work of another one.
	version = "1"
	// attempts is how often a workflow may be recovered. Every restart counts, so
	// it is never the limit.
	attempts = 1 << 30
	// poll is how often the result of a resumed workflow is looked for, and pollFar
	// how often where that goes over a network.
	poll    = 5 * time.Millisecond
	pollFar = 50 * time.Millisecond
	// resumed is the queue in which workflows that go on wait for the engine, and
	// look how often it looks there: its own queue it looks at once a second. Where
	// several processes share the database each has a queue of its own: only the one
	// that runs a workflow has what it is run for.
	resumed = "resumed"
	look    = 50 * time.Millisecond
	// unheard is how long a workflow that is to go on may not have begun until it is asked
	// for again: a connection that was cut may have hidden from the engine that it had
	// taken it out of its queue.
	unheard = 5 * time.Second
	// drain is how long Close waits for workflows to see that they must stop.
	drain = 10 * time.Second
)

// Config says how an engine runs.
type Config struct {
	// Executor names this process among those that share the database. It is
	// unique: two processes under one name would run the same step twice.
	Executor string
	Log      *slog.Logger
}

// An Engine runs workflows. It is ready after Launch.
type Engine struct {
	root  dbos.Context
	store *store.Store
	name  string // of this process with the engine
	queue string
	poll  time.Duration
	runs  sync.Map // of the runs under way: id to *run
	tasks sync.WaitGroup
}

// Open makes an engine over the store's database, and the engine's own tables
// in it where they are not there yet.
func Open(ctx context.Context, st *store.Store, c Config) (*Engine, error) {
	e := &Engine{store: st, name: c.Executor, queue: resumed, poll: poll}
	config := dbos.Config{AppName: "slipway", SQLiteSystemDB: st.Writer(), ApplicationVersion: version, ExecutorID: c.Executor, Logger: c.Log}
	if st.Shared() {
		pool, err := st.OpenPool(ctx)
		if err != nil {
			return nil, err
		}
		config.SystemDBPool, e.queue, e.poll = pool, queueOf(c.Executor), pollFar
	}
	var err error
	if e.root, err = dbos.NewContext(context.WithoutCancel(ctx), config); err != nil {
		if config.SystemDBPool != nil {
			config.SystemDBPool.Close()
		}
		return nil, unready(st, fmt.Errorf("open the workflow engine: %w", err))
	}
	return e, nil
}

// unready explains why the engine does not begin. Over a shared database that is mostly
// because it was restarted, or the way to it was cut, and of the cause the engine tells
// nothing but the text: whoever begins it again will know.
func unready(st *store.Store, err error) error {
	told := st.Explain(err)
	if st.Shared() && slipway.KindOf(told) == slipway.Internal {
		return slipway.Errorf(slipway.Unavailable, "%w", err).WithFix("begin again; if the database is well and it stays so, report it")
	}
	return told
}

// queueOf is the queue of a process that shares the database with others.
func queueOf(executor string) string { return resumed + "/" + executor }

// Launch starts the engine. Every workflow must be registered before.
func (e *Engine) Launch() error {
	dbos.ListenQueues(e.root, e.queue)
	if err := e.Listen(); err != nil {
		return err
	}
	if err := dbos.Launch(e.root); err != nil {
		return unready(e.store, fmt.Errorf("launch the workflow engine: %w", err))
	}
	return nil
}

// Listen has the queue of this process there, which another one removes that takes it
// for lost: see Forget.
func (e *Engine) Listen() error {
	if _, err := dbos.RegisterQueue(e.root, e.queue, dbos.WithQueueBasePollingInterval(look)); err != nil {
		return unready(e.store, fmt.Errorf("launch the workflow engine: %w", err))
	}
	return nil
}

// Close stops the engine. Workflows under way stay where they are and go on when
// they are run again. Closing twice is harmless.
func (e *Engine) Close() error {
	if e.store.Shared() {
		_ = dbos.DeleteQueue(e.root, e.queue) // else whoever forgets this process does
	}
	if err := dbos.Shutdown(e.root, drain); err != nil {
		return fmt.Errorf("stop the workflow engine: %w", err)
	}
	e.tasks.Wait()
	return nil
}

// Executor is the name of this process with the engine.
func (e *Engine) Executor() string { return e.name }

// Forget removes what the engine of a process that is gone left beside its workflows,
// which are gone on with when they are run again.
func (e *Engine) Forget(executor string) error {
	if err := dbos.DeleteQueue(e.root, queueOf(executor)); err != nil {
		return e.store.Explain(fmt.Errorf("forget %s: %w", executor, err))
	}
	return nil
}

// A Workflow is a registered function from I to O. Both travel as JSON.
type Workflow[I, O any] struct {
	name string
	fn   dbos.Workflow[I, outcome[O]]
}

// Register makes fn a workflow of the engine under a name that stays for good.
// fn must be deterministic but for what it does inside Do. A name holds no slash.
func Register[I, O any](e *Engine, name string, fn func(*Steps, I) (O, error)) *Workflow[I, O] {
	if strings.Contains(name, "/") {
		panic("workflow " + name + ": a name with a slash may be another's name and subject")
	}
	w := &Workflow[I, O]{name: name, fn: func(ctx dbos.Context, in I) (outcome[O], error) {
		id, err := dbos.GetWorkflowID(ctx)
		if err != nil {
			return outcome[O]{}, err
		}
		r, ok := e.begin(id)
		if !ok {
			return outcome[O]{}, fmt.Errorf("nobody waits for %s: %w", id, context.Canceled)
		}
		defer r.working.Done()
		out, err := fn(&Steps{ctx: ctx, run: r}, in)
		return record(r, out, err)
	}}
	dbos.RegisterWorkflow(e.root, w.fn, dbos.WithWorkflowName(name), dbos.WithMaxRecoveryAttempts(attempts))
	return w
}

// Run executes the workflow on a subject to its end and returns its result. If
// an earlier run on that subject was cut short, by a crash or by its context,
// Run goes on with it from its last recorded step, with the input it had;
// otherwise it starts anew. Before it goes on it calls resuming, if that is not
// nil. Only one Run on a subject may be under way at a time; the caller sees to
// that.
//
// When ctx is done, the step under way sees it, and Run returns once it has
// ended; the work stays resumable, unless it came to its end all the same.
func (w *Workflow[I, O]) Run(ctx context.Context, e *Engine, subject string, in I, resuming func()) (out O, err error) {
	if ctx.Err() != nil {
		return out, context.Cause(ctx)
	}
	id, open, err := w.attempt(e, subject)
	if err != nil {
		return out, err
	}
	if open && resuming != nil {
		resuming()
	}
	r, end := e.watch(ctx, id)
	defer end()
	var h dbos.WorkflowHandle[outcome[O]]
	if open {
		h, err = dbos.ResumeWorkflow[outcome[O]](e.root, id, dbos.WithResumeQueue(e.queue))
	} else {
		h, err = dbos.RunWorkflow(e.root, w.fn, in, dbos.WithWorkflowID(id))
	}
	if err != nil {
		return out, e.store.Explain(fmt.Errorf("start workflow %s: %w", id, err))
	}
	return w.await(ctx, e, h, r, end)
}

// await returns the result, or, when ctx is done, its cause once the workflow's
// function has returned.
func (w *Workflow[I, O]) await(ctx context.Context, e *Engine, h dbos.WorkflowHandle[outcome[O]], begun *run, end func()) (out O, err error) {
	type result struct {
		outcome outcome[O]
		err     error
	}
	defer e.insist(h.GetWorkflowID(), begun)()
	results := make(chan result, 1)
	e.tasks.Go(func() {
		o, err := h.GetResult(dbos.WithHandlePollingInterval(e.poll))
		results <- result{o, err}
	})
	var r result
	select {
	case r = <-results:
	case <-ctx.Done():
		end()
		// The engine has been told by now; it may have had a result before that.
		if s, err := h.GetStatus(); err != nil || !ended(s) {
			return out, context.Cause(ctx)
		}
		r = <-results
	}
	switch {
	case r.err == nil:
		return r.outcome.Value, r.outcome.err()
	case ctx.Err() != nil:
		return out, context.Cause(ctx)
	}
	return out, e.store.Explain(fmt.Errorf("workflow %s: %w", h.GetWorkflowID(), r.err))
}

// insist has a workflow go on that has not begun after a while, until stop is called.
func (e *Engine) insist(id string, r *run) (stop func()) {
	tick, done := time.NewTicker(unheard), make(chan struct{})
	e.tasks.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				if !r.hasBegun() {
					_, _ = dbos.ResumeWorkflow[any](e.root, id, dbos.WithResumeQueue(e.queue)) // if that fails there is a next time
				}
			}
		}
	})
	return func() {
		tick.Stop()
		close(done)
	}
}

func ended(s dbos.WorkflowStatus) bool {
	return s.Status == dbos.WorkflowStatusSuccess || s.Status == dbos.WorkflowStatusError
}

// attempt returns the id of the run to go on with, and open, or of a new one.
// An id is the name, the subject and a number: the engine answers an id that has
// ended with its old result for ever.
func (w *Workflow[I, O]) attempt(e *Engine, subject string) (id string, open bool, err error) {
	prefix := w.name + "/" + subject + "/"
	last, err := dbos.ListWorkflows(e.root, dbos.WithFilterWorkflowIDPrefix(prefix),
		dbos.WithFilterLoadInput(false), dbos.WithFilterLoadOutput(false))
	if err != nil {
		return "", false, fmt.Errorf("look for earlier runs of %s: %w", prefix, err)
	}
	number := 0
	for _, s := range last {
		n, err := strconv.Atoi(strings.TrimPrefix(s.ID, prefix))
		if err != nil || n < number {
			continue
		}
		number = n
		id, open = s.ID, !ended(s)
	}
	if open {
		return id, true, nil
	}
	return prefix + strconv.Itoa(number+1), false, nil
}

// Abandon ends every run of the workflow whose subject begins with prefix and is
// not keep, so that none of them is gone on with. It returns how many there were.
func (w *Workflow[I, O]) Abandon(e *Engine, prefix, keep string) (int, error) {
	open, err := dbos.ListWorkflows(e.root, dbos.WithFilterWorkflowIDPrefix(w.name+"/"+prefix),
		dbos.WithFilterLoadInput(false), dbos.WithFilterLoadOutput(false))
	if err != nil {
		return 0, fmt.Errorf("look for unfinished runs of %s: %w", w.name, err)
	}
	var ids []string
	for _, s := range open {
		// The engine's own filter takes upper for lower case, and _ for any letter.
		meant := strings.HasPrefix(s.ID, w.name+"/"+prefix) && !strings.HasPrefix(s.ID, w.name+"/"+keep+"/")
		if meant && !ended(s) {
			ids = append(ids, s.ID)
		}
	}
	if len(ids) == 0 {
		return 0, nil
	}
	if err := dbos.DeleteWorkflows(e.root, ids); err != nil {
		return 0, fmt.Errorf("abandon unfinished runs of %s: %w", w.name, err)
	}
	return len(ids), nil
}

// Prune deletes the records of workflows that have ended, but for the newest keep
// of them. Nobody asks for those again: a workflow that has ended is run anew.
func (e *Engine) Prune(keep int) error {
	old, err := dbos.ListWorkflows(e.root, dbos.WithFilterStatus(dbos.WorkflowStatusSuccess, dbos.WorkflowStatusError),
		dbos.WithFilterSortDesc(), dbos.WithFilterOffset(keep), dbos.WithFilterLimit(1000),
		dbos.WithFilterLoadInput(false), dbos.WithFilterLoadOutput(false))
	if err != nil {
		return e.store.Explain(fmt.Errorf("look for old workflows: %w", err))
	}
	if len(old) == 0 {
		return nil
	}
	ids := make([]string, len(old))
	for i, s := range old {
		ids[i] = s.ID
	}
	if err := dbos.DeleteWorkflows(e.root, ids); err != nil {
		return e.store.Explain(fmt.Errorf("delete old workflows: %w", err))
	}
	return nil
}

// Steps is a workflow under way, handed to its function for Do.
type Steps struct {
	ctx dbos.Context
	run *run
}

// Context returns the context of the one who called Run, done when the workflow
// must stop.
func (s *Steps) Context() context.Context { return s.run.ctx }

// Do runs fn as a named step, or returns what it returned when an earlier
// process ran it. An error of fn is its recorded result too, with its kind and
// its way out, unless the workflow is being stopped.
func Do[T any](s *Steps, name string, fn func(context.Context) (T, error)) (T, error) {
	if s.run.stopped() {
		var zero T
		return zero, context.Cause(s.run.ctx)
	}
	o, err := dbos.RunAsStep(s.ctx, func(ctx context.Context) (outcome[T], error) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		defer s.run.whenDone(cancel)()
		ctx, span := telemetry.Start(telemetry.Under(ctx, s.run.ctx), "step "+name)
		v, err := fn(ctx)
		span.End(err)
		return record(s.run, v, err)
	}, dbos.WithStepName(name))
	if err != nil {
		return o.Value, err
	}
	return o.Value, o.err()
}

// An outcome is a result or an error as a recorded value: the engine keeps only
// the text of an error, and a resumed workflow must see its kind again.
type outcome[T any] struct {
	Value   T            `json:"value"`
	Kind    slipway.Kind `json:"kind,omitempty"`
	Message string       `json:"message,omitempty"`
	Fix     string       `json:"fix,omitempty"`
}

// record turns a result into an outcome. What ends badly while its workflow is
// being stopped has no outcome yet.
func record[T any](r *run, v T, err error) (outcome[T], error) {
	switch {
	case err == nil:
		return outcome[T]{Value: v}, nil
	case r.stopped():
		return outcome[T]{}, err
	}
	return outcome[T]{Value: v, Kind: slipway.KindOf(err), Message: err.Error(), Fix: slipway.FixOf(err)}, nil
}

func (o outcome[T]) err() error {
	if o.Kind == "" {
		return nil
	}
	return &slipway.Error{Kind: o.Kind, Message: o.Message, Fix: o.Fix}
}
