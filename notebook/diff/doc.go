// Package diff compares notebooks cell by cell, and merges them.
//
// Start with [Read], which takes the bytes of an .ipynb file. [Compare] aligns
// the cells of two documents, by id and then by likeness; the [Diff] that it
// returns is written as text for a terminal, as a self-contained HTML page, or
// as operations in the format of nbdime, which [Patch] applies. [Merge] is the
// three-way merge: what collides is marked inside the cells, so that the result
// is a notebook still. [Document.Text] is what plain git diff compares.
//
// The package is pure: bytes in, values out. A document keeps the order of its
// keys and the text of what nobody changed, so that a merge leaves the rest of
// a file alone. Text is held as Python holds it, as in package notebook.
package diff
