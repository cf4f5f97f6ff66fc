// Package policy judges plans by guard rails: rules of the platform team over
// facts. A rail's condition is a CEL expression, compiled against the types of
// the shapes that it applies to when it is loaded, so that a wrong field, type,
// unit or value is an error at its place, and never a rail that does not fire.
//
// [Load] takes the rails of some [Source] values and compiles them all; then
// [Book.Judge] says which rails some [Facts] hit, and [Book.Test] runs the
// platform's own cases. What cannot be judged counts as hit.
//
// The package is pure: bytes in, values out.
package policy
