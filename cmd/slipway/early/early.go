// Package early puts off the first collection of garbage until the program is up.
//
// The packages that are linked in, the models of AWS's services above all, make
// some 30,000 objects before main begins, and nearly all of them stay. Go begins to
// collect at 4 MB, which is within that: it took a quarter of the start of every
// command, to find nothing.
//
// Go initialises packages that need no other one first, in the order of their
// paths, which puts this one before the first large one. Therefore it imports
// nothing, package runtime included, and reaches [runtime/debug.SetGCPercent]
// below its name. early.s is empty: without it, the compiler would want a body.
package early

import _ "unsafe" // for go:linkname

// percent is four times Go's own, so that the first collection comes at 16 MB.
const percent = 400

//go:linkname setGCPercent runtime/debug.setGCPercent
func setGCPercent(percent int32) int32

// Percent is what was set before, by GOGC or by Go. Whoever links this package in
// sets it again once the program is up.
var Percent = setGCPercent(percent) //nolint:gochecknoglobals // it is set before anything else runs, and never again
