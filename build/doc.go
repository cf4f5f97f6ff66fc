// Package build turns an app's source at one commit into artifacts.
//
// Start with [New] and [Stage.Run]. The team's own steps run first, in a clean
// copy of the repository; then the built-in ones: a notebook becomes a script for
// the runtime, a script is checked, helper modules are packed into one zip. The
// result lies in a cache under a digest of everything that went into it, so
// unchanged input is not built again, and the same input gives the same bytes on
// every machine.
package build
