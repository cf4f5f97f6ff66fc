package main

import (
	"runtime"
	"runtime/debug"
)

// A witness is seen to be garbage by the first collection. It is too large to share
// its place with something that lives on.
type witness [64]byte

// collectAsUsual has garbage collected as Go does it by itself, from the first
// collection on: short commands end before it, and long ones keep their memory
// small. What it returns is closed then.
func collectAsUsual(percent int) <-chan struct{} {
	done := make(chan struct{})
	runtime.SetFinalizer(&witness{}, func(*witness) {
		debug.SetGCPercent(percent)
		close(done)
	})
	return done
}
