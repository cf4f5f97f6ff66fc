package workflow

import (
	"context"
	"sync"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
)

// A run is one call of Workflow.Run. The engine starts a resumed workflow outside
// of the context of whoever resumed it, and does not interrupt a step; so what the
// caller's context says, and whether the function is still at work, is kept here.
type run struct {
	ctx    context.Context //nolint:containedctx // a run is one call, and lives as long
	marked chan struct{}   // closed when the engine knows that the run is stopped

	mu      sync.Mutex
	begun   bool // the function was called
	over    bool // nobody waits any more
	working sync.WaitGroup
}

// watch makes the run known under its id until end is called, which waits until
// the workflow's function has returned. When ctx is done the engine is told, so
// that it takes no more results.
func (e *Engine) watch(ctx context.Context, id string) (r *run, end func()) {
	r = &run{ctx: ctx, marked: make(chan struct{})}
	e.runs.Store(id, r)
	stop := context.AfterFunc(ctx, func() {
		defer close(r.marked)
		// If that fails the step's error is taken for its result, and the next
		// Run on the subject starts anew: every step may run twice.
		if e.has(id) {
			_ = dbos.CancelWorkflow(e.root, id)
		}
	})
	return r, sync.OnceFunc(func() {
		r.mu.Lock()
		r.over = true
		r.mu.Unlock()
		r.working.Wait()
		if !stop() {
			<-r.marked
		}
		e.runs.Delete(id)
	})
}

// has reports whether a workflow is at work in this process, for all that is known.
// Another one that shares the database may have gone on with it, when this one was taken
// for lost.
func (e *Engine) has(id string) bool {
	if !e.store.Shared() {
		return true
	}
	all, err := dbos.ListWorkflows(e.root, dbos.WithFilterWorkflowIDs(id), dbos.WithFilterLoadInput(false), dbos.WithFilterLoadOutput(false))
	return err != nil || len(all) != 1 || all[0].ExecutorID == e.name
}

// begin finds the run that a workflow's function works for.
func (e *Engine) begin(id string) (*run, bool) {
	v, ok := e.runs.Load(id)
	if !ok {
		return nil, false
	}
	r, _ := v.(*run) // runs holds nothing else
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over || r.begun {
		return nil, false
	}
	r.begun = true
	r.working.Add(1)
	return r, true
}

// hasBegun reports whether the function was called.
func (r *run) hasBegun() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.begun
}

// whenDone calls cancel with the cause once the caller's context is done, until
// stop is called.
func (r *run) whenDone(cancel context.CancelCauseFunc) (stop func() bool) {
	return context.AfterFunc(r.ctx, func() { cancel(context.Cause(r.ctx)) })
}

// stopped reports whether the caller's context is done; if it is, the engine
// knows too once stopped returns, and takes no result of what is under way.
func (r *run) stopped() bool {
	if r.ctx.Err() == nil {
		return false
	}
	<-r.marked
	return true
}
