package gluetest

import "slices"

// A Call is one request that reached the fake.
type Call struct {
	// N counts the calls from 1.
	N int
	// Op is the operation, such as UpdateJob.
	Op string
	// Input is the request's body.
	Input map[string]any
	// Outcome is what Fault said.
	Outcome Outcome
	// Acted says that the call changed something, whatever the answer was.
	Acted bool
	// Code is the code of the error that was answered, empty where none was.
	Code string
}

// Calls returns all calls so far.
func (f *Fake) Calls() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// Effects returns the calls that changed something: of these operations, or of all.
func (f *Fake) Effects(ops ...string) []Call {
	return slices.DeleteFunc(f.Calls(), func(c Call) bool {
		return !c.Acted || len(ops) > 0 && !slices.Contains(ops, c.Op)
	})
}

// Forget drops the record of calls; the numbers begin again.
func (f *Fake) Forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = nil
}

// admit records a call and asks what is to become of it.
func (f *Fake) admit(op string, input object) Call {
	f.mu.Lock()
	call := Call{N: len(f.calls) + 1, Op: op, Input: clone(input)}
	f.calls = append(f.calls, call)
	fault := f.fault
	f.mu.Unlock()
	if fault != nil {
		call.Outcome = fault(call)
	}
	f.note(call)
	return call
}

// note records what became of a call.
func (f *Fake) note(call Call) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if call.N <= len(f.calls) {
		f.calls[call.N-1] = call
	}
}
