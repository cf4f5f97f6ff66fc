// Package lint finds what is wrong with a notebook that becomes a job: secrets,
// names that no cell defines, what only works in a notebook, modules that a
// worker does not have.
//
// Start with [New] and [Linter.Lint], which returns findings with their places.
// [Rules] lists the rules; README.md explains each. [Linter.Fix] mends what can
// be mended safely, and [SARIF] writes findings for other tools. The package is
// pure: bytes in, values out.
package lint
