// Package drivertest holds drivers to the contract in package driver. A
// driver's own test is one call of Run; tests of what uses drivers want Fake, a
// runtime in a folder that fails on request.
package drivertest

import (
	"maps"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

// Behaviour is what a target's script does. Whatever it does, it first prints
// Output and nothing else.
type Behaviour string

// The behaviours.
const (
	Succeeds Behaviour = "succeeds"
	Fails    Behaviour = "fails"   // by an error, so that the run has a message
	Endless  Behaviour = "endless" // until it is stopped
)

// Output is what every script prints.
const Output = "first line\nsecond line\nümlaut line\n"

// A Kit is a driver to be tested, and what the tests need to know about it.
type Kit struct {
	// Driver is the driver, on a runtime that holds no job.
	Driver driver.Driver

	// Reopen returns a new driver over the same runtime, as a process has that
	// is started later.
	Reopen func() driver.Driver

	// Target returns a target of the app "kit" that this runtime can run, with
	// one script that behaves as asked. Targets with different behaviours have
	// different scripts. The parameters version, timeout, schedule, timezone and
	// max_concurrent_runs are the tests' to set.
	Target func(Behaviour) slipway.Target

	// Blobs holds the artifacts of the targets.
	Blobs driver.Blobs

	// Script returns the bytes of the deployed job's script as the runtime has
	// them now.
	Script func(slipway.Handle) ([]byte, error)

	// Meddle changes the deployed job's script behind the driver's back. Nil:
	// that cannot be done here.
	Meddle func(slipway.Handle) error
}

// Run holds a driver to the contract. Make is called once for each test.
// Optional abilities are tested where the driver has them.
func Run(t *testing.T, make func(t *testing.T) Kit) {
	t.Helper()
	for _, group := range []map[string]func(*testing.T, Kit){deployTests(), runTests(), scheduleTests()} {
		for _, name := range sorted(group) {
			t.Run(name, func(t *testing.T) { group[name](t, make(t)) })
		}
	}
}

// version returns the kit's target under another version.
func version(t slipway.Target, v string) slipway.Target {
	t.Version = v
	return t
}

// with returns the target with one more parameter.
func with(t slipway.Target, key string, value any) slipway.Target {
	t.Run = maps.Clone(t.Run)
	if t.Run == nil {
		t.Run = map[string]any{}
	}
	t.Run[key] = value
	return t
}
